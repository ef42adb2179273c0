// Refusal: every reason of ours for not saying 00, in the order of precedence (docs/refund_rules.md, "Keys
// and precedence"). One table maps it to DE39 per profile, a short text for DE44 and the rule's number.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "iso8583/values/identifiers.hpp"
#include "switch/core/configuration.hpp"

namespace acquirer {

// Stored in transaction records: append only at the end of a group's free numbers, do not change values.
enum class Refusal : std::uint8_t {
    none = 0,
    format_error = 1,
    terminal_unknown = 5,
    merchant_unknown = 8,
    sign_on_required = 12,
    sign_on_limited = 13,  // too many sign-ons of this terminal or address: 96
    mac_wrong = 15,
    restored = 18,               // R65: 96, or no answer to a reversal; never recorded
    duplicate_of_reversed = 21,  // R20a: 12
    duplicate_conflict = 22,     // R21: 94
    terminal_suspended = 23,     // R25: 97, never recorded
    merchant_suspended = 24,     // R25: 03, never recorded
    batch_closed = 25,
    tombstone = 28,       // R36
    amount_invalid = 30,  // R19
    currency_not_allowed = 32,
    merchant_not_enabled = 35,            // R24: 58
    function_not_supported = 36,          // 40
    original_not_found = 40,              // 25
    other_terminal = 43,                  // R7: 58
    original_trace_differs = 44,          // 25
    original_authorization_differs = 45,  // 25
    code_of_no_wallet = 47,               // R80: 14
    other_card = 48,                      // R15: 14
    means_holds_nothing = 49,             // R90: 40
    original_not_refundable = 50,         // R14: 12
    original_busy = 51,                   // R14: 09
    void_after_settlement = 52,           // R5: 12
    void_after_refund = 53,               // R6: 12
    refund_before_settlement = 54,        // R9: 12, suggest void
    reversal_not_allowed = 55,            // R38, R32, R33: 12
    authorization_spent = 56,             // R92: 12
    window_passed = 60,                   // R16: 57
    completion_late = 61,                 // R92: 57
    amount_limit = 65,                    // R24: 61
    count_limit = 66,                     // R24: 65
    too_many_parts = 67,                  // R80: 65
    completion_over_bound = 68,           // R92: 64
    void_amount_differs = 69,             // R4: 64
    amount_against_original = 70,         // R11: 64
    reversal_amount_differs = 71,         // R37: 64
    partial_amount_wrong = 72,            // R39: 64
    partial_below_refunds = 73,           // R39: 64
    funds_short = 74,                     // R27: 51
    fraud_suspected = 75,                 // R28: 59
    approval_required = 80,               // R17, R20b: 01
    no_route = 85,                        // 15
    route_down = 86,                      // 91
    case_full = 87,                       // R20b: 65
    too_many_in_flight = 90,              // 96
    system_error = 91,                    // 96
    hsm_unavailable = 92,                 // 96
    pin_block_wrong = 93,                 // 99
    partial_not_taken = 94,               // R26a: 51
    issuer_silent = 95,                   // R50: 98/68
    issuer_answer_invalid = 96,           // R61: 96
    totals_differ = 97,                   // 95
    cut_over = 98                         // 90
};

struct RefusalInfo {
    Refusal refusal = Refusal::none;
    std::string_view name;           // stable, for JSON and metrics
    std::string_view rule;           // "R11"
    std::string_view unionpay_code;  // DE39
    std::string_view iso_code;
    std::string_view text;         // DE44, at most 25 characters
    std::string_view explanation;  // a sentence for an operator
};

/// Never fails: every enumerator has a row (checked by the compiler and a test).
const RefusalInfo& info(Refusal refusal);
/// Every row, in the order of precedence (for --describe rules).
std::span<const RefusalInfo> all_refusals();
iso8583::ResponseCode response_code(Refusal refusal, Profile profile);
/// A refusal that must leave no record under its key, so that neither a forger nor a passing fault occupies
/// it.
bool is_unrecorded(Refusal refusal);

}  // namespace acquirer
