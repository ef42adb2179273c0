#include "iso8583/values/time_zone.hpp"

#include <algorithm>
#include <optional>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {
namespace {

constexpr std::int64_t day_s = 86'400;
constexpr std::int32_t offset_s_max = 26 * 3600;  // RFC 8536: beyond −25 h … +26 h is no offset
constexpr int rule_year_last = 2100;
// What was before is not reckoned by a rule, and no change comes behind what it is followed to.
constexpr std::int64_t rule_first_s = -2'208'988'800;  // 1900-01-01
constexpr std::int64_t change_last_s = 4'133'980'800;  // 2101-01-01

bool is_offset(std::int32_t seconds) { return seconds >= -offset_s_max && seconds <= offset_s_max; }

std::int64_t floor_seconds(UtcTime at) { return at.ms / 1000 - (at.ms % 1000 < 0 ? 1 : 0); }

// ---- TZif

constexpr std::size_t header_bytes = 44;
constexpr std::size_t counts_at = 20;
constexpr std::size_t type_bytes = 6;

struct Counts {
    std::size_t is_ut, is_standard, leaps, times, types, characters;
    /// Of the data behind the header, with times of so many bytes.
    [[nodiscard]] std::size_t data_bytes(std::size_t time_bytes) const {
        return times * (time_bytes + 1) + types * type_bytes + characters + leaps * (time_bytes + 4) +
               is_standard + is_ut;
    }
};

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
    const std::size_t unused_bits = 64 - 8 * bytes.size();  // the sign is that of the first byte
    return static_cast<std::int64_t>(value << unused_bits) >> unused_bits;
}

std::optional<Counts> header_of(std::string_view bytes) {
    if (bytes.size() < header_bytes || bytes.substr(0, 4) != "TZif" || bytes[4] < '2') return std::nullopt;
    std::size_t n[6];
    for (std::size_t i = 0; i < 6; ++i) {
        n[i] = static_cast<std::uint32_t>(big_endian(bytes.substr(counts_at + 4 * i, 4)));
        if (n[i] > bytes.size()) return std::nullopt;
    }
    return Counts{n[0], n[1], n[2], n[3], n[4], n[5]};
}

// ---- The rule behind the last change: "CET-1CEST,M3.5.0,M10.5.0/3"

/// A day of the year and a time of it, as POSIX says it.
struct YearlyChange {
    char form = 'M';  // 'M' month.week.weekday, 'J' day 1–365 without 29 February, '0' day 0–365
    int month = 1, week = 1, day = 0;
    std::int32_t time_s = 2 * 3600;

    /// Seconds since 1970 of the local clock before the change.
    [[nodiscard]] std::int64_t local_s(int year) const {
        const Date january{static_cast<std::int16_t>(year), 1, 1};
        std::int32_t days = january.days() + day;
        if (form == 'J') {
            const bool behind_leap_day = is_valid_date(year, 2, 29) && day >= 60;
            days += (behind_leap_day ? 1 : 0) - 1;
        } else if (form == 'M') {
            const Date first{static_cast<std::int16_t>(year), static_cast<std::uint8_t>(month), 1};
            const int weekday = ((first.days() + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
            int at = (day - weekday + 7) % 7 + 1 + (week - 1) * 7;
            while (!is_valid_date(year, month, at)) at -= 7;  // week 5: the last one
            days = first.days() + at - 1;
        }
        return days * day_s + time_s;
    }
};

class RuleReader {
  public:
    explicit RuleReader(std::string_view text) : rest_(text) {}

    struct Rule {
        std::int32_t standard_s = 0;
        std::int32_t summer_s = 0;
        YearlyChange begin, end;
        bool has_summer = false;
    };
    std::optional<Rule> read() {
        Rule rule;
        skip_name();
        rule.standard_s = -clock();
        if (!rest_.empty()) {
            rule.has_summer = true;
            skip_name();
            rule.summer_s = rule.standard_s + 3600;
            if (!rest_.empty() && rest_.front() != ',') rule.summer_s = -clock();
            rule.begin = yearly();
            rule.end = yearly();
        }
        if (!ok_ || !rest_.empty()) return std::nullopt;
        return rule;
    }

  private:
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_name() {
        if (take('<')) {
            const std::size_t end = rest_.find('>');
            ok_ = ok_ && end != std::string_view::npos;
            rest_.remove_prefix(ok_ ? end + 1 : rest_.size());
            return;
        }
        while (!rest_.empty() && ((rest_.front() >= 'A' && rest_.front() <= 'Z') ||
                                  (rest_.front() >= 'a' && rest_.front() <= 'z')))
            rest_.remove_prefix(1);
    }
    int number(int max) {
        int value = 0;
        ok_ = ok_ && !rest_.empty() && is_digit(rest_.front());
        for (; !rest_.empty() && is_digit(rest_.front()) && value <= max; rest_.remove_prefix(1))
            value = value * 10 + (rest_.front() - '0');
        ok_ = ok_ && value <= max;
        return value;
    }
    /// [+-]hh[:mm[:ss]]
    std::int32_t clock() {
        const bool minus = take('-');
        if (!minus) take('+');
        std::int32_t seconds = number(167) * 3600;
        if (take(':')) seconds += number(59) * 60;
        if (take(':')) seconds += number(59);
        return minus ? -seconds : seconds;
    }
    YearlyChange yearly() {
        YearlyChange change;
        ok_ = ok_ && take(',');
        if (take('M')) {
            change.month = number(12);
            ok_ = ok_ && take('.');
            change.week = number(5);
            ok_ = ok_ && take('.');
            change.day = number(6);
            ok_ = ok_ && change.month >= 1 && change.week >= 1;
        } else {
            change.form = take('J') ? 'J' : '0';
            change.day = number(365);
        }
        if (take('/')) change.time_s = clock();
        return change;
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace

TimeZone TimeZone::fixed(std::int32_t offset_s) {
    TimeZone zone;
    zone.first_offset_s_ = offset_s;
    return zone;
}

Result<TimeZone> TimeZone::parse_tzif(std::string_view bytes) {
    const auto old = header_of(bytes);
    if (!old) return parse_error("time zone: no TZif file of version 2 or later");
    const std::size_t skipped = header_bytes + old->data_bytes(4);
    if (skipped > bytes.size()) return parse_error("time zone: the file is cut short");
    bytes.remove_prefix(skipped);
    const auto counts = header_of(bytes);
    if (!counts || counts->types == 0) return parse_error("time zone: the second header is wrong");
    if (header_bytes + counts->data_bytes(8) > bytes.size())
        return parse_error("time zone: the file is cut short");
    const std::string_view times = bytes.substr(header_bytes, counts->times * 8);
    const std::string_view indices = bytes.substr(header_bytes + times.size(), counts->times);
    const std::string_view types =
        bytes.substr(header_bytes + times.size() + indices.size(), counts->types * type_bytes);
    const auto offset_of = [&](std::size_t type) {
        return static_cast<std::int32_t>(big_endian(types.substr(type * type_bytes, 4)));
    };
    for (std::size_t i = 0; i < counts->types; ++i)
        if (!is_offset(offset_of(i))) return parse_error("time zone: an offset is impossible");
    TimeZone zone;
    zone.first_offset_s_ = offset_of(0);
    for (std::size_t i = 0; i < counts->times; ++i) {
        const auto type = static_cast<std::uint8_t>(indices[i]);
        const std::int64_t at_s = big_endian(times.substr(i * 8, 8));
        if (type >= counts->types) return parse_error("time zone: a change names no type");
        if (!zone.changes_.empty() && at_s <= zone.changes_.back().at_s)
            return parse_error("time zone: the changes are not in order");
        if (at_s >= change_last_s) return parse_error("time zone: a change is too far ahead");
        zone.changes_.push_back({at_s, offset_of(type)});
    }
    std::string_view rule_text = bytes.substr(header_bytes + counts->data_bytes(8));
    if (rule_text.size() < 2 || rule_text.front() != '\n' || rule_text.back() != '\n')
        return parse_error("time zone: the rule behind the changes is missing");
    rule_text = rule_text.substr(1, rule_text.size() - 2);
    if (rule_text.empty()) return zone;  // the last change holds
    const auto rule = RuleReader(rule_text).read();
    if (!rule || !is_offset(rule->standard_s) || !is_offset(rule->summer_s))
        return parse_error("time zone: the rule behind the changes cannot be read");
    if (!rule->has_summer) {
        if (zone.changes_.empty()) zone.first_offset_s_ = rule->standard_s;
        return zone;
    }
    const std::int64_t known_to_s =
        zone.changes_.empty() ? 0 : std::max(zone.changes_.back().at_s, rule_first_s);
    std::vector<Change> more;
    for (int year = civil_from_utc({known_to_s * 1000}).date.year; year <= rule_year_last; ++year) {
        more.push_back({rule->begin.local_s(year) - rule->standard_s, rule->summer_s});
        more.push_back({rule->end.local_s(year) - rule->summer_s, rule->standard_s});
    }
    std::sort(more.begin(), more.end(), [](const Change& a, const Change& b) { return a.at_s < b.at_s; });
    for (const Change& change : more)
        if (change.at_s > known_to_s) zone.changes_.push_back(change);
    return zone;
}

std::int32_t TimeZone::offset_s(UtcTime at) const {
    const std::int64_t seconds = floor_seconds(at);
    const auto next = std::upper_bound(changes_.begin(), changes_.end(), seconds,
                                       [](std::int64_t s, const Change& c) { return s < c.at_s; });
    return next == changes_.begin() ? first_offset_s_ : std::prev(next)->offset_s;
}

UtcTime TimeZone::first_at(Date date, std::int32_t minute_of_day) const {
    const std::int64_t local_s = date.days() * day_s + std::int64_t{minute_of_day} * 60;
    // No clock is further from UTC than two days: what holds before that can be passed over.
    const std::int64_t from_s = local_s - 2 * day_s;
    auto next = std::upper_bound(changes_.begin(), changes_.end(), from_s,
                                 [](std::int64_t s, const Change& c) { return s < c.at_s; });
    std::int64_t begin_s = from_s;
    std::int32_t offset = next == changes_.begin() ? first_offset_s_ : std::prev(next)->offset_s;
    for (;; ++next) {
        const std::int64_t at_s = std::max(begin_s, local_s - offset);
        if (next == changes_.end() || at_s < next->at_s) return {at_s * 1000};
        begin_s = next->at_s;
        offset = next->offset_s;
    }
}

}  // namespace iso8583
