#include "switch/admin/commands.hpp"

#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

/// An argument of the command's own under that name stays as it is.
void add(CommandInfo& command, const ArgumentInfo& argument) {
    for (const ArgumentInfo& own : command.arguments)
        if (own.name == argument.name) return;
    command.arguments.push_back(argument);
}

void add_list_arguments(CommandInfo& command) {
    const ListInfo& list = command.list;
    if (list.days) {
        add(command, {"from", Kind::date, false, false, "first business day, YYYY-MM-DD"});
        add(command, {"to", Kind::date, false, false, "last business day, YYYY-MM-DD"});
        add(command, {"day", Kind::date, false, false, "that business day alone"});
    }
    if (list.parties) {
        add(command, {"merchant", Kind::merchant, false, false, "of this merchant (DE42)"});
        add(command, {"terminal", Kind::terminal, false, false, "of this terminal (DE41)"});
        add(command, {"route", Kind::word, false, false, "of this route"});
    }
    if (!list.states.empty())
        add(command, {"state", Kind::choice, false, false, "in this state", list.states});
    if (!list.kinds.empty()) add(command, {"kind", Kind::choice, false, false, "of this kind", list.kinds});
    add(command, {"limit", Kind::number, false, false, "at most so many rows (50)"});
    add(command, {"after", Kind::cursor, false, false, "go on behind this cursor of a list that was cut"});
}

}  // namespace

const std::vector<CommandInfo>& commands() {
    static const std::vector<CommandInfo> all = [] {
        std::vector<CommandInfo> list = look_commands();
        for (auto&& group :
             {list_commands(), refund_commands(), way_out_commands(), changing_commands(), party_commands(),
              batch_commands(), recon_commands(), money_commands(), store_commands(), retention_commands(),
              vault_commands(), file_commands(), report_commands()})
            list.insert(list.end(), group.begin(), group.end());
        for (CommandInfo& command : list)
            if (command.is_list()) add_list_arguments(command);
        return list;
    }();
    return all;
}

const CommandInfo* find_command(std::string_view name) {
    for (const CommandInfo& command : commands())
        if (command.name == name) return &command;
    return nullptr;
}

}  // namespace acquirer::admin
