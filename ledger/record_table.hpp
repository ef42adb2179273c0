// RecordTable: the decoded transaction records of a ledger. There is one object per transaction, at an
// address that stays while a step runs, so that every path of a step sees and changes the same one and no
// second copy can go stale. What was changed is encoded once, when the turn closes.
//
// Ownership: member of Ledger. Thread: the core's. Bound: `sales_kept_max` and
// `others_kept_max` between turns; within a turn what the turn touched.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ledger/transaction_record.hpp"

namespace ledger {

class RecordTable {
  public:
    /// Recent records that stay decoded from turn to turn, so that a refund after its sale reads no bytes:
    /// sales and authorizations longer, because refunds, voids and completions come back to them. About 80
    /// MiB.
    static constexpr std::size_t sales_kept_max = 32'768;
    static constexpr std::size_t others_kept_max = 4'096;

    /// Nothing when the record is not decoded here; it may be in the store.
    [[nodiscard]] TransactionRecord* find(const iso8583::Rrn& rrn);
    [[nodiscard]] bool contains(const iso8583::Rrn& rrn) const { return entries_.contains(rrn); }
    /// A record that was read or is new; ENSUREs that there is none of its number.
    TransactionRecord& put(TransactionRecord&& record);
    /// The turn changes it: it is encoded when the turn closes.
    void mark_changed(const iso8583::Rrn& rrn);

    /// Those that the turn has changed so far, in the order in which it did.
    [[nodiscard]] const std::vector<iso8583::Rrn>& changed() const { return changed_; }
    /// Calls visit for every changed record, in RRN order.
    void visit_changed(const std::function<void(const TransactionRecord&)>& visit) const;
    /// Calls visit for every record that is decoded here, in RRN order.
    void visit(const std::function<void(const TransactionRecord&)>& visit) const;
    /// The changes are written: the records are kept as what was read lately, the oldest go.
    void changes_written();
    /// The record is not stored any more; ENSUREs that the turn has not changed it.
    void forget(const iso8583::Rrn& rrn);
    [[nodiscard]] bool is_changed(const iso8583::Rrn& rrn) const;
    /// The store failed: nothing that was decoded is true any more.
    void drop();

  private:
    struct Entry {
        explicit Entry(TransactionRecord&& of) : record(std::move(of)) {}
        TransactionRecord record;
        bool changed = false;
    };
    // A pointer, because a record is large and what is walked in a look-up should not be.
    std::unordered_map<iso8583::Rrn, std::unique_ptr<Entry>, iso8583::FixedTextHash> entries_;
    std::vector<iso8583::Rrn> changed_;
    std::vector<Entry*> changed_entries_;  // the same
    using ByAge = std::deque<iso8583::Rrn>;
    void let_go(ByAge& by_age, std::size_t kept_max);
    ByAge sales_, others_;
};

}  // namespace ledger
