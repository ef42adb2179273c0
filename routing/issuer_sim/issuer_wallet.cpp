#include "routing/issuer_sim/issuer_wallet.hpp"

#include <fmt/format.h>

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

}  // namespace routing
