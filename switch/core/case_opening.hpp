// Refunds that people open without the customer's card: how one is drafted from its sale, and held. One case
// (refund open, refund reopen) and a line of a batch (R100) are made the same way.
#pragma once

#include <string>

#include "switch/core/core_context.hpp"
#include "switch/core/transaction_draft.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

/// What the terminal's request would have said; the draft's sale is the ledger's object. The error is a
/// sentence: the sale's merchant is not configured any more.
iso8583::Result<TransactionDraft, std::string> draft_case(const CoreContext& context,
                                                          const ledger::TransactionRecord& sale,
                                                          iso8583::Amount amount);

/// What people say of a refund that they open.
struct CaseWords {
    std::string reason;  // a code
    std::string note;
    ledger::RefundProof proof;
    std::string reference;  // theirs, once per merchant
    std::string maker;
    ledger::BatchLineOf batch_line;
};
/// Reserves the amount and holds the refund, under `rule` unless a check holds it under its own (R20b, R27,
/// R28). The draft was judged, and nothing refused it.
ledger::TransactionRecord& hold_case(CoreContext& context, TransactionFlow& transactions,
                                     TransactionDraft& draft, CaseWords words, const char* rule);
/// Its approval: it is the checker's, and goes as soon as its chain and its route allow (R75).
void clear_case(CoreContext& context, TransactionFlow& transactions, ledger::TransactionRecord& refund,
                const std::string& checker, const char* rule);

}  // namespace acquirer
