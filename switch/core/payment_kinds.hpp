// Payment kinds: what the kinds of payment means are called, a row each, and what of a record's means people
// may see. Pure, without the vault, so that operators' reads (switch/views, refundctl) need no keys. What a
// kind does is payment_means.hpp. Source: docs/refund_rules.md, "Instruments".
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "iso8583/field.hpp"
#include "ledger/transaction_record.hpp"

namespace acquirer {

struct PaymentKind {
    ledger::Instrument instrument;
    std::string_view name;  // in totals: "card"
    std::string_view noun;  // in sentences, and the member of a view: "card"
    iso8583::Field field;   // of the request that named it, as `show --messages` prints it
};

// clang-format off: a table
inline constexpr std::array payment_kinds = {
    PaymentKind{ledger::Instrument::card, "card", "card", iso8583::Field::pan},
};
// clang-format on
/// Of a record that a newer program wrote: nothing of it can be shown.
inline constexpr PaymentKind unknown_payment_kind{ledger::Instrument::card, "?", "means", {}};

constexpr const PaymentKind& payment_kind(ledger::Instrument instrument) {
    for (const PaymentKind& kind : payment_kinds)
        if (kind.instrument == instrument) return kind;
    return unknown_payment_kind;
}

/// "621234******0001"; empty when the record names no means (a tombstone may not).
inline std::string_view masked_means(const ledger::TransactionRecord& record) { return record.pan_masked; }

/// "card 621234******0001", for sentences; empty when the record names none.
inline std::string means_words(const ledger::TransactionRecord& record) {
    if (record.pan_masked.empty()) return {};
    return std::string(payment_kind(record.instrument).noun) + " " + record.pan_masked;
}

/// Does what people see of it end so? For `find --pan-last4`; stars are no digits, so nothing else fits.
inline bool means_ends_with(const ledger::TransactionRecord& record, std::string_view last_digits) {
    return masked_means(record).ends_with(last_digits);
}

}  // namespace acquirer
