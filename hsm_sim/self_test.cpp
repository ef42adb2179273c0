// Known-answer tests: published values of every algorithm, computed before anything is served. A build or a
// machine that gets one wrong must not make MACs.
#include <algorithm>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/mac.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::Result;

Bytes hex(std::string_view text) {
    auto bytes = iso8583::parse_hex(text);
    ENSURE(bytes.has_value());
    return *bytes;
}

template <typename Got>
bool is(const Got& got, std::string_view expected) {
    return iso8583::to_hex(got) == expected;
}

bool macs_hold() {
    const TdesCipher key(hex("0123456789ABCDEFFEDCBA9876543210"));
    const std::string_view text = "Now is the time for all ";  // ISO/IEC 9797-1 annex B
    const TdesCipher single(hex("0123456789ABCDEF"));
    return is(retail_mac(key, iso8583::as_bytes(text), MacPadding::zeros), "A1C72E74EA3FA9B6") &&
           is(cbc_mac(single, iso8583::as_bytes(text), MacPadding::zeros), "70A30640CC76DD8B") &&
           is(cbc_mac(single, iso8583::as_bytes(text), MacPadding::bit), "10E1F0F108341B6D");
}

bool unionpay_holds() {
    // wire.md: the worked example with a single-length MAK.
    const TdesCipher mak(hex("C24A8FB57AA20123"));
    const Bytes message =
        hex("0200302004C020C0981100000000000000005100183402100006324392260009942820D1312101120084393136"
            "363838303134303030303030303030303030303030313536ACF46E73838A82F92600000000000000000822000001");
    return is(unionpay_mac(mak, message), "3732343839434143");
}

bool macs_hold_together() {
    const TdesCipher key(hex("0123456789ABCDEFFEDCBA9876543210"));
    std::array<MacTask, macs_together_min> tasks;
    tasks.fill({&key, iso8583::as_bytes(std::string_view("Now is the time for all ")), {}, {}});
    retail_macs(tasks);
    return std::all_of(tasks.begin(), tasks.end(),
                       [](const MacTask& task) { return is(task.mac, "A1C72E74EA3FA9B6"); });
}

bool aes_holds() {
    AesCipher key(hex("2B7E151628AED2A6ABF7158809CF4F3C"));  // RFC 4493
    const Bytes forty =
        hex("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411");
    return is(key.cmac({}), "BB1D6929E95937287FA37D129B756746") &&
           is(key.cmac(forty), "DFA66747DE9AE63030CA32611497C827") &&
           is(key.cmac({}), "BB1D6929E95937287FA37D129B756746");
}

bool key_blocks_hold() {
    // TR-31:2018 A.7.2.2 (version B) and A.7.4 (version D).
    const auto b =
        KeyBlockProtection::tdes(hex("DD7515F2BFC17F85CE48F3CA25CB21F6"))
            .unwrap("B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E");
    const auto d =
        KeyBlockProtection::aes(hex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"))
            .unwrap(
                "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7"
                "425509593D"
                "03A457DC34");
    return b && d && is(b->key.view(), "3F419E1CB7079442AA37474C2EFBF8B8") &&
           is(d->key.view(), "3F419E1CB7079442AA37474C2EFBF8B8") &&
           is(aes_check_value(d->key.view()), "08793E25AB");
}

bool pin_blocks_hold() {
    const auto pin = ClearPin::parse("1234");
    const auto account = PinAccount::parse_whole("5555555551234567");
    if (!pin || !account) return false;
    const auto block = encode_pin_block(PinBlockFormat::iso0, *pin, *account, {});
    const auto whole = PinAccount::parse_whole("1234567890123456789");
    AesCipher key(hex("00112233445566778899AABBCCDDEEFF"));
    Block16 four = encode_pin_field4(*pin, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    key.encrypt(four);
    const auto field = whole->field16();
    for (std::size_t i = 0; i < 16; ++i) four[i] = static_cast<std::uint8_t>(four[i] ^ field[i]);
    key.encrypt(four);
    return is(block, "041261AAAAEDCBA9") && is(four, "28B41FDDD29B743E93124BD8E32D921E");
}

bool variant_lmk_holds() {
    const Lmk lmk = Lmk::test();
    const auto tpk = lmk.unwrap_variant(KeyType::of(KeyKind::tpk), "U8463435FC4B4DAA0C49025272C29B12C");
    const auto zpk = lmk.unwrap_variant(KeyType::of(KeyKind::zpk), "U1EF828AA8F6B80EB83E19FBC373F3A85");
    const auto starts = [](const std::array<std::uint8_t, 8>& check, std::string_view expected) {
        return is(iso8583::ByteView(check).first(3), expected);
    };
    return tpk && zpk && starts(tdes_check_value(tpk->view()), "070753") &&
           starts(tdes_check_value(zpk->view()), "6F1E3F");
}

}  // namespace

Result<void> HsmEngine::self_test() {
    struct Test {
        std::string_view name;
        bool (*holds)();
    };
    static constexpr Test tests[] = {{"DES and TDES MACs", macs_hold},      {"UnionPay MAC", unionpay_holds},
                                     {"MACs together", macs_hold_together}, {"AES-CMAC", aes_holds},
                                     {"TR-31 key blocks", key_blocks_hold}, {"PIN blocks", pin_blocks_hold},
                                     {"variant LMK", variant_lmk_holds}};
    for (const Test& test : tests)
        if (!test.holds())
            return iso8583::parse_error("known-answer test failed: " + std::string(test.name) +
                                        "; nothing is served");
    return {};
}

}  // namespace hsm
