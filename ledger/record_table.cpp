#include "ledger/record_table.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

namespace {

bool comes_back(const TransactionRecord& record) {
    return record.kind == TransactionKind::sale || record.kind == TransactionKind::authorization;
}

}  // namespace

TransactionRecord* RecordTable::find(const iso8583::Rrn& rrn) {
    const auto at = entries_.find(rrn);
    return at == entries_.end() ? nullptr : &at->second->record;
}

TransactionRecord& RecordTable::put(TransactionRecord&& record) {
    const iso8583::Rrn rrn = record.rrn;
    const auto [at, is_new] = entries_.try_emplace(rrn, std::make_unique<Entry>(std::move(record)));
    ENSURE(is_new);
    TransactionRecord& there = at->second->record;
    (comes_back(there) ? sales_ : others_).push_back(rrn);
    return there;
}

void RecordTable::mark_changed(const iso8583::Rrn& rrn) {
    Entry& entry = *entries_.at(rrn);
    if (entry.changed) return;
    entry.changed = true;
    changed_.push_back(rrn);
    changed_entries_.push_back(&entry);
}

void RecordTable::visit_changed(const std::function<void(const TransactionRecord&)>& visit) const {
    std::vector<const Entry*> in_order(changed_entries_.begin(), changed_entries_.end());
    std::sort(in_order.begin(), in_order.end(),
              [](const Entry* a, const Entry* b) { return a->record.rrn < b->record.rrn; });
    for (const Entry* entry : in_order) visit(entry->record);
}

void RecordTable::visit(const std::function<void(const TransactionRecord&)>& visit) const {
    std::vector<iso8583::Rrn> in_order;
    for (const auto& entry : entries_) in_order.push_back(entry.first);
    std::sort(in_order.begin(), in_order.end());
    for (const iso8583::Rrn& rrn : in_order) visit(entries_.at(rrn)->record);
}

void RecordTable::changes_written() {
    for (Entry* entry : changed_entries_) entry->changed = false;
    changed_.clear();
    changed_entries_.clear();
    let_go(sales_, sales_kept_max);
    let_go(others_, others_kept_max);
}

void RecordTable::let_go(ByAge& by_age, std::size_t kept_max) {
    for (; by_age.size() > kept_max; by_age.pop_front()) entries_.erase(by_age.front());
}

void RecordTable::forget(const iso8583::Rrn& rrn) {
    const auto at = entries_.find(rrn);
    if (at == entries_.end()) return;
    ENSURE(!at->second->changed);
    ByAge& by_age = comes_back(at->second->record) ? sales_ : others_;
    by_age.erase(std::find(by_age.begin(), by_age.end(), rrn));
    entries_.erase(at);
}

bool RecordTable::is_changed(const iso8583::Rrn& rrn) const {
    const auto at = entries_.find(rrn);
    return at != entries_.end() && at->second->changed;
}

void RecordTable::drop() {
    entries_.clear();
    changed_.clear();
    changed_entries_.clear();
    sales_.clear();
    others_.clear();
}

}  // namespace ledger
