// Host commands over PINs and messages: CA, CC, G0, DA, EA, DC, EC, M6, M8.
#include <algorithm>

#include "hsm_sim/command_reader.hpp"
#include "hsm_sim/host_commands.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::ByteView;

/// The algorithm of a key block's header (A, T); T for the variant schemes.
bool is_aes_block(std::string_view key) { return key.size() > 8 && key[0] == 'S' && key[8] == 'A'; }

std::string two_digits(std::size_t value) {
    return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
}

std::string translated(const PinTranslation& done, PinBlockFormat format) {
    return two_digits(done.pin_digits) + iso8583::to_hex(done.pin_block) + std::string(host_number(format));
}

void read_pin_max(CommandReader& in) {
    if (in.number("maximum PIN length", 2) != ClearPin::digits_max)
        in.fail(HsmFault::pin_length, "maximum PIN length: only 12 is taken");
}

}  // namespace

HostCommands::Data HostCommands::translate(CommandReader& in, KeyKind kind) {
    const std::string_view source = in.key("source key");
    const std::string_view zpk = in.key("destination ZPK");
    read_pin_max(in);
    const Bytes block = in.pin_block("PIN block", is_aes_block(source));
    const PinBlockFormat from = in.pin_format("source format");
    const PinBlockFormat to = in.pin_format("destination format");
    const PinAccount account =
        in.account("account number", from == PinBlockFormat::iso4 || to == PinBlockFormat::iso4);
    in.end();
    if (in.fault()) return refused(in);
    const auto done = engine_.translate_pin({kind, std::string(source), from, block, account}, zpk, to);
    note_pin_failures();
    if (!done) return tl::unexpected(done.error());
    return translated(*done, to);
}

HostCommands::Data HostCommands::ca(CommandReader& in) { return translate(in, KeyKind::tpk); }
HostCommands::Data HostCommands::cc(CommandReader& in) { return translate(in, KeyKind::zpk); }

HostCommands::Data HostCommands::g0(CommandReader& in) {
    const std::string_view bdk = in.key("BDK");
    const std::string_view zpk = in.key("ZPK");
    const std::string_view descriptor = in.hex("KSN descriptor", 3);
    std::size_t ksn_digits = 24;
    if (!in.fault() && !is_aes_block(bdk)) {
        // Digits of the key set, of a sub-key and of the device; the counter takes five more.
        ksn_digits = 5;
        for (const char c : descriptor)
            ksn_digits += static_cast<std::size_t>(iso8583::is_digit(c) ? c - '0' : c - 'A' + 10);
        if (ksn_digits < 16 || ksn_digits > 20 || ksn_digits % 2 != 0)
            in.fail(HsmFault::input, "KSN descriptor: must describe 16, 18 or 20 digits");
    }
    const std::string_view ksn = in.hex("KSN", ksn_digits);
    const Bytes block = in.pin_block("PIN block", is_aes_block(bdk));
    const PinBlockFormat from = in.pin_format("source format");
    const PinBlockFormat to = in.pin_format("destination format");
    const PinAccount account =
        in.account("account number", from == PinBlockFormat::iso4 || to == PinBlockFormat::iso4);
    in.end();
    if (in.fault()) return refused(in);
    const auto done = engine_.translate_dukpt_pin(
        {std::string(bdk), std::string(zpk), std::string(ksn), from, to, block, account});
    note_pin_failures();
    if (!done) return tl::unexpected(done.error());
    return translated(*done, to);
}

HostCommands::Data HostCommands::verify_ibm(CommandReader& in, KeyKind kind) {
    const std::string_view key = in.key("TPK or ZPK");
    const std::string_view pvk = in.key("PVK");
    read_pin_max(in);
    const Bytes block = in.pin_block("PIN block", is_aes_block(key));
    const PinBlockFormat format = in.pin_format("PIN block format");
    const std::size_t check_digits = in.number("check length", 2);
    const PinAccount account = in.account("account number", format == PinBlockFormat::iso4);
    const bool stored = engine_.options().decimalisation == Decimalisation::stored;
    const std::string_view table = in.any("decimalisation table", stored ? 5 : 16);
    // 12 characters of which N stands for the last five digits of the account number, or P and all 16.
    std::string validation;
    if (in.accept('P')) {
        validation = in.hex("validation data", 16);
    } else {
        validation = in.any("validation data", 12);
        const std::size_t mark = validation.find('N');
        if (mark != std::string::npos) validation.replace(mark, 1, account.twelve().substr(7));
    }
    const auto validation_bytes = iso8583::parse_hex(validation);
    if (!in.fault() && (!validation_bytes || validation_bytes->size() != 8))
        in.fail(HsmFault::input, "validation data: needs 11 hex digits and N, or P and 16 hex digits");
    const std::string_view offset = in.any("offset", 12);
    if (!in.fault() && (check_digits < ClearPin::digits_min || check_digits > ClearPin::digits_max))
        in.fail(HsmFault::pin_length, "check length: 04 to 12");
    if (!in.fault() && offset.find_first_not_of('F', check_digits) != std::string_view::npos)
        in.fail(HsmFault::input, "offset: left-justified, as long as the check length, filled with F");
    in.end();
    if (in.fault()) return refused(in);

    VerifyIbmPin request{{kind, std::string(key), format, block, account},
                         std::string(pvk),
                         check_digits,
                         std::string(table),
                         {},
                         std::string(offset.substr(0, check_digits))};
    std::copy(validation_bytes->begin(), validation_bytes->end(), request.validation.begin());
    const auto matches = engine_.verify_pin(request);
    note_pin_failures();
    if (!matches) return tl::unexpected(matches.error());
    return std::string();
}

HostCommands::Data HostCommands::da(CommandReader& in) { return verify_ibm(in, KeyKind::tpk); }
HostCommands::Data HostCommands::ea(CommandReader& in) { return verify_ibm(in, KeyKind::zpk); }

HostCommands::Data HostCommands::verify_visa(CommandReader& in, KeyKind kind) {
    const std::string_view key = in.key("TPK or ZPK");
    const std::string_view pvk = in.key("PVK pair", true);
    const Bytes block = in.pin_block("PIN block", is_aes_block(key));
    const PinBlockFormat format = in.pin_format("PIN block format");
    const PinAccount account = in.account("account number", format == PinBlockFormat::iso4);
    const char index = in.character("PVKI");
    const std::string_view pvv = in.digits("PVV", 4);
    in.end();
    if (in.fault()) return refused(in);
    const auto matches = engine_.verify_pin(VerifyVisaPin{
        {kind, std::string(key), format, block, account}, std::string(pvk), index, std::string(pvv)});
    note_pin_failures();
    if (!matches) return tl::unexpected(matches.error());
    return std::string();
}

HostCommands::Data HostCommands::dc(CommandReader& in) { return verify_visa(in, KeyKind::tpk); }
HostCommands::Data HostCommands::ec(CommandReader& in) { return verify_visa(in, KeyKind::zpk); }

namespace {

/// The fields that M6 and M8 share.
struct MacFields {
    std::size_t mac_digits = 8;
    MacProfile profile;
    KeyType type;
    std::string_view key;
    std::string_view raw;  // the message as it came, for binary and text input
    Bytes decoded;         // the message, for hex input
    bool hex = false;

    [[nodiscard]] ByteView data() const { return hex ? ByteView(decoded) : iso8583::as_bytes(raw); }
};

MacProfile read_profile(CommandReader& in) {
    MacProfile profile;
    switch (in.character("algorithm")) {
        case '1':
            profile.algorithm = MacAlgorithm::cbc;
            break;
        case '3':
            profile.algorithm = MacAlgorithm::retail;
            break;
        case '6':
            profile.algorithm = MacAlgorithm::aes_cmac;
            break;
        default:
            in.fail(HsmFault::input, "algorithm: 1 CBC, 3 retail, 6 CMAC");
    }
    switch (in.character("padding")) {
        case '1':
            profile.padding = MacPadding::zeros;
            break;
        case '2':
            profile.padding = MacPadding::bit;
            break;
        case '0':
            // CMAC pads by itself; the other algorithms would sign an unfinished block.
            if (profile.algorithm != MacAlgorithm::aes_cmac)
                in.fail(HsmFault::input, "padding: algorithms 1 and 3 need 1 or 2");
            break;
        default:
            in.fail(HsmFault::input, "padding: 1 or 2");
    }
    return profile;
}

MacFields read_mac(CommandReader& in, PayshieldFormat::HexLength hex_length) {
    MacFields out;
    if (in.number("mode", 1) != 0) in.fail(HsmFault::input, "mode: only 0, a message in one command");
    const std::size_t input = in.number("input format", 1);
    if (input > 2) in.fail(HsmFault::input, "input format: 0 binary, 1 hex, 2 text");
    const std::size_t size = in.number("MAC size", 1);
    if (size > 1) in.fail(HsmFault::input, "MAC size: 0 is 8 digits, 1 is 16");
    out.mac_digits = size == 0 ? 8 : 16;
    out.profile = read_profile(in);
    out.type = in.key_type("key type");
    out.key = in.key("MAC key");
    std::size_t length = in.hex_number("data length", 4);
    out.hex = input == 1;
    if (out.hex && hex_length == PayshieldFormat::HexLength::bytes) length *= 2;
    if (!in.fault() && length > in.rest().size()) {
        in.fail(HsmFault::data_length, "data length says " + std::to_string(length) + " characters, " +
                                           std::to_string(in.rest().size()) + " are there");
        return out;
    }
    if (!out.hex) {
        out.raw = in.any("data", length);
        return out;
    }
    if (length % 2 != 0) in.fail(HsmFault::data_length, "data length: hex has two digits a byte");
    const auto decoded = iso8583::parse_hex(in.hex("data", length));
    if (decoded) out.decoded = *decoded;
    return out;
}

}  // namespace

HostCommands::Data HostCommands::m6(CommandReader& in) {
    const MacFields fields = read_mac(in, options_.format.hex_length);
    in.end();
    if (in.fault()) return refused(in);
    const auto mac = engine_.mac(fields.type, fields.key, fields.profile, fields.data(), false);
    if (!mac) return tl::unexpected(mac.error());
    return iso8583::to_hex(ByteView(*mac).first(fields.mac_digits / 2));
}

HostCommands::Data HostCommands::m8(CommandReader& in) {
    const MacFields fields = read_mac(in, options_.format.hex_length);
    const auto wanted = iso8583::parse_hex(in.hex("MAC", fields.mac_digits));
    in.end();
    if (in.fault()) return refused(in);
    const auto mac = engine_.mac(fields.type, fields.key, fields.profile, fields.data(), true);
    if (!mac) return tl::unexpected(mac.error());
    if (!HsmEngine::same(ByteView(*mac).first(fields.mac_digits / 2), *wanted)) {
        in.fail(HsmFault::verification_failed, "the MAC does not match");
        return refused(in);
    }
    return std::string();
}

}  // namespace hsm
