// A backup's manifest and mark are read before anything of it is believed. What is read is written back as it
// was. Kept corpus: tests/fuzz/corpus/backup_manifest.
#include <cstdlib>
#include <string_view>

#include "ledger/backup_manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto mark = ledger::parse_backup_mark(text))
        if (ledger::parse_backup_mark(ledger::encode(*mark)) != *mark) std::abort();
    if (const auto manifest = ledger::parse_backup_manifest(text))
        if (ledger::parse_backup_manifest(ledger::encode(*manifest)) != *manifest) std::abort();
    return 0;
}
