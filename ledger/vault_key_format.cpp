#include "ledger/vault_key_format.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/record_codec.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::uint8_t one_key_version = 1;
constexpr std::uint8_t many_keys_version = 2;
constexpr std::size_t checksum_bytes = 4;
enum class StoredState : std::uint8_t { active = 1, old = 2 };

void write_fields(RecordWriter& w, const SealedVaultKeys& file) {
    ENSURE(!file.keys.empty());
    w.text(file.sealed_by);
    w.bytes(file.wrapped);
    w.varint(file.keys.size());
    for (const SealedVaultKeys::Key& key : file.keys) {
        w.varint(key.number);
        w.svarint(key.made.ms);
        w.u8(static_cast<std::uint8_t>(key.active ? StoredState::active : StoredState::old));
    }
}

void read_keys(RecordReader& r, SealedVaultKeys& file) {
    const std::uint64_t count = r.varint_max("keys", vault_keys_max);
    if (r.ok() && count == 0) r.fail("keys", "there is none");
    std::size_t active = 0;
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        SealedVaultKeys::Key key;
        key.number = u32_of(r, "key.number");
        key.made.ms = r.svarint("key.made");
        key.active = enum_of(r, "key.state", r.u8("key.state"), StoredState::old) == StoredState::active;
        const std::uint32_t above = file.keys.empty() ? 0 : file.keys.back().number;
        if (r.ok() && key.number <= above) r.fail("key.number", "it is not above the one before");
        if (key.active) ++active;
        file.keys.push_back(key);
    }
    if (r.ok() && active != 1) r.fail("keys", "not one of them is active, or more are");
    const iso8583::ByteView mac = r.fixed_bytes("MAC", SealedVaultKeys::mac_bytes);
    if (mac.size() == file.mac.size()) std::copy(mac.begin(), mac.end(), file.mac.begin());
}

}  // namespace

std::string encode(const SealedVaultKeys& file) {
    RecordWriter w(many_keys_version);
    write_fields(w, file);
    w.fixed_bytes(file.mac);
    return std::string(w.finish());
}

std::string mac_input(const SealedVaultKeys& file) {
    RecordWriter w(many_keys_version);
    write_fields(w, file);
    std::string bytes = w.finish();
    bytes.resize(bytes.size() - checksum_bytes);
    return bytes;
}

Result<SealedVaultKeys> decode_vault_key_file(std::string_view bytes) {
    RecordReader r(bytes, many_keys_version, "vault key file");
    SealedVaultKeys file;
    file.sealed_by = r.text("sealed by");
    const iso8583::ByteView wrapped = r.bytes("wrapped keys");
    file.wrapped.assign(wrapped.begin(), wrapped.end());
    if (r.version() != one_key_version) read_keys(r, file);
    return finished(r, std::move(file));
}

}  // namespace ledger
