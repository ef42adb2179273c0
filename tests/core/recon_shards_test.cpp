// Reconciliation of a switch with two shards (R101): a file has lines of both, each is applied where its
// transaction lies, under one number; crashes between the two; a day that retention has let go of.
// docs/decisions/0065.
#include <catch2/catch.hpp>

#include "ledger/retention_records.hpp"
#include "tests/core/recon_office.hpp"
#include "tests/core/two_shards.hpp"

using namespace desk;
using namespace recon;

namespace {

struct TwoOffices {
    Recon first{{}, ledger::plan_of_shard(0, 2)};
    Recon second{{}, ledger::plan_of_shard(1, 2)};

    TwoOffices() { pass_on(); }
    void pass_on() { desk::pass_on(first.d, second.d); }
    void restart() { desk::restart(first.d, second.d); }
    void hand_over(const std::string& text) {
        first.hand_over(text);
        second.hand_over(text);
    }
    /// All that is to be done is done.
    void work() {
        for (int i = 0; i < 4; ++i) {
            pass_on();
            first.d.pass(hour_ms);
            second.d.pass(hour_ms);
        }
    }
    OperatorAnswer import(const std::string& route, const std::string& text, const std::string& day = "") {
        hand_over(text);
        const OperatorAnswer answer = first.ask_import(route, text, day);
        work();
        return answer;
    }
    OperatorAnswer run(const std::string& day) {
        const OperatorAnswer answer = first.run(day);
        work();
        return answer;
    }
    [[nodiscard]] std::size_t differences() {
        return first.open_exceptions().size() + second.open_exceptions().size();
    }
};

}  // namespace

TEST_CASE("R101 two shards: each line of a file finds the shard of its transaction", "[recon]") {
    TwoOffices of;
    const Answer here = of.first.d.sale();
    const Answer there = of.second.d.sale();
    const Answer other_amount = of.second.d.sale();
    const std::string text =
        line_of({"sale", "", 10'000, here.rrn}) + line_of({"sale", "", 10'000, there.rrn}) +
        line_of({"sale", "", 9'999, other_amount.rrn}) + line_of({"sale", "", 700, "632599999999"});
    REQUIRE(of.import("issuer-b", text).done);
    CHECK(of.first.file(text).applied == 2);
    CHECK(of.second.file(text).applied == 2);
    CHECK(of.first.file(text).number == of.second.file(text).number);
    for (Recon* office : {&of.first, &of.second}) CHECK(ledger::name(office->file(text).state) == "done");
    REQUIRE(of.run(today).done);
    CHECK(of.first.status(here.rrn) == "matched");
    CHECK(of.first.status("632599999999") == "missing_here");  // of nobody: the first says so
    CHECK(of.first.status(there.rrn) == "none");
    CHECK(of.second.status(there.rrn) == "matched");
    CHECK(of.second.status(other_amount.rrn) == "amount_differs");
    CHECK(of.second.entries().at("2/" + other_amount.rrn).why.find("(file 1, line 3)") != std::string::npos);
    CHECK(of.differences() == 2);
    // The same file again changes nothing, in none of them.
    of.hand_over(text);
    CHECK(of.first.ask_import("issuer-b", text).text.find("was imported before, as file 1") !=
          std::string::npos);
    of.work();
    CHECK(of.second.file(text).applied == 2);
    CHECK(of.differences() == 2);
}

TEST_CASE("R101 two shards: lines without an RRN find theirs by its STAN", "[recon]") {
    TwoOffices of;
    const Answer there = of.second.d.sale();
    const ledger::TransactionRecord record = of.second.d.record(there.rrn);
    const std::string stan = iso8583::Stan::of(record.issuer_stan).str();
    const std::string time = iso8583::TransmissionTime::of(record.issuer_transmission_time).str();
    CHECK(ledger::shard_of_stan(iso8583::Stan::of(record.issuer_stan), 2) == 1U);
    const std::string text = "stan,transmission_time,terminal,kind,amount\n" + stan + "," + time + "," +
                             record.terminal.str() +
                             ",sale,100.00\n999999,1121040000,10000001,sale,1.00\n"
                             "000042,1121040000,10000001,sale,1.00\n";
    REQUIRE(of.import("issuer-b", text, today).done);
    REQUIRE(of.run(today).done);
    CHECK(of.second.status(there.rrn) == "matched");
    CHECK(of.second.status("S999999-1121040000-10000001") == "missing_here");
    CHECK(of.first.status("S000042-1121040000-10000001") == "missing_here");  // a session's: of no shard
    CHECK(of.first.entries().size() == 1);
}

TEST_CASE("R101 two shards: a bad file is refused before it changes anything in any of them", "[recon]") {
    TwoOffices of;
    const Answer there = of.second.d.sale();
    const std::string text = line_of({"sale", "", 10'000, there.rrn}) + "{\n";
    REQUIRE(of.import("issuer-b", text).done);
    CHECK(ledger::name(of.first.file(text).state) == "refused");
    CHECK(of.second.entries().empty());
}

TEST_CASE("R101 two shards: a crash between them changes nothing of the outcome", "[recon]") {
    const int crash_at = GENERATE(0, 1, 2, 3);
    TwoOffices of;
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += line_of({"sale", "", 10'000, of.first.d.sale().rrn});
        text += line_of({"sale", "", 10'000, of.second.d.sale().rrn});
    }
    of.hand_over(text);
    REQUIRE(of.first.ask_import("issuer-b", text).done);
    const auto maybe_dies = [&](int at) {
        if (crash_at == at) of.restart();
    };
    maybe_dies(0);                                  // nobody has begun
    of.first.d.pass(3 * acquirer::recon_pause_ms);  // the first is in its work, the other has heard nothing
    maybe_dies(1);
    of.pass_on();
    of.second.d.pass(2 * acquirer::recon_pause_ms);
    maybe_dies(2);
    of.work();
    REQUIRE(of.first.d.operate(acquirer::RunReconciliation{today}, "maker1", Role::operator_).done);
    of.first.d.pass(acquirer::recon_pause_ms);
    maybe_dies(3);  // the day has begun here, and not there
    of.work();
    for (Recon* office : {&of.first, &of.second}) {
        CHECK(office->file(text).applied == 100);
        CHECK(office->statuses().size() == 100);
        for (const auto& [name, status] : office->statuses()) CHECK(status == "matched");
    }
    CHECK(of.differences() == 0);
}

TEST_CASE("R101 two shards: a file that is lost in one is taken when it is imported again", "[recon]") {
    TwoOffices of;
    const Answer there = of.second.d.sale();
    const std::string text = line_of({"sale", "", 10'000, there.rrn});
    of.first.hand_over(text);  // and not to the second
    REQUIRE(of.first.ask_import("issuer-b", text).done);
    of.work();
    CHECK(ledger::name(of.first.file(text).state) == "done");
    REQUIRE(ledger::name(of.second.file(text).state) == "refused");
    CHECK(of.second.file(text).bad_lines.at(0).what == "the file is not stored any more: import it again");
    CHECK(of.import("issuer-b", text).done);
    CHECK(ledger::name(of.second.file(text).state) == "done");
    CHECK(of.second.file(text).applied == 1);
}

TEST_CASE("R101 two shards: a day that one of them has purged is compared in none", "[recon]") {
    TwoOffices of;
    const Answer there = of.second.d.sale();
    const std::string text = line_of({"sale", "", 10'000, there.rrn});
    const acquirer::RunReconciliation run{today};
    CHECK(of.second.d.operate(run, "maker1", Role::operator_).text == "the day 2026-11-21 can be compared");
    ledger::PurgeLogEntry gone;
    gone.day = {iso8583::Date::parse_iso("2027-06-01").value()};
    gone.family = ledger::RetentionFamily::transactions;
    gone.add(there.rrn, {iso8583::Date::parse_iso(today).value()});
    of.second.d.overlay().put(ledger::Family::journal, ledger::purge_log_key(gone.day, gone.family),
                              ledger::encode(gone));
    of.second.d.sale();  // its turn makes that durable
    const OperatorAnswer refused = of.second.d.operate(run, "maker1", Role::operator_);
    CHECK_FALSE(refused.done);
    CHECK(refused.text.find("was purged on 2027-06-01") != std::string::npos);
    // The first knows nothing of it: the line is left out where its transaction was.
    REQUIRE(of.import("issuer-b", text).done);
    CHECK(ledger::name(of.first.file(text).state) == "done");
    CHECK(of.second.file(text).applied == 0);
    CHECK(of.second.file(text).bad_lines.at(0).what.find(
              "left out, its business day 2026-11-21 was purged") == 0);
    CHECK(of.second.entries().empty());
}

TEST_CASE("R101 a day that retention has let go of is not compared, and no file may speak of it", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    const std::string text = line_of({"sale", "", 10'000, sale.rrn});
    r.import("issuer-b", text);
    const auto family =
        GENERATE(ledger::RetentionFamily::transactions, ledger::RetentionFamily::reconciliation);
    ledger::PurgeLogEntry gone;
    gone.day = {iso8583::Date::parse_iso("2027-06-01").value()};
    gone.family = family;
    gone.add(sale.rrn, {iso8583::Date::parse_iso(today).value()});
    r.d.overlay().put(ledger::Family::journal, ledger::purge_log_key(gone.day, family), ledger::encode(gone));
    r.d.sale();  // its turn makes that durable
    const OperatorAnswer refused = r.run(today);
    CHECK_FALSE(refused.done);
    CHECK(refused.text == "the day 2026-11-21 was purged on 2027-06-01 by retention (" +
                              std::string(ledger::name(family)) + "): it cannot be compared any more");
    const IssuerFileRecord again = r.import("issuer-b", text + line_of({"sale", "", 100, "632599999999"}));
    CHECK(ledger::name(again.state) == "refused");
    CHECK(again.bad_lines.at(0).what ==
          "its business day 2026-11-21 was purged on 2027-06-01 by retention (" +
              std::string(ledger::name(family)) + ")");
    CHECK(r.open_exceptions().empty());
}
