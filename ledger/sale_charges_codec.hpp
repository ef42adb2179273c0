// The properties 60 to 64 of a transaction record: docs/ledger_format.md, "Transaction record". Pure; what
// cannot be fails the reader.
#pragma once

#include "ledger/record_codec.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

/// The last number of them.
inline constexpr std::uint32_t last_charges_property = 64;
/// Those that there are.
void write_charges_properties(RecordWriter& w, const TransactionRecord& record);
/// The property that the reader is at; false when it is none of these.
bool read_charges_property(RecordReader& r, TransactionRecord& record);

}  // namespace ledger
