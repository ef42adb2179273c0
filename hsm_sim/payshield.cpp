#include "hsm_sim/payshield.hpp"

#include <algorithm>
#include <charconv>

#include "hsm_sim/unionpay_fold.hpp"
#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;

constexpr std::size_t mac_data_bytes_max = 0x7000;  // leaves room for the rest of the frame

std::string hex4(std::size_t value) {
    static constexpr char digits[] = "0123456789ABCDEF";
    return {digits[value >> 12 & 0xF], digits[value >> 8 & 0xF], digits[value >> 4 & 0xF],
            digits[value & 0xF]};
}

bool upper_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return iso8583::is_digit(c) || (c >= 'A' && c <= 'F'); });
}

std::string_view format_number(PinBlockFormat format) {
    switch (format) {
        case PinBlockFormat::iso0:
            return "01";
        case PinBlockFormat::iso1:
            return "05";
        case PinBlockFormat::iso3:
            return "47";
        case PinBlockFormat::iso4:
            return "48";
    }
    return "??";
}

/// The LMK pair's code in a key type.
std::string_view pair_code(KeyKind kind) {
    switch (kind) {
        case KeyKind::zmk:
            return "00";
        case KeyKind::zpk:
            return "01";
        case KeyKind::tmk:
        case KeyKind::tpk:
        case KeyKind::pvk:
            return "02";
        case KeyKind::tak:
            return "03";
        case KeyKind::zak:
            return "08";
        case KeyKind::bdk:
            return "09";
    }
    return "??";
}

/// M6 or M8 without the MAC: binary input, the data last.
std::string mac_command(std::string_view code, KeyKind kind, const KeyBlock& key, MacProfile profile,
                        const Bytes& data) {
    const bool unionpay = profile.algorithm == MacAlgorithm::unionpay_ecb;
    std::string out(code);
    out += '0';                   // the only block of a message
    out += '0';                   // binary input
    out += unionpay ? '0' : '1';  // 8 or 16 hex digits of MAC
    out += profile.algorithm == MacAlgorithm::retail     ? '3'
           : profile.algorithm == MacAlgorithm::aes_cmac ? '6'
                                                         : '1';
    out += !unionpay && profile.padding == MacPadding::bit ? '2' : '1';
    out += kind == KeyKind::tak ? "003" : "008";
    out += key.text();
    if (unionpay) {
        const auto folded = unionpay_fold(data);
        out += hex4(folded.size());
        out.append(folded.begin(), folded.end());
    } else {
        out += hex4(data.size());
        out += iso8583::as_text(data);
    }
    return out;
}

/// 12 digits without the check digit; where format 4 is involved the whole PAN, ended by a semicolon.
std::string account_field(const iso8583::Pan& pan, bool whole) {
    const std::string_view digits = pan.reveal();
    if (whole) return std::string(digits) + ';';
    const std::string_view without_check = digits.substr(0, digits.size() - 1);
    const std::size_t count = std::min<std::size_t>(12, without_check.size());
    return std::string(12 - count, '0') + std::string(without_check.substr(without_check.size() - count));
}

}  // namespace

FrameSplit split_frame(std::string_view buffer) {
    FrameSplit out;
    if (buffer.size() < 2) return out;
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(buffer[0])) << 8 |
                               static_cast<std::uint8_t>(buffer[1]);
    if (length > host_frame_bytes_max) {
        out.state = FrameSplit::State::too_long;
        return out;
    }
    if (buffer.size() < 2 + length) return out;
    out.state = FrameSplit::State::frame;
    out.frame = buffer.substr(2, length);
    out.bytes_used = 2 + length;
    return out;
}

std::string make_frame(std::string_view header, std::string_view command) {
    const std::size_t length = header.size() + command.size();
    ENSURE(length <= host_frame_bytes_max);
    std::string out;
    out.reserve(2 + length);
    iso8583::append_be16(out, static_cast<std::uint16_t>(length));
    out += header;
    out += command;
    return out;
}

std::optional<HsmFault> fault_of_code(std::string_view text) {
    if (text == "00") return std::nullopt;
    for (const HsmFault fault : {HsmFault::verification_failed,
                                 HsmFault::key_type,
                                 HsmFault::source_key_parity,
                                 HsmFault::destination_key_parity,
                                 HsmFault::storage,
                                 HsmFault::lmk,
                                 HsmFault::input,
                                 HsmFault::not_authorised,
                                 HsmFault::pin_block_content,
                                 HsmFault::account_number,
                                 HsmFault::pin_block_format,
                                 HsmFault::pin_length,
                                 HsmFault::decimalisation_table,
                                 HsmFault::key_scheme,
                                 HsmFault::key_length,
                                 HsmFault::key_use,
                                 HsmFault::function_not_permitted,
                                 HsmFault::fraud_detected,
                                 HsmFault::command_disabled,
                                 HsmFault::single_length_masquerade,
                                 HsmFault::data_length,
                                 HsmFault::key_block_authentication,
                                 HsmFault::key_usage})
        if (code(fault) == text) return fault;
    return HsmFault::internal;
}

std::optional<std::size_t> key_text_length(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::size_t length = 16;
    switch (text[0]) {
        case 'U':
        case 'X':
            length = 33;
            break;
        case 'T':
        case 'Y':
            length = 49;
            break;
        case 'S':
        case 'R': {
            // The block says its own length after the version.
            unsigned declared = 0;
            if (text.size() < 6 || !iso8583::all_digits(text.substr(2, 4))) return std::nullopt;
            std::from_chars(text.data() + 2, text.data() + 6, declared);
            length = 1 + declared;
            break;
        }
        default:
            if (!upper_hex(text.substr(0, 1))) return std::nullopt;
    }
    if (text.size() < length) return std::nullopt;
    return length;
}

PayshieldExchange::PayshieldExchange(const Request& request, const PayshieldFormat& format)
    : format_(format) {
    std::visit([this](const auto& r) { start(r); }, request);
}

PayshieldExchange PayshieldExchange::health_check(const PayshieldFormat& format) {
    PayshieldExchange out(format);
    out.command_ = out.with_lmk("NC");
    out.expected_ = "ND";
    return out;
}

std::string PayshieldExchange::with_lmk(std::string command) const {
    if (!format_.lmk_id.empty()) command += '%' + format_.lmk_id;
    return command;
}

void PayshieldExchange::start(const GenerateMac& request) {
    if (request.data.size() > mac_data_bytes_max) return fail(HsmFault::data_length);
    step_ = Step::generate_mac;
    command_ = with_lmk(mac_command("M6", request.kind, request.key, request.profile, request.data));
    expected_ = "M7";
    unionpay_ = request.profile.algorithm == MacAlgorithm::unionpay_ecb;
}

void PayshieldExchange::start(const VerifyMac& request) {
    if (request.data.size() > mac_data_bytes_max) return fail(HsmFault::data_length);
    step_ = Step::verify_mac;
    std::string mac = iso8583::to_hex(request.mac);
    if (request.profile.algorithm == MacAlgorithm::unionpay_ecb) {
        mac.assign(request.mac.begin(), request.mac.end());
        // What is no upper-case hex was never a MAC of this algorithm; the HSM would only complain about the
        // field.
        if (!upper_hex(mac)) {
            reply_ = MacVerified{false};
            return;
        }
    }
    command_ = with_lmk(mac_command("M8", request.kind, request.key, request.profile, request.data) + mac);
    expected_ = "M9";
}

void PayshieldExchange::start(const TranslatePin& request) {
    if (request.source_kind != KeyKind::tpk && request.source_kind != KeyKind::zpk)
        return fail(HsmFault::key_use);
    if (request.pan.empty()) return fail(HsmFault::account_number);
    step_ = Step::translate_pin;
    pin_format_ = request.destination_format;
    const bool from_terminal = request.source_kind == KeyKind::tpk;
    const bool whole =
        request.source_format == PinBlockFormat::iso4 || request.destination_format == PinBlockFormat::iso4;
    std::string out = from_terminal ? "CA" : "CC";
    out += request.source.text();
    out += request.destination.text();
    out += "12";
    out += iso8583::to_hex(request.pin_block);
    out += format_number(request.source_format);
    out += format_number(request.destination_format);
    out += account_field(request.pan, whole);
    command_ = with_lmk(std::move(out));
    expected_ = from_terminal ? "CB" : "CD";
}

void PayshieldExchange::start(const GenerateTerminalKeys& request) {
    const bool single_mac = request.mac == MacAlgorithm::unionpay_ecb || request.mac == MacAlgorithm::cbc;
    if (request.single_length && !single_mac) return fail(HsmFault::key_length);
    terminal_ = request;
    step_ = Step::pin_key;
    command_ = with_lmk("HC" + request.tmk.text() + (request.single_length ? ";ZZ0" : ";XU0"));
    expected_ = "HD";
}

void PayshieldExchange::start(const GenerateZoneKey& request) {
    if (request.kind != KeyKind::zpk && request.kind != KeyKind::zak) return fail(HsmFault::key_use);
    step_ = Step::zone_key;
    const std::string& zmk = request.zmk.text();
    const bool blocks = !zmk.empty() && zmk[0] == 'S';
    command_ = with_lmk("A010" + std::string(pair_code(request.kind)) + (blocks ? "S;0" : "U;0") + zmk +
                        (blocks ? 'R' : 'X'));
    expected_ = "A1";
}

void PayshieldExchange::start(const ImportZoneKey& request) {
    if (request.kind != KeyKind::zpk && request.kind != KeyKind::zak) return fail(HsmFault::key_use);
    if (key_text_length(request.under_zmk) != request.under_zmk.size()) return fail(HsmFault::key_scheme);
    step_ = Step::zone_key_import;
    const char first = request.under_zmk[0];
    const char scheme = first == 'R' || first == 'S'   ? 'S'
                        : first == 'T' || first == 'Y' ? 'T'
                        : first == 'U' || first == 'X' ? 'U'
                                                       : 'Z';
    command_ = with_lmk("A60" + std::string(pair_code(request.kind)) + request.zmk.text() +
                        request.under_zmk + scheme);
    expected_ = "A7";
}

void PayshieldExchange::start(const CheckKey& request) {
    step_ = Step::check_key;
    const std::string& key = request.key.text();
    const char first = key.empty() ? ' ' : key[0];
    const char length = first == 'S' ? '3' : first == 'T' ? '2' : first == 'U' ? '1' : '0';
    command_ = with_lmk("BU" + std::string(pair_code(request.kind)) + length + key);
    expected_ = "BV";
}

std::optional<std::string> PayshieldExchange::next_command() { return std::exchange(command_, std::nullopt); }

void PayshieldExchange::nonsense() {
    made_sense_ = false;
    abandon();
}

void PayshieldExchange::abandon() {
    if (done()) return;
    if (step_ == Step::health)
        healthy_ = false;
    else
        fail(HsmFault::unavailable);
}

void PayshieldExchange::answered(std::string_view answer) {
    if (done()) return;
    if (answer.size() < 4 || answer.substr(0, 2) != expected_) return nonsense();
    const auto fault = fault_of_code(answer.substr(2, 2));
    if (step_ == Step::verify_mac && fault == HsmFault::verification_failed) {
        reply_ = MacVerified{false};
        return;
    }
    if (step_ == Step::health && fault) {
        healthy_ = false;
        return;
    }
    if (fault) return fail(*fault);
    take(answer.substr(4));
}

void PayshieldExchange::take(std::string_view data) {
    switch (step_) {
        case Step::generate_mac:
            return take_mac(data);
        case Step::verify_mac:
            // The one answer that lets a message pass has nothing behind its code.
            if (!data.empty()) return nonsense();
            reply_ = MacVerified{true};
            return;
        case Step::translate_pin: {
            const std::size_t digits = pin_format_ == PinBlockFormat::iso4 ? 32 : 16;
            if (data.size() < 2 + digits + 2 || data.substr(2 + digits, 2) != format_number(pin_format_))
                return nonsense();
            auto block = iso8583::parse_hex(data.substr(2, digits));
            if (!block) return nonsense();
            reply_ = PinTranslated{std::move(*block)};
            return;
        }
        case Step::pin_key:
            take_working_key(data, keys_.pin_key, false);
            if (done()) return;
            step_ = Step::mac_key;
            command_ = with_lmk("HA" + terminal_.tmk.text() +
                                (terminal_.mac == MacAlgorithm::aes_cmac ? ";XS0"
                                 : terminal_.single_length               ? ";ZZ0"
                                                                         : ";XU0"));
            expected_ = "HB";
            return;
        case Step::mac_key:
            take_working_key(data, keys_.mac_key, false);
            // A key block's check value stands behind it: terminals check what they decrypt as a TDES key.
            if (!done() && terminal_.mac == MacAlgorithm::aes_cmac)
                take_kcv(data.size() < 8 ? data : data.substr(data.size() - 8), keys_.mac_key);
            if (!done()) after_keys();
            return;
        case Step::track_key:
            take_working_key(data, keys_.track_key.emplace(), true);
            if (!done()) ask_kcv(Step::pin_key_kcv, keys_.pin_key, "02");
            return;
        case Step::pin_key_kcv:
            take_kcv(data, keys_.pin_key);
            if (done()) return;
            if (terminal_.mac == MacAlgorithm::aes_cmac) return after_mac_key_kcv();
            return ask_kcv(Step::mac_key_kcv, keys_.mac_key, "03");
        case Step::mac_key_kcv:
            take_kcv(data, keys_.mac_key);
            if (!done()) after_mac_key_kcv();
            return;
        case Step::track_key_kcv:
            take_kcv(data, *keys_.track_key);
            if (!done()) reply_ = std::move(keys_);
            return;
        case Step::zone_key:
            return take_zone_key(data, true);
        case Step::zone_key_import:
            return take_zone_key(data, false);
        case Step::check_key: {
            const auto bytes = iso8583::parse_hex(data.substr(0, 6));
            if (!bytes || bytes->size() != 3) return nonsense();
            reply_ = KeyChecked{{(*bytes)[0], (*bytes)[1], (*bytes)[2]}};
            return;
        }
        case Step::health:
            healthy_ = data.size() >= 16;
            lmk_check_value_ = data.substr(0, std::min<std::size_t>(16, data.size()));
            return;
    }
}

void PayshieldExchange::take_mac(std::string_view data) {
    const std::size_t digits = unionpay_ ? 8 : 16;
    if (data.size() < digits || !upper_hex(data.substr(0, digits))) return nonsense();
    Mac mac{};
    if (unionpay_) {
        std::copy_n(data.begin(), 8, mac.begin());
    } else {
        const auto bytes = iso8583::parse_hex(data.substr(0, 16));
        std::copy(bytes->begin(), bytes->end(), mac.begin());
    }
    reply_ = MacGenerated{mac};
}

/// Key under the LMK, for a new one the copy under the ZMK, six digits of check value.
void PayshieldExchange::take_zone_key(std::string_view data, bool with_copy) {
    ZoneKey key;
    const auto first = key_text_length(data);
    if (!first) return nonsense();
    const auto block = KeyBlock::parse(data.substr(0, *first));
    if (!block) return nonsense();
    key.under_lmk = *block;
    data.remove_prefix(*first);
    if (with_copy) {
        const auto second = key_text_length(data);
        if (!second) return nonsense();
        key.under_zmk = data.substr(0, *second);
        data.remove_prefix(*second);
    }
    const auto kcv = iso8583::parse_hex(data.substr(0, 6));
    if (!kcv || kcv->size() != 3) return nonsense();
    std::copy(kcv->begin(), kcv->end(), key.kcv.begin());
    reply_ = std::move(key);
}

/// Both keys have been made; a track key is a key of type 30B under the TMK (A0), which answers the other way
/// round.
void PayshieldExchange::after_keys() {
    if (!terminal_.with_track_key) return ask_kcv(Step::pin_key_kcv, keys_.pin_key, "02");
    step_ = Step::track_key;
    const char* const schemes[2] = {terminal_.single_length ? "Z" : "U", terminal_.single_length ? "Z" : "X"};
    command_ = with_lmk(std::string("A0130B") + schemes[0] + ";1" + terminal_.tmk.text() + schemes[1]);
    expected_ = "A1";
}

void PayshieldExchange::after_mac_key_kcv() {
    if (keys_.track_key)
        ask_kcv(Step::track_key_kcv, *keys_.track_key, "FF");
    else
        reply_ = std::move(keys_);
}

void PayshieldExchange::take_working_key(std::string_view data, WorkingKey& key, bool under_lmk_first) {
    const auto first = key_text_length(data);
    if (!first) return nonsense();
    const auto second = key_text_length(data.substr(*first));
    if (!second) return nonsense();
    std::string_view under_tmk = data.substr(0, *first);
    std::string_view under_lmk = data.substr(*first, *second);
    if (under_lmk_first) std::swap(under_tmk, under_lmk);
    const auto block = KeyBlock::parse(under_lmk);
    const auto bytes = iso8583::parse_hex(under_tmk.substr(under_tmk.size() % 2));
    const std::size_t wanted = terminal_.single_length ? 8 : 16;
    if (!block || !bytes || bytes->size() != wanted) return nonsense();
    key.under_lmk = *block;
    key.under_tmk = *bytes;
}

void PayshieldExchange::ask_kcv(Step step, const WorkingKey& key, std::string_view type_code) {
    step_ = step;
    std::string out = "BU";
    out += type_code;
    out += terminal_.single_length ? '0' : '1';
    out += key.under_lmk.text();
    if (type_code == "FF") out += ";30B";
    out += ";000";  // all 16 digits of the check value, because terminals compare four bytes
    command_ = with_lmk(std::move(out));
    expected_ = "BV";
}

void PayshieldExchange::take_kcv(std::string_view data, WorkingKey& key) {
    const auto bytes = data.size() < 8 ? iso8583::Result<Bytes>(iso8583::parse_error("short"))
                                       : iso8583::parse_hex(data.substr(0, 8));
    if (!bytes) return nonsense();
    std::copy(bytes->begin(), bytes->end(), key.kcv.begin());
}

}  // namespace hsm
