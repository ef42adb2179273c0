// RefundTurns: turns as the switch writes them, of refunds of 5 puts each: its own two records, its sale
// again, two rows of the index. Shared by the cases of `switch-bench store`.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/store.hpp"

namespace bench {

/// Not compressible, as sealed PANs are not.
std::string bytes_of(std::size_t size, std::uint64_t seed);

class RefundTurns {
  public:
    static constexpr std::size_t refund_bytes = 280, sale_bytes = 260, index_bytes = 90;

    RefundTurns();  // with other keys each time
    ledger::Batch next(std::uint32_t refunds, std::uint64_t turn);

  private:
    std::uint64_t refund_;
};

}  // namespace bench
