#include "switch/core/original_matcher.hpp"

#include "switch/core/duplicate_guard.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/shared_case.hpp"

namespace acquirer {
namespace {

using iso8583::Field;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::string_view completion_type = "20";         // 60.1
constexpr std::string_view completion_advice_type = "24";  // 60.1
constexpr std::int64_t trace_window_ms = 24LL * 3600 * 1000;

/// Is this an authorization of that merchant?
bool is_an_authorization_of(const TransactionRecord& record, const iso8583::MerchantId& merchant) {
    return record.kind == TransactionKind::authorization && record.merchant == merchant &&
           record.state != ledger::State::tombstone;
}

bool is_a_sale_of(const TransactionRecord& record, const iso8583::MerchantId& merchant) {
    return record.kind == TransactionKind::sale && record.merchant == merchant &&
           record.state != ledger::State::tombstone;
}

/// How terminals say that they name no RRN.
bool is_all_zeros(const iso8583::Rrn& rrn) {
    return rrn.view().find_first_not_of('0') == std::string_view::npos;
}

/// The one record of a slot that fits; nothing when none or two fit. `time`, when given, takes the DE7 of
/// the newest entry that led there.
template <typename Fits>
const TransactionRecord* only_one(CoreContext& c, const std::string& slot_key, Fits&& fits,
                                  std::uint32_t* time = nullptr) {
    const TransactionRecord* found = nullptr;
    for (const ledger::TraceEntry& e : c.ledger.trace_slot(slot_key).entries) {
        if (e.tombstone || !fits(e)) continue;
        const TransactionRecord* record = c.ledger.find(e.rrn);
        if (record == nullptr || record->state == ledger::State::tombstone) continue;
        if (found != nullptr && found != record) return nullptr;
        found = record;
        if (time != nullptr) *time = e.transmission_time;
    }
    return found;
}

std::string slot_of(const TerminalRequest& r, std::optional<iso8583::BatchNumber> batch, iso8583::Stan stan) {
    return ledger::trace_slot_key(r.merchant, r.terminal, batch, stan);
}

}  // namespace

const TransactionRecord* find_sale(CoreContext& c, const TerminalRequest& r) {
    const TransactionRecord* sale = nullptr;
    const bool names_authorization = is_of_authorization(r.kind);
    if (names_authorization && (r.original_rrn || !r.original_data)) return PreAuthorization(c).find(r);
    const std::string order_number = r.means.order_number();
    const bool names_rrn = r.original_rrn && !is_all_zeros(*r.original_rrn);
    if (!order_number.empty() && !names_rrn) {  // R83
        const auto rrn = c.ledger.find_order_number(r.merchant, order_number);
        if (rrn) sale = c.ledger.find(*rrn);
    } else if (r.original_rrn) {
        sale = c.ledger.find(*r.original_rrn);
    } else if (r.original_data) {
        // DE90 alone only from the terminal that made the sale.
        const auto& o = *r.original_data;
        sale = only_one(c, slot_of(r, std::nullopt, o.stan), [&](const ledger::TraceEntry& e) {
            return e.message_class == o.mti.message_class() &&
                   e.transmission_time == o.transmission_time.value();
        });
    }
    if (names_authorization)
        return sale != nullptr && is_an_authorization_of(*sale, r.merchant) ? sale : nullptr;
    if (sale == nullptr && r.kind == RequestKind::void_sale && !r.original_rrn && r.original_batch &&
        r.original_stan) {
        // R93: a completion's void may name it by its terminal's batch and trace alone (ruling 1).
        sale = only_one(c, slot_of(r, r.original_batch, *r.original_stan), [](const ledger::TraceEntry& e) {
            return e.message_type == completion_type || e.message_type == completion_advice_type;
        });
    }
    if (sale == nullptr) return nullptr;
    // Nothing can go back to a card that is not known any more: as one that is not found.
    if (sale->card_purged) return nullptr;
    // Ruling 13: it is found, and its state says no.
    if (is_an_authorization_of(*sale, r.merchant)) return sale;
    if (!is_a_sale_of(*sale, r.merchant)) return nullptr;
    if (!order_number.empty() && sale->wallet.order_number != order_number) return nullptr;
    if (r.profile == Profile::unionpay_pos && r.kind == RequestKind::refund) {
        // 61.3 has no year: the newest date not in the future on which that RRN exists. An RRN is unique for
        // ten years, so the record's own date must be that one.
        if (r.original_date.empty()) return order_number.empty() ? nullptr : sale;
        const auto date = iso8583::resolve_year(r.original_date, c.local_now().date);
        if (!date || r.original_date != sale->local_date.mmdd()) return nullptr;
    }
    return sale;
}

TombstonePlace tombstone_place(const TerminalRequest& r) {
    if (r.profile == Profile::unionpay_pos) return {slot_of(r, r.batch, r.stan), 0};
    if (r.original_data && r.original_data->stan.value() != 0)
        return {slot_of(r, std::nullopt, r.original_data->stan), r.original_data->transmission_time.value()};
    return {slot_of(r, std::nullopt, r.stan), 0};
}

namespace {

bool same_kind(const ledger::TraceEntry& e, const TerminalRequest& r) {
    return e.processing_code == r.processing_code && e.message_type == r.message_type;
}

FoundForReversal find_unionpay(CoreContext& c, const TerminalRequest& r) {
    FoundForReversal found;
    found.key = asking_key(r);
    found.original = only_one(c, slot_of(r, r.batch, r.stan), [&](const auto& e) { return same_kind(e, r); });
    if (found.original != nullptr || r.batch.value() <= 1) return found;
    const auto previous = iso8583::BatchNumber::of(r.batch.value() - 1);
    found.near = only_one(c, slot_of(r, previous, r.stan), [&](const auto& e) { return same_kind(e, r); });
    return found;
}

FoundForReversal find_iso(CoreContext& c, const TerminalRequest& r) {
    FoundForReversal found;
    const bool names_one = r.original_data && r.original_data->stan.value() != 0;
    // 1. DE90: class, STAN and DE7.
    if (names_one) {
        const auto& o = *r.original_data;
        found.original = only_one(c, slot_of(r, std::nullopt, o.stan), [&](const ledger::TraceEntry& e) {
            return e.message_class == o.mti.message_class() &&
                   e.transmission_time == o.transmission_time.value();
        });
        found.key = asking_key(r, o.stan, o.transmission_time.value());
        if (found.original != nullptr) return found;
    }
    // A later way may not lead to another transaction than the one DE90 names.
    const auto contradicts = [&](const TransactionRecord& record) {
        if (!names_one) return false;
        const auto& o = *r.original_data;
        return record.stan != o.stan ||
               (o.transmission_time.value() != 0 && record.transmission_time != o.transmission_time);
    };
    // 2. DE11 and DE3 of the last day.
    const iso8583::Stan stan = names_one ? r.original_data->stan : r.stan;
    std::uint32_t time = 0;
    const TransactionRecord* by_trace = only_one(
        c, slot_of(r, std::nullopt, stan),
        [&](const ledger::TraceEntry& e) {
            return e.processing_code == r.processing_code && c.now.utc.ms - e.created_ms <= trace_window_ms;
        },
        &time);
    found.key = asking_key(r, stan, time);
    if (by_trace != nullptr && !contradicts(*by_trace)) {
        found.original = by_trace;
        return found;
    }
    found.near = by_trace;
    // 3. DE37 from the same terminal.
    if (r.original_rrn) {
        const TransactionRecord* by_rrn = c.ledger.find(*r.original_rrn);
        if (by_rrn != nullptr && by_rrn->merchant == r.merchant && by_rrn->terminal == r.terminal &&
            by_rrn->state != ledger::State::tombstone && !contradicts(*by_rrn)) {
            found.original = by_rrn;
            found.key = asking_key(r, by_rrn->stan, by_rrn->transmission_time.value());
        }
    }
    return found;
}

}  // namespace

FoundForReversal find_for_reversal(CoreContext& c, const TerminalRequest& r) {
    FoundForReversal found = r.profile == Profile::unionpay_pos ? find_unionpay(c, r) : find_iso(c, r);
    // What was paid with another means under the same trace is another transaction.
    if (found.original != nullptr && !r.means.empty() &&
        !r.means.fits(r.means.identity(c.vault, c.config->routes), MeansIdentity::of(*found.original),
                      c.config->routes)) {
        found.near = found.original;
        found.original = nullptr;
    }
    // "Near" is worth a person's time only when the money is the same.
    if (found.near != nullptr && (!r.amount || !found.near->names_amount(r.amount->minor_units())))
        found.near = nullptr;
    if (found.original != nullptr) return found;
    const TombstonePlace place = tombstone_place(r);
    for (const ledger::TraceEntry& e : c.ledger.trace_slot(place.slot_key).entries) {
        if (!e.tombstone || !same_kind(e, r) || e.transmission_time != place.transmission_time) continue;
        if (c.now.utc.ms - e.created_ms > std::int64_t{c.config->limits.tombstone_hours} * 3'600'000)
            continue;
        found.tombstone = c.ledger.find(e.rrn);
    }
    return found;
}

}  // namespace acquirer
