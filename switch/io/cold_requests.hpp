// ColdRequests: requests that name a record which is not decoded in memory wait here while threads of their
// own read it, so that no other terminal waits for the disk with them. When they are stepped the core reads
// the same once more and finds it at hand. Requests of one link keep their order. What is read is a hint: a
// request is stepped right whatever came of it.
//
// Thread: one, the shard's; reads run on others, so the store has to be one that may be read on any
// (RocksStore, PostgresStore; not MemoryStore). Bound: the shard's request_inbox_max. Source:
// docs/performance.md, docs/architecture.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "ledger/store.hpp"
#include "switch/core/event.hpp"

namespace acquirer {

class ColdRequests {
  public:
    /// `ended` is said on a reader's thread whenever move_ready() may have something to move.
    ColdRequests(const ledger::StoreReader& store, std::size_t readers, std::function<void()> ended);
    ~ColdRequests();  // waits for the reads under way
    ColdRequests(const ColdRequests&) = delete;
    ColdRequests& operator=(const ColdRequests&) = delete;

    /// Takes a request that wants `keys` read, or whose link has an earlier one here; false: it may be
    /// stepped at once.
    [[nodiscard]] bool take(RequestArrived& request, std::vector<ledger::Key> keys);
    /// Behind `inbox` all whose reads have ended and that follow none of their link which still waits, in the
    /// order in which they came.
    void move_ready(std::deque<Event>& inbox);
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    [[nodiscard]] std::uint64_t taken() const { return taken_; }

  private:
    struct Waiting {
        RequestArrived request;
        bool was_read = false;
    };
    class Readers;

    std::list<Waiting> waiting_;  // as they came
    std::map<LinkId, std::size_t> of_link_;
    std::uint64_t taken_ = 0;
    std::unique_ptr<Readers> readers_;  // last: its threads end before the rest
};

}  // namespace acquirer
