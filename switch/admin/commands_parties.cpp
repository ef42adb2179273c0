// Merchants and terminals that are added beside those of the file: their arguments are the keys of the file's
// sections. And what customers and merchants are told.
#include "switch/admin/command_groups.hpp"
#include "switch/config/added_sections.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;
using ledger::PartyKind;

namespace {

Kind kind_of(const config::SectionArgument& argument) {
    if (argument.name == "merchant") return Kind::merchant;
    if (argument.name == "last") return Kind::terminal;
    return argument.kind == config::Node::Kind::boolean ? Kind::choice : Kind::text;
}

/// The table of section_arguments() lives as long as the program, and so do the texts.
void add_section_arguments(std::vector<ArgumentInfo>& into, PartyKind kind) {
    for (const config::SectionArgument& argument : config::section_arguments(kind)) {
        ArgumentInfo info;
        info.name = argument.name;
        info.kind = kind_of(argument);
        info.required = argument.required;
        info.positional = argument.name == "last";
        info.help = argument.help;
        if (info.kind == Kind::choice) info.choices = "true false";
        into.push_back(info);
    }
}

}  // namespace

std::vector<CommandInfo> party_commands() {
    const ArgumentInfo merchant{"merchant", Kind::merchant, true, true, "DE42"};
    const ArgumentInfo terminal{"terminal", Kind::terminal, true, true, "DE41"};
    const ArgumentInfo first{"first", Kind::terminal, true, true, "DE41 of the first terminal of the range"};
    std::vector<ArgumentInfo> of_merchant = {merchant};
    add_section_arguments(of_merchant, PartyKind::merchant);
    std::vector<ArgumentInfo> of_terminals = {first};
    add_section_arguments(of_terminals, PartyKind::terminals);
    return {
        {"merchants show", "viewer", "everything that holds for a merchant", {merchant}},
        {"merchants add", "supervisor", "a merchant beside those of the file", std::move(of_merchant)},
        {"merchants remove", "supervisor", "take back one that was added", {merchant}},
        {"terminals show", "viewer", "everything that holds for a terminal", {terminal}},
        {"terminals add", "supervisor", "a range of terminals beside those of the file",
         std::move(of_terminals)},
        {"terminals remove", "supervisor", "take back a range that was added", {first}},
        {"notices list",
         "viewer",
         "what customers and merchants are told of refunds, newest first",
         {{"behind", Kind::text, false, false, "those behind this number, oldest first"}},
         {"notices", true, true, "waiting delivered", "accepted processing done abnormal expired not_paid"}},
    };
}

}  // namespace acquirer::admin
