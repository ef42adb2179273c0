// The lines "expect …".
#include <algorithm>

#include "switch/core/payment_kinds.hpp"
#include "tests/flow/flow_config.hpp"
#include "tests/flow/flow_stage.hpp"

namespace flow {

using namespace acquirer;
using iso8583::Field;

namespace {

constexpr const char* issuer_within = "3s";  // a switch that has just started connects to its issuers first

std::string major(std::int64_t minor) { return iso8583::Amount(minor, iso8583::Currency::of(156)).major(); }

}  // namespace

void Stage::expect(const Line& line) {
    const std::string what = line.word(0);
    if (what == "terminal") return expect_terminal(line);
    if (what == "issuer") return expect_issuer(line);
    if (what == "ledger") return expect_ledger(line);
    if (what == "books") return expect_books(line);
    if (what == "reserve") return expect_reserve(line);
    const simulation::Checkers& checkers = world_.checkers();
    if (what == "exception" || what == "exceptions") {
        std::size_t open = 0;
        std::string all;
        for (const auto& [id, x] : checkers.exceptions()) {
            if (!x.resolution.empty()) continue;
            all += (all.empty() ? "" : ", ") + x.kind + " (" + x.text + ")";
            const bool says_it = x.text.find(line.value("text").value_or("")) != std::string::npos;
            open += what == "exceptions" || (x.kind == line.word(1) && says_it) ? 1U : 0U;
        }
        const std::size_t wanted =
            what == "exceptions" ? std::stoul(line.word(1)) : std::stoul(line.value("count").value_or("1"));
        if (open != wanted) fail("open exceptions: " + (all.empty() ? "none" : all));
        return;
    }
    if (what == "counter") {
        std::uint64_t value = 0;
        if (const auto status = world_.process().status(); status.counters.contains(line.word(1)))
            value = status.counters.at(line.word(1));
        if (std::to_string(value) != line.word(2))
            fail("counter " + line.word(1) + " is " + std::to_string(value));
        return;
    }
    if (what == "notices") {
        std::string wanted;
        for (std::size_t i = 2; !line.word(i).empty(); ++i)
            wanted += (wanted.empty() ? "" : " ") + line.word(i);
        const ledger::TransactionRecord* r = record_of(line.word(1));
        const std::string told = r == nullptr ? "" : world_.notices().told(r->rrn);
        if (told != wanted) fail("of " + line.word(1) + " was told: " + (told.empty() ? "nothing" : told));
        return;
    }
    if (what == "keys") {
        const std::string keys = issuer_node().control("keys");
        const std::string wanted =
            "\"changes\":" + line.word(1) + ",\"offered\":" + (line.word(2) == "offered" ? "true" : "false");
        if (keys.find(wanted) == std::string::npos) fail("the issuer's keys are " + keys);
        return;
    }
    if (what == "operator") {
        if (operator_text_.find(line.word(1)) == std::string::npos)
            fail("the operator was told: " + operator_text_);
        return;
    }
    if (what == "answers") {
        const Named* n = named(line.word(1));
        if (n == nullptr || n->asked == nullptr) return;
        const std::string found = std::to_string(n->asked->answers.size());
        if (found != line.word(2)) fail(line.word(1) + " was answered " + found + " times");
        return;
    }
    if (what == "records") {
        const Named* n = named(line.word(1));
        if (n == nullptr || n->asked == nullptr) return;
        const auto& all = checkers.records();
        const auto of_it = std::count_if(all.begin(), all.end(), [&](const auto& entry) {
            return entry.second.terminal == n->till->terminal().config().terminal &&
                   entry.second.stan == n->asked->sent().stan;
        });
        if (std::to_string(of_it) != line.word(2))
            fail("the ledger has " + std::to_string(of_it) + " entries of " + line.word(1));
        return;
    }
    fail("nothing is known of " + what);
}

void Stage::expect_terminal(const Line& line) {
    expect_answer(line.word(1));
    if (!failures_.empty() || own_side(line.word(1)) == "nothing") return;
    const peers::Outcome& answer = last_.asked->answers.back();
    const auto check = [&](const std::string& what, const std::string& found, const std::string& wanted) {
        if (found != wanted) fail(what + " is \"" + found + "\", \"" + wanted + "\" was expected");
    };
    if (const auto name = line.value("rrn"); name == "none") {
        check("DE37", std::string(answer.fields.get(Field::rrn)), "");
    } else if (name) {
        if (const auto* r = record_of(*name))
            check("DE37", std::string(answer.fields.get(Field::rrn)), r->rrn.str());
    }
    if (const auto name = line.value("case"))
        if (const auto* r = record_of(*name)) check("the case in DE44", answer.text(), r->rrn.str());
    if (const auto text = line.value("text")) check("DE44", answer.text(), *text);
    if (const auto amount = line.value("amount"))
        if (const auto minor = parse_minor(*amount))
            check("DE4", std::string(answer.fields.get(Field::amount_transaction)),
                  iso8583::Amount(*minor, iso8583::Currency::of(156)).field());
    if (const auto code = line.value("code")) {
        const std::string totals(answer.fields.get(Field::additional_data));
        const bool unionpay = cast_.profile == Profile::unionpay_pos;
        check("the settlement code",
              unionpay ? totals.substr(std::min<std::size_t>(30, totals.size()), 1)
                       : std::string(answer.fields.get(Field::settlement_code)),
              *code);
    }
}

void Stage::expect_issuer(const Line& line) {
    simulation::IssuerNode& node = issuer_node();
    const std::string wanted = line.word(1);
    if (wanted == "nothing") {
        world_.pass(line.value("within") ? duration(*line.value("within")) : 0);
        if (!node.received.empty()) fail("the issuer received " + node.received.front().mti.str());
        return;
    }
    const auto arrived = [&] {
        return std::any_of(node.received.begin(), node.received.end(),
                           [&](const auto& r) { return r.mti.str() == wanted; });
    };
    if (!world_.run_until(arrived, duration(line.value("within").value_or(issuer_within)))) {
        std::string all;
        for (const auto& r : node.received) all += " " + r.mti.str();
        return fail("the issuer received no " + wanted + (all.empty() ? "" : ", but" + all));
    }
    world_.pass(0);  // what follows from it in the same instant
    while (node.received.front().mti.str() != wanted) node.received.pop_front();
    const auto message = node.received.front();
    node.received.pop_front();
    if (const auto amount = line.value("amount")) {
        const auto minor = parse_minor(*amount);
        const auto found = iso8583::Amount::parse_field(message.fields.get(Field::amount_transaction),
                                                        iso8583::Currency::of(156));
        if (!minor || !found || found->minor_units() != *minor)
            fail("the issuer was asked for " + std::string(message.fields.get(Field::amount_transaction)));
    }
    if (const auto left = line.value("left")) {
        const std::string de95(message.fields.get(Field::replacement_amounts));
        const auto minor = parse_minor(*left);
        const std::string left_field =
            minor ? iso8583::Amount(*minor, iso8583::Currency::of(156)).field() : std::string();
        if (de95.substr(0, 12) != left_field) fail("its DE95 is \"" + de95 + "\"");
    }
    if (const auto mti = line.value("original")) {
        const std::string named(message.fields.get(Field::original_data).substr(0, 4));
        if (named != *mti) fail("its DE90 names " + named);
    }
    if (const auto name = line.value("rrn"))
        if (const auto* r = record_of(*name); r != nullptr && message.fields.get(Field::rrn) != r->rrn.view())
            fail("its DE37 is that of another one");
}

void Stage::expect_reserve(const Line& line) {
    const auto merchant = till(line.word(1)).terminal().config().merchant;
    const std::string holds = major(world_.checkers().reserve_minor(merchant));
    if (holds != line.word(2)) fail("the reserve of " + line.word(1) + "'s merchant holds " + holds);
}

void Stage::expect_ledger(const Line& line) {
    const ledger::TransactionRecord* r = record_of(line.word(1));
    if (!failures_.empty()) return;
    if (r == nullptr) {
        if (line.value("state") != "none") fail("the ledger has nothing of " + line.word(1));
        return;
    }
    for (const auto& [key, wanted] : line.values) {
        std::string found;
        if (key == "state")
            found = ledger::name(r->state);
        else if (key == "stored")
            found = world_.checkers().is_purged(r->rrn) ? "no" : "yes";
        else if (key == "card_number")
            found = r->card_purged ? "purged" : "kept";
        else if (key == "remaining")
            found = major(r->remaining_minor());
        else if (key == "refunds")
            found = std::to_string(r->refunds_count);
        else if (key == "amount")
            found = r->amount.major();
        else if (key == "attempts")
            found = std::to_string(r->advice.attempts);
        else if (key == "polls")
            found = std::to_string(r->advice.polls);
        else if (key == "instrument")
            found = instrument_name(*r);
        else if (key == "day")
            found = r->business_date.date.iso();
        else if (key == "fee")
            found = major(r->charges.fee_minor);
        else if (key == "discount")
            found = major(r->charges.discount_minor);
        else if (key == "withheld")
            found = major(r->charges.withheld_minor);
        else if (key == "drawn")
            found = major(r->drawn_minor);
        else if (key == "maker")
            found = r->maker;
        else if (key == "checker")
            found = r->checker;
        else
            return fail("a ledger entry has no " + key);
        if (found != wanted) {
            std::string history;
            for (const auto& h : r->history)
                history += " " + h.rule + ":" + std::string(ledger::name(h.state));
            return fail(line.word(1) + " has " + key + " " + found + ", " + wanted +
                        " was expected; history:" + history);
        }
    }
}

void Stage::expect_books(const Line& line) {
    const ledger::TransactionRecord* r = record_of(line.word(1));
    if (r == nullptr) return fail("the ledger has nothing of " + line.word(1));
    const auto all = issuer_node().books().standing_by_rrn();
    const auto at = all.find(r->rrn.str());
    const routing::IssuerBooks::Standing stands =
        at == all.end() ? routing::IssuerBooks::Standing{} : at->second;
    for (const auto& [key, wanted] : line.values) {
        const std::string found = major(key == "sale"       ? stands.sale
                                        : key == "refund"   ? stands.refund
                                        : key == "hold"     ? stands.hold
                                        : key == "discount" ? stands.discount
                                                            : stands.voided);
        if (found != wanted)
            return fail("the issuer's books have " + key + " " + found + ", " + wanted + " was expected");
    }
}

}  // namespace flow
