#include "switch/core/undoing.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::PartialReversal;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// A void that its route takes as the reversal of the sale, before it is final.
bool is_reversal_of_its_sale(const TransactionRecord& record) {
    return record.kind == TransactionKind::void_sale &&
           (record.state == State::advice_pending || record.state == State::parked ||
            record.state == State::reversal_stuck);
}

}  // namespace

void Undoing::in_doubt(TransactionRecord& record, std::string_view rule, Refusal answer_with) {
    const bool was_reversed = record.state == State::reverse_on_answer;
    if (!was_reversed) {
        move(record, State::in_doubt, rule, c_.now.utc);
        record.cut_in_doubt = true;
        store_refusal(c_, record, answer_with);
    }
    c_.note(Severity::warning, NoteKind::in_doubt, record, rule, "outcome unknown: a reversal is queued");
    c_.count("in_doubt");
    reverse(record, was_reversed ? "R34" : rule, Original::in_doubt);
}

void Undoing::reverse(TransactionRecord& record, std::string_view rule, Original original) {
    move(record, State::reversing, rule, c_.now.utc);
    if (!record.answer)
        store_answer(c_, record,
                     response_code(Refusal::duplicate_of_reversed, static_cast<Profile>(record.profile)));
    if (record.is_uncollected()) {
        if (record.advice.attempts > 0) return;  // completion_ended() goes on
        queue_.withdraw(record);
    }
    // R39: behind the 0420 of a part, whose end begins it: it carries what that one leaves.
    if (record.open_partial() == nullptr) queue_.send_reversal(record, original);
}

void Undoing::completion_ended(TransactionRecord& sale, Completion how) {
    if (how == Completion::refused && sale.is_completion()) {
        // The issuer has nothing of it, and its authorization stands.
        move(sale, State::cancelled, "R33", c_.now.utc);
        chain_.sale_reversed(sale);
        return;
    }
    queue_.send_reversal(sale, Original::approved);
}

void Undoing::void_failed(const TransactionRecord& void_record, std::string_view rule) {
    if (TransactionRecord* sale = chain_.void_failed(void_record, rule)) {
        c_.add_to_batch(*sale, -1);
        reverse(*sale, "R34", Original::approved);
    }
}

void Undoing::on_late_reply(TransactionRecord& record, const IssuerReplyArrived& event) {
    const auto* route = c_.config->routes.find(event.route);
    if (route == nullptr || event.mac != MacState::verified || !event.reply.code) return;
    const bool late_approval = routing::says_approved(routing::classify_request(*route, *event.reply.code));
    c_.count("late_replies");
    c_.note(Severity::warning, NoteKind::late_reply, record, "R51",
            "the issuer answered " + event.reply.code->str() + " after the time-out");
    if (!late_approval) return;
    note_rule(record, "R51", c_.now.utc);
    const bool is_being_reversed =
        record.state == State::reversing ||
        (record.state == State::reversed && record.advice.status != ledger::QueuedAdvice::Status::final);
    if (event.reply.authorization && record.issuer_authorization.empty()) {
        // R54: a repeat says what its first attempt said.
        const bool has_left = is_being_reversed && record.advice.attempts > 0;
        (has_left ? record.late_authorization : record.issuer_authorization) = *event.reply.authorization;
    }
    if (is_being_reversed) {
        // Its reversal, or the second 0420 of R51a, goes on, as that of an approved original: a "not found"
        // contradicts what the issuer said.
        record.advice.of_approved_original = true;
        return;
    }
    if (record.state != State::reversed) return;
    const auto last = iso8583::ResponseCode::parse(record.advice.last_code);
    const bool found_nothing_before =
        record.advice.not_found_once && last &&
        routing::classify_reversal(*route, *last, routing::ReversedOriginal::in_doubt) ==
            routing::ReversalVerdict::not_found;
    if (found_nothing_before)
        reverse_what_was_not_found(record);
    else
        c_.open_exception(record.rrn, "late_approval", "R51",
                          "the issuer approved after it had confirmed the reversal", ledger::Urgency::alarm);
}

/// What is sent about it from now on names it.
void Undoing::name_late_authorization(TransactionRecord& record) {
    if (record.issuer_authorization.empty()) record.issuer_authorization = record.late_authorization;
    record.late_authorization = {};
}

/// R51a: the issuer had not known it and has it now: a new 0420.
void Undoing::reverse_what_was_not_found(TransactionRecord& record) {
    name_late_authorization(record);
    StoreAndForward::keep_numbers(record);  // of the first 0420, which may be answered once more
    const bool counts_again =
        record.kind == TransactionKind::authorization ||
        (record.kind == TransactionKind::sale     ? chain_.sale_in_doubt_again(record, "R51a")
         : record.kind == TransactionKind::refund ? chain_.reserve_again(record)
                                                  : chain_.void_in_doubt_again(record));
    if (counts_again) {
        reverse(record, "R51a", Original::in_doubt);
        return;
    }
    queue_.send_reversal(record, Original::in_doubt);
    c_.open_exception(record.rrn, "late_approval_amount_used", "R51a",
                      "the issuer approved late what had been released, and the amount was used meanwhile",
                      ledger::Urgency::alarm);
}

void Undoing::on_reversed(TransactionRecord& record, std::string_view rule) {
    if (record.open_partial() != nullptr) {
        end_partial(record, PartialReversal::Status::done, rule == "R30" ? "R39" : rule);
        return;
    }
    if (is_blind(record)) {
        note_rule(record, rule == "R30" ? "R35" : rule, c_.now.utc);
        if (record.advice.last_code == "00")
            c_.open_exception(record.rrn, "blind_reversed", "R35",
                              "the issuer had what the switch does not know, and reversed it",
                              ledger::Urgency::alarm);
        return;
    }
    if (record.state == State::lapsed) {  // R95: the hold was the issuer's to drop anyway
        note_rule(record, "R95", c_.now.utc);
        return;
    }
    if (is_reversal_of_its_sale(record)) {
        const std::string_view by_its_answer = record.state == State::reversal_stuck ? "R72" : "R3";
        move(record, State::voided, rule == "R30" ? by_its_answer : rule, c_.now.utc);
        return;
    }
    if (record.state == State::reversed) {  // R51a: the second 0420 of what was reversed already
        note_rule(record, rule, c_.now.utc);
        return;
    }
    record.decided.reversal_refused = false;
    // R70, R72: people know that the issuer did not take the 0220 that completes it.
    if (record.state == State::approved) move(record, State::not_collected, "R94", c_.now.utc);
    if (record.state == State::not_collected && !c_.is_settled(record)) c_.add_to_batch(record, -1);
    move(record, State::reversed, rule, c_.now.utc);
    c_.note(Severity::info, NoteKind::reversal_final, record, rule, "reversed");
    switch (record.kind) {
        case TransactionKind::sale:
            chain_.sale_reversed(record);
            return;
        case TransactionKind::refund:
            chain_.release(record);
            chain_.case_not_paid(record);
            return;
        case TransactionKind::void_sale:
            void_failed(record, "R50");
            return;
        case TransactionKind::authorization:
            return;  // nothing was posted
    }
    ENSURE(false);
}

void Undoing::on_reversal_stuck(TransactionRecord& record, std::string_view rule) {
    if (record.open_partial() != nullptr) {
        c_.open_exception(record.rrn, "partial_reversal_refused", "R39",
                          "the issuer refuses a partial reversal finally with " + record.advice.last_code +
                              ", which its terminal takes for accepted; the sale's amount is restored",
                          ledger::Urgency::alarm);
        end_partial(record, PartialReversal::Status::refused, "R39");
        return;
    }
    if (record.kind == TransactionKind::void_sale && record.state == State::reversing) {
        // R32: the void stands after all.
        move(record, State::voided, "R32", c_.now.utc);
        chain_.void_stands(record);
    } else if (record.state == State::reversed) {
        note_rule(record, rule, c_.now.utc);
    } else {
        move(record, State::reversal_stuck, rule, c_.now.utc);
    }
    record.decided.reversal_refused = true;  // R31 ends here: repeats of the reversal get 12
    c_.open_exception(record.rrn, "reversal_stuck", std::string(rule),
                      "the issuer refuses the reversal finally with " + record.advice.last_code +
                          "; its books and ours differ",
                      ledger::Urgency::alarm);
}

void Undoing::settle_as_undone(TransactionRecord& record, std::string_view rule) {
    queue_.settled(record);
    on_reversed(record, rule);
}

/// R70, R72: two people know that the issuer took the 0220, whatever it answered.
void Undoing::completion_stands(TransactionRecord& sale, std::string_view rule) {
    queue_.settled(sale);
    sale.completion_stan = sale.advice.stan;
    sale.completion_transmission_time = sale.advice.transmission_time;
    if (sale.state == State::approved) {
        note_rule(sale, "R70", c_.now.utc);
        return;
    }
    if (sale.state == State::reversing) move(sale, State::reversal_stuck, rule, c_.now.utc);
    sale.reversal_digest = 0;
    move(sale, State::approved, rule, c_.now.utc);
    chain_.sale_stands(sale);
}

void Undoing::settle_as_standing(TransactionRecord& record, std::string_view rule) {
    if (record.advice.kind == ledger::QueuedAdvice::Kind::completion) {
        completion_stands(record, rule);
        return;
    }
    queue_.settled(record);
    name_late_authorization(record);
    if (record.open_partial() != nullptr) {
        end_partial(record, PartialReversal::Status::refused, rule);
        return;
    }
    if (record.state == State::reversed) {
        // R51a: released long ago, and what it freed was used: it stays so here, whatever stands at the
        // issuer.
        note_rule(record, rule, c_.now.utc);
        return;
    }
    if (is_reversal_of_its_sale(record)) {  // the sale was not voided
        move(record, State::reversed, rule, c_.now.utc);
        void_failed(record, rule);
        return;
    }
    record.decided.reversal_refused = true;
    record.reversal_digest = 0;  // what was answered before its reversal is true again
    if (record.kind == TransactionKind::void_sale) {
        move(record, State::voided, rule, c_.now.utc);
        chain_.void_stands(record);
        return;
    }
    if (record.state == State::reversing) move(record, State::reversal_stuck, rule, c_.now.utc);
    if (record.kind == TransactionKind::authorization) {
        PreAuthorization(c_).authorized(record, rule);
        return;
    }
    move(record, State::approved, rule, c_.now.utc);
    if (record.kind == TransactionKind::sale)
        chain_.sale_stands(record);
    else
        chain_.refund_stands(record);
}

}  // namespace acquirer
