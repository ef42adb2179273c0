// R65: a switch that was restored from a backup. It knows neither what its issuers answered since nor what it
// sent: nothing new begins, nothing is done twice, and people say when it may go on.
#include <catch2/catch.hpp>

#include <set>

#include "ledger/audit_hash.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/restore_records.hpp"
#include "switch/core/money_check.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;

namespace {

const Does silent{Does::Kind::silent, "", MacState::verified, {}};
const std::string note = "each route compared with its issuer's file";

ledger::BackupMark mark_of(const Desk& d, const std::string& id = "20261121T040000Z-00000001") {
    return {id, d.now().utc, d.status().business_date, d.store_turn()};
}

/// The numbers of all messages to issuers: DE7 and DE11 together are given once.
std::set<std::string> issuer_numbers(const Desk& d, std::size_t from = 0) {
    std::set<std::string> all;
    for (std::size_t i = from; i < d.sent.size(); ++i)
        all.insert(std::string(d.sent[i].fields.get(iso8583::Field::transmission_time)) +
                   std::string(d.sent[i].fields.get(iso8583::Field::stan)));
    return all;
}

void accept(Desk& d) {
    const auto proposal = d.operate(acquirer::AcceptRestore{note}, "admin1", Role::admin);
    REQUIRE(proposal.done);
    using To = acquirer::DecideProposal::To;
    REQUIRE(d.operate(acquirer::DecideProposal{proposal.values.front().second, To::approve, ""}, "checker1",
                      Role::supervisor)
                .done);
}

}  // namespace

TEST_CASE("R65 a restored switch takes no new work until two people have accepted it", "[R65]") {
    Desk d;
    const Answer s = d.sale(card_a);
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    d.pass(60'000);
    d.restore(*backup, mark);
    REQUIRE(d.status().restored);
    CHECK(d.status().refuses_new_work.find("restored from backup") == 0);
    CHECK(d.status().restored->backup == mark.id);
    CHECK(d.status().restored->business_day == mark.business_day);

    Ask sale;
    sale.trace = d.next_trace();
    sale.card = card_a;
    const Ask refund = d.refund_of(s, "000000001000", card_a);
    Ask retry = refund;
    retry.repeat = true;
    for (const Ask& ask : {sale, refund, retry, d.void_of(s, card_a)}) {
        const auto refused = d.ask(ask);
        REQUIRE(refused);
        CHECK(refused->code == "96");
        CHECK(refused->text == "RESTORED, TRY LATER");
        CHECK(refused->rrn.empty());
    }
    Ask settlement;
    settlement.what = What::settlement;
    settlement.trace = d.next_trace();
    settlement.de48 = "000000010000001" + std::string(47, '0');
    CHECK(d.ask(settlement)->code == "96");
    Ask echo;
    echo.what = What::echo;
    CHECK(d.ask(echo));
    CHECK(d.count_sent("0220") == 0);

    const auto opened = d.operate(acquirer::OpenRefund{s.rrn, "1121", "40.00", "promise", "RMA-1"}, "maker1",
                                  Role::operator_);
    CHECK(!opened.done);
    CHECK(opened.text.find(mark.id) != std::string::npos);
    CHECK(opened.text.find("issuer-a, issuer-b") != std::string::npos);

    SECTION("one person alone does not") {
        CHECK(!d.operate(acquirer::AcceptRestore{note}, "maker1", Role::operator_).done);
        CHECK(!d.operate(acquirer::AcceptRestore{""}, "admin1", Role::admin).done);
        const auto proposal = d.operate(acquirer::AcceptRestore{note}, "admin1", Role::admin);
        using To = acquirer::DecideProposal::To;
        CHECK(!d.operate(acquirer::DecideProposal{proposal.values.front().second, To::approve, ""}, "admin1",
                         Role::supervisor)
                   .done);
        d.restart();
        CHECK(d.status().restored);
        CHECK(d.ask(sale)->code == "96");
    }
    SECTION("two do, for good") {
        accept(d);
        CHECK(!d.status().restored);
        CHECK(d.status().refuses_new_work.empty());
        CHECK(d.ask(sale)->code == "00");
        CHECK(d.ask(refund)->code == "00");
        CHECK(!d.operate(acquirer::AcceptRestore{note}, "admin1", Role::admin).done);
        d.restart();
        CHECK(!d.status().restored);
        CHECK(d.ask(d.refund_of(s, "000000002000", card_a))->code == "00");
    }
}

TEST_CASE(
    "R65 a reversal is not judged by a ledger that lacks its original: no answer, the terminal repeats it",
    "[R65]") {
    Desk d;
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    Ask sale;
    sale.trace = d.next_trace();
    REQUIRE(d.ask(sale)->code == "00");
    d.pass(60'000);
    d.restore(*backup, mark);
    CHECK(!d.ask(d.reversal_of(sale)));
    CHECK(d.exceptions().empty());
    accept(d);
    CHECK(d.ask(d.reversal_of(sale))->code == "25");
}

TEST_CASE("R65 numbers that were given after the backup are not given again", "[R65]") {
    Desk d;
    d.operate(acquirer::MoveRoute{"issuer-b", acquirer::MoveRoute::To::down}, "checker1", Role::supervisor);
    d.operate(acquirer::MoveRoute{"issuer-b", acquirer::MoveRoute::To::up}, "checker1", Role::supervisor);
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    std::set<std::string> rrns;
    for (int i = 0; i < 300; ++i) rrns.insert(d.sale(card_a).rrn);
    const auto lost = issuer_numbers(d);
    const std::size_t sent_before = d.sent.size();
    d.operate(acquirer::MoveRoute{"issuer-b", acquirer::MoveRoute::To::down}, "checker2", Role::supervisor);
    // Not a millisecond later: only the jump keeps them apart.
    d.restore(*backup, mark);
    const auto first = ledger::AuditLog::open(d.overlay(), &ledger::audit_sha256);
    accept(d);
    for (int i = 0; i < 300; ++i) {
        const Answer again = d.sale(card_a);
        CHECK(rrns.insert(again.rrn).second);
    }
    for (const std::string& number : issuer_numbers(d, sent_before)) CHECK(lost.count(number) == 0);
    const auto chain = ledger::verify_audit_chain(d.overlay(), &ledger::audit_sha256);
    REQUIRE(chain);
    REQUIRE(first);
    // What was entry 3 in the time that is lost is no number of this chain.
    CHECK(first->head().sequence > 1'000'000);
    std::vector<std::uint64_t> sequences;
    REQUIRE(
        ledger::read_audit_entries(d.overlay(), 1, ~std::uint64_t{0}, [&](const ledger::AuditEntry& entry) {
            sequences.push_back(entry.sequence);
            return true;
        }));
    CHECK(sequences.at(1) == 2);
    CHECK(sequences.at(2) == static_cast<std::uint64_t>(d.now().utc.ms) + 1);
}

TEST_CASE("R65 a backup that is restored twice gives no number twice", "[R65]") {
    Desk d;
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    std::set<std::string> rrns;
    std::set<std::string> proposals;
    for (int restored = 0; restored < 3; ++restored) {
        d.pass(2'000);
        d.restore(*backup, mark);
        const auto proposal = d.operate(acquirer::AcceptRestore{note}, "admin1", Role::admin);
        REQUIRE(proposal.done);
        CHECK(proposals.insert(proposal.values.front().second).second);
        using To = acquirer::DecideProposal::To;
        REQUIRE(d.operate(acquirer::DecideProposal{proposal.values.front().second, To::approve, ""},
                          "checker1", Role::supervisor)
                    .done);
        for (int i = 0; i < 100; ++i) CHECK(rrns.insert(d.sale(card_b).rrn).second);
    }
}

TEST_CASE("R65 what lies in the queue goes on under its numbers, as a repeat", "[R65]") {
    Desk d;
    const Answer s = d.sale(card_a);
    d.link(Desk::a, false);
    REQUIRE(d.ask(d.refund_of(s, "000000003000", card_a))->code == "00");
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    d.link(Desk::a, true);
    REQUIRE(d.count_sent("0220") == 1);
    const Sent paid = d.last_sent("0220");
    d.pass(60'000);
    d.restore(*backup, mark);
    CHECK(d.count_sent("0220") == 1);
    REQUIRE(d.count_sent("0221") == 1);
    const Sent again = d.last_sent("0221");
    for (const auto field : {iso8583::Field::stan, iso8583::Field::transmission_time, iso8583::Field::rrn})
        CHECK(again.fields.get(field) == paid.fields.get(field));
    CHECK(d.status().restored);
}

TEST_CASE("R65 what was with its issuer when the backup was made is not reversed by the switch", "[R65]") {
    Desk d;
    d.issuer = [](const Sent&) { return silent; };
    Ask sale;
    sale.trace = d.next_trace();
    CHECK(!d.ask(sale));
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    d.issuer = [](const Sent&) { return Does{}; };
    d.reply(d.sent.back(), Does{});  // the issuer approves, its terminal hears of it
    d.offer(acquirer::StoreHealthChanged{});
    REQUIRE(d.answers.back().code == "00");
    const std::string rrn = d.answers.back().rrn;
    d.pass(60'000);
    d.restore(*backup, mark);
    CHECK(d.count_sent("0420") == 0);
    CHECK(d.state(rrn) == "reversing");
    const auto open = d.exceptions("advice_stale");
    REQUIRE(open.size() == 1);
    CHECK(open.front().id.substr(0, 12) == rrn);
    using To = acquirer::DecideProposal::To;
    SECTION("two people know that it stands") {
        const auto p =
            d.operate(acquirer::SettleTransaction{rrn, "approved", note}, "maker1", Role::operator_);
        REQUIRE(p.done);
        REQUIRE(d.operate(acquirer::DecideProposal{p.values.front().second, To::approve, ""}, "checker1",
                          Role::supervisor)
                    .done);
        CHECK(d.state(rrn) == "approved");
        CHECK(d.count_sent("0420") == 0);
        CHECK(d.remaining(rrn) == 10'000);
    }
    SECTION("or that it is to be reversed") {
        REQUIRE(d.operate(acquirer::RetryAdvice{rrn}, "maker1", Role::operator_).done);
        CHECK(d.state(rrn) == "reversed");
    }
    CHECK(d.exceptions("advice_stale").size() == 1);
    CHECK(!d.exceptions("advice_stale").front().resolution.empty());
}

TEST_CASE("R65 a case that was cleared, or waits to be, pays nothing before the restore is accepted",
          "[R65]") {
    Desk d;
    const Answer s = d.sale(card_b, "000002000000");
    const auto held = d.ask(d.refund_of(s, "000000900000"));
    const auto other = d.ask(d.refund_of(s, "000001050000"));
    REQUIRE(other->code == "01");
    d.link(Desk::b, false);
    REQUIRE(d.operate(acquirer::ApproveRefund{other->text}, "checker1", Role::supervisor).done);
    REQUIRE(d.state(other->rrn) == "cleared");
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    const std::size_t sent = d.sent.size();
    d.pass(60'000);
    d.restore(*backup, mark);
    CHECK(d.sent.size() == sent);
    CHECK(d.state(other->rrn) == "cleared");
    using To = acquirer::DecideProposal::To;
    for (const acquirer::OperatorCommand& approve :
         {acquirer::OperatorCommand(acquirer::ApproveRefund{other->text}),
          acquirer::OperatorCommand(acquirer::DecideProposal{other->text, To::approve, ""})}) {
        const auto answer = d.operate(approve, "checker1", Role::supervisor);
        CHECK(!answer.done);
        CHECK(answer.text.find("restored from backup") != std::string::npos);
    }
    // A month goes by, and nobody frees its amount behind people's backs.
    d.pass(40LL * 86'400'000);
    CHECK(d.exceptions("case_expired").empty());
    accept(d);
    CHECK(d.state(other->rrn) == "approved");
    static_cast<void>(held);
}

TEST_CASE("R65 a cleared case whose route is retired waits for the restore's acceptance, forgotten by nobody",
          "[R65][R17]") {
    Desk d;
    const Answer s = d.sale(card_b, "000002000000");
    const auto held = d.ask(d.refund_of(s, "000001050000"));
    REQUIRE(held->code == "01");
    d.link(Desk::b, false);
    REQUIRE(d.operate(acquirer::ApproveRefund{held->text}, "checker1", Role::supervisor).done);
    REQUIRE(d.state(held->rrn) == "cleared");
    auto routes = d.configuration->routes.routes();
    for (routing::Route& route : routes)
        if (route.id == Desk::b) route.retired = true;
    d.configuration->routes = routing::RouteTable::build(routes, {{"621234", "621299", {Desk::a}}}).value();
    const auto mark = mark_of(d);
    const auto backup = d.back_up();
    d.restore(*backup, mark);
    d.pass(600'000);
    CHECK(d.exceptions("orphan").empty());
    CHECK(d.exceptions("route_retired").empty());
    accept(d);
    CHECK(d.state(held->rrn) == "cleared");
    CHECK(d.exceptions("route_retired").size() == 1);
    d.pass(600'000);
    CHECK(d.exceptions("orphan").empty());
}

TEST_CASE("R65 a backup of a switch that still waited: what is to be reconciled begins with the earlier one",
          "[R65]") {
    Desk d;
    const auto first = mark_of(d);
    const auto backup = d.back_up();
    d.pass(60'000);
    d.restore(*backup, first);
    auto second = mark_of(d, "20261121T040100Z-00000002");
    const auto of_the_restored = d.back_up();
    d.pass(60'000);
    d.restore(*of_the_restored, second);
    REQUIRE(d.status().restored);
    CHECK(d.status().restored->backup == first.id);
    accept(d);
    CHECK(!d.status().restored);
    d.restart();
    CHECK(!d.status().restored);
    const auto restores = ledger::read_restores(d.overlay());
    REQUIRE(restores);
    REQUIRE(restores->size() == 2);
    for (const auto& restore : *restores) {
        CHECK(restore.accepted_by == "admin1, checker1");
        CHECK(restore.note == note);
    }
}

TEST_CASE("the money of a ledger at rest is held against I1 and I2", "[I1]") {
    Desk d;
    const Answer s = d.sale(card_b);
    const Answer other = d.sale(card_a);
    REQUIRE(d.ask(d.refund_of(s, "000000003000"))->code == "00");
    REQUIRE(d.ask(d.refund_of(s, "000000002000"))->code == "00");
    REQUIRE(d.ask(d.refund_of(other, "000000010000", card_a))->code == "00");
    const auto sound = acquirer::find_money_faults(d.overlay());
    REQUIRE(sound);
    CHECK(sound->sales == 2);
    CHECK(sound->faults.empty());
    const auto with = [&](const std::function<void(ledger::TransactionRecord&)>& damage) {
        ledger::TransactionRecord sale = d.record(s.rrn);
        damage(sale);
        ledger::Overlay changed(d.store());
        changed.put(ledger::Family::journal, ledger::transaction_key(sale.rrn), ledger::encode(sale));
        const auto found = acquirer::find_money_faults(changed);
        REQUIRE(found);
        REQUIRE(found->faults.size() == 1);
        return found->faults.front();
    };
    CHECK(with([](auto& sale) { sale.refunds_minor = 4'000; }).find("I1: its refunds took 5000 of 10000") !=
          std::string::npos);
    CHECK(with([](auto& sale) { sale.chargebacks_minor = 5'001; }).find("took more than the sale") !=
          std::string::npos);
    CHECK(with([](auto& sale) { sale.state = ledger::State::voided; }).find("I2") != std::string::npos);
}
