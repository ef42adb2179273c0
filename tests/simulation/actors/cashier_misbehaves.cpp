// What nobody should do at a till: another card, a forged MAC, a reversal of what was never sent, a trace
// used twice, another shop's slip. The switch answers all of it, and none of it may cost anybody money.
#include <algorithm>

#include "tests/simulation/actors/cashier.hpp"
#include "tests/simulation/world_configuration.hpp"

namespace simulation {

using iso8583::Field;
using peers::Outgoing;
using peers::Receipt;
using peers::Transaction;

void Cashier::misbehave() {
    const bool is_iso87 = till_.profile() == acquirer::Profile::iso87;
    switch (chance_.below(14)) {
        case 0:
            if (!done_.empty()) reverse_with_a_forged_mac(done_.back());
            return;
        case 1:
            return reverse_what_never_came();
        case 2:
            if (!shop_.slips.empty()) refund_to_another_card(shop_.slips.back());
            return;
        case 3:
            if (!done_.empty()) under_the_same_key(done_.back());
            return;
        case 4:
            return refund_of_another_shop();
        case 5:
            if (!strange_.empty()) undo_what_is_no_sale(strange_.back());
            return;
        case 6:
            if (!done_.empty()) a_trace_again(any_done(300));
            return;
        case 7:  // before the next sale it signs on, or is told to
            must_sign_on_ = false;
            return sign_off();
        case 8:
            if (!done_.empty() && is_iso87) under_a_newer_time(any_done(500));
            return;
        case 9:
            return send_what_is_wrong();
        case 10:
            if (!own_.empty()) void_with_another_authorization(own_.back());
            return;
        case 11:
            if (!done_.empty() && is_iso87) leave_too_much(done_.back());
            return;
        case 12:  // signs on again and again
            for (int i = 0; i < 5; ++i) send(till_.terminal().sign_on(till_.utc()), "sign-on");
            return;
        default:
            if (!done_.empty()) reverse_another_amount(done_.back());
            return;
    }
}

void Cashier::reverse_with_a_forged_mac(const Outgoing& old) {
    Outgoing out = till_.terminal().reversal(old, "98", till_.utc());
    out.frame.back() = out.frame.back() == '0' ? '1' : '0';
    ask(std::move(out), "reversal of=" + name(old) + " mac=bad");
}

void Cashier::reverse_another_amount(const Outgoing& old) {
    if (old.transaction == Transaction::reversal) return;
    Outgoing original = old;
    original.fields.set(Field::amount_transaction, iso8583::Amount(78, iso8583::Currency::of(156)).field());
    wait_for(send(till_.terminal().reversal(original, "06", till_.utc()),
                  "reversal of=" + name(original) + " amount=0.78"),
             true);
}

void Cashier::refund_to_another_card(Receipt slip) {
    slip.pan = iso8583::Pan::parse(cards_a[2]).value();
    slip.order_number.clear();
    ask(till_.terminal().refund(slip, slip.amount, till_.utc()),
        "refund sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount) +
            " card=" + cards_a[2]);
}

void Cashier::refund_of_another_shop() {
    const auto other = std::find_if(shops_.begin(), shops_.end(), [&](const auto& s) {
        return &s.second != &shop_ && !s.second.slips.empty();
    });
    if (other == shops_.end()) return;
    const Receipt slip = other->second.slips.back();
    ask(till_.terminal().refund(slip, slip.amount, till_.utc()),
        "refund sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount));
}

/// A refund or void of a refund or void.
void Cashier::undo_what_is_no_sale(const Receipt& slip) {
    const std::string words = " sale=" + name_of(slip.terminal, slip.stan) + " amount=" + major(slip.amount);
    if (chance_.permille(500)) return ask(till_.terminal().void_sale(slip, till_.utc()), "void" + words);
    ask(till_.terminal().refund(slip, slip.amount, till_.utc()), "refund" + words);
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

}  // namespace simulation
