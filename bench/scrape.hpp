// One number of a switch's /metrics.
#pragma once

#include <optional>
#include <string>

namespace bench {

inline constexpr std::size_t scrape_bytes_max = std::size_t{4} << 20;

/// `address` is HOST:PORT, IPv4; `name` a metric without labels. Nothing when it cannot be had.
std::optional<double> scrape(const std::string& address, const std::string& name);

}  // namespace bench
