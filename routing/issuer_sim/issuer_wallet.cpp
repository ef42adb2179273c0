#include "routing/issuer_sim/issuer_wallet.hpp"

#include <fmt/format.h>

#include "iso8583/values/bytes.hpp"

namespace routing {

std::string IssuerWallet::order_number(std::uint32_t n) { return fmt::format("ORD{:011}", n); }

std::optional<std::int32_t> IssuerWallet::sale_of(std::string_view order_number) const {
    const auto at = sales_.find(std::string(order_number));
    return at == sales_.end() ? std::nullopt : std::optional(at->second);
}

bool IssuerWallet::set_closed(const std::string& order_number, bool closed) {
    if (!sales_.contains(order_number)) return false;
    if (closed)
        closed_.insert(order_number);
    else
        closed_.erase(order_number);
    return true;
}

void IssuerWallet::paid(const iso8583::Rrn& refund, std::int32_t sale_entry) {
    paid_.insert(refund.str());
    ++parts_[sale_entry];
}

std::uint32_t IssuerWallet::parts_of(std::int32_t sale_entry) const {
    const auto at = parts_.find(sale_entry);
    return at == parts_.end() ? 0 : at->second;
}

namespace {

bool is_amount_type(const std::string& text) { return text.size() == 2 && iso8583::all_digits(text); }

}  // namespace

std::optional<std::string> check_wallet(const WalletTerms& terms) {
    if (terms.parts_max == 0 || terms.parts_max > wallet_parts_bound ||
        terms.processing_polls > processing_polls_bound)
        return "wallet: at least one part of a refund, and bounded numbers";
    const DiscountTerms& d = terms.discount;
    if (std::uint64_t{d.wallet_funded_percent} + d.merchant_funded_percent > discount_percent_bound)
        return "wallet: discounts are at most 100 percent together";
    if (!is_amount_type(terms.wallet_funded_type) || !is_amount_type(terms.merchant_funded_type) ||
        terms.wallet_funded_type == terms.merchant_funded_type)
        return "wallet: the amount types of discounts are two digits each, and not the same";
    return std::nullopt;
}

SaleDiscount discount_of(std::int64_t amount, const DiscountTerms& terms) {
    constexpr std::int64_t whole = 100;
    return {amount * terms.wallet_funded_percent / whole, amount * terms.merchant_funded_percent / whole};
}

std::string amounts_text(const SaleDiscount& discount, const WalletTerms& terms, std::uint16_t currency) {
    std::string text;
    const auto add = [&](const std::string& type, std::int64_t amount) {
        if (amount > 0) text += fmt::format("00{}{:03}C{:012}", type, currency, amount);
    };
    add(terms.wallet_funded_type, discount.wallet_funded);
    add(terms.merchant_funded_type, discount.merchant_funded);
    return text;
}

}  // namespace routing
