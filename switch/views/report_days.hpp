// Reading a report's records: by business day, newest day first, every record at most once, and an honest
// end.
//
// Thread: any (a worker's); pure over the snapshot. Errors: a sentence that names the argument or what could
// not be read. Bounds: report_records_max records, report_days_max days.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// One report or one day's totals read no more; what was left out is said. About five seconds of the worker.
inline constexpr std::size_t report_records_max = 2'000'000;
inline constexpr std::int32_t report_days_max = 366;

struct DayRange {
    iso8583::BusinessDate from, to;  // inclusive
    [[nodiscard]] bool contains(iso8583::BusinessDate day) const { return from <= day && day <= to; }
};

/// What a query asks for, whose days are known ones (scope_of); without `from` so many days up to `to`,
/// without `to` up to the current one.
iso8583::Result<DayRange> asked_days(const ViewContext& context, const ListQuery& query, std::int32_t days);

/// Calendar dates under which a business day's transactions may be numbered: it lasts from its cut-over to
/// the next, whatever dates its clock showed.
struct DateSpan {
    iso8583::Date from, to;  // inclusive
};
iso8583::Result<DateSpan> dates_of(const ViewContext& context, iso8583::BusinessDate day);

/// Reads the transactions that were numbered on a calendar date. False when `records_left` came to its end
/// before the date did; each record takes one of it.
iso8583::Result<bool> read_date(const ViewContext& context, iso8583::Date date, std::size_t& records_left,
                                const std::function<void(const ledger::TransactionRecord&)>& visit);

/// What a report covers.
struct DaysRead {
    DayRange days;
    std::size_t records = 0;  // read, also of other days and merchants
    std::string note;         // a sentence when it is less than what was asked for
};

/// Calls `visit` for each transaction that was committed in these days, in no order that matters, and
/// `sealed` for each day, newest first, once all of its transactions were visited. At the bound whole days
/// are left out, but for the newest one, which then is not whole; what was visited of a day that is not
/// sealed does not count.
iso8583::Result<DaysRead> read_days(const ViewContext& context, const DayRange& range,
                                    const std::function<void(const ledger::TransactionRecord&)>& visit,
                                    const std::function<void(iso8583::BusinessDate)>& sealed,
                                    std::size_t records_max = report_records_max);

/// The same with what is gathered of each day: `add` a record to its day's part, then take the whole part.
template <typename Part>
iso8583::Result<DaysRead> gather_days(const ViewContext& context, const DayRange& range,
                                      const std::function<void(Part&, const ledger::TransactionRecord&)>& add,
                                      const std::function<void(iso8583::BusinessDate, const Part&)>& take) {
    std::map<iso8583::BusinessDate, Part> parts;  // of the few days whose dates overlap
    return read_days(
        context, range,
        [&](const ledger::TransactionRecord& record) { add(parts[record.business_date], record); },
        [&](iso8583::BusinessDate day) {
            take(day, parts[day]);
            parts.erase(day);
        });
}

}  // namespace acquirer
