// Host commands that make, move and check keys: what is sent, what comes back.
#include <catch2/catch.hpp>

#include "hsm_sim/key_block.hpp"
#include "tests/hsm_sim/host_commands_bench.hpp"

using namespace hsm;
using namespace hsm::testing;

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
    CHECK(attributed.substr(0, 16) == "A100SD014451AB00");
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
                   pin_block(clear_tpk, "041225EEEEEEEEEE") + "0101111111111111") == "CBA6");
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
