// A file of refunds as staff upload it, in pieces whose size the first byte says: whatever the bytes are, the
// lines are the same however they were cut, and each is read or refused with a sentence that names a column
// and repeats nothing. Kept corpus: tests/fuzz/corpus/refund_lines.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/cut_lines.hpp"

namespace {

using namespace acquirer;
using refund_lines::cut;
using refund_lines::Cut;

void judge(std::string_view line) {
    static const std::vector<std::string> reasons = {"returned", "faulty"};
    const RefundLineTerms terms{iso8583::Currency::of(156), reasons};
    const auto read = parse_refund_line(line, terms);
    if (!read) {
        if (read.error().empty()) std::abort();
        return;
    }
    if (!*read) return;
    const ledger::RefundBatchLine& refund = **read;
    if (refund.line_ref.empty() || refund.line_ref.size() > line_ref_characters_max) std::abort();
    if (refund.amount_minor <= 0 || refund.amount_minor > iso8583::Amount::minor_units_max) std::abort();
    if (std::find(reasons.begin(), reasons.end(), refund.reason) == reasons.end()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Cut whole = cut(text, std::max<std::size_t>(text.size(), 1));
    const Cut pieces = cut(text, std::size_t{data[0]} + 1);
    // What was cut before a line that is too long was found may differ by where the piece ended.
    if (whole.too_long != pieces.too_long || (!whole.too_long && whole != pieces)) std::abort();
    for (const auto& [number, line] : pieces.lines) judge(line);
    return 0;
}
