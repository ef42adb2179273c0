// OrphanWatch: looks for orphans (orphans.hpp) while the switch runs: at the end of each turn among the
// records that it changed, and once a minute among all open work, in slices. What it finds is an alarm and an
// exception, and stands in `refundctl status` until it has ended; there must never be one.
//
// Ownership: member of SwitchCore; refers to the owners of what is live. Thread: the core's. Nothing outlives
// a restart: the first pass begins at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/orphans.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

/// From the end of a full pass to the beginning of the next.
inline constexpr std::int64_t orphan_pass_every_ms = 60'000;
/// Open transactions that are looked at in one step: some tens of microseconds.
inline constexpr std::size_t orphan_slice_max = 256;
/// Between two slices of one pass: requests go first.
inline constexpr std::int64_t orphan_slice_every_ms = 20;

class OrphanWatch {
  public:
    OrphanWatch(CoreContext& context, const StoreAndForward& queue, const TransactionFlow& transactions)
        : c_(context), queue_(queue), transactions_(transactions) {}

    /// The first pass is due.
    void recover();
    void on_deadline();
    /// Before the turn's records are written: those that it changed.
    void close_turn();

    /// What the core does now, deadlines and all, for find_orphans().
    [[nodiscard]] std::unique_ptr<LiveWork> live_work() const;
    [[nodiscard]] std::size_t orphans() const { return orphans_.size(); }
    /// End of the last full pass; nothing before the first.
    [[nodiscard]] std::optional<iso8583::UtcTime> last_pass() const { return last_pass_; }

  private:
    void judge(const ledger::TransactionRecord& record, const LiveWork& live);

    CoreContext& c_;
    const StoreAndForward& queue_;
    const TransactionFlow& transactions_;
    std::optional<iso8583::Rrn> cursor_;  // of the pass under way: the last that was looked at
    std::vector<iso8583::Rrn> of_turn_;   // found at the end of a turn, and told in the next step
    std::set<iso8583::Rrn> orphans_;
    std::optional<iso8583::UtcTime> last_pass_;
};

}  // namespace acquirer
