// Agenda: what will happen in the world and when; equal times in the order in which they were written down.
// The virtual clock is the time of the last thing that happened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "iso8583/values/time_fields.hpp"

namespace simulation {

class Agenda {
  public:
    using Deed = std::function<void()>;

    void at(iso8583::Instant when, Deed deed) { deeds_.emplace(std::pair(when, next_++), std::move(deed)); }
    [[nodiscard]] std::optional<iso8583::Instant> next() const {
        if (deeds_.empty()) return std::nullopt;
        return deeds_.begin()->first.first;
    }
    /// Takes the first out; there must be one.
    Deed take() {
        Deed deed = std::move(deeds_.begin()->second);
        deeds_.erase(deeds_.begin());
        return deed;
    }

  private:
    std::map<std::pair<iso8583::Instant, std::uint64_t>, Deed> deeds_;
    std::uint64_t next_ = 0;
};

}  // namespace simulation
