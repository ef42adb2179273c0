// The last scene: the issuers' journals against the switch's ledger, entry by entry and both ways round, as
// refundctl shows it.
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "iso8583/values/amount.hpp"
#include "tests/demo/scenes.hpp"

namespace demo {
namespace {

struct Entry {
    std::string kind, state, route;
    std::int64_t amount = 0;
};

std::int64_t minor_units(const std::string& major) {
    const auto amount = iso8583::Amount::parse_major(major, iso8583::Currency::of(156));
    return amount ? amount->minor_units() : -1;
}

/// What a successful --json answer holds; null otherwise.
nlohmann::json data_of(const Finished& finished) {
    const auto answer = nlohmann::json::parse(finished.out, nullptr, false);
    return finished.code == 0 && answer.is_object() && answer.contains("data") ? answer["data"]
                                                                               : nlohmann::json();
}

/// What must stand in the issuer's journal for this entry: its kind, or nothing.
std::string expected_at_issuer(const Entry& entry) {
    // A hold is no booking, and neither is what lifts it.
    if (entry.kind == "authorization" || entry.kind == "authorization_void") return "nothing";
    const std::string kind = entry.kind == "completion" ? "sale" : entry.kind;
    if (entry.state == "approved") return kind;
    // issuer-a takes a void as a reversal of the sale; issuer-b keeps the sale and books a void beside it.
    if (entry.state == "voided" && entry.route == "issuer-b") return kind;
    return "nothing";
}

/// An authorization, or what lifts one: no money moved.
bool is_of_a_hold(const Effect& e) { return e.kind == "authorization" || e.of == "authorization"; }

/// The journal after its reversals: what stands for each RRN.
std::map<std::string, Effect> standing(const std::vector<Effect>& journal) {
    std::map<std::string, Effect> out;
    for (const Effect& e : journal)
        if (is_of_a_hold(e))
            continue;
        else if (e.kind == "reversal")
            out.erase(e.rrn);
        else
            out[e.rrn] = e;
    return out;
}

std::int64_t balance(const std::vector<Effect>& journal) {
    std::int64_t sum = 0;
    for (const Effect& e : journal) {
        if (is_of_a_hold(e)) continue;
        const bool gives_back =
            e.kind == "refund" || e.kind == "void" || (e.kind == "reversal" && e.of == "sale");
        sum += gives_back ? -e.amount : e.amount;
    }
    return sum;
}

/// Everything that the switch recorded for these terminals, by RRN.
std::map<std::string, Entry> ledger_entries(const DemoStack& stack, const std::set<std::string>& terminals) {
    std::map<std::string, Entry> out;
    for (const std::string& terminal : terminals) {
        const auto data =
            data_of(stack.refundctl("", {"--json", "find", "--terminal", terminal, "--limit", "500"}));
        if (data.is_null()) continue;
        for (const auto& t : data["transactions"])
            out[t.value("rrn", "")] = {t.value("kind", ""), t.value("state", ""), t.value("route", ""),
                                       minor_units(t.value("amount", ""))};
    }
    return out;
}

/// The routes' totals, when nothing is on its way any more: what a restart sends once more waits for the HSM
/// to be connected.
nlohmann::json totals_at_rest(DemoStack& stack) {
    constexpr auto longest = std::chrono::seconds(10);
    constexpr int look_again_ms = 100;
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
        nlohmann::json totals = data_of(stack.refundctl("", {"--json", "totals", "--by", "route"}));
        bool at_rest = !totals.is_null();
        if (at_rest)
            for (const auto& row : totals["totals"])
                at_rest = at_rest && row.value("refunds_in_transit", "") == "0.00";
        if (at_rest || std::chrono::steady_clock::now() >= until) return totals;
        ::poll(nullptr, 0, look_again_ms);
    }
}

}  // namespace

void Scenes::books_compare() {
    scene("books compare");
    const auto totals = totals_at_rest(stack_);
    const auto ledger = ledger_entries(stack_, terminals_);
    struct Least {
        std::string issuer;
        std::size_t entries;  // fewer would compare next to nothing
    };
    for (const auto& [issuer, least] : {Least{"issuer-a", 10}, Least{"issuer-b", 10}, Least{"issuer-w", 4}}) {
        const auto journal = stack_.journal(issuer);
        auto at_issuer = standing(journal);
        std::size_t same = 0, differ = 0;
        for (const auto& [rrn, entry] : ledger) {
            if (entry.route != issuer) continue;
            const auto there = at_issuer.find(rrn);
            const std::string seen = there == at_issuer.end() ? "nothing" : there->second.kind;
            const bool amounts_agree = there == at_issuer.end() || there->second.amount == entry.amount;
            if (seen == expected_at_issuer(entry) && amounts_agree) {
                ++same;
            } else {
                ++differ;
                fmt::print("  {} {}: {} {} in the ledger, {} in the journal\n", issuer, rrn, entry.kind,
                           entry.state, seen);
            }
            if (there != at_issuer.end()) at_issuer.erase(there);
        }
        for (const auto& [rrn, effect] : at_issuer) {
            ++differ;
            fmt::print("  {} {}: {} in the journal, not in the ledger\n", issuer, rrn, effect.kind);
        }
        fmt::print("  {}: {} entries agree, {} differ\n", issuer, same, differ);
        expect(issuer + ": ledger and journal, entry by entry", "0 differ", fmt::format("{} differ", differ));
        expect(issuer + ": there was something to compare", "yes", same > least ? "yes" : "no");
        std::string owes = "unknown", in_transit = "unknown";
        if (!totals.is_null())
            for (const auto& row : totals["totals"])
                if (row.value("route", "") == issuer) {
                    owes = row.value("issuer_owes", "");
                    in_transit = row.value("refunds_in_transit", "");
                }
        expect(issuer + ": what it owes, by its own books and by the switch's",
               iso8583::Amount(balance(journal), iso8583::Currency::of(156)).major(), owes);
        expect(issuer + ": refunds still in transit", "0.00", in_transit);
    }
    expect("the audit chain is whole", "0",
           std::to_string(stack_.refundctl("security1", {"audit", "verify"}).code));
}

}  // namespace demo
