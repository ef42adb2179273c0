// The last scene: the issuers' journals against the switch's ledger, entry by entry, as refundctl shows it.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/demo/scenes.hpp"

namespace demo {
namespace {

/// What stands in an issuer's journal for one RRN, after reversals: "sale", "refund", "void" or "nothing".
std::map<std::string, std::pair<std::string, std::int64_t>> standing(const std::vector<Effect>& journal) {
    std::map<std::string, std::pair<std::string, std::int64_t>> out;
    for (const Effect& e : journal) {
        if (e.kind == "reversal")
            out[e.rrn] = {"nothing", 0};
        else
            out[e.rrn] = {e.kind, e.amount};
    }
    return out;
}

}  // namespace

void Scenes::books_compare() {
    scene("books compare");
    for (const std::string issuer : {"issuer-a", "issuer-b"}) {
        std::size_t same = 0, differ = 0;
        for (const auto& [rrn, effect] : standing(stack_.journal(issuer))) {
            const Finished shown = stack_.refundctl("", {"--json", "show", rrn});
            const auto entry = nlohmann::json::parse(shown.out, nullptr, false);
            const std::string state = entry.is_object() ? entry.value("state", "?") : "unreadable";
            const bool stands = state == "approved";
            if (stands == (effect.first != "nothing"))
                ++same;
            else {
                ++differ;
                fmt::print("  {} {}: {} at the issuer, {} in the ledger\n", issuer, rrn, effect.first, state);
            }
        }
        fmt::print("  {}: {} entries agree, {} differ\n", issuer, same, differ);
        expect(issuer + "'s journal against the ledger", "0 differ", fmt::format("{} differ", differ));
        expect(issuer + " has entries to compare", "yes", same > 5 ? "yes" : "no");
    }
    expect("the audit chain is whole", "0",
           std::to_string(stack_.refundctl("security1", {"audit", "verify"}).code));
}

}  // namespace demo
