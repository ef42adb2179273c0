#include "tests/simulation/branch_watch.hpp"

#include <algorithm>
#include <mutex>

#include "ledger/key_layout.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/ways_out.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Field;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;
using AdviceStatus = ledger::QueuedAdvice::Status;

namespace {

// The core tells a function of transitions, without a context: whose core it is says the thread.
thread_local BranchWatch* watching = nullptr;
TransitionObserver told_before = nullptr;  // by the test program

void observe(TransactionKind kind, State from, State to) {
    if (told_before != nullptr) told_before(kind, from, to);
    if (watching != nullptr) watching->moved(kind, from, to);
}

void install_observer() {
    static std::once_flag once;
    std::call_once(once, [] {
        told_before = transition_observer;
        transition_observer = &observe;
    });
}

std::size_t at(TransactionKind kind) { return static_cast<std::size_t>(kind); }
std::size_t at(State state) { return static_cast<std::size_t>(state); }

/// What tells one financial request from another, as text; without DE7 where the profile has none.
std::string wire_key(const iso8583::MerchantId& merchant, const iso8583::TerminalId& terminal,
                     std::string_view batch, iso8583::Stan stan, std::string_view transmission_time,
                     std::string_view message_type, std::string_view processing_code) {
    std::string key = merchant.str() + terminal.str();
    const std::string trace = stan.str();
    for (const std::string_view part :
         {batch, std::string_view(trace), transmission_time, message_type, processing_code}) {
        key += part;
        key += '/';
    }
    return key;
}

std::string key_of(const TransactionRecord& r) {
    const bool unionpay = static_cast<Profile>(r.profile) == Profile::unionpay_pos;
    return wire_key(r.merchant, r.terminal, unionpay ? r.batch.str() : "", r.stan,
                    unionpay ? "" : r.transmission_time.str(), r.message_type, r.processing_code);
}

std::string key_of(const TransactionRecord& r, const ledger::AskingKey& joined) {
    const bool unionpay = static_cast<Profile>(r.profile) == Profile::unionpay_pos;
    return wire_key(r.merchant, joined.terminal, unionpay ? joined.batch.str() : "", joined.stan,
                    unionpay ? "" : iso8583::TransmissionTime::of(joined.transmission_time).str(),
                    r.message_type, joined.processing_code);
}

/// Of the request, or (of a reversal) of what it reverses.
std::string key_of(const TerminalRequest& r) {
    const bool unionpay = r.profile == Profile::unionpay_pos;
    const bool names_original = r.kind == RequestKind::reversal && !unionpay && r.original_data;
    const iso8583::TransmissionTime time =
        names_original ? r.original_data->transmission_time : r.transmission_time;
    return wire_key(r.merchant, r.terminal, unionpay ? r.batch.str() : "",
                    names_original ? r.original_data->stan : r.stan, unionpay ? "" : time.str(),
                    r.message_type, r.processing_code);
}

PairEvent event_of(routing::IssuerVerdict verdict) {
    switch (verdict) {
        case routing::IssuerVerdict::approved:
            return PairEvent::issuer_approves;
        case routing::IssuerVerdict::partly_approved:
            return PairEvent::issuer_partly_approves;
        case routing::IssuerVerdict::unknown:
            return PairEvent::issuer_answers_unknown_outcome;
        case routing::IssuerVerdict::declined:
            return PairEvent::issuer_declines;
        case routing::IssuerVerdict::unlisted:
            return PairEvent::issuer_answers_unknown_code;
    }
    return PairEvent::end;
}

PairEvent event_of(routing::AdviceVerdict verdict) {
    switch (verdict) {
        case routing::AdviceVerdict::approved:
            return PairEvent::advice_approved;
        case routing::AdviceVerdict::abnormal:
            return PairEvent::advice_refused;
        case routing::AdviceVerdict::retry:
        case routing::AdviceVerdict::processing:
            return PairEvent::advice_to_be_repeated;
        case routing::AdviceVerdict::parked:
            return PairEvent::advice_unclear;
    }
    return PairEvent::end;
}

PairEvent event_of(routing::ReversalVerdict verdict) {
    switch (verdict) {
        case routing::ReversalVerdict::done:
            return PairEvent::reversal_done;
        case routing::ReversalVerdict::not_found:
            return PairEvent::reversal_not_found;
        case routing::ReversalVerdict::stuck:
            return PairEvent::reversal_refused;
        case routing::ReversalVerdict::retry:
            return PairEvent::reversal_to_be_repeated;
        case routing::ReversalVerdict::parked:
            return PairEvent::reversal_unclear;
    }
    return PairEvent::end;
}

/// What an issuer's answer, whose MAC verified, says to this record.
PairEvent event_of(const IssuerReply& reply, const TransactionRecord& r, const routing::Route& route) {
    const bool of_reversal = reply.mti.message_class() == 4;
    const bool of_advice = of_reversal || reply.mti.function() == 3;
    const bool awaited = of_advice ? r.advice.status == AdviceStatus::in_flight &&
                                         class_of(r.advice) == reply.mti.message_class()
                                   : r.state == State::sent || r.state == State::reverse_on_answer;
    if (!reply.code) return PairEvent::issuer_answers_unknown_code;
    if (!awaited)
        return !of_reversal && says_approved(classify_request(route, *reply.code)) ? PairEvent::late_approval
                                                                                   : PairEvent::late_answer;
    if (of_reversal)
        return event_of(classify_reversal(route, *reply.code,
                                          r.advice.of_approved_original
                                              ? routing::ReversedOriginal::approved
                                              : routing::ReversedOriginal::in_doubt));
    if (of_advice)
        return event_of(classify_refund_advice(
            route, *reply.code,
            r.advice.attempts > 1 ? routing::AdviceAttempt::repeat : routing::AdviceAttempt::first));
    return event_of(classify_request(route, *reply.code));
}

/// The transaction, proposal or dispute that a command names.
std::string id_of(const OperatorCommand& command) {
    struct Id {
        std::string operator()(const CheckRefund& c) const { return c.rrn; }
        std::string operator()(const OpenRefund& c) const { return c.rrn; }
        std::string operator()(const ApproveRefund& c) const { return c.case_number; }
        std::string operator()(const RejectRefund& c) const { return c.case_number; }
        std::string operator()(const CancelRefund& c) const { return c.case_number; }
        std::string operator()(const MoveRoute&) const { return {}; }
        std::string operator()(const ChangeMerchant&) const { return {}; }
        std::string operator()(const ChangeTerminal&) const { return {}; }
        std::string operator()(const CutOverDay&) const { return {}; }
        std::string operator()(const RetryAdvice& c) const { return c.rrn; }
        std::string operator()(const ChangeException& c) const { return c.id; }
        std::string operator()(const RotateIssuerKey&) const { return {}; }
        std::string operator()(const ListKeys&) const { return {}; }
        std::string operator()(const SettleTransaction& c) const { return c.id; }
        std::string operator()(const ReleaseStale&) const { return {}; }
        std::string operator()(const ResolveAbnormal& c) const { return c.id; }
        std::string operator()(const ReopenRefund& c) const { return c.case_number; }
        std::string operator()(const EditRefund& c) const { return c.case_number; }
        std::string operator()(const AddDispute& c) const { return c.rrn; }
        std::string operator()(const CloseDispute& c) const { return c.id; }
        std::string operator()(const DecideProposal& c) const { return c.id; }
        std::string operator()(const PutFile&) const { return {}; }
        std::string operator()(const JudgeLines&) const { return {}; }
        std::string operator()(const SubmitBatch&) const { return {}; }
        std::string operator()(const DecideBatch&) const { return {}; }
        std::string operator()(const ChangeBatch&) const { return {}; }
        std::string operator()(const ImportIssuerFile&) const { return {}; }
        std::string operator()(const RunReconciliation&) const { return {}; }
        std::string operator()(const ResolveDifference& c) const { return c.id; }
        std::string operator()(const BackUp&) const { return {}; }
        std::string operator()(const AcceptRestore&) const { return {}; }
        std::string operator()(const ProposePolicy&) const { return {}; }
        std::string operator()(const RotateVaultKey&) const { return {}; }
        std::string operator()(const RetireVaultKey&) const { return {}; }
        std::string operator()(const AddParty&) const { return {}; }
        std::string operator()(const RemoveParty&) const { return {}; }
        std::string operator()(const AddReserve&) const { return {}; }
        std::string operator()(const ChargeMerchant&) const { return {}; }
        std::string operator()(const OpenAdjustment&) const { return {}; }
        std::string operator()(const RunPurge&) const { return {}; }
    };
    return std::visit(Id{}, command);
}

}  // namespace

BranchWatch::BranchWatch(const ledger::PanVault& vault) : vault_(vault) {
    install_observer();
    watching = this;
    for (const RefusalInfo& row : all_refusals())
        if (row.refusal != Refusal::none) explanations_.emplace(row.explanation, row.refusal);
}

BranchWatch::~BranchWatch() {
    if (watching == this) watching = nullptr;
}

const TransactionRecord* BranchWatch::find(const Rrn& rrn) const {
    const auto found = records_.find(rrn);
    return found == records_.end() ? nullptr : &found->second;
}

const TransactionRecord* BranchWatch::find(const Numbers& numbers) const {
    const auto found = numbers_.find(numbers);
    return found == numbers_.end() ? nullptr : find(found->second);
}

void BranchWatch::count(const TransactionRecord& r, std::size_t event) {
    ++pairs_[at(r.kind)][at(r.state)][event];
}

void BranchWatch::count_open(PairEvent event) {
    for (std::size_t kind = 0; kind < kinds; ++kind)
        for (std::size_t state = 0; state < states; ++state)
            if (open_[kind][state] > 0) ++pairs_[kind][state][static_cast<std::size_t>(event)];
}

void BranchWatch::moved(TransactionKind kind, State from, State to) {
    ++transitions_[at(kind)][at(from)][at(to)];
    // Cleared ones and intents go on with the deadline of another; one in doubt is on its way to its
    // reversal.
    if (in_deadlines_ && from != State::cleared && from != State::intent && from != State::in_doubt)
        ++pairs_[at(kind)][at(from)][static_cast<std::size_t>(PairEvent::time_out)];
}

// ---- What is written

void BranchWatch::index(const TransactionRecord& r) {
    if (ledger::is_open(r)) ++open_[at(r.kind)][at(r.state)];
    if (!r.from_operations) keys_[key_of(r)] = {r.rrn, false};
    for (const ledger::AskingKey& joined : r.shared.joined) keys_[key_of(r, joined)] = {r.rrn, true};
    if (r.issuer_stan != 0) numbers_[{r.route, r.issuer_stan, r.issuer_transmission_time}] = r.rrn;
    if (r.advice.stan != 0) numbers_[{r.route, r.advice.stan, r.advice.transmission_time}] = r.rrn;
}

void BranchWatch::written(TransactionRecord record) {
    const auto known = records_.find(record.rrn);
    if (known == records_.end()) {
        if (!record.history.empty()) ++initial_[at(record.kind)][at(record.history.front().state)];
        if (record.refusal != 0) ++refusals_[record.refusal];
        index(record);
        records_.emplace(record.rrn, std::move(record));
        return;
    }
    TransactionRecord& before = known->second;
    if (record.refusal != 0 && record.refusal != before.refusal) ++refusals_[record.refusal];
    if (ledger::is_open(before)) --open_[at(before.kind)][at(before.state)];
    if (ledger::is_open(record)) ++open_[at(record.kind)][at(record.state)];
    for (std::size_t i = before.shared.joined.size(); i < record.shared.joined.size(); ++i)
        keys_[key_of(record, record.shared.joined[i])] = {record.rrn, true};
    if (record.issuer_stan != before.issuer_stan)
        numbers_[{record.route, record.issuer_stan, record.issuer_transmission_time}] = record.rrn;
    if (record.advice.stan != before.advice.stan)
        numbers_[{record.route, record.advice.stan, record.advice.transmission_time}] = record.rrn;
    before = std::move(record);
}

void BranchWatch::written(const ledger::Batch& batch) {
    for (const ledger::Mutation& m : batch.mutations) {
        if (m.key.bytes.empty() || !m.value) continue;
        const auto prefix = static_cast<ledger::KeyPrefix>(m.key.bytes[0]);
        if (prefix == ledger::KeyPrefix::proposal) {
            if (auto p = ledger::decode_proposal(*m.value)) proposals_.insert_or_assign(p->id, *p);
        } else if (prefix == ledger::KeyPrefix::dispute) {
            if (auto d = ledger::decode_dispute(*m.value)) disputes_.insert_or_assign(d->id, *d);
        }
    }
}

void BranchWatch::crashed(const std::map<Rrn, TransactionRecord>& durable) {
    in_deadlines_ = false;
    commands_.clear();
    asked_on_.clear();
    keys_.clear();
    numbers_.clear();
    open_ = {};
    records_ = durable;
    for (const auto& [rrn, record] : records_) index(record);
    count_open(PairEvent::crash);
}

// ---- What the core is given

void BranchWatch::offering(const Event& event, const Configuration& configuration) {
    if (const auto* request_arrived = std::get_if<RequestArrived>(&event)) request(*request_arrived);
    if (const auto* answer = std::get_if<IssuerReplyArrived>(&event)) reply(*answer, configuration);
    if (const auto* down = std::get_if<IssuerLinkDown>(&event)) link_down(down->link);
    if (const auto* commanded = std::get_if<OperatorCommanded>(&event)) command(*commanded);
}

void BranchWatch::request(const RequestArrived& event) {
    static const routing::RouteTable no_routes;  // a digest does not ask for them
    const TerminalRequest& r = event.request;
    const bool verified = event.mac == MacState::verified || event.mac == MacState::not_needed;
    const bool reversal = r.kind == RequestKind::reversal;
    if (!verified || !r.format_fault.empty() || (!reversal && !is_transaction(r.kind))) return;
    if (const auto known = keys_.find(key_of(r)); known != keys_.end()) {
        const TransactionRecord* record = find(known->second.rrn);
        if (record == nullptr) return;
        if (reversal) return count(*record, r.left_minor ? PairEvent::partial_reversal : PairEvent::reversal);
        if (record->state == State::tombstone) return count(*record, PairEvent::original_arrives);
        const bool same =
            known->second.joined || record->digest == content_digest(r, r.means.identity(vault_, no_routes));
        return count(*record, same ? PairEvent::retry : PairEvent::conflict);
    }
    if (reversal || !r.original_rrn) return;
    if (const TransactionRecord* original = find(*r.original_rrn))
        count(*original, r.kind == RequestKind::refund                    ? PairEvent::refund_of_it
                         : r.transaction == ledger::TransactionKind::sale ? PairEvent::completion_of_it
                                                                          : PairEvent::void_of_it);
}

void BranchWatch::reply(const IssuerReplyArrived& event, const Configuration& configuration) {
    const TransactionRecord* record =
        find(Numbers{event.route.value, event.reply.stan.value(), event.reply.transmission_time.value()});
    const routing::Route* route = configuration.routes.find(event.route);
    if (record == nullptr || route == nullptr) return;
    asked_on_[event.link.value].erase(record->rrn);
    if (event.mac == MacState::hsm_down) return count(*record, PairEvent::answer_without_hsm);
    if (event.mac != MacState::verified && event.mac != MacState::not_needed)
        return count(*record, PairEvent::answer_with_bad_mac);
    count(*record, event_of(event.reply, *record, *route));
}

void BranchWatch::link_down(LinkId link) {
    const auto asked = asked_on_.extract(link.value);
    if (asked.empty()) return;
    for (const Rrn& rrn : asked.mapped())
        if (const TransactionRecord* record = find(rrn); record != nullptr && ledger::is_open(*record))
            count(*record, PairEvent::link_lost);
}

void BranchWatch::command(const OperatorCommanded& event) {
    const std::string id = id_of(event.command);
    CommandSubject about;
    std::optional<Rrn> rrn;
    if (const auto p = proposals_.find(id); p != proposals_.end()) {
        about.proposal = p->second;
        if (!p->second.rrn.empty()) rrn = p->second.rrn;
    } else if (const auto d = disputes_.find(id); d != disputes_.end()) {
        about.dispute = d->second.kind;
        rrn = d->second.sale;
    } else if (const auto parsed = Rrn::parse(id.substr(0, Rrn::size_max))) {
        rrn = *parsed;
    }
    if (rrn) about.record = find(*rrn);
    if (about.record != nullptr) count(*about.record, pair_event(event.command));
    // The record is that of the last closed turn; parked in this one, it is not known as such yet.
    const bool settles = std::holds_alternative<acquirer::SettleTransaction>(event.command);
    if (settles && about.record != nullptr && acquirer::outcomes_of(*about.record).empty()) return;
    if (std::string way = way_out_branch(event.command, about); !way.empty())
        commands_[event.ticket] = std::move(way);
}

// ---- What leaves

void BranchWatch::released(const Effect& effect) {
    if (const auto* n = std::get_if<Note>(&effect)) note(*n);
    if (const auto* answer = std::get_if<AnswerOperator>(&effect)) answered(*answer);
    if (const auto* message = std::get_if<SendToIssuer>(&effect)) sent(*message);
}

void BranchWatch::note(const Note& n) {
    if (n.kind == NoteKind::day_cut_over) count_open(PairEvent::cut_over);
    if (n.kind != NoteKind::request_refused) return;
    // "refund: EXPLANATION", and behind that of a format error what it was.
    const std::size_t colon = n.detail.find(": ");
    if (colon == std::string::npos) return;
    std::string_view explanation = std::string_view(n.detail).substr(colon + 2);
    const std::string_view of_format = info(Refusal::format_error).explanation;
    if (explanation.starts_with(of_format)) explanation = of_format;
    if (const auto row = explanations_.find(explanation); row != explanations_.end()) count(row->second);
}

void BranchWatch::answered(const AnswerOperator& answer) {
    if (const auto way = commands_.find(answer.ticket); way != commands_.end()) {
        if (answer.answer.done) ++ways_out_[way->second];
        commands_.erase(way);
    }
    if (answer.answer.done) return;
    // "refused: EXPLANATION (R11, 64)"
    for (const auto& [explanation, refusal] : explanations_)
        if (answer.answer.text.find(std::string(explanation) + " (R") != std::string::npos) count(refusal);
}

void BranchWatch::sent(const SendToIssuer& message) {
    const iso8583::FieldValues& f = message.fields;
    if (f.mti().message_class() == 8) return;
    const auto stan = iso8583::Stan::parse(f.get(Field::stan));
    const auto time = iso8583::TransmissionTime::parse(f.get(Field::transmission_time));
    if (!stan || !time) return;
    const TransactionRecord* record = find(Numbers{message.route.value, stan->value(), time->value()});
    if (record == nullptr) return;
    asked_on_[message.link.value].insert(record->rrn);
    if (f.mti().is_repeat()) count(*record, PairEvent::advice_repeated);
}

// ---- The end

void BranchWatch::add_to(std::map<std::string, std::uint64_t>& reached) const {
    // Most were never counted, and have no need of a name.
    const auto add = [&reached](std::uint64_t times, const auto& name) {
        if (times > 0) reached[name()] += times;
    };
    for (std::size_t k = 1; k < kinds; ++k)
        for (std::size_t s = 1; s < states; ++s) {
            const auto kind = static_cast<TransactionKind>(k);
            const auto state = static_cast<State>(s);
            add(initial_[k][s], [&] { return initial_branch(kind, state); });
            for (std::size_t to = 1; to < states; ++to)
                add(transitions_[k][s][to],
                    [&] { return transition_branch(kind, state, static_cast<State>(to)); });
            for (std::size_t event = 0; event < pair_events; ++event)
                add(pairs_[k][s][event], [&] { return pair_branch(kind, state, event); });
        }
    for (const auto& [explanation, refused] : explanations_) {
        const Refusal refusal = refused;
        add(refusals_[static_cast<std::uint8_t>(refusal)], [&] { return refusal_branch(refusal); });
    }
    for (const auto& [way, times] : ways_out_) reached[way] += times;
}

}  // namespace simulation
