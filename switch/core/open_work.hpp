// What a start goes through: the transactions that are not final, of each chain in the order in which the
// chain grew, since RRNs begin anew after ten years and clocks are set back. Values; the core's thread.
#pragma once

#include <vector>

#include "ledger/ledger.hpp"

namespace acquirer {

std::vector<iso8583::Rrn> open_in_order(ledger::Ledger& books);

}  // namespace acquirer
