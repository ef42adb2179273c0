// Base64 of RFC 4648, section 4: how bytes of files travel in the texts of the control protocol.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace acquirer::admin {

std::string to_base64(std::string_view bytes);
/// Nothing when it is not the one form that to_base64() writes.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace acquirer::admin
