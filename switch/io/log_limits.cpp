#include "switch/io/log_limits.hpp"

#include <utility>

namespace acquirer {

namespace {

constexpr std::int64_t ms_a_second = 1'000;

template <typename Map>
auto& entry_of(Map& map, std::string_view key) {
    const auto at = map.find(key);
    return at != map.end() ? at->second : map.try_emplace(std::string(key)).first->second;
}

}  // namespace

void LogLimits::begin_second(iso8583::Instant now) {
    const std::int64_t second = now.ms / ms_a_second;
    if (second == second_) return;
    second_ = second;
    if (left_out_now_) {
        std::map<std::string, std::uint64_t> of_many;
        for (const auto& [kind, seen] : kinds_)
            for (const auto& [source, count] : seen.sources) {
                if (count.left_out == 0) continue;
                if (ended_.size() < summaries_max)
                    ended_.push_back({kind, source, count.left_out});
                else
                    of_many[kind] += count.left_out;
            }
        for (const auto& [kind, lines] : of_many) ended_.push_back({kind, "", lines});
    }
    left_out_now_ = false;
    sources_ = 0;
    kinds_.clear();
}

bool LogLimits::admits(std::string_view kind, std::string_view source, iso8583::Instant now) {
    begin_second(now);
    OfKind& seen = entry_of(kinds_, kind);
    if (sources_ >= sources_max && !seen.sources.contains(source)) source = {};
    const std::size_t known = seen.sources.size();
    Count& own = entry_of(seen.sources, source);
    sources_ += seen.sources.size() - known;
    if (own.lines < lines_of_source_max && seen.all.lines < lines_of_kind_max) {
        ++own.lines;
        ++seen.all.lines;
        return true;
    }
    ++own.left_out;
    ++suppressed_;
    left_out_now_ = true;
    return false;
}

std::vector<LogLimits::Summary> LogLimits::take_ended(iso8583::Instant now) {
    begin_second(now);
    return std::exchange(ended_, {});
}

}  // namespace acquirer
