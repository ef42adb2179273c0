// Totals of a desk's day, grouped in every way, and that they agree with each other and with the accounts.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "switch/views/operator_views.hpp"
#include "tests/core/desk.hpp"

namespace totals_of_desk {

using acquirer::TotalsBy;
using acquirer::View;

inline constexpr iso8583::BusinessDate first_day{{2026, 11, 21}};

inline View totals(desk::Desk& d, TotalsBy by, iso8583::BusinessDate day) {
    const auto snapshot = d.store().snapshot();
    const auto status = d.status();
    const auto view = acquirer::view_totals({*snapshot, status, *d.configuration, d.now()}, by, day);
    REQUIRE(view.has_value());
    return *view;
}

inline std::int64_t minor(const View& row, const std::string& column) {
    std::string digits = *row.find(column)->text();
    std::erase(digits, '.');
    return std::stoll(digits);
}

struct Sum {
    std::int64_t count = 0, minor = 0;
    friend bool operator==(const Sum&, const Sum&) = default;
};
using Kinds = std::map<std::string, Sum>;

/// Over all groups. No record was left unread.
inline Kinds kinds_of(const View& view, TotalsBy by) {
    CHECK(view.find("unexplained") == nullptr);
    Kinds kinds;
    const bool alone = by == TotalsBy::instrument || by == TotalsBy::reason;
    for (const View& row : *view.find(alone ? "totals" : "movements")->items()) {
        Sum& sum = kinds[*row.find("kind")->text()];
        sum.count += *row.find("count")->number();
        sum.minor += minor(row, "amount");
    }
    return kinds;
}

inline std::int64_t owed(Kinds kinds) {
    return kinds["sale"].minor - kinds["void"].minor - kinds["reversal"].minor - kinds["refund"].minor -
           kinds["chargeback"].minor + kinds["void_taken_back"].minor + kinds["reversal_taken_back"].minor +
           kinds["refund_taken_back"].minor + kinds["refund_by_merchant"].minor +
           kinds["chargeback_taken_back"].minor;
}

/// They agree among each other and with the accounts.
inline Kinds agreed(desk::Desk& d, iso8583::BusinessDate day) {
    const Kinds kinds = kinds_of(totals(d, TotalsBy::merchant, day), TotalsBy::merchant);
    for (const TotalsBy by : {TotalsBy::route, TotalsBy::terminal, TotalsBy::instrument, TotalsBy::reason})
        CHECK(kinds_of(totals(d, by, day), by) == kinds);
    std::int64_t payable = 0;
    const View merchants = totals(d, TotalsBy::merchant, day);
    for (const View& row : *merchants.find("totals")->items()) payable += minor(row, "payable");
    CHECK(payable == owed(kinds));
    std::int64_t issuers = 0;
    const View routes = totals(d, TotalsBy::route, day);
    for (const View& row : *routes.find("totals")->items())
        issuers += minor(row, "issuer_owes") - minor(row, "refunds_in_transit") -
                   minor(row, "refunds_in_suspense") - minor(row, "paid_outside") -
                   minor(row, "charged_back");
    CHECK(issuers == payable);
    return kinds;
}

}  // namespace totals_of_desk
