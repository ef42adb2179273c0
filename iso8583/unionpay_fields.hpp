// What stands in the private fields of profile unionpay-pos: DE60 (type, batch, network code), DE61 (original
// message), DE48 of a settlement (totals). Contents are the canonical digits of the field.
// Source: docs/wire.md, from public descriptions of the UnionPay POS application.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/fixed_text.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"

namespace iso8583::unionpay {

/// DE60: 60.1 and 60.2 always, the rest as far as the terminal sends it (8, 11, 12, 13, 14, 17 or up to 19
/// digits).
struct ReservedPrivate60 {
    FixedText<2> message_type;      // 60.1: 22 sale, 23 void, 25 refund …
    BatchNumber batch;              // 60.2
    FixedText<3> network_code;      // 60.3: 001, 003, 004 sign-on, 201 settlement …; empty when absent
    FixedText<1> reader;            // 60.4
    FixedText<1> icc_condition;     // 60.5
    FixedText<1> partial_approval;  // 60.6
    FixedText<3> account_type;      // 60.7
    FixedText<2> rest;              // digits some terminals add; kept as they came

    static Result<ReservedPrivate60> parse(std::string_view digits);
    [[nodiscard]] std::string str() const;
    friend bool operator==(const ReservedPrivate60&, const ReservedPrivate60&) = default;
};

/// DE61: which message a void, refund or reversal is about. As far as it goes: batch 6, trace 6, date 4, mode
/// 2, institution up to 11. Ten and eleven digits (some terminals' reversal of a void) have a batch and no
/// whole trace.
struct OriginalMessage61 {
    BatchNumber batch;                        // 61.1; 000000 in a refund
    std::optional<Stan> trace;                // 61.2
    FixedText<4> date_mmdd;                   // 61.3; empty when absent
    FixedText<2> authorization_mode;          // 61.4
    InstitutionId authorization_institution;  // 61.5
    FixedText<5> rest;                        // digits of a part that was not sent whole

    static Result<OriginalMessage61> parse(std::string_view digits);
    [[nodiscard]] std::string str() const;
    friend bool operator==(const OriginalMessage61&, const OriginalMessage61&) = default;
};

/// DE48 of 0500 and 0510, 62 digits: what terminal and switch think was done in the batch.
struct SettlementTotals {
    struct Side {
        std::int64_t debit_minor_units = 0;
        int debit_count = 0;
        std::int64_t credit_minor_units = 0;
        int credit_count = 0;
        int code = 0;  // reply: 1 balanced, 2 not balanced, 3 error; 0 in a request
        friend bool operator==(const Side&, const Side&) = default;
    };
    Side domestic;
    Side foreign;

    static constexpr std::size_t digits = 62;
    static Result<SettlementTotals> parse(std::string_view content);
    [[nodiscard]] std::string str() const;  // ENSUREs the bounds of amounts (n12) and counts (n3)
    friend bool operator==(const SettlementTotals&, const SettlementTotals&) = default;
};

}  // namespace iso8583::unionpay
