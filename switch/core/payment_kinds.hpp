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
    iso8583::Field field;   // of the request that named it, as `show --messages` prints it; none: a secret
    /// The issuer's answer to a sale names it by a number of its own, on the slip and in refunds (R83).
    bool has_order_number = false;
};

// clang-format off: a table
inline constexpr std::array payment_kinds = {
    PaymentKind{ledger::Instrument::card, "card", "card", iso8583::Field::pan},
    PaymentKind{ledger::Instrument::unionpay_qr, "unionpay_qr", "wallet", {}, true},
    PaymentKind{ledger::Instrument::alipay, "alipay", "wallet", {}, true},
    PaymentKind{ledger::Instrument::wechat, "wechat", "wallet", {}, true},
    PaymentKind{
        ledger::Instrument::other_wallet, "other_wallet", "wallet", {}, true},  // has a name of its own
};
// clang-format on
/// Of a record that a newer program wrote: nothing of it can be shown.
inline constexpr PaymentKind unknown_payment_kind{ledger::Instrument::card, "?", "means", {}};

constexpr const PaymentKind& payment_kind(ledger::Instrument instrument) {
    for (const PaymentKind& kind : payment_kinds)
        if (kind.instrument == instrument) return kind;
    return unknown_payment_kind;
}

/// What a wallet of that name is stored as.
constexpr ledger::Instrument instrument_of_wallet(std::string_view wallet) {
    for (const PaymentKind& kind : payment_kinds)
        if (kind.has_order_number && kind.name == wallet) return kind.instrument;
    return ledger::Instrument::other_wallet;
}

/// "card", "wechat": in totals, and as people filter by it.
inline std::string_view instrument_name(const ledger::TransactionRecord& record) {
    return record.wallet.name.empty() ? payment_kind(record.instrument).name : record.wallet.name;
}

/// "621234******0001", "wechat"; empty when the record names no means (a tombstone may not).
inline std::string_view masked_means(const ledger::TransactionRecord& record) {
    return record.wallet.name.empty() ? std::string_view(record.pan_masked) : record.wallet.name;
}

/// "card 621234******0001", for sentences; empty when the record names none.
inline std::string means_words(const ledger::TransactionRecord& record) {
    const std::string_view means = masked_means(record);
    if (means.empty()) return {};
    return std::string(payment_kind(record.instrument).noun) + " " + std::string(means);
}

/// Does what people see of it end so? For `find --pan-last4`; stars are no digits, so nothing else fits.
inline bool means_ends_with(const ledger::TransactionRecord& record, std::string_view last_digits) {
    return std::string_view(record.pan_masked).ends_with(last_digits);
}

}  // namespace acquirer
