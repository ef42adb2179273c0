// IssuerWallet: what a wallet knows beside its books: payment codes that were used, order numbers of sales,
// accounts that were closed, refunds by their number. It says what a wallet answers;
// the books are issuer_books.hpp's. No I/O, no clock. One thread. Source: docs/refund_rules.md, R80–R83,
// R102; docs/instruments.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "iso8583/values/identifiers.hpp"
#include "routing/issuer_sim/issuer_books.hpp"

namespace routing {

enum class IssuerKind : std::uint8_t { card, wallet };

/// What of a sale its customer does not pay (R102), in percent of its amount, rounded down.
struct DiscountTerms {
    std::uint32_t wallet_funded_percent = 0;
    std::uint32_t merchant_funded_percent = 0;
    [[nodiscard]] bool any() const { return wallet_funded_percent + merchant_funded_percent > 0; }
};
/// Of the magic amount …9980 and of `next sale discount`.
inline constexpr DiscountTerms magic_discount{10, 20};
inline constexpr std::uint32_t discount_percent_bound = 100;  // both together

/// Of a wallet's sales and refunds.
struct WalletTerms {
    /// So often 09 is answered before a refund's 00: to its 0220, then to 0221s. 0: 00 at once.
    std::uint32_t processing_polls = 0;
    std::uint32_t parts_max = 50;  // refunds of one sale; 65 beyond
    DiscountTerms discount{};      // of every sale
    // Amount types in DE54 of a sale's answer.
    std::string wallet_funded_type = "80", merchant_funded_type = "81";
};
/// Nothing, or what is wrong with them.
std::optional<std::string> check_wallet(const WalletTerms& terms);
/// What is given of a sale of that amount.
SaleDiscount discount_of(std::int64_t amount, const DiscountTerms& terms);
/// DE54 of a sale's answer: a group of 20 for each part that is not zero.
std::string amounts_text(const SaleDiscount& discount, const WalletTerms& terms, std::uint16_t currency);
inline constexpr std::uint32_t processing_polls_bound = 1'000'000;
inline constexpr std::uint32_t wallet_parts_bound = 1'000'000;

class IssuerWallet {
  public:
    static constexpr std::string_view code_tag = "A3";
    static constexpr std::string_view order_tag = "A4";

    /// True the first time.
    bool use_code(std::string_view code) { return used_.insert(std::hash<std::string_view>{}(code)).second; }

    /// "ORD00000000017". Letters first, so that it never looks like a card's number.
    static std::string order_number(std::uint32_t n);
    /// `entry`: the sale's place in the books.
    void remember_sale(const std::string& order_number, std::int32_t entry) { sales_[order_number] = entry; }
    /// Nothing when no sale has that number.
    [[nodiscard]] std::optional<std::int32_t> sale_of(std::string_view order_number) const;

    /// The customer's account of that order: nothing can be paid into a closed one (54).
    bool set_closed(const std::string& order_number, bool closed);
    [[nodiscard]] bool is_closed(std::string_view order_number) const {
        return closed_.contains(std::string(order_number));
    }

    /// A refund's number (DE37) is booked once, whatever DE11 and DE7 it comes with.
    [[nodiscard]] bool has_paid(const iso8583::Rrn& refund) const { return paid_.contains(refund.str()); }
    void paid(const iso8583::Rrn& refund, std::int32_t sale_entry);
    /// Refunds of a sale that were paid.
    [[nodiscard]] std::uint32_t parts_of(std::int32_t sale_entry) const;

  private:
    std::unordered_set<std::size_t> used_;
    std::unordered_map<std::string, std::int32_t> sales_;  // by order number
    std::unordered_set<std::string> closed_;               // order numbers
    std::unordered_set<std::string> paid_;                 // DE37 of refunds
    std::unordered_map<std::int32_t, std::uint32_t> parts_;
};

}  // namespace routing
