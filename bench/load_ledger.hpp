// What the switch's own ledger says of a load run, asked over refund-switch's control socket
// (docs/refundctl.md). Everything that knows that protocol is in this one function.
#pragma once

#include <string>

#include "bench/load_books.hpp"

namespace bench {

struct LedgerAnswer {
    bool asked = false;  // false: there is no socket to ask, `why` says so
    std::string why;
    BookTotals totals;  // of both merchants of the load run, all instruments
};
LedgerAnswer ask_ledger(const std::string& control_socket);

}  // namespace bench
