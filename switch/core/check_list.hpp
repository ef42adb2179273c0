// check_list: every check that a request meets, in the order of precedence (docs/refund_rules.md,
// "Precedence"). A table without functions: TransactionChecks maps an id to its function, `explain` and
// `--describe rules` read it, and none of them has an order of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/refusal.hpp"

namespace acquirer {

/// In the order of precedence: the first one that says no is the answer.
enum class CheckId : std::uint8_t {
    format,
    terminal,
    merchant,
    sign_on,
    mac,
    reconciled,
    duplicate,
    suspension,
    open_batch,
    reversed_before,
    amount_form,
    currency,
    merchant_rights,
    original,
    void_terminal,
    void_trace,
    authorization,
    means,
    holding,
    sale_state,
    authorization_state,
    void_right,
    before_settlement,
    chain,
    window,
    completion_window,
    limits,
    completion_amount,
    void_amount,
    remaining,
    funds,
    fraud,
    approval,
    sale_route,
    original_route,
    room,
    pin
};

/// What a check that does not pass leads to.
enum class CheckOutcome : std::uint8_t { refuse, hold };
/// Who judges it: the admission of a message with what its session found, the duplicate guard, the flow of a
/// terminal's request, or that flow and the opening of a case by operations as well.
enum class CheckJudge : std::uint8_t { session, guard, flow, flow_and_case };
constexpr std::string_view name(CheckJudge judge) {
    switch (judge) {
        case CheckJudge::session:
            return "session";
        case CheckJudge::guard:
            return "guard";
        case CheckJudge::flow:
            return "flow";
        case CheckJudge::flow_and_case:
            return "flow, case";
    }
    ENSURE(false);
}

/// Sets of kinds and of profiles, as bits.
namespace check_of {
inline constexpr std::uint8_t sales = 1;
inline constexpr std::uint8_t voids = 2;
inline constexpr std::uint8_t refunds = 4;
inline constexpr std::uint8_t authorizations = 8;
inline constexpr std::uint8_t authorization_voids = 16;
inline constexpr std::uint8_t completions = 32;
inline constexpr std::uint8_t all =
    sales | voids | refunds | authorizations | authorization_voids | completions;
/// Which of them a record is.
constexpr std::uint8_t kind_of(ledger::TransactionKind kind, bool is_of_authorization) {
    switch (kind) {
        case ledger::TransactionKind::sale:
            return is_of_authorization ? completions : sales;
        case ledger::TransactionKind::void_sale:
            return is_of_authorization ? authorization_voids : voids;
        case ledger::TransactionKind::refund:
            return refunds;
        case ledger::TransactionKind::authorization:
            return authorizations;
    }
    ENSURE(false);
}
inline std::uint8_t kind_of(const ledger::TransactionRecord& record) {
    return kind_of(record.kind, record.of_authorization || record.is_completion());
}
}  // namespace check_of
enum class CheckProfiles : std::uint8_t { all, unionpay_pos };

struct Check {
    static constexpr std::size_t refusals_max = 3;

    CheckId id;
    std::string_view name;
    CheckOutcome outcome;
    CheckJudge judge;
    std::uint8_t kinds;  // check_of
    CheckProfiles profiles;
    std::array<Refusal, refusals_max> refusals;  // those it gives, in the order in which it looks; then none

    /// One kind of check_of.
    [[nodiscard]] constexpr bool judges(std::uint8_t kind, Profile profile) const {
        return (kinds & kind) != 0 && (profiles == CheckProfiles::all || profile == Profile::unionpay_pos);
    }
};

namespace check_table {
using enum CheckOutcome;
using enum CheckJudge;
using enum Refusal;
using enum CheckId;
using check_of::all;
using check_of::authorization_voids;
using check_of::authorizations;
using check_of::completions;
using check_of::refunds;
using check_of::sales;
using check_of::voids;
inline constexpr auto any = CheckProfiles::all;
inline constexpr auto unionpay = CheckProfiles::unionpay_pos;
inline constexpr std::uint8_t of_sale = voids | refunds;
inline constexpr std::uint8_t of_authorization = authorization_voids | completions;
inline constexpr std::uint8_t of_original = of_sale | of_authorization;

// clang-format off: a table
inline constexpr std::array rows = {
    Check{format, "format", refuse, session, all, any, {format_error}},
    Check{terminal, "terminal", refuse, session, all, any, {terminal_unknown}},
    Check{merchant, "merchant", refuse, session, all, any, {merchant_unknown}},
    Check{sign_on, "sign-on", refuse, session, all, unionpay, {sign_on_required}},
    Check{mac, "MAC", refuse, session, all, any, {mac_wrong}},
    // R65: before the duplicate check, because a stored answer may have stopped being true since the backup.
    Check{reconciled, "restored", refuse, session, all, any, {restored}},
    Check{duplicate, "duplicate", refuse, guard, all, any, {duplicate_of_reversed, duplicate_conflict}},
    // R25: a suspension stops only new work, so it stands behind the duplicate check.
    Check{
        suspension, "suspension", refuse, flow_and_case, all, any, {terminal_suspended, merchant_suspended}},
    Check{open_batch, "open batch", refuse, flow, all, unionpay, {batch_closed}},
    Check{reversed_before, "tombstone", refuse, flow, all, any, {tombstone}},
    Check{amount_form, "amount form", refuse, flow, all, any, {amount_invalid}},
    Check{currency, "currency", refuse, flow, all, any, {currency_not_allowed}},
    Check{merchant_rights, "merchant's rights", refuse, flow_and_case, refunds, any, {merchant_not_enabled}},
    Check{original, "original", refuse, flow, of_original, any, {original_not_found}},
    Check{void_terminal, "terminal of a void", refuse, flow, voids, any, {other_terminal}},
    Check{void_trace, "trace of a void", refuse, flow, voids, unionpay, {original_trace_differs}},
    Check{authorization,
          "authorization code",
          refuse,
          flow,
          of_original,
          any,
          {original_authorization_differs}},
    Check{means, "means of payment", refuse, flow, all, any, {code_of_no_wallet, other_card}},
    Check{holding, "means of an authorization", refuse, flow, authorizations, any, {means_holds_nothing}},
    Check{sale_state,
          "state of the sale",
          refuse,
          flow_and_case,
          of_sale,
          any,
          {original_not_refundable, original_busy}},
    Check{authorization_state,
          "state of the authorization",
          refuse,
          flow,
          of_authorization,
          any,
          {original_busy, authorization_spent}},
    Check{void_right,
          "right to void",
          refuse,
          flow,
          voids,
          any,
          {void_after_settlement, void_after_refund, original_not_refundable}},
    Check{before_settlement, "before settlement", refuse, flow, refunds, any, {refund_before_settlement}},
    Check{chain, "chain of the sale", refuse, flow_and_case, of_original, any, {original_busy}},
    Check{window, "window", refuse, flow_and_case, refunds, any, {window_passed}},
    Check{completion_window, "window of a completion", refuse, flow, completions, any, {completion_late}},
    Check{limits, "limits", refuse, flow_and_case, refunds, any, {amount_limit, count_limit, too_many_parts}},
    Check{
        completion_amount, "amount of a completion", refuse, flow, completions, any, {completion_over_bound}},
    Check{void_amount,
          "amount of a void",
          refuse,
          flow,
          voids | authorization_voids,
          any,
          {void_amount_differs}},
    Check{remaining, "remaining", refuse, flow_and_case, refunds, any, {amount_against_original}},
    Check{funds, "funds", refuse, flow_and_case, refunds, any, {funds_short}},
    Check{fraud, "caution", refuse, flow_and_case, refunds, any, {fraud_suspected}},
    Check{approval, "approval", hold, flow, refunds, any, {approval_required}},
    Check{sale_route, "route", refuse, flow, sales | authorizations, any, {no_route, route_down}},
    Check{
        original_route, "route of the sale", refuse, flow_and_case, of_original, any, {no_route, route_down}},
    Check{room, "system", refuse, flow, all, any, {case_full, too_many_in_flight, system_error}},
    // Only a request with a PIN meets it, after all others, when the HSM has answered.
    Check{pin,
          "PIN",
          refuse,
          flow,
          static_cast<std::uint8_t>(all & ~refunds),
          any,
          {hsm_unavailable, pin_block_wrong}},
};
// clang-format on

constexpr bool stand_in_the_order_of_their_ids() {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].id) != i) return false;
    return static_cast<std::size_t>(pin) + 1 == rows.size();
}
static_assert(stand_in_the_order_of_their_ids(), "a row for every CheckId, in its order");
}  // namespace check_table

inline constexpr const auto& check_list = check_table::rows;

}  // namespace acquirer
