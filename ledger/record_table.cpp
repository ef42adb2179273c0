#include "ledger/record_table.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

TransactionRecord* RecordTable::find(const iso8583::Rrn& rrn) {
    const auto at = entries_.find(rrn);
    return at == entries_.end() ? nullptr : &at->second->record;
}

TransactionRecord& RecordTable::put(TransactionRecord&& record) {
    const iso8583::Rrn rrn = record.rrn;
    const auto [at, is_new] = entries_.try_emplace(rrn, std::make_unique<Entry>(std::move(record)));
    ENSURE(is_new);
    by_age_.push_back(rrn);
    return at->second->record;
}

void RecordTable::mark_changed(const iso8583::Rrn& rrn) {
    Entry& entry = *entries_.at(rrn);
    if (entry.changed) return;
    entry.changed = true;
    changed_.push_back(rrn);
}

void RecordTable::visit_changed(const std::function<void(const TransactionRecord&)>& visit) const {
    std::vector<iso8583::Rrn> in_order = changed_;
    std::sort(in_order.begin(), in_order.end());
    for (const iso8583::Rrn& rrn : in_order) visit(entries_.at(rrn)->record);
}

void RecordTable::visit(const std::function<void(const TransactionRecord&)>& visit) const {
    std::vector<iso8583::Rrn> in_order;
    for (const auto& entry : entries_) in_order.push_back(entry.first);
    std::sort(in_order.begin(), in_order.end());
    for (const iso8583::Rrn& rrn : in_order) visit(entries_.at(rrn)->record);
}

void RecordTable::changes_written() {
    for (const iso8583::Rrn& rrn : changed_) entries_.at(rrn)->changed = false;
    changed_.clear();
    for (; by_age_.size() > records_kept_max; by_age_.pop_front()) entries_.erase(by_age_.front());
}

void RecordTable::drop() {
    entries_.clear();
    changed_.clear();
    by_age_.clear();
}

}  // namespace ledger
