#include "switch/describe.hpp"

#include <fmt/format.h>

#include "iso8583/dialect.hpp"
#include "switch/core/refusal.hpp"

namespace acquirer {

std::string describe_rules() {
    std::string out = "Why a request is not answered 00, in the order in which reasons win.\n\n";
    out += fmt::format("{:<31} {:<5} {:<10} {:<5} {}\n", "reason", "rule", "unionpay", "iso", "meaning");
    for (const RefusalInfo& row : all_refusals()) {
        if (row.refusal == Refusal::none) continue;
        out += fmt::format("{:<31} {:<5} {:<10} {:<5} {}\n", row.name, row.rule, row.unionpay_code,
                           row.iso_code, row.explanation);
    }
    return out;
}

std::string describe_dialects() {
    std::string out;
    for (const std::string_view name : iso8583::dialect_names()) {
        const iso8583::Dialect* dialect = iso8583::find_dialect(name);
        out += fmt::format("{:<20} {:>3} fields  {}\n", name, dialect->spec().fields.size(),
                           dialect->spec().source);
    }
    return out;
}

}  // namespace acquirer
