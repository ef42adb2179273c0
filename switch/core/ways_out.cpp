#include "switch/core/ways_out.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/content_digest.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/till_operators.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {
namespace {

using ledger::Dispute;
using ledger::Proposal;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;
using AdviceKind = ledger::QueuedAdvice::Kind;
using AdviceStatus = ledger::QueuedAdvice::Status;

constexpr std::size_t payout_characters_max = 64;
/// A payout's reference must not be a card's number: no run of so many digits.
constexpr std::size_t payout_digits_max = 11;
constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

// Stable words of proposals.
constexpr std::string_view settle_action = "settle";
constexpr std::string_view abnormal_action = "abnormal";
constexpr std::string_view cut_over_action = "day_cutover";

bool is_parked(const TransactionRecord& record) {
    return record.advice.kind != AdviceKind::none && record.advice.status == AdviceStatus::parked;
}

/// A void that its route takes as the reversal of the sale.
bool is_void_by_reversal(const TransactionRecord& record) {
    return record.kind == TransactionKind::void_sale &&
           (record.state == State::parked || record.state == State::reversal_stuck);
}

std::size_t longest_run_of_digits(const std::string& text) {
    std::size_t longest = 0, run = 0;
    for (const char c : text) {
        run = c >= '0' && c <= '9' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

std::string by_two(const Proposal& p) {
    std::string names = p.maker;
    for (const std::string& who : p.approvals) names += ", " + who;
    return names;
}

}  // namespace

std::string_view outcomes_of(const TransactionRecord& record) {
    if (record.state == State::not_collected) return "reversed|approved";
    if (record.state != State::reversal_stuck && !is_parked(record)) return {};
    if (is_void_by_reversal(record)) return "voided|approved";
    // R35, R95: there is nothing that could stand
    if (is_blind(record) || record.state == State::lapsed) return "reversed";
    return record.advice.kind == AdviceKind::refund ? "done|refused" : "reversed|approved";
}

std::string way_out_of(const TransactionRecord& record) {
    const std::string id = record.rrn.str();
    if (const std::string_view outcomes = outcomes_of(record); !outcomes.empty()) {
        const std::string settle = " settle " + id + " --outcome " + std::string(outcomes);
        return record.state == State::reversal_stuck || record.state == State::not_collected
                   ? "exceptions" + settle
                   : "saf retry " + id + ", or saf" + settle;
    }
    if (record.state == State::abnormal)
        return "abnormal resolve " + id + " --retry|--merchant-account|--alternative-account REF|--cancel";
    if (record.state == State::held) return "refund approve|reject " + id;
    if (record.state == State::cleared) return "reload the configuration with a successor of its route";
    return {};
}

// ---- Without a second person

OperatorAnswer WaysOut::retry(const OperatorCommanded& event, const RetryAdvice& command) {
    const auto rrn = iso8583::Rrn::parse(command.rrn);
    if (!rrn) return no(rrn.error().what);
    TransactionRecord* record = c_.ledger.edit(*rrn);
    if (record == nullptr) return no("no transaction has the number " + rrn->str());
    if (!queue_.retry_now(*record))
        return no("nothing of " + rrn->str() +
                  " waits in the queue for its next attempt, and nothing is parked");
    audit_(event, "saf.retry", rrn->str());
    return yes("the next attempt of " + rrn->str() + " is due now");
}

OperatorAnswer WaysOut::release(const OperatorCommanded& event, const ReleaseStale& command) {
    const auto* route = c_.config->routes.find(command.route);
    if (route == nullptr) return no("no route is named " + command.route);
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    std::vector<TransactionRecord*> stale;
    for (const iso8583::Rrn& rrn : c_.ledger.open_work()) {
        const TransactionRecord* record = c_.ledger.find(rrn);
        if (record == nullptr || routing::RouteId{record->route} != route->id || !is_parked(*record))
            continue;
        if (c_.now.utc.ms - record->advice.queued.ms < command.older_than_minutes * minute_ms) continue;
        bool is_stale = false;
        for (const std::string& id : c_.ledger.open_exceptions_of(rrn)) {
            const auto x = c_.ledger.exception(id);
            is_stale = is_stale || (x && x->kind == "advice_stale");
        }
        if (is_stale) stale.push_back(c_.ledger.edit(rrn));
    }
    for (TransactionRecord* record : stale) queue_.retry_now(*record);
    if (stale.empty()) return no("nothing of " + route->name + " is stale");
    audit_(event, "saf.release", route->name + ", " + std::to_string(stale.size()) + ": " + command.note);
    OperatorAnswer answer = yes(std::to_string(stale.size()) + " stale advices of " + route->name +
                                " are sent again, in their order");
    answer.values = {{"route", route->name}, {"released", std::to_string(stale.size())}};
    return answer;
}

// ---- Proposals

std::uint64_t WaysOut::digest_of(const Proposal& p) {
    Digest d;
    for (const std::string_view part :
         {std::string_view(p.id), std::string_view(p.action), std::string_view(p.outcome), p.rrn.view(),
          std::string_view(p.subject), std::string_view(p.note), std::string_view(p.maker)})
        d.add(part);
    d.add(std::to_string(p.amount_minor));
    if (p.action == cut_over_action) d.add(c_.business_day.date.iso());
    if (const ProposalKind* kind = kind_of(p)) d.add(kind->judged_by());
    if (const TransactionRecord* record = p.rrn.empty() ? nullptr : c_.ledger.find(p.rrn)) {
        d.add(ledger::name(record->state));
        d.add(std::to_string(record->updated.ms));
        d.add(std::to_string(record->history.size()));
    }
    return d.value();
}

bool WaysOut::has_lapsed(const Proposal& p) const {
    return c_.now.utc.ms - p.opened.ms > std::int64_t{c_.config->limits.proposal_expires_hours} * hour_ms;
}

void WaysOut::end(Proposal& p, Proposal::State state, const std::string& by) {
    p.state = state;
    p.ended = c_.now.utc;
    p.ended_by = by;
    c_.ledger.save(p);
}

OperatorAnswer WaysOut::propose(const OperatorCommanded& event, Proposal p) {
    if (const auto fault = fault_of_note(p.note)) return no(*fault);
    if (!p.rrn.empty())
        if (auto open = c_.ledger.open_proposal_of(p.rrn)) {
            if (!has_lapsed(*open))
                return no("proposal " + open->id + " of " + open->maker + " about " + p.rrn.str() +
                          " is open: approve or reject it first");
            end(*open, Proposal::State::lapsed, "its time");
        }
    p.id = c_.ledger.next_proposal_id();
    p.maker = event.user;
    p.opened = c_.now.utc;
    p.digest = digest_of(p);
    c_.ledger.save(p);
    audit_(event, std::string(p.action) + ".propose",
           p.id + " " + p.rrn.str() + " " + p.outcome + (p.subject.empty() ? "" : " " + p.subject) + ": " +
               p.note);
    OperatorAnswer answer = yes("proposal " + p.id + " waits for " + std::to_string(p.approvals_needed) +
                                (p.approvals_needed == 1 ? " checker" : " checkers"));
    answer.values = {{"proposal", p.id},
                     {"needed", std::to_string(p.approvals_needed)},
                     {"rrn", p.rrn.str()},
                     {"outcome", p.outcome}};
    return answer;
}

/// What became of a transaction is a fact, and the day begins anyway; all else might pay again.
bool WaysOut::may_be_decided_while_restored(const Proposal& p) const {
    if (const ProposalKind* kind = kind_of(p)) return kind->while_restored == WhileRestored::decided;
    return p.action == settle_action || p.action == cut_over_action;
}

OperatorAnswer WaysOut::decide(const OperatorCommanded& event, const DecideProposal& command) {
    auto p = c_.ledger.proposal(command.id);
    if (!p) return no("no proposal has the number " + command.id);
    if (p->state != Proposal::State::open)
        return no("proposal " + p->id + " is " + std::string(ledger::name(p->state)) + " by " + p->ended_by);
    if (p->maker == event.user) return no("two people are needed: " + event.user + " proposed " + p->id);
    if (const TransactionRecord* record = p->rrn.empty() ? nullptr : c_.ledger.find(p->rrn);
        record != nullptr && is_till_operator_of(*c_.config, event.user, *record))
        return no("two people are needed: " + event.user + " stood at the till that made " + p->rrn.str());
    if (has_lapsed(*p)) {
        end(*p, Proposal::State::lapsed, "its time");
        return no("proposal " + p->id + " has lapsed: nobody approved it in time");
    }
    if (command.to == DecideProposal::To::reject) {
        end(*p, Proposal::State::rejected, event.user);
        audit_(event, std::string(p->action) + ".reject", p->id + ": " + command.note);
        return yes("proposal " + p->id + " is rejected; nothing changed");
    }
    if (digest_of(*p) != p->digest) {
        end(*p, Proposal::State::lapsed, "what happened to its transaction since");
        const ProposalKind* kind = kind_of(*p);
        return no("proposal " + p->id + " has lapsed: " +
                  (p->action == cut_over_action ? std::string("another business day began")
                   : kind != nullptr            ? std::string(kind->lapses_because)
                                                : "its transaction changed") +
                  " after it was proposed");
    }
    if (c_.restored && !may_be_decided_while_restored(*p))
        return no("proposal " + p->id +
                  " waits until the restore is accepted (R65): it may have been carried out "
                  "after the backup was made");
    if (std::find(p->approvals.begin(), p->approvals.end(), event.user) != p->approvals.end())
        return no(event.user + " approved " + p->id + " already; another person is needed");
    p->approvals.push_back(event.user);
    const auto missing = p->approvals_needed - static_cast<std::uint32_t>(p->approvals.size());
    audit_(event, std::string(p->action) + ".approve", p->id + " of " + p->maker + " " + p->rrn.str());
    OperatorAnswer answer;
    answer.done = true;
    if (missing != 0) {
        c_.ledger.save(*p);
        answer.text = "proposal " + p->id + " is approved by " + event.user + "; another checker is needed";
    } else {
        end(*p, Proposal::State::approved, event.user);
        answer.text = carry_out(*p, by_two(*p));
    }
    answer.values = {{"proposal", p->id}, {"needed", std::to_string(missing)}};
    return answer;
}

/// What was proposed is still possible: its digest covers the state in which it was judged.
std::string WaysOut::carry_out(const Proposal& p, const std::string& by) {
    if (p.action == chargeback_action) {
        record_chargeback(p, by);
        return "the chargeback of sale " + p.rrn.str() + " is recorded";
    }
    if (p.action == dispute_close_action) {
        auto dispute = c_.ledger.dispute(p.subject);
        ENSURE(dispute.has_value());
        close_chargeback(std::move(*dispute), p, by);
        return "dispute " + p.subject + " is " + p.outcome;
    }
    if (p.action == cut_over_action) {
        days_.cut_over(by);
        return "business day " + p.subject + " is closed; " + p.outcome + " began";
    }
    if (const ProposalKind* kind = kind_of(p)) return kind->carry_out(p, by);
    TransactionRecord* record = c_.ledger.edit(p.rrn);
    ENSURE(record != nullptr);
    if (p.action == settle_action)
        carry_out_settlement(*record, p, by);
    else
        carry_out_resolution(*record, p, by);
    return p.rrn.str() + " is now " + std::string(ledger::name(record->state));
}

OperatorAnswer WaysOut::propose_cut_over(const OperatorCommanded& event, const std::string& why_refused) {
    Proposal p;
    p.action = cut_over_action;
    p.outcome = c_.business_day.next().date.iso();
    p.subject = c_.business_day.date.iso();
    p.note = why_refused;
    return propose(event, std::move(p));
}

// ---- R70–R72: settle

OperatorAnswer WaysOut::settle(const OperatorCommanded& event, const SettleTransaction& command) {
    const auto rrn = iso8583::Rrn::parse(command.id.substr(0, iso8583::Rrn::size_max));
    if (!rrn) return no(rrn.error().what);
    const TransactionRecord* record = c_.ledger.find(*rrn);
    if (record == nullptr) return no("no transaction has the number " + rrn->str());
    const std::string outcomes(outcomes_of(*record));
    if (outcomes.empty()) {
        const std::string way = way_out_of(*record);
        return no(rrn->str() + " is " + std::string(ledger::name(record->state)) +
                  " and neither parked, stale nor stuck: there is nothing to settle" +
                  (way.empty() ? "" : "; its way out is " + way));
    }
    if (("|" + outcomes + "|").find("|" + command.outcome + "|") == std::string::npos ||
        command.outcome.empty())
        return no("outcome: has to be " + outcomes + " for " + rrn->str());
    Proposal p;
    p.action = settle_action;
    p.outcome = command.outcome;
    p.rrn = *rrn;
    p.amount_minor = record->amount.minor_units();
    p.note = command.note;
    return propose(event, std::move(p));
}

void WaysOut::carry_out_settlement(TransactionRecord& record, const Proposal& p, const std::string& by) {
    const bool was_stuck = record.state == State::reversal_stuck || record.state == State::not_collected;
    c_.end_exceptions(record.rrn, "settled as " + p.outcome + ": " + p.note, by);
    if (p.outcome == "done") {
        queue_.settled(record);
        record.decided.by_people = true;
        move(record, State::approved, "R70", c_.now.utc);
        chain_.refund_approved(record);
    } else if (p.outcome == "refused") {
        queue_.settled(record);
        move(record, State::abnormal, "R70", c_.now.utc);
        chain_.refund_abnormal(record);
        c_.open_exception(
            record.rrn, "refund_abnormal", "R55",
            "two people say that the issuer refused an accepted refund; the customer still waits "
            "for the money");
    } else if (p.outcome == "approved") {
        undoing_.settle_as_standing(record, was_stuck ? "R72" : "R71");
    } else {  // reversed, voided
        undoing_.settle_as_undone(record, was_stuck ? "R72" : "R71");
    }
}

// ---- R74: abnormal

std::string_view outcome_of(ResolveAbnormal::Way way) {
    switch (way) {
        case ResolveAbnormal::Way::retry:
            return "retry";
        case ResolveAbnormal::Way::merchant_account:
            return "merchant_account";
        case ResolveAbnormal::Way::alternative_account:
            return "alternative_account";
        case ResolveAbnormal::Way::cancel:
            return "cancel";
    }
    ENSURE(false);
}

OperatorAnswer WaysOut::resolve(const OperatorCommanded& event, const ResolveAbnormal& command) {
    const auto rrn = iso8583::Rrn::parse(command.id.substr(0, iso8583::Rrn::size_max));
    if (!rrn) return no(rrn.error().what);
    const TransactionRecord* refund = c_.ledger.find(*rrn);
    if (refund == nullptr) return no("no transaction has the number " + rrn->str());
    if (refund->state != State::abnormal)
        return no(rrn->str() + " is " + std::string(ledger::name(refund->state)) + ", not abnormal");
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    Proposal p;
    p.action = abnormal_action;
    p.outcome = outcome_of(command.way);
    p.rrn = *rrn;
    p.amount_minor = refund->amount.minor_units();
    p.note = command.note;
    if (command.way == ResolveAbnormal::Way::alternative_account) {
        if (command.payout_reference.empty() || command.payout_reference.size() > payout_characters_max)
            return no("alternative-account: 1 to " + std::to_string(payout_characters_max) +
                      " characters name the payout outside");
        if (longest_run_of_digits(command.payout_reference) > payout_digits_max)
            return no(
                "alternative-account: that looks like a card or account number; only a reference is kept");
        p.subject = command.payout_reference;
        p.approvals_needed = 2;
    }
    if (command.way != ResolveAbnormal::Way::retry) return propose(event, std::move(p));

    const TransactionRecord* sale = refund->original ? c_.ledger.find(*refund->original) : nullptr;
    if (sale == nullptr || sale->hold)
        return no("the sale of " + rrn->str() + " is on hold until its dispute is closed (R78)");
    if (const auto open = c_.ledger.open_proposal_of(*rrn); open && !has_lapsed(*open))
        return no("proposal " + open->id + " of " + open->maker + " about " + rrn->str() + " is open");
    const auto* route = c_.config->routes.for_original(routing::RouteId{refund->route});
    if (route == nullptr) return no("its route is retired and has no successor");
    if (route->id.value != refund->route && refund->reroutes.size() == ledger::reroutes_max)
        return no("its route has changed " + std::to_string(ledger::reroutes_max) +
                  " times; end it another way");
    TransactionRecord& again = *c_.ledger.edit(*rrn);
    c_.ledger.reroute(again, route->id.value, c_.business_day);
    move(again, State::advice_pending, "R74", c_.now.utc);
    queue_.send_refund_again(again);
    audit_(event, "abnormal.retry", rrn->str() + ": " + command.note);
    return yes("refund " + rrn->str() + " is sent again, with new numbers");
}

void WaysOut::carry_out_resolution(TransactionRecord& refund, const Proposal& p, const std::string& by) {
    c_.end_exceptions(refund.rrn, p.outcome + ": " + p.note, by);
    if (p.outcome == outcome_of(ResolveAbnormal::Way::merchant_account)) {
        move(refund, State::merchant_account, "R74", c_.now.utc);
        chain_.paid_to_merchant(refund);
    } else if (p.outcome == outcome_of(ResolveAbnormal::Way::alternative_account)) {
        refund.decided.payout = p.subject;
        move(refund, State::alternative_account, "R74", c_.now.utc);
        chain_.paid_outside(refund);
    } else {
        move(refund, State::cancelled, "R74", c_.now.utc);
        chain_.release(refund);
    }
}

// ---- R77

void WaysOut::on_case_deadline(const iso8583::Rrn& rrn) {
    TransactionRecord* refund = c_.ledger.edit(rrn);
    if (refund == nullptr || refund->state != State::held) return;
    if (c_.restored) {  // it may have been approved after the backup
        c_.set_deadline({DeadlineId::Kind::case_expiry, rrn, 0}, hour_ms);
        return;
    }
    const std::int64_t days = c_.config->limits.case_expires_days;
    if (c_.now.utc.ms - refund->created.ms < days * day_ms) {
        c_.note(
            Severity::warning, NoteKind::case_waits, *refund, "R77",
            "a case waits for a checker and expires " + std::to_string(days) + " days after it was opened");
        c_.hold_case(*refund);
        return;
    }
    c_.end_case(rrn);
    move(*refund, State::expired, "R77", c_.now.utc);
    chain_.release(*refund);
    c_.open_exception(rrn, "case_expired", "R77",
                      "nobody decided on this case for " + std::to_string(days) +
                          " days; its amount can be refunded again, and whoever asked must be told");
}

}  // namespace acquirer
