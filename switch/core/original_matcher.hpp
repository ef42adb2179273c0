// OriginalMatcher: finds the one transaction that a refund, void or reversal names; never guesses (R23).
// Reads the ledger, changes nothing. Source: docs/wire.md, "Matching", both profiles.
#pragma once

#include <optional>
#include <string>

#include "switch/core/core_context.hpp"

namespace acquirer {

/// The sale of a refund or void: merchant + DE37 (or DE90 from the same terminal), 61.3 when there is one.
/// What is the sale's (terminal, trace, card, authorization code) is compared by the caller, in the order of
/// precedence.
struct FoundSale {
    std::optional<ledger::TransactionRecord> sale;
    Refusal refusal = Refusal::none;  // original_not_found when there is none
};
FoundSale find_sale(CoreContext& context, const TerminalRequest& request);

/// The transaction that a reversal names. `near` is a transaction that almost fits (other DE7, previous
/// batch): worth an exception, not a match.
struct FoundForReversal {
    std::optional<ledger::TransactionRecord> original;
    std::optional<ledger::TransactionRecord>
        tombstone;  // an earlier reversal of the same, still without its original
    std::optional<ledger::TransactionRecord> near;
};
FoundForReversal find_for_reversal(CoreContext& context, const TerminalRequest& request,
                                   const iso8583::PanToken& token);

/// Where a reversal without its original leaves its tombstone: slot key and the DE7 of the original when it
/// is known.
struct TombstonePlace {
    std::string slot_key;
    std::uint32_t transmission_time = 0;
};
TombstonePlace tombstone_place(const TerminalRequest& request);

}  // namespace acquirer
