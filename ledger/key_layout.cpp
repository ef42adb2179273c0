#include "ledger/key_layout.hpp"

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "iso8583/values/joined_text.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

std::string key(KeyPrefix prefix, std::string_view a, std::string_view b = {}, std::string_view c = {},
                std::string_view d = {}) {
    const char letter = static_cast<char>(prefix);
    return iso8583::joined({{&letter, 1}, a, b, c, d});
}

std::string big_endian(std::uint64_t v, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>((v >> (8 * i)) & 0xFF));
    return out;
}

KeyRange range_of(const std::string& prefix) {
    KeyRange range{prefix, prefix};
    while (!range.to.empty() && static_cast<unsigned char>(range.to.back()) == 0xFF) range.to.pop_back();
    if (!range.to.empty())
        range.to.back() = static_cast<char>(static_cast<unsigned char>(range.to.back()) + 1);
    return range;
}

// Bytes on disk: do not change.
constexpr std::string_view policy_version_letter = "v";
constexpr std::string_view policy_proposal_letter = "p";

std::string letter(OverrideKind kind) { return {static_cast<char>(kind)}; }
std::string letter(ZoneKeyKind kind) { return {static_cast<char>(kind)}; }

constexpr std::string_view no_transaction = "000000000000";

}  // namespace

std::string transaction_key(const iso8583::Rrn& rrn) { return key(KeyPrefix::transaction, rrn.view()); }
std::string open_work_key(const iso8583::Rrn& rrn) { return key(KeyPrefix::open_work, rrn.view()); }
std::string turn_record_key(std::uint64_t turn) { return key(KeyPrefix::turn, big_endian(turn, 8)); }
std::string vault_record_key() { return key(KeyPrefix::vault_keys, ""); }
std::string checkpoint_key() { return key(KeyPrefix::checkpoint, ""); }
std::string exception_id(const iso8583::Rrn& rrn, std::uint32_t sequence) {
    return std::string(rrn.empty() ? no_transaction : rrn.view()) + "-" + iso8583::zero_padded(sequence, 8);
}
std::string exception_key(std::string_view id) {
    std::string digits(id);
    std::erase(digits, '-');
    return key(KeyPrefix::exception, digits);
}
std::string business_day_key(iso8583::BusinessDate day) {
    return key(KeyPrefix::business_day, day.date.yyyymmdd());
}
std::string day_sums_key(iso8583::BusinessDate day, std::uint32_t part) {
    return key(KeyPrefix::day_sums, day.date.yyyymmdd(), big_endian(part, 4));
}

std::string trace_slot_key(const iso8583::MerchantId& merchant, const iso8583::TerminalId& terminal,
                           std::optional<iso8583::BatchNumber> batch, iso8583::Stan stan) {
    return key(KeyPrefix::trace_slot, merchant.view(), terminal.view(), batch ? batch->str() : "------",
               stan.str());
}
std::string reference_key(const iso8583::MerchantId& merchant, std::string_view reference) {
    return key(KeyPrefix::reference, merchant.view(), reference);
}
std::string order_number_key(const iso8583::MerchantId& merchant, std::string_view order_number) {
    return key(KeyPrefix::order_number, merchant.view(), order_number);
}
std::string merchant_of_shard_key(const iso8583::MerchantId& merchant) {
    return key(KeyPrefix::merchant_of_shard, merchant.view());
}
std::string terminal_key(const iso8583::TerminalId& terminal) {
    return key(KeyPrefix::terminal, terminal.view());
}
std::string override_key(OverrideKind kind, std::string_view id) {
    return key(KeyPrefix::operators_override, letter(kind), id);
}
Result<OverrideKey> parse_override_key(std::string_view key) {
    constexpr std::size_t letters = 2;
    if (key.size() < letters || key[0] != static_cast<char>(KeyPrefix::operators_override))
        return parse_error("no key of an override");
    const std::string_view id = key.substr(letters);
    for (const OverrideKind kind : {OverrideKind::merchant, OverrideKind::refunds_of_merchant,
                                    OverrideKind::terminal, OverrideKind::route})
        if (key[1] == static_cast<char>(kind)) return OverrideKey{kind, id};
    return parse_error("an override of no known kind");
}
std::string proposal_key(std::string_view id) { return key(KeyPrefix::proposal, id); }
std::string dispute_key(std::string_view id) { return key(KeyPrefix::dispute, id); }
std::string zone_key_key(ZoneKeyKind kind, std::string_view route) {
    return key(KeyPrefix::zone_key, letter(kind), route);
}

std::string file_key(std::string_view digest) { return key(KeyPrefix::file, digest); }
std::string file_piece_key(std::string_view digest, std::uint32_t piece) {
    return key(KeyPrefix::file_piece, digest, big_endian(piece, 4));
}
std::string refund_batch_key(std::string_view id) { return key(KeyPrefix::refund_batch, id); }
std::string refund_batch_line_key(std::string_view id, std::uint32_t line) {
    return key(KeyPrefix::refund_batch_line, id, big_endian(line, 4));
}
std::string refund_batch_reference_key(const iso8583::MerchantId& merchant, std::string_view reference) {
    return key(KeyPrefix::refund_batch_reference, merchant.view(), reference);
}

std::string restore_key(std::string_view id) { return key(KeyPrefix::restore, id); }
std::string policy_key(std::uint64_t sequence) {
    return key(KeyPrefix::policy, policy_version_letter, big_endian(sequence, 8));
}
std::string proposed_policy_key(std::string_view proposal) {
    return key(KeyPrefix::policy, policy_proposal_letter, proposal);
}
KeyRange policy_versions() { return range_of(key(KeyPrefix::policy, policy_version_letter)); }

KeyRange all_keys(KeyPrefix prefix) { return range_of(key(prefix, "")); }
KeyRange transactions_of_day(iso8583::Date day) {
    return range_of(key(KeyPrefix::transaction, rrn_day_prefix(day)));
}
KeyRange sums_of_day(iso8583::BusinessDate day) {
    return range_of(key(KeyPrefix::day_sums, day.date.yyyymmdd()));
}
KeyRange refund_batch_lines(std::string_view id, std::uint32_t from_line) {
    return {refund_batch_line_key(id, from_line), range_of(key(KeyPrefix::refund_batch_line, id)).to};
}
KeyRange exceptions_of(const iso8583::Rrn& rrn) { return range_of(key(KeyPrefix::exception, rrn.view())); }

std::string rrn_day_prefix(iso8583::Date day) {
    const int of_year = day.day_of_year();
    const auto digit = [](int v) { return static_cast<char>('0' + v % 10); };
    return {digit(day.year), digit(of_year / 100), digit(of_year / 10), digit(of_year)};
}

}  // namespace ledger
