#include "tests/simulation/branches.hpp"

#include <algorithm>
#include <array>

#include "iso8583/values/overloaded.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/ways_out.hpp"

namespace simulation {

using namespace acquirer;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

constexpr TransactionKind all_kinds[] = {TransactionKind::sale, TransactionKind::void_sale,
                                         TransactionKind::refund, TransactionKind::authorization};

constexpr std::array<std::string_view, static_cast<std::size_t>(PairEvent::end)> event_names = {
    "retry",
    "conflict",
    "original arrives",
    "reversal",
    "partial reversal",
    "refund of it",
    "void of it",
    "completion of it",
    "issuer approves",
    "issuer partly approves",
    "issuer declines",
    "issuer answers unknown outcome",
    "issuer answers unknown code",
    "advice approved",
    "advice refused",
    "advice to be repeated",
    "advice unclear",
    "reversal done",
    "reversal not found",
    "reversal refused",
    "reversal to be repeated",
    "reversal unclear",
    "late approval",
    "late answer",
    "answer with bad MAC",
    "answer without HSM",
    "link lost",
    "time-out",
    "advice repeated",
    "cut-over",
    "crash",
};

/// Of all commands, in the order of the variant; a value of each is made to be asked.
template <std::size_t I = 0>
void add_command_names(std::vector<std::string>& names) {
    if constexpr (I < std::variant_size_v<OperatorCommand>) {
        struct Name {
            std::string_view operator()(const CheckRefund&) const { return "check refund"; }
            std::string_view operator()(const OpenRefund&) const { return "open refund"; }
            std::string_view operator()(const ApproveRefund&) const { return "approve refund"; }
            std::string_view operator()(const RejectRefund&) const { return "reject refund"; }
            std::string_view operator()(const CancelRefund&) const { return "cancel refund"; }
            std::string_view operator()(const MoveRoute&) const { return "move route"; }
            std::string_view operator()(const ChangeMerchant&) const { return "change merchant"; }
            std::string_view operator()(const ChangeTerminal&) const { return "change terminal"; }
            std::string_view operator()(const CutOverDay&) const { return "cut over day"; }
            std::string_view operator()(const RetryAdvice&) const { return "retry advice"; }
            std::string_view operator()(const ChangeException&) const { return "change exception"; }
            std::string_view operator()(const RotateIssuerKey&) const { return "rotate key"; }
            std::string_view operator()(const ListKeys&) const { return "list keys"; }
            std::string_view operator()(const SettleTransaction&) const { return "settle"; }
            std::string_view operator()(const ReleaseStale&) const { return "release stale"; }
            std::string_view operator()(const ResolveAbnormal&) const { return "resolve abnormal"; }
            std::string_view operator()(const ReopenRefund&) const { return "reopen refund"; }
            std::string_view operator()(const EditRefund&) const { return "edit refund"; }
            std::string_view operator()(const AddDispute&) const { return "add dispute"; }
            std::string_view operator()(const CloseDispute&) const { return "close dispute"; }
            std::string_view operator()(const DecideProposal&) const { return "decide proposal"; }
            std::string_view operator()(const PutFile&) const { return "put file"; }
            std::string_view operator()(const JudgeLines&) const { return "judge lines"; }
            std::string_view operator()(const SubmitBatch&) const { return "submit batch"; }
            std::string_view operator()(const DecideBatch&) const { return "decide batch"; }
            std::string_view operator()(const ChangeBatch&) const { return "change batch"; }
            std::string_view operator()(const ImportIssuerFile&) const { return "import issuer file"; }
            std::string_view operator()(const RunReconciliation&) const { return "run reconciliation"; }
            std::string_view operator()(const ResolveDifference&) const { return "resolve difference"; }
            std::string_view operator()(const BackUp&) const { return "back up"; }
            std::string_view operator()(const AcceptRestore&) const { return "accept restore"; }
            std::string_view operator()(const ProposePolicy&) const { return "propose policy"; }
            std::string_view operator()(const RotateVaultKey&) const { return "rotate vault key"; }
            std::string_view operator()(const RetireVaultKey&) const { return "retire vault key"; }
            std::string_view operator()(const AddParty&) const { return "add party"; }
            std::string_view operator()(const RemoveParty&) const { return "remove party"; }
            std::string_view operator()(const AddReserve&) const { return "add reserve"; }
            std::string_view operator()(const ChargeMerchant&) const { return "charge merchant"; }
            std::string_view operator()(const OpenAdjustment&) const { return "open adjustment"; }
            std::string_view operator()(const RunPurge&) const { return "run purge"; }
        };
        names.emplace_back(Name{}(std::variant_alternative_t<I, OperatorCommand>{}));
        add_command_names<I + 1>(names);
    }
}

const std::vector<std::string>& command_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        add_command_names(all);
        return all;
    }();
    return names;
}

std::string_view word(ChangeBatch::To to) {
    switch (to) {
        case ChangeBatch::To::pause:
            return "pause batch";
        case ChangeBatch::To::resume:
            return "resume batch";
        case ChangeBatch::To::cancel:
            return "cancel batch";
    }
    return "?";
}
std::string_view word(MoveRoute::To to) {
    switch (to) {
        case MoveRoute::To::up:
            return "up";
        case MoveRoute::To::down:
            return "down";
        case MoveRoute::To::drain:
            return "drain";
    }
    return "?";
}
std::string_view word(ChangeMerchant::To to) {
    switch (to) {
        case ChangeMerchant::To::suspend:
            return "suspend";
        case ChangeMerchant::To::resume:
            return "resume";
        case ChangeMerchant::To::enable_refund:
            return "enable refund";
        case ChangeMerchant::To::disable_refund:
            return "disable refund";
    }
    return "?";
}
std::string_view word(ChangeTerminal::To to) {
    switch (to) {
        case ChangeTerminal::To::suspend:
            return "suspend";
        case ChangeTerminal::To::resume:
            return "resume";
        case ChangeTerminal::To::close_batch:
            return "close batch";
    }
    return "?";
}

std::string of_record(const TransactionRecord& record) {
    return std::string(ledger::name(record.kind)) + " " + std::string(ledger::name(record.state));
}

std::string decision_words(const DecideProposal& command, const CommandSubject& about) {
    const std::string verb = command.to == DecideProposal::To::approve ? "approve " : "reject ";
    // A case is a proposal too.
    if (!about.proposal) return verb + "refund";
    const ledger::Proposal& p = *about.proposal;
    if (command.to == DecideProposal::To::reject) return "reject proposal " + p.action;
    return "approve proposal " + p.action + (p.action == "day_cutover" ? "" : " " + p.outcome);
}

std::string advice_words(const TransactionRecord* record) {
    if (record == nullptr) return "nothing";
    const bool reversal = record->advice.kind == ledger::QueuedAdvice::Kind::reversal;
    return std::string(ledger::name(record->kind)) + (reversal ? " reversal" : " advice");
}

}  // namespace

std::string_view name(BranchGroup group) {
    switch (group) {
        case BranchGroup::world:
            return "world";
        case BranchGroup::transition:
            return "transition";
        case BranchGroup::refusal:
            return "refusal";
        case BranchGroup::way_out:
            return "way out";
        case BranchGroup::pair:
            return "pair";
    }
    return "?";
}

std::string transition_branch(TransactionKind kind, State from, State to) {
    return "transition " + std::string(ledger::name(kind)) + " " + std::string(ledger::name(from)) + " -> " +
           std::string(ledger::name(to));
}

std::string initial_branch(TransactionKind kind, State state) {
    return "transition " + std::string(ledger::name(kind)) + " begins -> " + std::string(ledger::name(state));
}

std::string refusal_branch(Refusal refusal) { return "refusal " + std::string(info(refusal).name); }

std::size_t pair_event(const OperatorCommand& command) {
    return static_cast<std::size_t>(PairEvent::end) + command.index();
}

std::string pair_branch(TransactionKind kind, State state, std::size_t event) {
    const std::string what = event < event_names.size() ? std::string(event_names[event])
                                                        : command_names()[event - event_names.size()];
    return "pair " + std::string(ledger::name(kind)) + " " + std::string(ledger::name(state)) + ": " + what;
}

std::string way_out_branch(const OperatorCommand& command, const CommandSubject& about) {
    const auto words = std::visit(
        iso8583::Overloaded{
            [](const CheckRefund&) { return std::string(); },
            [](const ListKeys&) { return std::string(); },
            [](const PutFile&) { return std::string(); },
            [](const JudgeLines&) { return std::string(); },
            [](const BackUp&) { return std::string(); },
            [](const AcceptRestore&) { return std::string(); },
            [](const ProposePolicy&) { return std::string(); },
            [](const DecideBatch& c) {
                return std::string(c.to == DecideBatch::To::approve ? "approve batch" : "reject batch");
            },
            [](const ChangeBatch& c) { return std::string(word(c.to)); },
            [](const MoveRoute& c) { return "route " + std::string(word(c.to)); },
            [](const ChangeMerchant& c) { return "merchant " + std::string(word(c.to)); },
            [](const ChangeTerminal& c) { return "terminal " + std::string(word(c.to)); },
            [](const CutOverDay& c) {
                return std::string(c.force ? "cut over day by force" : "cut over day");
            },
            [&](const RetryAdvice&) { return "retry " + advice_words(about.record); },
            [&](const SettleTransaction& c) {
                return "settle " + (about.record != nullptr ? of_record(*about.record) : "nothing") + " as " +
                       c.outcome;
            },
            [](const ResolveAbnormal& c) { return "resolve abnormal by " + std::string(outcome_of(c.way)); },
            [](const AddDispute& c) { return std::string(c.kind == "hold" ? "add hold" : "add chargeback"); },
            [&](const CloseDispute& c) {
                return about.dispute == ledger::Dispute::Kind::hold ? std::string("close hold")
                                                                    : "close chargeback as " + c.outcome;
            },
            [&](const DecideProposal& c) { return decision_words(c, about); },
            [](const ChangeException& c) {
                return std::string(c.to == ChangeException::To::assign    ? "exception assign"
                                   : c.to == ChangeException::To::resolve ? "exception resolve"
                                                                          : "exceptions resolve all");
            },
            [](const RotateIssuerKey& c) {
                return std::string(c.kind == hsm::KeyKind::zak ? "rotate ZAK" : "rotate ZPK");
            },
            [&](const auto&) { return command_names()[command.index()]; }},
        command);
    return words.empty() ? words : "way out " + words;
}

// ---- What is registered

namespace {

/// Does the state table know this state of this kind?
bool has_state(TransactionKind kind, State state) {
    return std::any_of(
        state_table::transitions.begin(), state_table::transitions.end(),
        [&](const Transition& t) { return t.kind == kind && (t.from == state || t.to == state); });
}

/// May it wait for a person (parked or stuck) with this advice while its record is in this state?
bool may_be_parked(TransactionKind kind, State state, ledger::QueuedAdvice::Kind advice) {
    if (!has_state(kind, state)) return false;
    if (advice == ledger::QueuedAdvice::Kind::refund)
        return kind == TransactionKind::refund && state == State::parked;
    if (advice == ledger::QueuedAdvice::Kind::completion)  // R94
        return kind == TransactionKind::sale &&
               (state == State::approved || state == State::reversing || state == State::not_collected);
    switch (state) {
        case State::reversing:
        case State::reversal_stuck:
        case State::reversed:  // R51a: reversed again, after its amount was used
        case State::tombstone:
        case State::declined:  // R36: its blind reversal is on its way still
        case State::lapsed:    // R95
            return true;
        case State::approved:
            return kind == TransactionKind::sale;  // R39: of a part
        case State::parked:
            return kind == TransactionKind::void_sale;
        default:
            return false;
    }
}

void add_settlements(std::set<std::string>& words) {
    using Kind = ledger::QueuedAdvice::Kind;
    for (const TransactionKind kind : all_kinds)
        for (int s = static_cast<int>(State::intent); s <= static_cast<int>(State::not_collected); ++s)
            for (const Kind advice : {Kind::refund, Kind::reversal, Kind::completion}) {
                TransactionRecord record;
                record.kind = kind;
                record.state = static_cast<State>(s);
                record.advice.kind = advice;
                record.advice.status = ledger::QueuedAdvice::Status::parked;
                if (!may_be_parked(kind, record.state, advice)) continue;
                std::string outcomes(outcomes_of(record));
                for (std::size_t at = 0; at < outcomes.size();) {
                    const std::size_t end = std::min(outcomes.find('|', at), outcomes.size());
                    const std::string outcome = outcomes.substr(at, end - at);
                    words.insert(way_out_branch(SettleTransaction{"", outcome, ""}, {&record, {}, {}}));
                    ledger::Proposal p;
                    p.action = "settle";
                    p.outcome = outcome;
                    words.insert(way_out_branch(DecideProposal{}, {nullptr, p, {}}));
                    at = end + 1;
                }
            }
}

std::vector<OperatorCommand> commands_with_their_choices() {
    std::vector<OperatorCommand> all = {OpenRefund{},
                                        ApproveRefund{},
                                        RejectRefund{},
                                        CancelRefund{},
                                        CutOverDay{false},
                                        CutOverDay{true},
                                        ReleaseStale{},
                                        ReopenRefund{},
                                        EditRefund{},
                                        AddReserve{},
                                        ChargeMerchant{},
                                        OpenAdjustment{},
                                        RunPurge{},
                                        RotateVaultKey{},
                                        RetireVaultKey{},
                                        RotateIssuerKey{"", hsm::KeyKind::zak, false},
                                        RotateIssuerKey{"", hsm::KeyKind::zpk, false}};
    for (const auto to : {MoveRoute::To::up, MoveRoute::To::down, MoveRoute::To::drain})
        all.emplace_back(MoveRoute{"", to});
    for (const auto to : {ChangeMerchant::To::suspend, ChangeMerchant::To::resume,
                          ChangeMerchant::To::enable_refund, ChangeMerchant::To::disable_refund})
        all.emplace_back(ChangeMerchant{"", to});
    for (const auto to :
         {ChangeTerminal::To::suspend, ChangeTerminal::To::resume, ChangeTerminal::To::close_batch})
        all.emplace_back(ChangeTerminal{"", to});
    for (const auto way : {ResolveAbnormal::Way::retry, ResolveAbnormal::Way::merchant_account,
                           ResolveAbnormal::Way::alternative_account, ResolveAbnormal::Way::cancel})
        all.emplace_back(ResolveAbnormal{"", way, "", ""});
    for (const auto to :
         {ChangeException::To::assign, ChangeException::To::resolve, ChangeException::To::resolve_all})
        all.emplace_back(ChangeException{"", to, ""});
    all.emplace_back(SubmitBatch{});
    for (const auto to : {DecideBatch::To::approve, DecideBatch::To::reject})
        all.emplace_back(DecideBatch{"", to, "", ""});
    for (const auto to : {ChangeBatch::To::pause, ChangeBatch::To::resume, ChangeBatch::To::cancel})
        all.emplace_back(ChangeBatch{"", to, false, ""});
    for (const char* kind : {"hold", "chargeback"}) all.emplace_back(AddDispute{"", "", "", kind, "", ""});
    return all;
}

std::vector<std::string> all_ways_out() {
    std::set<std::string> words;
    for (const OperatorCommand& command : commands_with_their_choices())
        words.insert(way_out_branch(command, {}));
    words.insert(way_out_branch(CloseDispute{}, {nullptr, {}, ledger::Dispute::Kind::hold}));
    const auto proposal = [&words](std::string action, std::string outcome) {
        ledger::Proposal p;
        p.action = std::move(action);
        p.outcome = std::move(outcome);
        words.insert(way_out_branch(DecideProposal{"", DecideProposal::To::approve, ""}, {nullptr, p, {}}));
        words.insert(way_out_branch(DecideProposal{"", DecideProposal::To::reject, ""}, {nullptr, p, {}}));
    };
    for (const char* outcome : {"won", "lost"}) {
        words.insert(
            way_out_branch(CloseDispute{"", outcome, ""}, {nullptr, {}, ledger::Dispute::Kind::chargeback}));
        proposal("dispute_close", outcome);
    }
    proposal("settle", "done");
    for (const auto way : {ResolveAbnormal::Way::merchant_account, ResolveAbnormal::Way::alternative_account,
                           ResolveAbnormal::Way::cancel})
        proposal("abnormal", std::string(outcome_of(way)));
    proposal("chargeback", "recorded");
    proposal("reserve_add", "added");
    proposal("adjustment_charge", "charged");
    proposal("adjustment_open", "given_back");
    proposal("day_cutover", "");
    proposal("exceptions_resolve", "resolved");
    proposal("restore", "accept");
    for (const char* outcome : {"due", "all"}) proposal("purge", outcome);
    proposal("vault_rotate", "rotate");
    proposal("vault_retire", "retire");
    for (const TransactionKind kind : all_kinds) {
        TransactionRecord record;
        record.kind = kind;
        record.advice.kind = ledger::QueuedAdvice::Kind::reversal;
        words.insert(way_out_branch(RetryAdvice{}, {&record, {}, {}}));
        record.advice.kind = ledger::QueuedAdvice::Kind::refund;
        const bool has_advice = kind == TransactionKind::refund || kind == TransactionKind::sale;
        if (has_advice) words.insert(way_out_branch(RetryAdvice{}, {&record, {}, {}}));
    }
    add_settlements(words);
    return {words.begin(), words.end()};
}

constexpr std::string_view of_the_world[] = {"crash mid-sync",
                                             "crash between turns",
                                             "several turns in flight",
                                             "crash while effects leave",
                                             "R62 failed sync",
                                             "R62 disk nearly full",
                                             "R64 HSM unavailable",
                                             "issuer down",
                                             "issuer link lost",
                                             "clock back",
                                             "clock forward",
                                             "cut-over",
                                             "retention",
                                             "retention purges",
                                             "retention purges a refund",
                                             "retention purges an authorization",
                                             "retention purges what had no card number",
                                             "case decided",
                                             "configuration replaced",
                                             "vault key changed",
                                             "vault key wiped",
                                             "vault key asked for again",
                                             "vault file not written",
                                             "crash while cards are sealed anew",
                                             "key changed by us",
                                             "key changed by the issuer",
                                             "notice accepted",
                                             "notice processing",
                                             "notice done",
                                             "notice abnormal",
                                             "notice expired",
                                             "notice not_paid",
                                             "notice delivered twice",
                                             "R4",
                                             "R5",
                                             "R6",
                                             "R11",
                                             "R14",
                                             "R15",
                                             "R17",
                                             "R20a",
                                             "R20b",
                                             "R21",
                                             "R24",
                                             "R25",
                                             "R30",
                                             "R31",
                                             "R32",
                                             "R33",
                                             "R34",
                                             "R35",
                                             "R36",
                                             "R37",
                                             "R38",
                                             "R39",
                                             "R40",
                                             "R50",
                                             "R51",
                                             "R51a",
                                             "R52",
                                             "R53",
                                             "R54",
                                             "R55",
                                             "R57",
                                             "R57a",
                                             "R60",
                                             "R61",
                                             "R63",
                                             "R64"};

}  // namespace

const std::vector<Branch>& fixed_branches() {
    static const std::vector<Branch> all = [] {
        std::vector<Branch> made;
        for (const std::string_view n : of_the_world) made.push_back({BranchGroup::world, std::string(n)});
        for (const InitialState& s : state_table::initial)
            made.push_back({BranchGroup::transition, initial_branch(s.kind, s.state)});
        for (const Transition& t : state_table::transitions)
            made.push_back({BranchGroup::transition, transition_branch(t.kind, t.from, t.to)});
        for (const RefusalInfo& r : all_refusals())
            if (r.refusal != Refusal::none) made.push_back({BranchGroup::refusal, refusal_branch(r.refusal)});
        for (std::string& n : all_ways_out()) made.push_back({BranchGroup::way_out, std::move(n)});
        return made;
    }();
    return all;
}

std::vector<Branch> registered_branches(const BranchLists& lists) {
    std::vector<Branch> all = fixed_branches();
    for (const auto& [n, often] : lists.pairs) all.push_back({BranchGroup::pair, n});
    return all;
}

}  // namespace simulation
