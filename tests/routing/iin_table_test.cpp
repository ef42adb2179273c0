#include "routing/iin_table.hpp"

#include <catch2/catch.hpp>

using iso8583::Pan;
using routing::IinRange;
using routing::IinTable;
using routing::RouteId;

namespace {

IinRange range(const char* first, const char* last, std::uint16_t route) {
    return {first, last, {RouteId{route}}};
}

std::uint16_t route_of(const IinTable& table, const char* digits) {
    const IinRange* found = table.find(*Pan::parse(digits));
    return found == nullptr ? std::uint16_t{0} : found->routes.front().value;
}

/// The rule of the header, one range after the other, for comparison.
std::uint16_t naive_route_of(const std::vector<IinRange>& ranges, const std::string& digits) {
    const IinRange* best = nullptr;
    for (const IinRange& r : ranges) {
        const std::string prefix = digits.substr(0, r.first.size());
        if (prefix.size() < r.first.size() || prefix < r.first || prefix > r.last) continue;
        const auto width = [](const IinRange& x) { return std::stoull(x.last) - std::stoull(x.first); };
        if (best == nullptr || r.first.size() > best->first.size() ||
            (r.first.size() == best->first.size() && width(r) < width(*best)))
            best = &r;
    }
    return best == nullptr ? std::uint16_t{0} : best->routes.front().value;
}

}  // namespace

TEST_CASE("IIN ranges: borders belong to the range, neighbours do not") {
    const auto table = *IinTable::build({range("621234", "621299", 1), range("400000", "499999", 2)});
    struct Row {
        const char* pan;
        std::uint16_t route;
    };
    for (const Row& row : {Row{"6212340000000000001", 1},
                           {"6212999999999999999", 1},
                           {"6212330000000000", 0},
                           {"6213000000000000", 0},
                           {"4000000000000002", 2},
                           {"4999999999999999", 2},
                           {"3999999999999999", 0},
                           {"5000000000000009", 0},
                           {"4111111111111111", 2}}) {
        CAPTURE(row.route);
        CHECK(route_of(table, row.pan) == row.route);
    }
}

TEST_CASE("IIN ranges: the longest prefix wins, then the narrower range inside") {
    const auto table = *IinTable::build(
        {range("400000", "499999", 1), range("411111", "411111", 2), range("41111111", "41111119", 3),
         range("41111115555", "41111116666", 4), range("49999900", "50000099", 5)});
    CHECK(route_of(table, "4222222222222") == 1);
    CHECK(route_of(table, "4111112222222222") == 2);
    CHECK(route_of(table, "4111111111111111") == 3);
    CHECK(route_of(table, "4111111600000000") == 4);  // between …5555 and …6666, also across a shorter border
    CHECK(route_of(table, "4111111666700000") == 3);
    // A longer prefix wins although its range leaves the shorter one.
    CHECK(route_of(table, "4999990012345678") == 5);
    CHECK(route_of(table, "5000009912345678") == 5);
    CHECK(route_of(table, "5000010012345678") == 0);
}

TEST_CASE("IIN ranges: a card shorter than the longest prefix") {
    const auto table =
        *IinTable::build({range("400000", "400009", 1), range("40000000000", "40000000009", 2)});
    CHECK(route_of(table, "40000000") == 1);  // 8 digits: the 11-digit range says nothing of it
    CHECK(route_of(table, "40001000") == 0);
    CHECK(route_of(table, "40000000005") == 2);  // 11 digits
}

TEST_CASE("IIN ranges: what is wrong is named") {
    struct Row {
        std::vector<IinRange> ranges;
        std::string what;
    };
    const std::vector<Row> rows = {
        {{range("400000", "450000", 1), range("440000", "460000", 2)},
         "IIN ranges 400000-450000 and 440000-460000 overlap and neither is the more specific one"},
        {{range("400000", "450000", 1), range("400000", "450000", 1)},
         "IIN ranges 400000-450000 and 400000-450000 overlap and neither is the more specific one"},
        {{range("40000", "45000", 1)}, "IIN range 40000-45000: prefixes of 6 to 11 digits are needed"},
        {{range("400000000000", "400000000001", 1)},
         "IIN range 400000000000-400000000001: prefixes of 6 to 11 digits are needed"},
        {{range("40000A", "450000", 1)}, "IIN range 40000A-450000: prefixes of 6 to 11 digits are needed"},
        {{range("400000", "4500000", 1)},
         "IIN range 400000-4500000: both prefixes need the same number of digits"},
        {{range("450000", "400000", 1)},
         "IIN range 450000-400000: the first prefix is greater than the last"},
        {{IinRange{"400000", "450000", {}}}, "IIN range 400000-450000: no route is named"},
    };
    for (const Row& row : rows) {
        const auto table = IinTable::build(row.ranges);
        REQUIRE_FALSE(table.has_value());
        CHECK(table.error().what == row.what);
    }
}

TEST_CASE("IIN ranges: the table agrees with the rule applied range by range") {
    std::vector<IinRange> ranges = {range("400000", "499999", 1),     range("410000", "419999", 2),
                                    range("415000", "415999", 3),     range("4150000", "4150999", 4),
                                    range("41500500", "41501500", 5), range("620000", "629999", 6),
                                    range("6212345", "6212345", 7),   range("62123450000", "62123450099", 8)};
    const auto table = *IinTable::build(ranges);
    for (const IinRange& r : ranges)
        for (const std::string& edge : {r.first, r.last})
            for (long long step = -1; step <= 1; ++step) {
                // The edge and its neighbours, filled with zeros and with nines to 16 digits.
                const std::string prefix = std::to_string(std::stoll(edge) + step);
                for (char filler : {'0', '9'}) {
                    const std::string digits = prefix + std::string(16 - prefix.size(), filler);
                    CAPTURE(prefix, filler);
                    CHECK(route_of(table, digits.c_str()) == naive_route_of(ranges, digits));
                }
            }
}
