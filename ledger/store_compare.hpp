// Two stores key by key. Thread: the caller's; reads both from the beginning to the end.
#pragma once

#include "iso8583/values/result.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// `corruption` when they are not equal: `what` says then what that means, as a sentence.
iso8583::Result<void, StoreError> compare_stores(const StoreReader& ours, const StoreReader& theirs,
                                                 const std::string& what);

}  // namespace ledger
