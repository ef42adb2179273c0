// What the switch needs from a dialect that comes from a file: every field that it may write or has to read,
// tried with a value as it has them, and frames that its links can make. Without this a link would be closed
// by the first sale with a chip. Pure. Thread: any. Source: docs/dialects.md, "In the switch".
#pragma once

#include <string>
#include <vector>

#include "iso8583/dialect.hpp"
#include "switch/core/request.hpp"

namespace acquirer {

/// A sentence for each thing that is missing or does not fit; empty: the dialect will do. `pin_bytes`: of the
/// route's PIN blocks.
std::vector<std::string> issuer_dialect_faults(const iso8583::Dialect& dialect, std::size_t pin_bytes);
std::vector<std::string> terminal_dialect_faults(const iso8583::Dialect& dialect, Profile profile);

}  // namespace acquirer
