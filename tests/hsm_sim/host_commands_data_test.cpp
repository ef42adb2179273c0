// Host commands over PINs and messages: what is sent, what comes back.
#include <catch2/catch.hpp>

#include "hsm_sim/pin_verification.hpp"
#include "tests/hsm_sim/host_commands_bench.hpp"

using namespace hsm;
using namespace hsm::testing;

TEST_CASE("CA and CC: PIN translation on the wire") {
    Bench b;
    const std::string block = pin_block(clear_tpk, "041225EEEEEEEEEE");  // 1234 for 4111111111111111
    const std::string twelve = "111111111111";
    const std::string answer = b.ask("CA" + tpk + zpk + "12" + block + "0101" + twelve);
    CHECK(answer == "CB0004" + pin_block("76767676767676768989898989898989", "041225EEEEEEEEEE") + "01");
    const std::string aes_zpk(test_keys::aes_zpk);
    // To format 4 with the whole PAN, and back.
    const std::string four = b.ask("CA" + tpk + aes_zpk + "12" + block + "01484111111111111111;");
    REQUIRE(four.size() == 4 + 2 + 32 + 2);
    CHECK(b.ask("CC" + aes_zpk + zpk + "12" + four.substr(6, 32) + "48014111111111111111;") ==
          "CD" + answer.substr(2));
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
        {"another account", "CA" + tpk + zpk + "12" + block + "0101222222222222", "20"},
        {"source under the wrong pair", "CA" + zpk + zpk + "12" + block + "0101" + twelve, "10"},
        {"destination under the wrong pair", "CA" + tpk + tpk + "12" + block + "0101" + twelve, "11"},
        {"account number of 11 digits", "CA" + tpk + zpk + "12" + block + "010111111111111", "22"},
        {"account number with a letter", "CA" + tpk + zpk + "12" + block + "01011111111111A1", "22"},
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
    const std::string answer =
        b.ask("G0" + wrapped("009", bdk) + zpk + "609FFFF9876543210E000011B9C1845EB993A7A0101" + twelve);
    CHECK(answer == "G10004" + pin_block("76767676767676768989898989898989", "041274EDCBA9876F") + "01");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk + "609FFFF9876543210E000021B9C1845EB993A7A0101" + twelve) ==
          "G120");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk + "1059876543210E000011B9C1845EB993A7A0101" + twelve) ==
          "G115");
    CHECK(b.ask("G0" + wrapped("009", bdk) + zpk + "6059876543210E000011B9C1845EB993A7A0101" + twelve) ==
          answer);
    CHECK(b.ask("G0" + tak + zpk + "609FFFF9876543210E000011B9C1845EB993A7A0101" + twelve) == "G110");

    // X9.24-3 supplement: PIN 1234, account 4111111111111111, AES-128 BDK.
    SeededRandom random(2);
    const KeyRing ring(Lmk::test());
    const auto aes_bdk = ring.wrap(KeyKind::bdk, ClearKey{ByteView(hex("FEDCBA9876543210F1F1F1F1F1F1F1F1"))},
                                   'S', {'A', "B0", 'X', 'N'}, random);
    REQUIRE(aes_bdk.has_value());
    const std::string aes =
        b.ask("G0" + aes_bdk->text() + zpk +
              "000123456789012345600000001A912150391AB65A67E52883D81CE2D1548014111111111111111;");
    CHECK(aes == "G10004" + pin_block("76767676767676768989898989898989", "041225EEEEEEEEEE") + "01");
}

TEST_CASE("DA, EA, DC, EC verify PINs and stop guessing") {
    const std::string pvk = wrapped("002", clear_pvk);
    // The example of pin_verification: validation 1122334455667788, PIN 5635, offset 1111.
    const std::string account12 = "111111111111";
    const std::string block = pin_block(clear_tpk, "045624EEEEEEEEEE");  // 5635 xor account
    const std::string table = "1234567890123456";
    const auto da = [&](std::string_view offset, const std::string& with_table) {
        return "DA" + tpk + pvk + "12" + block + "0104" + account12 + with_table + "P1122334455667788" +
               std::string(offset);
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
    CHECK(clear.ask("DA" + tpk + pvk + "12" + block + "0104" + account12 + table + "1234567890N0" + offset +
                    "FFFFFFFF") == "DB00");
    CHECK(clear.ask("EA" + zpk + pvk + "12" +
                    pin_block("76767676767676768989898989898989", "045624EEEEEEEEEE") + "0104" + account12 +
                    table + "P11223344556677881111FFFFFFFF") == "EB00");

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
    CHECK(clear.ask("DC" + tpk + pvk + pin_block(clear_tpk, "044524EEEEEEEEEE") + "0122222222222210000") ==
          "DD20");
    CHECK(clear.engine.pin_attacks() == 2);
}

TEST_CASE("M6 and M8: inputs, sizes, algorithms") {
    Bench b;
    const std::string text = "Now is the time for all ";
    const std::string digits = "4E6F77206973207468652074696D6520666F7220616C6C20";
    const std::string key = wrapped("003", "0123456789ABCDEFFEDCBA9876543210");
    const std::string retail = "A1C72E74EA3FA9B6";
    CHECK(b.ask("M600131003" + key + "0018" + text) == "M700" + retail);
    CHECK(b.ask("M602131003" + key + "0018" + text) == "M700" + retail);
    CHECK(b.ask("M601131003" + key + "0030" + digits) == "M700" + retail);
    CHECK(b.ask("M600031003" + key + "0018" + text) == "M700" + retail.substr(0, 8));
    CHECK(b.ask("M800131003" + key + "0018" + text + retail) == "M900");
    CHECK(b.ask("M800031003" + key + "0018" + text + retail.substr(0, 8)) == "M900");
    CHECK(b.ask("M800131003" + key + "0018" + text + "A1C72E74EA3FA9B7") == "M901");
    const std::string single = wrapped("003", "0123456789ABCDEF", 'Z');
    CHECK(b.ask("M600111003" + single + "0018" + text) == "M70070A30640CC76DD8B");
    CHECK(b.ask("M600112003" + single + "0018" + text) == "M70010E1F0F108341B6D");
    CHECK(b.ask("M600131003" + single + "0018" + text) == "M727");
    const std::string aes(test_keys::aes_zak);
    CHECK(b.ask("M600160008" + aes + "0000").size() == 4 + 16);

    HostCommandOptions bytes_options;
    bytes_options.format.hex_length = PayshieldFormat::HexLength::bytes;
    Bench counts_bytes({}, bytes_options);
    CHECK(counts_bytes.ask("M601131003" + key + "0018" + digits) == "M700" + retail);
    CHECK(counts_bytes.ask("M601131003" + key + "0030" + digits) == "M780");

    struct Row {
        std::string_view why;
        std::string command;
        std::string_view code;
    };
    const Row rows[] = {
        {"mode 1", "10131003" + key + "0018" + text, "15"},
        {"input format 3", "03131003" + key + "0018" + text, "15"},
        {"size 2", "00231003" + key + "0018" + text, "15"},
        {"algorithm 2", "00121003" + key + "0018" + text, "15"},
        {"padding 3", "00133003" + key + "0018" + text, "15"},
        {"no padding", "00130003" + key + "0018" + text, "15"},
        {"a PIN key's type", "00131001" + zpk + "0018" + text, "28"},
        {"a key of another type", "00131003" + zpk + "0018" + text, "10"},
        {"unknown type", "001310F3" + key + "0018" + text, "04"},
        {"length past the end", "00131003" + key + "0019" + text, "80"},
        {"length short of the end", "00131003" + key + "0017" + text, "15"},
        {"odd hex", "01131003" + key + "0003ABC", "80"},
        {"hex that is none", "01131003" + key + "0004ABCX", "15"},
        {"CMAC with a TDES key", "00160003" + key + "0018" + text, "A6"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(b.ask("M6" + row.command) == "M7" + std::string(row.code));
    }
}
