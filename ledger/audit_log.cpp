#include "ledger/audit_log.hpp"

#include <algorithm>
#include <limits>

#include "ledger/audit_entry.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::size_t key_bytes = 9;

std::string audit_range_end() { return all_keys(KeyPrefix::audit).to; }

constexpr std::uint32_t mac_property = 1;
constexpr std::size_t checksum_bytes = 4;

std::string encode(const AuditEntry& entry) {
    RecordWriter w(property_record_version);
    w.u64(entry.sequence);
    w.svarint(entry.event.utc.ms);
    w.text(entry.event.user);
    w.text(entry.event.role);
    w.text(entry.event.action);
    w.text(entry.event.detail);
    w.fixed_bytes(entry.previous_hash);
    if (entry.mac) w.property(mac_property, iso8583::as_text(*entry.mac));
    return w.finish();
}

/// Over what an entry without a MAC would be, but its checksum.
AuditDigest mac_of(const AuditEntry& entry, const AuditKey& key) {
    AuditEntry bare = entry;
    bare.mac.reset();
    const std::string bytes = encode(bare);
    return key.mac(iso8583::as_bytes(std::string_view(bytes).substr(0, bytes.size() - checksum_bytes)));
}

Result<AuditEntry, RecordError> decode(std::string_view value) {
    RecordReader r(value, property_record_version, "audit");
    AuditEntry entry;
    entry.sequence = r.u64("sequence");
    entry.event.utc.ms = r.svarint("utc");
    entry.event.user = r.text("user");
    entry.event.role = r.text("role");
    entry.event.action = r.text("action");
    entry.event.detail = r.text("detail");
    const iso8583::ByteView hash = r.fixed_bytes("previous hash", entry.previous_hash.size());
    std::copy(hash.begin(), hash.end(), entry.previous_hash.begin());
    while (r.next_property()) {
        std::string kept;  // an entry is never written again: the hash over its bytes keeps them
        if (r.property() != mac_property) {
            r.keep_property(kept, mac_property);
            continue;
        }
        const iso8583::ByteView mac = r.fixed_bytes("mac", sizeof(AuditDigest));
        std::copy(mac.begin(), mac.end(), entry.mac.emplace().begin());
    }
    if (auto done = r.done(); !done) return tl::unexpected(done.error());
    return entry;
}

std::optional<std::uint64_t> sequence_of(std::string_view key) {
    if (key.size() != key_bytes) return std::nullopt;
    std::uint64_t sequence = 0;
    for (const char c : key.substr(1)) sequence = (sequence << 8) | static_cast<std::uint8_t>(c);
    return sequence;
}

tl::unexpected<AuditError> audit_error(std::uint64_t sequence, const std::string& reason) {
    return tl::unexpected(AuditError{sequence, "audit entry " + std::to_string(sequence) + ": " + reason});
}
tl::unexpected<AuditError> store_error(const StoreError& error) {
    return tl::unexpected(AuditError{0, "the audit log cannot be read: " + error.what});
}

}  // namespace

Result<AuditEntry, AuditError> stored_audit_entry(std::string_view key, std::string_view value) {
    const auto sequence = sequence_of(key);
    if (!sequence) return tl::unexpected(AuditError{0, "a key in the audit log is not 9 bytes long"});
    auto entry = decode(value);
    if (!entry) return audit_error(*sequence, entry.error().what());
    if (entry->sequence != *sequence)
        return audit_error(*sequence,
                           "it says of itself that it is entry " + std::to_string(entry->sequence));
    return std::move(*entry);
}

std::string audit_key(std::uint64_t sequence) {
    std::string key(1, static_cast<char>(KeyPrefix::audit));
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((sequence >> shift) & 0xFF));
    return key;
}

Result<AuditLog, AuditError> AuditLog::open(const StoreReader& store, AuditHash hash, const AuditKey* key) {
    AuditHead head;
    std::optional<AuditError> error;
    const auto take_last = [&](std::string_view at, std::string_view value) {
        const auto entry = stored_audit_entry(at, value);
        if (entry)
            head = {entry->sequence, hash(iso8583::as_bytes(value))};
        else
            error = entry.error();
        return false;
    };
    if (auto read = store.scan_back(Family::journal, audit_key(0), audit_range_end(), take_last); !read)
        return store_error(read.error());
    if (error) return tl::unexpected(*error);
    return AuditLog(hash, key, head);
}

Result<AuditEntry> AuditLog::make(AuditEvent event, std::string& key, std::string& value) {
    const auto too_long = [](const char* name, std::size_t bytes_max) {
        return parse_error(std::string("audit ") + name + ": at most " + std::to_string(bytes_max) +
                           " bytes");
    };
    if (event.user.size() > user_bytes_max) return too_long("user", user_bytes_max);
    if (event.role.size() > role_bytes_max) return too_long("role", role_bytes_max);
    if (event.action.size() > action_bytes_max) return too_long("action", action_bytes_max);
    if (event.detail.size() > detail_bytes_max) return too_long("detail", detail_bytes_max);
    AuditEntry entry{head_.sequence + 1, std::move(event), head_.hash, std::nullopt};
    if (key_ != nullptr) entry.mac = mac_of(entry, *key_);
    key = audit_key(entry.sequence);
    value = encode(entry);
    head_ = {entry.sequence, hash_(iso8583::as_bytes(value))};
    return entry;
}

Result<AuditEntry> AuditLog::append(Batch& batch, AuditEvent event) {
    std::string key;
    std::string value;
    auto entry = make(std::move(event), key, value);
    if (entry) batch.put(Family::journal, std::move(key), std::move(value));
    return entry;
}

Result<AuditEntry> AuditLog::append(Overlay& overlay, AuditEvent event) {
    std::string key;
    std::string value;
    auto entry = make(std::move(event), key, value);
    if (entry) overlay.put(Family::journal, std::move(key), std::move(value));
    return entry;
}

Result<AuditEntry> AuditLog::append_after_restore(Overlay& overlay, AuditEvent event) {
    event.action = restore_action;
    head_.sequence =
        std::max(head_.sequence, static_cast<std::uint64_t>(std::max<std::int64_t>(event.utc.ms, 0)));
    return append(overlay, std::move(event));
}

Result<void, AuditError> read_audit_entries(const StoreReader& store, std::uint64_t first, std::uint64_t last,
                                            const std::function<bool(const AuditEntry&)>& visit) {
    const bool to_the_end = last == std::numeric_limits<std::uint64_t>::max();
    std::optional<AuditError> error;
    const auto read =
        store.scan(Family::journal, audit_key(first), to_the_end ? audit_range_end() : audit_key(last + 1),
                   [&](std::string_view key, std::string_view value) {
                       const auto entry = stored_audit_entry(key, value);
                       if (entry) return visit(*entry);
                       error = entry.error();
                       return false;
                   });
    if (!read) return store_error(read.error());
    if (error) return tl::unexpected(*error);
    return {};
}

namespace {

/// One step of the chain: `value` must be the entry after `head`, and becomes the head.
Result<void, AuditError> follow(AuditHead& head, std::string_view key, std::string_view value, AuditHash hash,
                                const AuditKey* audit_key) {
    const std::uint64_t due = head.sequence + 1;
    const auto entry = stored_audit_entry(key, value);
    if (!entry) return tl::unexpected(entry.error());
    const bool after_a_restore = entry->sequence > due && entry->event.action == restore_action;
    if (entry->sequence != due && !after_a_restore) return audit_error(due, "it is missing");
    if (entry->previous_hash != head.hash)
        return audit_error(due, "the hash it holds of the entry before is wrong: one of the two was changed");
    if (head.keyed_from != 0 && !entry->mac)
        return audit_error(due, "it carries no MAC, and entry " + std::to_string(head.keyed_from) +
                                    " before it does: the chain was written anew from here on");
    if (audit_key != nullptr && entry->mac && *entry->mac != mac_of(*entry, *audit_key))
        return audit_error(due,
                           "its MAC is not under the key of this ledger's chain: somebody else wrote it");
    const std::uint64_t keyed_from = head.keyed_from == 0 && entry->mac ? entry->sequence : head.keyed_from;
    head = {entry->sequence, hash(iso8583::as_bytes(value)), keyed_from};
    return {};
}

}  // namespace

Result<AuditHead, AuditError> verify_audit_chain(const StoreReader& store, AuditHash hash,
                                                 std::optional<AuditHead> expected, AuditHead anchor,
                                                 const AuditKey* key) {
    AuditHead head = anchor;
    Result<void, AuditError> verdict;
    const auto check = [&](std::string_view at, std::string_view value) {
        verdict = follow(head, at, value, hash, key);
        if (verdict && expected && head.sequence == expected->sequence && head.hash != expected->hash)
            verdict = audit_error(head.sequence, "its hash is not the one noted earlier");
        return verdict.has_value();
    };
    const auto read = store.scan(Family::journal, audit_key(anchor.sequence + 1), audit_range_end(), check);
    if (!read) return store_error(read.error());
    if (!verdict) return tl::unexpected(verdict.error());
    if (expected && head.sequence < expected->sequence)
        return audit_error(head.sequence + 1, "it is missing: the chain ends before entry " +
                                                  std::to_string(expected->sequence) +
                                                  ", which was noted earlier");
    if (key != nullptr && head.keyed_from == 0 && head.sequence > anchor.sequence)
        return audit_error(head.sequence,
                           "it carries no MAC, and this ledger's chain has a key: the chain was "
                           "written anew");
    return head;
}

Result<std::optional<AuditHead>, AuditError> audit_head_at(const StoreReader& store, AuditHash hash,
                                                           std::uint64_t sequence) {
    const std::string key = audit_key(sequence);
    const auto value = store.get(Family::journal, key);
    if (!value) return store_error(value.error());
    if (!*value) return std::optional<AuditHead>{};
    const auto entry = stored_audit_entry(key, **value);
    if (!entry) return tl::unexpected(entry.error());
    return std::optional(AuditHead{sequence, hash(iso8583::as_bytes(**value)), entry->mac ? sequence : 0});
}

Result<std::optional<std::string>, StoreError> sealed_audit_key(const StoreReader& store) {
    return store.get(Family::index, all_keys(KeyPrefix::audit_key).from);
}

void save_audit_key(Overlay& overlay, std::string sealed) {
    overlay.put(Family::index, all_keys(KeyPrefix::audit_key).from, std::move(sealed));
}

}  // namespace ledger
