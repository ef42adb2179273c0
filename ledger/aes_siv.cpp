#include "ledger/aes_siv.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "iso8583/values/ensure.hpp"

namespace ledger {

namespace {

constexpr std::size_t block_bytes = 16;

template <typename Block>
Block doubled(const Block& block) {
    Block out{};
    for (std::size_t i = 0; i < block_bytes; ++i)
        out[i] = static_cast<std::uint8_t>(block[i] << 1 | (i + 1 < block_bytes ? block[i + 1] >> 7 : 0));
    // In time that does not depend on the key.
    out[block_bytes - 1] = static_cast<std::uint8_t>(out[block_bytes - 1] ^ (0x87 & -(block[0] >> 7)));
    return out;
}

void add(std::uint8_t* to, const std::uint8_t* what, std::size_t size) {
    for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t)) {
        std::uint64_t a = 0, b = 0;
        std::memcpy(&a, to, sizeof a);
        std::memcpy(&b, what, sizeof b);
        a ^= b;
        std::memcpy(to, &a, sizeof a);
        to += sizeof a;
        what += sizeof a;
    }
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::uint8_t>(to[i] ^ what[i]);
}

const std::uint8_t* bytes_of(std::string_view text) { return iso8583::as_bytes(text).data(); }

}  // namespace

struct AesSiv::Aes {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();

    explicit Aes(iso8583::ByteView key) {
        ENSURE(context != nullptr);
        ENSURE(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr) == 1);
        ENSURE(EVP_CIPHER_CTX_set_padding(context, 0) == 1);
    }
    ~Aes() { EVP_CIPHER_CTX_free(context); }
    Aes(const Aes&) = delete;
    Aes& operator=(const Aes&) = delete;

    void encrypt(std::uint8_t* blocks, std::size_t size) {
        int written = 0;
        ENSURE(EVP_EncryptUpdate(context, blocks, &written, blocks, static_cast<int>(size)) == 1);
        ENSURE(static_cast<std::size_t>(written) == size);
    }

    /// CMAC of the bytes, to the last of which `at_the_end` (a block, or none) was added (RFC 5297, xorend).
    template <typename Block>
    Block cmac(std::string_view message, const Block& subkey1, const Block& subkey2,
               const Block* at_the_end) {
        Block chain{};
        const std::size_t size = message.size();
        const std::size_t end_at = at_the_end == nullptr ? size : size - block_bytes;
        for (std::size_t at = 0; at < size; at += block_bytes) {
            const std::size_t count = std::min(block_bytes, size - at);
            add(chain.data(), bytes_of(message) + at, count);
            if (const std::size_t from = std::max(at, end_at); from < at + count)
                add(chain.data() + (from - at), at_the_end->data() + (from - end_at), at + count - from);
            if (at + block_bytes >= size) {
                if (count < block_bytes) chain[count] ^= 0x80;
                add(chain.data(), (count < block_bytes ? subkey2 : subkey1).data(), block_bytes);
            }
            encrypt(chain.data(), block_bytes);
        }
        return chain;
    }
};

AesSiv::AesSiv(iso8583::ByteView key) {
    ENSURE(key.size() == key_bytes);
    s2v_ = std::make_unique<Aes>(key.first(key_bytes / 2));
    ctr_ = std::make_unique<Aes>(key.subspan(key_bytes / 2));
    Block zero{};
    s2v_->encrypt(zero.data(), block_bytes);
    subkey1_ = doubled(zero);
    subkey2_ = doubled(subkey1_);
    static constexpr char nothing[block_bytes] = {};
    of_zero_ = doubled(s2v_->cmac<Block>({nothing, block_bytes}, subkey1_, subkey2_, nullptr));
    iso8583::zeroise(zero.data(), zero.size());
}

AesSiv::~AesSiv() {
    for (Block* secret : {&subkey1_, &subkey2_, &of_zero_}) iso8583::zeroise(secret->data(), secret->size());
}
AesSiv::AesSiv(AesSiv&&) noexcept = default;
AesSiv& AesSiv::operator=(AesSiv&&) noexcept = default;

AesSiv::Block AesSiv::synthetic_iv(std::string_view text, std::string_view associated) {
    Block d = of_zero_;
    add(d.data(), s2v_->cmac<Block>(associated, subkey1_, subkey2_, nullptr).data(), block_bytes);
    if (text.size() >= block_bytes) return s2v_->cmac<Block>(text, subkey1_, subkey2_, &d);
    d = doubled(d);
    add(d.data(), bytes_of(text), text.size());
    d[text.size()] ^= 0x80;
    return s2v_->cmac<Block>(iso8583::as_text(d), subkey1_, subkey2_, nullptr);
}

/// CTR from the IV without its bits 31 and 63 (RFC 5297, 2.6): 2^31 blocks are counted without a carry.
void AesSiv::count_over(const Block& iv, const std::uint8_t* in, std::size_t size, std::uint8_t* out) {
    Block counter = iv;
    counter[8] &= 0x7F;
    counter[12] &= 0x7F;
    std::array<std::uint8_t, 4 * block_bytes> stream;  // encrypted together: a card number has two blocks
    for (std::size_t at = 0; at < size; at += stream.size()) {
        const std::size_t count = std::min(stream.size(), size - at);
        std::size_t made = 0;
        for (; made < count; made += block_bytes) {
            std::copy(counter.begin(), counter.end(), stream.data() + made);
            for (std::size_t i = block_bytes; i-- > 0 && ++counter[i] == 0;) {
            }
        }
        ctr_->encrypt(stream.data(), made);
        std::copy_n(in + at, count, out + at);
        add(out + at, stream.data(), count);
    }
}

void AesSiv::seal(std::string_view text, std::string_view associated, std::uint8_t* sealed) {
    ENSURE(!text.empty() && !associated.empty());
    const Block iv = synthetic_iv(text, associated);
    std::copy(iv.begin(), iv.end(), sealed);
    count_over(iv, bytes_of(text), text.size(), sealed + iv_bytes);
}

bool AesSiv::open(std::string_view sealed, std::string_view associated, std::uint8_t* text) {
    ENSURE(sealed.size() > iv_bytes && !associated.empty());
    Block iv;
    std::copy_n(bytes_of(sealed), iv_bytes, iv.begin());
    const std::size_t size = sealed.size() - iv_bytes;
    count_over(iv, bytes_of(sealed) + iv_bytes, size, text);
    const Block of_opened = synthetic_iv(iso8583::as_text({text, size}), associated);
    if (CRYPTO_memcmp(of_opened.data(), iv.data(), iv_bytes) == 0) return true;
    iso8583::zeroise(text, size);
    return false;
}

}  // namespace ledger
