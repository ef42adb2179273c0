// IinTable: which routes a card may take, by its issuer identification number. Built once from configuration,
// then immutable: freely copied and read from any thread.
//
// A range is a pair of prefixes of equal length, 6 to 11 digits, both included: 621234–621299. The longest
// prefix wins; among equally long ones the narrower range that lies wholly inside another wins. What that
// rule cannot decide (equal ranges, or two of one length that cross) is refused at construction, naming both.
// Source: ISO/IEC 7812-1 (issuer identification number), docs/wire.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"

namespace routing {

/// A route's number. It is stored on every sale, so a number is never given to another route: do not change
/// (docs/ledger_format.md). 0 is no route.
struct RouteId {
    std::uint16_t value = 0;
    friend auto operator<=>(const RouteId&, const RouteId&) = default;
};

struct IinRange {
    std::string first;            // "621234"
    std::string last;             // "621299", as long as `first`
    std::vector<RouteId> routes;  // in order of preference, 1 to routes_per_range_max
};

class IinTable {
  public:
    static constexpr std::size_t prefix_digits_min = 6;
    static constexpr std::size_t prefix_digits_max = 11;
    static constexpr std::size_t ranges_max = 4096;
    static constexpr std::size_t routes_per_range_max = 4;

    IinTable() = default;
    /// The error names the range or the two ranges that are wrong.
    static iso8583::Result<IinTable> build(std::vector<IinRange> ranges);

    /// The range that decides for this card; nullptr when none covers it (DE39 15). Lives as long as the
    /// table.
    [[nodiscard]] const IinRange* find(const iso8583::Pan& pan) const;
    [[nodiscard]] const std::vector<IinRange>& ranges() const { return ranges_; }

  private:
    /// From `first` up to the next segment's, in prefixes of prefix_digits_max digits; -1 is no range.
    struct Segment {
        std::uint64_t first = 0;
        std::int32_t range = -1;
    };
    std::vector<IinRange> ranges_;
    std::vector<Segment> segments_;
};

}  // namespace routing
