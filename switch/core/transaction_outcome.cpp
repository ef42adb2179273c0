#include "switch/core/transaction_outcome.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/discounts.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/core/payment_means.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/reserve_fund.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

// The second half of THE STORY, whose first is transaction_flow.cpp:
//
//   4. the issuer's answer         on_issuer_reply approved, declined; unknown: undoing.cpp
//   5. the answer to the terminal  finish          the one answer, once to every connection that asked

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::size_t icc_data_bytes_max = 255;  // DE55 of terminals, docs/dialects.md

// ---- 4. The issuer's answer

void TransactionOutcome::on_issuer_reply(const Awaited& awaited, const IssuerReplyArrived& event) {
    TransactionRecord* record = c_.ledger.edit(awaited.rrn);
    const auto* route = c_.config->routes.find(event.route);
    if (record == nullptr || route == nullptr) return;
    const auto* reply = &event.reply;
    if (event.mac == MacState::hsm_down) {
        undoing_.in_doubt(*record, "R64", Refusal::issuer_silent);
    } else if (event.mac != MacState::verified) {
        c_.note(Severity::alarm, NoteKind::bad_issuer_mac, *record, "R61",
                "the issuer's answer has a wrong or no MAC");
        undoing_.in_doubt(*record, "R61", Refusal::issuer_answer_invalid);
    } else if (!reply->code) {
        undoing_.in_doubt(*record, "R50", Refusal::issuer_silent);
    } else {
        switch (routing::classify_request(*route, *reply->code)) {
            case routing::IssuerVerdict::approved:
                if (reply->amount_minor && *reply->amount_minor != record->amount.minor_units()) {
                    c_.note(Severity::alarm, NoteKind::in_doubt, *record, "R61",
                            "the issuer approved another amount");
                    undoing_.in_doubt(*record, "R61", Refusal::issuer_answer_invalid);
                    break;
                }
                approved(*record, *reply);
                break;
            case routing::IssuerVerdict::partly_approved:
                partly_approved(*record, *route, *reply);
                break;
            case routing::IssuerVerdict::declined:
                declined(*record, *reply->code);
                break;
            case routing::IssuerVerdict::unlisted:
                c_.open_exception(record->rrn, "unlisted_code", "R50",
                                  "the issuer answered with " + reply->code->str() +
                                      ", which its route does not list; reversed",
                                  ledger::Urgency::alarm);
                undoing_.in_doubt(*record, "R50", Refusal::issuer_silent);
                break;
            case routing::IssuerVerdict::unknown:
                undoing_.in_doubt(*record, "R50", Refusal::issuer_silent);
                break;
        }
    }
    if (record->state == State::sent) return;  // R9: the void was declined, the refund is with the issuer
    finish(awaited.rrn, *record);
}

/// R26: a sale whose terminal and route take it is approved for the answer's DE4. R26a: anything else is
/// undone, because the issuer keeps what it approved.
void TransactionOutcome::partly_approved(TransactionRecord& record, const routing::Route& route,
                                         const IssuerReply& reply) {
    const std::int64_t part = reply.amount_minor.value_or(0);
    if (record.asked_minor != 0 && route.partial_approval && part > 0 && part < record.asked_minor) {
        // When its reversal came meanwhile, approved() undoes it: then it was never a sale of the part.
        if (record.state == State::sent) record.amount = iso8583::Amount(part, record.amount.currency());
        approved(record, reply);
        return;
    }
    const bool sale = record.kind == TransactionKind::sale || record.kind == TransactionKind::authorization;
    if (!sale)
        c_.note(Severity::alarm, NoteKind::in_doubt, record, "R26a", "the issuer approved a part of it");
    undoing_.in_doubt(record, "R26a", sale ? Refusal::partial_not_taken : Refusal::issuer_silent);
}

void TransactionOutcome::approved(TransactionRecord& record, const IssuerReply& reply) {
    if (reply.authorization) record.issuer_authorization = *reply.authorization;
    keep_order_number(record, reply);
    if (record.state == State::reverse_on_answer) {
        // R34: its reversal was answered 00 already; nothing of it may stay.
        undoing_.reverse(record, "R34", Original::approved);
        return;
    }
    record.business_date = c_.business_day;
    store_answer(c_, record, iso8583::ResponseCode::of(record.is_partly_approved() ? "10" : "00"));
    if (record.checker.empty()) {
        record.answer->authorization = record.issuer_authorization;
        // A longer DE55 than a terminal's dialect carries would make the answer one that can never be
        // written.
        if (reply.icc_data.size() <= icc_data_bytes_max) record.answer->icc_data = reply.icc_data;
    }
    switch (record.kind) {
        case TransactionKind::sale:
            move(record, State::approved,
                 record.is_partly_approved() ? "R26"
                 : record.is_completion()    ? "R92"
                                             : "R1",
                 c_.now.utc);
            discounts::fix_split(c_, record, reply.additional_amounts);
            chain_.sale_approved(record);
            if (!record.wallet.order_number.empty())
                c_.ledger.save_order_number(record.merchant, record.wallet.order_number, record.rrn);
            transactions_.release_funded(record.merchant);
            // A dual-message route: what the 0100 holds is collected by a 0220 (ruling 7).
            if (record.asked_by_0100) queue_.send_completion(record);
            break;
        case TransactionKind::authorization:
            PreAuthorization(c_).authorized(record, "R90");
            break;
        case TransactionKind::refund:
            move(record, State::approved, "R8", c_.now.utc);
            chain_.refund_approved(record);
            break;
        case TransactionKind::void_sale:
            move(record, State::voided, "R3", c_.now.utc);
            chain_.void_approved(record);
            break;
    }
    c_.add_to_batch(record, +1);
}

/// R83: the number by which the wallet knows the sale.
void TransactionOutcome::keep_order_number(TransactionRecord& record, const IssuerReply& reply) {
    if (record.kind != TransactionKind::sale || !payment_kind(record.instrument).has_order_number) return;
    record.wallet.order_number = order_number_in(reply.additional_data, c_.config->wallet_wire);
}

void TransactionOutcome::declined(TransactionRecord& record, iso8583::ResponseCode code) {
    const bool was_reversed = record.state == State::reverse_on_answer;
    if (record.turned_into_void && !was_reversed && go_on_as_refund(record)) return;
    move(record, State::declined, was_reversed ? "R34" : "R2", c_.now.utc);
    store_answer(c_, record,
                 was_reversed
                     ? response_code(Refusal::duplicate_of_reversed, static_cast<Profile>(record.profile))
                     : code);
    switch (record.kind) {
        case TransactionKind::sale:
            chain_.sale_declined(record);
            return;
        case TransactionKind::authorization:
            return;
        case TransactionKind::refund:
            chain_.release(record);
            chain_.case_not_paid(record);
            return;
        case TransactionKind::void_sale:
            undoing_.void_failed(record, "R3");
            return;
    }
    ENSURE(false);
}

bool TransactionOutcome::go_on_as_refund(TransactionRecord& record) {
    const auto* route = c_.config->routes.for_original(routing::RouteId{record.route});
    const TransactionRecord* sale = c_.ledger.find(*record.original);
    const bool possible =
        sale != nullptr && route != nullptr && !sale->reverse_if_void_fails &&
        (route->refund_mode == routing::RefundMode::advice || c_.link_for(route->id).has_value());
    if (!possible) return false;
    undoing_.void_failed(record, "R9");
    record.asked_as_void = {record.issuer_stan, record.issuer_transmission_time};
    record.kind = TransactionKind::refund;
    record.turned_into_void = false;
    record.route = route->id.value;
    chain_.reserve(record, *record.original);
    // It was judged before the void was asked for: what the reserve has lost since, the merchant owes.
    reserve_fund::draw(c_, record, record.amount.minor_units(), reserve_fund::Draw::what_there_is);
    transactions_.send_after_void(record, *route);
    return true;
}

void TransactionOutcome::on_reply_deadline(const iso8583::Rrn& rrn) {
    if (!c_.in_flight.contains(rrn)) return;
    TransactionRecord* record = c_.ledger.edit(rrn);
    if (record == nullptr) return;
    undoing_.in_doubt(*record, "R50", Refusal::issuer_silent);
    finish(rrn, *record);
}

void TransactionOutcome::on_link_down(routing::RouteId route, LinkId link) {
    for (const iso8583::Rrn& rrn : c_.in_flight.lost(route, link)) {
        TransactionRecord* record = c_.ledger.edit(rrn);
        if (record == nullptr) continue;
        undoing_.in_doubt(*record, "R53", Refusal::issuer_silent);
        finish(rrn, *record);
    }
}

// ---- 5. The answer

/// The one answer, once to every connection that asked (R22); an original that was reversed meanwhile gets
/// none (R34).
void TransactionOutcome::finish(const iso8583::Rrn& rrn, const TransactionRecord& record) {
    const std::vector<Asker> askers = c_.in_flight.end(rrn);
    if (record.reversal_digest != 0 && record.state != State::approved && record.state != State::authorized &&
        record.state != State::voided)
        return;
    for (const Asker& asker : askers) answer(c_, asker, stored_content(record));
}

}  // namespace acquirer
