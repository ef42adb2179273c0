// Which of the vault's keys the ledger seals under, how far a change of it is, and the re-sealing of what
// older keys have sealed. Bytes: docs/ledger_format.md, "Other records". Every transaction says which key
// sealed its card (TransactionRecord::sealed_under).
//
// Ownership: VaultBooks refers to the ledger and belongs to one step. Thread: the core's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "ledger/ledger.hpp"
#include "ledger/pan_vault.hpp"

namespace ledger {

struct VaultRecord {
    /// A key before the active one that is still in the file.
    struct Old {
        std::uint32_t number = 0;
        bool empty = false;  // a whole pass over the ledger found nothing sealed under it
        friend bool operator==(const Old&, const Old&) = default;
    };
    enum class Phase : std::uint8_t {
        idle = 1,       // the active key is the first, or all is sealed under it
        resealing = 2,  // a pass over the ledger seals anew what it finds
        checking = 3,   // another pass, until one finds nothing
        stuck = 4       // cards cannot be opened: they stay as they are, and their key stays
    };
    std::uint32_t active = first_vault_key;
    std::uint32_t last = first_vault_key;  // the highest number that was ever asked for
    std::vector<Old> old;                  // ascending
    std::uint32_t making = 0;              // asked of the shell, and not begun to seal; 0: none
    std::uint32_t retiring = 0;            // to be wiped from the file; 0: none
    std::string by;                        // of what is being made or retired
    Phase phase = Phase::idle;
    iso8583::Rrn after;  // of the pass: the last that was looked at
    /// When the first and the last that the pass looked at were made: how far it is, until `began`.
    iso8583::UtcTime from, at;
    iso8583::UtcTime began, ended;  // of the last change of the key
    std::uint64_t looked = 0;       // of the pass
    std::uint64_t resealed = 0;     // of the change, all passes
    std::uint64_t found = 0;        // of the pass: sealed under another key than the active one
    std::uint64_t unreadable = 0;   // of the pass
    std::string unknown_properties = {};

    [[nodiscard]] bool is_old(std::uint32_t number) const;
    friend bool operator==(const VaultRecord&, const VaultRecord&) = default;
};
std::string encode(const VaultRecord& record);
iso8583::Result<VaultRecord> decode_vault_record(std::string_view bytes);
/// The default one while the key never changed.
iso8583::Result<VaultRecord> read_vault_record(const StoreReader& store);
/// Why the keys that the vault has cannot be this ledger's; empty: they can.
std::string keys_missing(const VaultRecord& record, const PanVault& vault);
/// When the first transaction was recorded; nothing in a ledger without any.
iso8583::Result<std::optional<iso8583::UtcTime>> oldest_transaction(const StoreReader& store);

/// How many cards each key has sealed, and which of them it does not open.
struct SealCount {
    std::uint32_t key = first_vault_key;
    std::uint64_t cards = 0;
};
struct SealReport {
    std::vector<SealCount> keys;  // ascending
    std::vector<std::string> faults;
};
iso8583::Result<SealReport> find_seal_faults(const StoreReader& store, const PanVault& vault);

/// Of one slice of a pass.
struct ResealBounds {
    std::size_t looked_max = 0;
    std::size_t resealed_max = 0;
};
struct ResealSlice {
    std::uint64_t looked = 0, resealed = 0;
    std::vector<iso8583::Rrn> unreadable;
    iso8583::Rrn last;          // that was looked at; empty: none
    iso8583::UtcTime from, at;  // when the first and the last of the slice were made
    bool ended = false;         // nothing stands behind the last
};

class VaultBooks {
  public:
    explicit VaultBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] VaultRecord record();
    void save(const VaultRecord& record);
    /// Seals anew under the vault's active key what stands behind `after` and was sealed under another. What
    /// is decoded is changed there, so that nothing older is written over it; all else goes from bytes to
    /// bytes and pushes nothing out of the table. Times, states and histories stay.
    ResealSlice reseal(const iso8583::Rrn& after, const PanVault& vault, const ResealBounds& bounds);
    /// The same for what the turn has changed so far and no scan meets yet: bounded by the turn.
    std::uint64_t reseal_of_turn(const PanVault& vault);

  private:
    enum class Outcome : std::uint8_t { not_needed, resealed, unreadable };
    static bool is_needed(const TransactionRecord& record, const PanVault& vault);
    static Outcome reseal_one(TransactionRecord& record, const PanVault& vault);

    Ledger& ledger_;
};

}  // namespace ledger
