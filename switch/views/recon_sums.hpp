// Counts and sums over reconciled entries: by route, by route and merchant, in all. Sales count for what the
// issuer owes, refunds and voids against it. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "ledger/recon_records.hpp"

namespace acquirer {

struct ReconSum {
    static constexpr std::size_t statuses = static_cast<std::size_t>(ledger::ReconStatus::settled) + 1;
    std::array<std::int64_t, statuses> counts{};  // by ReconStatus
    std::int64_t ours_minor = 0;
    std::int64_t theirs_minor = 0;

    [[nodiscard]] std::int64_t transactions() const {
        std::int64_t sum = 0;
        for (const std::int64_t count : counts) sum += count;
        return sum;
    }
    [[nodiscard]] std::int64_t differences() const {
        std::int64_t sum = 0;
        for (std::size_t s = 1; s < statuses; ++s)
            if (ledger::is_difference(static_cast<ledger::ReconStatus>(s))) sum += counts[s];
        return sum;
    }
    void add(const ledger::ReconEntry& entry) {
        const std::int64_t sign = entry.effect == ledger::IssuerEffect::sale ? 1 : -1;
        ++counts[static_cast<std::size_t>(entry.status)];
        ours_minor += sign * entry.ours_minor;
        theirs_minor += sign * entry.theirs_minor;
    }
};

struct ReconSums {
    ReconSum total;
    std::map<std::uint16_t, ReconSum> by_route;
    std::map<std::pair<std::uint16_t, std::string>, ReconSum> by_merchant;

    void add(const ledger::ReconEntry& entry) {
        total.add(entry);
        by_route[entry.route].add(entry);
        by_merchant[{entry.route, entry.merchant}].add(entry);
    }
};

}  // namespace acquirer
