// Parts of a transaction record that are properties of their own: docs/ledger_format.md, "Transaction
// record", properties 24, 28, 30 and 32. Pure; what cannot be fails the reader.
#pragma once

#include "ledger/record_codec.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

/// At most joined_keys_max keys.
void write_shared_case(RecordWriter& w, const SharedCase& shared);
SharedCase read_shared_case(RecordReader& r);

/// At most partial_reversals_max reversals.
void write_lowering(RecordWriter& w, const Lowering& lowering);
Lowering read_lowering(RecordReader& r);

/// At most reroutes_max.
void write_reroutes(RecordWriter& w, const std::vector<Rerouted>& reroutes);
std::vector<Rerouted> read_reroutes(RecordReader& r);

void write_issuer_terms(RecordWriter& w, const IssuerTerms& terms);
IssuerTerms read_issuer_terms(RecordReader& r);

}  // namespace ledger
