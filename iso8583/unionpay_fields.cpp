#include "iso8583/unionpay_fields.hpp"

#include <fmt/format.h>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583::unionpay {

namespace {

/// Takes up to n digits off the front.
std::string_view take(std::string_view& digits, std::size_t n) {
    const std::string_view part = digits.substr(0, n);
    digits.remove_prefix(part.size());
    return part;
}

/// The next part when all of its digits are there; otherwise nothing is taken.
std::string_view take_whole(std::string_view& digits, std::size_t n) {
    return digits.size() < n ? std::string_view() : take(digits, n);
}

std::int64_t number_of(std::string_view digits) {
    std::int64_t v = 0;
    for (char c : digits) v = v * 10 + (c - '0');
    return v;
}

}  // namespace

Result<ReservedPrivate60> ReservedPrivate60::parse(std::string_view digits) {
    if (digits.size() < 8 || digits.size() > 19 || !all_digits(digits))
        return parse_error("DE60: 8 to 19 digits are needed");
    ReservedPrivate60 out;
    out.message_type = FixedText<2>(take(digits, 2));
    out.batch = *BatchNumber::parse(take(digits, 6));
    if (digits.size() == 1 || digits.size() == 2) return parse_error("DE60.3: 3 digits are needed");
    out.network_code = FixedText<3>(take(digits, 3));
    out.reader = FixedText<1>(take(digits, 1));
    out.icc_condition = FixedText<1>(take(digits, 1));
    out.partial_approval = FixedText<1>(take(digits, 1));
    if (digits.size() == 1 || digits.size() == 2) return parse_error("DE60.7: 3 digits are needed");
    out.account_type = FixedText<3>(take(digits, 3));
    out.rest = FixedText<2>(digits);
    return out;
}

std::string ReservedPrivate60::str() const {
    return message_type.str() + batch.str() + network_code.str() + reader.str() + icc_condition.str() +
           partial_approval.str() + account_type.str() + rest.str();
}

Result<OriginalMessage61> OriginalMessage61::parse(std::string_view digits) {
    if (digits.size() < 10 || digits.size() > 29 || !all_digits(digits))
        return parse_error("DE61: 10 to 29 digits are needed");
    OriginalMessage61 out;
    out.batch = *BatchNumber::parse(take(digits, 6));
    if (digits.size() >= 6) {
        out.trace = *Stan::parse(take(digits, 6));
        out.date_mmdd = FixedText<4>(take_whole(digits, 4));
        if (!out.date_mmdd.empty()) {
            out.authorization_mode = FixedText<2>(take_whole(digits, 2));
            if (!out.authorization_mode.empty() && !digits.empty())
                out.authorization_institution = *InstitutionId::parse(take(digits, 11));
        }
    }
    out.rest = FixedText<5>(digits);
    return out;
}

std::string OriginalMessage61::str() const {
    return batch.str() + (trace ? trace->str() : std::string()) + date_mmdd.str() + authorization_mode.str() +
           authorization_institution.str() + rest.str();
}

Result<SettlementTotals> SettlementTotals::parse(std::string_view content) {
    if (content.size() != digits || !all_digits(content)) return parse_error("DE48: 62 digits are needed");
    SettlementTotals out;
    for (Side* side : {&out.domestic, &out.foreign}) {
        side->debit_minor_units = number_of(take(content, 12));
        side->debit_count = static_cast<int>(number_of(take(content, 3)));
        side->credit_minor_units = number_of(take(content, 12));
        side->credit_count = static_cast<int>(number_of(take(content, 3)));
        side->code = static_cast<int>(number_of(take(content, 1)));
    }
    return out;
}

std::string SettlementTotals::str() const {
    constexpr std::int64_t amount_max = 999'999'999'999;
    constexpr int count_max = 999;
    std::string out;
    for (const Side* side : {&domestic, &foreign}) {
        ENSURE(side->debit_minor_units >= 0 && side->debit_minor_units <= amount_max);
        ENSURE(side->credit_minor_units >= 0 && side->credit_minor_units <= amount_max);
        ENSURE(side->debit_count >= 0 && side->debit_count <= count_max);
        ENSURE(side->credit_count >= 0 && side->credit_count <= count_max);
        ENSURE(side->code >= 0 && side->code <= 9);
        out += fmt::format("{:012}{:03}{:012}{:03}{}", side->debit_minor_units, side->debit_count,
                           side->credit_minor_units, side->credit_count, side->code);
    }
    return out;
}

}  // namespace iso8583::unionpay
