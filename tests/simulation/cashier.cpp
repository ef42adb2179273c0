#include "tests/simulation/cashier.hpp"

#include <algorithm>

namespace simulation {

using peers::Transaction;

namespace {

constexpr std::size_t remembered_max = 24;
constexpr int reversal_tries_max = 3;
constexpr const char* magic_ends[] = {"9905", "9951", "9954", "9968", "9969",
                                      "9970", "9971", "9972", "9991", "9996"};

bool is_financial(Transaction t) {
    return t == Transaction::sale || t == Transaction::refund || t == Transaction::void_sale;
}

template <typename T>
void remember(std::deque<T>& where, const T& what, std::size_t max) {
    if (where.size() == max) where.pop_front();
    where.push_back(what);
}

}  // namespace

Cashier::Cashier(World& world, Till& till, Shop& shop, const CashierHabits& habits, Chance chance)
    : world_(world), till_(till), shop_(shop), habits_(habits), chance_(chance) {
    till_.on_answer = [this](Till::Asked& asked) { answered(asked); };
}

void Cashier::start() {
    world_.at(chance_.between(0, habits_.think_ms_max), [this] { think(); });
}

void Cashier::think() {
    if (probe_ != Probe::none) return;
    world_.at(chance_.between(habits_.think_ms_min, habits_.think_ms_max), [this] { think(); });
    if (waiting_ != nullptr) {
        const std::int64_t waited = world_.now().instant.ms - waiting_since_.ms;
        if (waited >= habits_.patience_ms) return give_up();
        // Impatient: the same request once more, perhaps on another connection.
        if (chance_.permille(30)) till_.ask_again(*waiting_, chance_.permille(500), any_line());
        return;
    }
    const iso8583::UtcTime utc = till_.utc();
    if (!till_.terminal().has_keys() || must_sign_on_) return ask(till_.terminal().sign_on(utc));
    if (!to_reverse_.empty()) {
        const peers::Outgoing original = to_reverse_.front();
        to_reverse_.pop_front();
        return wait_for(till_.ask(till_.terminal().reversal(original, "98", utc), any_line()), true);
    }
    if (must_settle_) return settle();
    if (must_upload_) return ask(till_.terminal().batch_upload_end(1, utc));
    if (!stopped_) act();
}

void Cashier::wait_for(Till::Asked& asked, bool reversal) {
    waiting_ = &asked;
    waiting_is_reversal_ = reversal;
    waiting_since_ = world_.now().instant;
    tries_ = 1;
}

void Cashier::ask(peers::Outgoing out, bool expected_back) {
    Till::Asked& asked = till_.ask(std::move(out), any_line());
    if (expected_back) wait_for(asked);
}

void Cashier::give_up() {
    Till::Asked& asked = *std::exchange(waiting_, nullptr);
    const peers::Outgoing sent = asked.sent();
    if (waiting_is_reversal_) {
        if (tries_ >= reversal_tries_max && !stopped_)
            return;  // … and dropped: the switch may not rely on terminals
        till_.ask_again(asked, sent.fields.mti().is_repeat() || chance_.permille(500), any_line());
        const int tries = tries_ + 1;
        wait_for(asked, true);
        tries_ = tries;
        return;
    }
    must_settle_ = must_settle_ || sent.transaction == Transaction::settlement;
    if (!is_financial(sent.transaction)) return;
    if (tries_ < 3 && chance_.permille(habits_.retries_permille)) {
        till_.ask_again(asked, chance_.permille(500), any_line());
        const int tries = tries_ + 1;
        wait_for(asked);
        tries_ = tries;
        return;
    }
    if (!chance_.permille(habits_.forgets_permille)) to_reverse_.push_back(asked.tries.front());
}

void Cashier::answered(Till::Asked& asked) {
    const peers::Outgoing& sent = asked.sent();
    const peers::Outcome& outcome = asked.answers.back();
    const std::string code = outcome.code.str();
    if (asked.answers.size() == 1) {
        if (sent.transaction == Transaction::sign_on && code == "00") must_sign_on_ = false;
        // As terminals do: told to, or when the key they hold is not the switch's (a late 0810 of theirs).
        if (code == "77" || code == "A0") must_sign_on_ = true;
        if (sent.transaction == Transaction::settlement) must_settle_ = false;
        if (sent.transaction == Transaction::settlement && code == "00")
            must_upload_ =
                till_.profile() == acquirer::Profile::unionpay_pos &&
                std::string(outcome.fields.get(iso8583::Field::additional_data)).substr(30, 1) == "2";
        if (sent.transaction == Transaction::batch_upload_end) must_upload_ = false;
        if (is_financial(sent.transaction)) remember(done_, asked.tries.front(), remembered_max);
        if (sent.transaction == Transaction::sale && outcome.receipt) {
            remember(shop_.slips, *outcome.receipt, Shop::slips_max);
            remember(own_, *outcome.receipt, remembered_max);
        }
    }
    if (waiting_ != &asked) return;
    waiting_ = nullptr;
    // A reversal that is refused for good is dropped; one that could not be judged is sent again.
    if (waiting_is_reversal_ && code != "00" && code != "12" && code != "25" && code != "64" && code != "40")
        to_reverse_.push_back(sent);
    if (probe_ != Probe::none) return next_probe();
    // The bad answer to a sale is a reason to reverse it.
    if (is_financial(sent.transaction) &&
        (code == "98" || code == "68" || (code == "96" && chance_.permille(500))) && chance_.permille(700))
        to_reverse_.push_back(asked.tries.front());
}

// ---- What is done

void Cashier::act() {
    const std::uint32_t what = chance_.below(100);
    if (what < 40) return sell();
    if (what < 68) return refund();
    if (what < 77) return void_sale();
    if (what < 83) return reverse_old();
    if (what < 89) return retry_old();
    if (what < 92) return settle();
    if (what < 94) return ask(till_.terminal().sign_on(till_.utc()));
    if (what < 95) return till_.drop_line(any_line());
    misbehave();
}

iso8583::Pan Cashier::any_card() {
    const std::uint32_t which = chance_.below(3);
    const char* card = chance_.permille(500) ? cards_a[which] : cards_b[which];
    if (chance_.permille(15)) card = card_nowhere;
    return iso8583::Pan::parse(card).value();
}

std::int64_t Cashier::any_amount() {
    if (chance_.permille(habits_.magic_permille))
        return std::stoll(std::to_string(chance_.between(1, 40)) +
                          magic_ends[chance_.below(std::size(magic_ends))]);
    if (chance_.permille(100)) return 1'000;  // equal ones, so that equal refunds happen
    return chance_.between(1, 40'000);
}

void Cashier::sell() {
    peers::SaleOptions options;
    if (chance_.permille(60)) options.pin = "1234";
    if (chance_.permille(100)) options.entry_mode = "012";
    ask(till_.terminal().sale(any_card(), any_amount(), till_.utc(), options));
}

void Cashier::refund() {
    if (shop_.slips.empty()) return sell();
    const peers::Receipt& slip = shop_.slips[chance_.below(static_cast<std::uint32_t>(shop_.slips.size()))];
    std::int64_t amount = slip.amount;
    const std::uint32_t how = chance_.below(100);
    if (how < 55 && amount > 1)
        amount = chance_.between(1, slip.amount);
    else if (how < 65)
        amount = std::min<std::int64_t>(500, slip.amount);
    else if (how < 70)
        amount = slip.amount + chance_.between(1, 100);
    // Two at once: only one of them is waited for.
    if (chance_.permille(80)) till_.ask(till_.terminal().refund(slip, amount, till_.utc()), 1);
    ask(till_.terminal().refund(slip, amount, till_.utc()));
}

void Cashier::void_sale() {
    if (own_.empty()) return sell();
    const std::size_t which =
        chance_.permille(700) ? own_.size() - 1 : chance_.below(static_cast<std::uint32_t>(own_.size()));
    peers::Receipt slip = own_[which];
    if (chance_.permille(50)) slip.amount += 1;
    ask(till_.terminal().void_sale(slip, till_.utc()));
}

void Cashier::reverse_old() {
    if (done_.empty()) return;
    const std::size_t which =
        chance_.permille(600) ? done_.size() - 1 : chance_.below(static_cast<std::uint32_t>(done_.size()));
    const peers::Outgoing& old = done_[which];
    const bool can_be_lowered =
        till_.profile() == acquirer::Profile::iso87 && old.transaction == Transaction::sale && old.amount > 1;
    peers::Outgoing out =
        can_be_lowered && chance_.permille(400)
            ? till_.terminal().partial_reversal(old, chance_.between(1, old.amount - 1), till_.utc())
            : till_.terminal().reversal(old, "06", till_.utc());
    wait_for(till_.ask(std::move(out), any_line()), true);
}

void Cashier::retry_old() {
    if (done_.empty()) return;
    const peers::Outgoing& old = done_[chance_.below(static_cast<std::uint32_t>(done_.size()))];
    ask(till_.terminal().again(old, chance_.permille(500)));
}

void Cashier::settle() {
    peers::TerminalTotals totals = till_.terminal().totals();
    if (chance_.permille(200)) ++totals.credit_count;
    ask(till_.terminal().settlement(totals, till_.utc()));
}

void Cashier::misbehave() {
    peers::Terminal& terminal = till_.terminal();
    switch (chance_.below(5)) {
        case 0: {  // a forged reversal
            if (done_.empty()) return;
            peers::Outgoing out = terminal.reversal(done_.back(), "98", till_.utc());
            out.frame.back() = out.frame.back() == '0' ? '1' : '0';
            return ask(std::move(out));
        }
        case 1: {  // a reversal before its original
            Till::Asked& lost = till_.ask_in_vain(terminal.sale(any_card(), any_amount(), till_.utc()));
            till_.ask(terminal.reversal(lost.sent(), "98", till_.utc()));
            if (chance_.permille(600)) till_.ask_again(lost, chance_.permille(300));
            return;
        }
        case 2: {  // another card
            if (shop_.slips.empty()) return;
            peers::Receipt slip = shop_.slips.back();
            slip.pan = iso8583::Pan::parse(cards_a[2]).value();
            return ask(terminal.refund(slip, slip.amount, till_.utc()));
        }
        case 3: {  // the same key, another amount
            if (done_.empty()) return;
            iso8583::FieldValues fields = done_.back().fields;
            fields.set(iso8583::Field::amount_transaction,
                       iso8583::Amount(77, iso8583::Currency::of(156)).field());
            peers::Outgoing out = terminal.custom(done_.back().transaction, std::move(fields));
            out.pan = done_.back().pan;
            till_.ask(std::move(out));
            return;
        }
        default: {  // another amount in a reversal
            if (done_.empty()) return;
            peers::Outgoing original = done_.back();
            original.fields.set(iso8583::Field::amount_transaction,
                                iso8583::Amount(78, iso8583::Currency::of(156)).field());
            return wait_for(till_.ask(terminal.reversal(original, "06", till_.utc())), true);
        }
    }
}

// ---- When all is quiet

void Cashier::probe(std::function<void(const std::string&)> failed) {
    probe_failed_ = std::move(failed);
    probe_ = Probe::sign_on;
    ask(till_.terminal().sign_on(till_.utc()));
}

void Cashier::next_probe() {
    const peers::Outcome& outcome = till_.last_answer();
    const auto sell = [this] {
        probe_ = Probe::sale;
        const char* card = chance_.permille(500) ? cards_a[0] : cards_b[0];
        ask(till_.terminal().sale(iso8583::Pan::parse(card).value(), 100, till_.utc()));
    };
    // A batch that waits for its upload: its 0510 was lost in bad weather.
    if (probe_ == Probe::sale && outcome.code.view() == "77" && !probe_settled_) {
        probe_settled_ = true;
        probe_ = Probe::settlement;
        return ask(till_.terminal().settlement(till_.terminal().totals(), till_.utc()));
    }
    if (!outcome.approved()) {
        probe_failed_("terminal " + till_.terminal().config().terminal.str() + " is answered " +
                      outcome.code.str() + " (" + outcome.text() + ") though nothing is wrong");
        probe_ = Probe::done;
        return;
    }
    switch (probe_) {
        case Probe::settlement:
            if (!must_upload_) return sell();
            probe_ = Probe::upload_end;
            return ask(till_.terminal().batch_upload_end(1, till_.utc()));
        case Probe::sign_on:
        case Probe::upload_end:
            return sell();
        case Probe::sale: {
            probe_ = Probe::refund;
            const auto* merchant = world_.configuration().find_merchant(till_.terminal().config().merchant);
            const bool may = merchant != nullptr && merchant->refund_enabled &&
                             !merchant->refund.refunds_per_terminal_day_max;
            if (!may || !outcome.receipt) break;
            return ask(till_.terminal().refund(*outcome.receipt, 100, till_.utc()));
        }
        case Probe::none:
        case Probe::refund:
        case Probe::done:
            break;
    }
    probe_ = Probe::done;
}

}  // namespace simulation
