#include "ledger/retention_books.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/authorization_index.hpp"

namespace ledger {

std::optional<RetentionState> RetentionBooks::state() {
    auto stored = stored_retention_state(ledger_.overlay_);
    if (!stored) fail(stored.error());
    return stored ? std::move(*stored) : std::nullopt;
}

void RetentionBooks::save(const RetentionState& state) {
    ledger_.overlay_.put(Family::journal, retention_state_key(), encode(state));
}

void RetentionBooks::add_to_sums(const TransactionRecord& r) {
    const auto add = [this](const std::string& name, std::int64_t count, std::int64_t minor) {
        Total& total = sums_[name];
        total.count += count;
        total.amount_minor += minor;
    };
    const auto who = [&r](Account account, std::uint16_t route) {
        return account == Account::merchant_payable ? r.merchant.str() : std::to_string(route);
    };
    for (std::size_t n = 0; n < r.postings.size(); ++n) {
        const Posting& p = r.postings[n];
        add(account_name(p.day, p.debit, who(p.debit, r.debit_route(n))), 1, p.amount_minor);
        add(account_name(p.day, p.credit, who(p.credit, r.credit_route(n))), 1, -p.amount_minor);
    }
    if (r.charges.fee_minor != 0) add(purged_fees_name(r.merchant), 1, r.charges.fee_minor);
    if (r.charges.discount_minor != 0) add(purged_discounts_name(r.merchant), 1, r.charges.discount_minor);
    if (r.drawn_minor != 0) add(purged_draws_name(r.merchant), 1, r.drawn_minor);
}

void RetentionBooks::erase_exceptions(const iso8583::Rrn& rrn) {
    std::vector<std::string> keys;
    const KeyRange range = exceptions_of(rrn);
    const auto scanned = ledger_.overlay_.scan(Family::journal, range.from, range.to,
                                               [&](std::string_view key, std::string_view) {
                                                   keys.emplace_back(key);
                                                   return true;
                                               });
    if (!scanned) fail(scanned.error());
    for (std::string& key : keys) erase(Family::journal, std::move(key));
}

bool RetentionBooks::erase_from_slot(const std::string& slot_key, const iso8583::Rrn& rrn) {
    TraceSlot slot = ledger_.trace_slot(slot_key);
    const auto gone = std::erase_if(slot.entries, [&rrn](const TraceEntry& e) { return e.rrn == rrn; });
    if (gone == 0) return false;
    if (slot.entries.empty())
        erase(Family::index, slot_key);
    else
        ledger_.overlay_.put(Family::index, slot_key, encode(slot));
    return true;
}

bool RetentionBooks::erase_requests(const TransactionRecord& record) {
    bool any = false;
    for (const std::string& key : slot_keys_of(record)) any |= erase_from_slot(key, record.rrn);
    return any;
}

void RetentionBooks::erase_index_entries(const TransactionRecord& r) {
    if (!r.reference.empty() && ledger_.find_reference(r.merchant, r.reference) == r.rrn)
        erase(Family::index, reference_key(r.merchant, r.reference));
    if (!r.wallet.order_number.empty()) {
        const std::string key = order_number_key(r.merchant, r.wallet.order_number);
        if (const auto stored = ledger_.get(Family::index, key))
            if (auto sales = ledger_.decoded(decode_order_sales(*stored)))
                if (std::erase(*sales, r.rrn) != 0) {
                    if (sales->empty())
                        erase(Family::index, key);
                    else
                        ledger_.overlay_.put(Family::index, key, encode_order_sales(*sales));
                }
    }
    if (r.kind == TransactionKind::authorization && !r.issuer_authorization.empty())
        forget_authorization(ledger_, authorizations_key(r.merchant, r.pan_token, r.issuer_authorization),
                             r.rrn);
}

void RetentionBooks::erase(const TransactionRecord& record) {
    ENSURE(!is_open(record) && !is_changed(record.rrn));
    add_to_sums(record);
    erase_requests(record);
    erase_index_entries(record);
    erase_exceptions(record.rrn);
    erase(Family::journal, transaction_key(record.rrn));
    ledger_.records_.forget(record.rrn);
    ledger_.recent_refunds_.forget(record.rrn);
}

bool RetentionBooks::erase_card_number(const TransactionRecord& record, iso8583::BusinessDate today) {
    if (record.sealed_card.empty()) return false;
    ENSURE(!is_open(record) && !is_changed(record.rrn));
    // What is old is not decoded for this: it would push out the sales of today.
    const auto without = [today](TransactionRecord& r) {
        r.sealed_card.clear();
        r.card_purged = today;
    };
    if (ledger_.records_.find(record.rrn) != nullptr) {
        without(*ledger_.edit(record.rrn));
        return true;
    }
    TransactionRecord old = record;
    without(old);
    ledger_.overlay_.put(Family::journal, transaction_key(record.rrn), encode(old));
    return true;
}

void RetentionBooks::log(RetentionFamily family, const std::string& what, iso8583::BusinessDate of) {
    logged_[family].add(what, of);
}

void RetentionBooks::flush(iso8583::BusinessDate today, iso8583::UtcTime at, const std::string& by) {
    for (const auto& [name, more] : std::exchange(sums_, {})) {
        const std::string key = purged_sum_key(name);
        Total total = more;
        if (const auto stored = ledger_.get(Family::journal, key))
            if (const auto before = ledger_.decoded(decode_purged_sum(*stored))) {
                total.count += before->count;
                total.amount_minor += before->amount_minor;
            }
        ledger_.overlay_.put(Family::journal, key, encode_purged_sum(total));
    }
    for (auto& [family, more] : std::exchange(logged_, {})) {
        const std::string key = purge_log_key(today, family);
        PurgeLogEntry entry = std::move(more);
        if (const auto stored = ledger_.get(Family::journal, key))
            if (const auto before = ledger_.decoded(decode_purge_log_entry(*stored))) {
                entry.purged += before->purged;
                entry.first = std::min(entry.first, before->first);
                entry.last = std::max(entry.last, before->last);
                entry.oldest = std::min(entry.oldest, before->oldest);
                entry.newest = std::max(entry.newest, before->newest);
                entry.unknown_properties = before->unknown_properties;
            }
        entry.day = today;
        entry.family = family;
        entry.at = at;
        entry.by = by;
        ledger_.overlay_.put(Family::journal, key, encode(entry));
    }
}

}  // namespace ledger
