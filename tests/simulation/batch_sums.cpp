#include "tests/simulation/batch_sums.hpp"

#include "tests/simulation/record_facts.hpp"

namespace simulation {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t sum_digits = 12, count_digits = 3;
constexpr std::int64_t sum_modulus = 1'000'000'000'000, count_modulus = 1'000;

std::string padded(std::int64_t n, std::size_t digits) {
    const std::string text = std::to_string(n);
    return std::string(digits - text.size(), '0') + text;
}

enum class Counts : std::uint8_t { no, yes, unclear };

Counts counts(const TransactionRecord& r) {
    // Holds and what is collected of them or of another message have stories of their own.
    if (r.kind == TransactionKind::authorization || r.of_authorization || r.is_completion() ||
        r.asked_by_0100)
        return Counts::unclear;
    if (people_decided(r) || !r.lowering.reversals.empty() || r.voided_by || r.turned_into_void)
        return Counts::unclear;
    switch (r.state) {
        case State::approved:
            return Counts::yes;
        case State::advice_pending:
            return r.kind == TransactionKind::refund ? Counts::yes : Counts::unclear;
        case State::declined:
        case State::refused:
        case State::tombstone:
            return Counts::no;
        case State::reversed:  // never approved, or taken out again
            return r.kind == TransactionKind::sale ? Counts::no : Counts::unclear;
        default:
            return Counts::unclear;
    }
}

}  // namespace

HalfOfBatch HalfOfBatch::parse(const std::string& text) {
    const auto number = [&text](std::size_t at, std::size_t size) {
        return std::stoll(text.substr(at, size));
    };
    constexpr std::size_t credit_at = sum_digits + count_digits;
    return {number(0, sum_digits), number(sum_digits, count_digits), number(credit_at, sum_digits),
            number(credit_at + sum_digits, count_digits)};
}

HalfOfBatch HalfOfBatch::lowest_digits() const {
    return {debit % sum_modulus, debits % count_modulus, credit % sum_modulus, credits % count_modulus};
}

std::string HalfOfBatch::str() const {
    const HalfOfBatch low = lowest_digits();
    return padded(low.debit, sum_digits) + padded(low.debits, count_digits) + padded(low.credit, sum_digits) +
           padded(low.credits, count_digits);
}

std::optional<SumsOfBatch> sums_of_batch(const Checkers& books,
                                         const std::vector<iso8583::Rrn>& transactions) {
    SumsOfBatch sums;
    for (const iso8583::Rrn& rrn : transactions) {
        const TransactionRecord* r = books.record(rrn);
        if (r == nullptr || r->from_operations || !r->checker.empty()) continue;
        const Counts c = counts(*r);
        if (c == Counts::unclear) return std::nullopt;
        if (c == Counts::no) continue;
        HalfOfBatch& half = r->issuer_terms && r->issuer_terms->foreign_half ? sums.foreign : sums.domestic;
        const bool debit = r->kind == TransactionKind::sale;
        (debit ? half.debit : half.credit) += r->amount.minor_units();
        ++(debit ? half.debits : half.credits);
    }
    return sums;
}

}  // namespace simulation
