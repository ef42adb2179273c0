#include "ledger/shard_merchants.hpp"

#include <optional>
#include <string>

#include "ledger/key_layout.hpp"

namespace ledger {

iso8583::Result<std::set<iso8583::MerchantId>, StoreError> merchants_of_shard(const StoreReader& store,
                                                                              std::string_view code) {
    std::set<iso8583::MerchantId> merchants;
    std::optional<StoreError> fault;
    const KeyRange range = all_keys(KeyPrefix::merchant_of_shard);
    const auto done =
        store.scan(Family::index, range.from, range.to, [&](std::string_view key, std::string_view value) {
            const auto merchant = iso8583::MerchantId::parse(key.substr(1));
            if (!merchant)
                fault = StoreError{StoreError::Kind::corruption, "a merchant of the shard cannot be read"};
            else if (value != code)
                fault = StoreError{StoreError::Kind::corruption,
                                   "the ledger is that of shard " + std::string(value) + ", " +
                                       (code.empty() ? std::string("and this switch has one shard alone")
                                                     : "not of shard " + std::string(code))};
            else
                merchants.insert(*merchant);
            return !fault;
        });
    if (!done) return tl::unexpected(done.error());
    if (fault) return tl::unexpected(*fault);
    return merchants;
}

}  // namespace ledger
