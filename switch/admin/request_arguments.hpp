// The arguments of a request as values. Their form was checked when the request was parsed: what is there has
// it.
#pragma once

#include <charconv>
#include <optional>
#include <string>

#include "switch/admin/control_protocol.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer::admin {

/// Empty when it was not given.
inline std::string argument(const Request& request, std::string_view name) {
    const auto at = request.arguments.find(name);
    return at == request.arguments.end() ? std::string() : at->second;
}

inline bool flag(const Request& request, std::string_view name) { return argument(request, name) == "true"; }

template <typename T>
std::optional<T> parsed(const Request& request, std::string_view name) {
    const std::string text = argument(request, name);
    if (text.empty()) return std::nullopt;
    auto value = T::parse(text);
    return value ? std::optional<T>(*value) : std::nullopt;
}

inline std::optional<iso8583::BusinessDate> business_day(const Request& request, std::string_view name) {
    const auto date = iso8583::Date::parse_iso(argument(request, name));
    return date ? std::optional(iso8583::BusinessDate{*date}) : std::nullopt;
}

/// What every list may be asked for (CommandInfo::list). `day` is both ends.
inline ListQuery list_query(const Request& request) {
    ListQuery query;
    const std::string limit = argument(request, "limit");
    std::from_chars(limit.data(), limit.data() + limit.size(), query.limit);
    query.after = argument(request, "after");
    query.from = business_day(request, "from");
    query.to = business_day(request, "to");
    if (const auto day = business_day(request, "day")) query.from = query.to = day;
    query.merchant = parsed<iso8583::MerchantId>(request, "merchant");
    query.terminal = parsed<iso8583::TerminalId>(request, "terminal");
    query.route = argument(request, "route");
    query.state = argument(request, "state");
    query.kind = argument(request, "kind");
    query.instrument = argument(request, "instrument");
    return query;
}

}  // namespace acquirer::admin
