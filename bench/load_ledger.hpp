// What the switch's own ledger says of a load run, asked over refund-switch's control socket
// (docs/refundctl.md). Everything that knows that protocol is behind ask_ledger; comparing is pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load_books.hpp"
#include "iso8583/values/result.hpp"
#include "tests/peers/terminal_model.hpp"

namespace bench {

/// `totals --by route` and `totals --by terminal`, in minor units.
struct LedgerTotals {
    struct Route {
        std::int64_t issuer_owes = 0, refunds_in_transit = 0, refunds_in_suspense = 0;
    };
    std::map<std::string, Route> routes;
    std::map<std::string, peers::TerminalTotals> terminals;  // of open batches, by DE41
};

/// One connection, two questions. The error says why there is no answer.
iso8583::Result<LedgerTotals> ask_ledger(const std::string& control_socket);

/// Parses one answer line into `totals`; for ask_ledger and its test.
iso8583::Result<void> read_ledger_answer(const std::string& line, LedgerTotals& totals);

/// The run's share is `after` less `before`. Differences in words; empty when the ledger agrees with the
/// terminals.
std::vector<std::string> compare_ledger(const LoadBooks& books,
                                        const std::map<std::string, peers::TerminalTotals>& terminals,
                                        const LedgerTotals& before, const LedgerTotals& after);

}  // namespace bench
