#include "hsm_sim/pin_block.hpp"

#include <algorithm>

namespace hsm {
namespace {

using iso8583::Result;

std::uint8_t nibble_of(const std::uint8_t* bytes, std::size_t i) {
    return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0xF;
}
void set_nibble(std::uint8_t* bytes, std::size_t i, unsigned value) {
    std::uint8_t& b = bytes[i / 2];
    b = static_cast<std::uint8_t>(i % 2 == 0 ? (b & 0x0F) | value << 4 : (b & 0xF0) | value);
}

constexpr std::size_t nibbles = 16;  // of an 8-byte block, and of the PIN half of a format 4 field

}  // namespace

// Reads control nibble, length, digits and fill in one pass without branches on the content: `bad` collects.
struct PinBlockReader {
    static Result<ClearPin, HsmFault> read(const std::uint8_t* field, unsigned control, unsigned fill_min,
                                           unsigned fill_max) {
        ClearPin pin;
        const unsigned length = nibble_of(field, 1);
        unsigned bad = (static_cast<unsigned>(nibble_of(field, 0)) ^ control);
        bad |= static_cast<unsigned>(length < ClearPin::digits_min) |
               static_cast<unsigned>(length > ClearPin::digits_max);
        for (std::size_t i = 0; i + 2 < nibbles; ++i) {
            const unsigned value = nibble_of(field, i + 2);
            const unsigned is_pin = static_cast<unsigned>(i < length);
            bad |= is_pin & static_cast<unsigned>(value > 9);
            bad |= (is_pin ^ 1U) &
                   (static_cast<unsigned>(value < fill_min) | static_cast<unsigned>(value > fill_max));
            if (i < ClearPin::digits_max) pin.digits_[i] = static_cast<std::uint8_t>(value * is_pin);
        }
        pin.size_ = length;
        if (bad != 0) return tl::unexpected(HsmFault::pin_block_content);
        return pin;
    }

    static Result<ClearPin, HsmFault> of_text(std::string_view digits) {
        if (digits.size() < ClearPin::digits_min || digits.size() > ClearPin::digits_max)
            return tl::unexpected(HsmFault::pin_length);
        if (!iso8583::all_digits(digits)) return tl::unexpected(HsmFault::input);
        ClearPin pin;
        for (std::size_t i = 0; i < digits.size(); ++i)
            pin.digits_[i] = static_cast<std::uint8_t>(digits[i] - '0');
        pin.size_ = digits.size();
        return pin;
    }
};

Result<ClearPin, HsmFault> ClearPin::parse(std::string_view digits) {
    return PinBlockReader::of_text(digits);
}

PinAccount PinAccount::of_digits(std::string_view pan) {
    PinAccount account;
    account.twelve_.fill('0');
    const std::string_view without_check = pan.substr(0, pan.size() - 1);
    const std::size_t count = std::min<std::size_t>(12, without_check.size());
    std::copy(without_check.end() - static_cast<std::ptrdiff_t>(count), without_check.end(),
              account.twelve_.end() - static_cast<std::ptrdiff_t>(count));
    return account;
}

PinAccount PinAccount::of(const iso8583::Pan& pan) {
    ENSURE(!pan.empty());
    PinAccount account = of_digits(pan.reveal());
    account.whole_ = pan;
    return account;
}

Result<PinAccount, HsmFault> PinAccount::parse_twelve(std::string_view digits) {
    const auto pan = iso8583::Pan::parse(digits);
    if (digits.size() != 12 || !pan) return tl::unexpected(HsmFault::account_number);
    PinAccount account;
    std::copy(digits.begin(), digits.end(), account.twelve_.begin());
    account.whole_ = *pan;
    return account;
}

Result<PinAccount, HsmFault> PinAccount::parse_whole(std::string_view digits) {
    const auto pan = iso8583::Pan::parse(digits);
    if (!pan) return tl::unexpected(HsmFault::account_number);
    return of(*pan);
}

std::array<std::uint8_t, 8> PinAccount::field8() const {
    std::array<std::uint8_t, 8> out{};
    for (std::size_t i = 0; i < 12; ++i)
        set_nibble(out.data(), i + 4, static_cast<unsigned>(twelve_[i] - '0'));
    return out;
}

std::array<std::uint8_t, 16> PinAccount::field16() const {
    std::array<std::uint8_t, 16> out{};
    const std::string_view pan = whole_.reveal();
    const std::size_t zeros = pan.size() < 12 ? 12 - pan.size() : 0;  // on the left, up to 12 digits
    set_nibble(out.data(), 0, static_cast<unsigned>(pan.size() + zeros - 12));
    for (std::size_t i = 0; i < pan.size(); ++i)
        set_nibble(out.data(), 1 + zeros + i, static_cast<unsigned>(pan[i] - '0'));
    return out;
}

std::array<std::uint8_t, 8> encode_pin_block(PinBlockFormat format, const ClearPin& pin,
                                             const PinAccount& account,
                                             const std::array<std::uint8_t, 8>& fill) {
    ENSURE(format != PinBlockFormat::iso4);
    ENSURE(pin.size() >= ClearPin::digits_min);
    const unsigned control = format == PinBlockFormat::iso0 ? 0 : format == PinBlockFormat::iso1 ? 1 : 3;
    std::array<std::uint8_t, 8> out{};
    set_nibble(out.data(), 0, control);
    set_nibble(out.data(), 1, static_cast<unsigned>(pin.size()));
    // Format 3 draws digits of base 6 from one large number, so that A to F are equally likely.
    std::uint64_t draw = 0;
    for (const std::uint8_t b : fill) draw = draw << 8 | b;
    for (std::size_t i = 0; i + 2 < nibbles; ++i) {
        const unsigned random = nibble_of(fill.data(), i + 2);
        unsigned value = 0xF;
        if (i < pin.size())
            value = pin.digit(i);
        else if (format == PinBlockFormat::iso1)
            value = random;
        else if (format == PinBlockFormat::iso3)
            value = 0xA + static_cast<unsigned>(draw % 6);
        draw /= 6;
        set_nibble(out.data(), i + 2, value);
    }
    if (format != PinBlockFormat::iso1) {
        const auto field = account.field8();
        for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(out[i] ^ field[i]);
    }
    return out;
}

Result<ClearPin, HsmFault> decode_pin_block(PinBlockFormat format, const std::array<std::uint8_t, 8>& block,
                                            const PinAccount& account) {
    ENSURE(format != PinBlockFormat::iso4);
    std::array<std::uint8_t, 8> field = block;
    const Wipe wipe(field);
    if (format != PinBlockFormat::iso1) {
        const auto pan = account.field8();
        for (std::size_t i = 0; i < 8; ++i) field[i] = static_cast<std::uint8_t>(field[i] ^ pan[i]);
    }
    switch (format) {
        case PinBlockFormat::iso0:
            return PinBlockReader::read(field.data(), 0, 0xF, 0xF);
        case PinBlockFormat::iso1:
            return PinBlockReader::read(field.data(), 1, 0x0, 0xF);
        case PinBlockFormat::iso3:
            return PinBlockReader::read(field.data(), 3, 0xA, 0xF);
        case PinBlockFormat::iso4:
            break;
    }
    return tl::unexpected(HsmFault::pin_block_format);
}

std::array<std::uint8_t, 16> encode_pin_field4(const ClearPin& pin,
                                               const std::array<std::uint8_t, 8>& random) {
    ENSURE(pin.size() >= ClearPin::digits_min);
    std::array<std::uint8_t, 16> out{};
    set_nibble(out.data(), 0, 4);
    set_nibble(out.data(), 1, static_cast<unsigned>(pin.size()));
    for (std::size_t i = 0; i + 2 < nibbles; ++i)
        set_nibble(out.data(), i + 2, i < pin.size() ? pin.digit(i) : 0xAU);
    std::copy(random.begin(), random.end(), out.begin() + 8);
    return out;
}

Result<ClearPin, HsmFault> decode_pin_field4(const std::array<std::uint8_t, 16>& field) {
    return PinBlockReader::read(field.data(), 4, 0xA, 0xA);
}

std::string_view host_number(PinBlockFormat format) {
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

Result<PinBlockFormat, HsmFault> parse_host_number(std::string_view two_digits) {
    for (const PinBlockFormat format :
         {PinBlockFormat::iso0, PinBlockFormat::iso1, PinBlockFormat::iso3, PinBlockFormat::iso4})
        if (host_number(format) == two_digits) return format;
    return tl::unexpected(HsmFault::pin_block_format);
}

bool translation_allowed(PinBlockFormat from, PinBlockFormat to) {
    return to != PinBlockFormat::iso1 || from == PinBlockFormat::iso1;
}

}  // namespace hsm
