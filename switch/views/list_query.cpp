#include "switch/views/list_query.hpp"
#include "iso8583/values/nearest_word.hpp"

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::parse_error;
using iso8583::Result;
using ledger::Family;

namespace {

using Day = std::optional<ledger::BusinessDayRecord>;

Result<Day> day_record(const ViewContext& context, BusinessDate day) {
    auto stored = context.store.get(Family::journal, ledger::business_day_key(day));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return Day();
    auto record = ledger::decode_business_day(**stored);
    if (!record) return parse_error("the ledger's business day cannot be read: " + record.error().what);
    return Day(std::move(*record));
}

/// The record of a day that has begun; nothing when the open day has none yet.
Result<Day> known_day(const ViewContext& context, std::string_view argument, BusinessDate day) {
    auto record = day_record(context, day);
    if (!record) return tl::unexpected(record.error());
    if (*record || day == context.status.business_date) return record;
    const auto first = first_day(context);
    if (!first) return tl::unexpected(first.error());
    return parse_error(std::string(argument) + ": " + day.date.iso() +
                       " is no business day of this ledger; they are " + first->date.iso() + " to " +
                       context.status.business_date.date.iso());
}

/// Configured, or something of it is in the ledger: a party that has left the configuration keeps its
/// history.
Result<bool> knows_merchant(const ViewContext& context, const iso8583::MerchantId& merchant) {
    if (context.configuration.merchants.contains(merchant)) return true;
    const std::string from =
        std::string(1, static_cast<char>(ledger::KeyPrefix::trace_slot)) + merchant.str();
    bool found = false;
    auto done = context.store.scan(Family::index, from, "", [&](std::string_view key, std::string_view) {
        found = key.starts_with(from);
        return false;
    });
    if (!done) return store_fault(done.error());
    return found;
}

Result<bool> knows_terminal(const ViewContext& context, const iso8583::TerminalId& terminal) {
    if (context.configuration.find_terminal(terminal) != nullptr) return true;
    auto stored = context.store.get(Family::index, ledger::terminal_key(terminal));
    if (!stored) return store_fault(stored.error());
    return stored->has_value();
}

Result<void> take_days(const ViewContext& context, const ListQuery& query, ListScope& scope) {
    if (query.from && query.to && *query.from > *query.to)
        return parse_error("from: is later than to: no day lies between them");
    if (query.from) {
        const auto day = known_day(context, "from", *query.from);
        if (!day) return tl::unexpected(day.error());
        if (*day) scope.begins = (*day)->at;
    }
    if (query.to) {
        if (const auto day = known_day(context, "to", *query.to); !day) return tl::unexpected(day.error());
        const auto next = day_record(context, query.to->next());
        if (!next) return tl::unexpected(next.error());
        if (*next) scope.ends = (*next)->at;
    }
    scope.from = query.from;
    scope.to = query.to;
    return {};
}

}  // namespace

Result<BusinessDate> first_day(const ViewContext& context) {
    BusinessDate first = context.status.business_date;
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::business_day);
    auto done = context.store.scan(Family::journal, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       const auto day = ledger::decode_business_day(value);
                                       if (day)
                                           first = day->day;
                                       else
                                           fault = day.error().what;
                                       return false;
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error("the ledger's business day cannot be read: " + *fault);
    return first;
}

Result<void> check_day(const ViewContext& context, std::string_view argument, BusinessDate day) {
    const auto known = known_day(context, argument, day);
    if (!known) return tl::unexpected(known.error());
    return {};
}

bool ListScope::fits_parties(const ledger::TransactionRecord& record) const {
    return (!route || record.route == *route) && (!merchant || record.merchant == *merchant) &&
           (!terminal || record.terminal == *terminal);
}

bool ListScope::fits_day(const ledger::TransactionRecord& record) const {
    return (!from || record.business_date >= *from) && (!to || record.business_date <= *to);
}

Result<ListScope> scope_of(const ViewContext& context, const ListQuery& query) {
    ListScope scope;
    if (auto days = take_days(context, query, scope); !days) return tl::unexpected(days.error());
    if (!query.route.empty()) {
        std::vector<std::string> names;
        for (const routing::Route& route : context.configuration.routes.routes()) {
            names.push_back(route.name);
            if (route.name == query.route) scope.route = route.id.value;
        }
        if (!scope.route)
            return parse_error("route: no route of that name is configured" +
                               iso8583::did_you_mean(names, query.route));
    }
    if (!query.instrument.empty()) {
        std::vector<std::string> names{std::string(payment_kind(ledger::Instrument::card).name)};
        for (const routing::WalletRange& range : context.configuration.routes.wallets().ranges())
            names.push_back(range.name);
        if (std::find(names.begin(), names.end(), query.instrument) == names.end())
            return parse_error("instrument: no instrument of that name is configured" +
                               iso8583::did_you_mean(names, query.instrument));
    }
    if (query.merchant) {
        const auto known = knows_merchant(context, *query.merchant);
        if (!known) return tl::unexpected(known.error());
        if (!*known) return parse_error("merchant: no merchant " + query.merchant->str() + " is configured");
        scope.merchant = query.merchant;
    }
    if (query.terminal) {
        const auto known = knows_terminal(context, *query.terminal);
        if (!known) return tl::unexpected(known.error());
        if (!*known) return parse_error("terminal: no terminal " + query.terminal->str() + " is configured");
        scope.terminal = query.terminal;
    }
    return scope;
}

}  // namespace acquirer
