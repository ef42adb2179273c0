#include "switch/describe.hpp"

#include <fmt/format.h>

#include "iso8583/dialect.hpp"
#include "switch/core/check_list.hpp"

namespace acquirer {

namespace {

/// One line a check: which kinds it judges, who judges it, what it says.
std::string describe_checks() {
    std::string out = "The checks of a request, in the order of precedence: the first that says no wins.\n\n";
    out += fmt::format("{:<20} {:<20} {:<11} {:<7} {}\n", "check", "of", "judged by", "outcome", "reasons");
    for (const Check& check : check_list) {
        std::string kinds;
        std::string reasons;
        const auto add = [](std::string& list, std::string_view word) {
            if (!list.empty()) list += ' ';
            list += word;
        };
        if ((check.kinds & check_of::sales) != 0) add(kinds, "sale");
        if ((check.kinds & check_of::voids) != 0) add(kinds, "void");
        if ((check.kinds & check_of::refunds) != 0) add(kinds, "refund");
        for (const Refusal why : check.refusals)
            if (why != Refusal::none) add(reasons, info(why).name);
        if (check.profiles == CheckProfiles::unionpay_pos) reasons += " (profile unionpay-pos)";
        out += fmt::format("{:<20} {:<20} {:<11} {:<7} {}\n", check.name, kinds, name(check.judge),
                           check.outcome == CheckOutcome::hold ? "hold" : "refuse", reasons);
    }
    return out;
}

}  // namespace

std::string describe_rules() {
    std::string out = describe_checks();
    out += "\nWhy a request is not answered 00, in the order in which reasons win.\n\n";
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
