#include "ledger/new_keys.hpp"

#include <cstdint>
#include <string_view>

namespace ledger {

std::optional<std::string>& NewKeys::last_of_kind(const Key& key) {
    const auto kind = static_cast<std::uint8_t>(key.bytes.front());
    Last& last = last_[static_cast<std::size_t>(key.family)][kind];
    if (last.read) return last.key;
    // Turns that are under way and not in the copy yet have no key of this kind: they would have met it.
    last.read = true;
    last.key.emplace();
    const std::string from(1, static_cast<char>(kind));
    const std::string to = kind + 1U == kinds ? std::string() : std::string(1, static_cast<char>(kind + 1U));
    const auto scanned = copy_.scan_back(key.family, from, to, [&](std::string_view found, std::string_view) {
        last.key = found;
        return false;
    });
    if (!scanned) last.key.reset();
    return last.key;
}

bool NewKeys::is_new(const Key& key) {
    if (key.bytes.empty()) return false;
    const auto& last = last_of_kind(key);
    return last && key.bytes > *last;
}

void NewKeys::remember(const Batch& batch) {
    for (const Mutation& m : batch.mutations) {
        if (m.key.bytes.empty()) continue;
        auto& last = last_of_kind(m.key);
        if (last && m.key.bytes > *last) last = m.key.bytes;
    }
}

}  // namespace ledger
