// The keys that share a held refund (R20b) as a part of their transaction record: docs/ledger_format.md,
// "Transaction record", property 30. Pure; what cannot be fails the reader.
#pragma once

#include "ledger/record_codec.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

/// At most joined_keys_max keys.
void write_shared_case(RecordWriter& w, const SharedCase& shared);
SharedCase read_shared_case(RecordReader& r);

}  // namespace ledger
