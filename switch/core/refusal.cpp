#include "switch/core/refusal.hpp"

#include <array>

#include "iso8583/values/ensure.hpp"

namespace acquirer {
namespace {

using enum Refusal;

constexpr std::array table = {
    RefusalInfo{none, "none", "R1", "00", "00", "", "accepted"},
    RefusalInfo{format_error, "format_error", "R19", "30", "30", "FORMAT ERROR",
                "the message could not be read as its profile demands"},
    RefusalInfo{terminal_unknown, "terminal_unknown", "R25", "97", "97", "TERMINAL UNKNOWN",
                "the terminal is not known here, or it names another merchant than its own"},
    RefusalInfo{merchant_unknown, "merchant_unknown", "R25", "03", "03", "MERCHANT UNKNOWN",
                "the merchant is not known here"},
    RefusalInfo{sign_on_required, "sign_on_required", "R25", "77", "77", "SIGN ON AGAIN",
                "the terminal has no working keys yet"},
    RefusalInfo{sign_on_limited, "sign_on_limited", "R25", "96", "96", "TRY AGAIN LATER",
                "more sign-ons of this terminal or from this address than are allowed"},
    RefusalInfo{mac_wrong, "mac_wrong", "R40", "A0", "63", "MAC ERROR",
                "the MAC is missing or does not verify under any valid key of the terminal"},
    RefusalInfo{
        restored, "restored", "R65", "96", "96", "RESTORED, TRY LATER",
        "the ledger was restored from a backup, and two people have not yet said that what happened since is "
        "reconciled"},
    RefusalInfo{duplicate_of_reversed, "duplicate_of_reversed", "R20a", "12", "12", "ORIGINAL WAS REVERSED",
                "a retry of a transaction that was reversed since"},
    RefusalInfo{duplicate_conflict, "duplicate_conflict", "R21", "94", "94", "DUPLICATE CONFLICT",
                "the same key was used before with other content"},
    RefusalInfo{terminal_suspended, "terminal_suspended", "R25", "97", "97", "TERMINAL SUSPENDED",
                "operations suspended the terminal"},
    RefusalInfo{merchant_suspended, "merchant_suspended", "R25", "03", "03", "MERCHANT SUSPENDED",
                "operations suspended the merchant"},
    RefusalInfo{batch_closed, "batch_closed", "R25", "77", "77", "BATCH NOT OPEN",
                "the terminal names another batch than its open one"},
    RefusalInfo{tombstone, "tombstone", "R36", "12", "12", "REVERSED BEFORE",
                "its reversal arrived before it"},
    RefusalInfo{amount_invalid, "amount_invalid", "R19", "13", "13", "INVALID AMOUNT",
                "the amount is zero or no number"},
    RefusalInfo{currency_not_allowed, "currency_not_allowed", "R15", "13", "13", "INVALID CURRENCY",
                "the currency is not that of the sale or of this switch"},
    RefusalInfo{merchant_not_enabled, "merchant_not_enabled", "R24", "58", "58", "REFUND NOT ENABLED",
                "the merchant may not refund"},
    RefusalInfo{function_not_supported, "function_not_supported", "R24", "40", "40", "FUNCTION OFF",
                "the transaction is not offered"},
    RefusalInfo{original_not_found, "original_not_found", "R23", "25", "25", "ORIGINAL NOT FOUND",
                "no sale of this merchant has that reference, or there are two"},
    RefusalInfo{other_terminal, "other_terminal", "R7", "58", "58", "NOT ITS TERMINAL",
                "a void must come from the terminal that made the sale"},
    RefusalInfo{original_trace_differs, "original_trace_differs", "R23", "25", "25", "ORIGINAL NOT FOUND",
                "the original's batch or trace is not the one given"},
    RefusalInfo{original_authorization_differs, "original_authorization_differs", "R23", "25", "25",
                "ORIGINAL NOT FOUND", "the authorization code is not the sale's"},
    RefusalInfo{code_of_no_wallet, "code_of_no_wallet", "R80", "14", "14", "CODE OF NO WALLET",
                "the payment code is of no wallet that is configured"},
    RefusalInfo{other_card, "other_card", "R15", "14", "14", "NOT THE SALE'S CARD",
                "money goes back only to the card or wallet of the sale"},
    RefusalInfo{means_holds_nothing, "means_holds_nothing", "R90", "40", "40", "NO PRE-AUTHORIZATION",
                "a wallet's payment code pays at once: nothing can be held with it"},
    RefusalInfo{original_not_refundable, "original_not_refundable", "R14", "12", "12", "ORIGINAL NOT ALLOWED",
                "the sale is voided, reversed, declined, stuck or on hold"},
    RefusalInfo{original_busy, "original_busy", "R14", "09", "09", "ORIGINAL IN PROGRESS",
                "the sale is in doubt or something on it is under way"},
    RefusalInfo{void_after_settlement, "void_after_settlement", "R5", "12", "12", "REFUND INSTEAD",
                "the sale's batch is settled or its business day closed"},
    RefusalInfo{void_after_refund, "void_after_refund", "R6", "12", "12", "SALE HAS A REFUND",
                "a sale with a refund cannot be voided"},
    RefusalInfo{refund_before_settlement, "refund_before_settlement", "R9", "12", "12", "VOID INSTEAD",
                "policy asks for a void before settlement"},
    RefusalInfo{reversal_not_allowed, "reversal_not_allowed", "R38", "12", "12", "REVERSAL NOT ALLOWED",
                "what became of the original does not allow a reversal"},
    RefusalInfo{authorization_spent, "authorization_spent", "R92", "12", "12", "ORIGINAL NOT ALLOWED",
                "the authorization is completed, voided, reversed or lapsed"},
    RefusalInfo{window_passed, "window_passed", "R16", "57", "57", "REFUND WINDOW PASSED",
                "the refund window of the sale has ended"},
    RefusalInfo{completion_late, "completion_late", "R92", "57", "57", "AUTHORIZATION EXPIRED",
                "the days in which the authorization could be completed are over"},
    RefusalInfo{amount_limit, "amount_limit", "R24", "61", "61", "OVER AMOUNT LIMIT",
                "the amount is over the merchant's limit of one refund"},
    RefusalInfo{count_limit, "count_limit", "R24", "65", "65", "OVER COUNT LIMIT",
                "the terminal's refunds of the day are used up"},
    RefusalInfo{too_many_parts, "too_many_parts", "R80", "65", "65", "TOO MANY REFUNDS",
                "the sale's wallet takes no more refunds of one sale"},
    RefusalInfo{completion_over_bound, "completion_over_bound", "R92", "64", "64", "ABOVE THE AUTHORIZATION",
                "more than the authorization allows to be completed"},
    RefusalInfo{void_amount_differs, "void_amount_differs", "R4", "64", "64", "AMOUNT AGAINST ORIGINAL",
                "a void is of the whole sale, and the amount is another"},
    RefusalInfo{amount_against_original, "amount_against_original", "R11", "64", "64",
                "AMOUNT AGAINST ORIGINAL", "more than what remains of the sale"},
    RefusalInfo{reversal_amount_differs, "reversal_amount_differs", "R37", "64", "64",
                "AMOUNT AGAINST ORIGINAL", "a reversal names another amount than its original"},
    RefusalInfo{partial_amount_wrong, "partial_amount_wrong", "R39", "64", "64", "AMOUNT AGAINST ORIGINAL",
                "a partial reversal leaves less than the sale, and not as much or more"},
    RefusalInfo{partial_below_refunds, "partial_below_refunds", "R39", "64", "64", "AMOUNT AGAINST ORIGINAL",
                "a partial reversal may not leave less than what was refunded already"},
    RefusalInfo{funds_short, "funds_short", "R27", "51", "51", "FUNDS NOT SUFFICIENT",
                "the merchant's sales of the day do not cover the refund"},
    RefusalInfo{
        fraud_suspected, "fraud_suspected", "R28", "59", "59", "REFUSED",
        "more refunds of the card, the till's operator or the merchant than a rule of caution allows"},
    RefusalInfo{approval_required, "approval_required", "R17", "01", "01", "",
                "held until an operator decides"},
    RefusalInfo{no_route, "no_route", "R24", "15", "15", "NO ROUTE",
                "no issuer route for the card, or the route is retired without a successor"},
    RefusalInfo{route_down, "route_down", "R52", "91", "91", "ISSUER NOT AVAILABLE",
                "no link to the issuer was up; nothing was sent"},
    RefusalInfo{case_full, "case_full", "R20b", "65", "65", "CASE ASKED TOO OFTEN",
                "an equal refund is held already, and so many requests joined it that no further one may"},
    RefusalInfo{too_many_in_flight, "too_many_in_flight", "R62", "96", "96", "TRY AGAIN",
                "as much is under way as the switch may have at once"},
    RefusalInfo{system_error, "system_error", "R62", "96", "96", "SYSTEM ERROR",
                "nothing more can be stored just now, so that nothing new is begun"},
    RefusalInfo{hsm_unavailable, "hsm_unavailable", "R64", "96", "96", "SYSTEM ERROR",
                "the HSM did not answer; nothing was sent"},
    RefusalInfo{pin_block_wrong, "pin_block_wrong", "R64", "99", "99", "PIN BLOCK ERROR",
                "the HSM refused the PIN block"},
    RefusalInfo{partial_not_taken, "partial_not_taken", "R26a", "51", "51", "NOT THE WHOLE AMOUNT",
                "the issuer approved only a part, which cannot be taken; the transaction is reversed"},
    RefusalInfo{issuer_silent, "issuer_silent", "R50", "98", "68", "ISSUER SILENT",
                "the issuer did not answer in time; the transaction is reversed"},
    RefusalInfo{issuer_answer_invalid, "issuer_answer_invalid", "R61", "96", "96", "SYSTEM ERROR",
                "the issuer's answer could not be trusted; the transaction is reversed"},
    RefusalInfo{totals_differ, "totals_differ", "R5", "95", "95", "TOTALS DIFFER",
                "the batch was closed with other totals"},
    RefusalInfo{cut_over, "cut_over", "R38", "90", "90", "CUT-OVER", "the business day is being closed"},
};

}  // namespace

const RefusalInfo& info(Refusal refusal) {
    for (const RefusalInfo& row : table)
        if (row.refusal == refusal) return row;
    ENSURE(false);
}

std::span<const RefusalInfo> all_refusals() { return table; }

iso8583::ResponseCode response_code(Refusal refusal, Profile profile) {
    const RefusalInfo& row = info(refusal);
    return iso8583::ResponseCode::of(profile == Profile::unionpay_pos ? row.unionpay_code : row.iso_code);
}

bool is_unrecorded(Refusal refusal) {
    switch (refusal) {
        case format_error:
        case terminal_unknown:
        case terminal_suspended:
        case merchant_unknown:
        case merchant_suspended:
        case sign_on_required:
        case sign_on_limited:
        case batch_closed:
        case mac_wrong:
        case restored:
        case cut_over:
        case duplicate_of_reversed:
        case duplicate_conflict:
        case original_busy:
        case too_many_in_flight:
        case system_error:
        case hsm_unavailable:
            return true;
        case none:
        case tombstone:
        case amount_invalid:
        case currency_not_allowed:
        case merchant_not_enabled:
        case function_not_supported:
        case original_not_found:
        case other_terminal:
        case original_trace_differs:
        case original_authorization_differs:
        case code_of_no_wallet:
        case other_card:
        case means_holds_nothing:
        case original_not_refundable:
        case void_after_settlement:
        case void_after_refund:
        case refund_before_settlement:
        case reversal_not_allowed:
        case window_passed:
        case amount_limit:
        case count_limit:
        case too_many_parts:
        case void_amount_differs:
        case reversal_amount_differs:
        case partial_amount_wrong:
        case partial_below_refunds:
        case authorization_spent:
        case completion_late:
        case completion_over_bound:
        case amount_against_original:
        case funds_short:
        case fraud_suspected:
        case approval_required:
        case case_full:
        case no_route:
        case route_down:
        case pin_block_wrong:
        case partial_not_taken:
        case issuer_silent:
        case issuer_answer_invalid:
        case totals_differ:
            return false;
    }
    ENSURE(false);
}

}  // namespace acquirer
