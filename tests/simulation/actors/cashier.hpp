// Cashier: somebody at a till. He sells, refunds, voids, settles; waits, repeats and reverses as terminals do
// when no answer comes (docs/wire.md), and loses his connections: cashier.cpp has how he waits and what he
// hears, cashier_at_work.cpp what he does rightly, cashier_misbehaves.cpp what nobody should do.
//
// Owner: the actor "cashiers" (cashiers.cpp). His till, the shops and the scene outlive him. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/actor.hpp"
#include "tests/simulation/flow_words.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {

/// The slips of one merchant's sales and authorizations: any of its tills may refund or complete them.
struct Shop {
    std::deque<peers::Receipt> slips;
    std::deque<peers::Receipt> authorizations;
};
using Shops = std::map<std::string, Shop>;

/// How the cashiers of a world are.
struct Habits {
    std::int64_t think_ms_min = 80;
    std::int64_t think_ms_max = 2'000;
    std::int64_t patience_ms = 12'000;   // how long an answer is awaited
    std::uint32_t magic_permille = 0;    // sales and refunds with a magic amount of issuer-sim
    std::uint32_t retries_permille = 0;  // instead of a reversal
    std::uint32_t forgets_permille = 0;  // gives up without reversing
    std::uint32_t hasty_permille = 0;    // reverses what is still on its way
    std::uint32_t hangs_up_permille = 0;
    std::uint32_t odd_permille = 0;     // does what nobody should
    bool partial = false;               // asks for partial approvals
    std::uint32_t hotel_permille = 0;   // authorizes, completes, voids
    std::uint32_t wallet_permille = 0;  // of sales: by a payment code
    bool clings_to_a_slip = false;      // refunds small parts of one sale
};

class Cashier {
  public:
    Cashier(Scene& scene, Till& till, Shops& shops, const Habits& habits);

    void start() {
        world_.at_work(pace_.between(0, habits_.think_ms_max), [this] { think(); });
    }
    void stop() { stopped_ = true; }
    [[nodiscard]] bool quiet() const {
        return stopped_ && waiting_ == nullptr &&
               (probe_ == Probe::none ? to_reverse_.empty() && unjudged_ == nullptr : probe_ == Probe::done);
    }
    [[nodiscard]] std::string terminal() const { return till_.terminal().config().terminal.str(); }
    /// Signs on, sells for 1.00 and refunds it. What does not work is broken liveness.
    void probe();

  private:
    enum class Probe : std::uint8_t { none, sign_on, settlement, upload_end, sale, refund, done };

    void think();
    void act();
    void hurry();
    void give_up();
    void answered(Till::Asked& asked);
    void wait_for(Till::Asked& asked, bool reversal = false);
    void next_probe();
    void probe_failed(const std::string& what) {
        world_.checkers().broken("liveness", what, world_.now().instant);
        probe_ = Probe::done;
    }

    /// Sends it, over either connection. `words` is the rest of the flow's line.
    Till::Asked& send(peers::Outgoing out, const std::string& words);
    void again(Till::Asked& asked, bool repeat_mti);
    void ask(peers::Outgoing out, const std::string& words) { wait_for(send(std::move(out), words)); }
    void sign_on() { ask(till_.terminal().sign_on(till_.utc()), "sign-on"); }
    void sign_off();
    void reverse(const peers::Outgoing& original, std::string_view reason);

    void sell();
    void sell_to_wallet(std::int64_t amount);
    std::string any_code();
    void refund();
    void void_sale();
    void authorize();
    void go_on_with_an_authorization();
    void reverse_old();
    void retry_old();
    void settle();
    void hang_up();
    void misbehave();
    void under_the_same_key(const peers::Outgoing& old);
    void a_trace_again(const peers::Outgoing& old);
    void under_a_newer_time(const peers::Outgoing& old);
    void reverse_what_never_came();
    void reverse_with_a_forged_mac(const peers::Outgoing& old);
    void reverse_another_amount(const peers::Outgoing& old);
    void refund_to_another_card(peers::Receipt slip);
    void refund_of_another_shop();
    void undo_what_is_no_sale(const peers::Receipt& slip);
    void send_what_is_wrong();
    void leave_too_much(const peers::Outgoing& old);
    void void_with_another_authorization(peers::Receipt slip);
    /// A published test card number.
    [[nodiscard]] const char* any_card();
    [[nodiscard]] std::int64_t any_amount();
    [[nodiscard]] std::size_t any_line() { return chance_.below(10) == 0 ? 1 : 0; }
    [[nodiscard]] std::string name(const peers::Outgoing& out) const {
        return name_of(till_.terminal().config().terminal, out.stan);
    }
    [[nodiscard]] const peers::Outgoing& any_done(std::uint32_t newest_permille) {
        return chance_.permille(newest_permille)
                   ? done_.back()
                   : done_[chance_.below(static_cast<std::uint32_t>(done_.size()))];
    }

    World& world_;
    Till& till_;
    Shops& shops_;
    Shop& shop_;
    Habits habits_;
    Acts acts_;
    Chance pace_;    // when ticks come
    Chance chance_;  // of the act that is being done
    bool stopped_ = false;

    Till::Asked* waiting_ = nullptr;  // the till keeps it for asked_max requests
    bool waiting_is_reversal_ = false;
    iso8583::Instant waiting_since_;
    int tries_ = 0;
    Till::Asked* unjudged_ = nullptr;  // a reversal that is to be sent again
    std::deque<peers::Outgoing> to_reverse_;
    std::string last_code_;               // of a wallet
    std::deque<peers::Outgoing> done_;    // finished ones: to be repeated or reversed later
    std::deque<peers::Receipt> own_;      // own sales, to be voided
    std::deque<peers::Receipt> strange_;  // slips of refunds and voids: no originals of anything
    bool must_sign_on_ = false;
    bool must_upload_ = false;
    bool must_settle_ = false;  // the 0510 was lost: the batch may be closed, or wait for its upload
    Probe probe_ = Probe::none;
    bool probe_settled_ = false;
    std::optional<peers::Receipt> probe_sale_;
    int probe_refunds_ = 0;
};

}  // namespace simulation
