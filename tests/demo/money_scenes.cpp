// Scenes of the merchants' own money: fees that refunds return, a reserve that refunds draw on.
#include <fmt/format.h>

#include <sstream>

#include "tests/demo/scenes.hpp"

namespace demo {
namespace {

constexpr const char* merchant_with_fees = "898110157220006";
constexpr const char* merchant_with_reserve = "898110157220007";

}  // namespace

void Scenes::show(const std::vector<std::string>& words) {
    const Finished shown = stack_.refundctl("", words);
    std::istringstream lines(shown.out);
    for (std::string text; std::getline(lines, text);) fmt::print("  | {}\n", text);
    expect(fmt::format("refundctl {} {}", words[0], words[1]), "0", std::to_string(shown.code));
}

std::string Scenes::shown_value(const std::vector<std::string>& words, const std::string& name) {
    std::vector<std::string> all{"--json"};
    all.insert(all.end(), words.begin(), words.end());
    const std::string out = stack_.refundctl("", all).out;
    const std::string key = "\"" + name + "\":\"";
    const std::size_t at = out.find(key);
    if (at == std::string::npos) return "none";
    const std::size_t begin = at + key.size();
    return out.substr(begin, out.find('"', begin) - begin);
}

std::optional<Desk> Scenes::desk_of(const std::string& merchant, std::uint32_t terminal) {
    const Desk& like = desks_[0];
    Desk desk{"merchant " + merchant,     like.profile, like.issuer, like.card, like.silent_code,
              line_of(merchant, terminal)};
    const std::string seen = desk.line->exchange(desk.line->terminal().sign_on(utc_now()));
    expect("sign-on", "00", seen);
    if (seen != "00") return std::nullopt;
    return desk;
}

void Scenes::fees_of_a_merchant() {
    scene("fees and their return");
    auto desk = desk_of(merchant_with_fees, 60000001);
    if (!desk) return;
    const auto sale = sell(*desk, 10000);
    if (!sale) return;
    const std::vector<std::string> statement{"fees", "show", "--merchant", merchant_with_fees};
    expect("100.00 at 60 basis points", "0.60", shown_value(statement, "fees"));
    const auto refund = [&](std::int64_t amount) {
        return desk->line->exchange(desk->line->terminal().refund(sale->receipt, amount, utc_now()));
    };
    expect("refund of 33.33", "00", refund(3333));
    expect("19 fen are returned", "0.41", shown_value(statement, "fees"));
    expect("refund of the rest", "00", refund(6667));
    expect("the last part returns the rest", "0.00", shown_value(statement, "fees"));
    show(statement);
}

void Scenes::refund_of_a_short_reserve() {
    scene("a refund that the merchant's reserve does not cover");
    auto desk = desk_of(merchant_with_reserve, 70000001);
    if (!desk) return;
    const auto sale = sell(*desk, 10000);
    if (!sale) return;
    const std::vector<std::string> reserve{"reserve", "show", "--merchant", merchant_with_reserve};
    const auto refund = [&](std::int64_t amount) {
        return desk->line->exchange(desk->line->terminal().refund(sale->receipt, amount, utc_now()));
    };
    expect("the sale put 10% into it", "10.00", shown_value(reserve, "holds"));
    expect("refund of 10.01", "51", refund(1001));
    const Finished proposed =
        stack_.refundctl("maker1", {"--json", "reserve", "add", "--merchant", merchant_with_reserve,
                                    "--amount", "15.00", "--note", "paid in by the merchant"});
    expect("reserve add is proposed", "0", std::to_string(proposed.code));
    const std::size_t at = proposed.out.find("\"P0");
    const std::string number = at == std::string::npos ? "none" : proposed.out.substr(at + 1, 9);
    expect("the maker may not approve it", "1",
           std::to_string(stack_.refundctl("maker1", {"proposals", "approve", number}).code));
    expect("a checker approves it", "0",
           std::to_string(stack_.refundctl("checker1", {"proposals", "approve", number}).code));
    expect("refund of 20.00", "00", refund(2000));
    expect("what is left in it", "5.00", shown_value(reserve, "holds"));
    show(reserve);
}

}  // namespace demo
