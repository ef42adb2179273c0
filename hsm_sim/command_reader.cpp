#include "hsm_sim/command_reader.hpp"

#include <algorithm>

#include "hsm_sim/payshield.hpp"

namespace hsm {
namespace {

bool upper_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return iso8583::is_digit(c) || (c >= 'A' && c <= 'F'); });
}

constexpr std::size_t trailer_max = 32;
constexpr char trailer_mark = '\x19';

}  // namespace

void CommandReader::fail(HsmFault fault, std::string why) {
    if (!fault_) fault_ = CommandFault{fault, std::move(why)};
}

void CommandReader::bad(const char* field, const char* needed) {
    fail(HsmFault::input,
         std::string(field) + " at offset " + std::to_string(at_) + " of the data: needs " + needed);
}

std::string_view CommandReader::any(const char* field, std::size_t count) {
    if (fault_) return {};
    if (data_.size() - at_ < count) {
        fail(HsmFault::input, std::string(field) + " at offset " + std::to_string(at_) +
                                  " of the data: needs " + std::to_string(count) + " characters, " +
                                  std::to_string(data_.size() - at_) + " are left");
        return {};
    }
    const std::string_view out = data_.substr(at_, count);
    at_ += count;
    return out;
}

std::string_view CommandReader::digits(const char* field, std::size_t count) {
    const std::string_view out = any(field, count);
    if (fault_ || iso8583::all_digits(out)) return out;
    at_ -= count;
    bad(field, "decimal digits");
    return {};
}

std::string_view CommandReader::hex(const char* field, std::size_t count) {
    const std::string_view out = any(field, count);
    if (fault_ || upper_hex(out)) return out;
    at_ -= count;
    bad(field, "upper-case hex digits");
    return {};
}

std::size_t CommandReader::number(const char* field, std::size_t count) {
    std::size_t value = 0;
    for (const char c : digits(field, count)) value = value * 10 + static_cast<std::size_t>(c - '0');
    return value;
}

std::size_t CommandReader::hex_number(const char* field, std::size_t count) {
    std::size_t value = 0;
    for (const char c : hex(field, count))
        value = value * 16 + static_cast<std::size_t>(iso8583::is_digit(c) ? c - '0' : c - 'A' + 10);
    return value;
}

char CommandReader::character(const char* field) {
    const std::string_view out = any(field, 1);
    return out.empty() ? '\0' : out[0];
}

std::string_view CommandReader::key(const char* field, bool pair) {
    if (fault_) return {};
    std::string_view here = rest();
    std::optional<std::size_t> length;
    if (pair && here.size() >= 32 && upper_hex(here.substr(0, 32)))
        length = 32;
    else
        length = key_text_length(here);
    if (!length || *length > KeyBlock::text_max) {
        fail(HsmFault::key_scheme, std::string(field) + " at offset " + std::to_string(at_) +
                                       " of the data: is in no key scheme, or cut short");
        return {};
    }
    const std::string_view out = here.substr(0, *length);
    const bool block = out[0] == 'S' || out[0] == 'R';
    const std::string_view hex_part =
        iso8583::is_digit(out[0]) || (out[0] >= 'A' && out[0] <= 'F') ? out : out.substr(1);
    if (!block && !upper_hex(hex_part)) {
        bad(field, "upper-case hex digits");
        return {};
    }
    at_ += *length;
    return out;
}

KeyType CommandReader::key_type(const char* field) {
    const std::string_view text = any(field, 3);
    if (fault_) return {};
    const auto type = KeyType::parse(text);
    if (type) return *type;
    fail(HsmFault::key_type, std::string(field) + ": no such key type");
    return {};
}

PinBlockFormat CommandReader::pin_format(const char* field) {
    const std::string_view text = digits(field, 2);
    if (fault_) return PinBlockFormat::iso0;
    const auto format = parse_host_number(text);
    if (format) return *format;
    fail(HsmFault::pin_block_format, std::string(field) + ": none of 01, 05, 47, 48");
    return PinBlockFormat::iso0;
}

PinAccount CommandReader::account(const char* field, bool whole_allowed) {
    static const PinAccount none = *PinAccount::parse_twelve("000000000000");
    if (fault_) return none;
    const std::string_view here = rest();
    std::size_t count = 0;
    while (count < here.size() && count < iso8583::Pan::digits_max && iso8583::is_digit(here[count])) ++count;
    const bool ended = count < here.size() && here[count] == ';';
    if (whole_allowed && count >= 12 && ended) {
        at_ += count + 1;
        return *PinAccount::parse_whole(here.substr(0, count));
    }
    if (count < 12) {
        fail(HsmFault::account_number,
             std::string(field) + " at offset " + std::to_string(at_) + " of the data: needs 12 digits");
        return none;
    }
    at_ += 12;
    return *PinAccount::parse_twelve(here.substr(0, 12));
}

iso8583::Bytes CommandReader::pin_block(const char* field, bool aes) {
    if (fault_) return {};
    const std::string_view here = rest();
    const auto format_at = [&](std::size_t offset) -> std::optional<PinBlockFormat> {
        if (here.size() < offset + 2) return std::nullopt;
        const auto format = parse_host_number(here.substr(offset, 2));
        return format ? std::optional(*format) : std::nullopt;
    };
    const bool long_fits = format_at(32) == PinBlockFormat::iso4;
    const bool short_fits = format_at(16).has_value() && format_at(16) != PinBlockFormat::iso4;
    const std::size_t count = long_fits && (aes || !short_fits) ? 32 : 16;
    const auto bytes = iso8583::parse_hex(hex(field, count));
    return bytes ? *bytes : iso8583::Bytes{};
}

bool CommandReader::accept(char c) {
    if (fault_ || at_ >= data_.size() || data_[at_] != c) return false;
    ++at_;
    return true;
}

void CommandReader::end() {
    if (accept('%') && digits("LMK id", 2) != "00" && !fault_)
        fail(HsmFault::lmk, "LMK id: this HSM has one LMK, 00");
    if (accept(trailer_mark)) {
        trailer_ = rest();
        if (trailer_.size() > trailer_max) {
            trailer_ = {};
            fail(HsmFault::input, "trailer: longer than 32 characters");
        }
        at_ = data_.size();
    }
    if (!fault_ && at_ != data_.size())
        fail(HsmFault::input, "offset " + std::to_string(at_) + " of the data: " +
                                  std::to_string(data_.size() - at_) + " characters too many");
}

}  // namespace hsm
