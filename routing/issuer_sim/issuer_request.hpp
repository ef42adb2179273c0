// What the two halves of the issuer model share; nobody else includes it. issuer_model.cpp: messages, MACs,
// network management. issuer_transactions.cpp: what is booked.
#pragma once

#include "routing/issuer_sim/issuer_model.hpp"

namespace routing {

/// What every 01xx, 02xx and 04xx says of itself.
struct IssuerModel::Request {
    iso8583::Mti mti;
    RequestKey key;
    EffectKind kind = EffectKind::sale;
    std::int64_t amount = 0;
    std::uint16_t currency = 0;
    iso8583::TerminalId terminal;
    iso8583::MerchantId merchant;
    std::optional<std::array<char, 4>> pan_last4;
    std::string payment_code, order_number;  // DE48 of a wallet's; empty: none
    std::optional<RequestKey> original;      // DE90, with the request's own DE37
};

/// Digits of a field that decoded as numeric; 0 for none.
inline std::int64_t digits_value(std::string_view digits) {
    std::int64_t v = 0;
    for (char c : digits) v = v * 10 + (c - '0');
    return v;
}

}  // namespace routing
