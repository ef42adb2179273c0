// Operations: cases, maker and checker, roles, routes, references. Rules R17 and the queue behind an
// approval.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "switch/core/transaction_state.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;

TEST_CASE("R17 a checker approves a held refund; it goes to the issuer; a retry still gets its 01", "[R17]") {
    for (const char* card : {card_a, card_b}) {
        Desk d;
        const Answer s = d.sale(card, "000002000000");
        const Ask r = d.refund_of(s, "000001500000", card);
        const auto held = d.ask(r);
        REQUIRE(held->code == "01");
        CHECK(d.ask(r)->text == held->text);
        CHECK(!d.operate(acquirer::ApproveRefund{held->text}, "maker1", Role::operator_).done);
        const auto ok = d.operate(acquirer::ApproveRefund{held->text}, "checker1", Role::supervisor);
        CHECK(ok.done);
        CHECK(d.state(held->rrn) == "approved");
        CHECK(d.remaining(s.rrn) == 500'000);
        const auto again = d.ask(r);
        CHECK(again->code == "01");
        CHECK(again->text == held->text);
        CHECK(!d.operate(acquirer::ApproveRefund{held->text}, "checker2", Role::supervisor).done);
    }
}

TEST_CASE("R17 a checker rejects: the amount can be refunded again", "[R17]") {
    Desk d;
    const Answer s = d.sale(card_b, "000002000000");
    const Ask r = d.refund_of(s, "000001500000");
    const auto held = d.ask(r);
    CHECK(d.operate(acquirer::RejectRefund{held->text, "no slip"}, "checker1", Role::supervisor).done);
    CHECK(d.state(held->rrn) == "rejected");
    CHECK(d.remaining(s.rrn) == 2'000'000);
    CHECK(d.ask(r)->code == "01");  // whatever became of it
}

TEST_CASE("R17 cleared while the route is down: sent when it is back, also after a crash", "[R17]") {
    for (const bool crash : {false, true}) {
        Desk d;
        const Answer s = d.sale(card_b, "000002000000");
        const auto held = d.ask(d.refund_of(s, "000001500000"));
        d.link(Desk::b, false);
        REQUIRE(d.operate(acquirer::ApproveRefund{held->text}, "checker1", Role::supervisor).done);
        CHECK(d.state(held->rrn) == "cleared");
        if (crash)
            d.restart();
        else
            d.link(Desk::b, true);
        CHECK(d.state(held->rrn) == "approved");
        CHECK(d.count_sent("0420") == 0);
    }
}

TEST_CASE("R17 a refund by operations needs a second person; its reference makes it one refund", "[R17]") {
    Desk d;
    const Answer s = d.sale();
    const acquirer::OpenRefund open{s.rrn, "1121", "40.00", "promise", "RMA-1"};
    CHECK(!d.operate(open, "viewer", Role::viewer).done);
    const auto first = d.operate(open, "maker1", Role::operator_);
    REQUIRE(first.done);
    const std::string number = first.values[1].second;
    CHECK(d.state(number) == "held");
    const auto twice = d.operate(open, "maker1", Role::operator_);
    CHECK(twice.done);
    CHECK(twice.values[1].second == number);
    CHECK(d.remaining(s.rrn) == 6000);
    acquirer::OpenRefund other = open;
    other.amount_major = "41.00";
    CHECK(!d.operate(other, "maker1", Role::operator_).done);
    // The same person in another role is still the maker.
    CHECK(!d.operate(acquirer::ApproveRefund{number}, "maker1", Role::supervisor).done);
    CHECK(d.operate(acquirer::ApproveRefund{number}, "checker1", Role::supervisor).done);
    CHECK(d.state(number) == "approved");
}

TEST_CASE("operators' wrong input is told in words", "[R17]") {
    Desk d;
    const Answer s = d.sale();
    const auto text = [&](acquirer::OperatorCommand c, Role role) {
        return d.operate(std::move(c), "maker1", role).text;
    };
    CHECK(text(acquirer::OpenRefund{"nonsense", "1121", "1.00", "other", "x"}, Role::operator_)
              .find("12 digits") != std::string::npos);
    CHECK(text(acquirer::OpenRefund{s.rrn, "1121", "1.001", "other", "x"}, Role::operator_)
              .find("2 decimals") != std::string::npos);
    CHECK(text(acquirer::OpenRefund{s.rrn, "1120", "1.00", "other", "x"}, Role::operator_).find("1120") !=
          std::string::npos);
    CHECK(
        text(acquirer::OpenRefund{s.rrn, "1121", "100.01", "other", "x"}, Role::operator_).find("remains") !=
        std::string::npos);
    CHECK(text(acquirer::ApproveRefund{"632500000000"}, Role::supervisor).find("no case") !=
          std::string::npos);
    CHECK(text(acquirer::MoveRoute{"nowhere", acquirer::MoveRoute::To::down}, Role::supervisor)
              .find("nowhere") != std::string::npos);
    CHECK(text(acquirer::CutOverDay{}, Role::supervisor).find("admin") != std::string::npos);
}

TEST_CASE("a route taken down by operations sends nothing until it is up", "[R52]") {
    Desk d;
    const Answer s = d.sale(card_a);
    REQUIRE(d.operate(acquirer::MoveRoute{"issuer-a", acquirer::MoveRoute::To::down}, "s", Role::supervisor)
                .done);
    Ask sale;
    sale.card = card_a;
    sale.trace = d.next_trace();
    CHECK(d.ask(sale)->code == "91");
    const auto r = d.ask(d.refund_of(s, "000000001000", card_a));
    CHECK(r->code == "00");
    CHECK(d.count_sent("0220") == 0);
    d.restart();
    CHECK(d.count_sent("0220") == 0);
    REQUIRE(
        d.operate(acquirer::MoveRoute{"issuer-a", acquirer::MoveRoute::To::up}, "s", Role::supervisor).done);
    CHECK(d.state(r->rrn) == "approved");
}

TEST_CASE("refund check says what would happen and changes nothing", "[R11]") {
    Desk d;
    const Answer s = d.sale();
    CHECK(d.operate(acquirer::CheckRefund{s.rrn, "1121", "100.00"}, "v", Role::viewer).done);
    const auto too_much = d.operate(acquirer::CheckRefund{s.rrn, "1121", "100.01"}, "v", Role::viewer);
    CHECK(!too_much.done);
    CHECK(too_much.text.find("R11") != std::string::npos);
    CHECK(d.remaining(s.rrn) == 10000);
}

TEST_CASE("R25 refund check and refund open look at a suspended merchant, not at a suspended terminal",
          "[R25]") {
    Desk d;
    const Answer s = d.sale();
    const acquirer::CheckRefund check{s.rrn, "1121", "10.00"};
    REQUIRE(d.operate(acquirer::ChangeTerminal{"10000001", acquirer::ChangeTerminal::To::suspend}, "s",
                      Role::supervisor)
                .done);
    CHECK(d.operate(check, "v", Role::viewer).done);
    using To = acquirer::ChangeMerchant::To;
    REQUIRE(d.operate(acquirer::ChangeMerchant{"898110157220001", To::suspend}, "s", Role::supervisor).done);
    const auto checked = d.operate(check, "v", Role::viewer);
    CHECK(!checked.done);
    CHECK(checked.text.find("R25, 03") != std::string::npos);
    const acquirer::OpenRefund open{s.rrn, "1121", "10.00", "other", "ref1"};
    CHECK(d.operate(open, "o", Role::operator_).text.find("R25, 03") != std::string::npos);
    REQUIRE(d.operate(acquirer::ChangeMerchant{"898110157220001", To::resume}, "s", Role::supervisor).done);
    CHECK(d.operate(open, "o", Role::operator_).done);
}

namespace {

/// The first entry of its history whose rule the state table does not name for that step; empty when all do.
std::string foreign_rule(const ledger::TransactionRecord& r) {
    const auto named = [](std::string_view rules, const std::string& rule) {
        return (" " + std::string(rules) + " ").find(" " + rule + " ") != std::string::npos;
    };
    namespace table = acquirer::state_table;
    for (std::size_t i = 0; i < r.history.size(); ++i) {
        const ledger::HistoryEntry& h = r.history[i];
        bool known = i > 0 && r.history[i - 1].state == h.state;  // a rule that moved nothing
        if (i == 0)
            for (const auto& row : table::initial)
                known = known || (row.kind == r.kind && row.state == h.state && named(row.rules, h.rule));
        else
            for (const auto& row : table::transitions)
                known = known || (row.kind == r.kind && row.from == r.history[i - 1].state &&
                                  row.to == h.state && named(row.rules, h.rule));
        if (!known) return std::string(ledger::name(h.state)) + " by " + h.rule;
    }
    return "";
}

}  // namespace

TEST_CASE("R17 the history of a held refund names the rules of the state table", "[R17]") {
    Desk d;
    for (const char* card : {card_a, card_b}) {  // by advice, and online
        const Answer s = d.sale(card, "000003000000");
        const auto held = d.ask(d.refund_of(s, "000001500000", card));
        REQUIRE(d.operate(acquirer::ApproveRefund{held->text}, "checker1", Role::supervisor).done);
        REQUIRE(d.state(held->text) == "approved");
        CHECK(foreign_rule(d.record(held->text)) == "");
        const auto opened =
            d.operate(acquirer::OpenRefund{s.rrn, "", "1.00", "other", s.rrn}, "maker1", Role::operator_);
        const std::string number = opened.values.at(0).second;
        REQUIRE(d.operate(acquirer::ApproveRefund{number}, "checker1", Role::supervisor).done);
        REQUIRE(d.state(number) == "approved");
        CHECK(foreign_rule(d.record(number)) == "");
        const auto rejected = d.ask(d.refund_of(s, "000001200000", card));
        REQUIRE(d.operate(acquirer::RejectRefund{rejected->text, "no"}, "checker1", Role::supervisor).done);
        CHECK(foreign_rule(d.record(rejected->text)) == "");
    }
}

TEST_CASE("every change is in the audit chain, reads are not", "[audit]") {
    Desk d;
    const Answer s = d.sale(card_b, "000002000000");
    const auto held = d.ask(d.refund_of(s, "000001500000"));
    REQUIRE(d.operate(acquirer::ApproveRefund{held->text}, "checker1", Role::supervisor).done);
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    d.operate(acquirer::CheckRefund{s.rrn, "", "1.00"}, "v", Role::viewer);
    d.restart();
    d.pass(std::int64_t{24} * 3600 * 1000);
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    const auto head = ledger::verify_audit_chain(d.store(), &ledger::audit_sha256);
    REQUIRE(head.has_value());
    CHECK(head->sequence == 3);
}
