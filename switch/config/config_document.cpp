#include "switch/config/config_document.hpp"

#include <toml++/toml.h>
#include <algorithm>

namespace acquirer::config {
namespace {

Node node_of(const toml::node& from) {
    Node node;
    node.line = static_cast<int>(from.source().begin.line);
    if (const auto* table = from.as_table()) {
        node.kind = Node::Kind::table;
        for (const auto& [key, value] : *table)
            node.members.push_back({std::string(key.str()), node_of(value)});
        // toml++ orders keys by name; people read a file by its lines.
        std::stable_sort(node.members.begin(), node.members.end(),
                         [](const auto& a, const auto& b) { return a.second.line < b.second.line; });
        // A table that is only named by its children ([a.b] without [a]) has no line of its own.
        if (node.line == 0 && !node.members.empty()) node.line = node.members.front().second.line;
    } else if (const auto* list = from.as_array()) {
        node.kind = Node::Kind::list;
        for (const auto& item : *list) node.items.push_back(node_of(item));
    } else if (const auto* text = from.as_string()) {
        node.kind = Node::Kind::text;
        node.text = text->get();
    } else if (const auto* integer = from.as_integer()) {
        node.kind = Node::Kind::integer;
        node.integer = integer->get();
    } else if (const auto* boolean = from.as_boolean()) {
        node.kind = Node::Kind::boolean;
        node.boolean = boolean->get();
    }
    return node;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    for (const auto& [member, value] : members)
        if (member == key) return &value;
    return nullptr;
}

std::string_view name(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::text:
            return "a text";
        case Node::Kind::integer:
            return "a number";
        case Node::Kind::boolean:
            return "true or false";
        case Node::Kind::list:
            return "a list";
        case Node::Kind::table:
            return "a table";
        case Node::Kind::other:
            return "a fraction, date or time";
    }
    return "?";
}

iso8583::Result<Node, SyntaxError> parse_document(std::string_view toml_text) {
    if (toml_text.size() > config_bytes_max)
        return tl::unexpected(
            SyntaxError{0, "the file is larger than " + std::to_string(config_bytes_max) + " bytes"});
    try {
        return node_of(toml::parse(toml_text));
    } catch (const toml::parse_error& error) {
        return tl::unexpected(
            SyntaxError{static_cast<int>(error.source().begin.line), std::string(error.description())});
    }
}

}  // namespace acquirer::config
