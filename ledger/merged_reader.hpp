// MergedReader: the ledgers of all shards of a switch as one, for whoever only looks. Keys that hold what is
// of a merchant are in one shard alone (number_plan.hpp); what every shard keeps for itself under the same
// key (its days, its sums' checkpoint, its audit chain, operators' words that were told to all) is given as
// the first shard has it: who needs them of all asks each reader.
//
// Ownership: shares the readers. Thread: any, as the readers. Errors: the first reader's that has one.
#pragma once

#include <memory>
#include <vector>

#include "ledger/store.hpp"

namespace ledger {

/// Of the shards, in their order.
using ShardReaders = std::vector<std::shared_ptr<const StoreReader>>;

class MergedReader final : public StoreReader {
  public:
    /// At least one; the shard with index 0 first.
    explicit MergedReader(ShardReaders parts);

    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const override;
    iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const override;
    iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const override;

  private:
    ShardReaders parts_;
};

}  // namespace ledger
