#include "switch/config/added_sections.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "switch/config/config_schema.hpp"

namespace acquirer::config {
namespace {

using iso8583::parse_error;
using ledger::PartyKind;

template <typename T>
void add_arguments(std::vector<SectionArgument>& into, const Keys<T>& keys, std::string_view id_key,
                   bool of_refunds) {
    for (const Key<T>& key : keys) {
        if (key.name == id_key) continue;
        SectionArgument argument;
        argument.name = key.name;
        std::replace(argument.name.begin(), argument.name.end(), '_', '-');
        argument.key = key.name;
        argument.kind = key.kind;
        argument.help = key.meaning + " (" + key.type + ")";
        argument.required = key.required;
        argument.of_refunds = of_refunds;
        argument.secret = key.type.find("key block") != std::string::npos;
        into.push_back(std::move(argument));
    }
}

iso8583::Result<std::string> quoted(const std::string& name, std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return parse_error(name + ": holds a control character");
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

/// "a,b" as TOML's list of texts.
iso8583::Result<std::string> list_of_texts(const std::string& name, std::string_view text) {
    std::string out = "[";
    while (true) {
        const std::size_t end = std::min(text.find(','), text.size());
        const auto item = quoted(name, text.substr(0, end));
        if (!item) return item;
        out += *item;
        if (end == text.size()) return out + "]";
        out += ", ";
        text.remove_prefix(end + 1);
    }
}

/// A value as TOML has it.
iso8583::Result<std::string> value_of(const SectionArgument& argument, const std::string& text) {
    switch (argument.kind) {
        case Node::Kind::integer:
            if (text.empty() || text.size() > 12 || !iso8583::all_digits(text))
                return parse_error(argument.name + ": needs a number");
            // Without leading zeros, which TOML does not have.
            return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
        case Node::Kind::boolean:
            if (text != "true" && text != "false")
                return parse_error(argument.name + ": needs true or false");
            return text;
        case Node::Kind::list:
            return list_of_texts(argument.name, text);
        case Node::Kind::text:
        case Node::Kind::table:
        case Node::Kind::other:
            break;
    }
    return quoted(argument.name, text);
}

const char* list_of(PartyKind kind) { return kind == PartyKind::merchant ? "merchant" : "terminals"; }

std::string text_of(const Node& table, std::string_view key) {
    const Node* found = table.find(key);
    return found != nullptr && found->kind == Node::Kind::text ? found->text : "";
}

bool is_the_same(std::string_view list, const Node& a, const Node& b) {
    if (list == "merchant") return text_of(a, "id") == text_of(b, "id");
    return text_of(a, "first") == text_of(b, "first") && text_of(a, "last") == text_of(b, "last");
}

Node& list_in(Node& document, std::string_view name) {
    for (Member& member : document.members)
        if (member.first == name) return member.second;
    document.members.push_back({std::string(name), {}});
    document.members.back().second.kind = Node::Kind::list;
    return document.members.back().second;
}

/// It stands on no line of the file.
void forget_lines(Node& node) {
    node.line = 0;
    for (Node& item : node.items) forget_lines(item);
    for (Member& member : node.members) forget_lines(member.second);
}

}  // namespace

const std::vector<SectionArgument>& section_arguments(PartyKind kind) {
    static const std::vector<SectionArgument> of_merchant = [] {
        std::vector<SectionArgument> all;
        add_arguments(all, merchant_keys(), "id", false);
        add_arguments(all, refund_keys(), "", true);
        return all;
    }();
    static const std::vector<SectionArgument> of_terminals = [] {
        std::vector<SectionArgument> all;
        add_arguments(all, terminals_keys(), "first", false);
        return all;
    }();
    return kind == PartyKind::merchant ? of_merchant : of_terminals;
}

iso8583::Result<std::string> section_of(PartyKind kind, const std::string& id,
                                        const std::map<std::string, std::string>& arguments) {
    const std::string list = list_of(kind);
    std::string section =
        "[[" + list + "]]\n" + (kind == PartyKind::merchant ? "id" : "first") + " = \"" + id + "\"\n";
    for (const bool of_refunds : {false, true}) {
        bool begun = !of_refunds;
        for (const SectionArgument& argument : section_arguments(kind)) {
            const auto given = arguments.find(argument.name);
            if (argument.of_refunds != of_refunds || given == arguments.end()) continue;
            const auto value = value_of(argument, given->second);
            if (!value) return tl::unexpected(value.error());
            if (!begun) section += "[" + list + ".refund]\n";
            begun = true;
            section += argument.key + " = " + *value + "\n";
        }
    }
    return section;
}

std::string words_of_section(PartyKind kind, const std::map<std::string, std::string>& arguments) {
    std::string words;
    for (const SectionArgument& argument : section_arguments(kind)) {
        const auto given = arguments.find(argument.name);
        if (given == arguments.end()) continue;
        words += " " + argument.name + "=" + (argument.secret ? "(a key)" : given->second);
    }
    return words;
}

iso8583::Result<std::vector<AddedPlace>, ConfigProblems> lay_added_over(
    Node& document, const std::vector<AddedSection>& added) {
    std::vector<AddedPlace> places;
    for (const AddedSection& section : added) {
        auto parsed = parse_document(section.toml);
        if (!parsed)
            return tl::unexpected(
                ConfigProblems{{section.what, parsed.error().line, "", parsed.error().what}});
        for (Member& member : parsed->members) {
            Node& into = list_in(document, member.first);
            if (into.kind != Node::Kind::list || member.second.kind != Node::Kind::list) continue;
            for (Node& one : member.second.items) {
                forget_lines(one);
                const auto same = std::find_if(into.items.begin(), into.items.end(), [&](const Node& other) {
                    return is_the_same(member.first, one, other);
                });
                std::size_t place = into.items.size();
                if (same != into.items.end()) {
                    place = static_cast<std::size_t>(same - into.items.begin());
                    *same = std::move(one);
                } else {
                    into.items.push_back(std::move(one));
                }
                places.push_back({member.first + "[" + std::to_string(place + 1) + "]", section.what});
            }
        }
    }
    return places;
}

ConfigProblems with_their_places(ConfigProblems problems, const std::vector<AddedPlace>& added) {
    for (ConfigProblem& problem : problems)
        for (const AddedPlace& place : added) {
            if (problem.key != place.path && !problem.key.starts_with(place.path + ".")) continue;
            problem.file = place.what;
            problem.line = 0;
            problem.key = problem.key.size() > place.path.size() ? problem.key.substr(place.path.size() + 1)
                                                                 : std::string();
            break;
        }
    return problems;
}

}  // namespace acquirer::config
