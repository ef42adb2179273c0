// The store port: ordered byte keys in two families, one batch and one sync a turn. memory_store for tests
// and the simulator, rocks_store for one machine, postgres_store for several. What keys and values mean is in
// key_layout.hpp and docs/ledger_format.md.
//
// Thread: all calls from the one core thread, but `snapshot()` readers, which may be used and destroyed on
// another. Errors: a failed sync is final: the process must stop and let recovery decide (rule R62); it is
// never retried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iso8583/values/result.hpp"

namespace ledger {

/// `journal` holds time-ordered keys (appended, scanned), `index` holds keys looked up whole (blooms).
enum class Family : std::uint8_t { journal, index };

struct Key {
    Family family = Family::journal;
    std::string bytes;
    friend auto operator<=>(const Key&, const Key&) = default;
};

struct Mutation {
    Key key;
    std::optional<std::string> value;  // nullopt erases
};

/// The writes of a batch, in order. Copies share them: the overlay reads what the store's committer writes.
/// Adding to a list that is shared makes it one's own first; elements stay where they are.
class Mutations {
  public:
    Mutations() = default;
    explicit Mutations(const std::vector<Mutation>& list)
        : list_(std::make_shared<List>(list.begin(), list.end())) {}

    [[nodiscard]] std::size_t size() const { return list_ ? list_->mutations.size() : 0; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] auto begin() const { return list().begin(); }
    [[nodiscard]] auto end() const { return list().end(); }
    [[nodiscard]] const Mutation& operator[](std::size_t index) const { return list_->mutations[index]; }

    /// The reference holds until the list is shared.
    Mutation& push_back(Mutation&& mutation) {
        if (!list_)
            list_ = std::make_shared<List>();
        else if (list_.use_count() > 1)
            list_ = std::make_shared<List>(*list_);
        return list_->mutations.emplace_back(std::move(mutation));
    }
    void clear() { list_.reset(); }

  private:
    /// Its memory is taken in few pieces, and given back with the list.
    struct List {
        List() = default;
        List(const List& other) : List(other.mutations.begin(), other.mutations.end()) {}
        List& operator=(const List&) = delete;
        template <typename Iterator>
        List(Iterator from, Iterator to) : mutations(from, to, &memory) {}
        ~List() = default;
        std::pmr::monotonic_buffer_resource memory{bytes_first};
        std::pmr::deque<Mutation> mutations{&memory};
    };
    static constexpr std::size_t bytes_first = 4096;
    [[nodiscard]] const std::pmr::deque<Mutation>& list() const {
        static const List none;
        return list_ ? list_->mutations : none.mutations;
    }
    std::shared_ptr<List> list_;
};

/// The writes of one turn, applied in order, all or none.
struct Batch {
    std::uint64_t turn_number = 0;  // rises by one from batch to batch; checked at recovery
    Mutations mutations;
    void put(Family family, std::string key, std::string value) {
        mutations.push_back({{family, std::move(key)}, std::move(value)});
    }
    void erase(Family family, std::string key) {
        mutations.push_back({{family, std::move(key)}, std::nullopt});
    }
    [[nodiscard]] bool empty() const { return mutations.empty(); }
};

struct StoreError {
    /// fenced: another process has taken the ledger over, and nothing of this one's counts any more. gone:
    /// its files were taken away while it worked.
    enum class Kind : std::uint8_t { io, corruption, disk_full, locked, version, fenced, gone };
    Kind kind = Kind::io;
    std::string what;  // a sentence: operation and reason, no keys or values
};

/// Returns false to stop the scan.
using ScanVisitor = std::function<bool(std::string_view key, std::string_view value)>;

class StoreReader {
  public:
    virtual ~StoreReader() = default;
    [[nodiscard]] virtual iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const = 0;
    /// Keys in [from, to) ascending; an empty `to` means: to the end of the family.
    virtual iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                                   const ScanVisitor& visit) const = 0;
    /// The same range descending, from the key before `to`.
    virtual iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from,
                                                        std::string_view to,
                                                        const ScanVisitor& visit) const = 0;
};

/// What is known of a store whose truth lies on other machines (postgres_store.hpp). Counts are since it was
/// opened.
struct ClusterHealth {
    std::uint64_t epoch = 0;         // of this owner; rises with each takeover
    std::int64_t lease_left_ms = 0;  // by this machine's clock; below 0: run out
    std::uint64_t undecided = 0;     // commits and renewals whose end had to be asked for
    std::uint64_t reconnects = 0;
};

/// What back-pressure needs to know; polled by the shell.
struct StoreHealth {
    bool accepts_new_work = true;  // false: no room, or writes do not keep up: new requests are refused (R62)
    std::string reason;            // why not, in words
    std::uint64_t disk_free_bytes = 0;
    std::uint64_t log_bytes = 0;  // what a restart has to read again before it serves; 0: nothing to read
    /// The store can go on no more, whether a sync is under way or not: the process must end.
    std::optional<StoreError> failed = {};
    std::optional<ClusterHealth> cluster = {};
    std::string warning = {};  // what is amiss beside the ledger, in words; work goes on
};

class Store : public StoreReader {
  public:
    /// Starts applying and syncing `batch`; at most syncs_in_flight_max() are in flight, and they end in the
    /// order in which they began: what is durable is always a prefix. `done` may be called on any thread,
    /// once a sync, also before begin_sync returns; for each the caller calls finish_sync on the core thread,
    /// which ends the oldest. Until it returns, `get` and `scan` may or may not show the batch
    /// (ledger/overlay.hpp covers that).
    virtual void begin_sync(Batch batch, std::function<void()> done) = 0;
    virtual iso8583::Result<void, StoreError> finish_sync() = 0;
    /// Never fewer than before.
    [[nodiscard]] virtual std::size_t syncs_in_flight_max() const { return 1; }
    /// A consistent view of what is durable now.
    [[nodiscard]] virtual std::shared_ptr<const StoreReader> snapshot() const = 0;
    /// Turn number of the last applied batch; 0 for a new store.
    [[nodiscard]] virtual std::uint64_t last_turn_number() const = 0;
    [[nodiscard]] virtual StoreHealth health() const = 0;
    /// Effects of a turn that wrote nothing may leave now. False where another process may already own the
    /// ledger; it becomes true again, or health() says `failed`.
    [[nodiscard]] virtual bool may_answer() const { return true; }
};

}  // namespace ledger
