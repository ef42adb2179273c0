// The two places of the last acknowledged turn as one: judged when a store is opened, written while it works.
// The first is written by the committer with each turn, the second by a thread of its own, every so many
// milliseconds, so that a turn costs one sync and not two (docs/decisions/0042).
//
// Ownership: the store's. Thread: record() on the committer's, warning() on any. Errors: sentences.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "iso8583/values/result.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// Where it stands, and what may be amiss.
struct AcknowledgedOptions {
    std::string path;
    std::string copy_path;  // empty: there is no second place
    std::uint32_t copy_ms = 100;
    /// A store that is behind, or of which neither place speaks, is taken as it is: the way back of a person
    /// who decides (docs/operations.md), and that of a checkpoint, which has neither.
    bool take_as_is = false;
    bool read_only = false;
};

/// What the opened store says of itself.
struct FoundStore {
    std::string directory;  // for sentences
    std::uint64_t last_turn = 0;
    std::string backup;             // id of the backup it comes from; empty: none
    bool has_worked_since = false;  // the ledger has been started on since that restore
};

class AcknowledgedPlaces {
  public:
    /// `corruption` when the store is behind either place, or has turns and neither place speaks. Nothing is
    /// written before it is judged.
    static iso8583::Result<AcknowledgedPlaces, StoreError> open(const AcknowledgedOptions& options,
                                                                const FoundStore& store);
    ~AcknowledgedPlaces();
    AcknowledgedPlaces(AcknowledgedPlaces&&) noexcept;
    AcknowledgedPlaces& operator=(AcknowledgedPlaces&&) noexcept;

    /// What was amiss and taken as it is; empty: nothing was. Both places say what they said until
    /// comes_from() or the next record().
    [[nodiscard]] const std::string& taken() const;
    /// The store is one that comes from this backup, and both places say so durably. Before the first
    /// record().
    iso8583::Result<void, StoreError> comes_from(const std::string& backup);
    /// After the sync of the turn, before it is signalled.
    iso8583::Result<void, StoreError> record(std::uint64_t turn_number);
    /// Why the second place is not written, in words; empty: it is.
    [[nodiscard]] std::string warning() const;

  private:
    struct Impl;
    explicit AcknowledgedPlaces(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
