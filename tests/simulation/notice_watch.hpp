// What customers and merchants were told in a world: notices as they stand in their files, over crashes. Each
// refund's story must be told to its end, at least once, in order, and nothing that is not durable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ledger/notice.hpp"
#include "tests/simulation/checkers.hpp"

namespace simulation {

class NoticeWatch {
  public:
    /// Notices are counted by each of so many shards.
    NoticeWatch(Checkers& checkers, std::size_t shards) : checkers_(checkers), newest_(shards) {}
    void written(const std::vector<ledger::Notice>& notices, iso8583::Instant at);
    /// At the end, drained: what every refund's state tells was told.
    void check_end(std::uint64_t waiting, iso8583::Instant at);
    /// The kinds that were told of a refund, in their order, doubles once: "accepted done".
    [[nodiscard]] std::string told(const iso8583::Rrn& refund) const;

  private:
    Checkers& checkers_;
    std::vector<std::uint64_t> newest_;  // by shard
    std::map<iso8583::Rrn, std::vector<ledger::NoticeKind>> told_;
};

}  // namespace simulation
