// Fields that are several fields: original data elements (DE90) and replacement amounts (DE95).
// Source: ISO 8583:1987 clause 4.3.90 and 4.3.95.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/mti.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"

namespace iso8583 {

/// DE90, n42: which message a reversal or refund is about.
struct OriginalDataElements {
    Mti mti;
    Stan stan;
    std::optional<TransmissionTime> transmission_time;  // absent: ten zeros
    InstitutionId acquirer;                             // zero where the terminal does not know it
    InstitutionId forwarder;

    static constexpr std::size_t digits = 42;
    static Result<OriginalDataElements> parse(std::string_view content);
    [[nodiscard]] std::string str() const;
    friend bool operator==(const OriginalDataElements&, const OriginalDataElements&) = default;
};

/// DE95, an42: what a partial reversal leaves of the original's amounts. Minor units; fees carry their sign.
struct ReplacementAmounts {
    std::int64_t transaction = 0;
    std::int64_t settlement = 0;
    std::int64_t transaction_fee = 0;  // negative: a debit (D)
    std::int64_t settlement_fee = 0;

    static constexpr std::size_t characters = 42;
    static Result<ReplacementAmounts> parse(std::string_view content);
    [[nodiscard]] std::string str() const;
    friend bool operator==(const ReplacementAmounts&, const ReplacementAmounts&) = default;
};

}  // namespace iso8583
