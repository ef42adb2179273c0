#include "switch/core/reversal_flow.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/retention.hpp"
#include "switch/core/shared_case.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

// Order of a reversal: format, terminal, MAC (before this file) · same key with 00 · match 25/00 · amount 64
// · state.

namespace acquirer {

using ledger::PartialReversal;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

void ReversalFlow::on_request(const RequestArrived& event) {
    const TerminalRequest& r = event.request;
    const Asker asker{event.from, r};
    const MeansIdentity means = r.means.identity(c_.vault, c_.config->routes);
    digest_ = content_digest(r, means);
    FoundForReversal found = find_for_reversal(c_, r);
    if (found.original == nullptr) {
        without_original(asker, means, found);
        return;
    }
    const TransactionRecord& original = *found.original;
    // Its batch is settled long since (R38).
    if (is_taken_apart(c_, original)) {
        answer_refusal(c_, asker, Refusal::reversal_not_allowed, original.rrn);
        return;
    }
    ReplyContent accepted;
    accepted.code = iso8583::ResponseCode::of("00");
    accepted.rrn = original.rrn;
    // R31: the same again, unless the issuer or people decided that it stands (R72).
    key_ = found.key;
    const bool stands = original.decided.reversal_refused && !is_taken_back(original, key_);
    if (reversal_digest_of(original, key_) == digest_ && !stands) {
        answer(c_, asker, accepted);
        return;
    }
    const auto& partials = original.lowering.reversals;
    const auto same = std::find_if(partials.begin(), partials.end(),
                                   [this](const PartialReversal& p) { return p.digest == digest_; });
    if (same != partials.end() && same->status != PartialReversal::Status::refused) {
        answer(c_, asker, accepted);
        return;
    }
    if (r.profile == Profile::unionpay_pos && original.kind == TransactionKind::refund &&
        !c_.config->refund_reversal_allowed) {
        answer_refusal(c_, asker, Refusal::reversal_not_allowed, original.rrn);
        return;
    }
    if (!r.amount || !original.names_amount(r.amount->minor_units())) {  // R37
        c_.open_exception(original.rrn, "reversal_other_amount", "R37",
                          "a reversal names another amount than its original");
        answer_refusal(c_, asker, r.amount ? Refusal::reversal_amount_differs : Refusal::amount_invalid,
                       original.rrn);
        return;
    }
    const bool of_a_part = r.left_minor.value_or(0) > 0;  // R39; nothing left is a reversal of all of it
    if (of_a_part && original.kind == TransactionKind::sale)
        if (const Refusal why = judge_part_amount(original, *r.left_minor); why != Refusal::none) {
            answer_refusal(c_, asker, why, original.rrn);
            return;
        }
    TransactionRecord& judged = *c_.ledger.edit(original.rrn);
    switch (of_a_part ? judge_part(judged, *r.left_minor) : judge(judged)) {
        case Outcome::wait:
            return;  // its terminal repeats it
        case Outcome::accepted:
            c_.count("reversals.accepted");
            c_.note(Severity::info, NoteKind::reversal_accepted, original, "R30", "reversal accepted");
            answer(c_, asker, accepted);
            return;
        case Outcome::not_allowed:
            answer_refusal(c_, asker, Refusal::reversal_not_allowed, original.rrn);
            return;
    }
    ENSURE(false);
}

/// R35: before or without its original. A stone under the original's key stops it when it comes.
void ReversalFlow::without_original(const Asker& asker, const MeansIdentity& means,
                                    const FoundForReversal& found) {
    const TerminalRequest& r = asker.request;
    const TransactionRecord& stone =
        found.tombstone != nullptr ? *found.tombstone : set_tombstone(r, means, found.near);
    if (r.profile == Profile::unionpay_pos) {
        answer_refusal(c_, asker, Refusal::original_not_found, stone.rrn);
        return;
    }
    ReplyContent accepted;
    accepted.code = iso8583::ResponseCode::of("00");
    accepted.rrn = stone.rrn;
    answer(c_, asker, accepted);
}

const TransactionRecord& ReversalFlow::set_tombstone(const TerminalRequest& r, const MeansIdentity& means,
                                                     const TransactionRecord* near) {
    TransactionRecord t;
    t.rrn = c_.ledger.next_rrn(c_.now);
    t.kind = r.transaction;
    t.profile = static_cast<std::uint8_t>(r.profile);
    t.merchant = r.merchant;
    t.terminal = r.terminal;
    t.batch = r.batch;
    t.stan = r.stan;
    t.message_type = r.message_type;
    t.processing_code = r.processing_code;
    t.amount = r.amount.value_or(iso8583::Amount(0, r.currency));
    means.keep_in(t);
    r.means.keep_in(t, c_.vault);
    t.policy_version = c_.config->version;
    t.created = t.updated = c_.now.utc;
    t.local_date = c_.local_now().date;
    t.business_date = c_.business_day;
    TransactionRecord& stone = c_.ledger.add(std::move(t));
    begin(stone, State::tombstone, "R35", c_.now.utc);
    const TombstonePlace place = tombstone_place(r);
    ledger::TraceEntry entry = trace_entry(r, digest_, stone.rrn, c_.now.utc);
    entry.tombstone = true;
    entry.transmission_time = place.transmission_time;
    c_.ledger.add_trace(place.slot_key, c_.ledger.trace_slot(place.slot_key), std::move(entry));
    c_.count("tombstones");
    c_.note(Severity::info, NoteKind::tombstone_set, stone, "R35", "a reversal without its original");
    if (near != nullptr)
        c_.open_exception(
            near->rrn, "reversal_near_match", "R35",
            "a reversal without original almost fits this transaction: same terminal, trace and amount");
    send_blind(stone, r);
    return stone;
}

/// By route: the issuer may have what the switch has not. Its DE90 names no numbers, because those that the
/// issuer would know were the switch's, and the terminal's may be another transaction's; DE2, DE4, DE41 and
/// DE42 say what is meant.
void ReversalFlow::send_blind(TransactionRecord& stone, const TerminalRequest& r) {
    if (!r.fields.has(iso8583::Field::pan) || !r.amount || r.amount->is_zero()) return;
    // A route that is down gets it later.
    const auto route = c_.config->routes.choose(r.means.pin_account(),
                                                [](routing::RouteId) { return routing::RouteHealth::up; });
    if (!route || !(*route)->blind_reversal) return;
    stone.route = (*route)->id.value;
    note_rule(stone, "R35", c_.now.utc);
    queue_.send_reversal(stone, Original::in_doubt);
    c_.count("blind_reversals");
}

/// R39: less than what stands, and not less than what went back already.
Refusal ReversalFlow::judge_part_amount(const TransactionRecord& sale, std::int64_t left_minor) const {
    if (left_minor >= sale.amount.minor_units()) return Refusal::partial_amount_wrong;
    return left_minor < sale.refunds_minor + sale.chargebacks_minor ? Refusal::partial_below_refunds
                                                                    : Refusal::none;
}

ReversalFlow::Outcome ReversalFlow::judge_part(TransactionRecord& sale, std::int64_t left_minor) {
    const auto& partials = sale.lowering.reversals;
    const bool was_refused = std::any_of(partials.begin(), partials.end(),
                                         [this](const PartialReversal& p) { return p.digest == digest_; });
    if (sale.kind != TransactionKind::sale || sale.decided.reversal_refused || was_refused)
        return Outcome::not_allowed;
    // Nobody knows yet whether there will be anything to lower.
    if (sale.state == State::intent || sale.state == State::sent) return Outcome::wait;
    // R94: its 0220 has the place of a 0420.
    if (sale.is_uncollected())
        return sale.advice.status == ledger::QueuedAdvice::Status::parked ? Outcome::not_allowed
                                                                          : Outcome::wait;
    if (sale.state != State::approved || c_.is_settled(sale)) return Outcome::not_allowed;
    if (partials.size() >= ledger::partial_reversals_max || !ledger::may_begin_again(sale))
        return Outcome::not_allowed;
    undoing_.reverse_part(sale, digest_, left_minor);
    return Outcome::accepted;
}

bool ReversalFlow::leaves_the_case(TransactionRecord& refund) {
    switch (refund.state) {
        case State::held:
        case State::cleared:
        case State::sent:
        case State::advice_pending:
        case State::processing:
        case State::approved:
        case State::abnormal:
        case State::parked:
            break;
        default:
            return false;  // it has ended, or is being undone already
    }
    // A settled batch says nothing of what no issuer has been asked for yet, nor of what it has not answered.
    const bool in_no_batch = refund.state == State::held || refund.state == State::cleared ||
                             refund.state == State::sent ||
                             (refund.state == State::advice_pending && refund.advice.attempts == 0);
    if ((!in_no_batch && c_.is_settled(refund)) || !is_asked_by_another(refund, key_)) return false;
    take_back(refund, key_, digest_);
    return true;
}

ReversalFlow::Outcome ReversalFlow::judge(TransactionRecord& original) {
    if (original.decided.reversal_refused) return Outcome::not_allowed;
    switch (original.kind) {
        case TransactionKind::sale:
            return judge_sale(original);
        case TransactionKind::refund:
            return judge_refund(original);
        case TransactionKind::void_sale:
            return judge_void(original);
        case TransactionKind::authorization:
            return judge_authorization(original);
    }
    ENSURE(false);
}

ReversalFlow::Outcome ReversalFlow::judge_sale(TransactionRecord& sale) {
    switch (sale.state) {
        case State::intent:
        case State::sent:  // R34
            sale.reversal_digest = digest_;
            move(sale, State::reverse_on_answer, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::voiding:         // R34: reversed only if the void fails,
        case State::void_reversing:  // or is undone: what ends the void ends this, also when a person does
                                     // (R71)
            sale.reversal_digest = digest_;
            sale.reverse_if_void_fails = true;
            note_rule(sale, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:  // R31: the switch does or did it itself
            sale.reversal_digest = digest_;
            note_rule(sale, "R31", c_.now.utc);
            return Outcome::accepted;
        case State::approved:
            // A cut-over alone does not stop it, a settled batch and a refund do (R38).
            if (c_.is_settled(sale)) return Outcome::not_allowed;
            if (sale.chargebacks_minor > 0) return Outcome::not_allowed;  // as a refund (R38)
            return judge_approved_sale(sale);
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
        case State::not_collected:  // two people say what becomes of it (R72)
        case State::authorized:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::processing:
            return Outcome::not_allowed;  // R38
    }
    ENSURE(false);
}

/// Held refunds end with a sale that is reversed, not with one that is refused. A completion by 0220 that
/// never left did not happen, and its authorization stands again; a terminal's advice that was attempted goes
/// on, as R33's (ruling 37); another one is undone behind its final answer (ruling 8).
ReversalFlow::Outcome ReversalFlow::judge_approved_sale(TransactionRecord& sale) {
    const auto held = chain_.held_refunds(sale);
    if (!held) return Outcome::not_allowed;
    const bool by_advice = sale.is_completion() && sale.advice.kind == ledger::QueuedAdvice::Kind::completion;
    const bool never_left = by_advice && sale.is_uncollected() && sale.advice.attempts == 0;
    if (by_advice && !never_left && sale.completed_by_advice) {
        c_.open_exception(sale.rrn, "completion_reversal", "R33",
                          "a terminal reversed a completion whose advice had left; the completion goes on");
        note_rule(sale, "R33", c_.now.utc);
        return Outcome::not_allowed;
    }
    cancel_cases(*held);
    sale.reversal_digest = digest_;
    c_.add_to_batch(sale, -1);
    if (never_left) {
        queue_.withdraw(sale);
        move(sale, State::cancelled, "R33", c_.now.utc);
        chain_.completion_cancelled(sale);
    } else {
        undoing_.reverse(sale, "R30", Original::approved);
    }
    return Outcome::accepted;
}

/// As a sale's; one that is completed, or being completed, is as a sale with a refund (R38).
ReversalFlow::Outcome ReversalFlow::judge_authorization(TransactionRecord& authorization) {
    switch (authorization.state) {
        case State::intent:
        case State::sent:  // R34
            authorization.reversal_digest = digest_;
            move(authorization, State::reverse_on_answer, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::auth_voiding:  // R34: reversed only if the void fails, or is undone
        case State::void_reversing:
            authorization.reversal_digest = digest_;
            authorization.reverse_if_void_fails = true;
            note_rule(authorization, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:  // R31
            authorization.reversal_digest = digest_;
            note_rule(authorization, "R31", c_.now.utc);
            return Outcome::accepted;
        case State::authorized:
            if (c_.is_settled(authorization)) return Outcome::not_allowed;
            if (!PreAuthorization(c_).is_free(authorization)) return Outcome::not_allowed;
            authorization.reversal_digest = digest_;
            c_.deadlines.cancel({DeadlineId::Kind::lapse, authorization.rrn, 0});
            undoing_.reverse(authorization, "R30", Original::approved);
            return Outcome::accepted;
        default:
            return Outcome::not_allowed;  // R38
    }
}

ReversalFlow::Outcome ReversalFlow::judge_refund(TransactionRecord& refund) {
    if (leaves_the_case(refund)) return Outcome::accepted;
    const bool by_advice = refund.advice.kind == ledger::QueuedAdvice::Kind::refund;
    switch (refund.state) {
        case State::held:
        case State::cleared:
            c_.end_case(refund.rrn);
            refund.reversal_digest = digest_;
            cancel_refund(refund);
            return Outcome::accepted;
        case State::advice_pending:
        case State::parked:  // it may wait for a person's word before it leaves (R73)
            if (refund.advice.attempts == 0) {
                if (is_of_a_settled_batch(refund)) return Outcome::not_allowed;
                refund.reversal_digest = digest_;
                withdraw(refund);
                cancel_refund(refund);
                return Outcome::accepted;
            }
            [[fallthrough]];
        case State::processing:
        case State::abnormal:
            break;  // attempted: an exception below, and the refund goes on
        case State::intent:
        case State::sent:
            refund.reversal_digest = digest_;
            move(refund, State::reverse_on_answer, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:
            refund.reversal_digest = digest_;
            note_rule(refund, "R31", c_.now.utc);
            return Outcome::accepted;
        case State::approved:
            if (by_advice) break;
            if (c_.is_settled(refund)) return Outcome::not_allowed;
            refund.reversal_digest = digest_;
            c_.add_to_batch(refund, -1);
            undoing_.reverse(refund, "R33", Original::approved);
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
        case State::authorized:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::not_collected:
            return Outcome::not_allowed;
    }
    TransactionRecord* sale = c_.ledger.edit(*refund.original);
    ENSURE(sale != nullptr);
    if (!sale->reversal_exception) {
        sale->reversal_exception = true;
        c_.open_exception(refund.rrn, "refund_reversal", "R33",
                          "a terminal reversed a refund whose advice had left; the refund goes on, further "
                          "refunds of the sale are held");
    }
    note_rule(refund, "R33", c_.now.utc);
    return Outcome::not_allowed;
}

/// R38: sent or not. What was released from a case is in no batch.
bool ReversalFlow::is_of_a_settled_batch(const TransactionRecord& record) {
    return belongs_to_a_batch(record) && c_.is_settled(record);
}

/// An advice that never left does not leave any more, and nobody has to say a word about it.
void ReversalFlow::withdraw(TransactionRecord& record) {
    queue_.withdraw(record);
    c_.end_exceptions(record.rrn, "its terminal reversed it before it left");
    c_.add_to_batch(record, -1);
}

void ReversalFlow::cancel_cases(const std::vector<iso8583::Rrn>& held) {
    for (const iso8583::Rrn& rrn : held) {
        TransactionRecord& refund = *c_.ledger.edit(rrn);
        c_.end_case(rrn);
        refund.reversal_digest = digest_;
        cancel_refund(refund);
    }
}

void ReversalFlow::cancel_refund(TransactionRecord& refund) {
    move(refund, State::cancelled, "R33", c_.now.utc);
    chain_.release(refund);
}

}  // namespace acquirer
