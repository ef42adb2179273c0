// Which data elements a terminal's request must have and may have. Source: docs/wire.md, "Fields of a
// request" of both profiles; decision 1 of the rulings there: in unionpay-pos a field that no row allows is
// refused, in the ISO profile it is covered by the MAC and ignored.
#pragma once

#include <string>

#include "switch/core/request.hpp"

namespace acquirer {

/// Why the request is answered 30, naming the field; empty when all is there and nothing else.
std::string field_fault(const TerminalRequest& request);

}  // namespace acquirer
