// FreeTraces: under which trace numbers of a terminal's batch nothing is stored, as far as the ledger has
// looked. A terminal counts its STANs up, so that one look at what is stored behind a number answers "is this
// a retry?" for those that follow it, without a read.
//
// Ownership: member of Ledger, through which every trace slot is written. Thread: the core's. Bound:
// `terminals_max`; when there are more it begins anew. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "iso8583/values/word_hash.hpp"

namespace ledger {

class FreeTraces {
  public:
    /// Batches of terminals; about 2 MiB.
    static constexpr std::size_t terminals_max = 16'384;
    /// A look costs what so many reads of an unused number cost: a terminal that sends fewer is not looked
    /// at.
    static constexpr std::uint32_t misses_before_look = 8;

    /// Of a trace slot's key (key_layout.hpp): nothing is stored under it.
    [[nodiscard]] bool knows_free(std::string_view slot_key) const;
    /// Nothing was found under the key. True: the terminal has counted up for a while, and a look behind the
    /// key pays.
    bool missed(std::string_view slot_key);
    /// Nothing is stored from the key on up to `next`, which is of the same terminal and batch; empty:
    /// nothing behind it at all.
    void learn(std::string_view slot_key, std::string_view next);
    void stored(std::string_view slot_key);
    void clear() { batches_.clear(); }

    /// The first key behind all of the same terminal and batch.
    [[nodiscard]] static std::string end_of_batch(std::string_view slot_key);

  private:
    struct Free {
        std::uint32_t from = 0, to = 0;  // STANs in [from, to) are free
        std::uint32_t last_missed = 0;
        std::uint32_t misses = 0;  // in a row, each above the one before
    };
    // By the key without its STAN.
    std::unordered_map<std::string, Free, iso8583::WordHash, std::equal_to<>> batches_;
};

}  // namespace ledger
