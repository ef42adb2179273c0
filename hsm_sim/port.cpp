#include "hsm_sim/port.hpp"

#include <algorithm>

namespace hsm {

std::string_view name(KeyKind kind) {
    switch (kind) {
        case KeyKind::zmk:
            return "ZMK";
        case KeyKind::zpk:
            return "ZPK";
        case KeyKind::tmk:
            return "TMK";
        case KeyKind::tpk:
            return "TPK";
        case KeyKind::tak:
            return "TAK";
        case KeyKind::zak:
            return "ZAK";
        case KeyKind::pvk:
            return "PVK";
        case KeyKind::bdk:
            return "BDK";
    }
    return "?";
}

namespace {
bool upper_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return iso8583::is_digit(c) || (c >= 'A' && c <= 'F'); });
}

bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}
}  // namespace

iso8583::Result<KeyBlock> KeyBlock::parse(std::string_view text) {
    if (text.empty()) return iso8583::parse_error("key block: empty");
    if (text.size() > text_max) return iso8583::parse_error("key block: longer than 256 characters");
    if (text[0] == 'S') {
        // The shortest block there is: a header of 16, one cipher block and a MAC.
        if (text.size() < 1 + 16 + 32 + 16)
            return iso8583::parse_error("key block: scheme S is too short for a TR-31 block");
        if (!printable(text))
            return iso8583::parse_error("key block: scheme S holds a character that is not printable ASCII");
    } else {
        const std::size_t digits = text[0] == 'U' ? 32 : text[0] == 'T' ? 48 : 16;
        const std::string_view hex = digits == 16 ? text : text.substr(1);
        if (hex.size() != digits)
            return iso8583::parse_error(
                "key block: needs 16 hex digits, U and 32, T and 48, or S and a TR-31 block");
        if (!upper_hex(hex))
            return iso8583::parse_error("key block: holds a character that is no upper-case hex digit");
    }
    KeyBlock block;
    block.text_ = text;
    return block;
}

bool KeyBlock::is_aes() const {
    constexpr std::size_t algorithm_at = 8;  // S, then offset 7 of the block
    return text_.size() > algorithm_at && text_[0] == 'S' && text_[algorithm_at] == 'A';
}

std::string_view name(HsmFault fault) {
    switch (fault) {
        case HsmFault::unavailable:
            return "no HSM answered in time";
        case HsmFault::verification_failed:
            return "verification failed";
        case HsmFault::key_type:
            return "key type";
        case HsmFault::source_key_parity:
            return "source key parity";
        case HsmFault::destination_key_parity:
            return "destination key parity";
        case HsmFault::storage:
            return "storage";
        case HsmFault::lmk:
            return "LMK";
        case HsmFault::input:
            return "input data";
        case HsmFault::not_authorised:
            return "not in the authorised state";
        case HsmFault::pin_block_content:
            return "PIN block content";
        case HsmFault::account_number:
            return "account number";
        case HsmFault::pin_block_format:
            return "PIN block format";
        case HsmFault::pin_length:
            return "PIN length";
        case HsmFault::decimalisation_table:
            return "decimalisation table";
        case HsmFault::key_scheme:
            return "key scheme";
        case HsmFault::key_length:
            return "key length";
        case HsmFault::key_use:
            return "key type for this use";
        case HsmFault::function_not_permitted:
            return "function not permitted";
        case HsmFault::fraud_detected:
            return "too many failed PIN verifications";
        case HsmFault::internal:
            return "internal";
        case HsmFault::command_disabled:
            return "command disabled or unknown";
        case HsmFault::single_length_masquerade:
            return "single-length key masquerading as a longer one";
        case HsmFault::data_length:
            return "data length";
        case HsmFault::key_block_authentication:
            return "key block authentication";
        case HsmFault::key_usage:
            return "key usage";
    }
    return "?";
}

std::string code(HsmFault fault) {
    if (fault == HsmFault::key_block_authentication) return "A4";
    if (fault == HsmFault::key_usage) return "A6";
    if (fault == HsmFault::unavailable) return "41";
    const auto number = static_cast<std::uint8_t>(fault);
    return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

}  // namespace hsm
