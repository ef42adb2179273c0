// The same questions through three doors: the embedded engine, the host-command codec in memory, hsm-sim over
// TCP. The switch must not be able to tell which one answered.
#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <memory>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/payshield.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/hsm_process.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

using namespace hsm;
using hsm::testing::Connection;
using hsm::testing::HsmProcess;
using hsm::testing::SeededRandom;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

KeyBlock block(std::string_view text) { return *KeyBlock::parse(text); }
Bytes hex(std::string_view text) { return *iso8583::parse_hex(text); }
iso8583::Pan pan(std::string_view digits) { return *iso8583::Pan::parse(digits); }

/// A way to an HSM.
class Door {
  public:
    virtual ~Door() = default;
    virtual Reply ask(const Request& request) = 0;
};

HsmOptions zone_keys() {
    HsmOptions options;
    options.zone_key_exchange = true;
    return options;
}

class EmbeddedDoor final : public Door {
  public:
    Reply ask(const Request& request) override { return engine_.perform(request); }

  private:
    SeededRandom random_{7};
    HsmEngine engine_{Lmk::test(), random_, zone_keys()};
};

/// Drives a link until the ticket is answered; `wire` carries bytes there and back.
Reply ask_over(PayshieldLink& link, const Request& request,
               const std::function<std::string(std::string)>& wire) {
    static Ticket ticket = 0;
    REQUIRE(link.ask(++ticket, request));
    for (;;) {
        for (auto& answered : link.take_answered())
            if (answered.ticket == ticket) return *answered.reply;
        const std::string out = link.take_output();
        const std::string in = wire(out);
        REQUIRE(link.received(in));
    }
}

class CodecDoor final : public Door {
  public:
    explicit CodecDoor(PayshieldFormat format) : commands_(engine_, options_of(format)), link_(format) {}
    Reply ask(const Request& request) override {
        return ask_over(link_, request, [this](const std::string& out) {
            std::string in;
            std::string_view rest = out;
            while (!rest.empty()) {
                const FrameSplit split = split_frame(rest);
                REQUIRE(split.state == FrameSplit::State::frame);
                in += make_frame("", *commands_.execute(split.frame));
                rest.remove_prefix(split.bytes_used);
            }
            return in;
        });
    }

  private:
    static HostCommandOptions options_of(const PayshieldFormat& format) {
        HostCommandOptions options;
        options.format = format;
        return options;
    }
    SeededRandom random_{7};
    HsmEngine engine_{Lmk::test(), random_, zone_keys()};
    HostCommands commands_;
    PayshieldLink link_;
};

class TcpDoor final : public Door {
  public:
    TcpDoor() : process_({"--zone-key-exchange"}), connection_(process_.port()), link_(PayshieldFormat{}) {}
    Reply ask(const Request& request) override {
        return ask_over(link_, request, [this](const std::string& out) {
            if (!out.empty()) connection_.send(out);
            return connection_.receive();
        });
    }

  private:
    HsmProcess process_;
    Connection connection_;
    PayshieldLink link_;
};

struct NamedDoor {
    std::string name;
    std::function<std::unique_ptr<Door>()> open;
};

std::vector<NamedDoor> doors() {
    PayshieldFormat short_header;
    short_header.header_length = 2;
    short_header.lmk_id = "00";
    PayshieldFormat no_header;
    no_header.header_length = 0;
    return {
        {"embedded", [] { return std::make_unique<EmbeddedDoor>(); }},
        {"host commands in memory", [] { return std::make_unique<CodecDoor>(PayshieldFormat{}); }},
        {"host commands, header of 2 and LMK id", [=] { return std::make_unique<CodecDoor>(short_header); }},
        {"host commands, no header", [=] { return std::make_unique<CodecDoor>(no_header); }},
        {"hsm-sim over TCP", [] { return std::make_unique<TcpDoor>(); }}};
}

void through_every_door(const std::function<void(Door&)>& flow) {
    for (const NamedDoor& named : doors()) {
        INFO("through " << named.name);
        const auto door = named.open();
        flow(*door);
    }
}

template <typename T>
T answer(const Reply& reply) {
    INFO("refused: " << (reply ? "" : name(reply.error())));
    REQUIRE(reply.has_value());
    REQUIRE(std::holds_alternative<T>(*reply));
    return std::get<T>(*reply);
}

std::string fault_text(const Reply& reply) { return reply ? "accepted" : code(reply.error()); }

/// A clear PIN block under a TDES key, as a terminal makes it.
Bytes encrypted(std::string_view key, std::string_view clear_block) {
    Bytes out = hex(clear_block);
    TdesCipher(hex(key)).encrypt_ecb(out);
    return out;
}

constexpr std::string_view clear_tpk = "32323232323232324545454545454545";
constexpr std::string_view clear_zpk = "76767676767676768989898989898989";
constexpr std::string_view clear_tmk = "0123456789ABCDEFFEDCBA9876543210";
// 1234 for 4111111111111111: 0412 25EE EEEE EEEE.
constexpr std::string_view clear_block0 = "041225EEEEEEEEEE";

}  // namespace

TEST_CASE("MACs are the same through every door, and known") {
    struct Row {
        KeyKind kind;
        std::string_view key;
        MacProfile profile;
        std::string_view data;
        std::string_view mac;
    };
    // The values were computed by a program of its own, in Python.
    const Row rows[] = {
        {KeyKind::tak,
         test_keys::tak,
         {MacAlgorithm::unionpay_ecb, MacPadding::zeros},
         "0200302004C020C09811",
         "4136424335324446"},
        {KeyKind::tak,
         test_keys::tak,
         {MacAlgorithm::retail, MacPadding::zeros},
         "0200302004C020C09811",
         "8E6E3F7F457E645E"},
        {KeyKind::zak,
         test_keys::zak,
         {MacAlgorithm::retail, MacPadding::bit},
         "0200302004C020C0",
         "88E65EE3B946BBAC"},
        {KeyKind::zak,
         test_keys::zak,
         {MacAlgorithm::cbc, MacPadding::bit},
         "0200302004C020C098",
         "49D7E36D0619D59A"},
        {KeyKind::zak,
         test_keys::aes_zak,
         {MacAlgorithm::aes_cmac, MacPadding::zeros},
         "0200302004C020C098",
         "48569661B88F75CD"},
        {KeyKind::zak, test_keys::aes_zak, {MacAlgorithm::aes_cmac, MacPadding::bit}, "", "97DD6E5A882CBD56"},
    };
    through_every_door([&](Door& door) {
        for (const Row& row : rows) {
            INFO(name(row.kind) << " algorithm " << static_cast<int>(row.profile.algorithm) << " data "
                                << row.data);
            const auto made = answer<MacGenerated>(
                door.ask(GenerateMac{row.kind, block(row.key), row.profile, hex(row.data)}));
            CHECK(iso8583::to_hex(made.mac) == row.mac);
            VerifyMac verify{row.kind, block(row.key), row.profile, hex(row.data), made.mac};
            CHECK(answer<MacVerified>(door.ask(verify)).matches);
            verify.mac[7] ^= 1;
            CHECK_FALSE(answer<MacVerified>(door.ask(verify)).matches);
            verify.mac = {0xFF, 0, '"', '%', 0x19, 0, 0, 0};  // what no MAC of the UnionPay kind looks like
            CHECK_FALSE(answer<MacVerified>(door.ask(verify)).matches);
        }
    });
}

TEST_CASE("a MAC over all byte values and lengths is no trouble for the frames") {
    EmbeddedDoor embedded;
    CodecDoor codec{PayshieldFormat{}};
    for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 255U, 256U, 4000U}) {
        Bytes data(size);
        for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i);
        for (const auto algorithm : {MacAlgorithm::retail, MacAlgorithm::cbc, MacAlgorithm::unionpay_ecb}) {
            const GenerateMac request{
                KeyKind::tak, block(test_keys::tak), {algorithm, MacPadding::zeros}, data};
            INFO("size " << size << " algorithm " << static_cast<int>(algorithm));
            CHECK(answer<MacGenerated>(embedded.ask(request)).mac ==
                  answer<MacGenerated>(codec.ask(request)).mac);
        }
    }
}

TEST_CASE("sign-on keys: what the terminal gets under its TMK is what the HSM keeps") {
    struct Row {
        bool single_length;
        bool with_track_key;
        MacAlgorithm mac = MacAlgorithm::unionpay_ecb;
    };
    through_every_door([](Door& door) {
        for (const Row row :
             {Row{false, false}, Row{true, false}, Row{false, true}, Row{true, true},
              Row{false, false, MacAlgorithm::retail}, Row{false, false, MacAlgorithm::aes_cmac},
              Row{false, true, MacAlgorithm::aes_cmac}}) {
            INFO("single " << row.single_length << " track key " << row.with_track_key << " MAC "
                           << static_cast<int>(row.mac));
            const auto keys = answer<TerminalKeysGenerated>(door.ask(
                GenerateTerminalKeys{block(test_keys::tmk), row.single_length, row.with_track_key, row.mac}));
            // A MAK for CMAC is bound to that, and to nothing else.
            const bool cmac = row.mac == MacAlgorithm::aes_cmac;
            CHECK(keys.mac_key.under_lmk.is_aes() == cmac);
            const Bytes message = hex("0102030405060708");
            for (const MacAlgorithm algorithm : {MacAlgorithm::unionpay_ecb, MacAlgorithm::aes_cmac})
                CHECK(door
                          .ask(GenerateMac{
                              KeyKind::tak, keys.mac_key.under_lmk, {algorithm, MacPadding::zeros}, message})
                          .has_value() == (cmac == (algorithm == MacAlgorithm::aes_cmac)));
            CHECK(keys.track_key.has_value() == row.with_track_key);
            std::vector<WorkingKey> all = {keys.pin_key, keys.mac_key};
            if (keys.track_key) all.push_back(*keys.track_key);
            for (const WorkingKey& key : all) {
                Bytes clear = key.under_tmk;
                REQUIRE(clear.size() == (row.single_length ? 8 : 16));
                TdesCipher(hex(clear_tmk)).decrypt_ecb(clear);
                CHECK(has_odd_parity(clear));
                CHECK_FALSE(is_single_length_masquerade(clear));
                const auto check = tdes_check_value(clear);
                CHECK(std::equal(key.kcv.begin(), key.kcv.end(), check.begin()));
            }
            CHECK(keys.pin_key.under_tmk != keys.mac_key.under_tmk);
            // The terminal's MAC under the clear MAK verifies under the key block that the switch keeps.
            Bytes mak = keys.mac_key.under_tmk;
            TdesCipher(hex(clear_tmk)).decrypt_ecb(mak);
            const KeyRing ring(Lmk::test());
            const auto kept =
                ring.unwrap(KeyKind::tak, keys.mac_key.under_lmk.text(), HsmFault::source_key_parity);
            REQUIRE(kept.has_value());
            CHECK(iso8583::to_hex(kept->key.view()) == iso8583::to_hex(mak));
        }
        for (const MacAlgorithm mac : {MacAlgorithm::retail, MacAlgorithm::aes_cmac}) {
            const Reply refused = door.ask(GenerateTerminalKeys{block(test_keys::tmk), true, false, mac});
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error() == HsmFault::key_length);
        }
    });
}

TEST_CASE("a key change with an issuer: handed over, taken in, the same key on both sides") {
    SeededRandom random(31);
    const KeyRing ring(Lmk::test());
    const std::string clear_zmk = "A1A2A4A7A8ABADAEB0B3B5B6B9BABCBF";  // a test key
    const auto tdes_zmk =
        ring.wrap(KeyKind::zmk, ClearKey{ByteView(hex(clear_zmk))}, 'U', {}, random).value();
    const auto aes_zmk = ring.wrap(KeyKind::zmk, ClearKey{ByteView(hex(clear_zmk + clear_zmk))}, 'S',
                                   {'A', "K0", 'B', 'N'}, random)
                             .value();
    through_every_door([&](Door& door) {
        for (const KeyKind kind : {KeyKind::zpk, KeyKind::zak})
            for (const KeyBlock& zmk : {tdes_zmk, aes_zmk}) {
                INFO(name(kind) << " under " << zmk.text());
                const auto made = answer<ZoneKey>(door.ask(GenerateZoneKey{kind, zmk}));
                const auto taken = answer<ZoneKey>(door.ask(ImportZoneKey{kind, zmk, made.under_zmk}));
                CHECK(made.kcv == taken.kcv);
                CHECK(answer<KeyChecked>(door.ask(CheckKey{kind, made.under_lmk})).kcv == made.kcv);
                // Both work alike: the issuer verifies what the switch has signed.
                if (kind != KeyKind::zak) continue;
                const bool aes = zmk == aes_zmk;
                const MacProfile profile{aes ? MacAlgorithm::aes_cmac : MacAlgorithm::retail,
                                         MacPadding::zeros};
                const auto mac =
                    answer<MacGenerated>(door.ask(GenerateMac{kind, made.under_lmk, profile, {1, 2}}));
                CHECK(
                    answer<MacVerified>(door.ask(VerifyMac{kind, taken.under_lmk, profile, {1, 2}, mac.mac}))
                        .matches);
            }
        CHECK(fault_text(door.ask(GenerateZoneKey{KeyKind::tmk, tdes_zmk})) == "28");
        CHECK(fault_text(door.ask(GenerateZoneKey{KeyKind::zpk, block(test_keys::zpk)})) == "10");
        CHECK(fault_text(door.ask(ImportZoneKey{KeyKind::zpk, tdes_zmk, "X0123"})) == "26");
        // Sixteen bytes of which one at least has no odd parity once decrypted.
        CHECK(fault_text(door.ask(ImportZoneKey{KeyKind::zpk, tdes_zmk, "X" + std::string(32, '1')})) ==
              "11");
    });
    // Without the switch for it, officers are needed.
    HsmEngine strict(Lmk::test(), random);
    CHECK(fault_text(strict.perform(GenerateZoneKey{KeyKind::zpk, tdes_zmk})) == "17");
    CHECK(fault_text(strict.perform(ImportZoneKey{KeyKind::zpk, tdes_zmk, "X" + std::string(32, '1')})) ==
          "17");
}

TEST_CASE("check values of the demo's keys") {
    struct Row {
        KeyKind kind;
        std::string_view key;
        std::string_view kcv;
    };
    const Row rows[] = {
        {KeyKind::tmk, test_keys::tmk, "08D7B4"},    {KeyKind::tak, test_keys::tak, "D2B91C"},
        {KeyKind::tpk, test_keys::tpk, "E18DE2"},    {KeyKind::zak, test_keys::zak, "DDB736"},
        {KeyKind::zpk, test_keys::zpk, "F90BD4"},    {KeyKind::zak, test_keys::aes_zak, "BE7ED6"},
        {KeyKind::zpk, test_keys::aes_zpk, "3E451E"}};
    through_every_door([&](Door& door) {
        for (const Row& row : rows)
            CHECK(iso8583::to_hex(answer<KeyChecked>(door.ask(CheckKey{row.kind, block(row.key)})).kcv) ==
                  row.kcv);
        CHECK(fault_text(door.ask(CheckKey{KeyKind::zmk, block(test_keys::zpk)})) == "10");
    });
}

TEST_CASE("a PIN arrives in every format that ISO 9564-1 lets it be translated into") {
    struct Row {
        PinBlockFormat to;
        std::string_view zpk;
        std::string_view account;
    };
    const Row rows[] = {{PinBlockFormat::iso0, test_keys::zpk, "4111111111111111"},
                        {PinBlockFormat::iso3, test_keys::zpk, "4111111111111111"},
                        {PinBlockFormat::iso4, test_keys::aes_zpk, "4111111111111111"}};
    through_every_door([&](Door& door) {
        for (const Row& row : rows) {
            INFO("to format " << static_cast<int>(row.to));
            const auto there = answer<PinTranslated>(door.ask(
                TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(row.zpk), PinBlockFormat::iso0,
                             row.to, encrypted(clear_tpk, clear_block0), pan(row.account)}));
            const auto back = answer<PinTranslated>(
                door.ask(TranslatePin{KeyKind::zpk, block(row.zpk), block(test_keys::zpk), row.to,
                                      PinBlockFormat::iso0, there.pin_block, pan(row.account)}));
            CHECK(back.pin_block == encrypted(clear_zpk, clear_block0));
        }
    });
}

TEST_CASE("what the HSM refuses, by the same code through every door") {
    const auto pin = [](KeyKind kind, std::string_view source, std::string_view zpk, PinBlockFormat from,
                        PinBlockFormat to, Bytes data, std::string_view account) {
        return Request(
            TranslatePin{kind, block(source), block(zpk), from, to, std::move(data), pan(account)});
    };
    const Bytes good = encrypted(clear_tpk, clear_block0);
    Bytes altered = good;
    altered[0] ^= 1;
    const auto iso0 = PinBlockFormat::iso0;
    const MacProfile retail{MacAlgorithm::retail, MacPadding::zeros};
    struct Row {
        std::string_view why;
        Request request;
        std::string_view code;
    };
    const Row rows[] = {
        {"source key under the wrong pair",
         pin(KeyKind::tpk, test_keys::zpk, test_keys::zpk, iso0, iso0, good, "4111111111111111"), "10"},
        {"destination key under the wrong pair",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::tpk, iso0, iso0, good, "4111111111111111"), "11"},
        {"another account number",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::zpk, iso0, iso0, good, "4222222222222220"), "20"},
        {"an altered PIN block",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::zpk, iso0, iso0, altered, "4111111111111111"), "20"},
        {"into format 1",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::zpk, iso0, PinBlockFormat::iso1, good,
             "4111111111111111"),
         "23"},
        {"format 4 under a TDES key",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::zpk, iso0, PinBlockFormat::iso4, good,
             "4111111111111111"),
         "23"},
        {"format 0 under an AES key",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::aes_zpk, iso0, iso0, good, "4111111111111111"), "23"},
        {"a TAK encrypts no PINs",
         pin(KeyKind::tak, test_keys::tak, test_keys::zpk, iso0, iso0, good, "4111111111111111"), "28"},
        {"a PIN key block as MAC key",
         GenerateMac{KeyKind::zak, block(test_keys::aes_zpk), {MacAlgorithm::aes_cmac, {}}, {1}}, "A6"},
        {"a MAC key block as PIN key",
         pin(KeyKind::tpk, test_keys::tpk, test_keys::aes_zak, iso0, PinBlockFormat::iso4, good,
             "4111111111111111"),
         "A6"},
        {"a ZAK block as TAK",
         GenerateMac{KeyKind::tak, block(test_keys::aes_zak), {MacAlgorithm::aes_cmac, {}}, {1}}, "28"},
        {"a CMAC key for the retail MAC", GenerateMac{KeyKind::zak, block(test_keys::aes_zak), retail, {1}},
         "A6"},
        {"a TDES key for CMAC",
         GenerateMac{KeyKind::zak, block(test_keys::zak), {MacAlgorithm::aes_cmac, {}}, {1}}, "A6"},
        {"a TPK as TAK", GenerateMac{KeyKind::tak, block(test_keys::tpk), retail, {1}}, "10"},
        {"a ZPK as TMK", GenerateTerminalKeys{block(test_keys::zpk)}, "10"},
    };
    through_every_door([&](Door& door) {
        for (const Row& row : rows) {
            INFO(row.why);
            CHECK(fault_text(door.ask(row.request)) == row.code);
        }
    });
}

TEST_CASE("an S block that was tampered with is refused before anything else is looked at") {
    through_every_door([](Door& door) {
        std::string text(test_keys::aes_zak);
        for (const std::size_t at : {6U, 7U, 9U, 12U, 40U, 100U, 128U}) {
            std::string changed = text;
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            INFO("character " << at);
            CHECK(fault_text(door.ask(
                      GenerateMac{KeyKind::zak, block(changed), {MacAlgorithm::aes_cmac, {}}, {1}})) == "A4");
        }
    });
}

TEST_CASE("an HSM that answers nonsense has answered nothing") {
    for (const std::string_view nonsense : {"", "M7",
                                            "M8"
                                            "00",
                                            "M700", "M70012", "M700GGGGGGGGGGGGGGGG", "ZZ00", "M7XX"}) {
        PayshieldExchange exchange(
            Request(GenerateMac{
                KeyKind::tak, block(test_keys::tak), {MacAlgorithm::retail, MacPadding::zeros}, {1, 2}}),
            PayshieldFormat{});
        REQUIRE(exchange.next_command().has_value());
        exchange.answered(nonsense);
        INFO(nonsense);
        REQUIRE(exchange.done());
        const bool internal = nonsense == "M7XX";  // a code that is none of ours is a refusal
        CHECK(exchange.reply()->error() == (internal ? HsmFault::internal : HsmFault::unavailable));
    }
}

TEST_CASE("a link tells answers apart, drops late ones and keeps their headers out of use") {
    PayshieldFormat format;
    format.header_length = 1;
    PayshieldLink link(format);
    const Request request = GenerateMac{KeyKind::tak, block(test_keys::tak), {MacAlgorithm::retail, {}}, {1}};
    REQUIRE(link.ask(1, request));
    REQUIRE(link.ask(2, request));
    (void)link.take_output();
    link.forget(1);
    // 36 headers: one waits for its late answer, one is open, so 34 more fit.
    for (Ticket ticket = 3; ticket <= 36; ++ticket) REQUIRE(link.ask(ticket, request));
    CHECK_FALSE(link.ask(37, request));
    REQUIRE(link.received(make_frame("1", "M7001111111111111111") + make_frame("0", "M7002222222222222222")));
    const auto answered = link.take_answered();
    REQUIRE(answered.size() == 1);
    CHECK(answered[0].ticket == 2);
    CHECK(iso8583::to_hex(std::get<MacGenerated>(answered[0].reply->value()).mac) == "1111111111111111");
    CHECK(link.ask(38, request));
    CHECK(link.lost().size() == 35);
    CHECK(link.in_flight() == 0);
    CHECK_FALSE(link.received(make_frame("5", "M700")));  // an answer to nothing
}

TEST_CASE("a health check says whether an HSM is there and which LMK it has") {
    SeededRandom random(1);
    HsmEngine engine(Lmk::test(), random);
    HostCommands commands(engine, {});
    PayshieldLink link{PayshieldFormat{}};
    REQUIRE(link.check_health(5));
    const std::string out = link.take_output();
    REQUIRE(link.received(make_frame("", *commands.execute(split_frame(out).frame))));
    const auto answered = link.take_answered();
    REQUIRE(answered.size() == 1);
    CHECK(answered[0].healthy == true);
    CHECK(answered[0].lmk_check_value == iso8583::to_hex(engine.lmk_check_value()));
}
