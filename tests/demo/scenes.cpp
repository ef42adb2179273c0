#include "tests/demo/scenes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace demo {
namespace {

using iso8583::Field;
using peers::TerminalProfile;

// The demo's terminals and their keys (docs/interfaces.md); published test values that protect nothing.
constexpr const char* terminal_master_key = "0123456789ABCDEFFEDCBA9876543210";
constexpr const char* terminal_mac_key = "10101010101010102323232323232323";
constexpr const char* terminal_pin_key = "32323232323232324545454545454545";
constexpr const char* test_pin = "1234";
constexpr const char* card_of_issuer_a = "6212345678900000003";
constexpr const char* card_of_issuer_b = "4111111111111111";

constexpr int cmac_terminal = 901;  // 10000901 (switch/config/demo.toml)

constexpr int effect_wait_ms = 30'000;  // two issuer time-outs and the longest back-off fit into it
constexpr std::int64_t silent_amount = 9968;

}  // namespace

peers::TerminalConfig Scenes::terminal_config(const std::string& profile, int number) {
    peers::TerminalConfig c;
    const bool unionpay = profile == "unionpay-pos";
    c.profile = unionpay ? TerminalProfile::unionpay_pos : TerminalProfile::iso87_ascii;
    c.terminal = *iso8583::TerminalId::parse(std::to_string((unionpay ? 10'000'000 : 20'000'000) + number));
    c.merchant = *iso8583::MerchantId::parse(unionpay ? "898110157220001" : "898110157220002");
    c.tmk_hex = terminal_master_key;
    c.tak_hex = terminal_mac_key;
    c.tpk_hex = terminal_pin_key;
    return c;
}

void Scenes::scene(const std::string& title) {
    scene_ = title;
    fmt::print("\n== {}\n", title);
}

void Scenes::expect(const std::string& what, const std::string& expected, const std::string& seen) {
    expectations_.push_back({scene_, what, expected, seen});
    if (expected != seen) fmt::print("  !! {}: expected {}, seen {}\n", what, expected, seen);
}

void Scenes::expect_effect(const std::string& what, const Desk& desk, const std::string& effect,
                           const std::string& rrn, std::int64_t amount) {
    const bool there = stack_.await_effect(
        desk.issuer,
        [&](const Effect& e) {
            return e.what() == effect && e.amount == amount && (rrn.empty() || e.rrn == rrn) &&
                   e.terminal == desk.line->terminal().config().terminal.view();
        },
        effect_wait_ms);
    expect(what, effect + " in " + desk.issuer + "'s journal",
           there ? effect + " in " + desk.issuer + "'s journal" : "none");
}

void Scenes::show_ledger(const iso8583::Rrn& rrn) {
    const Finished shown = stack_.refundctl("", {"show", rrn.str()});
    std::istringstream lines(shown.out);
    for (std::string text; std::getline(lines, text);) fmt::print("  | {}\n", text);
    expect("the ledger shows it", "0", std::to_string(shown.code));
}

std::unique_ptr<TerminalLine> Scenes::line(const std::string& profile, int number,
                                           std::optional<hsm::MacProfile> mac) {
    auto config = terminal_config(profile, number);
    config.mac = mac;
    terminals_.insert(config.terminal.str());
    return std::make_unique<TerminalLine>(std::move(config), stack_.address(profile),
                                          stack_.terminal_channel());
}

std::unique_ptr<TerminalLine> Scenes::line_of(const std::string& merchant, std::uint32_t terminal) {
    auto config = terminal_config("unionpay-pos", 0);
    config.merchant = *iso8583::MerchantId::parse(merchant);
    config.terminal = *iso8583::TerminalId::parse(std::to_string(terminal));
    terminals_.insert(config.terminal.str());
    return std::make_unique<TerminalLine>(std::move(config), stack_.address("unionpay-pos"),
                                          stack_.terminal_channel());
}

std::optional<Scenes::Sold> Scenes::sell(Desk& desk, std::int64_t amount) {
    const auto request = desk.line->terminal().sale(desk.card, amount, utc_now());
    const std::string seen = desk.line->exchange(request);
    expect("sale", "00", seen);
    // Without its sale the rest of a scene has nothing to work on.
    if (seen != "00" || !desk.line->outcome().receipt) return std::nullopt;
    return Sold{request, *desk.line->outcome().receipt};
}

void Scenes::play_all(std::string_view profile) {
    open_desks(profile);
    sign_on();
    for (Desk& desk : desks_) sales_and_partial_refunds(desk);
    for (Desk& desk : desks_) sale_with_pin(desk);
    for (Desk& desk : desks_) void_of_a_sale(desk);
    for (Desk& desk : desks_) reversal_of_a_sale(desk);
    for (Desk& desk : desks_) retry_of_a_sale(desk);
    for (Desk& desk : desks_) silent_issuer(desk);
    if (profile != "iso87-ascii") terminal_with_cmac();
    advice_refused_later(desks_[0]);
    for (Desk& desk : desks_) refund_that_needs_a_checker(desk);
    if (profile != "iso87-ascii") {
        fees_of_a_merchant();
        refund_of_a_short_reserve();
    }
    for (Desk& desk : desks_) hotel(desk);
    for (const std::string of : {"unionpay-pos", "iso87-ascii"})
        if (profile.empty() || profile == of) wallets(of);
    kill_under_way();
    for (Desk& desk : desks_) settlement(desk);
    books_compare();
}

void Scenes::open_desks(std::string_view only) {
    int number = 1;
    for (const std::string profile : {"unionpay-pos", "iso87-ascii"}) {
        if (!only.empty() && only != profile) continue;
        for (const std::string issuer : {"issuer-a", "issuer-b"}) {
            const char* digits = issuer == "issuer-a" ? card_of_issuer_a : card_of_issuer_b;
            desks_.push_back({profile + ", " + issuer, profile, issuer, *iso8583::Pan::parse(digits),
                              profile == "unionpay-pos" ? "98" : "68", line(profile, number++)});
        }
    }
}

void Scenes::sign_on() {
    scene("sign-on and echo");
    for (Desk& desk : desks_) {
        if (desk.profile == "unionpay-pos")
            expect(desk.name + ": sign-on brings working keys", "00",
                   desk.line->exchange(desk.line->terminal().sign_on(utc_now())));
        expect(desk.name + ": echo", "00", desk.line->exchange(desk.line->terminal().echo(utc_now())));
    }
}

void Scenes::sales_and_partial_refunds(Desk& desk) {
    scene("sale and partial refunds: " + desk.name);
    const auto sale = sell(desk, 10000);
    if (!sale) return;
    const Sold& sold = *sale;
    auto refund = [&](std::int64_t amount) {
        return desk.line->exchange(desk.line->terminal().refund(sold.receipt, amount, utc_now()));
    };
    expect("refund of 30.00", "00", refund(3000));
    expect("refund of 20.00", "00", refund(2000));
    expect("refund of 50.01, one fen too much", "64", refund(5001));
    expect("refund of 50.00, exactly what remains", "00", refund(5000));
    expect("refund of 0.01 of nothing left", "64", refund(1));
    show_ledger(sold.receipt.rrn);
}

void Scenes::sale_with_pin(Desk& desk) {
    // The terminal's PIN block reaches issuer-a in format 0 under its TDES key, issuer-b in format 4 under
    // its AES key.
    scene("sale with PIN: " + desk.name);
    peers::SaleOptions options;
    options.pin = test_pin;
    const auto request = desk.line->terminal().sale(desk.card, 1200, utc_now(), options);
    expect("sale with PIN", "00", desk.line->exchange(request));
}

void Scenes::void_of_a_sale(Desk& desk) {
    scene("void: " + desk.name);
    const auto sale = sell(desk, 2500);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("void", "00", desk.line->exchange(desk.line->terminal().void_sale(sold.receipt, utc_now())));
    // issuer-a takes a void as the reversal of the sale, issuer-b as a request of its own.
    expect_effect("the issuer's books", desk, desk.issuer == "issuer-a" ? "reversal of sale" : "void", "",
                  2500);
    expect("refund of the voided sale", "12",
           desk.line->exchange(desk.line->terminal().refund(sold.receipt, 2500, utc_now())));
}

void Scenes::reversal_of_a_sale(Desk& desk) {
    scene("reversal: " + desk.name);
    const auto sale = sell(desk, 7700);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("reversal", "00",
           desk.line->exchange(desk.line->terminal().reversal(sold.request, "98", utc_now())));
    expect_effect("the issuer's books", desk, "reversal of sale", sold.receipt.rrn.str(), 7700);
    expect("a retry of the reversed sale is never 00", "12",
           desk.line->exchange(desk.line->terminal().again(sold.request)));
}

void Scenes::retry_of_a_sale(Desk& desk) {
    scene("retry: " + desk.name);
    const auto sale = sell(desk, 4200);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("the same sale again", "00", desk.line->exchange(desk.line->terminal().again(sold.request)));
    const auto& again = desk.line->outcome().receipt;
    expect("same RRN and authorization code", sold.receipt.rrn.str() + " " + sold.receipt.authorization,
           again ? again->rrn.str() + " " + again->authorization : "none");
}

void Scenes::silent_issuer(Desk& desk) {
    scene("issuer time-out: " + desk.name);
    const auto request = desk.line->terminal().sale(desk.card, silent_amount, utc_now());
    expect("sale that the issuer never answers", desk.silent_code, desk.line->exchange(request));
    expect_effect("reversed by the switch on its own", desk, "reversal of sale", "", silent_amount);
    expect("the terminal's own reversal", "00",
           desk.line->exchange(desk.line->terminal().reversal(request, "98", utc_now())));
    expect("a retry is still not approved", desk.silent_code,
           desk.line->exchange(desk.line->terminal().again(request)));
}

void Scenes::terminal_with_cmac() {
    const Desk& like = desks_[1];
    Desk desk{"unionpay-pos with CMAC, " + like.issuer,
              like.profile,
              like.issuer,
              like.card,
              like.silent_code,
              line(like.profile, cmac_terminal, hsm::MacProfile{hsm::MacAlgorithm::aes_cmac, {}})};
    scene("sign-on of a terminal whose MAC is a CMAC");
    expect("sign-on brings working keys", "00",
           desk.line->exchange(desk.line->terminal().sign_on(utc_now())));
    sales_and_partial_refunds(desk);
    scene("an amount changed on the way: " + desk.name);
    auto request = desk.line->terminal().sale(desk.card, 100, utc_now());
    // DE4 in BCD: 1.00 becomes 9,001.00 under the MAC of the sale that the terminal sent.
    const iso8583::Bytes asked = *iso8583::parse_hex("000000000100");
    const iso8583::Bytes changed = *iso8583::parse_hex("000000900100");
    const auto at = std::search(request.frame.begin(), request.frame.end(), asked.begin(), asked.end());
    expect("DE4 is in the message", "yes", at != request.frame.end() ? "yes" : "no");
    if (at == request.frame.end()) return;
    std::copy(changed.begin(), changed.end(), at);
    request.fields.set(Field::amount_transaction, "000000900100");
    expect("the changed sale", "A0", desk.line->exchange(request));
}

void Scenes::advice_refused_later(Desk& desk) {
    scene("refund advice that the issuer refuses: " + desk.name);
    const auto sale = sell(desk, 6000);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("issuer is told to refuse the next refund", "ok",
           stack_.tell(desk.issuer, "next refund decline 14"));
    expect("the terminal's refund is accepted durably", "00",
           desk.line->exchange(desk.line->terminal().refund(sold.receipt, 1000, utc_now())));
    const auto& refund = desk.line->outcome().receipt;
    expect("it goes on counting: one fen more than the rest", "64",
           desk.line->exchange(desk.line->terminal().refund(sold.receipt, 5001, utc_now())));
    if (refund) show_ledger(refund->rrn);
}

void Scenes::refund_that_needs_a_checker(Desk& desk) {
    scene("refund that needs a checker: " + desk.name);
    const auto sale = sell(desk, 2'000'000);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("refund of 10,000.01 is held", "01",
           desk.line->exchange(desk.line->terminal().refund(sold.receipt, 1'000'001, utc_now())));
    const std::string case_number = desk.line->outcome().text();
    const std::string rrn = desk.line->outcome().receipt ? desk.line->outcome().receipt->rrn.str() : "";
    fmt::print("  case {}\n", case_number);
    expect("a maker may not approve it", "1",
           std::to_string(stack_.refundctl("maker1", {"refund", "approve", case_number}).code));
    const Finished approved = stack_.refundctl("checker1", {"refund", "approve", case_number});
    fmt::print("  | {}", approved.out);
    expect("a checker approves it", "0", std::to_string(approved.code));
    expect_effect("the issuer's books", desk, "refund", rrn, 1'000'001);
}

void Scenes::kill_under_way() {
    scene("kill -9 while a sale is with its issuer");
    Desk& desk = desks_[1];
    const auto before = sell(desk, 3300);
    Desk& advice = desks_[0];
    const auto advice_sale = sell(advice, 3300);
    if (!before || !advice_sale) return;
    expect("issuer is told to be silent on the next refund", "ok",
           stack_.tell(advice.issuer, "next refund silent 30"));
    expect("refund by advice is accepted", "00",
           advice.line->exchange(advice.line->terminal().refund(advice_sale->receipt, 1300, utc_now())));
    const auto request = desk.line->terminal().sale(desk.card, 20'000 + silent_amount, utc_now());
    desk.line->send(request);
    expect_effect("the issuer has booked it, its answer will not come", desk, "sale", "",
                  20'000 + silent_amount);
    stack_.kill_switch();
    fmt::print("  kill -9\n");
    auto restarted = stack_.start_switch();
    expect("the switch starts again", "ready", restarted ? "ready" : restarted.error().what);
    if (!restarted) return;
    for (Desk& d : desks_) d.line->move_to(stack_.address(d.profile));
    expect("the approved sale is still known, without a new sign-on", "00",
           desk.line->exchange(desk.line->terminal().again(before->request)));
    expect("with its RRN", before->receipt.rrn.str(),
           desk.line->outcome().receipt ? desk.line->outcome().receipt->rrn.str() : "none");
    expect("the sale that was under way is in doubt", desk.silent_code,
           desk.line->exchange(desk.line->terminal().again(request)));
    expect_effect("and is reversed by the switch", desk, "reversal of sale", "", 20'000 + silent_amount);
    expect_effect("the refund by advice reached its issuer once", advice, "refund", "", 1300);
    expect("a refund after the restart", "00",
           desk.line->exchange(desk.line->terminal().refund(before->receipt, 3300, utc_now())));
}

void Scenes::settlement(Desk& desk) {
    scene("settlement: " + desk.name);
    Desk own{desk.name, desk.profile,     desk.issuer,
             desk.card, desk.silent_code, line(desk.profile, desk.issuer == "issuer-a" ? 51 : 52)};
    if (own.profile == "unionpay-pos")
        expect("sign-on", "00", own.line->exchange(own.line->terminal().sign_on(utc_now())));
    const auto sale = sell(own, 6000);
    if (!sale) return;
    const Sold& sold = *sale;
    expect("refund of 10.00", "00",
           own.line->exchange(own.line->terminal().refund(sold.receipt, 1000, utc_now())));
    const auto before = own.line->terminal().batch();
    expect("settlement with the right totals", "00",
           own.line->exchange(own.line->terminal().settlement(own.line->terminal().totals(), utc_now())));
    if (own.profile == "unionpay-pos")
        expect("the next batch", before.next().str(), own.line->terminal().batch().str());
    expect("void after settlement: refund instead", "12",
           own.line->exchange(own.line->terminal().void_sale(sold.receipt, utc_now())));
}

}  // namespace demo
