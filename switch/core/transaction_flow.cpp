#include "switch/core/transaction_flow.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/issuer_messages.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/transaction_state.hpp"

// THE STORY of a sale, void or refund:
//
//   1. the request                 on_request      joined, answered again, or decided
//   2. the checks                  decide, run     in the order of precedence; the first that says no is the
//                                                  answer. What each one looks at: transaction_checks.cpp
//   3. the intent                  begin_*         durable before anything is sent
//   4. the issuer's answer         approved, declined, in_doubt
//   5. the answer to the terminal  finish          the one answer, once to every connection that asked
//
// What an unknown outcome leads to (0420) and what an accepted refund leads to (0220) is
// store_and_forward.cpp.

namespace acquirer {

using iso8583::Field;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::size_t icc_data_bytes_max = 255;  // DE55 of terminals, docs/dialects.md

// ---- 1. The request
// -----------------------------------------------------------------------------------------------

void TransactionFlow::on_request(const RequestArrived& event) {
    if (join_in_progress(event)) return;
    Draft draft;
    draft.event = event;
    if (answer_duplicate(event, draft)) return;
    decide(draft, {Asker{event.from, event.request}});
}

bool TransactionFlow::join_in_progress(const RequestArrived& event) {
    const auto by_key = translating_by_key_.find(wire_key(event.request));
    if (by_key == translating_by_key_.end()) return false;
    Translating& waiting = translating_.at(by_key->second);
    if (waiting.askers.size() < c_.config->limits.askers_max)
        waiting.askers.push_back({event.from, event.request});
    return true;
}

bool TransactionFlow::answer_duplicate(const RequestArrived& event, Draft& draft) {
    const TerminalRequest& r = event.request;
    TransactionRecord& record = draft.record;
    record.pan_token = c_.vault.token(r.pan);
    record.digest = content_digest(r, record.pan_token);
    draft.slot_key = trace_slot_key(r);
    draft.slot = c_.ledger.trace_slot(draft.slot_key);
    const DuplicateVerdict verdict =
        judge_duplicate(draft.slot, r, record.digest, c_.now.utc,
                        std::int64_t{c_.config->limits.tombstone_hours} * 3'600'000);
    const Asker asker{event.from, r};
    switch (verdict.kind) {
        case DuplicateVerdict::Kind::fresh:
            return false;
        case DuplicateVerdict::Kind::reversed_before:
            draft.tombstone = verdict.rrn;  // judged at its place in the order of precedence
            return false;
        case DuplicateVerdict::Kind::conflict:
            answer_refusal(c_, asker, Refusal::duplicate_conflict);
            return true;
        case DuplicateVerdict::Kind::same:
            if (auto known = c_.ledger.find(verdict.rrn)) answer_again(asker, *known);
            return true;
    }
    ENSURE(false);
}

/// R20, R20a, R22: the stored answer as long as it is still true.
void TransactionFlow::answer_again(const Asker& asker, const TransactionRecord& record) {
    if (const auto waiting = c_.pending.find(record.rrn);
        waiting != c_.pending.end() && record.state != State::reverse_on_answer) {
        if (waiting->second.askers.size() < c_.config->limits.askers_max)
            waiting->second.askers.push_back(asker);
        return;
    }
    // A reversal that was answered 00 undoes it in every state: also of a sale whose void does the work
    // (R34).
    const bool once_approved = record.answer && record.answer->code.view() == "00";
    const bool undone = record.state == State::reversing || record.state == State::reversed ||
                        record.state == State::reversal_stuck || record.state == State::reverse_on_answer;
    if (((undone && once_approved) || record.reversal_digest != 0) && !record.cut_in_doubt) {
        answer_refusal(c_, asker, Refusal::duplicate_of_reversed, record.rrn);
        return;
    }
    if (!record.answer)
        return;  // cleared by a checker and not yet sent: its 01 is stored, so this is a bug of ours
    answer(c_, asker, stored_content(record));
}

// ---- 2. The checks, in the order of precedence
// --------------------------------------------------------------------

void TransactionFlow::decide(Draft& draft, std::vector<Asker> askers) {
    using Flow = TransactionFlow;
    static const std::vector<Check> sale_checks = {
        &Flow::terminal_may_work, &Flow::batch_is_open,    &Flow::not_reversed_before, &Flow::amount_is_good,
        &Flow::currency_is_ours,  &Flow::sale_has_a_route, &Flow::system_has_room};
    static const std::vector<Check> void_checks = {
        &Flow::terminal_may_work,        &Flow::batch_is_open,         &Flow::not_reversed_before,
        &Flow::amount_is_good,           &Flow::currency_is_the_sales, &Flow::sale_is_found,
        &Flow::void_is_of_this_terminal, &Flow::void_names_its_trace,  &Flow::authorization_is_the_sales,
        &Flow::card_is_the_sales,        &Flow::void_state_allows,     &Flow::void_is_whole,
        &Flow::original_has_a_route,     &Flow::system_has_room};
    static const std::vector<Check> refund_checks = {
        &Flow::terminal_may_work,     &Flow::batch_is_open,
        &Flow::not_reversed_before,   &Flow::amount_is_good,
        &Flow::currency_is_the_sales, &Flow::merchant_may_refund,
        &Flow::sale_is_found,         &Flow::authorization_is_the_sales,
        &Flow::card_is_the_sales,     &Flow::refund_state_allows,
        &Flow::window_is_open,        &Flow::limits_allow,
        &Flow::remaining_covers,      &Flow::approval_or_not,
        &Flow::original_has_a_route,  &Flow::system_has_room};

    const TransactionKind kind = draft.event.request.transaction;
    const Refusal why = run(kind == TransactionKind::sale        ? sale_checks
                            : kind == TransactionKind::void_sale ? void_checks
                                                                 : refund_checks,
                            draft);
    if (why != Refusal::none) {
        refuse(draft, askers, why);
        return;
    }
    if (ask_pin_translation(draft, askers)) return;
    switch (kind) {
        case TransactionKind::sale:
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

Refusal TransactionFlow::run(const std::vector<Check>& checks, Draft& draft) {
    for (Check check : checks)
        if (const Refusal why = (this->*check)(draft); why != Refusal::none) return why;
    return Refusal::none;
}

Refusal TransactionFlow::check_refund_of_sale(Draft& draft) {
    using Flow = TransactionFlow;
    static const std::vector<Check> checks = {&Flow::merchant_may_refund, &Flow::refund_state_allows,
                                              &Flow::window_is_open,      &Flow::limits_allow,
                                              &Flow::remaining_covers,    &Flow::original_has_a_route};
    return run(checks, draft);
}

// ---- 3. The intent
// ------------------------------------------------------------------------------------------------

/// A refusal is recorded under its key, so that a retry gets it again; but not what a forger or a passing
/// fault caused.
void TransactionFlow::refuse(Draft& d, const std::vector<Asker>& askers, Refusal why) {
    if (is_unrecorded(why) || !c_.store_accepts_new_work || slot_is_flooded(d)) {
        for (const Asker& asker : askers) answer_refusal(c_, asker, why);
        return;
    }
    if (why == Refusal::tombstone) {
        if (auto stone = c_.ledger.find(d.tombstone); stone && stone->state == State::tombstone) {
            // R36: the original has come; the stone becomes its record, and its key now leads here.
            move(*stone, State::declined, "R36", c_.now.utc);
            stone->refusal = static_cast<std::uint8_t>(why);
            stone->digest = d.record.digest;
            store_answer(*stone, response_code(why, askers.front().request.profile),
                         std::string(info(why).text));
            c_.ledger.save(*stone);
            c_.ledger.add_trace(d.slot_key, d.slot,
                                trace_entry(d.event.request, d.record.digest, stone->rrn, c_.now.utc));
        }
        for (const Asker& asker : askers) answer_refusal(c_, asker, why, d.tombstone);
        return;
    }
    fill_record(d);
    const bool sale = d.record.kind == TransactionKind::sale;
    begin(d.record, sale ? State::declined : State::refused, info(why).rule, c_.now.utc);
    d.record.refusal = static_cast<std::uint8_t>(why);
    if (d.sale) d.record.original = d.sale->rrn;
    store_answer(d.record, response_code(why, askers.front().request.profile), std::string(info(why).text));
    remember(d);
    for (const Asker& asker : askers) answer_refusal(c_, asker, why, d.record.rrn);
}

/// The PIN of a sale or void goes to the issuer under its ZPK. The checks run again with the HSM's answer,
/// because the world may have changed meanwhile; until then nothing is durable and nothing is sent.
bool TransactionFlow::ask_pin_translation(Draft& d, std::vector<Asker>& askers) {
    const TerminalRequest& r = d.event.request;
    if (d.pin_is_translated || !r.fields.has(Field::pin_data) || r.transaction == TransactionKind::refund)
        return false;
    const auto keys = c_.config->issuer_keys.find(d.route->id);
    const TerminalRange* range = c_.config->find_terminal(r.terminal);
    if (keys == c_.config->issuer_keys.end() || keys->second.zpk.empty() || range == nullptr) return false;
    hsm::TranslatePin ask;
    ask.source_kind = hsm::KeyKind::tpk;
    ask.source = range->tpk;
    if (range->profile == Profile::unionpay_pos) {
        const ledger::TerminalRecord terminal = terminals_.record(r.terminal);
        for (const auto& k : terminal.keys)
            if (k.version == d.event.key_version)
                if (auto key = hsm::KeyBlock::parse(k.pin_key)) ask.source = *key;
    }
    ask.destination = key_exchange_.zpk(d.route->id);
    ask.source_format = hsm::PinBlockFormat::iso0;
    ask.destination_format = keys->second.pin_block_format;
    const std::string_view block = r.fields.get(Field::pin_data);
    ask.pin_block.assign(block.begin(), block.end());
    ask.pan = r.pan;

    const hsm::Ticket ticket = ++c_.last_ticket;
    const std::string key = wire_key(r);
    translating_[ticket] = {d.event, std::move(askers), key};
    translating_by_key_[key] = ticket;
    c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
    c_.emit(AskHsm{ticket, std::move(ask)});
    return true;
}

namespace {

/// What the HSM says about the terminal's PIN block and account; every other fault is ours, of keys or of the
/// HSM (R64).
bool is_fault_of_the_pin_block(hsm::HsmFault fault) {
    return fault == hsm::HsmFault::pin_block_content || fault == hsm::HsmFault::pin_block_format ||
           fault == hsm::HsmFault::pin_length || fault == hsm::HsmFault::account_number;
}

}  // namespace

void TransactionFlow::on_pin_translated(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = translating_.find(ticket);
    if (at == translating_.end()) return;
    Translating waiting = std::move(at->second);
    translating_.erase(at);
    translating_by_key_.erase(waiting.key);
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});

    Draft draft;
    draft.event = waiting.event;
    if (answer_duplicate(waiting.event, draft)) return;
    const auto* translated = reply ? std::get_if<hsm::PinTranslated>(&*reply) : nullptr;
    if (translated == nullptr) {
        const bool of_the_block = !reply && is_fault_of_the_pin_block(reply.error());
        Note n;
        n.severity = of_the_block ? Severity::info : Severity::warning;
        n.kind = NoteKind::hsm_fault;
        n.terminal = waiting.event.request.terminal.str();
        n.rule = "R64";
        n.detail = "PIN translation: " +
                   std::string(reply ? "an answer to another question" : hsm::name(reply.error()));
        c_.note(std::move(n));
        draft.merchant = c_.config->find_merchant(waiting.event.request.merchant);
        if (of_the_block) draft.record.batch = terminals_.record(waiting.event.request.terminal).batch;
        refuse(draft, waiting.askers, of_the_block ? Refusal::pin_block_wrong : Refusal::hsm_unavailable);
        return;
    }
    draft.pin_block = translated->pin_block;
    draft.pin_is_translated = true;
    decide(draft, std::move(waiting.askers));
}

/// What was asked, as the ledger keeps it.
void TransactionFlow::fill_record(Draft& d) {
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
    t.entry_mode = r.fields.get(Field::pos_entry_mode);
    t.pan_masked = r.pan.masked();
    std::string expiry(r.fields.get(Field::expiration_date));
    if (expiry.empty() && r.fields.has(Field::track2)) {
        const std::string_view track = r.fields.get(Field::track2);
        const std::size_t separator = track.find('=');
        if (separator != std::string_view::npos && track.size() >= separator + 5)
            expiry = track.substr(separator + 1, 4);
    }
    t.sealed_card = c_.seal_card({r.pan, expiry}, t.rrn);
    t.policy_version = c_.config->version;
    t.created = t.updated = c_.now.utc;
    t.local_date = c_.local_now().date;
    t.business_date = c_.business_day;
    if (d.route != nullptr)
        t.route = d.route->id.value;
    else if (d.sale)
        t.route = d.sale->route;
}

/// The record and its key.
void TransactionFlow::remember(Draft& d) {
    c_.ledger.save(d.record);
    if (!d.record.from_operations)
        c_.ledger.add_trace(d.slot_key, d.slot,
                            trace_entry(d.event.request, d.record.digest, d.record.rrn, c_.now.utc));
}

void TransactionFlow::store_answer(TransactionRecord& record, iso8583::ResponseCode code, std::string text) {
    // What was held was answered 01 with its case number, and a retry gets that whatever became of it.
    if (!record.checker.empty()) return;
    ledger::StoredAnswer a;
    a.code = code;
    a.text = std::move(text);
    const iso8583::CivilTime local = c_.local_now();
    a.local_time = local.hhmmss();
    a.local_date = record.local_date.mmdd();
    a.business_date = record.business_date;
    record.answer = std::move(a);
}

void TransactionFlow::begin_sale(Draft& d, std::vector<Asker> askers) {
    fill_record(d);
    begin(d.record, State::intent, "R1", c_.now.utc);
    c_.ledger.index_card(d.record);
    send_request(d.record, std::nullopt, &d.event.request, d.pin_block, std::move(askers));
    remember(d);
}

void TransactionFlow::begin_void(Draft& d, std::vector<Asker> askers) {
    fill_record(d);
    TransactionRecord& sale = *d.sale;
    d.record.original = sale.rrn;
    sale.voided_by = d.record.rrn;
    if (d.route->void_mode == routing::VoidMode::online_0200) {
        move(sale, State::voiding, "R3", c_.now.utc);
        c_.ledger.save(sale);
        begin(d.record, State::intent, "R3", c_.now.utc);
        send_request(d.record, sale, &d.event.request, d.pin_block, std::move(askers));
        remember(d);
        return;
    }
    // The route takes a void as the reversal of its sale: queued durably, answered 00, never in doubt.
    move(sale, State::voided, "R3", c_.now.utc);
    c_.ledger.unpost_sale(sale, c_.business_day);
    c_.ledger.save(sale);
    begin(d.record, State::advice_pending, "R3", c_.now.utc);
    queue_.prepare_reversal(d.record, true);
    store_answer(d.record, iso8583::ResponseCode::of("00"));
    d.record.answer->authorization = sale.issuer_authorization;
    c_.add_to_batch(d.record, +1);
    remember(d);
    queue_.enqueue(d.record);
    for (const Asker& asker : askers) answer(c_, asker, stored_content(d.record));
}

void TransactionFlow::begin_refund(Draft& d, std::vector<Asker> askers) {
    if (d.same_case) {
        // R20b: an equal one is held already: the same case, and this key leads there too.
        if (auto held = c_.ledger.find(*d.same_case)) {
            c_.ledger.add_trace(d.slot_key, d.slot,
                                trace_entry(d.event.request, d.record.digest, held->rrn, c_.now.utc));
            for (const Asker& asker : askers) answer(c_, asker, stored_content(*held));
        }
        return;
    }
    fill_record(d);
    accept_refund(d);
    if (d.record.state == State::intent) {
        // Online: the issuer is asked first.
        send_request(d.record, d.sale, &d.event.request, {}, std::move(askers));
        remember(d);
        return;
    }
    for (const Asker& asker : askers) answer(c_, asker, stored_content(d.record));
}

/// Reserves the amount in the sale; then held, queued, or (for the caller to send) an intent.
void TransactionFlow::accept_refund(Draft& d) {
    TransactionRecord& sale = *d.sale;
    TransactionRecord& refund = d.record;
    c_.ledger.reserve(sale, refund, c_.business_day);
    c_.ledger.save(sale);
    if (!refund.from_operations)
        c_.ledger.totals().add(ledger::refund_count_name(refund.terminal, c_.business_day), 1,
                               refund.amount.minor_units());
    if (d.hold) {
        begin(refund, State::held, d.hold_rule, c_.now.utc);
        // In DE44 of a 01 stands the case number alone; the case is the refund's own RRN.
        store_answer(refund, response_code(Refusal::approval_required, static_cast<Profile>(refund.profile)),
                     refund.rrn.str());
        refund.refusal = static_cast<std::uint8_t>(Refusal::approval_required);
        c_.held.insert(refund.rrn);
        remember(d);
        return;
    }
    if (d.route->refund_mode == routing::RefundMode::advice) {
        begin(refund, State::advice_pending, "R8", c_.now.utc);
        queue_.prepare_refund(refund);
        store_answer(refund, iso8583::ResponseCode::of("00"));
        c_.add_to_batch(refund, +1);
        remember(d);
        queue_.enqueue(refund);
        return;
    }
    begin(refund, State::intent, "R8", c_.now.utc);
}

/// Durable with this turn's sync, sent after it: intent and sent are one write.
void TransactionFlow::send_request(TransactionRecord& record, const std::optional<TransactionRecord>& sale,
                                   const TerminalRequest* request, const iso8583::Bytes& pin_block,
                                   std::vector<Asker> askers) {
    const routing::RouteId id{record.route};
    const auto* route = c_.config->routes.find(id);
    const auto link = c_.link_for(id);
    ENSURE(route != nullptr && link);
    const auto numbers = c_.next_issuer_numbers(id);
    record.issuer_stan = numbers.stan.value();
    record.issuer_transmission_time = numbers.transmission_time.value();
    move(record, State::sent,
         record.kind == TransactionKind::sale     ? "R1"
         : record.kind == TransactionKind::refund ? "R8"
                                                  : "R3",
         c_.now.utc);
    c_.pending[record.rrn] = {record.rrn, id, *link, std::move(askers)};
    ++c_.requests_in_flight[id];
    const bool authorization =
        record.kind == TransactionKind::sale && route->sale_mode == routing::SaleMode::authorization_0100;
    c_.awaited[{id, authorization ? 1 : 2, record.issuer_stan, record.issuer_transmission_time}] = {
        Awaited::What::request, record.rrn, *link};
    c_.await_answer({DeadlineId::Kind::request_reply, record.rrn, 0}, route->reply_timeout_ms);
    c_.emit(SendToIssuer{id, *link, make_request(c_, *route, record, sale, request, pin_block)});
}

// ---- 4. The issuer's answer
// ---------------------------------------------------------------------------------------

void TransactionFlow::on_issuer_reply(const Awaited& awaited, const IssuerReplyArrived& event) {
    auto record = c_.ledger.find(awaited.rrn);
    const auto* route = c_.config->routes.find(event.route);
    if (!record || route == nullptr) return;
    const auto* reply = &event.reply;
    if (event.mac == MacState::hsm_down) {
        in_doubt(*record, "R64", Refusal::issuer_silent);
    } else if (event.mac != MacState::verified) {
        c_.note(Severity::alarm, NoteKind::bad_issuer_mac, *record, "R61",
                "the issuer's answer has a wrong or no MAC");
        in_doubt(*record, "R61", Refusal::issuer_answer_invalid);
    } else if (!reply->code) {
        in_doubt(*record, "R50", Refusal::issuer_silent);
    } else {
        switch (routing::classify_request(*route, *reply->code)) {
            case routing::IssuerVerdict::approved:
                if (reply->amount_minor && *reply->amount_minor != record->amount.minor_units()) {
                    c_.note(Severity::alarm, NoteKind::in_doubt, *record, "R61",
                            "the issuer approved another amount");
                    in_doubt(*record, "R61", Refusal::issuer_answer_invalid);
                    break;
                }
                approved(*record, *reply);
                break;
            case routing::IssuerVerdict::declined:
                declined(*record, *reply->code);
                break;
            case routing::IssuerVerdict::unlisted:
                c_.open_exception(record->rrn, "unlisted_code", "R50",
                                  "the issuer answered with " + reply->code->str() +
                                      ", which its route does not list; reversed",
                                  true);
                in_doubt(*record, "R50", Refusal::issuer_silent);
                break;
            case routing::IssuerVerdict::unknown:
                in_doubt(*record, "R50", Refusal::issuer_silent);
                break;
        }
    }
    finish(awaited.rrn, *record);
}

void TransactionFlow::approved(TransactionRecord& record, const IssuerReply& reply) {
    if (reply.authorization) record.issuer_authorization = *reply.authorization;
    if (record.state == State::reverse_on_answer) {
        // R34: its reversal was answered 00 already; nothing of it may stay.
        reverse(record, "R34", true);
        return;
    }
    record.business_date = c_.business_day;
    store_answer(record, iso8583::ResponseCode::of("00"));
    if (record.checker.empty()) {
        record.answer->authorization = record.issuer_authorization;
        // A longer DE55 than a terminal's dialect carries would make the answer one that can never be
        // written.
        if (reply.icc_data.size() <= icc_data_bytes_max) record.answer->icc_data = reply.icc_data;
    }
    switch (record.kind) {
        case TransactionKind::sale:
            move(record, State::approved, "R1", c_.now.utc);
            c_.ledger.post_sale(record, c_.business_day);
            break;
        case TransactionKind::refund:
            move(record, State::approved, record.from_operations || !record.checker.empty() ? "R17" : "R8",
                 c_.now.utc);
            c_.ledger.post_refund(record, c_.business_day);
            break;
        case TransactionKind::void_sale: {
            move(record, State::voided, "R3", c_.now.utc);
            auto sale = c_.ledger.find(*record.original);
            ENSURE(sale.has_value());
            move(*sale, State::voided, "R3", c_.now.utc);
            // reverse_if_void_fails stays: a void that is reversed later has failed too (R34, R32).
            c_.ledger.unpost_sale(*sale, c_.business_day);
            c_.ledger.save(*sale);
            break;
        }
    }
    c_.add_to_batch(record, +1);
    c_.ledger.save(record);
}

void TransactionFlow::declined(TransactionRecord& record, iso8583::ResponseCode code) {
    const bool was_reversed = record.state == State::reverse_on_answer;
    move(record, State::declined, was_reversed ? "R34" : "R2", c_.now.utc);
    store_answer(record, was_reversed ? response_code(Refusal::duplicate_of_reversed,
                                                      static_cast<Profile>(record.profile))
                                      : code);
    if (record.kind == TransactionKind::refund) {
        auto sale = c_.ledger.find(*record.original);
        ENSURE(sale.has_value());
        c_.ledger.release(*sale, record, c_.business_day);
        c_.ledger.save(*sale);
        if (!record.from_operations)
            c_.ledger.totals().add(ledger::refund_count_name(record.terminal, record.business_date), -1,
                                   -record.amount.minor_units());
    }
    c_.ledger.save(record);
    if (record.kind != TransactionKind::void_sale) return;
    auto sale = c_.ledger.find(*record.original);
    ENSURE(sale.has_value());
    move(*sale, State::approved, "R3", c_.now.utc);
    sale->voided_by.reset();
    const bool reverse_now = sale->reverse_if_void_fails;
    sale->reverse_if_void_fails = false;
    c_.ledger.save(*sale);
    if (reverse_now) {
        c_.add_to_batch(*sale, -1);
        reverse(*sale, "R34", true);
    }
}

/// R50, R53, R57, R61, R64: the outcome is unknown, so it is undone by advice until final. Never approved
/// again.
void TransactionFlow::in_doubt(TransactionRecord& record, std::string_view rule, Refusal answer_with) {
    const bool was_reversed = record.state == State::reverse_on_answer;
    if (!was_reversed) {
        move(record, State::in_doubt, rule, c_.now.utc);
        record.cut_in_doubt = true;
        store_answer(record, response_code(answer_with, static_cast<Profile>(record.profile)),
                     std::string(info(answer_with).text));
        record.refusal = static_cast<std::uint8_t>(answer_with);
    }
    c_.note(Severity::warning, NoteKind::in_doubt, record, rule, "outcome unknown: a reversal is queued");
    c_.count("in_doubt");
    reverse(record, was_reversed ? "R34" : rule, false);
}

void TransactionFlow::reverse(TransactionRecord& record, std::string_view rule, bool of_approved_original) {
    move(record, State::reversing, rule, c_.now.utc);
    if (!record.answer)
        store_answer(record,
                     response_code(Refusal::duplicate_of_reversed, static_cast<Profile>(record.profile)));
    queue_.prepare_reversal(record, of_approved_original);
    c_.ledger.save(record);
    queue_.enqueue(record);
}

void TransactionFlow::on_late_reply(TransactionRecord& record, const IssuerReplyArrived& event) {
    const auto* route = c_.config->routes.find(event.route);
    if (route == nullptr || event.mac != MacState::verified || !event.reply.code) return;
    const bool late_approval =
        routing::classify_request(*route, *event.reply.code) == routing::IssuerVerdict::approved;
    c_.count("late_replies");
    c_.note(Severity::warning, NoteKind::late_reply, record, "R51",
            "the issuer answered " + event.reply.code->str() + " after the time-out");
    if (!late_approval) return;
    note_rule(record, "R51", c_.now.utc);
    if (event.reply.authorization && record.issuer_authorization.empty())
        record.issuer_authorization = *event.reply.authorization;
    const bool found_nothing_before = record.state == State::reversed && record.advice.not_found_once &&
                                      (record.advice.last_code == "25" || record.advice.last_code == "76");
    if (!found_nothing_before) {
        c_.ledger.save(record);
        if (record.state == State::reversed)
            c_.open_exception(record.rrn, "late_approval", "R51",
                              "the issuer approved after it had confirmed the reversal", true);
        return;
    }
    // R51a: the issuer had not known it and has it now: a new 0420.
    bool may_count_again = record.kind == TransactionKind::sale;
    std::optional<TransactionRecord> sale;
    if (record.original) sale = c_.ledger.find(*record.original);
    if (record.kind == TransactionKind::refund && sale &&
        sale->remaining_minor() >= record.amount.minor_units() && ledger::may_begin_again(record)) {
        const auto before = record.last_refund;
        const auto newest = sale->last_refund;
        c_.ledger.reserve(*sale, record, c_.business_day);
        record.last_refund = before;  // it stands in the chain already
        sale->last_refund = newest;
        c_.ledger.save(*sale);
        may_count_again = true;
    }
    if (record.kind == TransactionKind::void_sale && sale && sale->state == State::approved &&
        sale->refunds_count == 0) {
        move(*sale, State::voiding, "R51a", c_.now.utc);
        c_.ledger.save(*sale);
        may_count_again = true;
    }
    if (may_count_again) {
        reverse(record, "R51a", false);
        return;
    }
    queue_.prepare_reversal(record, false);
    c_.ledger.save(record);
    queue_.enqueue(record);
    c_.open_exception(record.rrn, "late_approval_amount_used", "R51a",
                      "the issuer approved late what had been released, and the amount was used meanwhile",
                      true);
}

void TransactionFlow::on_reply_deadline(const iso8583::Rrn& rrn) {
    auto record = c_.ledger.find(rrn);
    if (!record || !c_.pending.contains(rrn)) return;
    in_doubt(*record, "R50", Refusal::issuer_silent);
    finish(rrn, *record);
}

void TransactionFlow::on_link_down(routing::RouteId route, LinkId link) {
    std::vector<iso8583::Rrn> lost;
    for (const auto& [rrn, pending] : c_.pending)
        if (pending.route == route && pending.link == link) lost.push_back(rrn);
    for (const iso8583::Rrn& rrn : lost) {
        auto record = c_.ledger.find(rrn);
        if (!record) continue;
        in_doubt(*record, "R53", Refusal::issuer_silent);
        finish(rrn, *record);
    }
}

void TransactionFlow::on_terminal_link_closed(LinkId link) {
    const auto gone = [&](const Asker& asker) { return asker.to.link == link; };
    for (auto& [rrn, pending] : c_.pending) std::erase_if(pending.askers, gone);
    for (auto& [ticket, waiting] : translating_) std::erase_if(waiting.askers, gone);
}

void TransactionFlow::on_reversed(TransactionRecord& record, std::string_view rule) {
    if (record.state == State::advice_pending) {  // a void that went as the reversal of its sale
        move(record, State::voided, "R3", c_.now.utc);
        c_.ledger.save(record);
        return;
    }
    if (record.state == State::reversed) {  // R51a: the second 0420 of what was reversed already
        note_rule(record, rule, c_.now.utc);
        c_.ledger.save(record);
        return;
    }
    move(record, State::reversed, rule, c_.now.utc);
    c_.note(Severity::info, NoteKind::reversal_final, record, rule, "reversed");
    if (record.kind == TransactionKind::sale) {
        if (!record.postings.empty() && record.postings.back().credit == ledger::Account::merchant_payable)
            c_.ledger.unpost_sale(record, c_.business_day);
        c_.ledger.save(record);
        return;
    }
    auto sale = c_.ledger.find(*record.original);
    ENSURE(sale.has_value());
    if (record.kind == TransactionKind::refund) {
        c_.ledger.release(*sale, record, c_.business_day);
        c_.ledger.save(*sale);
        c_.ledger.save(record);
        return;
    }
    // A void: its sale stands again; it was taken off the books only if the void had been approved.
    const bool was_off_the_books = sale->state == State::void_reversing;
    move(*sale, State::approved, was_off_the_books ? "R32" : "R50", c_.now.utc);
    sale->voided_by.reset();
    if (was_off_the_books) c_.ledger.post_sale(*sale, c_.business_day);
    const bool reverse_now = sale->reverse_if_void_fails;
    sale->reverse_if_void_fails = false;
    c_.ledger.save(*sale);
    c_.ledger.save(record);
    if (reverse_now) {
        c_.add_to_batch(*sale, -1);
        reverse(*sale, "R34", true);
    }
}

void TransactionFlow::on_reversal_stuck(TransactionRecord& record, std::string_view rule) {
    const std::string code = record.advice.last_code;
    if (record.kind == TransactionKind::void_sale && record.state == State::reversing) {
        // R32: the void stands after all.
        move(record, State::voided, "R32", c_.now.utc);
        if (auto sale = c_.ledger.find(*record.original); sale && sale->state == State::void_reversing) {
            move(*sale, State::voided, "R32", c_.now.utc);
            c_.ledger.save(*sale);
        }
    } else if (record.state == State::reversed) {
        note_rule(record, rule, c_.now.utc);
    } else {
        move(record, State::reversal_stuck, rule, c_.now.utc);
    }
    c_.ledger.save(record);
    c_.open_exception(record.rrn, "reversal_stuck", std::string(rule),
                      "the issuer refuses the reversal finally with " + code + "; its books and ours differ",
                      true);
}

// ---- 5. The answer
// ------------------------------------------------------------------------------------------------

/// The one answer, once to every connection that asked (R22); an original that was reversed meanwhile gets
/// none (R34).
void TransactionFlow::finish(const iso8583::Rrn& rrn, const TransactionRecord& record) {
    const auto at = c_.pending.find(rrn);
    if (at == c_.pending.end()) return;
    const PendingTransaction pending = std::move(at->second);
    c_.pending.erase(at);
    if (auto flight = c_.requests_in_flight.find(pending.route);
        flight != c_.requests_in_flight.end() && flight->second > 0)
        --flight->second;
    for (int message_class : {1, 2})
        c_.awaited.erase({pending.route, message_class, record.issuer_stan, record.issuer_transmission_time});
    c_.deadlines.cancel({DeadlineId::Kind::request_reply, rrn, 0});
    if (record.reversal_digest != 0 && record.state != State::approved && record.state != State::voided)
        return;
    for (const Asker& asker : pending.askers) answer(c_, asker, stored_content(record));
}

// ---- After a crash, after a checker
// -------------------------------------------------------------------------------

void TransactionFlow::recover(TransactionRecord& record) {
    switch (record.state) {
        case State::intent:
        case State::sent:
        case State::reverse_on_answer:
            in_doubt(record, "R57", Refusal::issuer_silent);
            return;
        case State::in_doubt:
            reverse(record, "R57", false);
            return;
        case State::held:
            c_.held.insert(record.rrn);
            return;
        case State::cleared:
            release_cleared(record);
            return;
        case State::reversing:
        case State::advice_pending:
        case State::reversed:
            if (record.advice.status == ledger::QueuedAdvice::Status::in_flight) {
                record.advice.status = ledger::QueuedAdvice::Status::waiting;
                record.advice.next_attempt = c_.now.utc;
                c_.ledger.save(record);
            }
            if (record.advice.status == ledger::QueuedAdvice::Status::waiting) queue_.enqueue(record);
            return;
        case State::approved:
        case State::declined:
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::tombstone:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
            return;
    }
    ENSURE(false);
}

void TransactionFlow::release_cleared(TransactionRecord& refund) {
    const auto* route = c_.config->routes.for_original(routing::RouteId{refund.route});
    auto sale = c_.ledger.find(*refund.original);
    if (!sale) return;
    if (route ==
        nullptr) {  // a reload may bring it back; till then its approval's exception says why it waits
        cleared_.insert(refund.rrn);
        return;
    }
    refund.route = route->id.value;
    if (route->refund_mode == routing::RefundMode::advice) {
        move(refund, State::advice_pending, "R17", c_.now.utc);
        queue_.prepare_refund(refund);
        c_.ledger.save(refund);
        queue_.enqueue(refund);
        return;
    }
    if (!c_.link_for(route->id) || c_.reversals_in_chain.contains(sale->rrn)) {
        cleared_.insert(refund.rrn);
        return;
    }
    cleared_.erase(refund.rrn);
    send_request(refund, sale, nullptr, {}, {});
    c_.ledger.save(refund);
}

void TransactionFlow::retry_cleared(routing::RouteId route) {
    const std::vector<iso8583::Rrn> waiting(cleared_.begin(), cleared_.end());
    for (const iso8583::Rrn& rrn : waiting) {
        auto refund = c_.ledger.find(rrn);
        if (!refund || refund->state != State::cleared)
            cleared_.erase(rrn);
        else if (routing::RouteId{refund->route} == route)
            release_cleared(*refund);
    }
}

}  // namespace acquirer
