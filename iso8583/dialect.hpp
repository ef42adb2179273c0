// Dialect: how each field of a message looks on the wire, as data. Built in (dialects/*.cpp) or loaded (specs/).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/field.hpp"

namespace iso8583 {

class Dialect;

/// Built-in dialects by name: "unionpay-pos", "iso87-ascii", "iso87-bcd", and by edition-text-bitmap
/// ("87-ascii-hexbmp", "87-bcd-binbmp", "93-ebcdic-binbmp" …). nullptr when there is none of that name.
const Dialect* find_dialect(std::string_view name);
/// Names of all built-in dialects, for --describe and errors.
std::vector<std::string_view> dialect_names();

}  // namespace iso8583
