// Host commands that make, move and check keys: A0, A6, A8, BU, HC, HA.
#include "hsm_sim/command_reader.hpp"
#include "hsm_sim/host_commands.hpp"

namespace hsm {
namespace {

std::string kcv6(const KeyMade& made) { return iso8583::to_hex(iso8583::ByteView(made.kcv).first(3)); }

/// `#` usage 2, algorithm 2 (A1 A2 A3 T2 T3), mode 1, version 2, exportability 1, optional blocks 00.
std::optional<BlockAttributes> read_attributes(CommandReader& in) {
    if (!in.accept('#')) return std::nullopt;
    BlockAttributes out;
    out.usage = in.any("key usage", 2);
    const std::string_view algorithm = in.any("algorithm", 2);
    out.mode = in.character("mode of use");
    out.key_version = in.digits("key version", 2);
    out.exportability = in.character("exportability");
    if (in.digits("number of optional blocks", 2) != "00" && !in.fault())
        in.fail(HsmFault::input, "number of optional blocks: only 00 is taken");
    if (in.fault()) return out;
    const std::string_view known[] = {"A1", "A2", "A3", "T2", "T3"};
    const std::size_t bytes[] = {16, 24, 32, 16, 24};
    bool found = false;
    for (std::size_t i = 0; i < std::size(known); ++i)
        if (algorithm == known[i]) {
            out.algorithm = algorithm[0];
            out.key_bytes = bytes[i];
            found = true;
        }
    if (!found) in.fail(HsmFault::input, "algorithm: none of A1, A2, A3, T2, T3");
    if (std::string_view("BCDEGNSTVXY").find(out.mode) == std::string_view::npos)
        in.fail(HsmFault::input, "mode of use: unknown");
    if (std::string_view("ENS").find(out.exportability) == std::string_view::npos)
        in.fail(HsmFault::input, "exportability: none of E, N, S");
    return out;
}

}  // namespace

HostCommands::Data HostCommands::a0(CommandReader& in) {
    const std::size_t mode = in.hex_number("mode", 1);
    if (mode > 1) in.fail(HsmFault::input, "mode: 0 generate, 1 generate and export");
    const KeyType type = in.key_type("key type");
    const char scheme = in.character("scheme under the LMK");
    std::optional<KeyCarrier> carrier;
    if (mode == 1) {
        if (!in.accept(';')) in.fail(HsmFault::input, "mode 1 needs ';' and the carrying key");
        const std::size_t flag = in.number("carrier flag", 1);
        if (flag > 1) in.fail(HsmFault::input, "carrier flag: 0 ZMK, 1 TMK");
        KeyCarrier c;
        c.kind = flag == 1 ? KeyKind::tmk : KeyKind::zmk;
        c.key = in.key("ZMK or TMK");
        c.scheme = in.character("scheme under the ZMK");
        carrier = std::move(c);
    }
    const auto attributes = read_attributes(in);
    in.end();
    if (in.fault()) return refused(in);
    const auto made = engine_.generate_key(type, scheme, attributes, carrier);
    if (!made) return tl::unexpected(made.error());
    return made->under_lmk + made->under_carrier + kcv6(*made);
}

HostCommands::Data HostCommands::a6(CommandReader& in) {
    const KeyType type = in.key_type("key type");
    KeyCarrier zmk;
    zmk.key = in.key("ZMK");
    const std::string_view key = in.key("key under the ZMK");
    const char scheme = in.character("scheme under the LMK");
    in.end();
    if (in.fault()) return refused(in);
    const auto made = engine_.import_key(type, zmk, key, scheme);
    if (!made) return tl::unexpected(made.error());
    return made->under_lmk + kcv6(*made);
}

HostCommands::Data HostCommands::a8(CommandReader& in) {
    const KeyType type = in.key_type("key type");
    KeyCarrier zmk;
    zmk.key = in.key("ZMK");
    const std::string_view key = in.key("key under the LMK");
    zmk.scheme = in.character("scheme under the ZMK");
    in.end();
    if (in.fault()) return refused(in);
    const auto made = engine_.export_key(type, zmk, key);
    if (!made) return tl::unexpected(made.error());
    return made->under_carrier + kcv6(*made);
}

HostCommands::Data HostCommands::bu(CommandReader& in) {
    const std::string_view type_code = in.hex("key type code", 2);
    const std::size_t length_flag = in.number("key length flag", 1);
    if (length_flag > 3)
        in.fail(HsmFault::input, "key length flag: 0 single, 1 double, 2 triple, 3 key block");
    const std::string_view key = in.key("key");
    KeyType type;
    if (type_code == "FF") {
        if (!in.accept(';')) in.fail(HsmFault::input, "type code FF needs ';' and a key type");
        type = in.key_type("key type");
    } else if (!in.fault()) {
        const auto parsed = KeyType::parse("0" + std::string(type_code));
        if (!parsed) in.fail(HsmFault::key_type, "key type code: no such LMK pair");
        type = parsed.value_or(KeyType{});
    }
    // Two reserved characters and the check value's form: 0 is all 16 digits, 1 is 6.
    bool whole = false;
    if (in.accept(';')) {
        (void)in.any("reserved", 2);
        const std::size_t form = in.number("check value type", 1);
        if (form > 1) in.fail(HsmFault::input, "check value type: 0 is 16 digits, 1 is 6");
        whole = form == 0;
    }
    in.end();
    if (in.fault()) return refused(in);

    const auto bytes = engine_.key_bytes(type, key);
    if (!bytes) return tl::unexpected(bytes.error());
    const bool block = key[0] == 'S';
    if (!block && *bytes != 8 * (length_flag + 1)) {
        in.fail(HsmFault::key_length, "key length flag: the key has another length");
        return refused(in);
    }
    const KeyType track_key{3, 16};  // 30B, data keys of terminals
    const bool working =
        type == KeyType::of(KeyKind::tpk) || type == KeyType::of(KeyKind::tak) || type == track_key;
    if (whole && !engine_.authorised() && !(working && options_.working_key_kcv_bytes > 3)) {
        in.fail(HsmFault::not_authorised, "a check value of 16 digits needs the authorised state");
        return refused(in);
    }
    const auto check = engine_.check_value(type, key);
    if (!check) return tl::unexpected(check.error());
    return iso8583::to_hex(iso8583::ByteView(*check).first(whole ? 8 : 3));
}

HostCommands::Data HostCommands::working_key(CommandReader& in, KeyKind kind) {
    const std::string_view tmk = in.key("TMK");
    std::optional<char> scheme;
    if (in.accept(';')) {
        const char under_tmk = in.character("scheme under the TMK");
        const char under_lmk = in.character("scheme under the LMK");
        (void)in.number("check value type", 1);
        if (!in.fault()) {
            // Terminals decrypt in plain ECB, so a variant scheme under the TMK would give them a wrong key.
            const bool pairs = (under_tmk == 'Z' && under_lmk == 'Z') ||
                               (under_tmk == 'X' && under_lmk == 'U') ||
                               (under_tmk == 'Y' && under_lmk == 'T') ||
                               (under_tmk == 'X' && under_lmk == 'S' && kind == KeyKind::tak);
            if (!pairs)
                in.fail(HsmFault::key_scheme,
                        "schemes: ZZ single, XU double, YT triple; HA also XS, a key block for CMAC");
            scheme = under_lmk;
        }
    }
    in.end();
    if (in.fault()) return refused(in);
    const auto made = engine_.working_key(kind, tmk, scheme);
    if (!made) return tl::unexpected(made.error());
    // BU gives a key block the check value of AES; terminals check what they decrypt as a TDES key.
    const std::string check = scheme == 'S' ? iso8583::to_hex(iso8583::ByteView(made->kcv).first(4)) : "";
    return made->under_carrier + made->under_lmk + check;
}

HostCommands::Data HostCommands::hc(CommandReader& in) { return working_key(in, KeyKind::tpk); }
HostCommands::Data HostCommands::ha(CommandReader& in) { return working_key(in, KeyKind::tak); }

}  // namespace hsm
