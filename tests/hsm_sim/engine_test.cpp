// The engine as the switch uses it: sign-on keys, MACs, PIN translation, and what it refuses.
#include "hsm_sim/engine.hpp"

#include <catch2/catch.hpp>

#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

using namespace hsm;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

KeyBlock block(std::string_view text) { return *KeyBlock::parse(text); }
Bytes hex(std::string_view text) { return *iso8583::parse_hex(text); }

HsmEngine engine() {
    static testing::SeededRandom random(1);
    return HsmEngine(Lmk::test(), random);
}

}  // namespace

TEST_CASE("known-answer tests pass before anything is served") {
    const auto passed = engine().self_test();
    INFO((passed ? "" : passed.error().what));
    CHECK(passed.has_value());
}

TEST_CASE("the published test keys are what they say, under the test LMK") {
    struct Row {
        KeyKind kind;
        std::string_view text;
        std::string_view clear;
    };
    const Row rows[] = {
        {KeyKind::tmk, test_keys::tmk, "0123456789ABCDEFFEDCBA9876543210"},
        {KeyKind::tak, test_keys::tak, "10101010101010102323232323232323"},
        {KeyKind::tpk, test_keys::tpk, "32323232323232324545454545454545"},
        {KeyKind::zak, test_keys::zak, "54545454545454546767676767676767"},
        {KeyKind::zpk, test_keys::zpk, "76767676767676768989898989898989"},
        {KeyKind::zak, test_keys::aes_zak, "000102030405060708090A0B0C0D0E0F"},
        {KeyKind::zpk, test_keys::aes_zpk, "101112131415161718191A1B1C1D1E1F"},
    };
    const KeyRing ring(Lmk::test());
    for (const Row& row : rows) {
        INFO(name(row.kind) << " " << row.text);
        REQUIRE(KeyBlock::parse(row.text));
        const auto key = ring.unwrap(row.kind, row.text, HsmFault::source_key_parity);
        REQUIRE(key.has_value());
        CHECK(iso8583::to_hex(key->key.view()) == row.clear);
    }
}

TEST_CASE("a MAC verifies, and a changed bit does not") {
    struct Row {
        KeyKind kind;
        std::string_view key;
        MacProfile profile;
    };
    const Row rows[] = {
        {KeyKind::tak, test_keys::tak, {MacAlgorithm::unionpay_ecb, MacPadding::zeros}},
        {KeyKind::tak, test_keys::tak, {MacAlgorithm::retail, MacPadding::zeros}},
        {KeyKind::zak, test_keys::zak, {MacAlgorithm::retail, MacPadding::bit}},
        {KeyKind::zak, test_keys::zak, {MacAlgorithm::cbc, MacPadding::bit}},
        {KeyKind::zak, test_keys::aes_zak, {MacAlgorithm::aes_cmac, MacPadding::zeros}},
    };
    HsmEngine hsm = engine();
    Bytes data(251);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(7 * i);
    for (const Row& row : rows) {
        INFO(name(row.kind) << " algorithm " << static_cast<int>(row.profile.algorithm));
        const auto made = hsm.perform(GenerateMac{row.kind, block(row.key), row.profile, data});
        REQUIRE(made.has_value());
        const Mac mac = std::get<MacGenerated>(*made).mac;
        const auto right = hsm.perform(VerifyMac{row.kind, block(row.key), row.profile, data, mac});
        CHECK(std::get<MacVerified>(right.value()).matches);
        data[100] ^= 1;
        const auto wrong = hsm.perform(VerifyMac{row.kind, block(row.key), row.profile, data, mac});
        CHECK_FALSE(std::get<MacVerified>(wrong.value()).matches);
        data[100] ^= 1;
    }
}

TEST_CASE("many questions at once get the answers that they get one by one, refusals too") {
    const MacProfile retail{MacAlgorithm::retail, MacPadding::zeros};
    const MacProfile bits{MacAlgorithm::retail, MacPadding::bit};
    const MacProfile unionpay{MacAlgorithm::unionpay_ecb, MacPadding::zeros};
    const MacProfile cmac{MacAlgorithm::aes_cmac, MacPadding::zeros};
    HsmEngine hsm = engine();
    const Bytes data = hex("0200302004C020C0981100000000000000005100");
    const auto tak = block(test_keys::tak), zak = block(test_keys::zak), aes = block(test_keys::aes_zak);
    const Mac right =
        std::get<MacGenerated>(hsm.perform(GenerateMac{KeyKind::tak, tak, retail, data}).value()).mac;
    const std::vector<Request> kinds = {
        GenerateMac{KeyKind::tak, tak, retail, data},
        VerifyMac{KeyKind::tak, tak, retail, data, right},
        VerifyMac{KeyKind::tak, tak, retail, data, Mac{1}},
        VerifyMac{KeyKind::tak, tak, bits, data, right},
        GenerateMac{KeyKind::zak, zak, bits, data},
        GenerateMac{KeyKind::tak, tak, unionpay, data},
        GenerateMac{KeyKind::zak, aes, cmac, data},
        GenerateMac{KeyKind::zpk, block(test_keys::zpk), retail, data},  // makes no MACs
        GenerateMac{KeyKind::zak, aes, retail, data},                    // its algorithm is another
        GenerateMac{KeyKind::tak, block(test_keys::tpk), retail, data},  // a PIN key
        CheckKey{KeyKind::tak, tak},
    };
    const auto said = [](const Reply& reply) -> std::string {
        if (!reply) return "refused " + code(reply.error());
        if (const auto* made = std::get_if<MacGenerated>(&*reply)) return iso8583::to_hex(made->mac);
        if (const auto* verified = std::get_if<MacVerified>(&*reply))
            return verified->matches ? "right" : "wrong";
        return iso8583::to_hex(std::get<KeyChecked>(*reply).kcv);
    };
    for (const std::size_t count : {0U, 1U, 15U, 16U, 40U, 500U}) {
        INFO(count << " questions");
        std::vector<Request> questions;
        for (std::size_t i = 0; i < count; ++i) questions.push_back(kinds[i * 7 % kinds.size()]);
        const std::vector<Reply> answers = hsm.perform(questions);
        REQUIRE(answers.size() == count);
        for (std::size_t i = 0; i < count; ++i) CHECK(said(answers[i]) == said(hsm.perform(questions[i])));
    }
}

TEST_CASE("sign-on makes keys that the terminal reads under its TMK") {
    HsmEngine hsm = engine();
    const auto reply = hsm.perform(GenerateTerminalKeys{block(test_keys::tmk)});
    REQUIRE(reply.has_value());
    const auto& keys = std::get<TerminalKeysGenerated>(*reply);
    CHECK(keys.pin_key.under_tmk != keys.mac_key.under_tmk);

    const auto data = hex("0200302004C020C098");
    const auto made = hsm.perform(
        GenerateMac{KeyKind::tak, keys.mac_key.under_lmk, {MacAlgorithm::unionpay_ecb, {}}, data});
    REQUIRE(made.has_value());
    // What a terminal does with DE62: decrypt under the TMK, compare the check value.
    ClearKey mak{ByteView(keys.mac_key.under_tmk)};
    REQUIRE(mak.size() == 16);
    TdesCipher(hex("0123456789ABCDEFFEDCBA9876543210")).decrypt_ecb({mak.data(), mak.size()});
    const auto check = tdes_check_value(mak.view());
    CHECK(std::equal(keys.mac_key.kcv.begin(), keys.mac_key.kcv.end(), check.begin()));
    CHECK(has_odd_parity(mak.view()));
}

TEST_CASE("a PIN goes from the terminal's key to the issuer's, in every format that is allowed") {
    // 1234 in format 0 under the test TPK for 4111111111111111.
    ClearKey tpk{ByteView(hex("32323232323232324545454545454545"))};
    Bytes clear = hex("041225EEEEEEEEEE");
    TdesCipher(tpk.view()).encrypt_ecb(clear);
    HsmEngine hsm = engine();
    const auto pan = *iso8583::Pan::parse("4111111111111111");
    const auto four = hsm.perform(TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(test_keys::aes_zpk),
                                               PinBlockFormat::iso0, PinBlockFormat::iso4, clear, pan});
    REQUIRE(four.has_value());
    CHECK(std::get<PinTranslated>(*four).pin_block.size() == 16);
    const auto back = hsm.perform(TranslatePin{KeyKind::zpk, block(test_keys::aes_zpk), block(test_keys::zpk),
                                               PinBlockFormat::iso4, PinBlockFormat::iso0,
                                               std::get<PinTranslated>(*four).pin_block, pan});
    REQUIRE(back.has_value());
    Bytes under_zpk = std::get<PinTranslated>(*back).pin_block;
    TdesCipher(hex("76767676767676768989898989898989")).decrypt_ecb(under_zpk);
    CHECK(iso8583::to_hex(under_zpk) == "041225EEEEEEEEEE");
}
