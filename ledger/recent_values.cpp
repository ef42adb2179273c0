#include "ledger/recent_values.hpp"

namespace ledger {

void RecentValues::make_room() {
    if (young_.size() < entries_max) return;
    old_ = std::move(young_);
    young_ = {};
}

void RecentValues::put(std::string key, std::optional<std::string> value) {
    make_room();
    if (const auto stale = old_.find(key); stale != old_.end()) old_.erase(stale);
    young_.insert_or_assign(std::move(key), std::move(value));
}

const std::optional<std::string>* RecentValues::find(std::string_view key) {
    if (const auto at = young_.find(key); at != young_.end()) return &at->second;
    const auto at = old_.find(key);
    if (at == old_.end()) return nullptr;
    auto again = old_.extract(at);
    make_room();
    return &young_.insert(std::move(again)).position->second;
}

}  // namespace ledger
