#include "switch/core/core_context.hpp"

namespace acquirer {

ledger::Ledger::IssuerNumbers CoreContext::next_issuer_numbers(routing::RouteId id) {
    for (;;) {
        const auto numbers = ledger.next_issuer_numbers(now);
        if (!in_flight.uses(id, numbers)) return numbers;
    }
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
                                                    std::string rule, std::string text, bool alarm) {
    Note n;
    n.severity = alarm ? Severity::alarm : Severity::warning;
    n.kind = NoteKind::exception_opened;
    if (rrn) n.rrn = rrn->str();
    n.rule = rule;
    n.detail = kind + ": " + text;
    note(std::move(n));
    count("exceptions." + kind);
    return ledger.open_exception(rrn, std::move(kind), std::move(rule), std::move(text), alarm, now.utc);
}

void CoreContext::add_to_batch(const ledger::TransactionRecord& record, int sign) {
    if (!belongs_to_a_batch(record)) return;
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
