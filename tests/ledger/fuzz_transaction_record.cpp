// The stored transaction record, of both formats: what comes in is a record without its checksum, which is
// added here, so that the fuzzer reaches the fields. What reads is written to bytes that read as the same
// record; what does not read gives an error that says where.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ledger/crc32c.hpp"
#include "ledger/format_1.hpp"
#include "ledger/transaction_record.hpp"

namespace {

std::string with_checksum(std::string record) {
    const std::uint32_t sum = ledger::crc32c(iso8583::as_bytes(record));
    for (int shift = 24; shift >= 0; shift -= 8) record.push_back(static_cast<char>(sum >> shift & 0xFF));
    return record;
}

void judge(const iso8583::Result<ledger::TransactionRecord>& read) {
    if (!read) {
        if (read.error().what.find("transaction record, ") != 0) std::abort();
        return;
    }
    if (name(read->state).empty() || name(read->kind).empty()) std::abort();
    const std::string written = ledger::encode(*read);
    const auto again = ledger::decode_transaction_record(written);
    if (!again || *again != *read || ledger::encode(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string record = with_checksum(std::string(reinterpret_cast<const char*>(data), size));
    judge(ledger::decode_transaction_record(record));
    judge(ledger::decode_transaction_record_of_format_1(record));
    return 0;
}
