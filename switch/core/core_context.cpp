#include "switch/core/core_context.hpp"

#include <algorithm>

#include "iso8583/values/joined_text.hpp"

namespace acquirer {

ledger::Ledger::IssuerNumbers CoreContext::next_issuer_numbers(routing::RouteId id) {
    for (;;) {
        const auto numbers = ledger.next_issuer_numbers(now);
        if (!in_flight.uses(id, numbers)) return numbers;
    }
}

void CoreContext::count_answer(RequestKind kind, const iso8583::ResponseCode& code) {
    std::uint64_t*& counter = of_answers_[{kind, code}];
    if (counter == nullptr)
        counter = &counter_of(iso8583::joined({"answered.", name(kind), ".", code.view()}));
    ++*counter;
}

void CoreContext::note(Severity severity, NoteKind kind, const ledger::TransactionRecord& record,
                       std::string_view rule, std::string detail) {
    Note n;
    n.severity = severity;
    n.kind = kind;
    n.rrn = record.rrn.str();
    n.terminal = record.terminal.str();
    n.merchant = record.merchant.str();
    if (const auto* r = route(record.route)) n.route = r->name;
    n.rule = rule;
    if (record.answer) n.code = record.answer->code.str();
    n.detail = std::move(detail);
    note(std::move(n));
}

ledger::ExceptionRecord CoreContext::open_exception(const std::optional<iso8583::Rrn>& rrn, std::string kind,
                                                    std::string rule, std::string text,
                                                    ledger::Urgency urgency) {
    return open_exception(
        {rrn, {}, std::move(kind), std::move(rule), std::move(text), urgency == ledger::Urgency::alarm});
}

ledger::ExceptionRecord CoreContext::open_exception_of_route(routing::RouteId id, std::string kind,
                                                             std::string rule, std::string text,
                                                             ledger::Urgency urgency) {
    const auto* r = config->routes.find(id);
    return open_exception({std::nullopt, r != nullptr ? r->name : std::to_string(id.value), std::move(kind),
                           std::move(rule), std::move(text), urgency == ledger::Urgency::alarm});
}

/// In the log once: what happens again while it is open is counted in it.
ledger::ExceptionRecord CoreContext::open_exception(ledger::Ledger::WhatHappened what) {
    count("exceptions." + what.kind);
    Note n;
    n.severity = what.alarm ? Severity::alarm : Severity::warning;
    n.kind = NoteKind::exception_opened;
    if (what.rrn) n.rrn = what.rrn->str();
    if (config->routes.find(std::string_view(what.subject)) != nullptr) n.route = what.subject;
    n.rule = what.rule;
    n.detail = what.kind + ": " + what.text;
    ledger::ExceptionRecord x = ledger.open_exception(std::move(what), now.utc);
    if (x.repeats == 0) note(std::move(n));
    return x;
}

void CoreContext::end_exceptions(const iso8583::Rrn& rrn, const std::string& resolution,
                                 const std::string& by) {
    for (const std::string_view kind :
         {"advice_parked", "advice_stale", "refund_processing_too_long", "refund_abnormal",
          "settled_but_refused", "reversal_stuck", "not_collected"})
        ledger.resolve_exception(rrn, kind, resolution, by);
}

namespace {
constexpr std::int64_t day_ms = 86'400'000;
}

void CoreContext::hold_case(const ledger::TransactionRecord& refund) {
    held.insert(refund.rrn);
    // Half of its time, then the reminder, then the end: whoever is told looks at which it is.
    const std::int64_t half_ms = std::int64_t{config->limits.case_expires_days} * day_ms / 2;
    const std::int64_t age_ms = std::clamp<std::int64_t>(now.utc.ms - refund.created.ms, 0, 2 * half_ms);
    const std::int64_t wait = age_ms < half_ms ? half_ms - age_ms : 2 * half_ms - age_ms;
    set_deadline({DeadlineId::Kind::case_expiry, refund.rrn, 0}, wait);
}

void CoreContext::end_case(const iso8583::Rrn& refund) {
    held.erase(refund);
    deadlines.cancel({DeadlineId::Kind::case_expiry, refund, 0});
}

void CoreContext::add_to_batch(const ledger::TransactionRecord& record, int sign) {
    // Ruling 34: authorizations and their voids stand in neither total.
    const bool holds_alone = record.kind == ledger::TransactionKind::authorization || record.of_authorization;
    if (!belongs_to_a_batch(record) || holds_alone) return;
    const bool debit = record.kind == ledger::TransactionKind::sale;
    const routing::Route* of = route(record.route);
    const bool foreign = record.issuer_terms
                             ? record.issuer_terms->foreign_half
                             : of != nullptr && of->settlement_half == routing::SettlementHalf::foreign;
    const std::string sum = debit ? ledger::batch_debit_name(record.terminal, record.batch, foreign)
                                  : ledger::batch_credit_name(record.terminal, record.batch, foreign);
    ledger.totals().add(sum, sign, sign * record.amount.minor_units());
}

bool CoreContext::is_settled(const ledger::TransactionRecord& record) {
    const auto terminal = ledger.terminal(record.terminal);
    return terminal && terminal->batch != record.batch;
}

std::uint32_t jitter_hash(const iso8583::Rrn& rrn, std::uint32_t attempt) {
    std::uint32_t h = 2166136261U;
    for (char c : rrn.view()) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
    return (h ^ attempt) * 16777619U;
}

}  // namespace acquirer
