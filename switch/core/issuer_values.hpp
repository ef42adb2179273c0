// The forms of dates and amounts in issuers' files, and JSON objects of texts and whole numbers (issuer-sim's
// journal). Pure; errors are sentences without content. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/time_zone.hpp"
#include "switch/core/issuer_file_format.hpp"

namespace acquirer {

/// An instant, or a date alone.
struct IssuerTime {
    std::optional<iso8583::UtcTime> time;
    std::optional<iso8583::Date> date;
    friend bool operator==(const IssuerTime&, const IssuerTime&) = default;
};
/// A local time that comes twice in autumn is the first; one that is left out in spring is the first after
/// the gap.
iso8583::Result<IssuerTime> parse_issuer_time(std::string_view text, IssuerDates form,
                                              const iso8583::TimeZone& zone);
iso8583::Result<iso8583::Amount> parse_issuer_amount(std::string_view text, IssuerAmounts form,
                                                     iso8583::Currency currency);

/// Members in their order, each with its text; a number is its digits. Objects and lists inside, true, false,
/// null, fractions and two members of one name are errors.
iso8583::Result<std::vector<std::pair<std::string, std::string>>> parse_flat_json(std::string_view text);
inline constexpr std::size_t flat_json_members_max = 64;

}  // namespace acquirer
