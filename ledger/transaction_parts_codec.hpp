// Parts of a transaction record that are properties of their own: docs/ledger_format.md, "Transaction
// record", properties 12, 17, 18, 20, 21, 24, 28, 30, 32, 34 to 36 and 41. Each is written when there is one,
// between the writer's begin_property() and end_property(), and read from that property alone. Pure; what
// cannot be fails the reader.
#pragma once

#include "ledger/record_codec.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

void write_advice(RecordWriter& w, const QueuedAdvice& advice);
QueuedAdvice read_advice(RecordReader& r);
/// What came to an advice later: its polls and times.
void write_advice_progress(RecordWriter& w, const QueuedAdvice& advice);
void read_advice_progress(RecordReader& r, QueuedAdvice& advice);

void write_answer(RecordWriter& w, const StoredAnswer& answer);
StoredAnswer read_answer(RecordReader& r);

/// At most postings_max.
void write_postings(RecordWriter& w, const std::vector<Posting>& postings);
std::vector<Posting> read_postings(RecordReader& r);

/// At most earlier_attempts_max.
void write_earlier_attempts(RecordWriter& w, const std::vector<EarlierAttempt>& attempts);
std::vector<EarlierAttempt> read_earlier_attempts(RecordReader& r);

/// All but what it reopens and how it was paid out, which are properties of their own.
void write_decided(RecordWriter& w, const Decided& decided);
void read_decided(RecordReader& r, Decided& decided);

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
