// DeadlineQueue: deadlines in the order in which they fall due; equal ones in the order in which they were
// set, so that the same seed gives the same run. One class for the core, the sessions and the shell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "iso8583/values/time_fields.hpp"

namespace acquirer {

/// Id orders equal deadlines by nothing: insertion order decides. A second set() of one id moves its
/// deadline.
template <typename Id>
class DeadlineQueue {
  public:
    void set(const Id& id, iso8583::Instant when) {
        cancel(id);
        const Slot slot{when, next_sequence_++};
        by_time_.emplace(slot, id);
        by_id_.emplace(id, slot);
    }
    void cancel(const Id& id) {
        const auto at = by_id_.find(id);
        if (at == by_id_.end()) return;
        by_time_.erase(at->second);
        by_id_.erase(at);
    }
    [[nodiscard]] std::optional<iso8583::Instant> next() const {
        if (by_time_.empty()) return std::nullopt;
        return by_time_.begin()->first.first;
    }
    /// Takes out one deadline that is due at `now`.
    std::optional<Id> pop_due(iso8583::Instant now) {
        if (by_time_.empty() || by_time_.begin()->first.first > now) return std::nullopt;
        Id id = by_time_.begin()->second;
        by_id_.erase(id);
        by_time_.erase(by_time_.begin());
        return id;
    }
    [[nodiscard]] bool contains(const Id& id) const { return by_id_.contains(id); }
    [[nodiscard]] std::size_t size() const { return by_time_.size(); }

  private:
    using Slot = std::pair<iso8583::Instant, std::uint64_t>;
    std::map<Slot, Id> by_time_;
    std::map<Id, Slot> by_id_;
    std::uint64_t next_sequence_ = 0;
};

}  // namespace acquirer
