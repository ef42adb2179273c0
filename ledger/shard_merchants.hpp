// Which merchants' work a shard beside others keeps: written down with the first turn that has any of it, and
// never taken back, so that a merchant stays where its sales are, however it was assigned.
//
// Thread: of the reader. Errors: what in the store is not as the shard wrote it.
#pragma once

#include <set>
#include <string_view>

#include "iso8583/values/identifiers.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// Of the shard with this code; an error also when the store is another shard's.
iso8583::Result<std::set<iso8583::MerchantId>, StoreError> merchants_of_shard(const StoreReader& store,
                                                                              std::string_view code);

}  // namespace ledger
