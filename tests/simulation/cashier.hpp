// Cashier: a person at a till, by chance. Sells, refunds, voids, settles; waits, repeats and reverses as
// terminals do when no answer comes (docs/wire.md), and now and then does what nobody should: another card, a
// forged MAC, a reversal of what was never sent.
//
// Owner: the run. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/chance.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {

/// The slips of one merchant's sales: any of its tills may refund them.
struct Shop {
    static constexpr std::size_t slips_max = 48;
    std::deque<peers::Receipt> slips;
};

struct CashierHabits {
    std::int64_t think_ms_min = 200;
    std::int64_t think_ms_max = 4'000;
    std::int64_t patience_ms = 12'000;  // how long an answer is awaited
    std::uint32_t magic_permille = 60;  // sales and refunds with a magic amount of issuer-sim
    std::uint32_t retries_permille = 200;
    std::uint32_t forgets_permille = 60;  // gives up without reversing
};

class Cashier {
  public:
    Cashier(World& world, Till& till, Shop& shop, const CashierHabits& habits, Chance chance);

    void start();
    /// No new sales; what is under way is brought to an end.
    void stop() { stopped_ = true; }
    [[nodiscard]] bool quiet() const { return stopped_ && waiting_ == nullptr && to_reverse_.empty(); }
    /// After the faults: signs on, sells for 1.00 and refunds it. Says what did not work.
    void probe(std::function<void(const std::string&)> failed);
    [[nodiscard]] bool probed() const { return probe_ == Probe::done; }

  private:
    enum class Probe : std::uint8_t { none, sign_on, settlement, upload_end, sale, refund, done };

    void think();
    void act();
    void give_up();
    void answered(Till::Asked& asked);
    void wait_for(Till::Asked& asked, bool reversal = false);
    void ask(peers::Outgoing out, bool expected_back = true);
    void next_probe();

    void sell();
    void refund();
    void void_sale();
    void reverse_old();
    void retry_old();
    void settle();
    void misbehave();
    [[nodiscard]] iso8583::Pan any_card();
    [[nodiscard]] std::int64_t any_amount();
    [[nodiscard]] std::size_t any_line() { return chance_.below(10) == 0 ? 1 : 0; }

    World& world_;
    Till& till_;
    Shop& shop_;
    CashierHabits habits_;
    Chance chance_;
    bool stopped_ = false;

    Till::Asked* waiting_ = nullptr;  // the till keeps it for asked_max requests
    bool waiting_is_reversal_ = false;
    iso8583::Instant waiting_since_;
    int tries_ = 0;
    std::deque<peers::Outgoing> to_reverse_;
    std::deque<peers::Outgoing> done_;  // finished ones: to be repeated or reversed later
    std::deque<peers::Receipt> own_;    // own sales, to be voided
    bool must_sign_on_ = false;
    bool must_upload_ = false;
    bool must_settle_ = false;  // the 0510 was lost: the batch may be closed, or wait for its upload
    Probe probe_ = Probe::none;
    bool probe_settled_ = false;
    std::function<void(const std::string&)> probe_failed_;
};

}  // namespace simulation
