// NumberPlan: which numbers the ledger of one shard may give, so that no two shards give the same: RRNs by
// the shard's code, STANs towards issuers by its range, what people count (exceptions, proposals, disputes,
// batches of refunds, notices) by its remainder. So a number says whose it is. The only shard of its switch
// has the default plan. Source: docs/decisions/0058. Values; no errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/identifiers.hpp"

namespace ledger {

struct NumberPlan {
    /// Empty: the only shard of its switch, whose RRNs are YDDD and a decimal sequence of 8. Otherwise two of
    /// 0–9 A–Z, the shard's own: YDDD, shard, a sequence of 6 in base 36.
    std::string shard;
    std::uint32_t stan_from = 1;  // towards issuers, inclusive
    std::uint32_t stan_to = iso8583::Stan::value_max;
    /// What people count: the numbers that leave `index` when they are divided by `of`.
    std::uint32_t index = 0;
    std::uint32_t of = 1;

    /// The next that people count, above `last`.
    [[nodiscard]] std::uint64_t number_after(std::uint64_t last) const {
        return last + 1 + (index + of - (last + 1) % of) % of;
    }
    /// How many of them there are above `from`, which is 0 or one of them, up to `to`, which is too.
    [[nodiscard]] std::uint64_t count_between(std::uint64_t from, std::uint64_t to) const {
        return (to - from + of - 1) / of;
    }
    /// Several shards share the switch, and this is the first: it does what is of no merchant.
    [[nodiscard]] bool is_first() const { return index == 0; }
    [[nodiscard]] bool has_others() const { return of > 1; }
};

/// Of one process: 1, 2 or 4.
inline constexpr std::size_t shards_max = 4;
/// STANs of a switch with several shards that no shard gives: its sessions' sign-ons and echoes (08xx).
inline constexpr std::uint32_t session_stans = 9'999;
/// More requests than an issuer is sent in a second, which is what DE7 tells apart: no range is smaller.
inline constexpr std::uint32_t stans_a_second_max = 100'000;

/// Of the `index`-th of `of` shards in one process; the default plan of the only one.
NumberPlan plan_of_shard(std::size_t index, std::size_t of);
/// Which of `of` shards gave it; nothing: none of them did.
std::optional<std::size_t> shard_of_stan(iso8583::Stan stan, std::size_t of);
std::optional<std::size_t> shard_of_rrn(std::string_view rrn, std::size_t of);
/// A number that people count, behind its letter or as the end of an exception's id ("P00000012").
std::optional<std::size_t> shard_of_number(std::string_view id, std::size_t of);

}  // namespace ledger
