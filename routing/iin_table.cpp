#include "routing/iin_table.hpp"

#include <algorithm>
#include <optional>

#include "iso8583/values/bytes.hpp"

namespace routing {
namespace {

/// A range as numbers of prefix_digits_max digits, both ends included.
struct Interval {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::size_t digits = 0;

    [[nodiscard]] bool covers(std::uint64_t prefix) const { return first <= prefix && prefix <= last; }
    [[nodiscard]] bool inside(const Interval& o) const { return o.first <= first && last <= o.last; }
};

std::uint64_t widened(std::string_view prefix, char filler) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < IinTable::prefix_digits_max; ++i)
        v = v * 10 + static_cast<std::uint64_t>((i < prefix.size() ? prefix[i] : filler) - '0');
    return v;
}

Interval interval_of(const IinRange& range) {
    return {widened(range.first, '0'), widened(range.last, '9'), range.first.size()};
}

std::string label(const IinRange& range) { return range.first + "-" + range.last; }

std::optional<std::string> wrong_in(const IinRange& range) {
    const std::string where = "IIN range " + label(range) + ": ";
    for (const std::string& prefix : {range.first, range.last})
        if (prefix.size() < IinTable::prefix_digits_min || prefix.size() > IinTable::prefix_digits_max ||
            !iso8583::all_digits(prefix))
            return where + "prefixes of 6 to 11 digits are needed";
    if (range.first.size() != range.last.size())
        return where + "both prefixes need the same number of digits";
    if (range.last < range.first) return where + "the first prefix is greater than the last";
    if (range.routes.empty()) return where + "no route is named";
    if (range.routes.size() > IinTable::routes_per_range_max)
        return where + "at most " + std::to_string(IinTable::routes_per_range_max) + " routes are allowed";
    return std::nullopt;
}

/// True when neither length nor nesting says which of the two wins where both apply.
bool ambiguous(const Interval& a, const Interval& b) {
    if (a.digits != b.digits || a.last < b.first || b.last < a.first) return false;
    return a.inside(b) == b.inside(a);
}

}  // namespace

iso8583::Result<IinTable> IinTable::build(std::vector<IinRange> ranges) {
    if (ranges.size() > ranges_max)
        return iso8583::parse_error("IIN ranges: at most " + std::to_string(ranges_max) + " are allowed, " +
                                    std::to_string(ranges.size()) + " are given");
    std::vector<Interval> intervals;
    for (const IinRange& range : ranges) {
        if (auto wrong = wrong_in(range)) return iso8583::parse_error(std::move(*wrong));
        intervals.push_back(interval_of(range));
    }
    for (std::size_t a = 0; a < ranges.size(); ++a)
        for (std::size_t b = a + 1; b < ranges.size(); ++b)
            if (ambiguous(intervals[a], intervals[b]))
                return iso8583::parse_error("IIN ranges " + label(ranges[a]) + " and " + label(ranges[b]) +
                                            " overlap and neither is the more specific one");

    // Where the deciding range can change: every first prefix and the one after every last.
    std::vector<std::uint64_t> borders;
    for (const Interval& i : intervals) {
        borders.push_back(i.first);
        borders.push_back(i.last + 1);
    }
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());

    IinTable table;
    for (const std::uint64_t border : borders) {
        std::int32_t best = -1;
        for (std::size_t i = 0; i < intervals.size(); ++i) {
            if (!intervals[i].covers(border)) continue;
            const Interval* so_far = best < 0 ? nullptr : &intervals[static_cast<std::size_t>(best)];
            if (so_far == nullptr || intervals[i].digits > so_far->digits ||
                (intervals[i].digits == so_far->digits && intervals[i].inside(*so_far)))
                best = static_cast<std::int32_t>(i);
        }
        if (table.segments_.empty() || table.segments_.back().range != best)
            table.segments_.push_back({border, best});
    }
    table.ranges_ = std::move(ranges);
    return table;
}

const IinRange* IinTable::find(const iso8583::Pan& pan) const {
    const std::string_view digits = pan.reveal();
    if (digits.size() < prefix_digits_max) {
        // Too short for the segments: zeros in place of missing digits could hit a range the card is not in.
        const IinRange* best = nullptr;
        for (const IinRange& range : ranges_) {
            if (range.first.size() > digits.size()) continue;
            const std::string_view prefix = digits.substr(0, range.first.size());
            if (prefix < range.first || prefix > range.last) continue;
            const bool more_specific = best == nullptr || range.first.size() > best->first.size() ||
                                       (range.first.size() == best->first.size() &&
                                        range.first >= best->first && range.last <= best->last);
            if (more_specific) best = &range;
        }
        return best;
    }
    const std::uint64_t prefix = widened(digits.substr(0, prefix_digits_max), '0');
    auto after = std::upper_bound(segments_.begin(), segments_.end(), prefix,
                                  [](std::uint64_t p, const Segment& s) { return p < s.first; });
    if (after == segments_.begin()) return nullptr;
    const std::int32_t range = std::prev(after)->range;
    return range < 0 ? nullptr : &ranges_[static_cast<std::size_t>(range)];
}

}  // namespace routing
