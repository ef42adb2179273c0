// How the tables of config_schema*.cpp make their keys: one function for each kind of value.
#pragma once

#include <limits>
#include <type_traits>

#include "switch/config/config_schema.hpp"

// The member that a key fills, as a function of the section's value: members of members have no pointer of
// their own.
// A member's name cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define CONFIG_AT(member) \
    [](auto& section) -> auto& { return section.member; }
// NOLINTEND(bugprone-macro-parentheses)

namespace acquirer::config {

template <typename T, typename At>
Key<T> integer(std::string_view name, std::int64_t min, std::int64_t max, std::string_view unit,
               std::string_view meaning, At at) {
    Key<T> key;
    key.kind = Node::Kind::integer;
    key.name = name;
    key.type = "number " + std::to_string(min) + " to " + std::to_string(max);
    T defaults{};
    using Value = std::remove_reference_t<decltype(at(defaults))>;
    if constexpr (std::is_integral_v<Value>)
        key.default_value = std::to_string(at(defaults));
    else
        key.default_value = "none";
    key.unit = unit;
    key.meaning = meaning;
    key.set = [min, max, at](T& into, const Node& node, const Context&) -> std::optional<std::string> {
        if (node.integer < min || node.integer > max)
            return "is " + std::to_string(node.integer) + ", " + std::to_string(min) + " to " +
                   std::to_string(max) + " is allowed";
        if constexpr (std::is_integral_v<Value>)
            at(into) = static_cast<Value>(node.integer);
        else
            at(into) = static_cast<typename Value::value_type>(node.integer);
        return std::nullopt;
    };
    return key;
}

template <typename T, typename At>
Key<T> boolean(std::string_view name, std::string_view meaning, At at) {
    Key<T> key;
    key.kind = Node::Kind::boolean;
    key.name = name;
    key.type = "true or false";
    T defaults{};
    key.default_value = at(defaults) ? "true" : "false";
    key.meaning = meaning;
    key.set = [at](T& into, const Node& node, const Context&) -> std::optional<std::string> {
        at(into) = node.boolean;
        return std::nullopt;
    };
    return key;
}

/// Text that `parse` turns into the member's value: Result<Value>(std::string_view).
template <typename T, typename At, typename Parse>
Key<T> parsed(std::string_view name, std::string_view type, std::string_view default_value,
              std::string_view meaning, At at, Parse parse) {
    Key<T> key;
    key.name = name;
    key.type = type;
    key.default_value = default_value;
    key.meaning = meaning;
    key.set = [at, parse](T& into, const Node& node, const Context&) -> std::optional<std::string> {
        auto value = parse(std::string_view(node.text));
        if (!value) return value.error().what;
        at(into) = std::move(*value);
        return std::nullopt;
    };
    return key;
}

/// An amount in major units of the switch's currency, kept in minor units.
template <typename T, typename At>
Key<T> amount(std::string_view name, std::string_view meaning, At at) {
    Key<T> key;
    key.name = name;
    key.type = "amount as text, \"500.00\"";
    T defaults{};
    if constexpr (std::is_integral_v<std::remove_reference_t<decltype(at(defaults))>>)
        key.default_value = iso8583::Amount(at(defaults), iso8583::Currency::of(156)).major();
    else
        key.default_value = "none";
    key.unit = "major units";
    key.meaning = meaning;
    key.set = [at](T& into, const Node& node, const Context& context) -> std::optional<std::string> {
        const auto value = iso8583::Amount::parse_major(node.text, context.currency);
        if (!value) return value.error().what;
        if (value->minor_units() <= 0) return std::string("has to be more than nothing");
        at(into) = value->minor_units();
        return std::nullopt;
    };
    return key;
}

template <typename Value>
struct Choice {
    std::string_view word;
    Value value;
};

template <typename T, typename Value, typename At>
Key<T> choice(std::string_view name, std::vector<Choice<Value>> choices, std::string_view meaning, At at) {
    Key<T> key;
    key.name = name;
    T defaults{};
    std::string words;
    for (const auto& c : choices) {
        words += (words.empty() ? "" : ", ") + std::string(c.word);
        if (at(defaults) == c.value) key.default_value = c.word;
    }
    key.type = "one of " + words;
    key.meaning = meaning;
    key.set = [choices = std::move(choices), words, at](T& into, const Node& node,
                                                        const Context&) -> std::optional<std::string> {
        for (const auto& c : choices)
            if (c.word == node.text) {
                at(into) = c.value;
                return std::nullopt;
            }
        return "has to be one of " + words;
    };
    return key;
}

/// A list of texts; `set` gets them as a vector and may refuse.
template <typename T, typename Set>
Key<T> text_list(std::string_view name, std::string_view default_value, std::string_view meaning, Set set) {
    Key<T> key;
    key.kind = Node::Kind::list;
    key.name = name;
    key.type = "list of texts";
    key.default_value = default_value;
    key.meaning = meaning;
    key.set = [set](T& into, const Node& node, const Context&) -> std::optional<std::string> {
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            if (node.items[i].kind != Node::Kind::text)
                return "entry " + std::to_string(i + 1) + " is " +
                       std::string(config::name(node.items[i].kind)) + ", a text is needed";
            texts.push_back(node.items[i].text);
        }
        return set(into, std::move(texts));
    };
    return key;
}

template <typename T>
Key<T> required(Key<T> key) {
    key.required = true;
    key.default_value.clear();
    return key;
}
template <typename T>
Key<T> with_default(Key<T> key, std::string_view shown) {
    key.default_value = shown;
    return key;
}

/// Text of at most `longest` printable characters.
inline auto plain_text(std::size_t longest) {
    return [longest](std::string_view text) -> iso8583::Result<std::string> {
        if (text.empty() || text.size() > longest)
            return iso8583::parse_error("needs 1 to " + std::to_string(longest) + " characters");
        for (const char c : text)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                return iso8583::parse_error("holds a control character");
        return std::string(text);
    };
}
/// A name that goes into metrics and commands: letters, digits, - and _.
iso8583::Result<std::string> word(std::string_view text);
iso8583::Result<hsm::KeyBlock> key_block(std::string_view text);
/// Addresses to connect to: 1 to 16, no port 0, none twice.
std::optional<std::string> set_endpoints(std::vector<Endpoint>& into, const std::vector<std::string>& texts);

}  // namespace acquirer::config
