// What was paid with: read from a request, told apart, sealed, sent and shown. Each in its own words and with
// what it must not do.
#include <catch2/catch.hpp>

#include "ledger/pan_vault.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/core/payment_means.hpp"
#include "switch/core/request.hpp"
#include "switch/core/route_links.hpp"

using namespace acquirer;
using iso8583::Field;
using iso8583::FieldValues;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

constexpr const char* card = "6212345678900000003";
constexpr const char* other_card = "6212345678900000029";

const ledger::PanVault& vault() {
    static const ledger::PanVault made = [] {
        std::array<std::uint8_t, ledger::PanVaultKey::size> key{};
        for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i * 5 + 1);
        return ledger::PanVault(ledger::PanVaultKey(key));
    }();
    return made;
}

const routing::RouteTable no_routes;
const acquirer::WalletWire wallets;
const acquirer::RequestWire wire{acquirer::Profile::unionpay_pos, wallets};

FieldValues asked(const std::string& pan, const std::string& track = "", const std::string& expiry = "") {
    FieldValues f(iso8583::Mti::of(200));
    if (!pan.empty()) f.set(Field::pan, pan);
    if (!track.empty()) f.set(Field::track2, track);
    if (!expiry.empty()) f.set(Field::expiration_date, expiry);
    return f;
}
PaymentMeans means(const std::string& pan, const std::string& track = "", const std::string& expiry = "") {
    auto read = PaymentMeans::read(asked(pan, track, expiry), wire);
    REQUIRE(read);
    return *read;
}
TransactionRecord kept(const PaymentMeans& m, const char* rrn = "632500000001") {
    TransactionRecord record;
    record.rrn = iso8583::Rrn::parse(rrn).value();
    m.identity(vault(), no_routes).keep_in(record);
    m.keep_in(record, vault());
    return record;
}
FieldValues named(const PaymentMeans& m) {
    FieldValues message(iso8583::Mti::of(200));
    m.put_into(message, wallets);
    return message;
}

}  // namespace

TEST_CASE("means: a card is read from DE2 or DE35, and what is wrong with either is named", "[R25]") {
    CHECK_FALSE(means(card).empty());
    CHECK_FALSE(means("", std::string(card) + "=30121015").empty());
    CHECK(means("").empty());
    const auto fault = [](const std::string& pan, const std::string& track) {
        const auto read = PaymentMeans::read(asked(pan, track), wire);
        REQUIRE_FALSE(read);
        return read.error();
    };
    CHECK(fault("12", "").starts_with("DE2: "));
    CHECK(fault("", "=30121015") == "DE35: no PAN before the separator");
    CHECK(fault(card, "12=30121015") == "DE35: no PAN before the separator");
    CHECK(fault(card, std::string(other_card) + "=30121015") == "DE2 and DE35 name different cards");
    CHECK(fault(card, other_card).find(card) == std::string::npos);
}

TEST_CASE("means: one card is one identity, by whichever field it was read", "[R15][R21]") {
    const MeansIdentity of_pan = means(card).identity(vault(), no_routes);
    CHECK(of_pan == means("", std::string(card) + "=30121015").identity(vault(), no_routes));
    CHECK(of_pan == means(card, "", "3012").identity(vault(), no_routes));
    CHECK(of_pan == MeansIdentity::of(kept(means(card))));
    CHECK(of_pan != means(other_card).identity(vault(), no_routes));
    CHECK(of_pan != means("").identity(vault(), no_routes));
    SECTION("the same token under another instrument is another means") {
        MeansIdentity wallet = of_pan;
        wallet.instrument = ledger::Instrument::wechat;
        CHECK(of_pan != wallet);
        TransactionRecord record = kept(means(card));
        wallet.keep_in(record);
        CHECK(record.instrument == ledger::Instrument::wechat);
        CHECK(MeansIdentity::of(record) != of_pan);
    }
}

TEST_CASE("means: the digest of a request tells cards apart and not how they were read", "[R21]") {
    const auto digest = [](const PaymentMeans& m) {
        TerminalRequest r;
        r.means = m;
        return content_digest(r, m.identity(vault(), no_routes));
    };
    CHECK(digest(means(card)) == digest(means("", std::string(card) + "=30121015")));
    CHECK(digest(means(card)) != digest(means(other_card)));
    CHECK(digest(means(card)) != digest(means("")));
}

TEST_CASE("means: sealed under the record's RRN, opened to the same fields") {
    const TransactionRecord record = kept(means(card, "", "3012"));
    CHECK(record.sealed_card.find(card) == std::string::npos);
    const FieldValues message = named(PaymentMeans::of(record, vault()));
    CHECK(message.get(Field::pan) == card);
    CHECK(message.get(Field::expiration_date) == "3012");
    CHECK_FALSE(message.has(Field::track2));
    SECTION("under another RRN it does not open, nor with a byte changed") {
        CHECK_FALSE(vault().open(record.sealed_card, "632500000002"));
        std::string bent = record.sealed_card;
        bent.back() = static_cast<char>(bent.back() ^ 1);
        CHECK_FALSE(vault().open(bent, record.rrn.view()));
        CHECK(kept(means(card, "", "3012"), "632500000002").sealed_card != record.sealed_card);
    }
    SECTION("what named none leaves no seal and no digits") {
        const TransactionRecord none = kept(means(""));
        CHECK(none.sealed_card.empty());
        CHECK(none.pan_masked.empty());
        CHECK(means_words(none).empty());
        CHECK(named(means("")).present() == FieldValues(iso8583::Mti::of(200)).present());
    }
}

TEST_CASE("means: DE14 comes from the field, else from the track, else not at all") {
    const std::string track = std::string(card) + "=30121015";
    CHECK(named(means(card, "", "2911")).get(Field::expiration_date) == "2911");
    CHECK(named(means("", track)).get(Field::expiration_date) == "3012");
    CHECK(named(means("", track, "2911")).get(Field::expiration_date) == "2911");
    for (const char* after_pan : {"", "=", "=301", "==1015", "=30=1015"}) {
        INFO(after_pan);
        const PaymentMeans m = means("", card + std::string(after_pan));
        CHECK_FALSE(named(m).has(Field::expiration_date));
        CHECK_FALSE(named(PaymentMeans::of(kept(m), vault())).has(Field::expiration_date));
    }
}

TEST_CASE("means: the track goes with a sale alone, the chip's data with every request") {
    FieldValues request = asked("", std::string(card) + "=30121015");
    request.set(Field::card_sequence_number, "001");
    request.set(Field::icc_data, "chip");
    request.set(Field::pin_capture_code, "06");
    const auto passed = [&](TransactionKind kind) {
        FieldValues message(iso8583::Mti::of(200));
        means("", std::string(card) + "=30121015").pass_on(request, kind, message);
        CHECK(message.get(Field::card_sequence_number) == "001");
        CHECK(message.get(Field::icc_data) == "chip");
        CHECK_FALSE(message.has(Field::pin_capture_code));  // of the PIN, not of the card
        return message.get(Field::track2) == request.get(Field::track2);
    };
    CHECK(passed(TransactionKind::sale));
    CHECK_FALSE(passed(TransactionKind::void_sale));
    CHECK_FALSE(passed(TransactionKind::refund));
}

TEST_CASE("means: a card's route is its IIN's") {
    routing::Route route;
    route.id = {1};
    route.name = "issuer-a";
    route.link_group = "a";
    const auto routes = routing::RouteTable::build({route}, {{"621234", "621234", {{1}}}});
    REQUIRE(routes);
    RouteLinks links;
    const auto choice = [&](const PaymentMeans& m) { return m.choose_route(*routes, links); };
    using NoRoute = routing::RouteTable::NoRoute;
    CHECK(choice(means(card)).error() == NoRoute::down);
    links.link_up({1}, LinkId{7});
    REQUIRE(choice(means(card)));
    CHECK((*choice(means(card)))->name == "issuer-a");
    CHECK(choice(means("5555555555554444")).error() == NoRoute::unknown_iin);
    CHECK(choice(means("")).error() == NoRoute::unknown_iin);
}

TEST_CASE("means: people see the kind and what is masked, and may look for the last digits") {
    const TransactionRecord record = kept(means(card));
    CHECK(means_words(record) == "card 621234*********0003");
    CHECK(means_words(record).find(card) == std::string::npos);
    CHECK(means_ends_with(record, "0003"));
    CHECK_FALSE(means_ends_with(record, "0029"));
    CHECK_FALSE(means_ends_with(record, "4567"));
    CHECK(payment_kind(record.instrument).name == "card");
    CHECK(payment_kind(ledger::Instrument::alipay).name == "alipay");
}

TEST_CASE("means: a wallet's people see its name, and nobody finds it by digits") {
    TransactionRecord record;
    record.instrument = ledger::Instrument::other_wallet;
    record.wallet.name = "pay-2000";
    CHECK(means_words(record) == "wallet pay-2000");
    CHECK_FALSE(means_ends_with(record, "2000"));
    CHECK(instrument_name(record) == "pay-2000");
    record.instrument = ledger::Instrument::wechat;
    record.wallet.name.clear();
    CHECK(instrument_name(record) == "wechat");
    CHECK(instrument_of_wallet("wechat") == ledger::Instrument::wechat);
    CHECK(instrument_of_wallet("card") == ledger::Instrument::other_wallet);
}

TEST_CASE("means: what is wrong in a wallet's data element is named, and no content is", "[R80]") {
    const auto fault = [](const std::string& content) {
        FieldValues f(iso8583::Mti::of(200));
        f.set(Field::pos_entry_mode, "031");
        f.set(iso8583::field(59), content);
        const auto read = PaymentMeans::read(f, wire);
        return read ? std::string() : read.error();
    };
    CHECK(fault("A3018134567890123456789").empty());
    CHECK(fault("A4005W-001A3018134567890123456789").empty());
    CHECK(fault("A301813456789012345678").starts_with("DE59: offset 0: "));
    CHECK(fault("A30").starts_with("DE59: offset 0: "));
    CHECK(fault("A4005W-001A3").starts_with("DE59: offset 10: "));
    CHECK(fault("A3018A34567890123456789").starts_with("DE59: a payment code has "));
    CHECK(fault("A4003W 1").starts_with("DE59: an order number has "));
    CHECK(fault("A3018A34567890123456789").find("34567") == std::string::npos);
}

TEST_CASE("means: a PIN block is tied to the card's account, and to none without a card") {
    CHECK(means(card).pin_account() == iso8583::Pan::parse(card).value());
    CHECK_FALSE(means(card).pin_account() == means(other_card).pin_account());
    CHECK(means("").pin_account().empty());
}
