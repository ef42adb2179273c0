// Every record of the ledger but the transaction's and the vault's, which have targets of their own: the
// first byte chooses the kind; what follows is a record without its checksum, which is added here, so that
// the fuzzer reaches the fields. What reads is written to bytes that read as the same; what does not read
// gives an error that names the record and says where. Kept corpus: tests/fuzz/corpus/stored_records.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ledger/batch_books.hpp"
#include "ledger/crc32c.hpp"
#include "ledger/file_books.hpp"
#include "ledger/merchant_books.hpp"
#include "ledger/notice.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/party.hpp"
#include "ledger/recon_records.hpp"
#include "ledger/restore_records.hpp"
#include "ledger/retention_records.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/totals.hpp"

namespace {

using namespace ledger;

constexpr std::size_t checksum_bytes = 4;

template <typename Record>
using Decode = iso8583::Result<Record> (*)(std::string_view);
template <typename Record>
using Encode = std::string (*)(const Record&);

/// `names`: what is in every error.
template <typename Record>
void judge(std::string_view bytes, Decode<Record> decode, Encode<Record> encode,
           std::string_view names = " record, ") {
    const auto read = decode(bytes);
    if (!read) {
        if (read.error().what.find(names) == std::string::npos) std::abort();
        return;
    }
    const std::string written = encode(*read);
    const auto again = decode(written);
    if (!again || encode(*again) != written) std::abort();
}

template <typename Record>
std::string encoded(const Record& record) {
    return encode(record);
}

template <auto decode>
struct Of;
template <typename Record, iso8583::Result<Record> (*decode)(std::string_view)>
struct Of<decode> {
    static void judged(std::string_view bytes) { judge<Record>(bytes, decode, &encoded<Record>); }
};

constexpr std::array kinds = {
    &Of<decode_trace_slot>::judged,
    &Of<decode_exception>::judged,
    &Of<decode_proposal>::judged,
    &Of<decode_dispute>::judged,
    &Of<decode_terminal>::judged,
    &Of<decode_override>::judged,
    &Of<decode_zone_key>::judged,
    &Of<decode_day_sums>::judged,
    &Of<decode_business_day>::judged,
    &Of<decode_turn_record>::judged,
    &Of<decode_checkpoint>::judged,
    &Of<decode_refund_batch>::judged,
    &Of<decode_refund_batch_line>::judged,
    &Of<decode_file>::judged,
    &Of<decode_merchant_entry>::judged,
    &Of<decode_adjustment>::judged,
    &Of<decode_notice>::judged,
    &Of<decode_notice_progress>::judged,
    &Of<decode_party>::judged,
    &Of<decode_recon_entry>::judged,
    &Of<decode_issuer_file>::judged,
    &Of<decode_recon_day>::judged,
    &Of<decode_restore>::judged,
    &Of<decode_policy>::judged,
    &Of<decode_purge_log_entry>::judged,
    &Of<decode_retention_state>::judged,
    +[](std::string_view bytes) { judge<Total>(bytes, decode_purged_sum, encode_purged_sum); },
    +[](std::string_view bytes) {
        // No record: it has no checksum.
        bytes.remove_suffix(checksum_bytes);
        judge<std::vector<iso8583::Rrn>>(bytes, decode_order_sales, encode_order_sales, "order number: ");
    },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string record(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::uint32_t sum = crc32c(iso8583::as_bytes(record));
    for (int shift = 24; shift >= 0; shift -= 8) record.push_back(static_cast<char>(sum >> shift & 0xFF));
    kinds[data[0] % kinds.size()](record);
    return 0;
}
