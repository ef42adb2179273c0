// A message written as JSON, as `iso8583 describe --json --reveal` prints it, back into values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/dialect.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"

namespace iso8583::tools {

struct JsonMessage {
    FieldValues values;
    std::string dialect;  // empty when it names none
    std::optional<Bytes> tpdu;
    std::optional<Bytes> header;
};

/// The dialect a JSON message names, without looking at its fields; empty when none or when it is no JSON.
std::string dialect_of_json(std::string_view text);

/// {"mti":"0200","fields":{"2":"…","55":{"9F02":"…"},"60.2":"000001"}}: contents are canonical, bytes are
/// hex, text is of the dialect's `text`. Errors name the member.
Result<JsonMessage> parse_json_message(std::string_view text, const Dialect& dialect);

}  // namespace iso8583::tools
