// A TOML document as plain values with their lines, so that toml++ is seen by one file only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iso8583/values/result.hpp"

namespace acquirer::config {

struct Member;

struct Node {
    enum class Kind : std::uint8_t { text, integer, boolean, list, table, other };
    Kind kind = Kind::other;
    std::string text;
    std::int64_t integer = 0;
    bool boolean = false;
    std::vector<Node> items;      // list
    std::vector<Member> members;  // table, in the order of their lines
    int line = 0;

    [[nodiscard]] const Node* find(std::string_view key) const;
};
/// A key of a table and what stands there. A type of its own, because std::pair wants its parts complete.
struct Member {
    std::string first;
    Node second;
};
/// "a text", "a number" …: what stands there, for an error.
std::string_view name(Node::Kind kind);

struct SyntaxError {
    int line = 0;
    std::string what;
};

/// Lines are those of the keys' values; the file may be at most config_bytes_max long.
/// FNV-1a: tells one text from another in status and audit; not meant against forgery.
std::string content_hash(std::string_view text);

inline constexpr std::size_t config_bytes_max = std::size_t{4} * 1024 * 1024;
iso8583::Result<Node, SyntaxError> parse_document(std::string_view toml);

}  // namespace acquirer::config
