// Texts in other encodings than UTF-8: the files that others wrote, and the national characters of messages.
// Whole texts at once; nothing is replaced and nothing guessed: what is not of the encoding is no text. Any
// thread. Source: the conversions are the C library's (iconv).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iso8583 {

/// What the bytes above 7F of a message's text are.
enum class TextEncoding : std::uint8_t {
    latin1,  // each byte is a character
    gbk,     // two bytes a character, as UnionPay's terminals have them
    utf8
};

std::string_view name_of(TextEncoding encoding);

bool is_utf8(std::string_view text);

/// UTF-8 of a text of the encoding that has the name ("GBK", "ISO-8859-1", "UTF-16"); nothing when the name
/// is not known or the text is not of it.
std::optional<std::string> utf8_of(std::string_view text, const std::string& encoding);

std::optional<std::string> to_utf8(std::string_view text, TextEncoding from);
std::optional<std::string> from_utf8(std::string_view utf8, TextEncoding to);

/// For people and JSON: UTF-8 of a message's text, always, and always to be turned back. What is no text of
/// its encoding has its bytes above 7F as the private characters U+F780 to U+F7FF.
std::string text_of_bytes(std::string_view bytes, TextEncoding encoding);
/// And back; nothing when a character is not of the encoding.
std::optional<std::string> bytes_of_text(std::string_view utf8, TextEncoding encoding);

}  // namespace iso8583
