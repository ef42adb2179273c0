#include "switch/core/reversal_flow.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

// Order of a reversal: format, terminal, MAC (before this file) · same key with 00 · match 25/00 · amount 64
// · state.

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

void ReversalFlow::on_request(const RequestArrived& event) {
    const TerminalRequest& r = event.request;
    const Asker asker{event.from, r};
    const iso8583::PanToken token = c_.vault.token(r.pan);
    digest_ = content_digest(r, token);
    FoundForReversal found = find_for_reversal(c_, r, token);
    if (!found.original) {
        without_original(asker, found);
        return;
    }
    TransactionRecord& original = *found.original;
    ReplyContent accepted;
    accepted.code = iso8583::ResponseCode::of("00");
    accepted.rrn = original.rrn;
    if (original.reversal_digest == digest_) {  // R31: the same again
        answer(c_, asker, accepted);
        return;
    }
    if (r.profile == Profile::unionpay_pos && original.kind == TransactionKind::refund &&
        !c_.config->refund_reversal_allowed) {
        answer_refusal(c_, asker, Refusal::reversal_not_allowed, original.rrn);
        return;
    }
    if (r.has_replacement_amounts) {  // R39: a partial reversal
        answer_refusal(c_, asker, Refusal::function_not_supported, original.rrn);
        return;
    }
    if (!r.amount || r.amount->minor_units() != original.amount.minor_units()) {  // R37
        c_.open_exception(original.rrn, "reversal_other_amount", "R37",
                          "a reversal names another amount than its original");
        answer_refusal(c_, asker, r.amount ? Refusal::reversal_amount_differs : Refusal::amount_invalid,
                       original.rrn);
        return;
    }
    switch (judge(original)) {
        case Outcome::accepted:
            c_.count("reversals.accepted");
            c_.note(Severity::info, NoteKind::reversal_accepted, original, "R30", "reversal accepted");
            answer(c_, asker, accepted);
            return;
        case Outcome::not_allowed:
            answer_refusal(c_, asker, Refusal::reversal_not_allowed, original.rrn);
            return;
        case Outcome::no_answer: {
            Note n;
            n.kind = NoteKind::request_unanswered;
            n.rrn = original.rrn.str();
            n.terminal = r.terminal.str();
            n.rule = "R32";
            n.detail = "a reversal while something on its original is under way: the terminal repeats it";
            c_.note(std::move(n));
            return;
        }
    }
    ENSURE(false);
}

/// R35: before or without its original. A stone under the original's key stops it when it comes.
void ReversalFlow::without_original(const Asker& asker, const FoundForReversal& found) {
    const TerminalRequest& r = asker.request;
    std::optional<TransactionRecord> stone = found.tombstone;
    if (!stone) {
        stone.emplace();
        stone->rrn = c_.ledger.next_rrn(c_.now);
        stone->kind = r.transaction;
        stone->profile = static_cast<std::uint8_t>(r.profile);
        stone->merchant = r.merchant;
        stone->terminal = r.terminal;
        stone->batch = r.batch;
        stone->stan = r.stan;
        stone->message_type = r.message_type;
        stone->processing_code = r.processing_code;
        stone->amount = r.amount.value_or(iso8583::Amount(0, r.currency));
        stone->pan_token = c_.vault.token(r.pan);
        stone->pan_masked = r.pan.masked();
        if (!r.pan.empty()) stone->sealed_card = c_.seal_card({r.pan, {}}, stone->rrn);
        stone->policy_version = c_.config->version;
        stone->created = stone->updated = c_.now.utc;
        stone->local_date = c_.local_now().date;
        stone->business_date = c_.business_day;
        begin(*stone, State::tombstone, "R35", c_.now.utc);
        c_.ledger.save(*stone);
        const TombstonePlace place = tombstone_place(r);
        ledger::TraceEntry entry = trace_entry(r, digest_, stone->rrn, c_.now.utc);
        entry.tombstone = true;
        entry.transmission_time = place.transmission_time;
        c_.ledger.add_trace(place.slot_key, c_.ledger.trace_slot(place.slot_key), std::move(entry));
        c_.count("tombstones");
        c_.note(Severity::info, NoteKind::tombstone_set, *stone, "R35", "a reversal without its original");
        if (found.near)
            c_.open_exception(
                found.near->rrn, "reversal_near_match", "R35",
                "a reversal without original almost fits this transaction: same terminal, trace and amount");
    }
    if (r.profile == Profile::unionpay_pos) {
        answer_refusal(c_, asker, Refusal::original_not_found, stone->rrn);
        return;
    }
    ReplyContent accepted;
    accepted.code = iso8583::ResponseCode::of("00");
    accepted.rrn = stone->rrn;
    answer(c_, asker, accepted);
}

ReversalFlow::Outcome ReversalFlow::judge(TransactionRecord& original) {
    switch (original.kind) {
        case TransactionKind::sale:
            return judge_sale(original);
        case TransactionKind::refund:
            return judge_refund(original);
        case TransactionKind::void_sale:
            return judge_void(original);
    }
    ENSURE(false);
}

ReversalFlow::Outcome ReversalFlow::judge_sale(TransactionRecord& sale) {
    switch (sale.state) {
        case State::intent:
        case State::sent:  // R34
            sale.reversal_digest = digest_;
            move(sale, State::reverse_on_answer, "R34", c_.now.utc);
            c_.ledger.save(sale);
            return Outcome::accepted;
        case State::voiding:  // R34: reversed only if the void fails
            sale.reversal_digest = digest_;
            sale.reverse_if_void_fails = true;
            note_rule(sale, "R34", c_.now.utc);
            c_.ledger.save(sale);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:  // R31: the switch does or did it itself
            sale.reversal_digest = digest_;
            note_rule(sale, "R31", c_.now.utc);
            c_.ledger.save(sale);
            return Outcome::accepted;
        case State::approved:
            // A cut-over alone does not stop it, a settled batch and a refund do (R38).
            if (c_.is_settled(sale)) return Outcome::not_allowed;
            if (sale.refunds_count > 0 && !cancel_held_refunds(sale)) return Outcome::not_allowed;
            sale.reversal_digest = digest_;
            c_.add_to_batch(sale, -1);
            transactions_.reverse(sale, "R30", true);
            return Outcome::accepted;
        case State::void_reversing:
            return Outcome::no_answer;
        case State::declined:
        case State::reversal_stuck:
        case State::voided:
        case State::tombstone:
        case State::refused:
        case State::held:
        case State::cleared:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::advice_pending:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
            return Outcome::not_allowed;  // R38
    }
    ENSURE(false);
}

ReversalFlow::Outcome ReversalFlow::judge_refund(TransactionRecord& refund) {
    const bool by_advice = refund.advice.kind == ledger::QueuedAdvice::Kind::refund;
    switch (refund.state) {
        case State::held:
        case State::cleared:
            c_.held.erase(refund.rrn);
            refund.reversal_digest = digest_;
            cancel_refund(refund, "R33");
            return Outcome::accepted;
        case State::advice_pending:
            if (refund.advice.attempts == 0) {
                refund.reversal_digest = digest_;
                queue_.withdraw(refund);
                c_.add_to_batch(refund, -1);
                cancel_refund(refund, "R33");
                return Outcome::accepted;
            }
            [[fallthrough]];
        case State::abnormal:
        case State::parked:
            break;  // attempted: an exception below, and the refund goes on
        case State::intent:
        case State::sent:
            refund.reversal_digest = digest_;
            move(refund, State::reverse_on_answer, "R34", c_.now.utc);
            c_.ledger.save(refund);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:
            refund.reversal_digest = digest_;
            note_rule(refund, "R31", c_.now.utc);
            c_.ledger.save(refund);
            return Outcome::accepted;
        case State::approved:
            if (by_advice) break;
            if (c_.is_settled(refund)) return Outcome::not_allowed;
            refund.reversal_digest = digest_;
            c_.add_to_batch(refund, -1);
            transactions_.reverse(refund, "R33", true);
            return Outcome::accepted;
        case State::declined:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::reversal_stuck:
        case State::tombstone:
        case State::alternative_account:
        case State::merchant_account:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
            return Outcome::not_allowed;
    }
    auto sale = c_.ledger.find(*refund.original);
    ENSURE(sale.has_value());
    if (!sale->reversal_exception) {
        sale->reversal_exception = true;
        c_.ledger.save(*sale);
        c_.open_exception(refund.rrn, "refund_reversal", "R33",
                          "a terminal reversed a refund whose advice had left; the refund goes on, further "
                          "refunds of the sale are held");
    }
    note_rule(refund, "R33", c_.now.utc);
    c_.ledger.save(refund);
    return Outcome::not_allowed;
}

ReversalFlow::Outcome ReversalFlow::judge_void(TransactionRecord& v) {
    switch (v.state) {
        case State::intent:
        case State::sent:
            v.reversal_digest = digest_;
            move(v, State::reverse_on_answer, "R34", c_.now.utc);
            c_.ledger.save(v);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:
            v.reversal_digest = digest_;
            note_rule(v, "R31", c_.now.utc);
            c_.ledger.save(v);
            return Outcome::accepted;
        case State::voided:
        case State::advice_pending:
            break;
        case State::declined:
        case State::refused:
        case State::cancelled:
        case State::reversal_stuck:
        case State::parked:
        case State::tombstone:
        case State::approved:
        case State::voiding:
        case State::void_reversing:
        case State::held:
        case State::cleared:
        case State::rejected:
        case State::expired:
        case State::abnormal:
        case State::alternative_account:
        case State::merchant_account:
            return Outcome::not_allowed;
    }
    auto sale = c_.ledger.find(*v.original);
    ENSURE(sale.has_value());
    const bool as_reversal_of_sale = v.advice.kind == ledger::QueuedAdvice::Kind::reversal;
    if (as_reversal_of_sale && v.advice.attempts == 0) {  // never left: cancelled
        v.reversal_digest = digest_;
        queue_.withdraw(v);
        c_.add_to_batch(v, -1);
        move(v, State::cancelled, "R32", c_.now.utc);
        move(*sale, State::approved, "R32", c_.now.utc);
        sale->voided_by.reset();
        c_.ledger.post_sale(*sale, c_.business_day);
        c_.ledger.save(*sale);
        c_.ledger.save(v);
        return Outcome::accepted;
    }
    if (as_reversal_of_sale) {
        c_.open_exception(v.rrn, "void_reversal", "R32",
                          "a terminal reversed a void that had been sent as the reversal of its sale");
        return Outcome::not_allowed;
    }
    if (c_.is_settled(v)) return Outcome::not_allowed;
    v.reversal_digest = digest_;
    c_.add_to_batch(v, -1);
    move(*sale, State::void_reversing, "R32", c_.now.utc);
    c_.ledger.save(*sale);
    transactions_.reverse(v, "R32", true);
    return Outcome::accepted;
}

/// A terminal's reversal beats a held refund. False when a refund of the sale counts that is not held.
bool ReversalFlow::cancel_held_refunds(TransactionRecord& sale) {
    std::vector<TransactionRecord> held;
    for (std::optional<iso8583::Rrn> at = sale.last_refund; at;) {
        auto refund = c_.ledger.find(*at);
        if (!refund) return false;
        at = refund->last_refund;
        if (!ledger::counts_in_remaining(refund->state)) continue;
        if (refund->state != State::held) return false;
        held.push_back(std::move(*refund));
    }
    for (TransactionRecord& refund : held) {
        c_.held.erase(refund.rrn);
        refund.reversal_digest = digest_;
        cancel_refund(refund, "R33");
    }
    if (auto fresh = c_.ledger.find(sale.rrn)) sale = std::move(*fresh);
    return true;
}

void ReversalFlow::cancel_refund(TransactionRecord& refund, std::string_view rule) {
    auto sale = c_.ledger.find(*refund.original);
    ENSURE(sale.has_value());
    move(refund, State::cancelled, rule, c_.now.utc);
    c_.ledger.release(*sale, refund, c_.business_day);
    c_.ledger.save(*sale);
    c_.ledger.save(refund);
}

}  // namespace acquirer
