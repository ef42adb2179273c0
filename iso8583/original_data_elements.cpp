#include "iso8583/original_data_elements.hpp"

#include <fmt/format.h>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

namespace {

constexpr std::size_t institution_digits = 11;
constexpr std::int64_t fee_minor_units_max = 99'999'999;  // x+n8
constexpr std::int64_t amount_minor_units_max = 999'999'999'999;

std::string padded(const InstitutionId& id) {
    return std::string(institution_digits - id.size(), '0') + id.str();
}

std::int64_t number_of(std::string_view digits) {
    std::int64_t v = 0;
    for (char c : digits) v = v * 10 + (c - '0');
    return v;
}

/// C and 8 digits, D and 8 digits, or 9 digits as hosts without a sign send them.
Result<std::int64_t> parse_fee(std::string_view nine) {
    const bool sign = nine[0] == 'C' || nine[0] == 'D';
    if (!all_digits(nine.substr(1)) || !(sign || nine[0] == '0'))
        return parse_error("DE95: a fee is C or D and 8 digits");
    const std::int64_t v = number_of(nine.substr(1));
    return nine[0] == 'D' ? -v : v;
}

}  // namespace

Result<OriginalDataElements> OriginalDataElements::parse(std::string_view content) {
    if (content.size() != digits || !all_digits(content)) return parse_error("DE90: 42 digits are needed");
    OriginalDataElements out;
    const auto mti = Mti::parse(content.substr(0, 4));
    const auto stan = Stan::parse(content.substr(4, 6));
    if (!mti || !stan) return parse_error("DE90: a message type and a trace number are needed");
    out.mti = *mti;
    out.stan = *stan;
    const std::string_view time = content.substr(10, 10);
    if (time.find_first_not_of('0') != std::string_view::npos) {
        const auto parsed = TransmissionTime::parse(time);
        if (!parsed) return parse_error("DE90: its date and time cannot be");
        out.transmission_time = *parsed;
    }
    out.acquirer = *InstitutionId::parse(content.substr(20, institution_digits));
    out.forwarder = *InstitutionId::parse(content.substr(31, institution_digits));
    return out;
}

std::string OriginalDataElements::str() const {
    return mti.str() + stan.str() + (transmission_time ? transmission_time->str() : std::string(10, '0')) +
           padded(acquirer) + padded(forwarder);
}

Result<ReplacementAmounts> ReplacementAmounts::parse(std::string_view content) {
    if (content.size() != characters || !all_digits(content.substr(0, 24)))
        return parse_error("DE95: 42 characters are needed, the first 24 of them digits");
    ReplacementAmounts out;
    out.transaction = number_of(content.substr(0, 12));
    out.settlement = number_of(content.substr(12, 12));
    const auto fee = parse_fee(content.substr(24, 9));
    if (!fee) return tl::unexpected(fee.error());
    const auto settlement_fee_part = parse_fee(content.substr(33, 9));
    if (!settlement_fee_part) return tl::unexpected(settlement_fee_part.error());
    out.transaction_fee = *fee;
    out.settlement_fee = *settlement_fee_part;
    return out;
}

std::string ReplacementAmounts::str() const {
    ENSURE(transaction >= 0 && transaction <= amount_minor_units_max);
    ENSURE(settlement >= 0 && settlement <= amount_minor_units_max);
    const auto fee = [](std::int64_t v) {
        ENSURE(v >= -fee_minor_units_max && v <= fee_minor_units_max);
        return fmt::format("{}{:08}", v < 0 ? 'D' : 'C', v < 0 ? -v : v);
    };
    return fmt::format("{:012}{:012}{}{}", transaction, settlement, fee(transaction_fee),
                       fee(settlement_fee));
}

}  // namespace iso8583
