// Cashiers: people at the tills. They sell, refund, void, settle; wait, repeat and reverse as terminals do
// when no answer comes (docs/wire.md), lose their connections, and now and then do what nobody should:
// another card, a forged MAC, a reversal of what was never sent, a trace used twice, another shop's slip.
#include <algorithm>
#include <deque>
#include <map>

#include "tests/simulation/actor.hpp"
#include "tests/simulation/calendar.hpp"
#include "tests/simulation/flow_words.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {
namespace {

using iso8583::Field;
using peers::Outgoing;
using peers::Receipt;
using peers::Transaction;

constexpr std::size_t slips_max = 48;
constexpr std::size_t remembered_max = 24;
constexpr int reversal_tries_max = 3;
constexpr int reversal_tries_when_calm_max = 40;
constexpr const char* magic_ends[] = {"9905", "9910", "9951", "9954", "9968", "9969",
                                      "9970", "9971", "9972", "9991", "9996"};

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

/// The slips of one merchant's sales and authorizations: any of its tills may refund or complete them.
struct Shop {
    std::deque<Receipt> slips;
    std::deque<Receipt> authorizations;
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
    Till::Asked& send(Outgoing out, const std::string& words);
    void again(Till::Asked& asked, bool repeat_mti);
    void ask(Outgoing out, const std::string& words) { wait_for(send(std::move(out), words)); }
    void sign_on() { ask(till_.terminal().sign_on(till_.utc()), "sign-on"); }
    void sign_off();
    void reverse(const Outgoing& original, std::string_view reason);

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
    void under_the_same_key(const Outgoing& old);
    void a_trace_again(const Outgoing& old);
    void under_a_newer_time(const Outgoing& old);
    void reverse_what_never_came();
    void send_what_is_wrong();
    void leave_too_much(const Outgoing& old);
    void void_with_another_authorization(Receipt slip);
    /// A published test card number.
    [[nodiscard]] const char* any_card();
    [[nodiscard]] std::int64_t any_amount();
    [[nodiscard]] std::size_t any_line() { return chance_.below(10) == 0 ? 1 : 0; }
    [[nodiscard]] std::string name(const Outgoing& out) const {
        return name_of(till_.terminal().config().terminal, out.stan);
    }
    [[nodiscard]] const Outgoing& any_done(std::uint32_t newest_permille) {
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
    std::deque<Outgoing> to_reverse_;
    std::string last_code_;        // of a wallet
    std::deque<Outgoing> done_;    // finished ones: to be repeated or reversed later
    std::deque<Receipt> own_;      // own sales, to be voided
    std::deque<Receipt> strange_;  // slips of refunds and voids: no originals of anything
    bool must_sign_on_ = false;
    bool must_upload_ = false;
    bool must_settle_ = false;  // the 0510 was lost: the batch may be closed, or wait for its upload
    Probe probe_ = Probe::none;
    bool probe_settled_ = false;
    std::optional<Receipt> probe_sale_;
    int probe_refunds_ = 0;
};

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

// ---- What is done

void Cashier::act() {
    if (chance_.permille(habits_.odd_permille)) return misbehave();
    if (chance_.permille(habits_.hangs_up_permille)) return hang_up();
    if (chance_.permille(habits_.hotel_permille)) return go_on_with_an_authorization();
    const std::uint32_t what = chance_.below(100);
    if (what < 38) return sell();
    if (what < 67) return refund();
    if (what < 77) return void_sale();
    if (what < 84) return reverse_old();
    if (what < 91) return retry_old();
    if (what < 94) return settle();
    if (what < 96) return sign_on();
    if (what < 98) return ask(till_.terminal().echo(till_.utc()), "echo");
    hang_up();
}

void Cashier::hang_up() {
    const std::size_t line = any_line();
    acts_.did("terminal " + till_word(till_.terminal().config().terminal) + " hangs-up" +
              (line == 1 ? " line=2" : ""));
    till_.drop_line(line);
}

const char* Cashier::any_card() {
    const std::uint32_t which = chance_.below(3);
    const char* card = chance_.permille(500) ? cards_a[which] : cards_b[which];
    return chance_.permille(15) ? card_nowhere : card;
}

std::int64_t Cashier::any_amount() {
    if (chance_.permille(habits_.magic_permille))
        return std::stoll(std::to_string(chance_.between(1, 40)) +
                          magic_ends[chance_.below(std::size(magic_ends))]);
    if (chance_.permille(150)) return 1'000;  // equal ones, so that equal refunds happen
    return chance_.between(1, 40'000);
}

void Cashier::sell() {
    peers::SaleOptions options;
    if (chance_.permille(60)) options.pin = "1234";
    if (chance_.permille(100)) options.entry_mode = "012";
    options.partial =
        habits_.partial && till_.profile() == acquirer::Profile::unionpay_pos && chance_.permille(400);
    if (chance_.permille(habits_.wallet_permille)) return sell_to_wallet(any_amount());
    const char* card = any_card();
    const std::int64_t amount = any_amount();
    ask(till_.terminal().sale(iso8583::Pan::parse(card).value(), amount, till_.utc(), options),
        "sale amount=" + major(amount) + " card=" + card + (options.pin.empty() ? "" : " pin=1234") +
            (options.entry_mode == "012" ? " entry=012" : "") + (options.partial ? " partial=yes" : ""));
}

/// By a fresh code, by one that was used already, by one that no wallet has.
std::string Cashier::any_code() {
    constexpr std::uint32_t other_digits = 100'000'000;
    const auto code = [this](const char* first, std::size_t digits) {
        std::string text = first;
        while (text.size() < digits) text += std::to_string(other_digits + chance_.below(other_digits));
        return text.substr(0, digits);
    };
    if (last_code_.empty() || !chance_.permille(50)) {
        if (chance_.permille(30))
            last_code_ = code("77", 18);
        else
            last_code_ = chance_.permille(500) ? code("13", 18) : code("28", chance_.below(9) + 16);
    }
    return last_code_;
}

void Cashier::sell_to_wallet(std::int64_t amount) {
    peers::SaleOptions options;
    options.payment_code = any_code();
    ask(till_.terminal().sale(iso8583::Pan(), amount, till_.utc(), options),
        "sale amount=" + major(amount) + " code=" + options.payment_code);
}

void Cashier::authorize() {
    const std::int64_t amount = any_amount();
    if (habits_.wallet_permille > 0 && chance_.permille(80)) {  // which no wallet does
        peers::SaleOptions options;
        options.payment_code = any_code();
        return ask(till_.terminal().authorization(iso8583::Pan(), amount, till_.utc(), options),
                   "authorization amount=" + major(amount) + " code=" + options.payment_code);
    }
    const char* card = any_card();
    ask(till_.terminal().authorization(iso8583::Pan::parse(card).value(), amount, till_.utc()),
        "authorization amount=" + major(amount) + " card=" + card);
}

/// Completes within and above the bound, by request and by advice, voids, from any till of the shop.
void Cashier::go_on_with_an_authorization() {
    if (shop_.authorizations.empty() || chance_.permille(400)) return authorize();
    const auto count = static_cast<std::uint32_t>(shop_.authorizations.size());
    Receipt slip =
        chance_.permille(600) ? shop_.authorizations.back() : shop_.authorizations[chance_.below(count)];
    const std::string named = " auth=" + name_of(slip.terminal, slip.stan);
    const std::string code = chance_.permille(30) ? " de38=ZZZZZZ" : "";
    if (!code.empty()) slip.authorization = "ZZZZZZ";
    if (chance_.permille(250))
        return ask(till_.terminal().void_authorization(slip, till_.utc()), "void" + named + code);
    constexpr std::int64_t percent_max = 120;  // of which the last five are above the bound
    const std::int64_t amount =
        std::max<std::int64_t>(1, slip.amount * chance_.between(1, percent_max) / 100);
    const auto by = chance_.permille(500) ? peers::CompletionBy::request : peers::CompletionBy::advice;
    ask(till_.terminal().completion(slip, amount, by, till_.utc()),
        (by == peers::CompletionBy::request ? "complete" : "advise") + named + " amount=" + major(amount) +
            code);
}

void Cashier::refund() {
    if (shop_.slips.empty()) return sell();
    // At the end of a decade everybody comes with the same slip, with a small thing of it each: refunds of
    // one sale on both sides of the turn.
    const bool of_the_first = habits_.clings_to_a_slip && chance_.permille(800);
    const Receipt& slip = of_the_first ? shop_.slips.front()
                          : chance_.permille(400)
                              ? shop_.slips.back()
                              : shop_.slips[chance_.below(static_cast<std::uint32_t>(shop_.slips.size()))];
    std::int64_t amount = slip.amount;
    const std::uint32_t how = chance_.below(100);
    if (of_the_first)
        amount = std::max<std::int64_t>(1, slip.amount / 50);
    else if (how < 55 && amount > 1)
        amount = chance_.between(1, slip.amount);
    else if (how < 65)
        amount = std::min<std::int64_t>(500, slip.amount);
    else if (how < 70)
        amount = slip.amount + chance_.between(1, 100);
    const std::string words = "refund sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(amount);
    // Two at once, or more than a case has room for: only one of them is waited for.
    std::size_t at_once = chance_.permille(80) ? 1 : 0;
    if (chance_.permille(4)) at_once = ledger::joined_keys_max + 1;
    while (at_once-- > 0) send(till_.terminal().refund(slip, amount, till_.utc()), words);
    ask(till_.terminal().refund(slip, amount, till_.utc()), words);
}

void Cashier::void_sale() {
    const bool of_another_till = chance_.permille(60) && !shop_.slips.empty();
    if (own_.empty() && !of_another_till) return sell();
    const auto& from = of_another_till ? shop_.slips : own_;
    Receipt slip =
        chance_.permille(700) ? from.back() : from[chance_.below(static_cast<std::uint32_t>(from.size()))];
    const bool other_amount = chance_.permille(50);
    if (other_amount) slip.amount += 1;
    ask(till_.terminal().void_sale(slip, till_.utc()),
        "void sale=" + name_of(slip.terminal, slip.stan) +
            (other_amount ? " amount=" + major(slip.amount) : ""));
}

void Cashier::reverse_old() {
    if (done_.empty()) return;
    const Outgoing& old = any_done(600);
    if (old.transaction == Transaction::reversal) return;
    const bool can_be_lowered =
        till_.profile() == acquirer::Profile::iso87 && old.transaction == Transaction::sale && old.amount > 1;
    // … of a void, and at once of its sale, while the void is being undone (R32, R34).
    if (old.transaction == Transaction::void_sale && chance_.permille(500)) {
        const auto sale = std::find_if(done_.rbegin(), done_.rend(), [&](const Outgoing& o) {
            return o.transaction == Transaction::sale && o.amount == old.amount;
        });
        if (sale != done_.rend()) to_reverse_.push_front(*sale);
    }
    if (!can_be_lowered || !chance_.permille(400)) return reverse(old, "06");
    const std::int64_t left = chance_.between(1, old.amount - 1);
    wait_for(send(till_.terminal().partial_reversal(old, left, till_.utc()),
                  "reversal of=" + name(old) + " left=" + major(left)),
             true);
}

void Cashier::retry_old() {
    if (done_.empty()) return;
    const Outgoing& old = any_done(400);
    const bool repeat = chance_.permille(500);
    wait_for(
        send(till_.terminal().again(old, repeat), "retry of=" + name(old) + (repeat ? " repeat=yes" : "")),
        old.transaction == Transaction::reversal);
}

void Cashier::settle() {
    peers::TerminalTotals totals = till_.terminal().totals();
    const bool wrong = chance_.permille(200);
    if (wrong) ++totals.debit_amount;
    ask(till_.terminal().settlement(totals, till_.utc()),
        std::string("settle") + (wrong ? " totals=wrong" : ""));
}

// ---- What nobody should do

void Cashier::misbehave() {
    peers::Terminal& terminal = till_.terminal();
    switch (chance_.below(14)) {
        case 0: {  // a forged reversal
            if (done_.empty()) return;
            Outgoing out = terminal.reversal(done_.back(), "98", till_.utc());
            out.frame.back() = out.frame.back() == '0' ? '1' : '0';
            return ask(std::move(out), "reversal of=" + name(done_.back()) + " mac=bad");
        }
        case 1:
            return reverse_what_never_came();
        case 2: {  // another card
            if (shop_.slips.empty()) return;
            Receipt slip = shop_.slips.back();
            slip.pan = iso8583::Pan::parse(cards_a[2]).value();
            slip.order_number.clear();
            return ask(terminal.refund(slip, slip.amount, till_.utc()),
                       "refund sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount) +
                           " card=" + cards_a[2]);
        }
        case 3:
            if (!done_.empty()) under_the_same_key(done_.back());
            return;
        case 4: {  // another shop's slip
            const auto other = std::find_if(shops_.begin(), shops_.end(), [&](const auto& s) {
                return &s.second != &shop_ && !s.second.slips.empty();
            });
            if (other == shops_.end()) return;
            const Receipt slip = other->second.slips.back();
            return ask(terminal.refund(slip, slip.amount, till_.utc()),
                       "refund sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount));
        }
        case 5: {  // a refund or void of what is no sale
            if (strange_.empty()) return;
            const Receipt slip = strange_.back();
            const std::string words =
                " sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount);
            if (chance_.permille(500)) return ask(terminal.void_sale(slip, till_.utc()), "void" + words);
            return ask(terminal.refund(slip, slip.amount, till_.utc()), "refund" + words);
        }
        case 6:
            if (!done_.empty()) a_trace_again(any_done(300));
            return;
        case 7:  // before the next sale it signs on, or is told to
            must_sign_on_ = false;
            return sign_off();
        case 8:
            if (!done_.empty() && till_.profile() == acquirer::Profile::iso87)
                under_a_newer_time(any_done(500));
            return;
        case 9:
            return send_what_is_wrong();
        case 10:
            if (!own_.empty()) void_with_another_authorization(own_.back());
            return;
        case 11:
            if (!done_.empty() && till_.profile() == acquirer::Profile::iso87) leave_too_much(done_.back());
            return;
        case 12:  // signs on again and again
            for (int i = 0; i < 5; ++i) send(terminal.sign_on(till_.utc()), "sign-on");
            return;
        default: {  // another amount in a reversal
            if (done_.empty() || done_.back().transaction == Transaction::reversal) return;
            Outgoing original = done_.back();
            original.fields.set(Field::amount_transaction,
                                iso8583::Amount(78, iso8583::Currency::of(156)).field());
            return wait_for(send(terminal.reversal(original, "06", till_.utc()),
                                 "reversal of=" + name(original) + " amount=0.78"),
                            true);
        }
    }
}

/// And at times a sale right behind it, in the same piece: its MAC is right, and the session is over.
void Cashier::sign_off() {
    const std::string terminal = "terminal " + till_word(till_.terminal().config().terminal) + " ";
    Outgoing off = till_.terminal().sign_off(till_.utc());
    if (till_.profile() != acquirer::Profile::unionpay_pos || !chance_.permille(500)) {
        acts_.did(terminal + "sign-off");
        till_.ask(std::move(off));
        return;
    }
    const std::int64_t amount = any_amount();
    Outgoing sale = till_.terminal().sale(iso8583::Pan::parse(cards_a[0]).value(), amount, till_.utc(), {});
    acts_.did(terminal + "sign-off together=yes");
    acts_.did(terminal + "sale amount=" + major(amount) + " keys=none as=" + name(sale));
    wait_for(till_.ask_in_one_piece(std::move(off), std::move(sale)));
}

/// Another amount under the key of an old request (R21).
void Cashier::under_the_same_key(const Outgoing& old) {
    iso8583::FieldValues fields = old.fields;
    fields.set(Field::amount_transaction, iso8583::Amount(77, iso8583::Currency::of(156)).field());
    Outgoing out = till_.terminal().custom(old.transaction, std::move(fields));
    out.pan = old.pan;
    send(std::move(out), "retry of=" + name(old) + " amount=0.77");
}

/// A reversal before its original, which may come after all.
void Cashier::reverse_what_never_came() {
    peers::Terminal& terminal = till_.terminal();
    const char* card = any_card();
    const std::int64_t amount = any_amount();
    Till::Asked& lost =
        till_.ask_in_vain(terminal.sale(iso8583::Pan::parse(card).value(), amount, till_.utc()));
    acts_.did("terminal " + till_word(terminal.config().terminal) + " sale amount=" + major(amount) +
              " card=" + card + " lost=yes as=" + name(lost.sent()));
    send(terminal.reversal(lost.sent(), "98", till_.utc()), "reversal of=" + name(lost.sent()));
    if (chance_.permille(600)) again(lost, chance_.permille(300));
}

/// The same transaction, as the terminal's clock has gone on.
void Cashier::under_a_newer_time(const Outgoing& old) {
    iso8583::FieldValues fields = old.fields;
    fields.set(Field::transmission_time,
               iso8583::TransmissionTime::from_utc(till_.utc().plus_ms(1'000)).str());
    Outgoing out = till_.terminal().custom(old.transaction, std::move(fields));
    out.pan = old.pan;
    send(std::move(out), "retry of=" + name(old) + " new_time=yes");
}

/// A partial reversal that leaves more than there is.
void Cashier::leave_too_much(const Outgoing& old) {
    if (old.transaction != Transaction::sale) return;
    const std::int64_t left = old.amount + chance_.between(0, 100);
    wait_for(send(till_.terminal().partial_reversal(old, left, till_.utc()),
                  "reversal of=" + name(old) + " left=" + major(left)),
             true);
}

void Cashier::void_with_another_authorization(Receipt slip) {
    slip.authorization = "ZZZZZZ";
    ask(till_.terminal().void_sale(slip, till_.utc()),
        "void sale=" + name_of(slip.terminal, slip.stan) + " de38=ZZZZZZ");
}

/// A sale that is no sale: fields are missing or say nothing, or its PIN is none.
void Cashier::send_what_is_wrong() {
    const char* card = any_card();
    peers::SaleOptions options;
    const std::uint32_t how = chance_.below(5);
    if (how == 3) options.pin = "1234";
    iso8583::FieldValues fields =
        till_.terminal().sale(iso8583::Pan::parse(card).value(), 1'000, till_.utc(), options).fields;
    std::string words = std::string("sale amount=10.00 card=") + card;
    if (how == 0) {
        fields.erase(Field::pos_entry_mode);
        words += " de22=-";
    } else if (how == 1) {
        fields.set(Field::amount_transaction, "000000000000");
        words += " de4=000000000000";
    } else if (how == 2) {
        fields.set(Field::currency_transaction, "840");
        words += " de49=840";
    } else if (how == 4) {
        fields.set(Field::processing_code, "310000");  // the balance of an account
        words += " de3=310000";
    } else if (fields.has(Field::pin_data)) {
        fields.set(Field::pin_data, "12345678");
        words += " de52=12345678";
    }
    Outgoing out = till_.terminal().custom(Transaction::sale, std::move(fields));
    out.pan = iso8583::Pan::parse(card).value();
    send(std::move(out), words);
}

/// A terminal that lost its place: another sale under a trace that was used.
void Cashier::a_trace_again(const Outgoing& old) {
    const char* card = any_card();
    const std::int64_t amount = any_amount();
    iso8583::FieldValues fields =
        till_.terminal().sale(iso8583::Pan::parse(card).value(), amount, till_.utc()).fields;
    fields.set(Field::stan, old.stan.str());
    Outgoing out = till_.terminal().custom(Transaction::sale, std::move(fields));
    out.pan = iso8583::Pan::parse(card).value();
    send(std::move(out), "sale amount=" + major(amount) + " card=" + card + " trace=" + name(old));
}

// ---- When all is still

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

class Cashiers final : public Actor {
  public:
    explicit Cashiers(Scene& scene) {
        Swarm& swarm = scene.swarm;
        Habits habits;
        habits.magic_permille = swarm.rate("magic amounts", 500, 120);
        habits.retries_permille = swarm.rate("retries", 800, 500);
        habits.forgets_permille = swarm.rate("forgetful cashiers", 500, 200);
        habits.hasty_permille = swarm.rate("hasty reversals", 400, 200);
        habits.hangs_up_permille = swarm.rate("hang-ups", 500, 120);
        habits.odd_permille = swarm.rate("misbehaving cashiers", 600, 200);
        habits.partial = swarm.has("partial sales", 500);
        habits.hotel_permille = swarm.rate("pre-authorizations", 600, 400);
        habits.wallet_permille = swarm.rate("wallets", 500, 500);
        habits.clings_to_a_slip = swarm.present().contains(end_of_a_decade);
        for (Till* till : scene.tills)
            cashiers_.push_back(std::make_unique<Cashier>(scene, *till, shops_, habits));
    }
    void start() override {
        for (const auto& cashier : cashiers_) cashier->start();
    }
    void calm() override {
        for (const auto& cashier : cashiers_) cashier->stop();
    }
    void probe() override {
        for (const auto& cashier : cashiers_) cashier->probe();
    }
    [[nodiscard]] bool quiet() const override {
        return std::all_of(cashiers_.begin(), cashiers_.end(), [](const auto& c) { return c->quiet(); });
    }

  private:
    Shops shops_;
    std::vector<std::unique_ptr<Cashier>> cashiers_;
};

const ActorKind here("cashiers", make<Cashiers>);

}  // namespace
}  // namespace simulation
