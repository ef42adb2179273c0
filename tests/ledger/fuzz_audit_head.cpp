// The noted head of the audit chain lies where others may write. What is read is written back as it was, but
// for its MAC. Kept corpus: tests/fuzz/corpus/audit_head.
#include <cstdlib>
#include <string_view>

#include "ledger/audit_head.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = ledger::parse_audit_head(text);
    if (!line) return 0;
    const auto again = ledger::parse_audit_head(ledger::audit_head_text(*line, nullptr));
    if (!again || !(again->head == line->head) || again->turn != line->turn || again->time != line->time)
        std::abort();
    return 0;
}
