#include "switch/core/pre_authorization.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/authorization_index.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// A clock that steps must not make one lapse late by more than this.
constexpr std::int64_t look_again_ms = 3'600'000;

std::uint32_t days_of(const CoreContext& c, const TransactionRecord& authorization) {
    const routing::Route* route = c.route(authorization.route);
    return route != nullptr ? route->authorization_days : routing::Route{}.authorization_days;
}

}  // namespace

bool completes_in_time(const TransactionRecord& authorization, std::uint32_t days, iso8583::Date today) {
    return today.days() - authorization.local_date.days() <= static_cast<std::int32_t>(days);
}

std::int64_t completion_bound_minor(const TransactionRecord& authorization, std::uint32_t percent) {
    return authorization.amount.minor_units() * std::int64_t{percent} / 100;
}

// ---- What a request names

const TransactionRecord* PreAuthorization::find(const TerminalRequest& r) {
    const auto is_one = [&r](const TransactionRecord* record) {
        return record != nullptr && record->kind == TransactionKind::authorization &&
               record->merchant == r.merchant && record->state != State::tombstone;
    };
    if (r.original_rrn) {
        const TransactionRecord* named = c_.ledger.find(*r.original_rrn);
        if (!is_one(named)) return nullptr;
        const bool other_date = !r.original_date.empty() && r.original_date != named->local_date.mmdd();
        return other_date ? nullptr : named;
    }
    if (!r.authorization) return nullptr;
    const TransactionRecord* found = nullptr;
    const std::string key = ledger::authorizations_key(
        r.merchant, r.means.identity(c_.vault, c_.config->routes).token, *r.authorization);
    for (const iso8583::Rrn& rrn : ledger::authorizations_of(c_.ledger, key)) {
        const TransactionRecord* one = c_.ledger.find(rrn);
        if (!is_one(one) || one->state == State::reversed) continue;
        if (!r.original_date.empty() && r.original_date != one->local_date.mmdd()) continue;
        if (!completes_in_time(*one, days_of(c_, *one), c_.local_now().date)) continue;
        if (found != nullptr) return nullptr;  // never a guess
        found = one;
    }
    return found;
}

bool PreAuthorization::is_free(const TransactionRecord& authorization) {
    const TransactionRecord* before =
        authorization.completed_by ? c_.ledger.find(*authorization.completed_by) : nullptr;
    if (before == nullptr) return true;
    if (ledger::is_open(*before)) return false;
    if (before->state != State::voided) return true;
    const TransactionRecord* its_void = before->voided_by ? c_.ledger.find(*before->voided_by) : nullptr;
    return its_void == nullptr || !ledger::is_open(*its_void);
}

Refusal PreAuthorization::state(const TransactionRecord& authorization, RequestKind asked) {
    switch (authorization.state) {
        case State::authorized:
            return is_free(authorization) ? Refusal::none : Refusal::original_busy;
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::auth_voiding:
        case State::void_reversing:
        case State::completing:
            return Refusal::original_busy;
        case State::lapsed:
            return asked == RequestKind::void_authorization ? Refusal::authorization_spent : Refusal::none;
        default:
            return Refusal::authorization_spent;
    }
}

// ---- Its moves

TransactionRecord* PreAuthorization::authorization_of(const TransactionRecord& completion) {
    ENSURE(completion.original.has_value());
    TransactionRecord* authorization = c_.ledger.edit(*completion.original);
    ENSURE(authorization != nullptr);
    return authorization->completed_by == completion.rrn ? authorization : nullptr;
}

void PreAuthorization::move_to(TransactionRecord& authorization, State to, std::string_view rule) {
    move(authorization, to, rule, c_.now.utc);
    if (to == State::authorized)
        watch(authorization);
    else
        c_.deadlines.cancel({DeadlineId::Kind::lapse, authorization.rrn, 0});
}

void PreAuthorization::authorized(TransactionRecord& authorization, std::string_view rule) {
    move_to(authorization, State::authorized, rule);
    if (authorization.issuer_authorization.empty()) return;  // then no request can name it by its code
    ledger::remember_authorization(c_.ledger,
                                   ledger::authorizations_key(authorization.merchant, authorization.pan_token,
                                                              authorization.issuer_authorization),
                                   authorization.rrn);
}

void PreAuthorization::completion_begun(TransactionRecord& completion, State to) {
    TransactionRecord* authorization = c_.ledger.edit(*completion.original);
    ENSURE(authorization != nullptr && is_free(*authorization));
    authorization->completed_by = completion.rrn;
    move_to(*authorization, to, to == State::completed ? "R94" : "R92");
}

void PreAuthorization::completion_stands(const TransactionRecord& completion, std::string_view rule) {
    TransactionRecord* authorization = authorization_of(completion);
    if (authorization != nullptr && authorization->state != State::completed)
        move_to(*authorization, State::completed, rule);
}

void PreAuthorization::completion_undone(const TransactionRecord& completion, std::string_view rule) {
    TransactionRecord* authorization = authorization_of(completion);
    if (authorization != nullptr &&
        (authorization->state == State::completing || authorization->state == State::completed))
        move_to(*authorization, State::authorized, rule);
}

bool PreAuthorization::completion_may_return(const TransactionRecord& completion) {
    const TransactionRecord* authorization = authorization_of(completion);
    return authorization != nullptr && authorization->state == State::authorized;
}

void PreAuthorization::completion_in_doubt_again(const TransactionRecord& completion, std::string_view rule) {
    TransactionRecord* authorization = authorization_of(completion);
    ENSURE(authorization != nullptr);
    move_to(*authorization, State::completing, rule);
}

// ---- R95

std::int64_t PreAuthorization::ends_in_ms(const TransactionRecord& authorization) const {
    const iso8583::Date last = authorization.local_date;
    const iso8583::Date after =
        iso8583::Date::from_days(last.days() + static_cast<std::int32_t>(days_of(c_, authorization)) + 1);
    return c_.config->time_zone.first_at(after, 0).ms - c_.now.utc.ms;
}

void PreAuthorization::watch(const TransactionRecord& authorization) {
    const std::int64_t wait = std::clamp<std::int64_t>(ends_in_ms(authorization), 0, look_again_ms);
    c_.set_deadline({DeadlineId::Kind::lapse, authorization.rrn, 0}, wait);
}

void PreAuthorization::on_lapse_deadline(const iso8583::Rrn& rrn, StoreAndForward& queue) {
    TransactionRecord* authorization = c_.ledger.edit(rrn);
    if (authorization == nullptr || authorization->state != State::authorized) return;
    // A completion that may come back, or (R65) one that a backup does not know, keeps it.
    if (ends_in_ms(*authorization) > 0) return watch(*authorization);
    if (!is_free(*authorization) || c_.restored) {
        c_.set_deadline({DeadlineId::Kind::lapse, rrn, 0}, look_again_ms);
        return;
    }
    move_to(*authorization, State::lapsed, "R95");
    c_.count("authorizations.lapsed");
    const routing::Route* route = c_.route(authorization->route);
    if (route != nullptr && route->reverse_lapsed) queue.send_reversal(*authorization, Original::approved);
}

}  // namespace acquirer
