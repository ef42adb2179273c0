// RefundFacts: what a refund is in its sale's chain, kept in memory for the refunds of sales
// that come again and again (R20b looks at each of them), so that a look back reads no record that is not
// alike.
//
// Ownership: member of Ledger. Thread: the core's. Bound: `refunds_kept_max`, the oldest go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "ledger/transaction_record.hpp"

namespace ledger {

struct RefundFacts {
    std::int64_t amount_minor = 0;
    iso8583::UtcTime created;
    std::optional<iso8583::Rrn> before;  // the refund before it on the same sale
};

class RecentRefunds {
  public:
    static constexpr std::size_t refunds_kept_max = 65'536;  // about 6 MiB

    [[nodiscard]] const RefundFacts* find(const iso8583::Rrn& rrn) const {
        const auto at = facts_.find(rrn);
        return at == facts_.end() ? nullptr : &at->second;
    }
    /// Of a refund that is in its sale's chain.
    const RefundFacts& put(const TransactionRecord& refund) {
        if (by_age_.size() >= refunds_kept_max) {
            facts_.erase(by_age_.front());
            by_age_.pop_front();
        }
        by_age_.push_back(refund.rrn);
        const RefundFacts facts{refund.amount.minor_units(), refund.created, refund.last_refund};
        return facts_.insert_or_assign(refund.rrn, facts).first->second;
    }

    /// The amount of a case that people edited.
    void reserved(const TransactionRecord& refund) {
        const auto at = facts_.find(refund.rrn);
        if (at != facts_.end()) at->second.amount_minor = refund.amount.minor_units();
    }

    /// It is not stored any more.
    void forget(const iso8583::Rrn& rrn) {
        if (facts_.erase(rrn) != 0) std::erase(by_age_, rrn);
    }

  private:
    std::unordered_map<iso8583::Rrn, RefundFacts, iso8583::FixedTextHash> facts_;
    std::deque<iso8583::Rrn> by_age_;
};

}  // namespace ledger
