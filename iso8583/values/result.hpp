// Result<T, E>: the form of "the peer (or the file, or the typist) was wrong".
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace iso8583 {

/// What a parse_* function says of bad text: a sentence naming what was needed. Never the text itself, which
/// may be sensitive.
struct ParseError {
    std::string what;
};

template <typename T, typename E = ParseError>
using Result = tl::expected<T, E>;

inline tl::unexpected<ParseError> parse_error(std::string what) {
    return tl::unexpected(ParseError{std::move(what)});
}

}  // namespace iso8583
