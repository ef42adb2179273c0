// RecentValues: what was written lately, so that the answer to a request that left a moment ago is not a look
// into the store. Two generations instead of a list of uses: when the young one is full it becomes the old
// one and the old one goes; what is used again moves back to the young. Owner: the overlay, which sees every
// write, so it is never stale. Thread: the core's. Bound: 2 × entries_max values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ledger {

class RecentValues {
  public:
    /// About 10 MiB of records when both generations are full.
    static constexpr std::size_t entries_max = 16'384;

    /// Only these keys are asked for again soon: trace slots, terminals (key_layout.hpp). Transactions are
    /// kept decoded (record_table.hpp).
    static bool worth_keeping(std::string_view key) {
        return !key.empty() && (key.front() == 's' || key.front() == 'k');
    }
    void put(std::string key, std::optional<std::string> value);
    /// Nothing: not known here. A value that is nullopt: known to be absent.
    [[nodiscard]] const std::optional<std::string>* find(std::string_view key);
    [[nodiscard]] std::size_t size() const { return young_.size() + old_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
    };
    using Generation = std::unordered_map<std::string, std::optional<std::string>, Hash, std::equal_to<>>;
    void make_room();
    Generation young_, old_;
};

}  // namespace ledger
