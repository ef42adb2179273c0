#include "hsm_sim/pin_verification.hpp"

#include <algorithm>
#include <cstring>

namespace hsm {
namespace {

using iso8583::Result;

std::uint8_t nibble_of(const Block8& bytes, std::size_t i) {
    return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0xF;
}

/// Decimal digits of a block first, then A-F less 10: how PVV and CVV read an encrypted block.
std::string decimal_digits(const Block8& block, std::size_t count) {
    std::string out;
    for (const bool letters : {false, true})
        for (std::size_t i = 0; i < 16 && out.size() < count; ++i) {
            const std::uint8_t value = nibble_of(block, i);
            if ((value > 9) == letters) out.push_back(static_cast<char>('0' + value % 10));
        }
    return out;
}

Block8 block_of_digits(std::string_view digits) {
    Block8 out{};
    for (std::size_t i = 0; i < digits.size() && i < 16; ++i) {
        const auto value = static_cast<unsigned>(digits[i] - '0');
        out[i / 2] = static_cast<std::uint8_t>(out[i / 2] | (i % 2 == 0 ? value << 4 : value));
    }
    return out;
}

}  // namespace

Result<DecimalisationTable, HsmFault> DecimalisationTable::parse(std::string_view digits) {
    if (digits.size() != 16 || !iso8583::all_digits(digits))
        return tl::unexpected(HsmFault::decimalisation_table);
    std::array<int, 10> count{};
    DecimalisationTable table;
    for (std::size_t i = 0; i < 16; ++i) {
        table.digits_[i] = static_cast<std::uint8_t>(digits[i] - '0');
        ++count.at(table.digits_[i]);
    }
    const auto different = std::count_if(count.begin(), count.end(), [](int n) { return n != 0; });
    if (different < 8 || *std::max_element(count.begin(), count.end()) > 4)
        return tl::unexpected(HsmFault::decimalisation_table);
    return table;
}

std::string ibm_offset(const TdesCipher& pvk, const Block8& validation, const DecimalisationTable& table,
                       const ClearPin& pin, std::size_t digits) {
    ENSURE(digits <= pin.size());
    Block8 block = validation;
    const Wipe wipe(block);
    pvk.encrypt(block);
    // A check length below the PIN's length looks at the PIN's last digits, against the natural PIN's same
    // places.
    const std::size_t first = pin.size() - digits;
    std::string offset;
    for (std::size_t i = first; i < pin.size(); ++i)
        offset.push_back(static_cast<char>('0' + (10 + pin.digit(i) - table.of(nibble_of(block, i))) % 10));
    return offset;
}

bool ibm_offset_matches(const TdesCipher& pvk, const Block8& validation, const DecimalisationTable& table,
                        const ClearPin& pin, std::string_view offset) {
    std::string right = ibm_offset(pvk, validation, table, pin, offset.size());
    const Wipe wipe(right);
    return equal_constant_time(iso8583::as_bytes(right), iso8583::as_bytes(offset));
}

std::string visa_pvv(const TdesCipher& pvk_pair, const PinAccount& account, char pvk_index,
                     const ClearPin& pin) {
    std::string tsp(account.twelve().substr(1));
    tsp += pvk_index;
    for (std::size_t i = 0; i < 4; ++i) tsp.push_back(static_cast<char>('0' + pin.digit(i)));
    const Wipe wipe_tsp(tsp);
    Block8 block = block_of_digits(tsp);
    const Wipe wipe(block);
    pvk_pair.encrypt(block);
    return decimal_digits(block, 4);
}

Result<std::string, HsmFault> card_verification_value(iso8583::ByteView cvk_pair, std::string_view pan,
                                                      std::string_view expiry,
                                                      std::string_view service_code) {
    if (cvk_pair.size() != 16) return tl::unexpected(HsmFault::key_length);
    std::string data = std::string(pan) + std::string(expiry) + std::string(service_code);
    const Wipe wipe_data(data);
    if (pan.size() < 12 || pan.size() > 19 || expiry.size() != 4 || service_code.size() != 3 ||
        !iso8583::all_digits(data))
        return tl::unexpected(HsmFault::input);
    data.resize(32, '0');
    Block8 block = block_of_digits(std::string_view(data).substr(0, 16));
    const Block8 second = block_of_digits(std::string_view(data).substr(16));
    const Wipe wipe(block);
    TdesCipher(cvk_pair.first(8)).encrypt(block);
    for (std::size_t i = 0; i < 8; ++i) block[i] = static_cast<std::uint8_t>(block[i] ^ second[i]);
    TdesCipher(cvk_pair).encrypt(block);
    return decimal_digits(block, 3);
}

}  // namespace hsm
