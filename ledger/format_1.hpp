// The transaction record of format 1, which only a migration reads (ledger_format.hpp): all fields in a row,
// without properties. The other record kinds are read by their own decoders, which know both versions.
#pragma once

#include <string_view>

#include "ledger/transaction_record.hpp"

namespace ledger {

iso8583::Result<TransactionRecord> decode_transaction_record_of_format_1(std::string_view bytes);

}  // namespace ledger
