#include "tests/simulation/day_watch.hpp"

#include <algorithm>

namespace simulation {

using acquirer::Configuration;
using ledger::BusinessDayRecord;

namespace {

iso8583::Date local_date(const Configuration& config, iso8583::UtcTime at) {
    return iso8583::civil_from_utc(at, config.time_zone.offset_s(at)).date;
}

bool is_scheduled(const BusinessDayRecord& day) { return day.by.starts_with("schedule"); }

}  // namespace

std::optional<std::string> DayWatch::durable(const ledger::Batch& batch, const Configuration& config) {
    for (const ledger::Mutation& m : batch.mutations) {
        const bool of_a_day = m.key.family == ledger::Family::journal && m.value && !m.key.bytes.empty() &&
                              m.key.bytes[0] == static_cast<char>(ledger::KeyPrefix::business_day);
        if (!of_a_day) continue;
        const auto began = ledger::decode_business_day(*m.value);
        if (!began) return "a business day was written that does not read";
        const auto wrong = judge(*began, config);
        days_.push_back(*began);
        if (wrong) return "business day " + began->day.date.iso() + ", by " + began->by + ": " + *wrong;
    }
    return std::nullopt;
}

std::optional<std::string> DayWatch::judge(const BusinessDayRecord& began,
                                           const Configuration& config) const {
    if (days_.empty()) return std::nullopt;
    if (began.day != days_.back().day.next()) return "it does not follow " + days_.back().day.date.iso();
    const iso8583::Date date = local_date(config, began.at);
    // What a second person agreed to may go further.
    const bool by_two = began.by.find(',') != std::string::npos;
    if (!by_two && began.day.date > date.plus_days(1)) return "it is later than tomorrow of " + date.iso();
    if (!is_scheduled(began)) return std::nullopt;
    const bool again = std::any_of(days_.begin(), days_.end(), [&](const BusinessDayRecord& d) {
        return is_scheduled(d) && local_date(config, d.at) == date;
    });
    if (again) return "the local day " + date.iso() + " has had its scheduled cut-over";
    if (!follows_ && config.cutover_at_minute &&
        began.at < config.time_zone.first_at(date, *config.cutover_at_minute))
        return "it began before its minute of " + date.iso();
    return std::nullopt;
}

std::optional<std::string> DayWatch::missed(const Configuration& config, iso8583::UtcTime now) const {
    if (!config.cutover_at_minute || days_.empty()) return std::nullopt;
    iso8583::Date due = local_date(config, now);
    if (config.time_zone.first_at(due, *config.cutover_at_minute) > now) due = due.plus_days(-1);
    const BusinessDayRecord& newest = days_.back();
    const bool ahead = newest.day.next().date > due.plus_days(1);
    if (local_date(config, newest.at) >= due || ahead) return std::nullopt;
    return "the cut-over of " + due.iso() + " has not come, the business day is " + newest.day.date.iso();
}

}  // namespace simulation
