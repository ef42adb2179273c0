#include "switch/core/payment_means.hpp"

#include <algorithm>
#include <type_traits>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/pan_vault.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/core/route_links.hpp"

namespace acquirer {

using iso8583::Field;
using iso8583::FieldValues;

// ---- Card

namespace {

constexpr char track2_separator = '=';
constexpr char seal_separator = '|';

std::string_view track2_pan(std::string_view track) { return track.substr(0, track.find(track2_separator)); }

std::string_view track2_expiry(std::string_view track, std::size_t digits) {
    const std::size_t separator = track.find(track2_separator);
    return separator == std::string_view::npos ? std::string_view{} : track.substr(separator + 1, digits);
}

}  // namespace

bool CardMeans::is_named_in(const FieldValues& request) {
    return request.has(Field::pan) || request.has(Field::track2);
}

iso8583::Result<CardMeans, std::string> CardMeans::read(const FieldValues& request, const RequestWire&) {
    CardMeans card;
    if (request.has(Field::pan)) {
        auto pan = iso8583::Pan::parse(request.get(Field::pan));
        if (!pan) return tl::unexpected("DE2: " + pan.error().what);
        card.pan_ = *pan;
    }
    const std::string_view track = request.get(Field::track2);
    if (request.has(Field::track2)) {
        auto pan = iso8583::Pan::parse(track2_pan(track));
        if (!pan) return tl::unexpected(std::string("DE35: no PAN before the separator"));
        if (card.pan_.empty()) card.pan_ = *pan;
        if (!(card.pan_ == *pan)) return tl::unexpected(std::string("DE2 and DE35 name different cards"));
    }
    card.set_expiry(request.has(Field::expiration_date) ? request.get(Field::expiration_date)
                                                        : track2_expiry(track, expiry_digits));
    return card;
}

/// A track without an expiry has a separator in its place (ISO/IEC 7813): that is none, and no DE14.
void CardMeans::set_expiry(std::string_view text) {
    if (text.size() != expiry_digits || !std::all_of(text.begin(), text.end(), iso8583::is_digit)) return;
    std::copy(text.begin(), text.end(), expiry_.begin());
    expiry_size_ = expiry_digits;
}

std::string CardMeans::text_to_seal() const {
    std::string text;
    text.reserve(iso8583::Pan::digits_max + 1 + expiry_digits);
    text += pan_.reveal();
    text += seal_separator;
    text += expiry();
    return text;
}

CardMeans CardMeans::of(const ledger::TransactionRecord&, std::string_view text) {
    const std::size_t separator = text.find(seal_separator);
    ENSURE(separator != std::string_view::npos);
    const auto pan = iso8583::Pan::parse(text.substr(0, separator));
    ENSURE(pan.has_value());
    CardMeans card;
    card.pan_ = *pan;
    card.set_expiry(text.substr(separator + 1));
    return card;
}

MeansIdentity CardMeans::identity(const ledger::PanVault& vault, const routing::RouteTable&) const {
    return {ledger::Instrument::card, vault.token(pan_), {}};
}

routing::RouteTable::Choice CardMeans::choose_route(const routing::RouteTable& routes,
                                                    const RouteLinks& links) const {
    return routes.choose(pan_, [&](routing::RouteId id) { return links.health(id); });
}

void CardMeans::put_into(FieldValues& message, const WalletWire&) const {
    message.set(Field::pan, pan_.reveal());
    if (expiry_size_ != 0) message.set(Field::expiration_date, expiry());
}

void CardMeans::pass_on(const FieldValues& request, ledger::TransactionKind transaction,
                        FieldValues& message) const {
    for (const Field f : {Field::card_sequence_number, Field::icc_data})
        if (request.has(f)) message.set(f, request.get(f));
    // A void or refund does not carry the track.
    const bool was_read_anew =
        transaction == ledger::TransactionKind::sale || transaction == ledger::TransactionKind::authorization;
    if (was_read_anew && request.has(Field::track2)) message.set(Field::track2, request.get(Field::track2));
}

// ---- Wallet

namespace {

constexpr std::string_view wallet_entry = "03";  // DE22: the code was read from the customer's screen

std::string named_fault(Field field, const std::string& what) {
    return "DE" + std::to_string(iso8583::number(field)) + ": " + what;
}

}  // namespace

bool is_order_number(std::string_view text) {
    const auto fits = [](char c) {
        return iso8583::is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
               c == '_';
    };
    return !text.empty() && text.size() <= ledger::WalletOf::order_number_characters_max &&
           std::all_of(text.begin(), text.end(), fits);
}

std::string order_number_in(std::string_view additional_data, const WalletWire& wallets) {
    const auto number = iso8583::tagged_value(additional_data, wallets.order_tag);
    return number && is_order_number(*number) ? std::string(*number) : std::string();
}

WalletMeans::~WalletMeans() { iso8583::zeroise(code_.data(), code_.size()); }

bool WalletMeans::is_named_in(const FieldValues& request) {
    return request.get(Field::pos_entry_mode).substr(0, wallet_entry.size()) == wallet_entry;
}

iso8583::Result<WalletMeans, std::string> WalletMeans::read(const FieldValues& request,
                                                            const RequestWire& wire) {
    WalletMeans wallet;
    const Field field = wire.wallets.field(wire.profile);
    if (!request.has(field)) return wallet;
    const auto code = iso8583::tagged_value(request.get(field), wire.wallets.code_tag);
    if (!code) return tl::unexpected(named_fault(field, code.error().what));
    const auto order = iso8583::tagged_value(request.get(field), wire.wallets.order_tag);
    if (!order) return tl::unexpected(named_fault(field, order.error().what));
    if (code->size() > wallet.code_.size() || !iso8583::all_digits(*code))
        return tl::unexpected(named_fault(
            field, "a payment code has at most " + std::to_string(wallet.code_.size()) + " digits"));
    if (!order->empty() && !is_order_number(*order))
        return tl::unexpected(
            named_fault(field, "an order number has 1 to " +
                                   std::to_string(ledger::WalletOf::order_number_characters_max) +
                                   " letters, digits, - and _"));
    std::copy(code->begin(), code->end(), wallet.code_.begin());
    wallet.code_size_ = static_cast<std::uint8_t>(code->size());
    wallet.order_number_ = *order;
    return wallet;
}

WalletMeans WalletMeans::of(const ledger::TransactionRecord& record, std::string_view) {
    WalletMeans wallet;
    wallet.order_number_ = record.wallet.order_number;
    return wallet;
}

MeansIdentity WalletMeans::identity(const ledger::PanVault& vault, const routing::RouteTable& routes) const {
    MeansIdentity identity;
    std::string text(code());
    text += seal_separator;
    text += order_number_;
    identity.token = vault.token_of_text(text);
    iso8583::zeroise(text.data(), text.size());
    const routing::WalletRange* range = routes.wallets().find(code());
    identity.instrument = ledger::Instrument::other_wallet;
    if (range != nullptr) {
        identity.wallet.name = range->name;
        identity.instrument = instrument_of_wallet(range->name);
    }
    identity.wallet.order_number = order_number_;
    return identity;
}

bool WalletMeans::is_known(const routing::RouteTable& routes) const {
    return !has_code() || routes.wallets().find(code()) != nullptr;
}

bool WalletMeans::fits(const MeansIdentity&, const MeansIdentity& sale,
                       const routing::RouteTable& routes) const {
    if (!is_of(sale.instrument)) return false;
    const routing::WalletRange* range = routes.wallets().find(code());
    return !has_code() || (range != nullptr && range->name == sale.wallet.name);
}

routing::RouteTable::Choice WalletMeans::choose_route(const routing::RouteTable& routes,
                                                      const RouteLinks& links) const {
    return routes.choose_wallet(code(), [&](routing::RouteId id) { return links.health(id); });
}

void WalletMeans::put_into(FieldValues& message, const WalletWire& wallets) const {
    std::string text;
    if (has_code()) text += iso8583::tagged_text(wallets.code_tag, code());
    if (!order_number_.empty()) text += iso8583::tagged_text(wallets.order_tag, order_number_);
    if (!text.empty()) message.set(Field::additional_data, text);
    iso8583::zeroise(text.data(), text.size());
}

// ---- The kinds

namespace {

/// The ways into a kind: from a request, and from a record.
struct Door {
    bool (*is_of)(ledger::Instrument instrument);
    bool (*is_named_in)(const FieldValues& request);
    iso8583::Result<PaymentMeans, std::string> (*read)(const FieldValues& request, const RequestWire& wire);
    PaymentMeans (*of)(const ledger::TransactionRecord& record, std::string_view unsealed);
};

template <MeansKind Kind>
constexpr Door door_of() {
    return {Kind::is_of, Kind::is_named_in,
            [](const FieldValues& request, const RequestWire& wire) {
                return Kind::read(request, wire).map([](const Kind& kind) { return PaymentMeans(kind); });
            },
            [](const ledger::TransactionRecord& record, std::string_view unsealed) {
                return PaymentMeans(Kind::of(record, unsealed));
            }};
}

/// In the order in which a request is looked at; the first kind that it names is its own.
constexpr std::array doors = {door_of<CardMeans>(), door_of<WalletMeans>()};
static_assert(doors.size() + 1 == std::variant_size_v<PaymentMeans::Given>, "a door for every kind");

/// What nothing was named with answers for itself: no digits, no fields.
template <typename Answer, typename Question>
Answer ask(const PaymentMeans::Given& given, Answer of_none, Question&& question) {
    return std::visit(
        [&](const auto& means) -> Answer {
            if constexpr (std::is_same_v<std::decay_t<decltype(means)>, std::monostate>)
                return of_none;
            else
                return question(means);
        },
        given);
}
template <typename Action>
void with(const PaymentMeans::Given& given, Action&& action) {
    std::visit(
        [&](const auto& means) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(means)>, std::monostate>) action(means);
        },
        given);
}

}  // namespace

iso8583::Result<PaymentMeans, std::string> PaymentMeans::read(const FieldValues& request,
                                                              const RequestWire& wire) {
    for (const Door& door : doors)
        if (door.is_named_in(request)) return door.read(request, wire);
    return PaymentMeans{};
}

PaymentMeans PaymentMeans::of(const ledger::TransactionRecord& record, const ledger::PanVault& vault) {
    const auto door =
        std::find_if(doors.begin(), doors.end(), [&](const Door& d) { return d.is_of(record.instrument); });
    ENSURE(door != doors.end());
    if (record.sealed_card.empty()) return door->of(record, {});
    auto opened = vault.open(record.sealed_card, record.rrn.view(), record.sealed_under);
    ENSURE(opened.has_value());
    std::string& text = *opened;
    PaymentMeans means = door->of(record, text);
    iso8583::zeroise(text.data(), text.size());
    return means;
}

MeansIdentity PaymentMeans::identity(const ledger::PanVault& vault, const routing::RouteTable& routes) const {
    MeansIdentity none;
    if (empty()) none.token = vault.token(iso8583::Pan{});  // as digests are stored
    return ask(given_, none, [&](const auto& means) { return means.identity(vault, routes); });
}

bool PaymentMeans::is_known(const routing::RouteTable& routes) const {
    return ask(given_, true, [&](const auto& means) { return means.is_known(routes); });
}

bool PaymentMeans::fits(const MeansIdentity& own, const MeansIdentity& sale,
                        const routing::RouteTable& routes) const {
    return ask(given_, false, [&](const auto& means) { return means.fits(own, sale, routes); });
}

bool PaymentMeans::is_kept_whole() const {
    return ask(given_, false, [](const auto& means) { return std::decay_t<decltype(means)>::is_kept_whole; });
}

bool PaymentMeans::can_pay() const {
    const auto* wallet = std::get_if<WalletMeans>(&given_);
    return wallet == nullptr || wallet->has_code();
}

bool PaymentMeans::can_hold() const { return !std::holds_alternative<WalletMeans>(given_); }

std::string PaymentMeans::order_number() const {
    const auto* wallet = std::get_if<WalletMeans>(&given_);
    return wallet == nullptr ? std::string() : wallet->order_number();
}

iso8583::Pan PaymentMeans::pin_account() const {
    return ask(given_, iso8583::Pan{}, [](const auto& means) { return means.pin_account(); });
}

routing::RouteTable::Choice PaymentMeans::choose_route(const routing::RouteTable& routes,
                                                       const RouteLinks& links) const {
    return ask(given_, routing::RouteTable::Choice(tl::unexpected(routing::RouteTable::NoRoute::unknown_iin)),
               [&](const auto& means) { return means.choose_route(routes, links); });
}

void PaymentMeans::keep_in(ledger::TransactionRecord& record, const ledger::PanVault& vault) const {
    with(given_, [&](const auto& means) {
        record.pan_masked = means.masked();
        std::string text = means.text_to_seal();
        if (text.empty()) return;
        record.sealed_card = vault.seal(text, record.rrn.view());
        record.sealed_under = vault.active();
        iso8583::zeroise(text.data(), text.size());
    });
}

void PaymentMeans::put_into(FieldValues& message, const WalletWire& wallets) const {
    with(given_, [&](const auto& means) { means.put_into(message, wallets); });
}

void PaymentMeans::pass_on(const FieldValues& request, ledger::TransactionKind transaction,
                           FieldValues& message) const {
    with(given_, [&](const auto& means) { means.pass_on(request, transaction, message); });
}

}  // namespace acquirer
