// The file of the vault's keys, of both forms, and the ledger's record of them: what comes in is a record
// without its checksum, which is added here, so that the fuzzer reaches the fields. What reads is written to
// bytes that read as the same; what does not read gives an error that says where. Kept corpus:
// tests/fuzz/corpus/vault_keys.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ledger/crc32c.hpp"
#include "ledger/vault_books.hpp"
#include "ledger/vault_key_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string record(reinterpret_cast<const char*>(data), size);
    const std::uint32_t sum = ledger::crc32c(iso8583::as_bytes(record));
    for (int shift = 24; shift >= 0; shift -= 8) record.push_back(static_cast<char>(sum >> shift & 0xFF));

    const auto file = ledger::decode_vault_key_file(record);
    if (!file && file.error().what.find("vault key file") != 0) std::abort();
    if (file && !file->keys.empty()) {
        const auto again = ledger::decode_vault_key_file(ledger::encode(*file));
        if (!again || !(*again == *file)) std::abort();
        if (ledger::mac_input(*again) != ledger::mac_input(*file)) std::abort();
    }
    const auto state = ledger::decode_vault_record(record);
    if (!state && state.error().what.find("vault keys") != 0) std::abort();
    if (state) {
        const auto again = ledger::decode_vault_record(ledger::encode(*state));
        if (!again || !(*again == *state)) std::abort();
    }
    return 0;
}
