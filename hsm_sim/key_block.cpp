#include "hsm_sim/key_block.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/mac.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::Result;

constexpr std::size_t header_characters = 16;

tl::unexpected<KeyBlockFault> refuse(HsmFault fault, std::string what) {
    return tl::unexpected(KeyBlockFault{fault, std::move(what)});
}

/// The input of the key derivation of version B and D: counter, purpose, algorithm and length of the derived
/// key.
Bytes derivation_input(std::uint8_t counter, std::uint8_t purpose, std::uint16_t algorithm,
                       std::size_t key_bytes) {
    const std::size_t bits = key_bytes * 8;
    return {counter,
            0,
            purpose,
            0,
            static_cast<std::uint8_t>(algorithm >> 8),
            static_cast<std::uint8_t>(algorithm & 0xFF),
            static_cast<std::uint8_t>(bits >> 8),
            static_cast<std::uint8_t>(bits & 0xFF)};
}

ClearKey derive_tdes(ByteView protection, std::uint8_t purpose) {
    const TdesCipher cipher(protection);
    const std::uint16_t algorithm = protection.size() == 16 ? 0 : 1;
    ClearKey out(protection.size());
    for (std::size_t at = 0; at < protection.size(); at += 8) {
        const auto input =
            derivation_input(static_cast<std::uint8_t>(at / 8 + 1), purpose, algorithm, protection.size());
        Block8 part = tdes_cmac(cipher, input);
        const Wipe wipe(part);
        std::memcpy(out.data() + at, part.data(), 8);
    }
    return out;
}

ClearKey derive_aes(ByteView protection, std::uint8_t purpose) {
    AesCipher cipher(protection);
    const auto algorithm = static_cast<std::uint16_t>(protection.size() / 8);  // 2, 3, 4 for 128, 192, 256
    ClearKey out(protection.size());
    for (std::size_t at = 0; at < protection.size(); at += 16) {
        const auto input =
            derivation_input(static_cast<std::uint8_t>(at / 16 + 1), purpose, algorithm, protection.size());
        Block16 part = cipher.cmac(input);
        const Wipe wipe(part);
        std::memcpy(out.data() + at, part.data(), std::min<std::size_t>(16, protection.size() - at));
    }
    return out;
}

std::string decimal(std::size_t value, std::size_t digits) {
    std::string out = std::to_string(value);
    return std::string(digits - std::min(digits, out.size()), '0') + out;
}

bool alphanumeric(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return iso8583::is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

std::optional<std::size_t> parse_number(std::string_view text, unsigned base) {
    std::size_t value = 0;
    for (const char c : text) {
        unsigned digit = 99;
        if (iso8583::is_digit(c)) digit = static_cast<unsigned>(c - '0');
        if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

}  // namespace

struct KeyBlockProtection::Keyed {
    char version = 'D';
    std::optional<TdesCipher> tdes_encrypt;
    std::optional<TdesCipher> tdes_mac;
    std::unique_ptr<AesCipher> aes_encrypt;
    std::unique_ptr<AesCipher> aes_mac;

    [[nodiscard]] std::size_t block_bytes() const { return version == 'B' ? 8 : 16; }

    [[nodiscard]] Bytes mac(ByteView data) const {
        if (version == 'B') {
            const Block8 m = tdes_cmac(*tdes_mac, data);
            return {m.begin(), m.end()};
        }
        const Block16 m = aes_mac->cmac(data);
        return {m.begin(), m.end()};
    }
    void encrypt(std::span<std::uint8_t> data, ByteView iv) const {
        if (version == 'B') {
            Block8 v;
            std::copy(iv.begin(), iv.end(), v.begin());
            tdes_encrypt->encrypt_cbc(data, v);
        } else {
            Block16 v;
            std::copy(iv.begin(), iv.end(), v.begin());
            aes_encrypt->encrypt_cbc(data, v);
        }
    }
    void decrypt(std::span<std::uint8_t> data, ByteView iv) const {
        if (version == 'B') {
            Block8 v;
            std::copy(iv.begin(), iv.end(), v.begin());
            tdes_encrypt->decrypt_cbc(data, v);
        } else {
            Block16 v;
            std::copy(iv.begin(), iv.end(), v.begin());
            aes_encrypt->decrypt_cbc(data, v);
        }
    }
};

KeyBlockProtection::KeyBlockProtection(std::unique_ptr<Keyed> keyed) : keyed_(std::move(keyed)) {}
KeyBlockProtection::~KeyBlockProtection() = default;
KeyBlockProtection::KeyBlockProtection(KeyBlockProtection&&) noexcept = default;
KeyBlockProtection& KeyBlockProtection::operator=(KeyBlockProtection&&) noexcept = default;
char KeyBlockProtection::version() const { return keyed_->version; }

KeyBlockProtection KeyBlockProtection::tdes(ByteView key) {
    ENSURE(key.size() == 16 || key.size() == 24);
    auto keyed = std::make_unique<Keyed>();
    keyed->version = 'B';
    keyed->tdes_encrypt.emplace(derive_tdes(key, 0).view());
    keyed->tdes_mac.emplace(derive_tdes(key, 1).view());
    return KeyBlockProtection(std::move(keyed));
}

KeyBlockProtection KeyBlockProtection::aes(ByteView key) {
    auto keyed = std::make_unique<Keyed>();
    keyed->version = 'D';
    keyed->aes_encrypt = std::make_unique<AesCipher>(derive_aes(key, 0).view());
    keyed->aes_mac = std::make_unique<AesCipher>(derive_aes(key, 1).view());
    return KeyBlockProtection(std::move(keyed));
}

namespace {

std::string optional_text(const KeyBlockHeader& header, std::size_t block_bytes, std::size_t& blocks) {
    std::string out;
    for (const auto& block : header.optional) {
        static constexpr char digits[] = "0123456789ABCDEF";
        const std::size_t size = block.data.size() + 4;
        ENSURE(block.id.size() == 2 && size < 256);
        out += block.id;
        out += digits[size >> 4];
        out += digits[size & 0xF];
        out += block.data;
    }
    blocks = header.optional.size();
    const std::size_t over = out.size() % block_bytes;
    if (over != 0) {
        // A padding block has four characters at least; the rest of it is zeros, so that blocks are
        // reproducible.
        std::size_t pad = block_bytes - over;
        if (pad < 4) pad += block_bytes;
        static constexpr char digits[] = "0123456789ABCDEF";
        out += "PB";
        out += digits[pad >> 4];
        out += digits[pad & 0xF];
        out += std::string(pad - 4, '0');
        ++blocks;
    }
    return out;
}

}  // namespace

std::string KeyBlockProtection::wrap(const KeyBlockHeader& header, const ClearKey& key,
                                     iso8583::RandomSource& random) const {
    const std::size_t block = keyed_->block_bytes();
    ENSURE(header.version == keyed_->version && header.usage.size() == 2 && header.key_version.size() == 2);
    std::size_t optional_blocks = 0;
    const std::string optional = optional_text(header, block, optional_blocks);
    ENSURE(optional_blocks <= optional_blocks_max);

    const std::size_t plain_bytes = (2 + key.size() + block - 1) / block * block;
    const std::size_t total = header_characters + optional.size() + 2 * (plain_bytes + block);
    std::string text;
    text += header.version;
    text += decimal(total, 4);
    text += header.usage;
    text += header.algorithm;
    text += header.mode;
    text += header.key_version;
    text += header.exportability;
    text += decimal(optional_blocks, 2);
    text += "00";
    text += optional;

    Bytes sealed(text.begin(), text.end());
    const std::size_t at = sealed.size();
    sealed.resize(at + plain_bytes);
    const Wipe wipe(sealed);
    sealed[at] = static_cast<std::uint8_t>(key.size() * 8 >> 8);
    sealed[at + 1] = static_cast<std::uint8_t>(key.size() * 8 & 0xFF);
    std::copy(key.view().begin(), key.view().end(), sealed.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    random.fill(std::span(sealed).subspan(at + 2 + key.size()));
    const Bytes mac = keyed_->mac(sealed);
    keyed_->encrypt(std::span(sealed).subspan(at), mac);
    return text + iso8583::to_hex(ByteView(sealed).subspan(at)) + iso8583::to_hex(mac);
}

namespace {

Result<KeyBlockHeader, KeyBlockFault> parse_header(std::string_view block, std::size_t body_at,
                                                   std::size_t optional_blocks) {
    KeyBlockHeader header;
    header.version = block[0];
    header.usage = block.substr(5, 2);
    header.algorithm = block[7];
    header.mode = block[8];
    header.key_version = block.substr(9, 2);
    header.exportability = block[11];
    if (!alphanumeric(header.usage))
        return refuse(HsmFault::key_usage, "key usage at offset 5 is not alphanumeric");
    if (std::string_view("ADHT").find(header.algorithm) == std::string_view::npos)
        return refuse(HsmFault::key_usage, "algorithm at offset 7 is none of A, D, H, T");
    if (std::string_view("BCDEGNSTVXY").find(header.mode) == std::string_view::npos)
        return refuse(HsmFault::key_usage, "mode of use at offset 8 is unknown");
    if (std::string_view("ENS").find(header.exportability) == std::string_view::npos)
        return refuse(HsmFault::key_usage, "exportability at offset 11 is none of E, N, S");
    std::size_t at = header_characters;
    for (std::size_t i = 0; i < optional_blocks; ++i) {
        const std::size_t size = *parse_number(block.substr(at + 2, 2), 16);
        KeyBlockHeader::OptionalBlock optional{std::string(block.substr(at, 2)),
                                               std::string(block.substr(at + 4, size - 4))};
        if (optional.id != "PB") header.optional.push_back(std::move(optional));
        at += size;
    }
    ENSURE(at == body_at);
    return header;
}

/// Where the encrypted part begins, having walked over the optional blocks.
Result<std::size_t, KeyBlockFault> find_body(std::string_view block, std::size_t block_bytes,
                                             std::size_t optional_blocks) {
    std::size_t at = header_characters;
    for (std::size_t i = 0; i < optional_blocks; ++i) {
        if (at + 4 > block.size())
            return refuse(HsmFault::key_block_authentication,
                          "optional block at offset " + std::to_string(at) + " runs past the end");
        const auto size = parse_number(block.substr(at + 2, 2), 16);
        if (!alphanumeric(block.substr(at, 2)) || !size || *size < 4 || at + *size > block.size())
            return refuse(HsmFault::key_block_authentication,
                          "optional block at offset " + std::to_string(at) + " has a bad name or length");
        at += *size;
    }
    if ((at - header_characters) % block_bytes != 0)
        return refuse(HsmFault::key_block_authentication, "optional blocks do not fill whole cipher blocks");
    return at;
}

}  // namespace

Result<UnwrappedKey, KeyBlockFault> KeyBlockProtection::unwrap(std::string_view block) const {
    const std::size_t cipher_block = keyed_->block_bytes();
    if (block.size() < header_characters || block.size() > characters_max)
        return refuse(HsmFault::key_block_authentication,
                      "a key block has 16 to 512 characters, this one " + std::to_string(block.size()));
    if (block[0] != keyed_->version)
        return refuse(HsmFault::key_scheme, std::string("version at offset 0 must be ") + keyed_->version);
    const auto declared = parse_number(block.substr(1, 4), 10);
    if (!declared || *declared != block.size())
        return refuse(
            HsmFault::key_block_authentication,
            "the length field at offset 1 is not the " + std::to_string(block.size()) + " characters given");
    const auto optional_blocks = parse_number(block.substr(12, 2), 10);
    if (!optional_blocks || *optional_blocks > optional_blocks_max)
        return refuse(HsmFault::key_block_authentication,
                      "number of optional blocks at offset 12 is not 00 to 08");
    const auto body_at = find_body(block, cipher_block, *optional_blocks);
    if (!body_at) return tl::unexpected(body_at.error());

    auto body = iso8583::parse_hex(block.substr(*body_at));
    if (!body || body->size() < 2 * cipher_block || body->size() % cipher_block != 0)
        return refuse(
            HsmFault::key_block_authentication,
            "after the header at offset " + std::to_string(*body_at) + ": needs whole hex blocks and a MAC");
    const std::size_t plain_bytes = body->size() - cipher_block;
    const Bytes mac(body->begin() + static_cast<std::ptrdiff_t>(plain_bytes), body->end());
    body->resize(plain_bytes);
    const Wipe wipe(*body);
    keyed_->decrypt(*body, mac);

    Bytes sealed(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(*body_at));
    sealed.reserve(sealed.size() + body->size());
    sealed.insert(sealed.end(), body->begin(), body->end());
    const Wipe wipe_sealed(sealed);
    if (!equal_constant_time(keyed_->mac(sealed), mac))
        return refuse(HsmFault::key_block_authentication, "the block's MAC is wrong");

    auto header = parse_header(block, *body_at, *optional_blocks);
    if (!header) return tl::unexpected(header.error());
    const std::size_t bits = static_cast<std::size_t>((*body)[0]) << 8 | (*body)[1];
    const std::size_t size = bits / 8;
    if (bits % 8 != 0 || size > plain_bytes - 2 || size > ClearKey::bytes_max)
        return refuse(HsmFault::key_length, "the key's length in bits does not fit the block");
    const bool fits = header->algorithm == 'A'   ? size == 16 || size == 24 || size == 32
                      : header->algorithm == 'T' ? size == 16 || size == 24
                      : header->algorithm == 'H' ? size >= 16
                                                 : size == 8;
    if (!fits) return refuse(HsmFault::key_length, "the key's length is none of its algorithm's");
    return UnwrappedKey{std::move(*header), ClearKey(ByteView(*body).subspan(2, size))};
}

}  // namespace hsm
