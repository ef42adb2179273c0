// The checks of a sale, void or refund, one function each: each answers for itself: none, or why not. Their
// order is the precedence of the rules and stands in check_list.hpp.
#include "switch/core/transaction_checks.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/caution.hpp"
#include "switch/core/check_list.hpp"
#include "switch/core/original_matcher.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/refund_policy.hpp"
#include "switch/core/reserve_fund.hpp"
#include "switch/core/shared_case.hpp"

namespace acquirer {
namespace {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;
using Draft = TransactionDraft;

/// What a check may look at beside the draft.
struct World {
    CoreContext& c;
    const Terminals& terminals;
    const StoreAndForward& queue;
};

/// A case: it names the first rule in the order of the checks, and keeps the others.
void hold(Draft& d, const char* rule) {
    if (!d.hold || d.hold_rule.empty()) {
        d.hold = true;
        d.hold_rule = rule;
    } else if (d.hold_rule != rule) {
        d.also_held_by.emplace_back(rule);
    }
}

Refusal suspension(const World& w, Draft& d) {
    d.merchant = w.c.config->find_merchant(d.event.request.merchant);
    // A reload may have taken it away while the HSM had the PIN.
    if (d.merchant == nullptr) return Refusal::merchant_unknown;
    // A case is the merchant's, whatever became of the terminal that made the sale.
    if (!d.record.from_operations && w.terminals.is_suspended(d.event.request.terminal))
        return Refusal::terminal_suspended;
    if (w.terminals.is_suspended(*d.merchant)) return Refusal::merchant_suspended;
    return Refusal::none;
}

Refusal open_batch(const Draft& d) {
    const bool open = d.event.request.batch == d.terminal.batch && !d.terminal.uploading;
    return open ? Refusal::none : Refusal::batch_closed;
}

Refusal reversed_before(const Draft& d) { return d.tombstone.empty() ? Refusal::none : Refusal::tombstone; }

Refusal amount_form(const Draft& d) {
    const auto& amount = d.event.request.amount;
    return amount && !amount->is_zero() ? Refusal::none : Refusal::amount_invalid;
}

/// A sale is sold in what the configuration says today. R15: what goes back, goes back in the sale's
/// currency, whatever the configuration says; so the sale is looked for here, and that there is none is said
/// at its own place.
Refusal currency(const World& w, Draft& d) {
    const RequestKind kind = d.event.request.kind;
    const bool names_none = kind == RequestKind::sale || kind == RequestKind::authorization;
    if (!names_none) d.sale = find_sale(w.c, d.event.request);
    const iso8583::Currency wanted = d.sale != nullptr ? d.sale->amount.currency() : w.c.config->currency;
    return d.event.request.currency == wanted ? Refusal::none : Refusal::currency_not_allowed;
}

Refusal merchant_rights(const World& w, const Draft& d) {
    return w.terminals.may_refund(*d.merchant) ? Refusal::none : Refusal::merchant_not_enabled;
}

Refusal original(const Draft& d) { return d.sale != nullptr ? Refusal::none : Refusal::original_not_found; }

Refusal void_terminal(const Draft& d) {
    return d.sale->terminal == d.event.request.terminal ? Refusal::none : Refusal::other_terminal;
}

Refusal void_trace(const Draft& d) {
    const TerminalRequest& r = d.event.request;
    // R83: the order number names the sale; what is given beside it has to be the sale's all the same.
    if (!r.means.order_number().empty() && !r.original_batch && !r.original_stan) return Refusal::none;
    const bool same =
        d.event.request.original_batch == d.sale->batch && d.event.request.original_stan == d.sale->stan;
    return same ? Refusal::none : Refusal::original_trace_differs;
}

Refusal authorization(const Draft& d) {
    const auto& given = d.event.request.authorization;
    // Ruling 35: of an authorization it is compared always.
    if (!given && is_of_authorization(d.event.request.kind)) return Refusal::original_authorization_differs;
    return !given || *given == d.sale->issuer_authorization ? Refusal::none
                                                            : Refusal::original_authorization_differs;
}

/// What pays a sale has to be known; what is asked about a sale goes back the way that the sale came, whose
/// means the record has from here on.
Refusal means(const World& w, Draft& d) {
    const TerminalRequest& r = d.event.request;
    if (!r.means.is_known(w.c.config->routes)) return Refusal::code_of_no_wallet;
    if (d.sale == nullptr) return Refusal::none;
    const MeansIdentity sale = MeansIdentity::of(*d.sale);
    if (r.means.fits(MeansIdentity::of(d.record), sale, w.c.config->routes)) {
        sale.keep_in(d.record);
        return Refusal::none;
    }
    w.c.count("fraud.other_card");
    return Refusal::other_card;
}

Refusal sale_state(const Draft& d) { return refund_state(*d.sale); }

Refusal authorization_state(const World& w, const Draft& d) {
    return PreAuthorization(w.c).state(*d.sale, d.event.request.kind);
}

Refusal void_right(const World& w, const Draft& d) {
    const BatchState batch = w.c.is_settled(*d.sale) ? BatchState::settled : BatchState::open;
    return acquirer::void_right(*d.sale, batch, w.c.business_day);
}

/// R9: would the void of this sale be allowed now (R3), whole, from its own terminal?
bool could_be_a_void(const World& w, const Draft& d) {
    const std::int64_t whole = d.sale->amount.minor_units();
    if (d.sale->terminal != d.event.request.terminal || d.event.request.amount->minor_units() != whole ||
        d.sale->remaining_minor() != whole)
        return false;
    if (void_right(w, d) != Refusal::none) return false;
    const auto* route = w.c.config->routes.for_original(routing::RouteId{d.sale->route});
    if (route == nullptr || w.queue.reverses_in_chain_of(d.sale->rrn)) return false;
    return route->void_mode == routing::VoidMode::reversal_0420 || w.c.link_for(route->id).has_value();
}

Refusal before_settlement(const World& w, const Draft& d) {
    const bool suggests = d.merchant->refund.before_settlement == RefundBeforeSettlement::suggest_void;
    return suggests && could_be_a_void(w, d) ? Refusal::refund_before_settlement : Refusal::none;
}

/// While a reversal in the chain is unfinished an online request waits; an advice is not blocked.
Refusal chain(const World& w, const Draft& d) {
    const auto* route = w.c.config->routes.for_original(routing::RouteId{d.sale->route});
    const bool by_advice = d.event.request.transaction == TransactionKind::refund && route != nullptr &&
                           route->refund_mode == routing::RefundMode::advice;
    return !by_advice && w.queue.reverses_in_chain_of(d.sale->rrn) ? Refusal::original_busy : Refusal::none;
}

/// R92, by the route of the authorization.
const routing::Route& route_of(const World& w, const TransactionRecord& authorization) {
    static const routing::Route defaults;  // of a route that a reload took away
    const routing::Route* route = w.c.route(authorization.route);
    return route != nullptr ? *route : defaults;
}

Refusal completion_window(const World& w, const Draft& d) {
    const bool in_time =
        d.sale->state != State::lapsed &&
        completes_in_time(*d.sale, route_of(w, *d.sale).authorization_days, w.c.local_now().date);
    return in_time ? Refusal::none : Refusal::completion_late;
}

Refusal completion_amount(const World& w, const Draft& d) {
    const std::int64_t most = completion_bound_minor(*d.sale, route_of(w, *d.sale).completion_percent_max);
    return d.event.request.amount->minor_units() <= most ? Refusal::none : Refusal::completion_over_bound;
}

Refusal window(const World& w, const Draft& d) {
    std::int32_t days = d.merchant->refund.window_days;
    if (const auto* route = w.c.route(d.sale->route))
        days = std::min(days, static_cast<std::int32_t>(route->window_days));
    return refund_window(*d.sale, days, w.c.business_day);
}

Refusal limits(const World& w, const Draft& d) {
    const auto counted =
        w.c.ledger.totals().get(ledger::refund_count_name(d.event.request.terminal, w.c.business_day)).count;
    const Refusal why = refund_limits(d.merchant->refund, d.event.request.amount->minor_units(), counted);
    if (why != Refusal::none) return why;
    const auto* route = w.c.config->routes.for_original(routing::RouteId{d.sale->route});
    const bool too_many_parts = route != nullptr && route->kind == routing::RouteKind::wallet &&
                                d.sale->refunds_count >= route->wallet.per_sale_max;
    return too_many_parts ? Refusal::too_many_parts : Refusal::none;
}

Refusal void_amount(const Draft& d) {
    return d.event.request.amount->minor_units() == d.sale->amount.minor_units()
               ? Refusal::none
               : Refusal::void_amount_differs;
}

/// R20b: the same sale and amount again under another key.
void look_for_repeat(const World& w, Draft& d) {
    if (d.sale->refunds_count == 0 && !d.sale->reversal_exception) return;
    const std::int64_t window_ms = std::int64_t{d.merchant->refund.repeat_refund_seconds} * 1000;
    bool repeats = d.sale->reversal_exception;
    std::optional<iso8583::Rrn> at = d.sale->last_refund;
    constexpr int chain_steps_max = 64;  // a sale with more refunds than that has been looked at by people
    for (int step = 0; at && step < chain_steps_max; ++step) {
        const auto facts = w.c.ledger.refund_facts(*at);
        if (!facts) return;
        const bool recent = window_ms > 0 && w.c.now.utc.ms - facts->created.ms <= window_ms;
        if (!recent && !d.sale->reversal_exception) break;
        if (facts->amount_minor == d.event.request.amount->minor_units() && *at != d.edits) {
            const TransactionRecord* earlier = w.c.ledger.find(*at);
            if (earlier == nullptr) return;
            const bool counts = ledger::counts_in_remaining(earlier->state);
            if (counts && earlier->state == State::held) d.same_case = earlier->rrn;
            if (counts && recent) repeats = true;
        }
        at = facts->before;
    }
    if (!repeats) {
        d.same_case.reset();
        return;
    }
    hold(d, "R20b");
}

Refusal remaining(const World& w, Draft& d) {
    if (d.event.request.amount->minor_units() <= d.sale->remaining_minor()) return Refusal::none;
    // R20b before R11 would hold what can never be paid; but a repeat of a held refund gets its case,
    // whatever remains.
    look_for_repeat(w, d);
    return d.same_case ? Refusal::none : Refusal::amount_against_original;
}

/// R27: what the merchant sold today, less what went back, or its reserve has to cover it.
Refusal funds(const World& w, Draft& d) {
    const RefundPolicy& policy = d.merchant->refund;
    const auto there = funds_minor(w.c, *d.merchant);
    if (!there || d.event.request.amount->minor_units() <= *there) return Refusal::none;
    if (policy.on_short == OnCaution::refuse) return Refusal::funds_short;
    hold(d, "R27");
    return Refusal::none;
}

/// R28.
Refusal fraud(const World& w, Draft& d) {
    const RefundPolicy& policy = d.merchant->refund;
    const iso8583::TerminalId till =
        d.record.from_operations ? iso8583::TerminalId() : d.event.request.terminal;
    d.record.caution = caution::hits(w.c, *d.merchant, {d.sale->pan_token, d.record.operator_number, till},
                                     d.event.request.amount->minor_units());
    if (d.record.caution.empty()) return Refusal::none;
    if (policy.on_fraud == OnCaution::refuse) return Refusal::fraud_suspected;
    hold(d, "R28");
    return Refusal::none;
}

/// R17, R29 and R20b decide between "goes on" and "waits for a checker".
Refusal approval(const World& w, Draft& d) {
    if (needs_approval(d.merchant->refund, d.event.request.amount->minor_units(), d.event.request.entry))
        hold(d, "R17");
    if (is_old(d.merchant->refund, *d.sale, w.c.business_day)) hold(d, "R29");
    look_for_repeat(w, d);
    return d.hold ? Refusal::approval_required : Refusal::none;
}

Refusal sale_route(const World& w, Draft& d) {
    const auto choice = d.event.request.means.choose_route(w.c.config->routes, w.c.links);
    if (!choice)
        return choice.error() == routing::RouteTable::NoRoute::unknown_iin ? Refusal::no_route
                                                                           : Refusal::route_down;
    d.route = *choice;
    return Refusal::none;
}

/// Does the queue send it to its issuer, link up or down?
bool is_queued(RequestKind kind, const routing::Route& route) {
    switch (kind) {
        case RequestKind::void_sale:
            return route.void_mode == routing::VoidMode::reversal_0420;
        case RequestKind::void_authorization:
            return route.authorization_void_mode == routing::AuthorizationVoidMode::reversal_0420;
        case RequestKind::completion:
            return route.sale_mode == routing::SaleMode::authorization_0100;
        case RequestKind::completion_advice:
            return true;
        default:
            return route.refund_mode == routing::RefundMode::advice;
    }
}

/// The route is the sale's (rule 3 of the original route); a retired one without successor makes a case of a
/// refund.
Refusal original_route(const World& w, Draft& d) {
    const bool is_refund = d.event.request.transaction == TransactionKind::refund;
    d.route = w.c.config->routes.for_original(routing::RouteId{d.sale->route});
    if (d.route == nullptr) {
        if (!is_refund) return Refusal::no_route;
        hold(d, "R17");
        return Refusal::none;
    }
    if (d.hold) return Refusal::none;
    // A successor does not know what the route before it holds.
    if (is_of_authorization(d.event.request.kind) && d.route->id.value != d.sale->route)
        return Refusal::no_route;
    return is_queued(d.event.request.kind, *d.route) || w.c.link_for(d.route->id)
               ? Refusal::none
               : Refusal::route_down;  // R52
}

bool is_flooded(const CoreContext& c, const Draft& d) {
    constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
    return d.slot.entries.size() >= ledger::TraceSlot::entries_max &&
           c.now.utc.ms - d.slot.entries.front().created_ms < day_ms;
}

Refusal room(const World& w, const Draft& d) {
    if (d.same_case && is_full(*w.c.ledger.find(*d.same_case))) return Refusal::case_full;
    if (is_flooded(w.c, d)) return Refusal::too_many_in_flight;
    if (w.c.in_flight.size() >= w.c.config->limits.pending_max) return Refusal::too_many_in_flight;
    const std::uint32_t own_max = w.c.config->limits.terminal_pending_max;
    if (w.c.in_flight.size() >= own_max && w.c.in_flight.requests_of(d.event.request.terminal) >= own_max) {
        w.c.count("terminal_pending_full");
        return Refusal::too_many_in_flight;
    }
    if (d.route != nullptr && w.c.in_flight.requests_of(d.route->id) >= d.route->in_flight_max)
        return Refusal::too_many_in_flight;
    return w.c.store_accepts_new_work() ? Refusal::none : Refusal::system_error;  // R62
}

Refusal check(CheckId id, const World& w, Draft& d) {
    switch (id) {
        case CheckId::format:
        case CheckId::terminal:
        case CheckId::merchant:
        case CheckId::sign_on:
        case CheckId::mac:
        case CheckId::reconciled:
        case CheckId::duplicate:
            return Refusal::none;  // judged before there is a draft
        case CheckId::suspension:
            return suspension(w, d);
        case CheckId::open_batch:
            return open_batch(d);
        case CheckId::reversed_before:
            return reversed_before(d);
        case CheckId::amount_form:
            return amount_form(d);
        case CheckId::currency:
            return currency(w, d);
        case CheckId::merchant_rights:
            return merchant_rights(w, d);
        case CheckId::original:
            return original(d);
        case CheckId::void_terminal:
            return void_terminal(d);
        case CheckId::void_trace:
            return void_trace(d);
        case CheckId::authorization:
            return authorization(d);
        case CheckId::means:
            return means(w, d);
        case CheckId::holding:
            return d.event.request.means.can_hold() ? Refusal::none : Refusal::means_holds_nothing;
        case CheckId::sale_state:
            return sale_state(d);
        case CheckId::authorization_state:
            return authorization_state(w, d);
        case CheckId::completion_window:
            return completion_window(w, d);
        case CheckId::completion_amount:
            return completion_amount(w, d);
        case CheckId::void_right:
            return void_right(w, d);
        case CheckId::before_settlement:
            return before_settlement(w, d);
        case CheckId::funds:
            return funds(w, d);
        case CheckId::fraud:
            return fraud(w, d);
        case CheckId::chain:
            return chain(w, d);
        case CheckId::window:
            return window(w, d);
        case CheckId::limits:
            return limits(w, d);
        case CheckId::void_amount:
            return void_amount(d);
        case CheckId::remaining:
            return remaining(w, d);
        case CheckId::approval:
            return approval(w, d);
        case CheckId::sale_route:
            return sale_route(w, d);
        case CheckId::original_route:
            return original_route(w, d);
        case CheckId::room:
            return room(w, d);
        case CheckId::pin:
            return Refusal::none;  // judged when the HSM has answered
    }
    ENSURE(false);
}

}  // namespace

Refusal TransactionChecks::judge(TransactionDraft& draft) {
    const TerminalRequest& request = draft.event.request;
    draft.terminal = terminals_.record(request.terminal);
    draft.record.batch = draft.terminal.batch;
    draft.record.operator_number = draft.terminal.operator_number;
    const World world{c_, terminals_, queue_};
    const std::uint8_t kind = check_of::kind_of(request.transaction, is_of_authorization(request.kind));
    for (const Check& row : check_list) {
        if (!row.judges(kind, request.profile)) continue;
        const bool of_the_flow = row.judge == CheckJudge::flow || row.judge == CheckJudge::flow_and_case;
        if (!of_the_flow) continue;
        const Refusal why = check(row.id, world, draft);
        if (why != Refusal::none && row.outcome == CheckOutcome::refuse) return why;
    }
    return Refusal::none;
}

Refusal TransactionChecks::judge_case(TransactionDraft& draft) {
    const TerminalRequest& request = draft.event.request;
    const World world{c_, terminals_, queue_};
    for (const Check& row : check_list) {
        if (row.judge != CheckJudge::flow_and_case || !row.judges(check_of::refunds, request.profile))
            continue;
        const Refusal why = check(row.id, world, draft);
        if (why != Refusal::none && row.outcome == CheckOutcome::refuse) return why;
    }
    return Refusal::none;
}

Refusal TransactionChecks::judge_line(TransactionDraft& draft) {
    const Refusal why = judge_case(draft);
    if (why == Refusal::none) look_for_repeat({c_, terminals_, queue_}, draft);
    return why;
}

bool TransactionChecks::becomes_a_void(const TransactionDraft& draft) const {
    return draft.merchant->refund.before_settlement == RefundBeforeSettlement::turn_into_void &&
           !draft.hold && could_be_a_void({c_, terminals_, queue_}, draft);
}

bool TransactionChecks::slot_is_flooded(const TransactionDraft& draft) const { return is_flooded(c_, draft); }

}  // namespace acquirer
