// Parts of a transaction record that are properties of their own: docs/ledger_format.md, "Transaction
// record", properties 24, 28, 30, 32 and 34 to 36. Pure; what cannot be fails the reader.
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

/// What people say of a refund that they open: the properties 34 to 36, those that there are.
void write_people_properties(RecordWriter& w, const TransactionRecord& record);
/// The property that the reader is at; false when it is none of these.
bool read_people_property(RecordReader& r, TransactionRecord& record);

void write_issuer_terms(RecordWriter& w, const IssuerTerms& terms);
IssuerTerms read_issuer_terms(RecordReader& r);

}  // namespace ledger
