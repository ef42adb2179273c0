// Overlay: the writes of the turn that is running and of the batches whose syncs are in flight, laid over the
// store, so that every step reads at once what the steps before it wrote. Newest wins: current, then in
// flight from the newest on, then store. What is asked for again later is kept decoded above it
// (record_table.hpp).
//
//     step …: put, erase, get, scan → batch = take_batch() → store.begin_sync(batch, done)
//     later:  store.finish_sync()   → in_flight_done()      (once a batch, in their order)
//
// Two writes of one key in one turn become one mutation of the batch; a batch is all or nothing, so nobody
// can see the first. Owner: the turn loop. The store must outlive the overlay. Thread: the core's. Bound:
// mutations_max.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/store.hpp"

namespace ledger {

/// What one turn (or, between two reset_counts(), several) cost. The write-budget test reads it.
struct WriteCounts {
    std::uint64_t journal_puts = 0;  // calls of put, before writes of one key are merged
    std::uint64_t index_puts = 0;    // those are the hash-ordered ones
    std::uint64_t erases = 0;
    std::uint64_t gets = 0;        // all of them
    std::uint64_t store_gets = 0;  // those that had to ask the store
    std::uint64_t scans = 0;
    std::uint64_t batches = 0;          // taken, not counting empty ones
    std::uint64_t batch_mutations = 0;  // in taken batches, after merging
    std::uint64_t wal_bytes = 0;        // of taken batches, as the write-ahead log stores them
};

class Overlay final : public StoreReader {
  public:
    /// A turn must take its batch long before this.
    static constexpr std::size_t mutations_max = 1'000'000;

    explicit Overlay(const Store& store);

    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const override;
    iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const override;
    iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const override;

    /// Allowed inside a visitor too; whether that scan still meets the key is then undefined.
    void put(Family family, std::string key, std::string value);
    void erase(Family family, std::string key);

    /// True while the current turn has written nothing.
    [[nodiscard]] bool current_empty() const { return current_.mutations.empty(); }
    [[nodiscard]] bool has_in_flight() const { return !in_flight_.empty(); }

    /// The current batch, numbered one after the last; it becomes the newest in flight and stays readable.
    /// An empty one has turn_number 0, is not in flight and must not be synced.
    [[nodiscard]] Batch take_batch();
    /// The oldest batch in flight is durable and readable in the store.
    void in_flight_done();

    [[nodiscard]] const WriteCounts& counts() const { return counts_; }
    void reset_counts() { counts_ = {}; }

  private:
    /// Mutations by their key: open addressing, at most half full, and the memory stays for the next turn.
    class ByKey {
      public:
        [[nodiscard]] Mutation* find(Family family, std::string_view key) const;
        /// The place of this key, for whoever finds none there to set one; good until the next call.
        Mutation*& place(Family family, std::string_view key);
        void clear();
        void swap(ByKey& other) noexcept;

      private:
        static constexpr std::size_t places_first = 256;
        static constexpr std::size_t places_kept_max = 16'384;  // a bigger table is given back
        struct Place {
            std::size_t hash = 0;
            Mutation* mutation = nullptr;
        };
        /// Where it is, or would be: one is always free.
        [[nodiscard]] std::size_t at(std::size_t hash, Family family, std::string_view key) const;
        void grow();
        std::vector<Place> places_;  // a power of two, or none
        std::size_t used_ = 0;
    };
    struct Layer {
        Mutations mutations;  // shared with the batch once it is taken; what stands below points into it
        ByKey by_key;
        // Keys in order, brought up to date only by a scan: most turns never scan.
        mutable std::set<std::string_view> ordered[2];
        mutable std::size_t ordered_count = 0;

        void set(Family family, std::string key, std::optional<std::string> value);
        void order() const;
        void swap(Layer& other) noexcept;
        void clear();
    };
    using Slice = std::vector<const Mutation*>;
    /// The overlay's newest mutations with keys in [from, to), ascending.
    [[nodiscard]] Slice slice(Family family, std::string_view from, std::string_view to) const;

    const Store& store_;
    Layer current_;
    std::list<Layer> in_flight_;  // the newest first
    std::list<Layer> spare_;      // empty ones, with the memory that they had
    std::uint64_t last_turn_;
    mutable WriteCounts counts_;
};

/// The bytes a batch takes in RocksDB's write-ahead log, to within its block padding; 0 for an empty one.
[[nodiscard]] std::uint64_t wal_bytes_of(const Batch& batch);

}  // namespace ledger
