#include "ledger/shard_merchants.hpp"

#include <optional>

#include "ledger/key_layout.hpp"

namespace ledger {

namespace {

constexpr std::size_t code_size = 2;

/// Why a row with this value is not of the plan's shard; empty: it is.
std::string why_not(std::string_view value, const NumberPlan& plan) {
    const std::string_view code = value.substr(0, code_size), of = value.substr(code.size());
    if (code != plan.shard)
        return "the ledger is that of shard " + std::string(code) + ", " +
               (plan.shard.empty() ? std::string("and this switch has one shard alone")
                                   : "not of shard " + plan.shard);
    if (!of.empty() && of != std::to_string(plan.of))
        return "the ledger is that of one of " + std::string(of) + " shards, and this switch has " +
               std::to_string(plan.of);
    return {};
}

}  // namespace

std::string merchant_row(const NumberPlan& plan) { return plan.shard + std::to_string(plan.of); }

iso8583::Result<std::set<iso8583::MerchantId>, StoreError> merchants_of_shard(const StoreReader& store,
                                                                              const NumberPlan& plan) {
    std::set<iso8583::MerchantId> merchants;
    std::optional<StoreError> fault;
    const KeyRange range = all_keys(KeyPrefix::merchant_of_shard);
    const auto done =
        store.scan(Family::index, range.from, range.to, [&](std::string_view key, std::string_view value) {
            const auto merchant = iso8583::MerchantId::parse(key.substr(1));
            const std::string why =
                merchant ? why_not(value, plan) : "a merchant of the shard cannot be read";
            if (why.empty())
                merchants.insert(*merchant);
            else
                fault = StoreError{StoreError::Kind::corruption, why};
            return !fault;
        });
    if (!done) return tl::unexpected(done.error());
    if (fault) return tl::unexpected(*fault);
    return merchants;
}

}  // namespace ledger
