#include "switch/core/core_context.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

RouteMode CoreContext::mode(routing::RouteId id) const {
    const auto at = route_modes.find(id);
    return at == route_modes.end() ? RouteMode::up : at->second;
}

routing::RouteHealth CoreContext::health(routing::RouteId id) const {
    if (mode(id) == RouteMode::drain) return routing::RouteHealth::draining;
    return link_for(id) ? routing::RouteHealth::up : routing::RouteHealth::down;
}

std::optional<LinkId> CoreContext::link_for(routing::RouteId id, std::optional<LinkId> preferred) const {
    if (mode(id) == RouteMode::down) return std::nullopt;
    const auto at = links.find(id);
    if (at == links.end() || at->second.empty()) return std::nullopt;
    if (preferred && std::find(at->second.begin(), at->second.end(), *preferred) != at->second.end())
        return preferred;
    // Connections of a route share the load evenly by the order of their numbers.
    const auto flight = requests_in_flight.find(id);
    const std::size_t turn = flight == requests_in_flight.end() ? 0 : flight->second;
    return at->second[turn % at->second.size()];
}

std::string CoreContext::seal_card(const Card& card, const iso8583::Rrn& rrn) const {
    std::string text(card.pan.reveal());
    text += '|';
    text += card.expiry;
    std::string sealed = vault.seal(text, rrn.view());
    iso8583::zeroise(text.data(), text.size());
    return sealed;
}

Card CoreContext::open_card(const ledger::TransactionRecord& record) const {
    auto opened = vault.open(record.sealed_card, record.rrn.view());
    ENSURE(opened.has_value());
    std::string& text = *opened;
    const std::size_t bar = text.find('|');
    ENSURE(bar != std::string::npos);
    const auto pan = iso8583::Pan::parse(std::string_view(text).substr(0, bar));
    ENSURE(pan.has_value());
    Card card{*pan, text.substr(bar + 1)};
    iso8583::zeroise(text.data(), text.size());
    return card;
}

ledger::Ledger::IssuerNumbers CoreContext::next_issuer_numbers(routing::RouteId id) {
    for (;;) {
        const auto numbers = ledger.next_issuer_numbers(now);
        bool in_use = false;
        for (int message_class : {2, 4, 8})
            in_use = in_use || awaited.contains({id, message_class, numbers.stan.value(),
                                                 numbers.transmission_time.value()});
        if (!in_use) return numbers;
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
    // Refunds released from a case or opened by operations belong to no terminal's batch.
    if (record.from_operations || !record.checker.empty()) return;
    const bool debit = record.kind == ledger::TransactionKind::sale;
    const std::string sum = debit ? ledger::batch_debit_name(record.terminal, record.batch)
                                  : ledger::batch_credit_name(record.terminal, record.batch);
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
