// The sums of a terminal's batch, reckoned from the records alone, as the terminal itself would from its
// slips.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/checkers.hpp"

namespace simulation {

/// One half of DE48 in a settlement: sums in minor units.
struct HalfOfBatch {
    std::int64_t debit = 0, debits = 0, credit = 0, credits = 0;
    static constexpr std::size_t digits = 30;  // 12 and 3, twice; a code follows

    static HalfOfBatch parse(const std::string& text);
    /// As many digits as there is room for.
    [[nodiscard]] HalfOfBatch lowest_digits() const;
    [[nodiscard]] std::string str() const;
    friend bool operator==(const HalfOfBatch&, const HalfOfBatch&) = default;
};
struct SumsOfBatch {
    HalfOfBatch domestic, foreign;
    /// DE48 of an 0500 that says so.
    [[nodiscard]] std::string de48() const { return domestic.str() + "0" + foreign.str() + "0"; }
};

/// Nothing when one of them has a story that sales and refunds at a till have not: people decided, a part was
/// reversed, it was voided, or its reversal is not through.
[[nodiscard]] std::optional<SumsOfBatch> sums_of_batch(const Checkers& books,
                                                       const std::vector<iso8583::Rrn>& transactions);

}  // namespace simulation
