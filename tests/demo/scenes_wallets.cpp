// The demo's scenes of wallets: issuer-w plays WeChat Pay and Alipay (docs/instruments.md).
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/demo/scenes.hpp"

namespace demo {
namespace {

constexpr int wallet_terminal = 61;
constexpr int state_wait_ms = 30'000;
constexpr int state_look_again_ms = 50;

/// A member of a successful --json answer's data; empty when there is none.
std::string member_of(const Finished& finished, const char* name) {
    const auto answer = nlohmann::json::parse(finished.out, nullptr, false);
    if (!answer.is_object() || !answer.contains("data")) return {};
    const auto& data = answer["data"];
    const auto at = data.find(name);
    return at != data.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

void Scenes::wallets(const std::string& profile) {
    Desk desk{profile + ", issuer-w",        profile, "issuer-w", {}, profile == "unionpay-pos" ? "98" : "68",
              line(profile, wallet_terminal)};
    scene("a terminal that takes wallets: " + desk.name);
    if (profile == "unionpay-pos")
        expect("sign-on brings working keys", "00",
               desk.line->exchange(desk.line->terminal().sign_on(utc_now())));
    else
        expect("echo", "00", desk.line->exchange(desk.line->terminal().echo(utc_now())));
    refund_in_two_parts_that_is_processing(desk);
    refund_into_a_closed_account(desk);
    refund_of_a_discounted_sale(desk);
}

std::optional<Scenes::Sold> Scenes::sell_to_wallet(Desk& desk, const std::string& payment_code,
                                                   std::int64_t amount) {
    peers::SaleOptions options;
    options.payment_code = payment_code;
    const auto request = desk.line->terminal().sale({}, amount, utc_now(), options);
    const std::string seen = desk.line->exchange(request);
    expect("sale by payment code", "00", seen);
    if (seen != "00" || !desk.line->outcome().receipt) return std::nullopt;
    const peers::Receipt receipt = *desk.line->outcome().receipt;
    expect("the wallet's order number is in the answer", "yes", receipt.order_number.empty() ? "no" : "yes");
    return Sold{request, receipt};
}

void Scenes::expect_state(const std::string& what, const std::string& state, const iso8583::Rrn& rrn) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(state_wait_ms);
    std::string seen;
    do {
        if (!seen.empty()) poll(nullptr, 0, state_look_again_ms);
        seen = member_of(stack_.refundctl("", {"--json", "show", rrn.str()}), "state");
    } while (seen != state && std::chrono::steady_clock::now() < deadline);
    expect(what, state, seen);
}

void Scenes::refund_in_two_parts_that_is_processing(Desk& desk) {
    scene("a WeChat sale refunded in two parts, processing for two polls: " + desk.name);
    const bool unionpay = desk.profile == "unionpay-pos";
    expect("the wallet works at refunds for two polls", "ok", stack_.tell(desk.issuer, "processing 2"));
    const std::string code = unionpay ? "134567890123456789" : "145678901234567890";
    const auto sale = sell_to_wallet(desk, code, 8'800);
    if (!sale) return;
    peers::SaleOptions again;
    again.payment_code = code;
    expect("the same code again: it is used once", "14",
           desk.line->exchange(desk.line->terminal().sale({}, 100, utc_now(), again)));
    expect("refund of 30.00", "00",
           desk.line->exchange(desk.line->terminal().refund(sale->receipt, 3'000, utc_now())));
    if (!desk.line->outcome().receipt) return;
    const iso8583::Rrn first = desk.line->outcome().receipt->rrn;
    expect_state("the wallet is working at it", "processing", first);
    expect("refund of the rest, by the order number alone", "00", [&] {
        auto by_order = desk.line->terminal().refund(sale->receipt, 5'800, utc_now()).fields;
        if (unionpay)
            by_order.set(iso8583::Field::rrn, "000000000000");
        else
            by_order.erase(iso8583::Field::rrn);
        by_order.erase(iso8583::Field::reserved_private_61);
        by_order.erase(iso8583::Field::authorization_code);
        return desk.line->exchange(
            desk.line->terminal().custom(peers::Transaction::refund, std::move(by_order)));
    }());
    expect_effect("the first part, paid once", desk, "refund", first.str(), 3'000);
    expect_effect("the second part", desk, "refund", "", 5'800);
    expect_state("and the switch knows", "approved", first);
    expect("one fen more", "64",
           desk.line->exchange(desk.line->terminal().refund(sale->receipt, 1, utc_now())));
    show_ledger(sale->receipt.rrn);
    expect("the wallet pays at once again", "ok", stack_.tell(desk.issuer, "processing 0"));
}

void Scenes::refund_into_a_closed_account(Desk& desk) {
    scene("an Alipay refund into a closed account: " + desk.name);
    const auto sale = sell_to_wallet(
        desk, desk.profile == "unionpay-pos" ? "2876543210987654" : "2976543210987654321", 6'600);
    if (!sale) return;
    expect("the customer closes the account", "ok",
           stack_.tell(desk.issuer, "account close " + sale->receipt.order_number));
    expect("the refund is accepted", "00",
           desk.line->exchange(desk.line->terminal().refund(sale->receipt, 6'600, utc_now())));
    if (!desk.line->outcome().receipt) return;
    const iso8583::Rrn refund = desk.line->outcome().receipt->rrn;
    expect_state("the wallet cannot pay it", "abnormal", refund);
    const Finished proposed =
        stack_.refundctl("maker1", {"--json", "abnormal", "resolve", refund.str(), "--merchant-account",
                                    "--note", "account closed, the shop pays the customer"});
    const std::string proposal = member_of(proposed, "proposal");
    expect("a maker proposes the merchant's account", "0", std::to_string(proposed.code));
    expect("and may not approve it", "1",
           std::to_string(stack_.refundctl("maker1", {"proposals", "approve", proposal}).code));
    expect("a checker approves it", "0",
           std::to_string(stack_.refundctl("checker1", {"proposals", "approve", proposal}).code));
    expect_state("it ends on the merchant's account", "merchant_account", refund);
    show_ledger(refund);
}

void Scenes::refund_of_a_discounted_sale(Desk& desk) {
    scene("a discounted sale, and what goes back of it: " + desk.name);
    expect("the wallet gives 10 %, the merchant 20 %", "ok", stack_.tell(desk.issuer, "discount 10 20"));
    const bool unionpay = desk.profile == "unionpay-pos";
    const auto sale = sell_to_wallet(desk, unionpay ? "133333333333333301" : "133333333333333302", 10'000);
    expect("later sales are given nothing", "ok", stack_.tell(desk.issuer, "discount 0 0"));
    if (!sale) return;
    const std::string rrn = sale->receipt.rrn.str();
    const auto of_sale = [&](const char* member) {
        return member_of(stack_.refundctl("", {"--json", "show", rrn}), member);
    };
    expect("the customer paid", "70.00", of_sale("paid_by_customer"));
    expect("the merchant gave", "20.00", of_sale("merchant_funded"));
    const auto refund = [&](std::int64_t amount) {
        return desk.line->exchange(desk.line->terminal().refund(sale->receipt, amount, utc_now()));
    };
    expect("refund of 33.33", "00", refund(3'333));
    show({"explain", rrn});
    expect("refund of the rest", "00", refund(6'667));
    expect("one fen more", "64", refund(1));
}

}  // namespace demo
