// The demo's scenes (docs/interfaces.md, "Two commands"): each says what must happen and notes what did.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/demo/demo_stack.hpp"
#include "tests/demo/terminal_line.hpp"

namespace demo {

/// One line of the table at the end.
struct Expectation {
    std::string scene, what, expected, seen;
    [[nodiscard]] bool held() const { return expected == seen; }
};

/// A terminal with a card of one issuer.
struct Desk {
    std::string name;  // "unionpay-pos, issuer-a"
    std::string profile, issuer;
    iso8583::Pan card;
    std::string silent_code;  // DE39 when the issuer is silent
    std::unique_ptr<TerminalLine> line;
};

class Scenes {
  public:
    explicit Scenes(DemoStack& stack) : stack_(stack) {}
    /// `profile`: of the terminals that play; empty: of both.
    void play_all(std::string_view profile);
    [[nodiscard]] const std::vector<Expectation>& expectations() const { return expectations_; }

  private:
    // A sale that was approved, and the request that made it.
    struct Sold {
        peers::Outgoing request;
        peers::Receipt receipt;
    };

    void open_desks(std::string_view profile);
    void sign_on();
    void sales_and_partial_refunds(Desk& desk);
    void sale_with_pin(Desk& desk);
    void void_of_a_sale(Desk& desk);
    void reversal_of_a_sale(Desk& desk);
    void retry_of_a_sale(Desk& desk);
    void silent_issuer(Desk& desk);
    void advice_refused_later(Desk& desk);
    void refund_that_needs_a_checker(Desk& desk);
    void kill_under_way();
    void terminal_with_cmac();
    void fees_of_a_merchant();
    void refund_of_a_short_reserve();
    void hotel(Desk& desk);
    void settlement(Desk& desk);
    void books_compare();
    // scenes_wallets.cpp
    void wallets(const std::string& profile);
    void refund_in_two_parts_that_is_processing(Desk& desk);
    void refund_into_a_closed_account(Desk& desk);
    void refund_of_a_discounted_sale(Desk& desk);
    std::optional<Sold> sell_to_wallet(Desk& desk, const std::string& payment_code, std::int64_t amount);
    /// What the ledger says of it, at last; the demo's patience is bounded.
    void expect_state(const std::string& what, const std::string& state, const iso8583::Rrn& rrn);

    std::optional<Sold> sell(Desk& desk, std::int64_t amount);
    /// `mac`: of a range that has not its profile's usual one.
    std::unique_ptr<TerminalLine> line(const std::string& profile, int number,
                                       std::optional<hsm::MacProfile> mac = std::nullopt);
    /// A unionpay-pos terminal of another merchant than the desks'.
    std::unique_ptr<TerminalLine> line_of(const std::string& merchant, std::uint32_t terminal);
    /// The same, signed on, with the first desk's card.
    std::optional<Desk> desk_of(const std::string& merchant, std::uint32_t terminal);
    void scene(const std::string& title);
    void expect(const std::string& what, const std::string& expected, const std::string& seen);
    void expect_effect(const std::string& what, const Desk& desk, const std::string& effect,
                       const std::string& rrn, std::int64_t amount);
    void show_ledger(const iso8583::Rrn& rrn);
    /// Prints what a command of viewers says.
    void show(const std::vector<std::string>& words);
    /// A text of its answer by name; "none" when there is none of that name.
    std::string shown_value(const std::vector<std::string>& words, const std::string& name);
    static peers::TerminalConfig terminal_config(const std::string& profile, int number);

    DemoStack& stack_;
    std::vector<Desk> desks_;
    std::set<std::string> terminals_;  // all that were used, for the comparison of books
    std::string scene_;
    std::vector<Expectation> expectations_;
};

}  // namespace demo
