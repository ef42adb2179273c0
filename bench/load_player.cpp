#include "bench/load_player.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "iso8583/values/ensure.hpp"

namespace bench {

using iso8583::Field;
using peers::Transaction;

namespace {

iso8583::UtcTime utc_now() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count()};
}

// The demo's test data (docs/interfaces.md): merchants of both profiles, and their published test keys in
// clear.
peers::TerminalConfig config_of(const LoadTerminal& t) {
    peers::TerminalConfig c;
    c.profile = t.profile;
    c.terminal = *iso8583::TerminalId::parse(t.terminal);
    const bool unionpay = t.profile == peers::TerminalProfile::unionpay_pos;
    c.merchant = *iso8583::MerchantId::parse(unionpay ? "898110157220001" : "898110157220002");
    c.tmk_hex = "0123456789ABCDEFFEDCBA9876543210";
    c.tak_hex = "10101010101010102323232323232323";
    c.tpk_hex = "32323232323232324545454545454545";
    // A later run against the same switch finds the same open batch: its traces go on above those before.
    constexpr std::int64_t traces_a_second_max = 200;
    c.first_stan = iso8583::Stan::of(static_cast<std::uint32_t>(
        utc_now().ms / 1'000 * traces_a_second_max % iso8583::Stan::value_max + 1));
    return c;
}

bool is_busy(std::string_view code) { return code == "96" || code == "91" || code == "90"; }

bool works_on_hold(Step step) { return step == Step::completion || step == Step::void_authorization; }

}  // namespace

LoadPlayer::LoadPlayer(const std::vector<LoadTerminal>& terminals, LoadMix mix, std::uint64_t seed)
    : mix_(mix), chance_state_(seed) {
    for (const LoadTerminal& t : terminals) {
        if (by_connection_.size() <= t.connection) by_connection_.resize(t.connection + 1);
        by_connection_[t.connection][t.terminal] = slots_.size();
        slots_.push_back({peers::Terminal(config_of(t)), {}, {}, {}, {}, false, 0, {}, {}, {}, false});
    }
}

std::uint64_t LoadPlayer::chance() {
    // splitmix64, as in issuer-sim: the same seed plays the same load.
    chance_state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = chance_state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

std::int64_t LoadPlayer::between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(high - low + 1));
}

std::size_t LoadPlayer::terminals_with_keys() const {
    std::size_t n = 0;
    for (const Slot& slot : slots_) n += slot.terminal.has_keys() ? 1U : 0U;
    return n;
}

void LoadPlayer::set_open_batches(const std::map<std::string, peers::TerminalTotals>& totals) {
    for (Slot& slot : slots_)
        if (const auto found = totals.find(slot.terminal.config().terminal.str()); found != totals.end())
            slot.before = found->second;
}

std::vector<std::string> LoadPlayer::settled() const {
    std::vector<std::string> all;
    for (const Slot& slot : slots_)
        if (slot.settled) all.push_back(slot.terminal.config().terminal.str());
    return all;
}

std::map<std::string, peers::TerminalTotals> LoadPlayer::terminal_totals() const {
    std::map<std::string, peers::TerminalTotals> all;
    for (const Slot& slot : slots_) all[slot.terminal.config().terminal.str()] = slot.terminal.totals();
    return all;
}

std::size_t LoadPlayer::begin(std::size_t index, iso8583::Bytes& out) {
    Slot& slot = slots_[index];
    slot.waiting = true;
    if (signing_on_) {
        slot.step = Step::sign_on;
        slot.under_way = slot.terminal.sign_on(utc_now());
    } else {
        slot.step = choose(slot);
        prepare(slot);
    }
    out.insert(out.end(), slot.under_way.frame.begin(), slot.under_way.frame.end());
    return static_cast<std::size_t>(slot.step);
}

Step LoadPlayer::choose(const Slot& slot) {
    const std::uint32_t sum = std::accumulate(mix_.weight.begin(), mix_.weight.end(), 0U);
    ENSURE(sum > 0);
    auto roll = static_cast<std::uint32_t>(chance() % sum);
    std::size_t chosen = 0;
    while (roll >= mix_.weight[chosen]) roll -= mix_.weight[chosen++];
    const Step step = static_cast<Step>(chosen);
    const bool has_sale = !slot.sales.empty();
    switch (step) {
        case Step::refund:
        case Step::partial_refund:
        case Step::over_refund:
            return has_sale ? step : Step::sale;
        // A terminal reverses what it did last, and nothing that has a refund.
        case Step::reversal:
            if (has_sale && slot.sales.back()->by_advice) return Step::sale;
            [[fallthrough]];
        case Step::void_sale:
            return has_sale && !slot.sales.back()->refunded && !slot.sales.back()->settled ? step
                                                                                           : Step::sale;
        case Step::retry:
            return slot.last ? step : Step::sale;
        case Step::settlement:
        case Step::authorization:
            return step;
        case Step::completion:
        case Step::void_authorization:
            return slot.holds.empty() ? Step::authorization : step;
        case Step::sale:
        case Step::sign_on:
            break;
    }
    return Step::sale;
}

std::unique_ptr<LoadPlayer::Sale> LoadPlayer::take_out(Sales& from, bool newest) {
    const std::size_t index = newest ? from.size() - 1 : chance() % from.size();
    std::unique_ptr<Sale> sale = std::move(from[index]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(index));
    return sale;
}

/// A completion is for less than was held, or for more, up to the 115 % of the demo's issuers.
void LoadPlayer::prepare_on_hold(Slot& slot) {
    constexpr std::int64_t completion_percent_max = 115;
    slot.working = take_out(slot.holds, false);
    const Sale& hold = *slot.working;
    slot.issuer = hold.issuer;
    if (slot.step == Step::void_authorization) {
        slot.under_way = slot.terminal.void_authorization(hold.receipt, utc_now());
        return;
    }
    const std::int64_t most = std::min(hold.receipt.amount * completion_percent_max / 100, amount_max);
    const std::int64_t amount = between(hold.receipt.amount / 2, most);
    slot.under_way = slot.terminal.completion(hold.receipt, amount, peers::CompletionBy::request, utc_now());
}

void LoadPlayer::prepare_wallet_sale(Slot& slot) {
    constexpr std::uint64_t digits_15 = 1'000'000'000'000'000;
    peers::SaleOptions options;
    options.payment_code = "13" + std::to_string(digits_15 + chance() % (9 * digits_15));  // WeChat's form
    slot.issuer = issuer_w;
    slot.under_way = slot.terminal.sale(iso8583::Pan(), between(amount_min, amount_max), utc_now(), options);
}

void LoadPlayer::prepare_sale(Slot& slot) {
    const bool holds = slot.step == Step::authorization;  // wallets hold nothing
    if (!holds && mix_.wallet_percent > 0 && chance() % 100 < mix_.wallet_percent)
        return prepare_wallet_sale(slot);
    const bool of_issuer_a = chance() % 100 < mix_.issuer_a_percent;
    slot.issuer = of_issuer_a ? issuer_a : issuer_b;
    std::string digits = of_issuer_a ? "6212345678900000000" : "4111111111110000";
    const std::string tail = std::to_string(1'000'000 + chance() % 1'000'000).substr(1);
    digits.replace(digits.size() - tail.size(), tail.size(), tail);
    peers::SaleOptions options;
    if (chance() % 100 < mix_.pin_percent) options.pin = "1234";
    const std::int64_t amount = between(amount_min, amount_max);
    const auto pan = *iso8583::Pan::parse(digits);
    slot.under_way = holds ? slot.terminal.authorization(pan, amount, utc_now(), options)
                           : slot.terminal.sale(pan, amount, utc_now(), options);
}

void LoadPlayer::prepare(Slot& slot) {
    const auto now = utc_now();
    slot.working.reset();
    if (slot.step == Step::sale || slot.step == Step::authorization) {
        prepare_sale(slot);
        return;
    }
    if (works_on_hold(slot.step)) {
        prepare_on_hold(slot);
        return;
    }
    if (slot.step == Step::retry) {
        slot.under_way = slot.terminal.again(slot.last->sent);
        return;
    }
    if (slot.step == Step::settlement) {
        peers::TerminalTotals all = slot.terminal.totals();
        all.debit_amount += slot.before.debit_amount;
        all.debit_count += slot.before.debit_count;
        all.credit_amount += slot.before.credit_amount;
        all.credit_count += slot.before.credit_count;
        slot.under_way = slot.terminal.settlement(all, now);
        return;
    }
    const bool newest = slot.step == Step::void_sale || slot.step == Step::reversal;
    slot.working = take_out(slot.sales, newest);
    const Sale& sale = *slot.working;
    slot.issuer = sale.issuer;
    // The last unit of a sale cannot be refunded in part.
    if (slot.step == Step::partial_refund && sale.remaining < 2) slot.step = Step::refund;
    switch (slot.step) {
        case Step::refund:
            slot.under_way = slot.terminal.refund(sale.receipt, sale.remaining, now);
            return;
        case Step::partial_refund:
            slot.under_way = slot.terminal.refund(sale.receipt, between(1, sale.remaining - 1), now);
            return;
        case Step::over_refund:
            slot.under_way = slot.terminal.refund(sale.receipt, sale.remaining + 1, now);
            return;
        case Step::void_sale:
            slot.under_way = slot.terminal.void_sale(sale.receipt, now);
            return;
        case Step::reversal:
            slot.under_way = slot.terminal.reversal(sale.sent, "98", now);
            return;
        case Step::sale:
        case Step::retry:
        case Step::settlement:
        case Step::sign_on:
        case Step::authorization:
        case Step::completion:
        case Step::void_authorization:
            break;
    }
    ENSURE(false);
}

std::optional<std::size_t> LoadPlayer::slot_of(std::size_t connection, const iso8583::Frame& frame) {
    const auto& terminals = by_connection_[connection];
    if (terminals.size() == 1) return terminals.begin()->second;
    const auto address =
        peers::Terminal::address(slots_[terminals.begin()->second].terminal.dialect(), frame);
    if (!address) return std::nullopt;
    const auto found = terminals.find(address->terminal.str());
    return found == terminals.end() ? std::nullopt : std::optional(found->second);
}

void LoadPlayer::end(std::size_t index, const iso8583::Frame& frame) {
    Slot& slot = slots_[index];
    slot.waiting = false;
    ++answered_;
    const peers::OutcomeResult outcome = slot.terminal.receive(slot.under_way, frame);
    if (!outcome) {
        breach(slot, outcome.error().what);
        slot.working.reset();
        slot.last.reset();
        return;
    }
    on_code(slot, *outcome);
}

bool LoadPlayer::is_busy_answer(const Slot& slot, std::string_view code) const {
    const bool uncollected = slot.working && slot.working->by_advice && code == "09";
    return is_busy(code) || uncollected;
}

void LoadPlayer::put_back(Slot& slot) {
    if (slot.working) keep(works_on_hold(slot.step) ? slot.holds : slot.sales, std::move(slot.working));
}

void LoadPlayer::on_code(Slot& slot, const peers::Outcome& outcome) {
    const std::string code = outcome.code.str();
    if (slot.step == Step::sign_on) {
        if (!outcome.approved()) breach(slot, "DE39 " + code);
        return;
    }
    if (slot.step == Step::retry) {
        check_retry(slot, outcome);
        return;
    }
    if (is_busy_answer(slot, code)) {
        ++busy_[code];
        // Nothing happened to the sale; a busy answer is not stored, so that there is nothing to retry
        // either.
        put_back(slot);
        slot.last.reset();
        return;
    }
    const std::string_view expected = slot.step == Step::over_refund ? "64" : "00";
    if (code != expected) {
        breach(slot, "DE39 " + code + ", " + std::string(expected) + " was expected");
        books_.uncertain(outcome.fields.get(Field::rrn));
        slot.last.reset();
        return;
    }
    slot.last = Exchange{slot.under_way, code, std::string(outcome.fields.get(Field::rrn)),
                         std::string(outcome.fields.get(Field::authorization_code))};
    if (slot.step == Step::over_refund) {
        put_back(slot);
    } else {
        on_approved(slot, outcome);
    }
}

void LoadPlayer::on_approved(Slot& slot, const peers::Outcome& outcome) {
    const std::int64_t amount = slot.under_way.amount;
    const std::string_view rrn = outcome.fields.get(Field::rrn);
    switch (slot.step) {
        case Step::sale:
            books_.sold(slot.issuer, rrn, amount);
            keep(slot.sales,
                 std::make_unique<Sale>(Sale{slot.under_way, *outcome.receipt, slot.issuer, amount}));
            return;
        case Step::refund:
        case Step::partial_refund:
            books_.refunded(slot.issuer, rrn, amount);
            slot.working->remaining -= amount;
            slot.working->refunded = true;
            if (slot.working->remaining > 0) put_back(slot);
            return;
        case Step::void_sale:
            books_.voided(slot.issuer, rrn, slot.working->receipt.rrn.view(), amount);
            return;
        case Step::reversal:
            books_.sale_reversed(slot.issuer, slot.working->receipt.rrn.view(), slot.working->receipt.amount);
            return;
        case Step::settlement:
            // What it sold stays there for refunds; it cannot be voided or reversed any more, nor asked
            // again.
            for (const auto& sale : slot.sales) sale->settled = true;
            slot.settled = true;
            slot.before = {};
            slot.last.reset();
            return;
        case Step::authorization:
            books_.held(slot.issuer, rrn, amount);
            keep(slot.holds,
                 std::make_unique<Sale>(Sale{slot.under_way, *outcome.receipt, slot.issuer, amount}));
            return;
        case Step::completion: {
            books_.sold(slot.issuer, rrn, amount);
            auto sale = std::make_unique<Sale>(Sale{slot.under_way, *outcome.receipt, slot.issuer, amount});
            sale->by_advice = slot.under_way.fields.mti().is_advice();
            keep(slot.sales, std::move(sale));
            return;
        }
        case Step::void_authorization:
            books_.hold_lifted(slot.issuer, slot.working->receipt.rrn.view(), slot.working->receipt.amount);
            return;
        case Step::over_refund:
        case Step::retry:
        case Step::sign_on:
            break;
    }
    ENSURE(false);
}

void LoadPlayer::check_retry(Slot& slot, const peers::Outcome& outcome) {
    const Exchange& last = *slot.last;
    const std::string code = outcome.code.str();
    const std::string rrn(outcome.fields.get(Field::rrn));
    const std::string authorization(outcome.fields.get(Field::authorization_code));
    if (is_busy(code)) {
        ++busy_[code];
    } else if (code != last.code || rrn != last.rrn || authorization != last.authorization) {
        breach(slot, "a retry was answered " + code + ", the first " + last.code +
                         (rrn != last.rrn ? ", with another DE37" : "") +
                         (authorization != last.authorization ? ", with another DE38" : ""));
    }
    slot.last.reset();  // one retry each
}

void LoadPlayer::keep(Sales& where, std::unique_ptr<Sale> sale) {
    where.push_back(std::move(sale));
    if (where.size() > sales_kept_max) where.pop_front();
}

void LoadPlayer::give_up_unanswered() {
    for (Slot& slot : slots_) {
        if (!slot.waiting) continue;
        slot.waiting = false;
        breach(slot, "no answer");
        if (slot.working) books_.uncertain(slot.working->receipt.rrn.view());
    }
}

void LoadPlayer::breach(const Slot& slot, const std::string& what) {
    ++breaches_;
    if (first_breaches_.size() < breaches_kept_max)
        first_breaches_.push_back(slot.terminal.config().terminal.str() + ", " +
                                  std::string(name(slot.step)) + ": " + what);
}

}  // namespace bench
