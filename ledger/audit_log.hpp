// The audit log: what operators did, as a chain of hashes. Every entry holds the hash of the one before it,
// so that changing, inserting or removing one breaks the chain from there on. Cutting off the end shows only
// against a head that was noted elsewhere (export, a printed report): verify_audit_chain takes one.
//
// A chain of hashes can be written anew by whoever can write the store; so each entry also carries a MAC
// under a key that the HSM's master key seals, from the entry audit_keyed_action on. Who has an export and no
// key follows the hashes; who has the key sees that the switch wrote each entry (docs/decisions/0043).
//
// Bytes: docs/ledger_format.md, "Audit chain". Do not change. Thread: the core's; verify on a snapshot
// anywhere. Hash and MAC are parameters, because this target knows no OpenSSL: ledger/audit_hash.hpp has
// them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/overlay.hpp"
#include "ledger/store.hpp"

namespace ledger {

using AuditDigest = std::array<std::uint8_t, 32>;
/// SHA-256 of its argument. A plain function: it has no state.
using AuditHash = AuditDigest (*)(iso8583::ByteView);

/// The key of the chain. Thread: any.
class AuditKey {
  public:
    virtual ~AuditKey() = default;
    /// HMAC-SHA256.
    [[nodiscard]] virtual AuditDigest mac(iso8583::ByteView bytes) const = 0;
    /// 6 hex digits by which people tell keys apart.
    [[nodiscard]] virtual std::string check_value() const = 0;
};

/// The action of the first entry that carries a MAC.
inline constexpr std::string_view audit_keyed_action = "audit.keyed";
/// The action of the one entry before which numbers may be missing.
inline constexpr std::string_view restore_action = "restore.begin";

/// What happened, by whom. Texts are UTF-8 without PANs, PINs or keys; the caller masks.
struct AuditEvent {
    iso8583::UtcTime utc;
    std::string user;
    std::string role;
    std::string action;
    std::string detail;
};

struct AuditEntry {
    std::uint64_t sequence = 0;  // from 1, no gaps but before restore_action
    AuditEvent event;
    AuditDigest previous_hash{};          // of entry sequence - 1; zeros for the first
    std::optional<AuditDigest> mac = {};  // over the record's version and fields
};

/// The last entry of a chain; sequence 0 and zeros for an empty one.
struct AuditHead {
    std::uint64_t sequence = 0;
    AuditDigest hash{};
    std::uint64_t keyed_from = 0;  // of a chain that was walked: the first entry with a MAC; 0: none has one
    friend bool operator==(const AuditHead& a, const AuditHead& b) {
        return a.sequence == b.sequence && a.hash == b.hash;
    }
};

struct AuditError {
    std::uint64_t sequence = 0;  // of the first entry that is wrong; 0 when the store could not be read
    std::string what;            // a sentence naming the entry and what is wrong with it
};

/// Appends; knows the head. One per shard.
class AuditLog {
  public:
    static constexpr std::size_t user_bytes_max = 64;
    static constexpr std::size_t role_bytes_max = 32;
    static constexpr std::size_t action_bytes_max = 64;
    static constexpr std::size_t detail_bytes_max = 4096;

    /// Reads the last entry to go on from it. Does not verify the chain. With a key, which must outlive the
    /// log, what is appended carries a MAC.
    static iso8583::Result<AuditLog, AuditError> open(const StoreReader& store, AuditHash hash,
                                                      const AuditKey* key = nullptr);

    /// The next entry as a mutation of the turn, and moves the head. The error is a text over its bound. When
    /// the turn's batch is never committed the process stops (R62), so the head cannot run ahead of the
    /// store.
    iso8583::Result<AuditEntry> append(Batch& batch, AuditEvent event);
    iso8583::Result<AuditEntry> append(Overlay& overlay, AuditEvent event);

    /// The first entry after a restore (R65): what followed the last one here is lost, so the numbers go on
    /// from the time in milliseconds; its action is restore_action.
    iso8583::Result<AuditEntry> append_after_restore(Overlay& overlay, AuditEvent event);

    [[nodiscard]] const AuditHead& head() const { return head_; }

  private:
    AuditLog(AuditHash hash, const AuditKey* key, AuditHead head) : hash_(hash), key_(key), head_(head) {}
    iso8583::Result<AuditEntry> make(AuditEvent event, std::string& key, std::string& value);
    AuditHash hash_;
    const AuditKey* key_;
    AuditHead head_;
};

[[nodiscard]] std::string audit_key(std::uint64_t sequence);
/// Entries [first, last], ascending, to the visitor until it returns false.
iso8583::Result<void, AuditError> read_audit_entries(const StoreReader& store, std::uint64_t first,
                                                     std::uint64_t last,
                                                     const std::function<bool(const AuditEntry&)>& visit);

/// Walks the whole chain after `anchor` (by default from its very beginning) and gives its head, or the first
/// entry that is damaged, missing, misnumbered or does not hold its predecessor's hash. With `expected` (a
/// head noted earlier) also when the chain ends before it or had another entry there. An entry without a MAC
/// behind one that has it is wrong; with `key` so is one whose MAC is, and a chain in which none has one.
iso8583::Result<AuditHead, AuditError> verify_audit_chain(const StoreReader& store, AuditHash hash,
                                                          std::optional<AuditHead> expected = std::nullopt,
                                                          AuditHead anchor = {},
                                                          const AuditKey* key = nullptr);
/// The entry as a head; nothing when it is not there.
iso8583::Result<std::optional<AuditHead>, AuditError> audit_head_at(const StoreReader& store, AuditHash hash,
                                                                    std::uint64_t sequence);

/// The sealed key as it is stored; nothing while the chain has none.
iso8583::Result<std::optional<std::string>, StoreError> sealed_audit_key(const StoreReader& store);
void save_audit_key(Overlay& overlay, std::string sealed);

}  // namespace ledger
