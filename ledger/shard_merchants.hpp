// Which merchants' work a shard beside others keeps: written down with the first turn that has any of it, and
// never taken back, so that a merchant stays where its sales are, however it was assigned. Each row says
// whose the ledger is and of how many, since the numbers that a shard gives are told apart by both.
//
// Thread: of the reader. Errors: what in the store is not as the shard wrote it.
#pragma once

#include <set>
#include <string>

#include "iso8583/values/identifiers.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// The value of a row: the shard's code and how many there are. What was written before this was said has the
/// code alone.
std::string merchant_row(const NumberPlan& plan);
/// Of the shard with this plan; an error also when the store is another shard's, or one of another number of
/// them.
iso8583::Result<std::set<iso8583::MerchantId>, StoreError> merchants_of_shard(const StoreReader& store,
                                                                              const NumberPlan& plan);

}  // namespace ledger
