#include "switch/views/report_days.hpp"

#include <algorithm>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::Date;
using iso8583::parse_error;
using ledger::Family;

namespace {

/// The local date at which the business day began, or nothing when it has not.
iso8583::Result<std::optional<Date>> began(const ViewContext& context, BusinessDate day) {
    auto stored = context.store.get(Family::journal, ledger::business_day_key(day));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<Date>();
    const auto record = ledger::decode_business_day(**stored);
    if (!record) return parse_error("the ledger's business day cannot be read: " + record.error().what);
    const std::int32_t offset_s = context.configuration.time_zone.offset_s(record->at);
    return std::optional(iso8583::civil_from_utc(record->at, offset_s).date);
}

}  // namespace

iso8583::Result<DayRange> asked_days(const ViewContext& context, const ListQuery& query, std::int32_t days) {
    const auto first = first_day(context);
    if (!first) return tl::unexpected(first.error());
    const BusinessDate to = query.to.value_or(context.status.business_date);
    const BusinessDate from =
        query.from.value_or(std::max(*first, BusinessDate{to.date.plus_days(1 - days)}));
    if (from > to) return parse_error("from: is later than to: no day lies between them");
    if (to.date.days() - from.date.days() >= report_days_max)
        return parse_error("from: more than " + std::to_string(report_days_max) + " days are no report");
    return DayRange{from, to};
}

iso8583::Result<DateSpan> dates_of(const ViewContext& context, BusinessDate day) {
    const auto first = began(context, day);
    if (!first) return tl::unexpected(first.error());
    const auto end = began(context, day.next());
    if (!end) return tl::unexpected(end.error());
    const Date from = std::min(first->value_or(day.date), day.date);
    // A day that is over has a next one; where it is not recorded, it is taken to have begun on its date.
    const bool is_over = day < context.status.business_date;
    const Date ended = end->value_or(is_over ? day.next().date : context.now.local().date);
    const Date to = std::max({ended, day.date, from});
    return DateSpan{from, to.plus_days(1)};
}

iso8583::Result<bool> read_date(const ViewContext& context, Date date, std::size_t& records_left,
                                const std::function<void(const ledger::TransactionRecord&)>& visit) {
    bool whole = true;
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::transactions_of_day(date);
    auto done = context.store.scan(Family::journal, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       whole = records_left > 0;
                                       if (!whole) return false;
                                       --records_left;
                                       const auto record = ledger::decode_transaction_record(value);
                                       if (record)
                                           visit(*record);
                                       else
                                           fault = record.error().what;
                                       return !fault;
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error("the ledger's record cannot be read: " + *fault);
    return whole;
}

iso8583::Result<DaysRead> read_days(const ViewContext& context, const DayRange& range,
                                    const std::function<void(const ledger::TransactionRecord&)>& visit,
                                    const std::function<void(BusinessDate)>& sealed,
                                    std::size_t records_max) {
    DaysRead read{{range.to.next(), range.to}, 0, {}};
    // The next day to be sealed, and the earliest date it may have transactions under.
    BusinessDate day = range.to;
    auto span = dates_of(context, day);
    if (!span) return tl::unexpected(span.error());
    std::size_t left = records_max;
    for (Date date = span->to;; date = date.plus_days(-1)) {
        auto whole = read_date(context, date, left, [&](const ledger::TransactionRecord& record) {
            if (range.contains(record.business_date)) visit(record);
        });
        if (!whole) return tl::unexpected(whole.error());
        read.records = records_max - left;
        if (!*whole) break;
        while (span->from >= date) {
            sealed(day);
            read.days.from = day;
            if (day == range.from) return read;
            day = BusinessDate{day.date.plus_days(-1)};
            span = dates_of(context, day);
            if (!span) return tl::unexpected(span.error());
        }
    }
    const std::string records = std::to_string(read.records) + " records were read";
    if (read.days.from <= range.to) {
        read.note = "days before " + read.days.from.date.iso() + " are left out: " + records + "; --to " +
                    day.date.iso() + " goes on there";
    } else {
        sealed(range.to);
        read.days.from = range.to;
        read.note = "only a part of " + range.to.date.iso() + " is counted: " + records;
    }
    return read;
}

}  // namespace acquirer
