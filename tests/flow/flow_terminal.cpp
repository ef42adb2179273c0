// The lines "terminal …": what terminals send.
#include "tests/flow/flow_config.hpp"
#include "tests/flow/flow_stage.hpp"

namespace flow {

using namespace acquirer;
using iso8583::Field;
using peers::Transaction;

namespace {

// An answer that needs no issuer's delay comes at once; sign-on after a crash waits for nothing longer.
constexpr std::int64_t answer_within_ms = 3'000;
constexpr const char* default_amount = "100.00";

bool is_till(const std::string& word) { return word.size() == 2 && word[0] == 'T'; }
bool is_mti(const std::string& word) { return word.size() == 4 && iso8583::all_digits(word); }

}  // namespace

Stage::Till& Stage::till(const std::string& name) {
    const auto at = tills_.find(name);
    if (at != tills_.end()) return *at->second;
    const bool unionpay = cast_.profile == Profile::unionpay_pos;
    std::uint32_t number = unionpay ? 10000001U : 20000001U;
    if (name == "T9")
        number = unionpay ? 50000001U : 60000001U;
    else
        number += static_cast<std::uint32_t>(name[1] - '1');
    Till& till = world_.add_till(std::make_unique<Till>(world_, simulation::till_config(world_, number)));
    tills_[name] = &till;
    return till;
}

void Stage::terminal(const Line& line, const Line* next) {
    std::size_t word = 0;
    const std::string till_name = is_till(line.word(0)) ? line.word(word++) : "T1";
    if (is_mti(line.word(word))) ++word;  // for readers
    const std::string request = line.word(word);
    Till& t = till(till_name);
    if (request == "hangs-up") {
        t.drop_line(line.value("line") == "2" ? 1 : 0);
        return world_.pass(0);
    }
    if (!t.terminal().has_keys() && request != "sign-on" && line.value("keys") != "none") {
        t.ask(t.terminal().sign_on(t.utc()));
        world_.run_until([&] { return t.terminal().has_keys(); }, answer_within_ms);
        if (!t.terminal().has_keys()) return fail(till_name + " cannot sign on");
    }
    for (const routing::RouteId route : simulation::all_routes) world_.issuer(route).received.clear();
    if (next != nullptr && next->is_reaction()) prepare_issuer(*next);
    if (request == "retry")
        retry(line);
    else
        send_new(t, line, request);
    if (failures_.empty()) settle_after(line, next);
}

void Stage::settle_after(const Line& line, const Line* next) {
    if (line.value("together")) return;  // the next request comes in the same instant
    world_.pass(0);
    if (next != nullptr && next->is_reaction()) return;  // the arrow stands there
    if (!line.answer.empty()) expect_answer(line.answer);
}

void Stage::send_new(Till& t, const Line& line, const std::string& request) {
    auto out = build(t, line, request);
    if (!out) return;
    overlay(t, line, *out);
    Till::Asked& asked = line.value("lost") ? t.ask_in_vain(std::move(*out))
                                            : t.ask(std::move(*out), line.value("line") == "2" ? 1 : 0);
    last_ = {&t, &asked, 0};
    named_[line.value("as").value_or("#" + std::to_string(++names_given_))] = {&t, &asked, std::nullopt};
}

void Stage::retry(const Line& line) {
    Named* n = named(line.value("of").value_or(""));
    if (n == nullptr || n->asked == nullptr) return;
    last_ = {n->till, n->asked, n->asked->answers.size()};
    const std::size_t over = line.value("line") == "2" ? 1 : 0;
    if (!line.value("new_time") && !line.value("amount"))
        return n->till->ask_again(*n->asked, line.value("repeat") == "yes", over);
    // The same trace and content under another DE7, or another amount under the same key.
    const peers::Outgoing before = n->asked->sent();
    iso8583::FieldValues fields = before.fields;
    if (line.value("new_time")) {
        const iso8583::UtcTime later = n->till->utc().plus_ms(1'000);
        fields.set(Field::transmission_time, iso8583::TransmissionTime::from_utc(later).str());
    }
    if (line.value("repeat") == "yes") fields.set_mti(fields.mti().repeat());
    peers::Outgoing out = n->till->terminal().custom(before.transaction, std::move(fields));
    out.pan = before.pan;
    overlay(*n->till, line, out);
    last_.asked = &n->till->ask(std::move(out), over);
    last_.answers_before = 0;
    if (const auto as = line.value("as")) named_[*as] = {n->till, last_.asked, std::nullopt};
}

std::optional<peers::Outgoing> Stage::build(Till& t, const Line& line, const std::string& request) {
    peers::Terminal& terminal = t.terminal();
    const iso8583::UtcTime utc = t.utc();
    if (request == "sign-on") return terminal.sign_on(utc);
    if (request == "sign-off") return terminal.sign_off(utc);
    if (request == "echo") return terminal.echo(utc);
    if (request == "upload-end") return terminal.batch_upload_end(1, utc);
    if (request == "settle") {
        peers::TerminalTotals totals = terminal.totals();
        if (line.value("totals") == "wrong") ++totals.debit_amount;
        return terminal.settlement(totals, utc);
    }
    const auto amount = parse_minor(line.value("amount").value_or(default_amount));
    if (!amount) {
        fail("the amount is none");
        return std::nullopt;
    }
    const std::string card_said = line.value("card").value_or("");
    const char* card = cast_.route == simulation::route_a ? simulation::cards_a[0] : simulation::cards_b[0];
    if (card_said == "other")
        card = cast_.route == simulation::route_a ? simulation::cards_a[1] : simulation::cards_b[1];
    if (card_said == "nowhere") card = simulation::card_nowhere;
    if (iso8583::all_digits(card_said) && !card_said.empty()) card = card_said.c_str();
    const auto parsed = iso8583::Pan::parse(card);
    if (!parsed) {
        fail("card=: " + parsed.error().what);
        return std::nullopt;
    }
    const iso8583::Pan& pan = *parsed;
    if (request == "sale") {
        peers::SaleOptions options;
        options.pin = line.value("pin").value_or("");
        options.partial = line.value("partial") == "yes";
        const bool by_card = line.value("card").has_value();
        if (const auto code = line.value("code"))
            options.payment_code = *code;
        else if (cast_.route == simulation::route_w && !by_card)  // each once
            options.payment_code = std::to_string(134'567'890'123'000'000 + ++codes_given_);
        return terminal.sale(options.payment_code.empty() ? pan : iso8583::Pan(), *amount, utc, options);
    }
    if (request == "authorization") {
        peers::SaleOptions options;
        options.payment_code = line.value("code").value_or("");
        return terminal.authorization(options.payment_code.empty() ? pan : iso8583::Pan(), *amount, utc,
                                      options);
    }
    if (const auto of = line.value("auth")) {
        peers::Receipt authorization = receipt_of(*of);
        if (!failures_.empty()) return std::nullopt;
        if (!card_said.empty()) authorization.pan = pan;
        if (request == "void") {
            if (line.value("amount")) authorization.amount = *amount;
            return terminal.void_authorization(authorization, utc);
        }
        if (request == "complete")
            return terminal.completion(authorization, *amount, peers::CompletionBy::request, utc);
        if (request == "advise")
            return terminal.completion(authorization, *amount, peers::CompletionBy::advice, utc);
    }
    if (request == "refund" || request == "void") {
        peers::Receipt sale = receipt_of(line.value("sale").value_or(""));
        if (!failures_.empty()) return std::nullopt;
        if (!card_said.empty()) {
            sale.pan = pan;
            sale.order_number.clear();
        }
        if (line.value("by") == "order") return by_order(t, request, sale, *amount);
        if (request == "refund") return terminal.refund(sale, *amount, utc);
        if (line.value("amount")) sale.amount = *amount;
        return terminal.void_sale(sale, utc);
    }
    if (request == "reversal") {
        Named* n = named(line.value("of").value_or(""));
        if (n == nullptr || n->asked == nullptr) return std::nullopt;
        if (const auto left = parse_minor(line.value("left").value_or("")))
            return terminal.partial_reversal(n->asked->tries.front(), *left, utc);
        return terminal.reversal(n->asked->tries.front(), "98", utc);
    }
    fail("no terminal knows how to " + request);
    return std::nullopt;
}

/// R83: the sale is named by its wallet's order number alone.
peers::Outgoing Stage::by_order(Till& t, const std::string& request, peers::Receipt sale,
                                std::int64_t amount) {
    peers::Terminal& terminal = t.terminal();
    sale.amount = request == "void" ? amount : sale.amount;
    const peers::Outgoing whole =
        request == "void" ? terminal.void_sale(sale, t.utc()) : terminal.refund(sale, amount, t.utc());
    iso8583::FieldValues fields = whole.fields;
    for (const Field f : {Field::rrn, Field::reserved_private_61, Field::authorization_code}) fields.erase(f);
    return terminal.custom(whole.transaction, std::move(fields));
}

/// What the line lays over the request: single fields, the trace, the MAC.
void Stage::overlay(Till& t, const Line& line, peers::Outgoing& out) {
    iso8583::FieldValues fields = out.fields;
    bool changed = line.value("mac") == "none";
    const auto set = [&](Field f, const std::string& content) {
        changed = true;
        if (content == "-")
            fields.erase(f);
        else
            fields.set(f, content);
    };
    for (const auto& [key, content] : line.values)
        if (key.rfind("de", 0) == 0 && iso8583::all_digits(key.substr(2)) && key.size() > 2)
            set(static_cast<Field>(std::stoi(key.substr(2))), content);
    if (const auto entry = line.value("entry")) set(Field::pos_entry_mode, *entry);
    if (const auto other = line.value("trace"))
        if (const Named* n = named(*other); n != nullptr && n->asked != nullptr)
            set(Field::stan, n->asked->sent().stan.str());
    const bool is_reversal = out.transaction == Transaction::reversal;
    if (const auto amount = parse_minor(line.value("amount").value_or(""));
        amount && (is_reversal || line.word(line.words.size() - 1) == "retry"))
        set(Field::amount_transaction, iso8583::Amount(*amount, iso8583::Currency::of(156)).field());
    if (changed) {
        peers::Outgoing built =
            t.terminal().custom(out.transaction, std::move(fields), line.value("mac") != "none");
        built.pan = out.pan;
        built.reversed = out.reversed;
        built.reversed_stan = out.reversed_stan;
        out = std::move(built);
    }
    // Another digit is another MAC, in ASCII hexadecimal as well.
    if (line.value("mac") == "bad") out.frame.back() = out.frame.back() == '0' ? '1' : '0';
}

/// The slip of a sale, from what the ledger knows: also of one whose answer the terminal never saw.
peers::Receipt Stage::receipt_of(const std::string& name) {
    peers::Receipt receipt;
    Named* n = named(name);
    if (n == nullptr || n->asked == nullptr) return receipt;
    const ledger::TransactionRecord* r = record_of(name);
    if (r == nullptr) {
        fail("the ledger has nothing of " + name);
        return receipt;
    }
    receipt.pan = n->asked->sent().pan;
    receipt.amount = r->amount.minor_units();
    receipt.rrn = r->rrn;
    receipt.authorization = r->issuer_authorization.str();
    receipt.stan = r->stan;
    receipt.batch = r->batch;
    receipt.date = r->local_date.mmdd();
    receipt.transmission = r->transmission_time;
    receipt.terminal = r->terminal;
    receipt.is_completion = r->is_completion();
    receipt.order_number = r->wallet.order_number;
    return receipt;
}

void Stage::expect_answer(const std::string& said) {
    const std::string wanted = own_side(said);
    if (last_.asked == nullptr) return fail("no request was sent");
    if (wanted == "nothing") {
        if (last_.answered())
            fail("no answer was expected, " + last_.asked->answers.back().code.str() + " came");
        return;
    }
    world_.run_until([this] { return last_.answered(); }, answer_within_ms);
    if (!last_.answered()) {
        std::string why = "no answer came, " + wanted + " was expected";
        for (const simulation::Broken& b : world_.checkers().all_broken()) why += "; " + b.what;
        return fail(why);
    }
    const std::string code = last_.asked->answers.back().code.str();
    if (code != wanted)
        fail("answered " + code + " (" + last_.asked->answers.back().text() + "), " + wanted +
             " was expected");
}

}  // namespace flow
