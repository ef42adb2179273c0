// Every host command of docs/hsm.md as it stands on the wire: what is sent, what comes back.
#include "hsm_sim/host_commands.hpp"

#include <catch2/catch.hpp>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/dukpt.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/pin_verification.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

using namespace hsm;
using hsm::testing::SeededRandom;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

Bytes hex(std::string_view text) { return *iso8583::parse_hex(text); }

/// Remembers what the HSM said of itself.
struct Listener final : HsmObserver {
    std::vector<std::string> refusals;
    std::vector<std::string> operations;
    void refused(HsmFault fault, std::string_view why) override {
        refusals.push_back(code(fault) + " " + std::string(why));
    }
    void key_operated(const KeyOperation& o) override {
        operations.push_back(std::string(o.what) + " " + o.type + " " +
                             (o.refused ? "refused " + code(*o.refused) : o.kcv));
    }
};

struct Bench {
    std::int64_t now = 1'700'000'000;  // 2023-11-14 22:13:20 UTC
    Listener listener;
    SeededRandom random{9};
    HsmEngine engine;
    HostCommands commands;

    explicit Bench(HsmOptions options = {}, HostCommandOptions host = {})
        : engine(Lmk::test(), random, with(options, listener)),
          commands(engine, with_clock(std::move(host), now)) {}

    /// The answer after the header, which must be echoed.
    std::string ask(const std::string& command) {
        const auto answer = commands.execute("HEAD" + command);
        REQUIRE(answer.has_value());
        REQUIRE(answer->substr(0, 4) == "HEAD");
        return answer->substr(4);
    }

  private:
    static HsmOptions with(HsmOptions options, Listener& listener) {
        options.observer = &listener;
        return options;
    }
    static HostCommandOptions with_clock(HostCommandOptions host, std::int64_t& now) {
        host.seconds_now = [&now] { return now; };
        return host;
    }
};

HsmOptions authorised() {
    HsmOptions options;
    options.authorised = true;
    return options;
}
HsmOptions clear_tables() {
    HsmOptions options;
    options.decimalisation = Decimalisation::clear;
    return options;
}

/// A clear key as the engine keeps it.
std::string wrapped(std::string_view type, std::string_view clear, char scheme = 'U') {
    const Lmk lmk = Lmk::test();
    return lmk.wrap_variant(KeyType::parse(type).value(), ClearKey{ByteView(hex(clear))}, scheme);
}
std::string under(std::string_view kek, std::string_view clear, char scheme) {
    return wrap_under_key(ClearKey{ByteView(hex(kek))}, ClearKey{ByteView(hex(clear))}, scheme);
}
std::string pin_block(std::string_view key, std::string_view clear_block) {
    Bytes block = hex(clear_block);
    TdesCipher(hex(key)).encrypt_ecb(block);
    return iso8583::to_hex(block);
}
std::string kcv(std::string_view clear) {
    return iso8583::to_hex(ByteView(tdes_check_value(hex(clear))).first(3));
}

const std::string tak(test_keys::tak);
const std::string tpk(test_keys::tpk);
const std::string zpk(test_keys::zpk);
const std::string tmk(test_keys::tmk);
constexpr std::string_view clear_zmk = "A1A2A4A7A8ABADAEB0B3B5B6B9BABCBF";
constexpr std::string_view clear_tpk = "32323232323232324545454545454545";
constexpr std::string_view clear_pvk = "0123456789ABCDEFFEDCBA9876543210";

}  // namespace

TEST_CASE("frames: header echoed, response code, LMK id, trailer") {
    Bench b;
    const std::string echoed = b.ask("B20003abc");
    CHECK(echoed == "B300abc");
    CHECK(b.ask("B20003abc%00") == "B300abc");
    CHECK(b.ask("B20003abc\x19trailer of any kind") == "B300abc\x19trailer of any kind");
    CHECK(b.ask("B20003abc%00\x19T") == "B300abc\x19T");
    CHECK(b.ask("B20003abc%01") == "B313");
    CHECK(b.ask("B20003abc\x19" + std::string(33, 'x')) == "B315");
    CHECK(b.ask("B20004abc") == "B380");
    CHECK(b.ask("B20003abcd") == "B315");
    CHECK(b.ask("B2000Gabc") == "B315");
    CHECK(b.ask("B20000") == "B300");
    CHECK(b.ask("ZZ") == "Z[68");
    CHECK(b.ask("ZZ\x19T") == "Z[68\x19T");
    CHECK_FALSE(b.commands.execute("HEADB").has_value());
    CHECK_FALSE(b.commands.execute("").has_value());

    for (const std::size_t length : {0U, 2U, 12U}) {
        HostCommandOptions options;
        options.format.header_length = length;
        HostCommands commands(b.engine, options);
        const std::string header(length, 'h');
        CHECK(commands.execute(header + "B20001x") == header + "B300x");
    }
    HostCommandOptions options;
    options.disabled = {"B2"};
    HostCommands commands(b.engine, options);
    CHECK(commands.execute("HEADB20001x") == "HEADB368");
}

TEST_CASE("diagnostics: NC, NO, N0") {
    Bench b;
    const std::string nc = b.ask("NC");
    CHECK(nc == "ND00" + iso8583::to_hex(b.engine.lmk_check_value()) + "0100-0001");
    CHECK(nc.size() == 4 + 16 + 9);
    CHECK(b.ask("NO00") ==
          "NP00"
          "31"
          "0064"
          "0100-0001"
          "0"
          "0000");
    CHECK(b.ask("NO01") == "NP000");
    CHECK(b.ask("NO02") == "NP15");
    const std::string random = b.ask("N0016");
    CHECK(random.substr(0, 4) == "N100");
    CHECK(random.size() == 4 + 16);
    CHECK(b.ask("N0016") != random);
    CHECK(b.ask("N0000") == "N100");
    CHECK(b.ask("N0xyz") == "N115");
}

TEST_CASE("monitoring: J2, J4, J8") {
    Bench b(clear_tables());
    // One second half busy, one idle.
    b.commands.note_load(b.now, 550'000);
    b.now += 2;
    b.commands.note_load(b.now, 0);
    (void)b.ask("NC");
    const std::string stamp = "231114221320";
    const std::string later = "231114221322";
    std::string bands;
    for (int band = 0; band < 10; ++band) {
        const std::string count = band == 0 || band == 5 ? "0000000001" : "0000000000";
        const auto three = [](int n) { return (n < 10 ? "00" : n < 100 ? "0" : "") + std::to_string(n); };
        bands += three(band * 10) + three(band * 10 + 10) + count;
    }
    const std::string head = "00SIMULATOR001" + stamp + later + later;
    CHECK(b.ask("J2") == "J3" + head + "0000000002" + bands + ";");
    CHECK(b.ask("J4") == "J5" + head +
                             "0000000002"
                             "NC000000000001"
                             "J2000000000001"
                             "J4000000000001");
    CHECK(b.ask("J8") == "J9" + head +
                             "0000000000"
                             "0000000000"
                             "0000000"
                             "00000"
                             "00000000");

    // Two wrong PINs now, one an hour later.
    const std::string wrong = "DC" + tpk + wrapped("002", clear_pvk) +
                              pin_block(clear_tpk, "041225EEEEEEEEEE") +
                              "01"
                              "111111111111"
                              "1"
                              "0000";
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) ==
          "0000002"
          "00002"
          "00000000");
    b.now += 90;
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) ==
          "0000000"
          "00002"
          "00000000");
    b.now += 3600;
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) ==
          "0000001"
          "00001"
          "00000000");
}

TEST_CASE("A0 generates keys in every scheme, and exports only in the authorised state") {
    Bench b;
    struct Row {
        std::string_view command;
        std::size_t key_characters;
    };
    for (const Row row :
         {Row{"A00001Z", 16}, {"A00001U", 33}, {"A00002T", 49}, {"A00008U", 33}, {"A00009U", 33}}) {
        INFO(row.command);
        const std::string answer = b.ask(std::string(row.command));
        REQUIRE(answer.substr(0, 4) == "A100");
        REQUIRE(answer.size() == 4 + row.key_characters + 6);
        const auto key = Lmk::test().unwrap_variant(KeyType::parse(row.command.substr(3, 3)).value(),
                                                    answer.substr(4, row.key_characters));
        REQUIRE(key.has_value());
        CHECK(has_odd_parity(key->view()));
        CHECK(answer.substr(4 + row.key_characters) ==
              iso8583::to_hex(ByteView(tdes_check_value(key->view())).first(3)));
    }
    // AES only as key block; attributes after #.
    const std::string block = b.ask("A00001S");
    CHECK(block.substr(0, 12) == "A100SD0128P0");
    const std::string attributed = b.ask("A00002S#51A3B00E00");
    CHECK(attributed.substr(0, 16) ==
          "A100SD0144"
          "51"
          "AB"
          "00");
    CHECK(b.ask("A00002S") == "A126");             // 002 stands for three kinds
    CHECK(b.ask("A00001S#M6A1C00E00") == "A1A6");  // no usage of a ZPK
    CHECK(b.ask("A00001S#P0A4B00E00") == "A115");
    CHECK(b.ask("A00001X") == "A126");
    CHECK(b.ask("A00FFFU") == "A104");
    CHECK(b.ask("A02001U") == "A115");
    CHECK(b.ask("A01001U;0" + wrapped("000", clear_zmk) + "X") == "A117");

    Bench open(authorised());
    const std::string both = open.ask("A01001U;0" + wrapped("000", clear_zmk) + "X");
    REQUIRE(both.substr(0, 4) == "A100");
    const auto under_lmk = Lmk::test().unwrap_variant(KeyType::parse("001").value(), both.substr(4, 33));
    const auto under_zmk = unwrap_under_key(ClearKey{ByteView(hex(clear_zmk))}, both.substr(37, 33));
    CHECK(iso8583::to_hex(under_lmk->view()) == iso8583::to_hex(under_zmk->view()));
    CHECK(open.listener.operations.back() == "generate and export 001 " + both.substr(70));
    CHECK(open.ask("A01001U;1" + tmk + "X").substr(0, 4) == "A100");
    CHECK(open.ask("A01001U;0" + zpk + "X") == "A110");                        // a ZPK is no ZMK
    CHECK(open.ask("A01001T;0" + wrapped("000", clear_zmk) + "Y") == "A127");  // weaker than what it carries
    // A terminal's track key leaves under the TMK as its other working keys do.
    CHECK(b.ask("A0130BU;1" + tmk + "X").substr(0, 4) == "A100");
}

TEST_CASE("A6 imports, A8 exports, only in the authorised state") {
    Bench shut;
    Bench open(authorised());
    const std::string zmk = wrapped("000", clear_zmk);
    const std::string_view clear = "3E3EA2A2CDCDE9E94F4F6161B5B5DADA";
    for (const char scheme : {'X', 'U'}) {
        const std::string import = "A6001" + zmk + under(clear_zmk, clear, scheme) + "U";
        CHECK(shut.ask(import) == "A717");
        CHECK(open.ask(import) == "A700" + wrapped("001", clear) + kcv(clear));
        const std::string export_command = "A8001" + zmk + wrapped("001", clear) + scheme;
        CHECK(shut.ask(export_command) == "A917");
        CHECK(open.ask(export_command) == "A900" + under(clear_zmk, clear, scheme) + kcv(clear));
    }
    CHECK(shut.listener.operations.back() == "export 001 refused 17");

    struct Row {
        std::string_view why;
        std::string command;
        std::string_view answer;
    };
    const std::string under_zmk = under(clear_zmk, clear, 'X');
    const Row rows[] = {
        {"the ZMK under the wrong pair", "A6001" + zpk + under_zmk + "U", "A710"},
        {"a key without odd parity",
         "A6001" + zmk + under(clear_zmk, "3E3EA2A2CDCDE9E94F4F6161B5B5DADB", 'X') + "U", "A711"},
        {"equal halves", "A6001" + zmk + under(clear_zmk, "3E3EA2A2CDCDE9E93E3EA2A2CDCDE9E9", 'X') + "U",
         "A775"},
        {"a scheme that does not fit", "A6001" + zmk + under_zmk + "T", "A727"},
        {"no scheme", "A6001" + zmk + "G" + under_zmk + "U", "A726"},
        {"an unknown type", "A6FFF" + zmk + under_zmk + "U", "A704"},
        {"a key of another type", "A8001" + zmk + tak + "X", "A911"},
        {"under a TMK's pair", "A8001" + tmk + zpk + "X", "A910"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(open.ask(row.command) == row.answer);
    }
}

TEST_CASE("TR-31 blocks travel under a ZMK: B under TDES, D under AES, with what their headers say") {
    Bench open(authorised());
    SeededRandom random(3);
    const std::string zmk = wrapped("000", clear_zmk);
    const auto b = KeyBlockProtection::tdes(hex(clear_zmk));
    const ClearKey clear{ByteView(hex("3E3EA2A2CDCDE9E94F4F6161B5B5DADA"))};
    const auto block = [&](const std::string& usage, char mode, char exportability) {
        KeyBlockHeader header;
        header.version = 'B';
        header.usage = usage;
        header.algorithm = 'T';
        header.mode = mode;
        header.exportability = exportability;
        return "R" + b.wrap(header, clear, random);
    };
    const std::string imported = open.ask("A6001" + zmk + block("P0", 'B', 'E') + "S");
    REQUIRE(imported.substr(0, 12) == "A700SD0128P0");
    const std::string under_lmk = imported.substr(4, imported.size() - 10);
    CHECK(imported.substr(imported.size() - 6) == kcv("3E3EA2A2CDCDE9E94F4F6161B5B5DADA"));
    // … and out again, still P0 and exportable.
    const std::string exported = open.ask("A8001" + zmk + under_lmk + "R");
    REQUIRE(exported.substr(0, 5) == "A900R");
    const auto back = b.unwrap(exported.substr(5, exported.size() - 11));
    REQUIRE(back.has_value());
    CHECK(back->header.usage == "P0");
    CHECK(iso8583::to_hex(back->key.view()) == iso8583::to_hex(clear.view()));

    CHECK(open.ask("A6001" + zmk + block("M3", 'C', 'E') + "S") == "A7A6");
    CHECK(open.ask("A6001" + zmk + block("P0", 'B', 'E') + "U") == "A726");  // attributes would be lost
    std::string altered = block("P0", 'B', 'E');
    altered[6] = 'M';
    CHECK(open.ask("A6001" + zmk + altered + "S") == "A7A4");
    const std::string never = open.ask("A6001" + zmk + block("P0", 'B', 'N') + "S");
    CHECK(open.ask("A8001" + zmk + never.substr(4, never.size() - 10) + "R") == "A929");
    // A key that only decrypts must not encrypt PINs.
    const std::string decrypts = open.ask("A6001" + zmk + block("P0", 'D', 'E') + "S");
    CHECK(open.ask("CA" + tpk + decrypts.substr(4, decrypts.size() - 10) + "12" +
                   pin_block(clear_tpk, "041225EEEEEEEEEE") +
                   "0101"
                   "111111111111") == "CBA6");
    // An AES ZMK, made here, carries an AES ZAK out and in as version D.
    const std::string aes_zmk = open.ask("A00000S#K0A3B00E00");
    const std::string zmk_block = aes_zmk.substr(4, aes_zmk.size() - 10);
    const std::string zak = open.ask("A00008S#M6A1C00E00");
    const std::string zak_block = zak.substr(4, zak.size() - 10);
    const std::string out = open.ask("A8008" + zmk_block + zak_block + "R");
    REQUIRE(out.substr(0, 6) == "A900RD");
    const std::string in = open.ask("A6008" + zmk_block + out.substr(4, out.size() - 10) + "S");
    REQUIRE(in.substr(0, 4) == "A700");
    CHECK(in.substr(in.size() - 6) == zak.substr(zak.size() - 6));
    CHECK(open.ask("A8008" + zmk + zak_block + "R") == "A927");  // a TDES ZMK is weaker than an AES key
    CHECK(open.ask("A8008" + zmk_block + zak_block + "X") == "A926");
}

TEST_CASE("BU: six digits for everybody, sixteen for officers and for working keys") {
    Bench b;
    const std::string all = iso8583::to_hex(tdes_check_value(hex("10101010101010102323232323232323")));
    CHECK(b.ask("BU031" + tak) == "BV00" + all.substr(0, 6));
    CHECK(b.ask("BU031" + tak + ";001") == "BV00" + all.substr(0, 6));
    CHECK(b.ask("BU031" + tak + ";000") == "BV00" + all);
    CHECK(b.ask("BUFF1" + tak + ";003") == "BV00" + all.substr(0, 6));
    CHECK(b.ask("BUFF1" + tak + ";003;000") == "BV00" + all);
    CHECK(b.ask("BU011" + zpk + ";000") == "BV17");
    CHECK(b.ask("BU011" + tak) == "BV10");
    CHECK(b.ask("BU030" + tak) == "BV27");
    CHECK(b.ask("BU0F1" + tak) == "BV04");
    CHECK(b.ask("BUFF1" + tak) == "BV15");
    CHECK(b.ask("BU083" + std::string(test_keys::aes_zak)) == "BV00BE7ED6");
    HostCommandOptions strict;
    strict.working_key_kcv_bytes = 3;
    Bench three({}, strict);
    CHECK(three.ask("BU031" + tak + ";000") == "BV17");
    Bench open(authorised());
    CHECK(open.ask("BU011" + zpk + ";000").size() == 4 + 16);
}

TEST_CASE("HC and HA: working keys under the TMK in plain ECB and under their own LMK pairs") {
    Bench b;
    struct Row {
        std::string_view code;
        std::string_view type;
    };
    for (const Row row : {Row{"HC", "002"}, Row{"HA", "003"}}) {
        const std::string answer = b.ask(std::string(row.code) + tmk);
        REQUIRE(answer.size() == 4 + 33 + 33);
        CHECK(answer.substr(2, 3) == "00X");
        Bytes under_tmk = hex(answer.substr(5, 32));
        TdesCipher(hex("0123456789ABCDEFFEDCBA9876543210")).decrypt_ecb(under_tmk);
        const auto kept = Lmk::test().unwrap_variant(KeyType::parse(row.type).value(), answer.substr(37));
        CHECK(iso8583::to_hex(under_tmk) == iso8583::to_hex(kept->view()));
        CHECK(b.ask(std::string(row.code) + tmk + ";ZZ0").size() == 4 + 16 + 16);
        CHECK(b.ask(std::string(row.code) + tmk + ";UU0").substr(2) == "26");
        CHECK(b.ask(std::string(row.code) + tmk + ";YT0").substr(2) == "27");
        CHECK(b.ask(std::string(row.code) + zpk).substr(2) == "10");
    }
    CHECK(b.listener.operations.front().substr(0, 17) == "terminal key TPK ");
}

TEST_CASE("CA and CC: PIN translation on the wire") {
    Bench b;
    const std::string block = pin_block(clear_tpk, "041225EEEEEEEEEE");  // 1234 for 4111111111111111
    const std::string twelve = "111111111111";
    const std::string answer = b.ask("CA" + tpk + zpk + "12" + block + "0101" + twelve);
    CHECK(answer ==
          "CB00"
          "04" +
              pin_block("76767676767676768989898989898989", "041225EEEEEEEEEE") + "01");
    const std::string aes_zpk(test_keys::aes_zpk);
    // To format 4 with the whole PAN, and back.
    const std::string four = b.ask("CA" + tpk + aes_zpk + "12" + block +
                                   "0148"
                                   "4111111111111111;");
    REQUIRE(four.size() == 4 + 2 + 32 + 2);
    CHECK(b.ask("CC" + aes_zpk + zpk + "12" + four.substr(6, 32) +
                "4801"
                "4111111111111111;") == "CD" + answer.substr(2));
    // With twelve digits alone, those are the account number of format 4.
    const std::string short_pan = b.ask("CA" + tpk + aes_zpk + "12" + block + "0148" + twelve);
    REQUIRE(short_pan.substr(0, 4) == "CB00");
    CHECK(b.ask("CC" + aes_zpk + zpk + "12" + short_pan.substr(6, 32) + "4801" + twelve) ==
          "CD" + answer.substr(2));
    CHECK(b.ask("CC" + aes_zpk + zpk + "12" + four.substr(6, 32) + "4801" + twelve) == "CD20");

    struct Row {
        std::string_view why;
        std::string command;
        std::string_view code;
    };
    const Row rows[] = {
        {"into format 1", "CA" + tpk + zpk + "12" + block + "0105" + twelve, "23"},
        {"an unknown format", "CA" + tpk + zpk + "12" + block + "0199" + twelve, "23"},
        {"another account",
         "CA" + tpk + zpk + "12" + block +
             "0101"
             "222222222222",
         "20"},
        {"source under the wrong pair", "CA" + zpk + zpk + "12" + block + "0101" + twelve, "10"},
        {"destination under the wrong pair", "CA" + tpk + tpk + "12" + block + "0101" + twelve, "11"},
        {"account number of 11 digits",
         "CA" + tpk + zpk + "12" + block +
             "0101"
             "11111111111",
         "22"},
        {"account number with a letter",
         "CA" + tpk + zpk + "12" + block +
             "0101"
             "1111111111A1",
         "22"},
        {"maximum PIN length 08", "CA" + tpk + zpk + "08" + block + "0101" + twelve, "24"},
        {"PIN block of 15 digits", "CA" + tpk + zpk + "12" + block.substr(1) + "0101" + twelve, "23"},
        {"nothing", "CA", "26"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(b.ask(row.command) == "CB" + std::string(row.code));
    }
}

TEST_CASE("G0: DUKPT PINs of TDES and AES base keys") {
    Bench b;
    const std::string_view bdk = "0123456789ABCDEFFEDCBA9876543210";
    // X9.24-1 A.4: PIN 1234, account 4012345678909, first transaction.
    const std::string twelve = "401234567890";
    const std::string answer = b.ask("G0" + wrapped("009", bdk) + zpk +
                                     "609"
                                     "FFFF9876543210E00001"
                                     "1B9C1845EB993A7A"
                                     "0101" +
                                     twelve);
    CHECK(answer ==
          "G100"
          "04" +
              pin_block("76767676767676768989898989898989", "041274EDCBA9876F") + "01");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk +
                "609"
                "FFFF9876543210E00002"
                "1B9C1845EB993A7A"
                "0101" +
                twelve) == "G120");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk +
                "105"
                "9876543210E00001"
                "1B9C1845EB993A7A"
                "0101" +
                twelve) == "G115");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk +
                "605"
                "9876543210E00001"
                "1B9C1845EB993A7A"
                "0101" +
                twelve) == answer);
    CHECK(b.ask("G0" + tak + zpk +
                "609"
                "FFFF9876543210E00001"
                "1B9C1845EB993A7A"
                "0101" +
                twelve) == "G110");

    // X9.24-3 supplement: PIN 1234, account 4111111111111111, AES-128 BDK.
    SeededRandom random(2);
    const KeyRing ring(Lmk::test());
    const auto aes_bdk = ring.wrap(KeyKind::bdk, ClearKey{ByteView(hex("FEDCBA9876543210F1F1F1F1F1F1F1F1"))},
                                   'S', {'A', "B0", 'X', 'N'}, random);
    REQUIRE(aes_bdk.has_value());
    const std::string aes = b.ask("G0" + aes_bdk->text() + zpk +
                                  "000"
                                  "123456789012345600000001"
                                  "A912150391AB65A67E52883D81CE2D15"
                                  "4801"
                                  "4111111111111111;");
    CHECK(aes ==
          "G100"
          "04" +
              pin_block("76767676767676768989898989898989", "041225EEEEEEEEEE") + "01");
}

TEST_CASE("DA, EA, DC, EC verify PINs and stop guessing") {
    const std::string pvk = wrapped("002", clear_pvk);
    // The example of pin_verification: validation 1122334455667788, PIN 5635, offset 1111.
    const std::string account12 = "111111111111";
    const std::string block = pin_block(clear_tpk, "045624EEEEEEEEEE");  // 5635 xor account
    const std::string table = "1234567890123456";
    const auto da = [&](std::string_view offset, const std::string& with_table) {
        return "DA" + tpk + pvk + "12" + block +
               "01"
               "04" +
               account12 + with_table + "P1122334455667788" + std::string(offset);
    };
    Bench clear(clear_tables());
    CHECK(clear.ask(da("1111FFFFFFFF", table)) == "DB00");
    CHECK(clear.ask(da("1112FFFFFFFF", table)) == "DB01");
    CHECK(clear.ask(da("111FFFFFFFFF", table)) == "DB15");
    CHECK(clear.ask(da("11111FFFFFFF", table)) == "DB15");
    CHECK(clear.ask(da("1111FFFFFFFF", "0000000000000000")) == "DB25");
    // Eleven digits of data, N for the last five of the account number.
    Block8 validation{};
    const Bytes expanded = hex("1234567890111110");
    std::copy(expanded.begin(), expanded.end(), validation.begin());
    const std::string offset =
        ibm_offset(TdesCipher(hex(clear_pvk)), validation, DecimalisationTable::parse(table).value(),
                   ClearPin::parse("5635").value(), 4);
    CHECK(clear.ask("DA" + tpk + pvk + "12" + block +
                    "01"
                    "04" +
                    account12 + table + "1234567890N0" + offset + "FFFFFFFF") == "DB00");
    CHECK(clear.ask("EA" + zpk + pvk + "12" +
                    pin_block("76767676767676768989898989898989", "045624EEEEEEEEEE") +
                    "01"
                    "04" +
                    account12 + table +
                    "P1122334455667788"
                    "1111FFFFFFFF") == "EB00");

    // Encrypted tables are the rule; a clear one is then refused, and so is a stored one that is not there.
    Bench encrypted;
    const std::string sealed = encrypted.engine.encrypt_decimalisation_table(table).value();
    CHECK(encrypted.ask(da("1111FFFFFFFF", sealed)) == "DB00");
    CHECK(encrypted.ask(da("1111FFFFFFFF", table)) == "DB25");
    HsmOptions stored_options;
    stored_options.decimalisation = Decimalisation::stored;
    stored_options.stored_decimalisation_tables = {table};
    Bench stored(stored_options);
    CHECK(stored.ask(da("1111FFFFFFFF", "K0000")) == "DB00");
    CHECK(stored.ask(da("1111FFFFFFFF", "K0001")) == "DB25");
    CHECK(clear.ask(da("1111FFFFFFFF", sealed)) == "DB25");

    // PVV, with a PVK pair in scheme U and as 32 digits without one (plain ECB).
    const std::string pvv_block = pin_block(clear_tpk, "044524EEEEEEEEEE");
    const std::string pvv = visa_pvv(TdesCipher(hex(clear_pvk)), PinAccount::parse_twelve(account12).value(),
                                     '1', ClearPin::parse("4535").value());
    const std::string ecb =
        Lmk::test().wrap_variant(KeyType::parse("002").value(), ClearKey{ByteView(hex(clear_pvk))}, 'X');
    for (const std::string& pair : {pvk, ecb, ecb.substr(1)})
        CHECK(clear.ask("DC" + tpk + pair + pvv_block + "01" + account12 + "1" + pvv) == "DD00");
    const auto dc = [&](const std::string& value) {
        return "DC" + tpk + pvk + pvv_block + "01" + account12 + "1" + value;
    };
    // Nine wrong ones and a right one: the right one counts the wrong ones away. Then ten wrong ones end it.
    const std::string wrong = pvv == "0000" ? "0001" : "0000";
    for (int i = 0; i < 9; ++i) CHECK(clear.ask(dc(wrong)) == "DD01");
    CHECK(clear.ask(dc(pvv)) == "DD00");
    for (int i = 0; i < 10; ++i) CHECK(clear.ask(dc(wrong)) == "DD01");
    CHECK(clear.ask(dc(wrong)) == "DD39");
    CHECK(clear.ask(dc(pvv)) == "DD39");
    CHECK(clear.ask("DC" + tpk + pvk + pin_block(clear_tpk, "044524EEEEEEEEEE") +
                    "01"
                    "222222222222"
                    "1"
                    "0000") == "DD20");
    CHECK(clear.engine.pin_attacks() == 2);
}

TEST_CASE("M6 and M8: inputs, sizes, algorithms") {
    Bench b;
    const std::string text = "Now is the time for all ";
    const std::string digits = "4E6F77206973207468652074696D6520666F7220616C6C20";
    const std::string key = wrapped("003", "0123456789ABCDEFFEDCBA9876543210");
    const std::string retail = "A1C72E74EA3FA9B6";
    CHECK(b.ask("M6"
                "0"
                "0"
                "1"
                "3"
                "1"
                "003" +
                key + "0018" + text) == "M700" + retail);
    CHECK(b.ask("M6"
                "0"
                "2"
                "1"
                "3"
                "1"
                "003" +
                key + "0018" + text) == "M700" + retail);
    CHECK(b.ask("M6"
                "0"
                "1"
                "1"
                "3"
                "1"
                "003" +
                key + "0030" + digits) == "M700" + retail);
    CHECK(b.ask("M6"
                "0"
                "0"
                "0"
                "3"
                "1"
                "003" +
                key + "0018" + text) == "M700" + retail.substr(0, 8));
    CHECK(b.ask("M8"
                "0"
                "0"
                "1"
                "3"
                "1"
                "003" +
                key + "0018" + text + retail) == "M900");
    CHECK(b.ask("M8"
                "0"
                "0"
                "0"
                "3"
                "1"
                "003" +
                key + "0018" + text + retail.substr(0, 8)) == "M900");
    CHECK(b.ask("M8"
                "0"
                "0"
                "1"
                "3"
                "1"
                "003" +
                key + "0018" + text + "A1C72E74EA3FA9B7") == "M901");
    const std::string single = wrapped("003", "0123456789ABCDEF", 'Z');
    CHECK(b.ask("M6"
                "0"
                "0"
                "1"
                "1"
                "1"
                "003" +
                single + "0018" + text) == "M70070A30640CC76DD8B");
    CHECK(b.ask("M6"
                "0"
                "0"
                "1"
                "1"
                "2"
                "003" +
                single + "0018" + text) == "M70010E1F0F108341B6D");
    CHECK(b.ask("M6"
                "0"
                "0"
                "1"
                "3"
                "1"
                "003" +
                single + "0018" + text) == "M727");
    const std::string aes(test_keys::aes_zak);
    CHECK(b.ask("M6"
                "0"
                "0"
                "1"
                "6"
                "0"
                "008" +
                aes + "0000")
              .size() == 4 + 16);

    HostCommandOptions bytes_options;
    bytes_options.format.hex_length = PayshieldFormat::HexLength::bytes;
    Bench counts_bytes({}, bytes_options);
    CHECK(counts_bytes.ask("M6"
                           "0"
                           "1"
                           "1"
                           "3"
                           "1"
                           "003" +
                           key + "0018" + digits) == "M700" + retail);
    CHECK(counts_bytes.ask("M6"
                           "0"
                           "1"
                           "1"
                           "3"
                           "1"
                           "003" +
                           key + "0030" + digits) == "M780");

    struct Row {
        std::string_view why;
        std::string command;
        std::string_view code;
    };
    const Row rows[] = {
        {"mode 1",
         "1"
         "0"
         "1"
         "3"
         "1"
         "003" +
             key + "0018" + text,
         "15"},
        {"input format 3",
         "0"
         "3"
         "1"
         "3"
         "1"
         "003" +
             key + "0018" + text,
         "15"},
        {"size 2",
         "0"
         "0"
         "2"
         "3"
         "1"
         "003" +
             key + "0018" + text,
         "15"},
        {"algorithm 2",
         "0"
         "0"
         "1"
         "2"
         "1"
         "003" +
             key + "0018" + text,
         "15"},
        {"padding 3",
         "0"
         "0"
         "1"
         "3"
         "3"
         "003" +
             key + "0018" + text,
         "15"},
        {"no padding",
         "0"
         "0"
         "1"
         "3"
         "0"
         "003" +
             key + "0018" + text,
         "15"},
        {"a PIN key's type",
         "0"
         "0"
         "1"
         "3"
         "1"
         "001" +
             zpk + "0018" + text,
         "28"},
        {"a key of another type",
         "0"
         "0"
         "1"
         "3"
         "1"
         "003" +
             zpk + "0018" + text,
         "10"},
        {"unknown type",
         "0"
         "0"
         "1"
         "3"
         "1"
         "0F3" +
             key + "0018" + text,
         "04"},
        {"length past the end",
         "0"
         "0"
         "1"
         "3"
         "1"
         "003" +
             key + "0019" + text,
         "80"},
        {"length short of the end",
         "0"
         "0"
         "1"
         "3"
         "1"
         "003" +
             key + "0017" + text,
         "15"},
        {"odd hex",
         "0"
         "1"
         "1"
         "3"
         "1"
         "003" +
             key +
             "0003"
             "ABC",
         "80"},
        {"hex that is none",
         "0"
         "1"
         "1"
         "3"
         "1"
         "003" +
             key +
             "0004"
             "ABCX",
         "15"},
        {"CMAC with a TDES key",
         "0"
         "0"
         "1"
         "6"
         "0"
         "003" +
             key + "0018" + text,
         "A6"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(b.ask("M6" + row.command) == "M7" + std::string(row.code));
    }
}

TEST_CASE("every refusal explains itself in the log, without secrets") {
    Bench b;
    (void)b.ask("CA" + tpk + zpk + "12" + pin_block(clear_tpk, "041225EEEEEEEEEE") +
                "0101"
                "222222222222");
    (void)b.ask("M600131003" + zpk + "00041234");
    (void)b.ask("A6001" + zpk + zpk + "U");
    (void)b.ask("XX");
    REQUIRE(b.listener.refusals.size() == 4);
    for (const std::string& line : b.listener.refusals) {
        INFO(line);
        CHECK(line.size() > 10);
        for (const std::string_view secret :
             {"1234", "2222", "4111", "76767676", "32323232", "1EF828", "22EB30"})
            CHECK(line.find(secret) == std::string::npos);
    }
}
