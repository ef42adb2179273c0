// OriginalMatcher: finds the one transaction that a refund, void or reversal names; never guesses (R23).
// Reads the ledger, changes nothing. Source: docs/wire.md, "Matching", both profiles.
#pragma once

#include <optional>
#include <string>

#include "switch/core/core_context.hpp"

namespace acquirer {

/// The sale of a refund or void, or the authorization of a void or completion (ruling 35): merchant + DE37
/// (or DE90 from the same terminal), 61.3 when there is one. What is the sale's (terminal, trace, means of
/// payment, authorization code) is compared by the caller, in the order of precedence. Nothing: there is
/// none, or it cannot be told which.
const ledger::TransactionRecord* find_sale(CoreContext& context, const TerminalRequest& request);

/// The transaction that a reversal names. `near` is a transaction that almost fits (other DE7, previous
/// batch): worth an exception, not a match.
struct FoundForReversal {
    const ledger::TransactionRecord* original = nullptr;
    const ledger::TransactionRecord* tombstone = nullptr;  // an earlier reversal of the same
    const ledger::TransactionRecord* near = nullptr;
    ledger::AskingKey key;  // of the original's keys the one that the reversal names (R20b)
};
FoundForReversal find_for_reversal(CoreContext& context, const TerminalRequest& request);

/// Where a reversal without its original leaves its tombstone: slot key and the DE7 of the original when it
/// is known.
struct TombstonePlace {
    std::string slot_key;
    std::uint32_t transmission_time = 0;
};
TombstonePlace tombstone_place(const TerminalRequest& request);

}  // namespace acquirer
