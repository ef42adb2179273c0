// CutOver: the only one that advances the business day: by an admin, or at `cutover_at` of the switch's zone.
// Which local days have had theirs is what the ledger stores, never what a clock says: a clock set back, a
// reload, a restart or the end of summer time close no local day twice, and what was missed is made up.
//
// Ownership: refers to the context. Thread: the core's. Source: docs/refund_rules.md, "Business day and
// batches"; rulings 20.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "switch/core/core_context.hpp"

namespace acquirer {

/// The wall clock is looked at again after at most so long, since deadlines run by the monotonic one.
inline constexpr std::int64_t cut_over_recheck_ms = 60'000;

class CutOver {
  public:
    explicit CutOver(CoreContext& context) : c_(context) {}

    /// The stored business day, or today's on the first start; then every scheduled cut-over that was missed.
    void recover();
    /// At its deadline and when the configuration was replaced: what is due by the schedule happens now.
    void look();

    /// Why the day cannot be cut over now: it would become later than tomorrow's local date.
    [[nodiscard]] std::optional<std::string> refusal() const;
    /// The next business day begins, refusal() or not. Transactions under way complete and are posted to it.
    void cut_over(const std::string& by);
    /// Of a shard beside the first, which people ask: its day ends with the first's.
    void on_told(const DayClosed& word);

  private:
    void tell_others();
    void arm();
    /// The local day that the newest stored cut-over closed: where the schedule's time does not exist in
    /// spring, its first instant after may be of the next local day, which it does not close.
    [[nodiscard]] iso8583::Date last_closed() const;
    /// Calls visit for each scheduled instant since the last stored cut-over up to now, in order.
    void each_due(const std::function<void(iso8583::UtcTime)>& visit) const;
    [[nodiscard]] bool too_early(iso8583::Date local_date) const;
    void store(iso8583::UtcTime at, const std::string& by);
    void note_began(const std::string& by);

    CoreContext& c_;
    ledger::BusinessDayRecord newest_;  // as stored
};

}  // namespace acquirer
