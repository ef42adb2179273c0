// The arguments of a request as values. Their form was checked when the request was parsed: what is there has
// it.
#pragma once

#include <algorithm>
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

inline std::size_t limit_of(const Request& request) {
    const std::string text = argument(request, "limit");
    std::size_t limit = list_limit_default;
    if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), limit);
    return std::min(limit, list_limit_max);
}

template <typename T>
std::optional<T> parsed(const Request& request, std::string_view name) {
    const std::string text = argument(request, name);
    if (text.empty()) return std::nullopt;
    auto value = T::parse(text);
    return value ? std::optional<T>(*value) : std::nullopt;
}

}  // namespace acquirer::admin
