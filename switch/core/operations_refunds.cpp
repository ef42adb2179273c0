// Operations, the part about refunds by people: check, open, approve, reject, cancel, reopen, edit.
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "switch/core/case_opening.hpp"
#include "switch/core/operations.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/refund_reasons.hpp"
#include "switch/core/reserve_fund.hpp"
#include "switch/core/till_operators.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {
namespace {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::size_t reason_characters_max = 200;
constexpr std::size_t reference_characters_max = 64;

std::string refused(Refusal why) {
    const RefusalInfo& i = info(why);
    return std::string(i.explanation) + " (" + std::string(i.rule) + ", " + std::string(i.unionpay_code) +
           ")";
}

/// What became of the sales of that day; empty: nothing.
std::string purged_words(CoreContext& c, const iso8583::Rrn& rrn) {
    const iso8583::Date date = date_of_rrn(rrn, c.local_now().date);
    const auto purge = ledger::purge_of_transactions(c.ledger.overlay(), date);
    if (!purge || !*purge) return {};
    return "; transactions of " + date.iso() + " were purged on " + (*purge)->day.date.iso() +
           " by retention";
}

/// Who opened a case and who edited it stand in its maker, in that order.
bool is_one_of_the_makers(const std::string& makers, const std::string& user) {
    return (", " + makers + ",").find(", " + user + ",") != std::string::npos;
}

std::optional<std::string> fault_of_what_is_said(const Configuration& configuration,
                                                 const std::string& reason, const std::string& note,
                                                 const ledger::RefundProof& proof) {
    if (!reason.empty())
        if (auto fault = fault_of_reason(configuration.refund_reasons, reason)) return fault;
    if (auto fault = fault_of_refund_note(note)) return fault;
    return fault_of_proof(proof);
}

/// Why, in the audit chain.
std::string said_words(const TransactionRecord& refund) {
    std::string words = refund.reason;
    if (!refund.note.empty()) words += ", " + refund.note;
    if (const std::string proof = words_of(refund.proof); !proof.empty()) words += ", proof: " + proof;
    return words;
}

void describe(OperatorAnswer& answer, const TransactionRecord& refund) {
    answer.values = {{"rrn", refund.rrn.str()},
                     {"case", refund.rrn.str()},
                     {"state", std::string(ledger::name(refund.state))},
                     {"amount", refund.amount.major()},
                     {"currency", refund.amount.currency().str()}};
    if (!refund.reason.empty()) answer.values.emplace_back("reason", refund.reason);
    if (const std::string proof = words_of(refund.proof); !proof.empty())
        answer.values.emplace_back("proof", proof);
}

}  // namespace

iso8583::Result<TransactionDraft, OperatorAnswer> Operations::draft_refund(const std::string& rrn_text,
                                                                           const std::string& date_mmdd,
                                                                           const std::string& amount_major) {
    const auto rrn = iso8583::Rrn::parse(rrn_text);
    if (!rrn) return tl::unexpected(no(rrn.error().what));
    const TransactionRecord* sale = c_.ledger.find(*rrn);
    if (sale == nullptr || sale->kind != TransactionKind::sale || sale->state == State::tombstone)
        return tl::unexpected(
            no("no sale has the retrieval reference number " + rrn->str() + purged_words(c_, *rrn)));
    if (!date_mmdd.empty() && date_mmdd != sale->local_date.mmdd())
        return tl::unexpected(no("the sale " + rrn->str() + " is not of " + date_mmdd));
    const auto amount = iso8583::Amount::parse_major(amount_major, sale->amount.currency());
    if (!amount) return tl::unexpected(no(amount.error().what));
    if (amount->is_zero()) return tl::unexpected(no("amount: more than zero is needed"));

    auto draft = draft_case(c_, *sale, *amount);
    if (!draft) return tl::unexpected(no(draft.error()));
    return std::move(*draft);
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
    if (command.reason.empty()) return no("reason: a code is needed (reasons list)");
    if (const auto fault = fault_of_what_is_said(*c_.config, command.reason, command.note, command.proof))
        return no(*fault);
    if (command.reference.empty() || command.reference.size() > reference_characters_max)
        return no("reference: 1 to " + std::to_string(reference_characters_max) + " characters are needed");
    auto draft = draft_refund(command.rrn, command.date_mmdd, command.amount_major);
    if (!draft) return draft.error();
    // The reference is unique per merchant: a command typed twice is not a second refund.
    // That of one that was cancelled may be used again.
    const auto known = c_.ledger.find_reference(draft->sale->merchant, command.reference);
    const TransactionRecord* before = known ? c_.ledger.find(*known) : nullptr;
    if (known && before == nullptr) return no("reference " + command.reference + " is taken");
    if (before != nullptr && before->state != State::cancelled) {
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
    if (!c_.store_accepts_new_work()) return no(refused(Refusal::system_error));
    if (const Refusal why = transactions_.checks().judge_case(*draft); why != Refusal::none)
        return no("refused: " + refused(why));
    if (draft->same_case)
        return no("an equal refund of this sale is held already, case " + draft->same_case->str());

    const TransactionRecord& sale = *draft->sale;
    const TransactionRecord& refund =
        hold_case(c_, transactions_, *draft,
                  {command.reason, command.note, command.proof, command.reference, event.user, {}}, "R17");
    c_.ledger.save_reference(sale.merchant, command.reference, refund.rrn);
    audit(event, "refund.open",
          refund.rrn.str() + " of sale " + sale.rrn.str() + " " + refund.amount.major() + ": " +
              said_words(refund));
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is open and waits for a checker");
    describe(answer, refund);
    return answer;
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

/// R27: no checker lets a refund go that the merchant's reserve has to pay and does not hold (ruling 19).
std::optional<std::string> Operations::reserve_shortage(TransactionRecord& refund) {
    const MerchantConfig* merchant = c_.config->find_merchant(refund.merchant);
    const bool waits_for_funds = std::any_of(refund.history.begin(), refund.history.end(),
                                             [](const ledger::HistoryEntry& h) { return h.rule == "R27"; });
    if (merchant == nullptr || merchant->refund.funding != RefundFunding::reserve || !waits_for_funds)
        return std::nullopt;
    reserve_fund::draw(c_, refund, refund.amount.minor_units(), reserve_fund::Draw::whole_or_nothing);
    if (refund.drawn_minor == refund.amount.minor_units()) return std::nullopt;
    const iso8583::Amount holds(reserve_fund::holds_minor(c_, refund.merchant), refund.amount.currency());
    return "the reserve of merchant " + refund.merchant.str() + " holds " + holds.major() + ", case " +
           refund.rrn.str() + " needs " + refund.amount.major() + " (R27): reserve add --merchant " +
           refund.merchant.str() + " --amount A";
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
    if (const auto short_of = reserve_shortage(refund)) return no(*short_of);
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
    if (!c_.store_accepts_new_work()) return no(refused(Refusal::system_error));
    if (const Refusal why = transactions_.checks().judge_case(*draft); why != Refusal::none)
        return no("refused: " + refused(why));
    if (draft->same_case)
        return no("an equal refund of this sale is held already, case " + draft->same_case->str());
    draft->record.decided.reopens = *rrn;
    draft->record.operator_number = before->operator_number;
    const std::string reference = before->reference;
    TransactionRecord& again =
        hold_case(c_, transactions_, *draft,
                  {before->reason, command.note, before->proof, reference, event.user, {}}, "R17");
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
    const bool says_something = !command.reason.empty() || !command.note.empty() || !command.proof.empty();
    if (command.amount_major.empty() && !says_something)
        return no("amount, reason, note or proof: one is needed");
    if (const auto fault = fault_of_what_is_said(*c_.config, command.reason, command.note, command.proof))
        return no(*fault);
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
    if (!command.note.empty()) refund.note = command.note;
    if (!command.proof.empty()) refund.proof = command.proof;
    if (!is_one_of_the_makers(refund.maker, event.user)) refund.maker += ", " + event.user;
    note_rule(refund, "R17", c_.now.utc);
    audit(event, "refund.edit", refund.rrn.str() + " " + refund.amount.major() + ": " + said_words(refund));
    OperatorAnswer answer = yes("case " + refund.rrn.str() + " is edited and waits for a checker");
    describe(answer, refund);
    return answer;
}

}  // namespace acquirer
