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
    TransactionRecord& there = at->second->record;
    const bool comes_back =
        there.kind == TransactionKind::sale || there.kind == TransactionKind::authorization;
    (comes_back ? sales_ : others_).push_back(rrn);
    return there;
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
    ByAge& by_age = at->second->record.kind == TransactionKind::sale ||
                            at->second->record.kind == TransactionKind::authorization
                        ? sales_
                        : others_;
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
    sales_.clear();
    others_.clear();
}

}  // namespace ledger
