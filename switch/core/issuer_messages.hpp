// Issuer messages: the fields of what the switch sends to an issuer. Pure; numbers and RRNs come from the
// record, so that every attempt of an advice is the same message. Source: docs/wire.md, profile iso87,
// "Towards issuers".
#pragma once

#include "iso8583/field_values.hpp"
#include "iso8583/values/bytes.hpp"
#include "routing/route.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer {

/// Fixes what the record's messages say of place and time, unless that is done already: before the first of
/// them is made, and in the same turn.
void fix_issuer_terms(const CoreContext& context, ledger::TransactionRecord& record);

/// 0200 of a sale, void or online refund; 0100 of what holds money alone. `request` adds what only the
/// terminal's message has (what its means of payment passes on, DE26, DE53); nothing for what operations
/// send. `original`: the sale of a void or refund. `pin_block` is already under the route's ZPK.
iso8583::FieldValues make_request(const CoreContext& context, const ledger::TransactionRecord& record,
                                  const ledger::TransactionRecord* original, const TerminalRequest* request,
                                  const iso8583::Bytes& pin_block);
/// 0220/0221 that completes a sale; `original` is what was asked for by 0100: its authorization, or itself.
iso8583::FieldValues make_completion_advice(const CoreContext& context, const ledger::TransactionRecord& sale,
                                            const ledger::TransactionRecord& original);
/// 0220/0221 of a refund.
iso8583::FieldValues make_refund_advice(const CoreContext& context, const ledger::TransactionRecord& refund,
                                        const ledger::TransactionRecord& sale);
/// 0420/0421 that reverses `original`; `queued` is the record that carries the advice (the same, or a void of
/// it).
iso8583::FieldValues make_reversal(const CoreContext& context, const ledger::TransactionRecord& queued,
                                   const ledger::TransactionRecord& original);

}  // namespace acquirer
