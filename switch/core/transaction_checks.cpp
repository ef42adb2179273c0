// The checks of a sale, void or refund, one function each. Their order is the precedence of the rules and
// stands in TransactionFlow::decide (transaction_flow.cpp); each answers for itself: none, or why not.
#include <algorithm>

#include "switch/core/original_matcher.hpp"
#include "switch/core/refund_policy.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

/// R25: a suspension stops only new work, so it stands behind the duplicate check.
Refusal TransactionFlow::terminal_may_work(Draft& d) {
    d.merchant = c_.config->find_merchant(d.event.request.merchant);
    if (d.merchant == nullptr) return Refusal::merchant_unknown;
    if (terminals_.is_suspended(d.event.request.terminal)) return Refusal::terminal_suspended;
    if (terminals_.is_suspended(*d.merchant)) return Refusal::merchant_suspended;
    return Refusal::none;
}

Refusal TransactionFlow::batch_is_open(Draft& d) {
    const ledger::TerminalRecord terminal = terminals_.record(d.event.request.terminal);
    d.record.batch = terminal.batch;
    if (d.event.request.profile == Profile::iso87) return Refusal::none;
    const bool open = d.event.request.batch == terminal.batch && !terminal.uploading;
    return open ? Refusal::none : Refusal::batch_closed;
}

Refusal TransactionFlow::not_reversed_before(Draft& d) {
    return d.tombstone.empty() ? Refusal::none : Refusal::tombstone;
}

Refusal TransactionFlow::amount_is_good(Draft& d) {
    const auto& amount = d.event.request.amount;
    return amount && !amount->is_zero() ? Refusal::none : Refusal::amount_invalid;
}

/// Of a sale: only what the configuration says today is sold in.
Refusal TransactionFlow::currency_is_ours(Draft& d) {
    return d.event.request.currency == c_.config->currency ? Refusal::none : Refusal::currency_not_allowed;
}

/// R15: what goes back, goes back in the sale's currency, whatever the configuration says today. So the sale
/// is looked for here; that there is none is said at its own place.
Refusal TransactionFlow::currency_is_the_sales(Draft& d) {
    FoundSale found = find_sale(c_, d.event.request);
    d.sale = std::move(found.sale);
    d.sale_search = found.refusal;
    const iso8583::Currency wanted = d.sale ? d.sale->amount.currency() : c_.config->currency;
    return d.event.request.currency == wanted ? Refusal::none : Refusal::currency_not_allowed;
}

Refusal TransactionFlow::merchant_may_refund(Draft& d) {
    return terminals_.may_refund(*d.merchant) ? Refusal::none : Refusal::merchant_not_enabled;
}

Refusal TransactionFlow::sale_is_found(Draft& d) { return d.sale_search; }

Refusal TransactionFlow::void_is_of_this_terminal(Draft& d) {
    return d.sale->terminal == d.event.request.terminal ? Refusal::none : Refusal::other_terminal;
}

Refusal TransactionFlow::void_names_its_trace(Draft& d) {
    if (d.event.request.profile == Profile::iso87) return Refusal::none;
    const bool same =
        d.event.request.original_batch == d.sale->batch && d.event.request.original_stan == d.sale->stan;
    return same ? Refusal::none : Refusal::original_trace_differs;
}

Refusal TransactionFlow::authorization_is_the_sales(Draft& d) {
    const auto& given = d.event.request.authorization;
    return !given || *given == d.sale->issuer_authorization ? Refusal::none
                                                            : Refusal::original_authorization_differs;
}

Refusal TransactionFlow::card_is_the_sales(Draft& d) {
    if (d.record.pan_token == d.sale->pan_token) return Refusal::none;
    c_.count("fraud.other_card");
    return Refusal::other_card;
}

Refusal TransactionFlow::refund_state_allows(Draft& d) {
    if (const Refusal why = refund_state(*d.sale); why != Refusal::none) return why;
    const auto* route = c_.config->routes.for_original(routing::RouteId{d.sale->route});
    const bool online = route == nullptr || route->refund_mode == routing::RefundMode::online;
    // While a reversal in the chain is unfinished an online request waits; an advice is not blocked.
    return online && c_.reversals_in_chain.contains(d.sale->rrn) ? Refusal::original_busy : Refusal::none;
}

Refusal TransactionFlow::void_state_allows(Draft& d) {
    if (const Refusal why = void_state(*d.sale, c_.is_settled(*d.sale), c_.business_day);
        why != Refusal::none)
        return why;
    return c_.reversals_in_chain.contains(d.sale->rrn) ? Refusal::original_busy : Refusal::none;
}

Refusal TransactionFlow::void_is_whole(Draft& d) {
    return d.event.request.amount->minor_units() == d.sale->amount.minor_units()
               ? Refusal::none
               : Refusal::void_amount_differs;
}

Refusal TransactionFlow::window_is_open(Draft& d) {
    std::int32_t days = d.merchant->refund.window_days;
    if (const auto* route = c_.route(d.sale->route))
        days = std::min(days, static_cast<std::int32_t>(route->window_days));
    return refund_window(*d.sale, days, c_.business_day);
}

Refusal TransactionFlow::limits_allow(Draft& d) {
    const auto counted =
        c_.ledger.totals().get(ledger::refund_count_name(d.event.request.terminal, c_.business_day)).count;
    return refund_limits(d.merchant->refund, d.event.request.amount->minor_units(), counted);
}

Refusal TransactionFlow::remaining_covers(Draft& d) {
    if (d.event.request.amount->minor_units() <= d.sale->remaining_minor()) return Refusal::none;
    // R20b before R11 would hold what can never be paid; but a repeat of a held refund gets its case,
    // whatever remains.
    check_repeat(d);
    return d.same_case ? Refusal::none : Refusal::amount_against_original;
}

/// R17 and R20b decide between "goes on" and "waits for a checker"; neither refuses.
Refusal TransactionFlow::approval_or_not(Draft& d) {
    if (needs_approval(d.merchant->refund, d.event.request.amount->minor_units(),
                       d.event.request.keyed_entry)) {
        d.hold = true;
        d.hold_rule = "R17";
    }
    check_repeat(d);
    return Refusal::none;
}

/// R20b: the same sale and amount again under another key.
void TransactionFlow::check_repeat(Draft& d) {
    if (d.sale->refunds_count == 0 && !d.sale->reversal_exception) return;
    const std::int64_t window_ms = std::int64_t{d.merchant->refund.repeat_refund_seconds} * 1000;
    bool repeats = d.sale->reversal_exception;
    std::optional<iso8583::Rrn> at = d.sale->last_refund;
    constexpr int chain_steps_max = 64;  // a sale with more refunds than that has been looked at by people
    for (int step = 0; at && step < chain_steps_max; ++step) {
        const auto earlier = c_.ledger.find(*at);
        if (!earlier) return;
        const bool counts = ledger::counts_in_remaining(earlier->state);
        const bool equal = counts && earlier->amount.minor_units() == d.event.request.amount->minor_units();
        const bool recent = window_ms > 0 && c_.now.utc.ms - earlier->created.ms <= window_ms;
        if (!recent && !d.sale->reversal_exception) break;
        if (equal && earlier->state == State::held) d.same_case = earlier->rrn;
        if (equal && recent) repeats = true;
        at = earlier->last_refund;
    }
    if (!repeats) {
        d.same_case.reset();
        return;
    }
    d.hold = true;
    if (d.hold_rule.empty()) d.hold_rule = "R20b";
}

Refusal TransactionFlow::sale_has_a_route(Draft& d) {
    const auto choice =
        c_.config->routes.choose(d.event.request.pan, [&](routing::RouteId id) { return c_.health(id); });
    if (!choice)
        return choice.error() == routing::RouteTable::NoRoute::unknown_iin ? Refusal::no_route
                                                                           : Refusal::route_down;
    d.route = *choice;
    return Refusal::none;
}

/// The route is the sale's (rule 3 of the original route); a retired one without successor makes a case of a
/// refund.
Refusal TransactionFlow::original_has_a_route(Draft& d) {
    d.route = c_.config->routes.for_original(routing::RouteId{d.sale->route});
    if (d.route == nullptr) {
        if (d.record.kind == TransactionKind::void_sale ||
            d.event.request.transaction == TransactionKind::void_sale)
            return Refusal::no_route;
        d.hold = true;
        if (d.hold_rule.empty()) d.hold_rule = "R17";
        return Refusal::none;
    }
    if (d.hold) return Refusal::none;
    const bool queued = d.event.request.transaction == TransactionKind::void_sale
                            ? d.route->void_mode == routing::VoidMode::reversal_0420
                            : d.route->refund_mode == routing::RefundMode::advice;
    return queued || c_.link_for(d.route->id) ? Refusal::none : Refusal::route_down;  // R52
}

Refusal TransactionFlow::system_has_room(Draft& d) {
    if (slot_is_flooded(d)) return Refusal::too_many_in_flight;
    if (!c_.store_accepts_new_work) return Refusal::system_error;  // R62
    if (c_.pending.size() >= c_.config->limits.pending_max) return Refusal::too_many_in_flight;
    if (d.route != nullptr && c_.requests_in_flight[d.route->id] >= d.route->in_flight_max)
        return Refusal::too_many_in_flight;
    return Refusal::none;
}

/// So many uses of one trace number within a day that recording another would forget one (I3).
bool TransactionFlow::slot_is_flooded(const Draft& d) const {
    constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
    return d.slot.entries.size() >= ledger::TraceSlot::entries_max &&
           c_.now.utc.ms - d.slot.entries.front().created_ms < day_ms;
}

}  // namespace acquirer
