#include "switch/core/payment_means.hpp"

#include <algorithm>
#include <type_traits>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/pan_vault.hpp"
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

iso8583::Result<CardMeans, std::string> CardMeans::read(const FieldValues& request) {
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

CardMeans CardMeans::unsealed(std::string_view text) {
    const std::size_t separator = text.find(seal_separator);
    ENSURE(separator != std::string_view::npos);
    const auto pan = iso8583::Pan::parse(text.substr(0, separator));
    ENSURE(pan.has_value());
    CardMeans card;
    card.pan_ = *pan;
    card.set_expiry(text.substr(separator + 1));
    return card;
}

iso8583::PanToken CardMeans::token(const ledger::PanVault& vault) const { return vault.token(pan_); }

routing::RouteTable::Choice CardMeans::choose_route(const routing::RouteTable& routes,
                                                    const RouteLinks& links) const {
    return routes.choose(pan_, [&](routing::RouteId id) { return links.health(id); });
}

void CardMeans::put_into(FieldValues& message) const {
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

// ---- The kinds

namespace {

/// The ways into a kind: from a request, and from a seal.
struct Door {
    ledger::Instrument instrument;
    bool (*is_named_in)(const FieldValues& request);
    iso8583::Result<PaymentMeans, std::string> (*read)(const FieldValues& request);
    PaymentMeans (*unsealed)(std::string_view text);
};

template <MeansKind Kind>
constexpr Door door_of() {
    return {Kind::instrument, Kind::is_named_in,
            [](const FieldValues& request) {
                return Kind::read(request).map([](const Kind& kind) { return PaymentMeans(kind); });
            },
            [](std::string_view text) { return PaymentMeans(Kind::unsealed(text)); }};
}

/// In the order in which a request is looked at; the first kind that it names is its own.
constexpr std::array doors = {door_of<CardMeans>()};
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

iso8583::Result<PaymentMeans, std::string> PaymentMeans::read(const FieldValues& request) {
    for (const Door& door : doors)
        if (door.is_named_in(request)) return door.read(request);
    return PaymentMeans{};
}

PaymentMeans PaymentMeans::of(const ledger::TransactionRecord& record, const ledger::PanVault& vault) {
    const auto door = std::find_if(doors.begin(), doors.end(),
                                   [&](const Door& d) { return d.instrument == record.instrument; });
    ENSURE(door != doors.end());
    auto opened = vault.open(record.sealed_card, record.rrn.view());
    ENSURE(opened.has_value());
    std::string& text = *opened;
    PaymentMeans means = door->unsealed(text);
    iso8583::zeroise(text.data(), text.size());
    return means;
}

MeansIdentity PaymentMeans::identity(const ledger::PanVault& vault) const {
    MeansIdentity none;
    if (empty()) none.token = vault.token(iso8583::Pan{});  // as digests are stored
    return ask(given_, none, [&](const auto& means) {
        return MeansIdentity{means.instrument, means.token(vault)};
    });
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
        record.sealed_card = vault.seal(text, record.rrn.view());
        iso8583::zeroise(text.data(), text.size());
    });
}

void PaymentMeans::put_into(FieldValues& message) const {
    with(given_, [&](const auto& means) { means.put_into(message); });
}

void PaymentMeans::pass_on(const FieldValues& request, ledger::TransactionKind transaction,
                           FieldValues& message) const {
    with(given_, [&](const auto& means) { means.pass_on(request, transaction, message); });
}

}  // namespace acquirer
