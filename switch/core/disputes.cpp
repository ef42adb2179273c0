// WaysOut's disputes: chargebacks and holds (R18, R78; ruling 12).
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

using ledger::Dispute;
using ledger::Proposal;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

OperatorAnswer WaysOut::add(const OperatorCommanded& event, const AddDispute& command) {
    const auto rrn = iso8583::Rrn::parse(command.rrn);
    if (!rrn) return no(rrn.error().what);
    const TransactionRecord* sale = c_.ledger.find(*rrn);
    if (sale == nullptr || sale->kind != TransactionKind::sale || sale->state == State::tombstone)
        return no("no sale has the retrieval reference number " + rrn->str());
    if (!command.date_mmdd.empty() && command.date_mmdd != sale->local_date.mmdd())
        return no("the sale " + rrn->str() + " is not of " + command.date_mmdd);
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    if (command.kind == "hold") {
        if (sale->hold) return no("sale " + rrn->str() + " is on hold already");
        TransactionRecord& held = *c_.ledger.edit(*rrn);
        held.hold = true;
        note_rule(held, "R78", c_.now.utc);
        Dispute d;
        d.id = c_.ledger.next_dispute_id();
        d.kind = Dispute::Kind::hold;
        d.sale = *rrn;
        d.reference = command.reference;
        d.opened_by = event.user;
        d.opened = c_.now.utc;
        d.note = command.note;
        c_.ledger.save(d);
        audit_(event, "dispute.add", d.id + " hold of sale " + rrn->str() + ": " + command.note);
        OperatorAnswer answer = yes("sale " + rrn->str() + " is on hold: dispute " + d.id);
        answer.values = {{"dispute", d.id}, {"rrn", rrn->str()}, {"kind", "hold"}};
        return answer;
    }
    const auto amount = iso8583::Amount::parse_major(command.amount_major, sale->amount.currency());
    if (!amount) return no(amount.error().what);
    if (amount->is_zero()) return no("amount: more than zero is needed");
    if (sale->state != State::approved)
        return no("sale " + rrn->str() + " is " + std::string(ledger::name(sale->state)) +
                  "; only an approved one is charged back");
    Proposal p;
    p.action = chargeback_action;
    p.outcome = "recorded";
    p.rrn = *rrn;
    p.subject = command.reference;
    p.amount_minor = amount->minor_units();
    p.note = command.note;
    return propose(event, std::move(p));
}

/// A chargeback is a fact (ruling 12): what passes Remaining is recorded and does not count.
void WaysOut::record_chargeback(const Proposal& p, const std::string& by) {
    TransactionRecord& sale = *c_.ledger.edit(p.rrn);
    Dispute d;
    d.id = c_.ledger.next_dispute_id();
    d.kind = Dispute::Kind::chargeback;
    d.sale = p.rrn;
    d.amount_minor = p.amount_minor;
    d.reference = p.subject;
    d.opened_by = by;
    d.opened = c_.now.utc;
    d.note = p.note;
    // Held cases make room first: nobody has been promised that money.
    sale.chargebacks_minor += p.amount_minor;
    cancel_cases_beyond_remaining(sale);
    sale.chargebacks_minor -= p.amount_minor;
    d.counted_minor = std::min(p.amount_minor, sale.remaining_minor());
    if (d.counted_minor > 0) chain_.charged_back(sale, d.counted_minor);
    note_rule(sale, "R18", c_.now.utc);
    c_.ledger.save(d);
    if (d.counted_minor < d.amount_minor)
        c_.open_exception(p.rrn, "chargeback_over_refund", "R18",
                          "a chargeback of " +
                              iso8583::Amount(d.amount_minor, sale.amount.currency()).major() +
                              " passes what remains of the sale: its refunds are the evidence against it",
                          ledger::Urgency::alarm);
}

void WaysOut::cancel_cases_beyond_remaining(const TransactionRecord& sale) {
    for (std::optional<iso8583::Rrn> at = sale.last_refund; at;) {
        const std::int64_t over = sale.refunds_minor + sale.chargebacks_minor - sale.amount.minor_units();
        if (over <= 0) return;
        TransactionRecord* refund = c_.ledger.edit(*at);
        if (refund == nullptr) return;
        at = refund->last_refund;
        if (refund->state != State::held) continue;
        c_.end_case(refund->rrn);
        move(*refund, State::cancelled, "R18", c_.now.utc);
        chain_.release(*refund);
        c_.note(Severity::warning, NoteKind::operator_change, *refund, "R18",
                "a chargeback left no room for this case: it is cancelled, and the customer must be told");
    }
}

OperatorAnswer WaysOut::close(const OperatorCommanded& event, const CloseDispute& command) {
    auto d = c_.ledger.dispute(command.id);
    if (!d) return no("no dispute has the number " + command.id);
    if (d->state != Dispute::State::open)
        return no("dispute " + d->id + " is " + std::string(ledger::name(d->state)) + " by " + d->closed_by);
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    if (d->kind == Dispute::Kind::hold) {
        if (event.role != Role::supervisor)
            return no("role supervisor is needed to close a hold, " + event.user + " is " +
                      std::string(name(event.role)));
        if (!command.outcome.empty()) return no("outcome: a hold is neither won nor lost");
        if (TransactionRecord* sale = c_.ledger.edit(d->sale)) {
            sale->hold = false;
            note_rule(*sale, "R78", c_.now.utc);
        }
        d->state = Dispute::State::closed;
        d->closed_by = event.user;
        d->closed = c_.now.utc;
        c_.ledger.save(*d);
        audit_(event, "dispute.close", d->id + ": " + command.note);
        return yes("dispute " + d->id + " is closed; sale " + d->sale.str() + " can be refunded again");
    }
    if (event.role != Role::operator_)
        return no("role operator is needed to propose the end of a chargeback, " + event.user + " is " +
                  std::string(name(event.role)));
    if (command.outcome != "won" && command.outcome != "lost") return no("outcome: has to be won or lost");
    Proposal p;
    p.action = dispute_close_action;
    p.outcome = command.outcome;
    p.rrn = d->sale;
    p.subject = d->id;
    p.amount_minor = d->amount_minor;
    p.note = command.note;
    return propose(event, std::move(p));
}

void WaysOut::close_chargeback(Dispute d, const Proposal& p, const std::string& by) {
    TransactionRecord* sale = c_.ledger.edit(d.sale);
    ENSURE(sale != nullptr);
    if (p.outcome == "won" && d.counted_minor > 0) chain_.charge_back_won(*sale, d.counted_minor);
    note_rule(*sale, "R18", c_.now.utc);
    d.state = p.outcome == "won" ? Dispute::State::won : Dispute::State::lost;
    d.closed_by = by;
    d.closed = c_.now.utc;
    c_.ledger.save(d);
}

}  // namespace acquirer
