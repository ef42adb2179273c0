// The standards' own example values, as tables, and what the standards say must be refused.
#include <catch2/catch.hpp>

#include "hsm_sim/dukpt.hpp"
#include "hsm_sim/key_block.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/mac.hpp"
#include "hsm_sim/pin_block.hpp"
#include "hsm_sim/pin_verification.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

using namespace hsm;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

Bytes hex(std::string_view text) { return *iso8583::parse_hex(text); }

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::string_view text) {
    const Bytes bytes = hex(text);
    REQUIRE(bytes.size() == N);
    std::array<std::uint8_t, N> out{};
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

std::string digits_of(const ClearPin& pin) {
    std::string out;
    for (std::size_t i = 0; i < pin.size(); ++i) out.push_back(static_cast<char>('0' + pin.digit(i)));
    return out;
}

PinAccount account(std::string_view pan) { return PinAccount::parse_whole(pan).value(); }

}  // namespace

TEST_CASE("ISO/IEC 9797-1 annex B") {
    struct Row {
        std::string_view key;
        std::string_view text;
        int algorithm;
        MacPadding padding;
        std::string_view mac;
    };
    const Row rows[] = {
        {"0123456789ABCDEF", "Now is the time for all ", 1, MacPadding::zeros, "70A30640CC76DD8B"},
        {"0123456789ABCDEF", "Now is the time for all ", 1, MacPadding::bit, "10E1F0F108341B6D"},
        {"0123456789ABCDEF", "Now is the time for it", 1, MacPadding::zeros, "E45B3AD2B7CC0856"},
        {"0123456789ABCDEF", "Now is the time for it", 1, MacPadding::bit, "A924C72136149211"},
        {"0123456789ABCDEFFEDCBA9876543210", "Now is the time for all ", 3, MacPadding::zeros,
         "A1C72E74EA3FA9B6"},
    };
    for (const Row& row : rows) {
        INFO("algorithm " << row.algorithm << " over '" << row.text << "'");
        const TdesCipher key(hex(row.key));
        const auto mac = row.algorithm == 1 ? cbc_mac(key, iso8583::as_bytes(row.text), row.padding)
                                            : retail_mac(key, iso8583::as_bytes(row.text), row.padding);
        CHECK(iso8583::to_hex(mac) == row.mac);
    }
}

TEST_CASE("RFC 4493: AES-CMAC, and one message leaves no trace in the next") {
    struct Row {
        std::string_view message;
        std::string_view mac;
    };
    const Row rows[] = {
        {"", "BB1D6929E95937287FA37D129B756746"},
        {"6BC1BEE22E409F96E93D7E117393172A", "070A16B46B4D4144F79BDD9DD04A287C"},
        {"6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411",
         "DFA66747DE9AE63030CA32611497C827"},
        {"6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411E5FBC1191A0A52EFF69"
         "F2445DF4F9B17"
         "AD2B417BE66C3710",
         "51F0BEBF7E3B9D92FC49741779363CFE"},
    };
    AesCipher key(hex("2B7E151628AED2A6ABF7158809CF4F3C"));
    for (int round = 0; round < 2; ++round)
        for (const Row& row : rows) CHECK(iso8583::to_hex(key.cmac(hex(row.message))) == row.mac);
}

TEST_CASE("a CMAC longer than one chunk is the one of the definition") {
    // SP 800-38B, written down block by block.
    const auto by_definition = [](AesCipher& key, ByteView data) {
        const auto doubled = [](Block16 in) {
            Block16 out{};
            for (std::size_t i = 0; i < 16; ++i)
                out[i] = static_cast<std::uint8_t>(in[i] << 1 | (i < 15 ? in[i + 1] >> 7 : 0));
            if ((in[0] & 0x80) != 0) out[15] ^= 0x87;
            return out;
        };
        Block16 subkey{};
        key.encrypt(subkey);
        subkey = doubled(subkey);
        Bytes padded(data.begin(), data.end());
        if (padded.empty() || padded.size() % 16 != 0) {
            subkey = doubled(subkey);
            padded.push_back(0x80);
            while (padded.size() % 16 != 0) padded.push_back(0);
        }
        for (std::size_t i = 0; i < 16; ++i) padded[padded.size() - 16 + i] ^= subkey[i];
        Block16 chain{};
        for (std::size_t at = 0; at < padded.size(); at += 16) {
            for (std::size_t i = 0; i < 16; ++i) chain[i] ^= padded[at + i];
            key.encrypt(chain);
        }
        return chain;
    };
    Bytes message(5000);
    for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * 31);
    AesCipher key(hex("2B7E151628AED2A6ABF7158809CF4F3C"));
    for (const std::size_t size :
         {0U, 1U, 15U, 16U, 17U, 1008U, 1023U, 1024U, 1025U, 2047U, 2048U, 2049U, 5000U}) {
        INFO(size << " bytes");
        const ByteView data = ByteView(message).first(size);
        CHECK(iso8583::to_hex(key.cmac(data)) == iso8583::to_hex(by_definition(key, data)));
    }
}

TEST_CASE("ISO 9564-1: PIN blocks, there and back") {
    struct Row {
        PinBlockFormat format;
        std::string_view pin;
        std::string_view pan;
        std::string_view fill;
        std::string_view block;
    };
    const Row rows[] = {
        {PinBlockFormat::iso0, "1234", "5555555551234567", "0000000000000000", "041261AAAAEDCBA9"},
        {PinBlockFormat::iso0, "123456789012", "5555555551234567", "0000000000000000", "0C1261032D8226A9"},
        {PinBlockFormat::iso0, "1234", "4012345678909", "0000000000000000", "041274EDCBA9876F"},
        {PinBlockFormat::iso1, "12345", "4111111111111111", "0000000EDCBA9876", "1512345EDCBA9876"},
    };
    for (const Row& row : rows) {
        INFO(host_number(row.format) << " of a PIN of " << row.pin.size() << " digits");
        const auto block = encode_pin_block(row.format, ClearPin::parse(row.pin).value(), account(row.pan),
                                            array_of<8>(row.fill));
        CHECK(iso8583::to_hex(block) == row.block);
        const auto back = decode_pin_block(row.format, block, account(row.pan));
        REQUIRE(back.has_value());
        CHECK(digits_of(*back) == row.pin);
    }
}

TEST_CASE("decode(encode(pin)) is the PIN, for every format, length and account length") {
    hsm::testing::SeededRandom random(11);
    for (std::size_t length = 4; length <= 12; ++length)
        for (std::size_t pan_digits = 8; pan_digits <= 19; ++pan_digits) {
            const std::string text = std::string("918273645091").substr(0, length);
            const ClearPin pin = ClearPin::parse(text).value();
            const auto card = account(std::string("4929876543210123456").substr(0, pan_digits));
            std::array<std::uint8_t, 8> fill{};
            random.fill(fill);
            for (const auto format : {PinBlockFormat::iso0, PinBlockFormat::iso1, PinBlockFormat::iso3}) {
                const auto back = decode_pin_block(format, encode_pin_block(format, pin, card, fill), card);
                REQUIRE(back.has_value());
                CHECK(digits_of(*back) == text);
            }
            const auto back4 = decode_pin_field4(encode_pin_field4(pin, fill));
            REQUIRE(back4.has_value());
            CHECK(digits_of(*back4) == text);
        }
}

TEST_CASE("a format 3 block is filled with A to F only") {
    hsm::testing::SeededRandom random(12);
    std::array<int, 16> seen{};
    for (int i = 0; i < 2000; ++i) {
        std::array<std::uint8_t, 8> fill{};
        random.fill(fill);
        auto block = encode_pin_block(PinBlockFormat::iso3, ClearPin::parse("1234").value(),
                                      account("4111111111111111"), fill);
        const auto pan = account("4111111111111111").field8();
        for (std::size_t at = 0; at < 8; ++at) block[at] = static_cast<std::uint8_t>(block[at] ^ pan[at]);
        for (std::size_t at = 6; at < 16; ++at)
            ++seen.at(at % 2 == 0 ? block[at / 2] >> 4 : block[at / 2] & 0xF);
    }
    for (std::size_t value = 0; value < 10; ++value) CHECK(seen.at(value) == 0);
    for (std::size_t value = 10; value < 16; ++value) CHECK(seen.at(value) > 20000 / 6 - 400);
}

TEST_CASE("PIN blocks that must be refused, all with the one code for PIN content") {
    struct Row {
        std::string_view why;
        PinBlockFormat format;
        std::string_view block;
    };
    const Row rows[] = {
        {"control nibble 2", PinBlockFormat::iso0, "241261AAAAEDCBA9"},
        {"control nibble 3 in format 0", PinBlockFormat::iso0, "341261AAAAEDCBA9"},
        {"length 15", PinBlockFormat::iso0, "0F1261AAAAEDCBA9"},
        {"length 13", PinBlockFormat::iso0, "0D1261AAAAEDCBA9"},
        {"length 3", PinBlockFormat::iso0, "031261AAAAEDCBA9"},
        {"length 0", PinBlockFormat::iso0, "001261AAAAEDCBA9"},
        {"last fill nibble not F", PinBlockFormat::iso0, "041261AAAAEDCBAA"},
        {"first fill nibble not F", PinBlockFormat::iso0, "041261BAAAEDCBA9"},
        {"PIN digit A", PinBlockFormat::iso0, "04A261AAAAEDCBA9"},
        {"format 3 with fill 9", PinBlockFormat::iso3, "341261CAAAEDCBAF"},
        {"format 3 read as 0", PinBlockFormat::iso3, "041261AAAAEDCBA9"},
        {"format 1 with control 0", PinBlockFormat::iso1, "0412345EDCBA9876"},
        {"format 1 with a PIN digit F", PinBlockFormat::iso1, "141F345EDCBA9876"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const auto pin = decode_pin_block(row.format, array_of<8>(row.block), account("5555555551234567"));
        REQUIRE_FALSE(pin.has_value());
        CHECK(pin.error() == HsmFault::pin_block_content);
    }
    for (const std::string_view field :
         {"341234AAAAAAAAAA2F69ADDE2E9E7ACE", "431234AAAAAAAAAA2F69ADDE2E9E7ACE",
          "441234AAAAAAAAAB2F69ADDE2E9E7ACE", "44123AAAAAAAAAAA2F69ADDE2E9E7ACE",
          "4D1234AAAAAAAAAA2F69ADDE2E9E7ACE"}) {
        INFO(field);
        CHECK_FALSE(decode_pin_field4(array_of<16>(field)).has_value());
    }
}

TEST_CASE("X9.24-3 supplement: the PAN field of format 4") {
    struct Row {
        std::string_view pan;
        std::string_view field;
    };
    const Row rows[] = {{"4111111111111111", "44111111111111111000000000000000"},
                        {"411111111111111", "34111111111111110000000000000000"},
                        {"123456789", "00001234567890000000000000000000"},
                        {"112233445566778899", "61122334455667788990000000000000"},
                        {"1234567890123456789", "71234567890123456789000000000000"}};
    for (const Row& row : rows) CHECK(iso8583::to_hex(account(row.pan).field16()) == row.field);
}

TEST_CASE("X9.24-1 A.4: TDES DUKPT") {
    const Bytes bdk = hex("0123456789ABCDEFFEDCBA9876543210");
    CHECK(
        iso8583::to_hex(dukpt_tdes_initial_key(bdk, parse_tdes_ksn("FFFF9876543210E00000").value()).view()) ==
        "6AC292FAA1315B4D858AB3A3D7D5933A");
    struct Row {
        std::string_view ksn;
        std::string_view key;
        std::string_view pin_block;
    };
    const Row rows[] = {{"FFFF9876543210E00001", "042666B49184CFA368DE9628D0397BC9", "1B9C1845EB993A7A"},
                        {"FFFF9876543210E00002", "C46551CEF9FD24B0AA9AD834130D3BC7", "10A01C8D02C69107"},
                        {"9876543210E00003", "0DF3D9422ACA56E547676D07AD6BADFA", "18DC07B94797B466"}};
    for (const Row& row : rows) {
        INFO(row.ksn);
        const auto ksn = parse_tdes_ksn(row.ksn).value();
        CHECK(iso8583::to_hex(dukpt_tdes_transaction_key(bdk, ksn).view()) == row.key);
        Block8 block = array_of<8>("041274EDCBA9876F");
        TdesCipher(dukpt_tdes_working_key(bdk, ksn, DukptPurpose::pin).view()).encrypt(block);
        CHECK(iso8583::to_hex(block) == row.pin_block);
    }
    for (const std::string_view bad : {"", "FFFF9876543210E000011", "FFFF9876543210E0000",
                                       "FFFF9876543210E0000G", "FFFF9876543210E0000100"})
        CHECK_FALSE(parse_tdes_ksn(bad).has_value());
}

TEST_CASE("X9.24-3 supplement: AES DUKPT of 128 and 256 bits") {
    const Bytes bdk128 = hex("FEDCBA9876543210F1F1F1F1F1F1F1F1");
    Bytes bdk256 = bdk128;
    bdk256.insert(bdk256.end(), bdk128.begin(), bdk128.end());
    const auto id = array_of<8>("1234567890123456");
    CHECK(iso8583::to_hex(dukpt_aes_initial_key(bdk128, id).view()) == "1273671EA26AC29AFA4D1084127652A1");
    CHECK(iso8583::to_hex(dukpt_aes_initial_key(bdk256, id).view()) ==
          "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F");
    const auto ksn = parse_aes_ksn("123456789012345600000001").value();
    CHECK(iso8583::to_hex(dukpt_aes_transaction_key(bdk128, ksn).view()) ==
          "4F21B565BAD9835E112B6465635EAE44");
    CHECK(iso8583::to_hex(
              dukpt_aes_working_key(bdk128, ksn, DukptUsage::pin_encryption, DukptKeyType::aes128).view()) ==
          "AF8CB133A78F8DC2D1359F18527593FB");
    CHECK(iso8583::to_hex(
              dukpt_aes_working_key(bdk256, ksn, DukptUsage::pin_encryption, DukptKeyType::aes256).view()) ==
          "8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502");
}

TEST_CASE("TR-31:2018 A.7: both versions open, and what was wrapped opens again") {
    const auto b = KeyBlockProtection::tdes(hex("DD7515F2BFC17F85CE48F3CA25CB21F6"));
    const auto d =
        KeyBlockProtection::aes(hex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"));
    const auto opened_b =
        b.unwrap("B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E");
    const auto opened_d = d.unwrap(
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F742550959"
        "3D03A457DC34");
    REQUIRE(opened_b.has_value());
    REQUIRE(opened_d.has_value());
    CHECK(iso8583::to_hex(opened_b->key.view()) == "3F419E1CB7079442AA37474C2EFBF8B8");
    CHECK(iso8583::to_hex(opened_d->key.view()) == "3F419E1CB7079442AA37474C2EFBF8B8");
    CHECK(iso8583::to_hex(aes_check_value(opened_d->key.view())) == "08793E25AB");

    hsm::testing::SeededRandom random(4);
    for (const KeyBlockProtection* protection : {&b, &d}) {
        KeyBlockHeader header;
        header.version = protection->version();
        header.usage = "K0";
        header.algorithm = 'T';
        header.mode = 'B';
        header.key_version = "07";
        header.exportability = 'S';
        header.optional = {{"KS", "00604B120F9292800000"}, {"LB", "TMK"}};
        const ClearKey key{ByteView(hex("0123456789ABCDEFFEDCBA9876543210"))};
        const std::string text = protection->wrap(header, key, random);
        const auto back = protection->unwrap(text);
        REQUIRE(back.has_value());
        CHECK(iso8583::to_hex(back->key.view()) == "0123456789ABCDEFFEDCBA9876543210");
        CHECK(back->header.usage == "K0");
        CHECK(back->header.key_version == "07");
        CHECK(back->header.exportability == 'S');
        REQUIRE(back->header.optional.size() == 2);
        CHECK(back->header.optional[0].data == "00604B120F9292800000");
        CHECK(back->header.optional[1].data == "TMK");
        // No character of a block can be changed without being noticed.
        for (std::size_t at = 0; at < text.size(); ++at) {
            std::string changed = text;
            changed[at] = changed[at] == '1' ? '2' : '1';
            if (changed == text) continue;
            INFO("character " << at);
            CHECK_FALSE(protection->unwrap(changed).has_value());
        }
    }
}

TEST_CASE("key blocks that lie about themselves") {
    const auto d =
        KeyBlockProtection::aes(hex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"));
    const std::string good =
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F742550959"
        "3D03A457DC34";
    struct Row {
        std::string_view why;
        std::string text;
        std::string_view says;
    };
    const Row rows[] = {
        {"empty", "", "16 to 512 characters"},
        {"header only", good.substr(0, 16), "length field"},
        {"cut short", good.substr(0, 111), "length field"},
        {"length field of another block", "D0128" + good.substr(5), "length field"},
        {"length field no number", "D01A2" + good.substr(5), "length field"},
        {"version of TDES", "B" + good.substr(1), "version"},
        {"99 optional blocks", good.substr(0, 12) + "99" + good.substr(14), "optional blocks"},
        {"an optional block that runs past the end",
         good.substr(0, 12) + "01" + "00" + "KSFF" + good.substr(20), "optional block"},
        {"lower-case x in the body", good.substr(0, 50) + "x" + good.substr(51), "hex"},
        {"another MAC", good.substr(0, 111) + "5", "MAC"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const auto key = d.unwrap(row.text);
        REQUIRE_FALSE(key.has_value());
        CHECK(key.error().what.find(row.says) != std::string::npos);
    }
}

TEST_CASE("IBM 3624 offsets and Visa PVVs") {
    const TdesCipher pvk(hex("0123456789ABCDEFFEDCBA9876543210"));
    const auto table = DecimalisationTable::parse("1234567890123456").value();
    const auto validation = array_of<8>("1122334455667788");
    struct Offset {
        std::string_view pin;
        std::string_view offset;
    };
    for (const Offset row : {Offset{"4524", "0000"}, {"5635", "1111"}, {"0000", "6586"}}) {
        const ClearPin pin = ClearPin::parse(row.pin).value();
        CHECK(ibm_offset(pvk, validation, table, pin, 4) == row.offset);
        CHECK(ibm_offset_matches(pvk, validation, table, pin, row.offset));
        CHECK_FALSE(ibm_offset_matches(pvk, validation, table, pin, "9999"));
    }
    // A check length below the PIN's length looks at the last digits.
    const ClearPin six = ClearPin::parse("452400").value();
    CHECK(ibm_offset(pvk, validation, table, six, 6).substr(2) == ibm_offset(pvk, validation, table, six, 4));
    CHECK(visa_pvv(pvk, account("1122334455667788"), '1', ClearPin::parse("4524").value()) == "8523");
    CHECK(visa_pvv(pvk, account("1122334455667788"), '2', ClearPin::parse("1912").value()) == "3244");
}

TEST_CASE("decimalisation tables with which PINs could be guessed are refused") {
    struct Row {
        std::string_view digits;
        bool taken;
    };
    const Row rows[] = {{"0123456789012345", true},  {"1234567890123456", true},  {"0000000000000000", false},
                        {"0123456700000000", false}, {"0123456012345601", false}, {"012345678901234", false},
                        {"012345678901234A", false}, {"0123456700001234", false}, {"0123456789000123", true}};
    for (const Row& row : rows) {
        INFO(row.digits);
        CHECK(DecimalisationTable::parse(row.digits).has_value() == row.taken);
    }
}

TEST_CASE("variant LMK: published keys and their check values, and every scheme there and back") {
    struct Row {
        KeyType type;
        std::string_view text;
        std::string_view kcv;
    };
    const Row rows[] = {{{0, 7}, "U8463435FC4B4DAA0C49025272C29B12C", "070753"},
                        {{0, 3}, "U1EF828AA8F6B80EB83E19FBC373F3A85", "6F1E3F"},
                        {{0, 7}, "0406FBB23A5214DF", "0035BB"},
                        {{0, 3}, "BAB32D775A38E4AB", "73936E"}};
    const Lmk lmk = Lmk::test();
    for (const Row& row : rows) {
        const auto key = lmk.unwrap_variant(row.type, row.text);
        REQUIRE(key.has_value());
        CHECK(has_odd_parity(key->view()));
        CHECK(iso8583::to_hex(ByteView(tdes_check_value(key->view())).first(3)) == row.kcv);
    }
    const ClearKey triple{ByteView(hex("0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"))};
    for (const char* text : {"000", "001", "002", "003", "008", "009", "109", "402", "30B", "70D"}) {
        const auto type = KeyType::parse(text);
        REQUIRE(type.has_value());
        CHECK(type->text() == text);
        for (const char scheme : {'Z', 'U', 'X', 'T'}) {
            const std::size_t bytes = scheme == 'Z' ? 8 : scheme == 'T' ? 24 : 16;
            const ClearKey key{triple.view().first(bytes)};
            const auto back = lmk.unwrap_variant(*type, lmk.wrap_variant(*type, key, scheme));
            REQUIRE(back.has_value());
            CHECK(iso8583::to_hex(back->view()) == iso8583::to_hex(key.view()));
        }
    }
    CHECK_FALSE(KeyType::parse("00").has_value());
    CHECK_FALSE(KeyType::parse("0FF").has_value());
    CHECK_FALSE(KeyType::parse("A01").has_value());
}

TEST_CASE("parity, masquerades and comparison") {
    CHECK(has_odd_parity(hex("0123456789ABCDEF")));
    CHECK_FALSE(has_odd_parity(hex("0123456789ABCDEE")));
    Bytes even = hex("0022446688AACCEE");
    set_odd_parity(even);
    CHECK(has_odd_parity(even));
    CHECK(is_single_length_masquerade(hex("0123456789ABCDEF0123456789ABCDEF")));
    CHECK_FALSE(is_single_length_masquerade(hex("0123456789ABCDEFFEDCBA9876543210")));
    CHECK(is_single_length_masquerade(hex("0123456789ABCDEFFEDCBA9876543210FEDCBA9876543210")));
    CHECK(equal_constant_time(hex("00112233"), hex("00112233")));
    CHECK_FALSE(equal_constant_time(hex("00112233"), hex("00112234")));
    CHECK_FALSE(equal_constant_time(hex("00112233"), hex("001122")));
}

TEST_CASE("the ring keeps a bounded number of keyed ciphers and never the one in use") {
    KeyRing ring(Lmk::test());
    hsm::testing::SeededRandom random(5);
    const auto make = [&] {
        ClearKey key(16);
        random.fill({key.data(), 16});
        set_odd_parity({key.data(), 16});
        return ring.wrap(KeyKind::tak, key, 'U', {}, random)->text();
    };
    const std::string first = make();
    REQUIRE(ring.find(KeyKind::tak, first, HsmFault::source_key_parity).has_value());
    for (std::size_t i = 0; i < KeyRing::keys_cached_max - 1; ++i)
        REQUIRE(ring.find(KeyKind::tak, make(), HsmFault::source_key_parity).has_value());
    CHECK(ring.cached() == KeyRing::keys_cached_max);
    // The oldest is used, and while it is, one more comes in: another one must go.
    const auto kept = ring.find(KeyKind::tak, first, HsmFault::source_key_parity);
    REQUIRE(kept.has_value());
    REQUIRE(ring.find(KeyKind::tak, make(), HsmFault::source_key_parity).has_value());
    CHECK(ring.cached() == KeyRing::keys_cached_max);
    CHECK(*ring.find(KeyKind::tak, first, HsmFault::source_key_parity) == *kept);
}
