#include "switch/core/transaction_flow.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/issuer_messages.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/shared_case.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

// THE STORY of a sale, void or refund:
//
//   1. the request                 on_request      joined, answered again, or decided
//   2. the checks                  decide          in the order of precedence (check_list.hpp); the first
//                                                  that says no is the answer. What each one looks at:
//                                                  transaction_checks.cpp
//   3. the intent                  begin_*         durable before anything is sent
//                                                  PINs are translated before it: pin_translation.cpp
//   4. the issuer's answer         transaction_outcome.cpp, and there
//   5. the answer to the terminal  finish          the one answer, once to every connection that asked
//
// What each of these does to the sale is sale_chain.cpp; what must be repeated until final is
// store_and_forward.cpp; what a checker has cleared goes by cleared_refunds.cpp.

namespace acquirer {

using iso8583::Field;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

// ---- 1. The request

void TransactionFlow::on_request(RequestArrived&& event) {
    if (join_in_progress(event)) return;
    TransactionDraft draft;
    if (answer_duplicate(event, draft)) return;
    std::vector<Asker> askers;
    askers.push_back({event.from, event.request});
    draft.event = std::move(event);
    decide(draft, std::move(askers));
}

bool TransactionFlow::join_in_progress(const RequestArrived& event) {
    if (translating_by_key_.empty()) return false;
    const auto by_key = translating_by_key_.find(wire_key(event.request));
    if (by_key == translating_by_key_.end()) return false;
    Translating& waiting = translating_.at(by_key->second);
    if (content_digest(event.request, event.request.means.identity(c_.vault, c_.config->routes)) !=
        waiting.digest) {
        answer_refusal(c_, Asker{event.from, event.request}, Refusal::duplicate_conflict);
        return true;
    }
    if (waiting.askers.size() < c_.config->limits.askers_max)
        waiting.askers.push_back({event.from, event.request});
    return true;
}

bool TransactionFlow::answer_duplicate(const RequestArrived& event, TransactionDraft& draft) {
    const TerminalRequest& r = event.request;
    TransactionRecord& record = draft.record;
    const MeansIdentity means = r.means.identity(c_.vault, c_.config->routes);
    means.keep_in(record);
    record.digest = content_digest(r, means);
    draft.slot_key = trace_slot_key(r);
    draft.slot = c_.ledger.trace_slot(draft.slot_key);
    const DuplicateVerdict verdict =
        judge_duplicate(draft.slot, r, record.digest, c_.now.utc,
                        std::int64_t{c_.config->limits.tombstone_hours} * 3'600'000);
    switch (verdict.kind) {
        case DuplicateVerdict::Kind::fresh:
            return false;
        case DuplicateVerdict::Kind::reversed_before:
            // Judged at its place in the order of precedence; retention may have let it go.
            if (c_.ledger.find(verdict.rrn) != nullptr) draft.tombstone = verdict.rrn;
            return false;
        case DuplicateVerdict::Kind::conflict:
            answer_refusal(c_, Asker{event.from, r}, Refusal::duplicate_conflict);
            return true;
        case DuplicateVerdict::Kind::same:
            if (const auto* known = c_.ledger.find(verdict.rrn)) {
                answer_again(Asker{event.from, r}, *known, asking_key(r, r.stan, verdict.transmission_time));
                return true;
            }
            return false;  // retention has let it go: nothing is known of it any more
    }
    ENSURE(false);
}

/// R20, R20a, R22: the stored answer as long as it is still true.
void TransactionFlow::answer_again(const Asker& asker, const TransactionRecord& record,
                                   const ledger::AskingKey& key) {
    if (is_taken_back(record, key)) {  // R20b: the others' case goes on without it
        answer_refusal(c_, asker, Refusal::duplicate_of_reversed, record.rrn);
        return;
    }
    if (record.state != State::reverse_on_answer &&
        c_.in_flight.join(record.rrn, asker, c_.config->limits.askers_max))
        return;
    // A reversal that was answered 00 undoes it in every state: also of a sale whose void does the work
    // (R34).
    const bool once_approved =
        record.answer && (record.answer->code.view() == "00" || record.is_partly_approved());
    const bool undone = record.state == State::reversing || record.state == State::reversed ||
                        record.state == State::reversal_stuck || record.state == State::reverse_on_answer;
    // People gave a refund up that had been accepted, or found that a void had not happened (R72, R74).
    const bool given_up = record.state == State::cancelled;
    if ((((undone || given_up) && once_approved) || record.reversal_digest != 0) && !record.cut_in_doubt) {
        answer_refusal(c_, asker, Refusal::duplicate_of_reversed, record.rrn);
        return;
    }
    if (!record.answer)
        return;  // cleared by a checker and not yet sent: its 01 is stored, so this is a bug of ours
    answer(c_, asker, stored_content(record));
}

// ---- 2. The checks, in the order of precedence

void TransactionFlow::decide(TransactionDraft& draft, std::vector<Asker> askers) {
    if (const Refusal why = checks_.judge(draft); why != Refusal::none) {
        refuse(draft, askers, why);
        return;
    }
    if (ask_pin_translation(draft, askers)) return;
    switch (draft.event.request.transaction) {
        case TransactionKind::authorization:
            begin_sale(draft, std::move(askers));
            return;
        case TransactionKind::sale:
            if (is_of_authorization(draft.event.request.kind))
                begin_completion(draft, std::move(askers));
            else
                begin_sale(draft, std::move(askers));
            return;
        case TransactionKind::void_sale:
            begin_void(draft, std::move(askers));
            return;
        case TransactionKind::refund:
            begin_refund(draft, std::move(askers));
            return;
    }
    ENSURE(false);
}

// ---- 3. The intent

/// A refusal is recorded under its key, so that a retry gets it again; but not what a forger or a passing
/// fault caused.
void TransactionFlow::refuse(TransactionDraft& d, const std::vector<Asker>& askers, Refusal why) {
    if (is_unrecorded(why) || !c_.store_accepts_new_work() || checks_.slot_is_flooded(d)) {
        for (const Asker& asker : askers) answer_refusal(c_, asker, why);
        return;
    }
    if (why == Refusal::tombstone) {
        refuse_after_tombstone(d);
        for (const Asker& asker : askers) answer_refusal(c_, asker, why, d.tombstone);
        return;
    }
    fill_record(d);
    if (d.sale != nullptr) d.record.original = d.sale->rrn;
    TransactionRecord& record = remember(d);
    const bool asks_the_issuer_first =
        record.kind == TransactionKind::sale || record.kind == TransactionKind::authorization;
    begin(record, asks_the_issuer_first ? State::declined : State::refused, info(why).rule, c_.now.utc);
    store_refusal(c_, record, why);
    for (const Asker& asker : askers) answer_refusal(c_, asker, why, record.rrn);
}

/// R36: the original has come; the stone becomes its record, and its key now leads here.
void TransactionFlow::refuse_after_tombstone(TransactionDraft& d) {
    TransactionRecord* stone = c_.ledger.edit(d.tombstone);
    if (stone == nullptr || stone->state != State::tombstone) return;
    move(*stone, State::declined, "R36", c_.now.utc);
    stone->digest = d.record.digest;
    store_refusal(c_, *stone, Refusal::tombstone);
    c_.ledger.add_trace(d.slot_key, d.slot,
                        trace_entry(d.event.request, d.record.digest, stone->rrn, c_.now.utc));
}

/// What was asked, as the ledger keeps it.
void TransactionFlow::fill_record(TransactionDraft& d) {
    const TerminalRequest& r = d.event.request;
    TransactionRecord& t = d.record;
    t.rrn = c_.ledger.next_rrn(c_.now);
    t.kind = r.transaction;
    t.profile = static_cast<std::uint8_t>(r.profile);
    t.merchant = r.merchant;
    t.terminal = r.terminal;
    t.stan = r.stan;
    t.transmission_time = r.transmission_time;
    t.message_type = r.message_type;
    t.processing_code = r.processing_code;
    t.amount = r.amount.value_or(iso8583::Amount(0, r.currency));
    t.of_authorization = r.kind == RequestKind::void_authorization;
    if (r.takes_partial && r.kind == RequestKind::sale) t.asked_minor = t.amount.minor_units();
    t.entry_mode = r.fields.get(Field::pos_entry_mode);
    r.means.keep_in(t, c_.vault);
    t.policy_version = c_.config->version;
    t.created = t.updated = c_.now.utc;
    t.local_date = c_.local_now().date;
    t.business_date = c_.business_day;
    if (d.route != nullptr)
        t.route = d.route->id.value;
    else if (d.sale != nullptr)
        t.route = d.sale->route;
}

/// The record and its key. From here on the ledger has it.
TransactionRecord& TransactionFlow::remember(TransactionDraft& d) {
    TransactionRecord& record = c_.ledger.add(std::move(d.record));
    for (const ledger::CautionHit& hit : record.caution) {
        c_.count("fraud_bounds." + std::string(ledger::name(hit.bound)));
        c_.note(Severity::warning, NoteKind::fraud_bound, record, "R28",
                std::string(ledger::name(hit.bound)) + ": " + std::to_string(hit.counted) + ", allowed " +
                    std::to_string(hit.allowed));
    }
    if (!record.from_operations)
        c_.ledger.add_trace(d.slot_key, d.slot,
                            trace_entry(d.event.request, record.digest, record.rrn, c_.now.utc));
    return record;
}

void TransactionFlow::begin_sale(TransactionDraft& d, std::vector<Asker> askers) {
    fill_record(d);
    TransactionRecord& sale = remember(d);
    begin(sale, State::intent, sale.kind == TransactionKind::authorization ? "R90" : "R1", c_.now.utc);
    send_request(sale, &d, std::move(askers));
}

/// R92: asked of the issuer; R94, and on a route that asks with 0100: accepted, posted, and completed by a
/// 0220 from the queue.
void TransactionFlow::begin_completion(TransactionDraft& d, std::vector<Asker> askers) {
    fill_record(d);
    d.record.original = d.sale->rrn;
    d.record.completed_by_advice = d.event.request.kind == RequestKind::completion_advice;
    const bool by_advice =
        d.record.completed_by_advice || d.route->sale_mode == routing::SaleMode::authorization_0100;
    d.record.completion_percent = d.route->completion_percent_max;
    TransactionRecord& completion = remember(d);
    PreAuthorization(c_).completion_begun(completion, by_advice ? State::completed : State::completing);
    if (!by_advice) {
        begin(completion, State::intent, "R92", c_.now.utc);
        send_request(completion, &d, std::move(askers));
        return;
    }
    begin(completion, State::approved, completion.completed_by_advice ? "R94" : "R92", c_.now.utc);
    completion.issuer_authorization = d.sale->issuer_authorization;
    store_answer(c_, completion, iso8583::ResponseCode::of("00"));
    completion.answer->authorization = completion.issuer_authorization;
    chain_.sale_approved(completion);
    release_funded(completion.merchant);
    c_.add_to_batch(completion, +1);
    queue_.send_completion(completion);
    for (const Asker& asker : askers) answer(c_, asker, stored_content(completion));
}

void TransactionFlow::begin_void(TransactionDraft& d, std::vector<Asker> askers) {
    fill_record(d);
    d.record.turned_into_void = d.record.kind == TransactionKind::refund;
    d.record.kind = TransactionKind::void_sale;
    TransactionRecord& record = remember(d);
    const char* rule = record.turned_into_void ? "R9" : record.of_authorization ? "R91" : "R3";
    const bool online = record.of_authorization
                            ? d.route->authorization_void_mode == routing::AuthorizationVoidMode::online_0100
                            : d.route->void_mode == routing::VoidMode::online_0200;
    if (online) {
        chain_.void_asked(record, d.sale->rrn);
        begin(record, State::intent, rule, c_.now.utc);
        send_request(record, &d, std::move(askers));
        return;
    }
    // The route takes a void as the reversal of its sale: queued durably, answered 00, never in doubt.
    chain_.void_queued(record, d.sale->rrn);
    begin(record, State::advice_pending, rule, c_.now.utc);
    store_answer(c_, record, iso8583::ResponseCode::of("00"));
    record.answer->authorization = d.sale->issuer_authorization;
    c_.add_to_batch(record, +1);
    queue_.send_reversal(record, Original::approved);
    for (const Asker& asker : askers) answer(c_, asker, stored_content(record));
}

void TransactionFlow::begin_refund(TransactionDraft& d, std::vector<Asker> askers) {
    if (d.same_case) {
        // R20b: an equal one is held already: the same case, and this key leads there too.
        if (TransactionRecord* held = c_.ledger.edit(*d.same_case)) {
            ledger::AskingKey key = asking_key(d.event.request);
            key.operator_number = d.terminal.operator_number;
            join_case(*held, std::move(key));
            c_.ledger.add_trace(d.slot_key, d.slot,
                                trace_entry(d.event.request, d.record.digest, held->rrn, c_.now.utc));
            for (const Asker& asker : askers) answer(c_, asker, stored_content(*held));
        }
        return;
    }
    if (checks_.becomes_a_void(d)) {
        begin_void(d, std::move(askers));
        return;
    }
    fill_record(d);
    TransactionRecord& refund = accept_refund(d);
    if (refund.state == State::intent) {  // online: the issuer is asked first
        send_request(refund, &d, std::move(askers));
        return;
    }
    for (const Asker& asker : askers) answer(c_, asker, stored_content(refund));
}

/// Reserves the amount in the sale; then held, queued, or (for the caller to send) an intent.
TransactionRecord& TransactionFlow::accept_refund(TransactionDraft& d) {
    TransactionRecord& refund = remember(d);
    chain_.reserve(refund, d.sale->rrn);
    if (d.hold) {
        begin(refund, State::held, d.hold_rule, c_.now.utc);
        for (const std::string& rule : d.also_held_by) note_rule(refund, rule, c_.now.utc);
        // In DE44 of a 01 stands the case number alone; the case is the refund's own RRN.
        store_answer(c_, refund,
                     response_code(Refusal::approval_required, static_cast<Profile>(refund.profile)),
                     refund.rrn.str());
        refund.refusal = static_cast<std::uint8_t>(Refusal::approval_required);
        c_.hold_case(refund);
        return refund;
    }
    begin_at_issuer(refund, *d.route, "R8");
    return refund;
}

/// By advice: accepted and queued; online: an intent, for the caller to send.
void TransactionFlow::begin_at_issuer(TransactionRecord& refund, const routing::Route& route,
                                      std::string_view rule) {
    if (route.refund_mode == routing::RefundMode::online) {
        begin(refund, State::intent, rule, c_.now.utc);
        return;
    }
    begin(refund, State::advice_pending, rule, c_.now.utc);
    store_answer(c_, refund, iso8583::ResponseCode::of("00"));
    c_.add_to_batch(refund, +1);
    queue_.send_refund(refund);
}

namespace {

std::string_view rule_of_request(const TransactionRecord& record) {
    switch (record.kind) {
        case TransactionKind::sale:
            return record.is_completion() ? "R92" : "R1";
        case TransactionKind::void_sale:
            return record.of_authorization ? "R91" : "R3";
        case TransactionKind::authorization:
            return "R90";
        case TransactionKind::refund:
            return record.state == State::cleared ? "R17" : "R8";
    }
    ENSURE(false);
}

}  // namespace

/// Durable with this turn's sync, sent after it: intent and sent are one write.
void TransactionFlow::send_request(TransactionRecord& record, const TransactionDraft* asked,
                                   std::vector<Asker> askers) {
    const routing::RouteId id{record.route};
    const auto* route = c_.config->routes.find(id);
    const auto link = c_.link_for(id);
    ENSURE(route != nullptr && link);
    const auto numbers = c_.next_issuer_numbers(id);
    record.issuer_stan = numbers.stan.value();
    record.issuer_transmission_time = numbers.transmission_time.value();
    fix_issuer_terms(c_, record);
    move(record, State::sent, rule_of_request(record), c_.now.utc);
    record.asked_by_0100 = record.kind == TransactionKind::authorization || record.of_authorization ||
                           (record.kind == TransactionKind::sale && !record.is_completion() &&
                            route->sale_mode == routing::SaleMode::authorization_0100);
    c_.in_flight.begin(record, record.asked_by_0100 ? 1 : 2, *link, route->reply_timeout_ms,
                       std::move(askers));
    c_.links.sent_on(record.rrn, *link);
    const TransactionRecord* sale = record.original ? c_.ledger.find(*record.original) : nullptr;
    c_.emit(SendToIssuer{id, *link,
                         make_request(c_, record, sale, asked != nullptr ? &asked->event.request : nullptr,
                                      asked != nullptr ? asked->pin_block : iso8583::Bytes{})});
}

void TransactionFlow::send_after_void(TransactionRecord& refund, const routing::Route& route) {
    begin_at_issuer(refund, route, "R9");
    if (refund.state == State::intent) send_request(refund, nullptr, c_.in_flight.end(refund.rrn));
}

// ---- Who asked is gone

void TransactionFlow::on_terminal_link_closed(LinkId link) {
    const auto gone = [&](const Asker& asker) { return asker.to.link == link; };
    c_.in_flight.forget_askers(link);
    for (auto& [ticket, waiting] : translating_) std::erase_if(waiting.askers, gone);
}

// ---- After a crash, after a checker

void TransactionFlow::recover(TransactionRecord& record) {
    switch (record.state) {
        case State::intent:
            break;  // intent and sent are one write (send_request): the disk never has it
        case State::sent:
            undoing_.in_doubt(record, "R57", Refusal::issuer_silent);
            // R65: its answer came after the backup, most likely, and its terminal has it: whether it is to
            // be reversed is for people to say.
            if (c_.restored) queue_.hold_back(record);
            return;
        case State::reverse_on_answer:
            undoing_.in_doubt(record, "R57", Refusal::issuer_silent);
            return;
        case State::in_doubt:
            undoing_.reverse(record, "R57", Original::in_doubt);
            return;
        case State::held:
            c_.hold_case(record);
            return;
        case State::cleared:
            release_cleared(record);
            return;
        case State::authorized:
            PreAuthorization(c_).watch(record);
            return;
        case State::approved:
        case State::tombstone:
        case State::declined:
        case State::lapsed:
            if (!ledger::is_open(record)) return;  // R35, R39, R94, R95
            [[fallthrough]];
        case State::reversing:
        case State::advice_pending:
        case State::processing:
        case State::reversed:
        case State::parked:
            if (record.advice.status == ledger::QueuedAdvice::Status::in_flight) {
                record.advice.status = ledger::QueuedAdvice::Status::waiting;
                record.advice.next_attempt = c_.now.utc;
            }
            if (record.advice.status != ledger::QueuedAdvice::Status::final) queue_.resume(record);
            return;
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::abnormal:
        case State::alternative_account:
        case State::merchant_account:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::not_collected:
            return;
    }
    ENSURE(false);
}

}  // namespace acquirer
