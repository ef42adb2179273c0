// How a cashier lives: from one act to the next, what he waits for and what he hears; and the probe, when all
// is still.
#include "tests/simulation/actors/cashier.hpp"

#include <utility>

#include "tests/simulation/world_configuration.hpp"

namespace simulation {

using peers::Outgoing;
using peers::Receipt;
using peers::Transaction;

namespace {

constexpr std::size_t slips_max = 48;
constexpr std::size_t remembered_max = 24;
constexpr int reversal_tries_max = 3;
constexpr int reversal_tries_when_calm_max = 40;

bool is_financial(Transaction t) {
    return t == Transaction::sale || t == Transaction::refund || t == Transaction::void_sale ||
           t == Transaction::authorization || t == Transaction::void_authorization ||
           t == Transaction::completion;
}

template <typename T>
void remember(std::deque<T>& where, const T& what, std::size_t max) {
    if (where.size() == max) where.pop_front();
    where.push_back(what);
}

}  // namespace

Cashier::Cashier(Scene& scene, Till& till, Shops& shops, const Habits& habits)
    : world_(scene.world),
      till_(till),
      shops_(shops),
      shop_(shops[till.terminal().config().merchant.str()]),
      habits_(habits),
      acts_(scene.acts("cashier " + till.terminal().config().terminal.str())),
      pace_(scene.swarm.chance("pace " + till.terminal().config().terminal.str())),
      chance_(pace_.split()) {
    till_.on_answer = [this](Till::Asked& asked) { answered(asked); };
}

void Cashier::think() {
    if (probe_ != Probe::none) return;
    world_.at_work(pace_.between(habits_.think_ms_min, habits_.think_ms_max), [this] { think(); });
    const auto chance = acts_.next();
    if (!chance) return;
    chance_ = *chance;
    if (waiting_ != nullptr) return hurry();
    if (!till_.terminal().has_keys() || must_sign_on_) return sign_on();
    if (unjudged_ != nullptr) {
        Till::Asked& reversal = *std::exchange(unjudged_, nullptr);
        again(reversal, chance_.permille(500));
        return wait_for(reversal, true);
    }
    if (!to_reverse_.empty()) {
        const Outgoing original = to_reverse_.front();
        to_reverse_.pop_front();
        return reverse(original, "98");
    }
    if (must_settle_) return settle();
    if (must_upload_) return ask(till_.terminal().batch_upload_end(1, till_.utc()), "upload-end");
    if (!stopped_) act();
}

/// An answer is awaited.
void Cashier::hurry() {
    const std::int64_t waited = world_.now().instant.ms - waiting_since_.ms;
    if (waited >= habits_.patience_ms) return give_up();
    if (stopped_) return;
    // Impatient: the same request once more, perhaps on another connection, or its reversal at once.
    if (chance_.permille(30)) return again(*waiting_, chance_.permille(500));
    if (chance_.permille(habits_.hangs_up_permille)) return hang_up();
    if (!waiting_is_reversal_ && is_financial(waiting_->sent().transaction) &&
        chance_.permille(habits_.hasty_permille)) {
        const Outgoing original = waiting_->tries.front();
        waiting_ = nullptr;
        reverse(original, "06");
    }
}

Till::Asked& Cashier::send(Outgoing out, const std::string& words) {
    const std::size_t line = any_line();
    acts_.did("terminal " + till_word(till_.terminal().config().terminal) + " " + words + " as=" + name(out) +
              (line == 1 ? " line=2" : ""));
    return till_.ask(std::move(out), line);
}

void Cashier::again(Till::Asked& asked, bool repeat_mti) {
    const std::size_t line = any_line();
    acts_.did("terminal " + till_word(till_.terminal().config().terminal) + " retry of=" +
              name(asked.sent()) + (repeat_mti ? " repeat=yes" : "") + (line == 1 ? " line=2" : ""));
    till_.ask_again(asked, repeat_mti, line);
}

void Cashier::reverse(const Outgoing& original, std::string_view reason) {
    wait_for(send(till_.terminal().reversal(original, reason, till_.utc()), "reversal of=" + name(original)),
             true);
}

void Cashier::wait_for(Till::Asked& asked, bool reversal) {
    waiting_ = &asked;
    waiting_is_reversal_ = reversal;
    waiting_since_ = world_.now().instant;
    tries_ = 1;
}

void Cashier::give_up() {
    Till::Asked& asked = *std::exchange(waiting_, nullptr);
    const Outgoing sent = asked.sent();
    const int tries = tries_ + 1;
    if (waiting_is_reversal_) {
        // … and dropped: the switch may not rely on terminals.
        if (tries_ >= (stopped_ ? reversal_tries_when_calm_max : reversal_tries_max)) return;
        again(asked, sent.fields.mti().is_repeat() || chance_.permille(500));
        wait_for(asked, true);
        tries_ = tries;
        return;
    }
    must_settle_ = must_settle_ || sent.transaction == Transaction::settlement;
    if (!is_financial(sent.transaction)) return;
    if (tries_ < 3 && chance_.permille(habits_.retries_permille)) {
        again(asked, chance_.permille(500));
        wait_for(asked);
        tries_ = tries;
        return;
    }
    if (!chance_.permille(habits_.forgets_permille)) to_reverse_.push_back(asked.tries.front());
}

void Cashier::answered(Till::Asked& asked) {
    const Outgoing& sent = asked.sent();
    const peers::Outcome& outcome = asked.answers.back();
    const std::string code = outcome.code.str();
    // As terminals do: told to, or when the key they hold is not the switch's (a late 0810 of theirs).
    if (code == "77" || code == "A0") must_sign_on_ = true;
    if (asked.answers.size() == 1) {
        if (sent.transaction == Transaction::sign_on && code == "00") must_sign_on_ = false;
        if (sent.transaction == Transaction::settlement) must_settle_ = false;
        if (sent.transaction == Transaction::settlement && code == "00") must_upload_ = outcome.needs_upload;
        if (sent.transaction == Transaction::batch_upload_end) must_upload_ = false;
        if (is_financial(sent.transaction) || sent.transaction == Transaction::reversal)
            remember(done_, asked.tries.front(), remembered_max);
        const bool sold =
            sent.transaction == Transaction::sale || sent.transaction == Transaction::completion;
        if (sent.transaction == Transaction::authorization && outcome.receipt)
            remember(shop_.authorizations, *outcome.receipt, slips_max);
        if (outcome.receipt && !sold) remember(strange_, *outcome.receipt, remembered_max);
        if (sold && outcome.receipt) {
            remember(shop_.slips, *outcome.receipt, slips_max);
            remember(own_, *outcome.receipt, remembered_max);
        }
    }
    if (waiting_ != &asked) return;
    waiting_ = nullptr;
    if (probe_ != Probe::none) return next_probe();
    // A reversal that is refused for good is dropped; one that could not be judged is sent again.
    if (waiting_is_reversal_ && code != "00" && code != "12" && code != "25" && code != "64" &&
        code != "40" && code != "30")
        unjudged_ = &asked;
    // The bad answer to a sale is a reason to reverse it.
    if (is_financial(sent.transaction) &&
        (code == "98" || code == "68" || (code == "96" && chance_.permille(500))) && chance_.permille(700))
        to_reverse_.push_back(asked.tries.front());
}

void Cashier::probe() {
    probe_ = Probe::sign_on;
    sign_on();
}

void Cashier::next_probe() {
    const peers::Outcome& outcome = till_.last_answer();
    const auto sell = [this] {
        probe_ = Probe::sale;
        const char* card = chance_.permille(500) ? cards_a[0] : cards_b[0];
        ask(till_.terminal().sale(iso8583::Pan::parse(card).value(), 100, till_.utc()), "sale");
    };
    // A batch that waits for its upload: its 0510 was lost in bad weather.
    if (probe_ == Probe::sale && outcome.code.view() == "77" && !probe_settled_) {
        probe_settled_ = true;
        probe_ = Probe::settlement;
        return ask(till_.terminal().settlement(till_.terminal().totals(), till_.utc()), "settle");
    }
    // A sale of a dual-message route is collected a moment after its 00 (R94).
    constexpr int collection_tries_max = 200;
    if (probe_ == Probe::refund && outcome.code.view() == "09" && probe_sale_ &&
        ++probe_refunds_ < collection_tries_max)
        return ask(till_.terminal().refund(*probe_sale_, 100, till_.utc()), "refund");
    if (!outcome.approved())
        return probe_failed("terminal " + terminal() + " is answered " + outcome.code.str() + " (" +
                            outcome.text() + ") though nothing is wrong");
    switch (probe_) {
        case Probe::settlement:
            if (!must_upload_) return sell();
            probe_ = Probe::upload_end;
            return ask(till_.terminal().batch_upload_end(1, till_.utc()), "upload-end");
        case Probe::sign_on:
        case Probe::upload_end:
            return sell();
        case Probe::sale: {
            probe_ = Probe::refund;
            const auto* merchant = world_.configuration().find_merchant(till_.terminal().config().merchant);
            const bool may = merchant != nullptr && merchant->refund_enabled &&
                             !merchant->refund.refunds_per_terminal_day_max;
            if (!may || !outcome.receipt) break;
            probe_sale_ = outcome.receipt;
            return ask(till_.terminal().refund(*outcome.receipt, 100, till_.utc()), "refund");
        }
        case Probe::none:
        case Probe::refund:
        case Probe::done:
            break;
    }
    probe_ = Probe::done;
}

}  // namespace simulation
