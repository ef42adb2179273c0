// Describe: a message for people and for scripts, masked. One line per field in text, one object in JSON, and
// a view that says of every byte what it is.
//
// Works on what was decoded, so also on what decode left in `partial`. Pure; never throws on any content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/message.hpp"

namespace iso8583 {

struct DescribeOptions {
    bool reveal = false;    // show card data, PIN blocks, tracks and keys as they are
    bool subfields = true;  // a line for each subfield as well
};

/// "MTI 0200 financial request", then a line for each field: number, name, masked content, meaning where it
/// has one.
std::string describe(const Message& message, const DescribeOptions& options = {});

/// {"mti":"0200","dialect":"…","fields":{"2":"621234******0001","55":{"9F02":"…"}},"subfields":{"60.1":"22"}}
/// Contents are canonical; bytes are hex, also the values of tags. Text is UTF-8 (text_of_bytes).
std::string describe_json(const Message& message, const DescribeOptions& options = {});

/// Offset, bytes and what they are, for all of the body; what was not decoded is a line of its own.
std::string describe_bytes(const Message& message, const DescribeOptions& options = {});

/// One field masked as describe shows it.
std::string describe_field(const Message& message, Field f, const DescribeOptions& options = {});

/// Two messages field by field: only what differs, masked; empty when nothing does.
std::string describe_difference(const Message& a, const Message& b, const DescribeOptions& options = {});

/// "financial request", "reversal advice, repeat".
std::string mti_text(Mti mti);

/// What does not decode of the fields that have parts: one error a field, with its path and its offset in
/// the body. Empty when all of them do.
std::vector<CodecError> part_errors(const Message& message);

/// A JSON string with its quotes, in UTF-8; what is none is read as Latin-1.
std::string json_string(std::string_view text);

}  // namespace iso8583
