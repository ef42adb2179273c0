#include "switch/core/open_work.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace acquirer {

std::vector<iso8583::Rrn> open_in_order(ledger::Ledger& books) {
    std::vector<iso8583::Rrn> order;
    std::set<iso8583::Rrn> seen;
    for (const iso8583::Rrn& rrn : books.open_work()) {
        std::vector<iso8583::Rrn> back;  // this one, and what was reserved before it on the same sale
        for (std::optional<iso8583::Rrn> at = rrn; at && seen.insert(*at).second;) {
            back.push_back(*at);
            const ledger::TransactionRecord* record = books.find(*at);
            const bool refund = record != nullptr && record->kind == ledger::TransactionKind::refund;
            at = refund ? record->last_refund : std::nullopt;
        }
        for (auto earlier = back.rbegin(); earlier != back.rend(); ++earlier)
            if (books.open_work().contains(*earlier)) order.push_back(*earlier);
    }
    return order;
}

}  // namespace acquirer
