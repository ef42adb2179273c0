// FlowScript: a flow file, read and checked for form (tests/flow/README.md). What its lines do is
// flow_player.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"

namespace flow {

struct Line {
    std::size_t number = 0;
    std::string subject;             // "terminal", "issuer", "expect" …
    std::vector<std::string> words;  // after the subject, without KEY=VALUE and without the arrow
    std::map<std::string, std::string> values;
    std::string answer;  // after "->": "00", "98/68", "nothing"; empty: not said
    std::string text;    // as written

    /// What the issuer does with the request of the line before: "declines", "silent" …
    [[nodiscard]] bool is_reaction() const;
    [[nodiscard]] std::string word(std::size_t n) const {
        return n < words.size() ? words[n] : std::string();
    }
    [[nodiscard]] std::optional<std::string> value(const std::string& key) const {
        const auto at = values.find(key);
        return at == values.end() ? std::nullopt : std::optional(at->second);
    }
};

struct Script {
    std::string name;                // of the file
    std::string title;               // its first comment
    std::vector<std::string> rules;  // "R50"
    std::map<std::string, std::string> given;
    std::vector<Line> lines;
};

/// The error names the line. A line or an arrow that would have no effect is refused: an arrow that nobody
/// looks at, a reaction of the issuer without a request before it.
iso8583::Result<Script> parse_script(std::string name, std::string_view text);

/// "31s", "5m", "2h", "1d", "200ms"; with a sign when `may_be_negative`.
std::optional<std::int64_t> parse_duration_ms(std::string_view text, bool may_be_negative = false);

}  // namespace flow
