// PaymentMeans: what was paid with, fixed by what the terminal read. Everything that depends on its kind is
// asked here: the token, the seal, the route of a sale, the comparison of a refund with its sale, the fields
// of an issuer's message, what people may see. Its kinds are the card and the wallet, which is any of those
// that the configuration names by the digits of their payment codes.
//
// A further kind is a class with what MeansKind asks for, an alternative of PaymentMeans::Given, a row in
// payment_means.cpp (`doors`) and a row in payment_kinds.hpp; the flows, checks, messages and views stay as
// they are.
//
// Ownership: a value; digits are zeroised when it dies. Thread: any. Errors: what the terminal sent is a
// fault that names the field and never its content; a seal that does not open is corruption that the record's
// checksum has not seen, and ends the process. Source: docs/refund_rules.md, "Instruments", rules 1, 2 and
// R15; docs/wire.md, "Fields of a request".
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <variant>

#include "iso8583/field_values.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/transaction_record.hpp"
#include "routing/route_table.hpp"
#include "switch/core/configuration.hpp"

namespace ledger {
class PanVault;
}

namespace acquirer {

class RouteLinks;

/// What tells one means from another, and never which it is: kept in every record, compared with the sale's
/// (R15), part of a request's digest (R21).
struct MeansIdentity {
    ledger::Instrument instrument = ledger::Instrument::card;
    iso8583::PanToken token;
    ledger::WalletOf wallet;

    static MeansIdentity of(const ledger::TransactionRecord& record) {
        return {record.instrument, record.pan_token, record.wallet};
    }
    void keep_in(ledger::TransactionRecord& record) const {
        record.instrument = instrument;
        record.pan_token = token;
        record.wallet = wallet;
    }
    friend bool operator==(const MeansIdentity&, const MeansIdentity&) = default;
};

/// How a terminal's request is written, for whoever reads a means out of it.
struct RequestWire {
    Profile profile = Profile::unionpay_pos;
    const WalletWire& wallets;
};

/// What every kind answers.
template <typename T>
concept MeansKind = requires(const T& means, const iso8583::FieldValues& request, const RequestWire& wire,
                             std::string_view text, const MeansIdentity& sale, ledger::Instrument instrument,
                             const ledger::TransactionRecord& record, const ledger::PanVault& vault,
                             const routing::RouteTable& routes, const RouteLinks& links,
                             const WalletWire& wallets, iso8583::FieldValues& message,
                             ledger::TransactionKind transaction) {
    { T::is_of(instrument) } -> std::same_as<bool>;
    { T::is_named_in(request) } -> std::same_as<bool>;
    { T::read(request, wire) } -> std::same_as<iso8583::Result<T, std::string>>;
    { T::of(record, text) } -> std::same_as<T>;
    { T::is_kept_whole } -> std::convertible_to<bool>;
    { means.text_to_seal() } -> std::same_as<std::string>;
    { means.identity(vault, routes) } -> std::same_as<MeansIdentity>;
    { means.is_known(routes) } -> std::same_as<bool>;
    { means.fits(sale, sale, routes) } -> std::same_as<bool>;
    { means.masked() } -> std::same_as<std::string>;
    { means.pin_account() } -> std::same_as<iso8583::Pan>;
    { means.choose_route(routes, links) } -> std::same_as<routing::RouteTable::Choice>;
    { means.put_into(message, wallets) } -> std::same_as<void>;
    { means.pass_on(request, transaction, message) } -> std::same_as<void>;
};

/// A card: the PAN of DE2, else of track 2 (DE35); the expiry of DE14, else of track 2.
class CardMeans {
  public:
    static constexpr bool is_of(ledger::Instrument instrument) {
        return instrument == ledger::Instrument::card;
    }
    static bool is_named_in(const iso8583::FieldValues& request);
    /// DE2 and DE35 that name different cards are a fault.
    static iso8583::Result<CardMeans, std::string> read(const iso8583::FieldValues& request,
                                                        const RequestWire& wire);
    static CardMeans of(const ledger::TransactionRecord& record, std::string_view unsealed);

    /// The seal has all of it: what was read and what is kept name the same.
    static constexpr bool is_kept_whole = true;

    /// PAN and expiry; the caller zeroises it.
    [[nodiscard]] std::string text_to_seal() const;
    [[nodiscard]] MeansIdentity identity(const ledger::PanVault& vault,
                                         const routing::RouteTable& routes) const;
    [[nodiscard]] static bool is_known(const routing::RouteTable&) { return true; }
    /// The same card.
    [[nodiscard]] static bool fits(const MeansIdentity& own, const MeansIdentity& sale,
                                   const routing::RouteTable&) {
        return own == sale;
    }
    [[nodiscard]] std::string masked() const { return pan_.masked(); }
    [[nodiscard]] iso8583::Pan pin_account() const { return pan_; }
    /// By the IIN.
    [[nodiscard]] routing::RouteTable::Choice choose_route(const routing::RouteTable& routes,
                                                           const RouteLinks& links) const;
    /// DE2 and DE14.
    void put_into(iso8583::FieldValues& message, const WalletWire& wallets) const;
    /// DE23 and DE55; DE35 of a sale.
    void pass_on(const iso8583::FieldValues& request, ledger::TransactionKind transaction,
                 iso8583::FieldValues& message) const;

  private:
    static constexpr std::size_t expiry_digits = 4;  // YYMM

    [[nodiscard]] std::string_view expiry() const { return {expiry_.data(), expiry_size_}; }
    /// Takes it when it is one.
    void set_expiry(std::string_view text);

    iso8583::Pan pan_;
    std::array<char, expiry_digits> expiry_{};
    std::uint8_t expiry_size_ = 0;  // 0 when nothing said it
};

/// A wallet: the payment code that the customer showed, which is used once, and the order number that the
/// wallet gave its sale. DE22 03x says so (R80–R83). A request for a sale has the code, one about a sale may
/// have either or none. The code is zeroised with the value and kept nowhere.
class WalletMeans {
  public:
    static constexpr bool is_of(ledger::Instrument instrument) {
        return instrument != ledger::Instrument::card;
    }
    /// DE22 03x, without a card: a request that names both is about the card.
    static bool is_named_in(const iso8583::FieldValues& request);
    static iso8583::Result<WalletMeans, std::string> read(const iso8583::FieldValues& request,
                                                          const RequestWire& wire);
    static WalletMeans of(const ledger::TransactionRecord& record, std::string_view unsealed);

    /// A payment code is kept nowhere, and an order number is known by the sale alone.
    static constexpr bool is_kept_whole = false;

    WalletMeans() = default;
    WalletMeans(const WalletMeans&) = default;
    WalletMeans(WalletMeans&&) = default;
    WalletMeans& operator=(const WalletMeans&) = default;
    WalletMeans& operator=(WalletMeans&&) = default;
    ~WalletMeans();

    [[nodiscard]] bool has_code() const { return code_size_ != 0; }
    [[nodiscard]] const std::string& order_number() const { return order_number_; }

    [[nodiscard]] static std::string text_to_seal() { return {}; }
    /// The token is a keyed hash of code and order number (ruling 9).
    [[nodiscard]] MeansIdentity identity(const ledger::PanVault& vault,
                                         const routing::RouteTable& routes) const;
    /// The code, when it has one, is of some wallet.
    [[nodiscard]] bool is_known(const routing::RouteTable& routes) const;
    /// A sale of a wallet, of the code's when there is one: the next code of the same customer is another
    /// one.
    [[nodiscard]] bool fits(const MeansIdentity& own, const MeansIdentity& sale,
                            const routing::RouteTable& routes) const;
    [[nodiscard]] static std::string masked() { return {}; }
    [[nodiscard]] static iso8583::Pan pin_account() { return {}; }
    [[nodiscard]] routing::RouteTable::Choice choose_route(const routing::RouteTable& routes,
                                                           const RouteLinks& links) const;
    /// DE48: the code of a sale, the order number of what is about one.
    void put_into(iso8583::FieldValues& message, const WalletWire& wallets) const;
    static void pass_on(const iso8583::FieldValues&, ledger::TransactionKind, iso8583::FieldValues&) {}

  private:
    [[nodiscard]] std::string_view code() const { return {code_.data(), code_size_}; }

    std::array<char, routing::WalletTable::code_digits_max> code_{};
    std::uint8_t code_size_ = 0;
    std::string order_number_;
};

/// The wallet's order number in an issuer's DE48; empty when there is none, or none of that form.
std::string order_number_in(std::string_view additional_data, const WalletWire& wallets);
bool is_order_number(std::string_view text);

class PaymentMeans {
  public:
    /// monostate: none was named; only a reversal, which finds its original by its trace, goes on so.
    using Given = std::variant<std::monostate, CardMeans, WalletMeans>;

    PaymentMeans() = default;
    explicit PaymentMeans(Given given) : given_(std::move(given)) {}

    /// What the terminal read. The error is why the request is answered 30.
    static iso8583::Result<PaymentMeans, std::string> read(const iso8583::FieldValues& request,
                                                           const RequestWire& wire);
    /// Opens the seal that keep_in() made; ENSUREs that it does.
    static PaymentMeans of(const ledger::TransactionRecord& record, const ledger::PanVault& vault);

    [[nodiscard]] bool empty() const { return std::holds_alternative<std::monostate>(given_); }
    /// Costs a keyed hash, so it is asked once a request.
    [[nodiscard]] MeansIdentity identity(const ledger::PanVault& vault,
                                         const routing::RouteTable& routes) const;
    /// False for a payment code that is in no configured range (R80–R82: 14).
    [[nodiscard]] bool is_known(const routing::RouteTable& routes) const;
    /// May what is asked with it be about a sale that was paid so (R15)? `own` is its identity().
    [[nodiscard]] bool fits(const MeansIdentity& own, const MeansIdentity& sale,
                            const routing::RouteTable& routes) const;
    /// What was read names all that of() would of the record that kept it: the seal need not be opened.
    [[nodiscard]] bool is_kept_whole() const;
    /// A wallet that can pay a sale: it has a payment code. True for every other kind.
    [[nodiscard]] bool can_pay() const;
    /// An amount can be held on it to be completed later (R90). A payment code is used up by what it pays.
    [[nodiscard]] bool can_hold() const;
    /// The order number that names the sale in place of its RRN (R83); empty: none was given.
    [[nodiscard]] std::string order_number() const;
    /// The account that a PIN block is tied to; empty for a means without one, which the HSM refuses (99).
    [[nodiscard]] iso8583::Pan pin_account() const;
    /// Of a new sale: everything else goes back over the route of its sale.
    [[nodiscard]] routing::RouteTable::Choice choose_route(const routing::RouteTable& routes,
                                                           const RouteLinks& links) const;
    /// Writes what people may see of it, and the rest sealed under the record's RRN. The identity is kept
    /// apart, since it is needed before there is an RRN.
    void keep_in(ledger::TransactionRecord& record, const ledger::PanVault& vault) const;

    /// The fields of an issuer's message that name it.
    void put_into(iso8583::FieldValues& message, const WalletWire& wallets) const;
    /// Fields of the terminal's request that go to the issuer as they were read and are never stored.
    void pass_on(const iso8583::FieldValues& request, ledger::TransactionKind transaction,
                 iso8583::FieldValues& message) const;

  private:
    Given given_;
};

}  // namespace acquirer
