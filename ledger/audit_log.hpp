// The audit log: what operators did, as a chain of hashes. Every entry holds the hash of the one before it,
// so that changing, inserting or removing one breaks the chain from there on. Cutting off the end shows only
// against a head that was noted elsewhere (export, a printed report): verify_audit_chain takes one.
//
// Bytes: docs/ledger_format.md, "Audit chain". Do not change. Thread: the core's; verify on a snapshot
// anywhere. The hash is a parameter, because this target knows no OpenSSL: ledger/audit_hash.hpp has SHA-256.
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
    AuditDigest previous_hash{};  // of entry sequence - 1; zeros for the first
};

/// The last entry of a chain; sequence 0 and zeros for an empty one.
struct AuditHead {
    std::uint64_t sequence = 0;
    AuditDigest hash{};
    friend bool operator==(const AuditHead&, const AuditHead&) = default;
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

    /// Reads the last entry to go on from it. Does not verify the chain.
    static iso8583::Result<AuditLog, AuditError> open(const StoreReader& store, AuditHash hash);

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
    AuditLog(AuditHash hash, AuditHead head) : hash_(hash), head_(head) {}
    iso8583::Result<AuditEntry> make(AuditEvent event, std::string& key, std::string& value);
    AuditHash hash_;
    AuditHead head_;
};

[[nodiscard]] std::string audit_key(std::uint64_t sequence);
/// Entries [first, last], ascending, to the visitor until it returns false.
iso8583::Result<void, AuditError> read_audit_entries(const StoreReader& store, std::uint64_t first,
                                                     std::uint64_t last,
                                                     const std::function<bool(const AuditEntry&)>& visit);

/// Walks the whole chain after `anchor` (by default from its very beginning) and gives its head, or the first
/// entry that is damaged, missing, misnumbered or does not hold its predecessor's hash. With `expected` (a
/// head noted earlier) also when the chain ends before it or had another entry there.
iso8583::Result<AuditHead, AuditError> verify_audit_chain(const StoreReader& store, AuditHash hash,
                                                          std::optional<AuditHead> expected = std::nullopt,
                                                          AuditHead anchor = {});

}  // namespace ledger
