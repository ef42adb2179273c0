#include "switch/views/report_parts.hpp"

#include "switch/core/configuration.hpp"

namespace acquirer::report {

View head(const ViewContext& context, std::string_view name, const ListQuery& query) {
    View view = View::object();
    view.put("report", name).put("time", local_time(context, context.now.utc));
    view.put("currency", context.configuration.currency.str());
    if (query.merchant) view.put("merchant", query.merchant->view());
    if (query.terminal) view.put("terminal", query.terminal->view());
    view.put_if("route", query.route);
    return view;
}

void put_read(View& view, const DaysRead& read) {
    view.put("from", read.days.from.date.iso()).put("to", read.days.to.date.iso());
    view.put("records_read", static_cast<std::int64_t>(read.records)).put_if("note", read.note);
}

std::string major(const ViewContext& context, std::int64_t minor) {
    return iso8583::Amount(minor, context.configuration.currency).major();
}

std::string percent(std::int64_t part, std::int64_t whole) {
    if (whole == 0) return "";
    // A tenth of a percent; amounts of a year stay far below what a double counts exactly.
    const auto tenths =
        static_cast<std::int64_t>(static_cast<double>(part) * 1'000 / static_cast<double>(whole) + 0.5);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::int64_t booked_minor(const ledger::TransactionRecord& sale) {
    std::int64_t minor = 0;
    for (const ledger::Posting& p : sale.postings) {
        minor += p.debit == ledger::Account::issuer_receivable ? p.amount_minor : 0;
        minor -= p.credit == ledger::Account::issuer_receivable ? p.amount_minor : 0;
    }
    return minor;
}

}  // namespace acquirer::report
