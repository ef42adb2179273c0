#include "switch/core/operations.hpp"
#include "switch/core/operator_words.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "switch/core/till_operators.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {
namespace {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::size_t reason_characters_max = 200;
constexpr std::size_t reference_characters_max = 64;

/// A role includes viewer, none includes another.
Role needed_role(const OperatorCommand& command) {
    struct Needed {
        Role operator()(const CheckRefund&) const { return Role::viewer; }
        Role operator()(const OpenRefund&) const { return Role::operator_; }
        Role operator()(const CancelRefund&) const { return Role::operator_; }
        Role operator()(const RetryAdvice&) const { return Role::operator_; }
        Role operator()(const ApproveRefund&) const { return Role::supervisor; }
        Role operator()(const RejectRefund&) const { return Role::supervisor; }
        Role operator()(const MoveRoute&) const { return Role::supervisor; }
        Role operator()(const ChangeMerchant&) const { return Role::supervisor; }
        Role operator()(const ChangeTerminal&) const { return Role::supervisor; }
        Role operator()(const ChangeException&) const { return Role::supervisor; }
        Role operator()(const CutOverDay&) const { return Role::admin; }
        Role operator()(const RotateIssuerKey&) const { return Role::security_officer; }
        Role operator()(const ListKeys&) const { return Role::viewer; }
        Role operator()(const SettleTransaction&) const { return Role::operator_; }
        Role operator()(const ReleaseStale&) const { return Role::supervisor; }
        Role operator()(const ResolveAbnormal&) const { return Role::operator_; }
        Role operator()(const ReopenRefund&) const { return Role::operator_; }
        Role operator()(const EditRefund&) const { return Role::operator_; }
        Role operator()(const AddDispute&) const { return Role::operator_; }
        Role operator()(const CloseDispute&) const { return Role::viewer; }  // by its kind: ways_out.cpp
        Role operator()(const DecideProposal&) const { return Role::supervisor; }
    };
    return std::visit(Needed{}, command);
}

std::string refused(Refusal why) {
    const RefusalInfo& i = info(why);
    return std::string(i.explanation) + " (" + std::string(i.rule) + ", " + std::string(i.unionpay_code) +
           ")";
}

/// Who opened a case and who edited it stand in its maker, in that order.
bool is_one_of_the_makers(const std::string& makers, const std::string& user) {
    return (", " + makers + ",").find(", " + user + ",") != std::string::npos;
}

void describe(OperatorAnswer& answer, const TransactionRecord& refund) {
    answer.values = {{"rrn", refund.rrn.str()},
                     {"case", refund.rrn.str()},
                     {"state", std::string(ledger::name(refund.state))},
                     {"amount", refund.amount.major()},
                     {"currency", refund.amount.currency().str()}};
}

}  // namespace

void Operations::on_command(const OperatorCommanded& event) {
    const Role needed = needed_role(event.command);
    if (needed != Role::viewer && event.role != needed) {
        c_.emit(AnswerOperator{event.ticket, no("role " + std::string(name(needed)) + " is needed, " +
                                                event.user + " is " + std::string(name(event.role)))});
        return;
    }
    // What asks the HSM or an issuer answers for itself, later.
    if (const auto* rotate = std::get_if<RotateIssuerKey>(&event.command))
        return key_exchange_.rotate(event, *rotate);
    if (std::holds_alternative<ListKeys>(event.command)) return key_inventory_.list(event);
    std::visit(
        [&](const auto& command) {
            if constexpr (requires { perform(event, command); })
                c_.emit(AnswerOperator{event.ticket, perform(event, command)});
        },
        event.command);
}

void Operations::audit(const OperatorCommanded& event, std::string action, const std::string& detail) {
    audit(event.user, name(event.role), std::move(action), detail);
}

void Operations::audit(const std::string& user, std::string_view role, std::string action,
                       const std::string& detail) {
    Note n;
    n.kind = NoteKind::operator_change;
    n.detail = user + ": " + action + " " + detail;
    c_.note(std::move(n));
    ENSURE(audit_.has_value());
    ledger::AuditEvent entry;
    entry.utc = c_.now.utc;
    entry.user = user.substr(0, ledger::AuditLog::user_bytes_max);
    entry.role = role;
    entry.action = std::move(action);
    entry.detail = detail.substr(0, ledger::AuditLog::detail_bytes_max);
    ENSURE(audit_->append(c_.ledger.overlay(), std::move(entry)).has_value());
}

iso8583::Result<TransactionDraft, OperatorAnswer> Operations::draft_refund(const std::string& rrn_text,
                                                                           const std::string& date_mmdd,
                                                                           const std::string& amount_major) {
    const auto rrn = iso8583::Rrn::parse(rrn_text);
    if (!rrn) return tl::unexpected(no(rrn.error().what));
    const TransactionRecord* sale = c_.ledger.find(*rrn);
    if (sale == nullptr || sale->kind != TransactionKind::sale || sale->state == State::tombstone)
        return tl::unexpected(no("no sale has the retrieval reference number " + rrn->str()));
    if (!date_mmdd.empty() && date_mmdd != sale->local_date.mmdd())
        return tl::unexpected(no("the sale " + rrn->str() + " is not of " + date_mmdd));
    const auto amount = iso8583::Amount::parse_major(amount_major, sale->amount.currency());
    if (!amount) return tl::unexpected(no(amount.error().what));
    if (amount->is_zero()) return tl::unexpected(no("amount: more than zero is needed"));

    TransactionDraft draft;
    draft.sale = sale;
    draft.merchant = c_.config->find_merchant(sale->merchant);
    if (draft.merchant == nullptr)
        return tl::unexpected(
            no("merchant " + sale->merchant.str() + " of the sale is not configured any more"));
    TerminalRequest& request = draft.event.request;
    request.kind = RequestKind::refund;
    request.transaction = TransactionKind::refund;
    request.profile = static_cast<Profile>(sale->profile);
    request.merchant = sale->merchant;
    request.terminal = sale->terminal;
    request.amount = *amount;
    request.currency = amount->currency();
    draft.record.kind = TransactionKind::refund;
    draft.record.from_operations = true;
    MeansIdentity::of(*sale).keep_in(draft.record);
    return draft;
}

OperatorAnswer Operations::perform(const OperatorCommanded&, const CheckRefund& command) {
    auto draft = draft_refund(command.rrn, command.date_mmdd, command.amount_major);
    if (!draft) return draft.error();
    const Refusal why = transactions_.checks().judge_case(*draft);
    const TransactionRecord& sale = *draft->sale;
    const iso8583::Amount remaining(sale.remaining_minor(), sale.amount.currency());
    OperatorAnswer answer;
    answer.done = why == Refusal::none;
    answer.text = why == Refusal::none ? "the refund would be accepted"
                                       : "the refund would be refused: " + refused(why);
    answer.values = {{"rrn", sale.rrn.str()},
                     {"sale_state", std::string(ledger::name(sale.state))},
                     {"sale_amount", sale.amount.major()},
                     {"remaining", remaining.major()},
                     {"verdict", std::string(info(why).name)},
                     {"rule", std::string(info(why).rule)}};
    return answer;
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const OpenRefund& command) {
    if (command.reason.empty() || command.reason.size() > reason_characters_max)
        return no("reason: 1 to " + std::to_string(reason_characters_max) + " characters are needed");
    if (command.reference.empty() || command.reference.size() > reference_characters_max)
        return no("reference: 1 to " + std::to_string(reference_characters_max) + " characters are needed");
    auto draft = draft_refund(command.rrn, command.date_mmdd, command.amount_major);
    if (!draft) return draft.error();
    // The reference is unique per merchant: a command typed twice is not a second refund.
    if (const auto known = c_.ledger.find_reference(draft->sale->merchant, command.reference)) {
        const TransactionRecord* before = c_.ledger.find(*known);
        if (before == nullptr) return no("reference " + command.reference + " is taken");
        const bool same =
            before->original == draft->sale->rrn && before->amount == *draft->event.request.amount;
        OperatorAnswer answer{
            same,
            same ? "known already: case " + known->str()
                 : "reference " + command.reference + " was used for another refund, case " + known->str(),
            {},
            {}};
        describe(answer, *before);
        return answer;
    }
    if (!c_.store_accepts_new_work) return no(refused(Refusal::system_error));
    if (const Refusal why = transactions_.checks().judge_case(*draft); why != Refusal::none)
        return no("refused: " + refused(why));
    if (draft->same_case)
        return no("an equal refund of this sale is held already, case " + draft->same_case->str());

    const TransactionRecord& sale = *draft->sale;
    const TransactionRecord& refund = hold_new_case(event, *draft, command.reason, command.reference);
    c_.ledger.save_reference(sale.merchant, command.reference, refund.rrn);
    audit(event, "refund.open",
          refund.rrn.str() + " of sale " + sale.rrn.str() + " " + refund.amount.major() + ": " +
              command.reason);
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is open and waits for a checker");
    describe(answer, refund);
    return answer;
}

TransactionRecord& Operations::hold_new_case(const OperatorCommanded& event, TransactionDraft& draft,
                                             const std::string& reason, const std::string& reference) {
    TransactionRecord& opened = draft.record;
    const TransactionRecord& sale = *draft.sale;
    opened.rrn = c_.ledger.next_rrn(c_.now);
    opened.profile = sale.profile;
    opened.merchant = sale.merchant;
    opened.terminal = sale.terminal;
    opened.batch = sale.batch;
    opened.amount = *draft.event.request.amount;
    opened.processing_code = "200000";
    PaymentMeans::of(sale, c_.vault).keep_in(opened, c_.vault);
    opened.policy_version = c_.config->version;
    opened.created = opened.updated = c_.now.utc;
    opened.local_date = c_.local_now().date;
    opened.business_date = c_.business_day;
    opened.route = draft.route != nullptr ? draft.route->id.value : sale.route;
    opened.reason = reason;
    opened.reference = reference;
    opened.maker = event.user;
    draft.hold = true;  // a refund without the customer always needs a second person
    draft.hold_rule = "R17";
    return transactions_.accept_refund(draft);
}

iso8583::Result<TransactionRecord*, OperatorAnswer> Operations::held_case(const std::string& case_number) {
    const auto rrn = iso8583::Rrn::parse(case_number);
    if (!rrn) return tl::unexpected(no("case number: 12 digits or capital letters are needed"));
    const TransactionRecord* refund = c_.ledger.find(*rrn);
    if (refund == nullptr || refund->kind != TransactionKind::refund)
        return tl::unexpected(no("no case has the number " + case_number));
    if (refund->state != State::held)
        return tl::unexpected(
            no("case " + case_number + " is " + std::string(ledger::name(refund->state)) + ", not held"));
    return c_.ledger.edit(*rrn);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ApproveRefund& command) {
    const auto found = held_case(command.case_number);
    if (!found) return found.error();
    TransactionRecord& refund = **found;
    if (is_one_of_the_makers(refund.maker, event.user))
        return no("maker and checker must be two people: " + event.user + " opened or edited the case");
    if (is_till_operator_of(*c_.config, event.user, refund))
        return no("maker and checker must be two people: " + event.user +
                  " stood at the till that asked for it");
    if (const TransactionRecord* sale = c_.ledger.find(*refund.original); sale != nullptr && sale->hold)
        return no("the sale of case " + refund.rrn.str() + " is on hold until its dispute is closed (R78)");
    if (refund.maker.empty()) refund.maker = "terminal " + refund.terminal.str();
    refund.checker = event.user;
    c_.end_case(refund.rrn);
    move(refund, State::cleared, "R17", c_.now.utc);
    audit(event, "refund.approve", refund.rrn.str() + " " + refund.amount.major());
    transactions_.release_cleared(refund);
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is approved and goes to the issuer");
    describe(answer, refund);
    return answer;
}

void Operations::end_held(TransactionRecord& refund, State state, const std::string& user) {
    c_.end_case(refund.rrn);
    refund.checker = user;
    move(refund, state, "R17", c_.now.utc);
    chain_.release(refund);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const RejectRefund& command) {
    const auto found = held_case(command.case_number);
    if (!found) return found.error();
    TransactionRecord& refund = **found;
    if (is_one_of_the_makers(refund.maker, event.user))
        return no("maker and checker must be two people: " + event.user + " opened or edited the case");
    if (is_till_operator_of(*c_.config, event.user, refund))
        return no("maker and checker must be two people: " + event.user +
                  " stood at the till that asked for it");
    if (command.reason.empty() || command.reason.size() > reason_characters_max)
        return no("reason: 1 to " + std::to_string(reason_characters_max) + " characters are needed");
    end_held(refund, State::rejected, event.user);
    audit(event, "refund.reject", refund.rrn.str() + ": " + command.reason);
    OperatorAnswer answer =
        yes("case " + refund.rrn.str() + " is rejected; the amount can be refunded again");
    describe(answer, refund);
    return answer;
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const CancelRefund& command) {
    const auto found = held_case(command.case_number);
    if (!found) return found.error();
    TransactionRecord& refund = **found;
    if (!refund.from_operations)
        return no("case " + command.case_number +
                  " came from a terminal: the customer holds a slip, so a checker rejects it");
    end_held(refund, State::cancelled, event.user);
    audit(event, "refund.cancel", refund.rrn.str() + ": " + command.reason.substr(0, reason_characters_max));
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is cancelled");
    describe(answer, refund);
    return answer;
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const MoveRoute& command) {
    const auto* route = c_.config->routes.find(command.route);
    if (route == nullptr) return no("no route is named " + command.route);
    const RouteMode mode = command.to == MoveRoute::To::up     ? RouteMode::up
                           : command.to == MoveRoute::To::down ? RouteMode::down
                                                               : RouteMode::drain;
    const std::string state = mode == RouteMode::up ? "" : mode == RouteMode::down ? "down" : "drain";
    c_.links.set_mode(route->id, mode);
    c_.ledger.save_override(ledger::OverrideKind::route, route->name, {state, event.user, c_.now.utc});
    audit(event, "route." + std::string(state.empty() ? "up" : state), route->name);
    if (mode == RouteMode::up) {
        queue_.link_up(route->id);
        transactions_.retry_cleared();
    }
    return yes("route " + route->name + " is " + (state.empty() ? "up" : state) +
               (mode == RouteMode::up ? " (as its links allow)" : ""));
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ChangeMerchant& command) {
    const auto id = iso8583::MerchantId::parse(command.merchant);
    if (!id || c_.config->find_merchant(*id) == nullptr)
        return no("no merchant " + command.merchant + " is configured");
    using To = ChangeMerchant::To;
    const bool of_refunds = command.to == To::enable_refund || command.to == To::disable_refund;
    const std::string state = command.to == To::suspend         ? "suspended"
                              : command.to == To::resume        ? "resumed"
                              : command.to == To::enable_refund ? "refund_enabled"
                                                                : "refund_disabled";
    terminals_.set_merchant_override(*id, state);
    c_.ledger.save_override(
        of_refunds ? ledger::OverrideKind::refunds_of_merchant : ledger::OverrideKind::merchant, id->view(),
        {state, event.user, c_.now.utc});
    audit(event, "merchant." + state, id->str());
    return yes("merchant " + id->str() + " is " + state);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ChangeTerminal& command) {
    const auto id = iso8583::TerminalId::parse(command.terminal);
    if (!id || c_.config->find_terminal(*id) == nullptr)
        return no("no terminal " + command.terminal + " is configured");
    if (command.to == ChangeTerminal::To::close_batch) {
        if (c_.in_flight.is_with_an_issuer({*id, terminals_.record(*id).batch}))
            return no("terminal " + id->str() + " has a transaction with an issuer; try again");
        const iso8583::BatchNumber next = settlement_.close_batch(*id);
        audit(event, "terminal.close_batch", id->str() + " next batch " + next.str());
        OperatorAnswer answer =
            yes("the open batch of terminal " + id->str() + " is closed; the next is " + next.str());
        answer.values = {{"terminal", id->str()}, {"batch", next.str()}};
        return answer;
    }
    const std::string state = command.to == ChangeTerminal::To::suspend ? "suspended" : "resumed";
    terminals_.set_terminal_override(*id, state);
    c_.ledger.save_override(ledger::OverrideKind::terminal, id->view(), {state, event.user, c_.now.utc});
    audit(event, "terminal." + state, id->str());
    return yes("terminal " + id->str() + " is " + state);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const CutOverDay& command) {
    if (const auto why = days_.refusal())
        return command.force ? ways_out_.propose_cut_over(event, *why)
                             : no(*why + "; --force proposes it to a supervisor");
    const std::string before = c_.business_day.date.iso();
    days_.cut_over(event.user);
    audit(event, "day.cutover", before + " -> " + c_.business_day.date.iso());
    OperatorAnswer answer =
        yes("business day " + before + " is closed; " + c_.business_day.date.iso() + " began");
    answer.values = {{"closed", before}, {"business_date", c_.business_day.date.iso()}};
    return answer;
}

/// R76: the same refund under the same reference, as a case of its own that a checker has to approve again.
OperatorAnswer Operations::perform(const OperatorCommanded& event, const ReopenRefund& command) {
    const auto rrn = iso8583::Rrn::parse(command.case_number);
    if (!rrn) return no("case number: 12 digits or capital letters are needed");
    const TransactionRecord* before = c_.ledger.find(*rrn);
    if (before == nullptr || before->kind != TransactionKind::refund || before->checker.empty())
        return no("no case has the number " + command.case_number);
    const auto open = c_.ledger.open_exceptions_of(*rrn);
    const bool not_paid = std::any_of(open.begin(), open.end(), [&](const std::string& id) {
        const auto x = c_.ledger.exception(id);
        return x && x->kind == "case_not_paid";
    });
    if (!not_paid)
        return no("case " + command.case_number + " is " + std::string(ledger::name(before->state)) +
                  ", and no open exception says that it was approved and not paid");
    if (command.note.empty() || command.note.size() > reason_characters_max)
        return no("note: 1 to " + std::to_string(reason_characters_max) + " characters are needed");
    auto draft = draft_refund(before->original->str(), "", before->amount.major());
    if (!draft) return draft.error();
    if (draft->sale->hold) return no("the sale is on hold until its dispute is closed (R78)");
    if (!c_.store_accepts_new_work) return no(refused(Refusal::system_error));
    if (const Refusal why = transactions_.checks().judge_case(*draft); why != Refusal::none)
        return no("refused: " + refused(why));
    if (draft->same_case)
        return no("an equal refund of this sale is held already, case " + draft->same_case->str());
    draft->record.decided.reopens = *rrn;
    draft->record.operator_number = before->operator_number;
    const std::string reference = before->reference;
    TransactionRecord& again = hold_new_case(event, *draft, command.note, reference);
    if (!reference.empty()) c_.ledger.save_reference(again.merchant, reference, again.rrn);
    c_.ledger.resolve_exception(*rrn, "case_not_paid",
                                "reopened as case " + again.rrn.str() + ": " + command.note, event.user);
    audit(event, "refund.reopen", rrn->str() + " as " + again.rrn.str() + ": " + command.note);
    OperatorAnswer answer =
        yes("case " + rrn->str() + " is tried again as case " + again.rrn.str() + " and waits for a checker");
    describe(answer, again);
    answer.values.emplace_back("proposal", again.rrn.str());
    answer.values.emplace_back("needed", "1");
    return answer;
}

/// Every editor counts as a maker; all checks run again on the new amount.
OperatorAnswer Operations::perform(const OperatorCommanded& event, const EditRefund& command) {
    const auto found = held_case(command.case_number);
    if (!found) return found.error();
    TransactionRecord& refund = **found;
    if (!refund.from_operations)
        return no("case " + command.case_number + " came from a terminal: what it asked for stays as it is");
    if (command.amount_major.empty() && command.reason.empty()) return no("amount or reason: one is needed");
    if (command.reason.size() > reason_characters_max)
        return no("reason: at most " + std::to_string(reason_characters_max) + " characters");
    iso8583::Amount amount = refund.amount;
    if (!command.amount_major.empty()) {
        const auto parsed = iso8583::Amount::parse_major(command.amount_major, refund.amount.currency());
        if (!parsed) return no(parsed.error().what);
        if (parsed->is_zero()) return no("amount: more than zero is needed");
        amount = *parsed;
    }
    if (amount != refund.amount) {
        // As if it were not there: what it holds is given back first, and taken again either way.
        if (!ledger::may_begin_again(refund))
            return no("case " + command.case_number + " was edited too often");
        chain_.release(refund);
        auto draft = draft_refund(refund.original->str(), "", amount.major());
        Refusal why = Refusal::none;
        if (draft) {
            draft->edits = refund.rrn;
            why = transactions_.checks().judge_case(*draft);
        }
        const bool accepted = draft && why == Refusal::none;
        if (accepted) refund.amount = amount;
        ENSURE(chain_.reserve_again(refund));
        if (!draft) return draft.error();
        if (!accepted) return no("refused, and nothing is changed: " + refused(why));
    }
    if (!command.reason.empty()) refund.reason = command.reason;
    if (!is_one_of_the_makers(refund.maker, event.user)) refund.maker += ", " + event.user;
    note_rule(refund, "R17", c_.now.utc);
    audit(event, "refund.edit", refund.rrn.str() + " " + refund.amount.major() + ": " + refund.reason);
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is edited and waits for a checker");
    describe(answer, refund);
    return answer;
}

/// A case number is a proposal too: `refund approve` and `proposals approve` are the same act.
OperatorAnswer Operations::perform(const OperatorCommanded& event, const DecideProposal& command) {
    if (const auto rrn = iso8583::Rrn::parse(command.id)) {
        if (command.to == DecideProposal::To::approve) return perform(event, ApproveRefund{command.id});
        return perform(event, RejectRefund{command.id, command.note});
    }
    return ways_out_.decide(event, command);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ChangeException& command) {
    auto x = c_.ledger.exception(command.id);
    if (!x) return no("no exception has the id " + command.id);
    if (command.owner_or_note.empty() || command.owner_or_note.size() > reason_characters_max)
        return no(command.to == ChangeException::To::assign ? "an owner is needed"
                                                            : "a note of 1 to 200 characters is needed");
    if (!x->resolution.empty()) return no("exception " + x->id + " was resolved by " + x->resolved_by);
    if (command.to == ChangeException::To::assign) {
        x->owner = command.owner_or_note;
        c_.ledger.save(*x);
        audit(event, "exception.assign", x->id + " to " + x->owner);
        return yes("exception " + x->id + " belongs to " + x->owner);
    }
    if (const auto about = iso8583::Rrn::parse(x->id.substr(0, iso8583::Rrn::size_max)))
        if (const TransactionRecord* record = c_.ledger.find(*about); record != nullptr && is_open(*record)) {
            const std::string way = way_out_of(*record);
            return no("exception " + x->id + " stays open: " + about->str() + " is " +
                      std::string(ledger::name(record->state)) + " and not at its end; " +
                      (way.empty() ? "it goes on by itself" : way));
        }
    x->resolution = command.owner_or_note;
    x->resolved_by = event.user;
    c_.ledger.save(*x);
    if (x->kind == "refund_reversal") {  // R20b: refunds of the sale are held only while it is open
        const auto rrn = iso8583::Rrn::parse(x->id.substr(0, iso8583::Rrn::size_max));
        const TransactionRecord* refund = rrn ? c_.ledger.find(*rrn) : nullptr;
        if (refund != nullptr && refund->original)
            if (TransactionRecord* sale = c_.ledger.edit(*refund->original)) sale->reversal_exception = false;
    }
    audit(event, "exception.resolve", x->id + ": " + x->resolution);
    return yes("exception " + x->id + " is resolved");
}

}  // namespace acquirer
