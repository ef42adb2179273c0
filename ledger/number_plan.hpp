// NumberPlan: which numbers the ledger of one shard may give, so that no two shards give the same. One shard
// stands today (docs/architecture.md, "Growing") and has the default plan: no configuration names another, as
// none can say of two shards which station each is towards an issuer. Values; no errors.
#pragma once

#include <cstdint>
#include <string>

#include "iso8583/values/identifiers.hpp"

namespace ledger {

struct NumberPlan {
    /// Empty: the only shard of its switch, whose RRNs are YDDD and a decimal sequence of 8. Otherwise two of
    /// 0–9 A–Z, the shard's own: YDDD, shard, a sequence of 6 in base 36.
    std::string shard;
    std::uint32_t stan_from = 1;  // towards issuers, inclusive
    std::uint32_t stan_to = iso8583::Stan::value_max;
};

}  // namespace ledger
