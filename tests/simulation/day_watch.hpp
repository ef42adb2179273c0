// DayWatch: the business days of a world, judged by its calendar alone (docs/refund_rules.md, "Business day
// and batches"): they follow one another, a local day has one scheduled cut-over at most, none comes before
// its minute or takes the day beyond tomorrow, and none is missed for good.
//
// Owner: the world. It reads what becomes durable. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/configuration.hpp"

namespace simulation {

class DayWatch {
  public:
    /// Of a shard beside the first: its days begin when it hears of them, by a clock that may have been set
    /// back meanwhile.
    explicit DayWatch(bool follows = false) : follows_(follows) {}
    /// What is wrong with a day that the batch begins, as a sentence.
    std::optional<std::string> durable(const ledger::Batch& batch, const acquirer::Configuration& config);
    /// At the end, with the switch up: is a cut-over due that has not come?
    [[nodiscard]] std::optional<std::string> missed(const acquirer::Configuration& config,
                                                    iso8583::UtcTime now) const;

  private:
    std::optional<std::string> judge(const ledger::BusinessDayRecord& began,
                                     const acquirer::Configuration& config) const;

    bool follows_ = false;
    std::vector<ledger::BusinessDayRecord> days_;  // in the order in which they began
};

}  // namespace simulation
