#include "routing/wallet_table.hpp"

#include <algorithm>
#include <optional>

#include "iso8583/values/bytes.hpp"

namespace routing {
namespace {

std::string label(const WalletRange& range) {
    return "wallet " + range.name + ", codes " + range.first + "-" + range.last;
}

std::optional<std::string> wrong_in(const WalletRange& range) {
    const std::string where = label(range) + ": ";
    if (range.name.empty() || range.name.size() > WalletTable::name_characters_max)
        return where + "a name of 1 to " + std::to_string(WalletTable::name_characters_max) +
               " characters is needed";
    for (const std::string& prefix : {range.first, range.last})
        if (prefix.empty() || prefix.size() > WalletTable::prefix_digits_max || !iso8583::all_digits(prefix))
            return where + "first digits are 1 to " + std::to_string(WalletTable::prefix_digits_max);
    if (range.first.size() != range.last.size()) return where + "both ends need the same number of digits";
    if (range.last < range.first) return where + "the first end is greater than the last";
    if (range.digits_min < WalletTable::code_digits_min || range.digits_max > WalletTable::code_digits_max ||
        range.digits_max < range.digits_min)
        return where + "a code has " + std::to_string(WalletTable::code_digits_min) + " to " +
               std::to_string(WalletTable::code_digits_max) + " digits";
    if (range.routes.empty()) return where + "no route is named";
    if (range.routes.size() > IinTable::routes_per_range_max)
        return where + "at most " + std::to_string(IinTable::routes_per_range_max) + " routes are allowed";
    return std::nullopt;
}

bool covers(const WalletRange& range, std::string_view code) {
    const std::string_view prefix = code.substr(0, range.first.size());
    return code.size() >= range.digits_min && code.size() <= range.digits_max && prefix >= range.first &&
           prefix <= range.last;
}

/// Is there a code that is in both?
bool meet(const WalletRange& a, const WalletRange& b) {
    if (a.digits_max < b.digits_min || b.digits_max < a.digits_min) return false;
    const std::size_t digits = std::min(a.first.size(), b.first.size());
    return a.first.substr(0, digits) <= b.last.substr(0, digits) &&
           b.first.substr(0, digits) <= a.last.substr(0, digits);
}

}  // namespace

iso8583::Result<WalletTable> WalletTable::build(std::vector<WalletRange> ranges) {
    if (ranges.size() > ranges_max)
        return iso8583::parse_error("wallets: at most " + std::to_string(ranges_max) + " ranges are allowed");
    for (const WalletRange& range : ranges)
        if (auto wrong = wrong_in(range)) return iso8583::parse_error(std::move(*wrong));
    for (std::size_t a = 0; a < ranges.size(); ++a)
        for (std::size_t b = a + 1; b < ranges.size(); ++b)
            if (meet(ranges[a], ranges[b]))
                return iso8583::parse_error(label(ranges[a]) + " and " + label(ranges[b]) +
                                            ": a code could be in both");
    WalletTable table;
    table.ranges_ = std::move(ranges);
    return table;
}

const WalletRange* WalletTable::find(std::string_view code) const {
    const auto at =
        std::find_if(ranges_.begin(), ranges_.end(), [&](const WalletRange& r) { return covers(r, code); });
    return at == ranges_.end() ? nullptr : &*at;
}

}  // namespace routing
