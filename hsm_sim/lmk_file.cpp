#include "hsm_sim/lmk_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "hsm_sim/ciphers.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;

// Do not change: files of this version are read back years later (docs/hsm.md, sealed LMK).
constexpr std::string_view first_line_1 = "hsm-sim sealed LMK 1";
// Since version 2 a line `integrity` covers all others under the file's key, and the sealed part is bound to
// its version.
constexpr std::string_view first_line_2 = "hsm-sim sealed LMK 2";
constexpr std::size_t integrity_digits = 64;
constexpr unsigned cost_min = 10;
constexpr unsigned cost_max = 20;
constexpr std::uint64_t scrypt_r = 8;
constexpr std::uint64_t scrypt_p = 1;
constexpr std::uint64_t scrypt_memory_max = std::uint64_t{2} * 1024 * 1024 * 1024;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t material_bytes = LmkMaterial::pairs_count * 16 + 32;

ClearKey scrypt(std::string_view passphrase, ByteView salt, unsigned cost) {
    ClearKey out(32);
    ENSURE(EVP_PBE_scrypt(passphrase.data(), passphrase.size(), salt.data(), salt.size(),
                          std::uint64_t{1} << cost, scrypt_r, scrypt_p, scrypt_memory_max, out.data(),
                          out.size()) == 1);
    return out;
}

ClearKey hmac(ByteView key, std::string_view text) {
    ClearKey out(32);
    unsigned size = 32;
    ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), iso8583::as_bytes(text).data(),
                text.size(), out.data(), &size) != nullptr);
    return out;
}

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

/// Nonce, ciphertext, tag as hex. `purpose` is bound to it, so that one sealed part cannot stand in another's
/// place.
std::string seal(const ClearKey& key, ByteView clear, std::string_view purpose,
                 iso8583::RandomSource& random) {
    Bytes out(nonce_bytes + clear.size() + tag_bytes);
    random.fill(std::span(out).first(nonce_bytes));
    const Context context(EVP_CIPHER_CTX_new());
    int size = 0;
    ENSURE(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.view().data(), out.data()) == 1);
    ENSURE(EVP_EncryptUpdate(context.get(), nullptr, &size, iso8583::as_bytes(purpose).data(),
                             static_cast<int>(purpose.size())) == 1);
    ENSURE(EVP_EncryptUpdate(context.get(), out.data() + nonce_bytes, &size, clear.data(),
                             static_cast<int>(clear.size())) == 1);
    ENSURE(EVP_EncryptFinal_ex(context.get(), out.data() + nonce_bytes + clear.size(), &size) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes,
                               out.data() + nonce_bytes + clear.size()) == 1);
    return iso8583::to_hex(out);
}

Result<Bytes> unseal(const ClearKey& key, std::string_view hex, std::string_view purpose) {
    auto sealed = iso8583::parse_hex(hex);
    if (!sealed || sealed->size() < nonce_bytes + tag_bytes)
        return parse_error("sealed LMK: the " + std::string(purpose) + " line is damaged");
    const std::size_t clear_bytes = sealed->size() - nonce_bytes - tag_bytes;
    Bytes out(clear_bytes);
    const Context context(EVP_CIPHER_CTX_new());
    int size = 0;
    ENSURE(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.view().data(), sealed->data()) ==
           1);
    ENSURE(EVP_DecryptUpdate(context.get(), nullptr, &size, iso8583::as_bytes(purpose).data(),
                             static_cast<int>(purpose.size())) == 1);
    ENSURE(EVP_DecryptUpdate(context.get(), out.data(), &size, sealed->data() + nonce_bytes,
                             static_cast<int>(clear_bytes)) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes,
                               sealed->data() + nonce_bytes + clear_bytes) == 1);
    if (EVP_DecryptFinal_ex(context.get(), out.data() + clear_bytes, &size) != 1) {
        iso8583::zeroise(out.data(), out.size());
        return parse_error("sealed LMK: the " + std::string(purpose) +
                           " part does not open (wrong passphrase or key file, or a changed file)");
    }
    return out;
}

ClearKey officers_key(const std::array<std::string, officers_count>& passphrases, ByteView salt,
                      unsigned cost) {
    Bytes both;
    both.reserve(64);
    for (std::size_t i = 0; i < officers_count; ++i) {
        Bytes own(salt.begin(), salt.end());
        own.push_back(static_cast<std::uint8_t>(i + 1));
        const ClearKey part = scrypt(passphrases[i], own, cost);
        both.insert(both.end(), part.view().begin(), part.view().end());
    }
    const Wipe wipe(both);
    return hmac(both, "officers");
}

}  // namespace

SealingSecrets::~SealingSecrets() {
    for (std::string& passphrase : passphrases) iso8583::zeroise(passphrase.data(), passphrase.size());
}

Result<ClearKey> parse_lmk_component(std::string_view hex) {
    auto bytes = iso8583::parse_hex(hex);
    if (!bytes || bytes->size() != lmk_component_bytes) return parse_error("component: needs 64 hex digits");
    const Wipe wipe(*bytes);
    if (std::all_of(bytes->begin(), bytes->end(), [&](std::uint8_t b) { return b == bytes->front(); }))
        return parse_error("component: all its bytes are equal, which is no secret");
    return ClearKey{ByteView(*bytes)};
}

Result<LmkMaterial> combine_lmk_components(const ClearKey& first, const ClearKey& second) {
    if (equal_constant_time(first.view(), second.view())) return parse_error("the two components are equal");
    ClearKey seed = first;
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(seed[i] ^ second[i]);
    LmkMaterial material;
    for (std::size_t i = 0; i < material.pairs.size(); ++i) {
        // A pair with equal halves would be single DES; the next derivation takes its place.
        for (int attempt = 0;; ++attempt) {
            const ClearKey derived =
                hmac(seed.view(), "LMK pair " + std::to_string(i) + "." + std::to_string(attempt));
            std::copy_n(derived.view().begin(), 16, material.pairs[i].begin());
            set_odd_parity(material.pairs[i]);
            if (!is_single_length_masquerade(material.pairs[i])) break;
        }
    }
    const ClearKey aes = hmac(seed.view(), "LMK AES");
    std::copy_n(aes.view().begin(), material.aes.size(), material.aes.begin());
    return material;
}

namespace {

std::string_view sealed_purpose(const SealedLmk& sealed) {
    return sealed.integrity.empty() ? "sealed" : "sealed 2";
}

/// What the integrity line says of the others.
std::string integrity_of(SealedLmk sealed, const ClearKey& file_key) {
    sealed.integrity.assign(integrity_digits, '0');
    return iso8583::to_hex(hmac(file_key.view(), "integrity\n" + sealed.text()).view());
}

/// An officer's salt or check: hex of so many bytes.
bool is_hex_of(std::string_view text, std::size_t bytes) {
    const auto parsed = iso8583::parse_hex(text);
    return parsed && parsed->size() == bytes;
}

}  // namespace

std::string SealedLmk::text() const {
    std::string out(integrity.empty() ? first_line_1 : first_line_2);
    out += "\nscrypt-cost " + std::to_string(cost);
    out += "\ncheck-value " + check_value + "\nofficers-slot " + officers_slot + "\n";
    if (!key_file_slot.empty()) out += "key-file-slot " + key_file_slot + "\n";
    for (std::size_t i = 0; i < officers_count; ++i)
        out += "officer " + std::to_string(i + 1) + " " + officers[i].salt + " " + officers[i].check + "\n";
    out += "sealed " + sealed + "\n";
    return integrity.empty() ? out : out + "integrity " + integrity + "\n";
}

Result<SealedLmk> SealedLmk::parse(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::string line;
    const bool read = static_cast<bool>(std::getline(in, line));
    const bool has_integrity = line == first_line_2;
    if (!read || (!has_integrity && line != first_line_1))
        return parse_error("sealed LMK: line 1 must be '" + std::string(first_line_2) + "'");
    SealedLmk out;
    for (std::size_t number = 2; std::getline(in, line); ++number) {
        std::istringstream words(line);
        std::string key;
        words >> key;
        if (key == "check-value")
            words >> out.check_value;
        else if (key == "scrypt-cost")
            words >> out.cost;
        else if (key == "officers-slot") {
            std::string salt;
            std::string slot;
            words >> salt >> slot;
            out.officers_slot = salt;
            out.officers_slot += ' ';
            out.officers_slot += slot;
        } else if (key == "key-file-slot")
            words >> out.key_file_slot;
        else if (key == "sealed")
            words >> out.sealed;
        else if (key == "integrity" && has_integrity)
            words >> out.integrity;
        else if (key == "officer") {
            std::size_t officer = 0;
            words >> officer;
            if (officer < 1 || officer > officers_count)
                return parse_error("sealed LMK: line " + std::to_string(number) +
                                   " names an officer that is not 1 or 2");
            words >> out.officers[officer - 1].salt >> out.officers[officer - 1].check;
        } else {
            return parse_error("sealed LMK: line " + std::to_string(number) + " has an unknown key");
        }
        std::string more;
        if (words.fail() || words >> more)
            return parse_error("sealed LMK: line " + std::to_string(number) +
                               " has too few or too many words");
    }
    if (out.cost < cost_min || out.cost > cost_max)
        return parse_error("sealed LMK: scrypt-cost needs a number from 10 to 20");
    if (out.sealed.empty() || out.officers_slot.empty() || out.check_value.empty() ||
        out.officers[0].check.empty() || out.officers[1].check.empty())
        return parse_error(
            "sealed LMK: a line is missing; needs check-value, officers-slot, officer 1 and 2, sealed");
    for (std::size_t i = 0; i < officers_count; ++i)
        if (!is_hex_of(out.officers[i].salt, salt_bytes) || !is_hex_of(out.officers[i].check, 32))
            return parse_error("sealed LMK: the line of officer " + std::to_string(i + 1) + " is damaged");
    if (has_integrity && !is_hex_of(out.integrity, integrity_digits / 2))
        return parse_error("sealed LMK: the integrity line is missing or damaged");
    return out;
}

Result<SealedLmk> seal_lmk(const LmkMaterial& material, const SealingSecrets& secrets,
                           iso8583::RandomSource& random, unsigned cost) {
    ENSURE(cost >= cost_min && cost <= cost_max);
    for (const std::string& passphrase : secrets.passphrases)
        if (passphrase.size() < passphrase_characters_min)
            return parse_error("passphrase: needs " + std::to_string(passphrase_characters_min) +
                               " characters");
    if (secrets.passphrases[0] == secrets.passphrases[1])
        return parse_error("the officers' passphrases are equal: one of them would be enough");
    const auto new_salt = [&random] {
        Bytes salt(salt_bytes);
        random.fill(salt);
        return salt;
    };
    ClearKey file_key(32);
    random.fill({file_key.data(), file_key.size()});

    SealedLmk out;
    out.cost = cost;
    out.check_value = iso8583::to_hex(Lmk(material).check_value());
    const Bytes salt = new_salt();
    out.officers_slot =
        iso8583::to_hex(salt) + " " +
        seal(officers_key(secrets.passphrases, salt, cost), file_key.view(), "officers-slot", random);
    if (secrets.key_file)
        out.key_file_slot = seal(*secrets.key_file, file_key.view(), "key-file-slot", random);
    for (std::size_t i = 0; i < officers_count; ++i) {
        const Bytes own_salt = new_salt();
        out.officers[i] = {iso8583::to_hex(own_salt),
                           iso8583::to_hex(scrypt(secrets.passphrases[i], own_salt, cost).view())};
    }
    Bytes clear;
    clear.reserve(material_bytes);
    for (const auto& pair : material.pairs) clear.insert(clear.end(), pair.begin(), pair.end());
    clear.insert(clear.end(), material.aes.begin(), material.aes.end());
    const Wipe wipe(clear);
    out.integrity.assign(integrity_digits, '0');
    out.sealed = seal(file_key, clear, sealed_purpose(out), random);
    out.integrity = integrity_of(out, file_key);
    return out;
}

namespace {

Result<LmkMaterial> open_with(const SealedLmk& sealed, const ClearKey& slot_key, std::string_view slot,
                              std::string_view purpose) {
    auto file_key = unseal(slot_key, slot, purpose);
    if (!file_key) return tl::unexpected(file_key.error());
    const Wipe wipe_key(*file_key);
    if (file_key->size() != 32)
        return parse_error("sealed LMK: the " + std::string(purpose) + " line is damaged");
    // Before anything of the file is believed: the officers' lines open nothing, so damage in them shows
    // nowhere else.
    if (!sealed.integrity.empty() &&
        !equal_constant_time(iso8583::as_bytes(integrity_of(sealed, ClearKey{ByteView(*file_key)})),
                             iso8583::as_bytes(sealed.integrity)))
        return parse_error(
            "sealed LMK: a line was changed or damaged (the integrity line covers the officers' lines too); "
            "take "
            "the copy that was kept");
    auto clear = unseal(ClearKey{ByteView(*file_key)}, sealed.sealed, sealed_purpose(sealed));
    if (!clear) return tl::unexpected(clear.error());
    const Wipe wipe(*clear);
    if (clear->size() != material_bytes) return parse_error("sealed LMK: holds another number of keys");
    LmkMaterial material;
    for (std::size_t i = 0; i < material.pairs.size(); ++i)
        std::memcpy(material.pairs[i].data(), clear->data() + 16 * i, 16);
    std::memcpy(material.aes.data(), clear->data() + 16 * material.pairs.size(), material.aes.size());
    if (iso8583::to_hex(Lmk(material).check_value()) != sealed.check_value)
        return parse_error("sealed LMK: its check value is not the one on the check-value line");
    return material;
}

}  // namespace

Result<LmkMaterial> open_lmk(const SealedLmk& sealed,
                             const std::array<std::string, officers_count>& passphrases) {
    const std::size_t space = sealed.officers_slot.find(' ');
    const auto salt = iso8583::parse_hex(std::string_view(sealed.officers_slot).substr(0, space));
    if (space == std::string::npos || !salt)
        return parse_error("sealed LMK: the officers-slot line is damaged");
    return open_with(sealed, officers_key(passphrases, *salt, sealed.cost),
                     std::string_view(sealed.officers_slot).substr(space + 1), "officers-slot");
}

Result<LmkMaterial> open_lmk(const SealedLmk& sealed, const ClearKey& key_file) {
    if (sealed.key_file_slot.empty()) return parse_error("sealed LMK: was sealed without a key file");
    return open_with(sealed, key_file, sealed.key_file_slot, "key-file-slot");
}

namespace {
constexpr std::size_t file_bytes_max = std::size_t{64} * 1024;
}

Result<SealedLmk> read_sealed_lmk(const std::string& path) {
    const auto text = read_secret_file(path, file_bytes_max);
    if (!text) return tl::unexpected(text.error());
    auto parsed = SealedLmk::parse(*text);
    if (!parsed) return parse_error(path + ": " + parsed.error().what);
    return parsed;
}

Result<LmkMaterial> open_lmk_files(const std::string& path, const std::string& key_file) {
    const auto sealed = read_sealed_lmk(path);
    if (!sealed) return tl::unexpected(sealed.error());
    auto hex = read_secret_file(key_file, file_bytes_max);
    if (!hex) return tl::unexpected(hex.error());
    const Wipe wipe_hex(*hex);
    auto bytes = iso8583::parse_hex(std::string_view(*hex).substr(0, hex->find('\n')));
    if (!bytes || bytes->size() != 32) return parse_error(key_file + ": needs 64 hex digits");
    const Wipe wipe(*bytes);
    auto opened = open_lmk(*sealed, ClearKey{ByteView(*bytes)});
    if (!opened) return parse_error(path + ": " + opened.error().what);
    return opened;
}

bool officer_knows(const SealedLmk& sealed, std::size_t officer, std::string_view passphrase) {
    if (officer < 1 || officer > officers_count) return false;
    const auto salt = iso8583::parse_hex(sealed.officers[officer - 1].salt);
    const auto check = iso8583::parse_hex(sealed.officers[officer - 1].check);
    if (!salt || !check) return false;
    return equal_constant_time(scrypt(passphrase, *salt, sealed.cost).view(), *check);
}

Result<std::string> read_secret_file(const std::string& path, std::size_t bytes_max) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return parse_error(path + ": " + std::strerror(errno));
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        ::close(file);
        return parse_error(path + ": " + std::strerror(errno));
    }
    const bool tells_size = S_ISREG(status.st_mode);
    const auto room = tells_size ? std::min(static_cast<std::size_t>(status.st_size), bytes_max) : bytes_max;
    std::string out(room + 1, '\0');
    std::size_t size = 0;
    for (;;) {
        const ssize_t got = ::read(file, out.data() + size, out.size() - size);
        if (got <= 0 || (size += static_cast<std::size_t>(got)) == out.size()) break;
    }
    const bool readable_by_others = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    ::close(file);
    if (readable_by_others) return parse_error(path + ": may be read by others; set its mode to 0600");
    if (size > room && size <= bytes_max) return parse_error(path + ": grew while it was read");
    if (size > bytes_max) return parse_error(path + ": larger than " + std::to_string(bytes_max) + " bytes");
    out.resize(size);
    return out;
}

Result<void> write_secret_file(const std::string& path, std::string_view content) {
    const std::string fresh = path + ".new";
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return parse_error(fresh + ": " + std::strerror(errno));
    const bool written =
        ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
        ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
        const std::string why = std::strerror(written ? errno : error);
        ::unlink(fresh.c_str());
        return parse_error(path + ": " + why);
    }
    const std::size_t slash = path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        ::fsync(directory);
        ::close(directory);
    }
    return {};
}

}  // namespace hsm
