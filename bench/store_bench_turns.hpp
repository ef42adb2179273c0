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

    RefundTurns();  // with higher keys each time, as a ledger numbers upwards
    ledger::Batch next(std::uint32_t refunds, std::uint64_t turn);
    /// No turn before its own has it, as a store can know it: true of all but sales and what is ordered by
    /// hash.
    static bool is_new(const ledger::Key& key);

  private:
    std::uint64_t refund_;
};

}  // namespace bench
