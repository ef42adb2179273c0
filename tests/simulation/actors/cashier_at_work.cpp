// What a cashier does as he should: sales, refunds, voids, authorizations, late reversals and retries,
// settlements.
#include <algorithm>

#include "tests/simulation/actors/cashier.hpp"
#include "tests/simulation/world_configuration.hpp"

namespace simulation {

using peers::Outgoing;
using peers::Receipt;
using peers::Transaction;

namespace {

constexpr const char* magic_ends[] = {"9905", "9910", "9951", "9954", "9968", "9969",
                                      "9970", "9971", "9972", "9991", "9996"};

}  // namespace

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

}  // namespace simulation
