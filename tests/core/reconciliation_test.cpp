// Reconciliation (R101): each kind of difference, files that repeat, correct or double what was said, bad
// files, crashes at every step, days, and what people may do.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/core/recon_office.hpp"

using namespace desk;
using namespace recon;

TEST_CASE("R101 what both sides have alike is matched, whatever became of it", "[recon]") {
    Recon r;
    const Answer plain = r.d.sale();
    const Answer refunded = r.d.sale();
    const auto refund = r.d.ask(r.d.refund_of(refunded, "000000003000"));
    const Answer voided = r.d.sale();
    const auto void_answer = r.d.ask(r.d.void_of(voided));
    Ask reversible;
    reversible.trace = r.d.next_trace();
    const auto reversed = r.d.ask(reversible);
    REQUIRE(r.d.ask(r.d.reversal_of(reversible))->code == "00");
    const Answer voided_a = r.d.sale(card_a);
    const auto void_a = r.d.ask(r.d.void_of(voided_a, card_a));
    REQUIRE(r.d.state(voided_a.rrn) == "voided");
    const IssuerFileRecord b = r.import(
        "issuer-b",
        line_of({"sale", "", 10'000, plain.rrn}) + line_of({"sale", "", 10'000, refunded.rrn}) +
            line_of({"refund", "", 3'000, refund->rrn}) + line_of({"sale", "", 10'000, voided.rrn}) +
            line_of({"void", "", 10'000, void_answer->rrn}) + line_of({"sale", "", 10'000, reversed->rrn}) +
            line_of({"reversal", "sale", 10'000, reversed->rrn}));
    CHECK(ledger::name(b.state) == "done");
    CHECK(b.applied == 7);
    // issuer-a takes a void as a reversal of the sale.
    r.import("issuer-a", line_of({"sale", "", 10'000, voided_a.rrn, "0003"}) +
                             line_of({"reversal", "sale", 10'000, voided_a.rrn, "0003"}));
    REQUIRE(r.run(today).done);
    for (const auto& [name, status] : r.statuses()) {
        INFO(name);
        CHECK(status == "matched");
    }
    CHECK(r.status(refund->rrn) == "matched");
    CHECK(r.status(void_a->rrn, 1) == "none");  // it has no booking of its own
    CHECK(r.open_exceptions().empty());
}

TEST_CASE("R101 each kind of difference has its name, and an exception with an owner", "[recon]") {
    struct Row {
        std::string status;
        std::function<std::string(const std::string& rrn)> file;  // of issuer-b, which has the sale
        bool red;
    };
    const std::vector<Row> rows = {
        {"amount_differs",
         [](const std::string& rrn) {
             return line_of({"sale", "", 9'999, rrn});
         },
         false},
        {"amount_differs",
         [](const std::string& rrn) {
             return line_of({"refund", "", 10'000, rrn});
         },
         false},
        {"amount_differs",
         [](const std::string& rrn) {
             Booked b{"sale", "", 10'000, rrn};
             b.currency = "978";
             return line_of(b);
         },
         false},
        {"amount_differs",  // booked twice
         [](const std::string& rrn) {
             return line_of({"sale", "", 10'000, rrn}) + line_of({"sale", "", 10'000, rrn});
         },
         false},
        {"missing_there", [](const std::string&) { return std::string("\n"); }, false},
        {"missing_there",  // taken back there, and standing here
         [](const std::string& rrn) {
             return line_of({"sale", "", 10'000, rrn}) + line_of({"reversal", "sale", 10'000, rrn});
         },
         false},
        {"wrong_card",
         [](const std::string& rrn) {
             return line_of({"sale", "", 10'000, rrn, "1112"});
         },
         true},
        {"wrong_merchant",
         [](const std::string& rrn) {
             return line_of({"sale", "", 10'000, rrn, "1111", "898110157220002"});
         },
         true},
    };
    for (const Row& row : rows) {
        Recon r;
        const Answer sale = r.d.sale();
        const std::string text = row.file(sale.rrn);
        INFO(row.status << ": " << text);
        r.import("issuer-b", text, today);
        REQUIRE(r.run(today).done);
        CHECK(r.status(sale.rrn) == row.status);
        const auto open = r.open_exceptions();
        REQUIRE(open.size() == 1);
        CHECK(open[0].kind == "recon_" + row.status);
        CHECK(open[0].rule == "R101");
        CHECK(open[0].owner == "operations");
        CHECK(open[0].alarm == row.red);
    }
}

TEST_CASE("R101 what the issuer has and we have not, or had declined", "[recon]") {
    Recon r;
    r.d.issuer = [](const Sent&) { return Does{Does::Kind::decline, "51", MacState::verified, {}}; };
    Ask asked;
    asked.trace = r.d.next_trace();
    const auto declined = r.d.ask(asked);
    REQUIRE(declined->code == "51");
    r.import("issuer-b", line_of({"sale", "", 10'000, declined->rrn}) +
                             line_of({"sale", "", 700, "632599999999"}) +
                             line_of({"reversal", "sale", 800, "632599999998"}));
    REQUIRE(r.run(today).done);
    CHECK(r.status(declined->rrn) == "missing_here");
    CHECK(r.status("632599999999") == "missing_here");
    CHECK(r.status("632599999998") == "matched");  // it gave nothing, and took nothing
    CHECK(r.open_exceptions().size() == 2);
}

TEST_CASE("R101 a transaction in the file of another route is a red alarm", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    r.import("issuer-a", line_of({"sale", "", 10'000, sale.rrn}));
    r.import("issuer-b", line_of({"sale", "", 10'000, sale.rrn}));
    REQUIRE(r.run(today).done);
    CHECK(r.status(sale.rrn, 1) == "wrong_route");
    CHECK(r.status(sale.rrn, 2) == "matched");
    REQUIRE(r.open_exceptions().size() == 1);
    CHECK(r.open_exceptions()[0].alarm);
    CHECK(std::any_of(r.d.notes.begin(), r.d.notes.end(), [](const acquirer::Note& n) {
        return n.severity == acquirer::Severity::alarm && n.rule == "R101";
    }));
}

TEST_CASE("R101 a file that is another issuer's is refused, and can be imported for that one", "[recon]") {
    Recon r;
    std::string text;
    for (std::size_t i = 0; i < acquirer::recon_wrong_file_lines; ++i)
        text += line_of({"sale", "", 10'000, r.d.sale().rrn});
    const IssuerFileRecord wrong = r.import("issuer-a", text);
    CHECK(ledger::name(wrong.state) == "refused");
    CHECK(wrong.bad_lines.at(0).what ==
          "all of its transactions went over other routes: it is another issuer's file");
    CHECK(r.entries().empty());
    CHECK(ledger::name(r.import("issuer-b", text).state) == "done");
}

TEST_CASE("R101 what turns up in a later file resolves a difference by itself", "[recon]") {
    Recon r;
    const Answer lost = r.d.sale();
    const Answer wrong = r.d.sale();
    const std::string first = line_of({"sale", "", 9'000, wrong.rrn});
    r.import("issuer-b", first);
    REQUIRE(r.run(today).done);
    CHECK(r.status(lost.rrn) == "missing_there");
    CHECK(r.status(wrong.rrn) == "amount_differs");
    CHECK(r.open_exceptions().size() == 2);
    // The journal that grew, with a line put right: the same booking by its time and number.
    const IssuerFileRecord grown = r.import(
        "issuer-b",
        line_of({"sale", "", 10'000, wrong.rrn}) +
            line_of({"sale", "", 10'000, lost.rrn, "1111", "898110157220001", Desk::noon.plus_ms(day_ms)}));
    CHECK(grown.replaced == 1);
    CHECK(grown.applied == 1);
    CHECK(r.status(lost.rrn) == "matched");  // by the business day, which did not end
    CHECK(r.status(wrong.rrn) == "matched");
    CHECK(r.open_exceptions().empty());
    for (const auto& x : r.d.exceptions("recon_missing_there")) {
        CHECK(x.resolved_by == "reconciliation");
        CHECK(x.resolution == "an issuer's file or the ledger resolved it: matched");
    }
}

TEST_CASE("R101 later than we did: within recon_days it is late, beyond a difference", "[recon]") {
    Recon r([](acquirer::Configuration& c) {
        c.cutover_at_minute = 23 * 60;
        c.issuer_files[Desk::b].recon_days = 2;
    });
    const Answer late = r.d.sale();
    const Answer too_late = r.d.sale();
    r.d.pass(4 * day_ms);
    r.import(
        "issuer-b",
        line_of({"sale", "", 10'000, late.rrn, "1111", "898110157220001", Desk::noon.plus_ms(2 * day_ms)}) +
            line_of({"sale", "", 10'000, too_late.rrn, "1111", "898110157220001",
                     Desk::noon.plus_ms(3 * day_ms)}),
        today);
    REQUIRE(r.run(today).done);
    CHECK(r.status(late.rrn) == "late");
    CHECK(r.status(too_late.rrn) == "too_late");
    CHECK(r.open_exceptions().size() == 1);
}

TEST_CASE("R101 what is not at its end waits, without an exception", "[recon]") {
    Recon r;
    r.d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    Ask asked;
    asked.trace = r.d.next_trace();
    CHECK_FALSE(r.d.ask(asked));
    r.d.pass(31'000);
    const std::string rrn = r.d.answers.back().rrn;
    REQUIRE(r.d.state(rrn) == "reversing");
    r.import("issuer-b", line_of({"sale", "", 10'000, rrn}));
    REQUIRE(r.run(today).done);
    CHECK(r.status(rrn) == "pending");
    CHECK(r.open_exceptions().empty());
    // The 0420 gets through, and the next file has its line.
    r.d.issuer = [](const Sent&) { return Does{}; };
    r.d.pass(hour_ms);
    REQUIRE(r.d.state(rrn) == "reversed");
    r.import("issuer-b", line_of({"sale", "", 10'000, rrn}) + line_of({"reversal", "sale", 10'000, rrn}));
    CHECK(r.status(rrn) == "matched");
}

TEST_CASE("R101 a file is imported once, and what an earlier one had counts once", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    const std::string text = line_of({"sale", "", 10'000, sale.rrn});
    r.import("issuer-b", text);
    REQUIRE(r.run(today).done);
    const auto again = r.ask_import("issuer-b", text);
    CHECK(again.done);
    CHECK(again.text == "this file was imported before, as file 1: nothing changes");
    // Of another route it is another file, which has to be handed over.
    CHECK(r.ask_import("issuer-a", text).text == "the file is not here: hand it over first");
    const IssuerFileRecord grown = r.import("issuer-b", text + "\n" + text);
    CHECK(grown.repeated == 1);
    CHECK(grown.applied == 1);  // twice in one file is booked twice
    CHECK(r.status(sale.rrn) == "amount_differs");
}

TEST_CASE("R101 a bad file is refused with its lines, before it changes anything", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    const std::string good = line_of({"sale", "", 10'000, sale.rrn});
    std::string text = good + "{\"kind\":1}\n\n" + good + "{\n";
    const IssuerFileRecord file = r.import("issuer-b", text);
    CHECK(ledger::name(file.state) == "refused");
    CHECK(file.lines == 2);
    REQUIRE(file.bad == 2);
    CHECK(file.bad_lines[0].line_number == 2);
    CHECK(file.bad_lines[1].line_number == 5);
    CHECK(r.entries().empty());
    CHECK(r.run(today).text ==
          "no file that was imported covers the day 2026-11-21: recon import --route R FILE comes first");
    // The same file again is looked at again: the configuration may be another one by then.
    r.hand_over(text);
    CHECK(r.ask_import("issuer-b", text).text == "file 2 of issuer-b is being imported");
    // Of very many bad lines the first hundred are kept.
    std::string all_bad;
    for (int i = 0; i < 300; ++i) all_bad += "{\"n\":" + std::to_string(i) + "}\n";
    const IssuerFileRecord many = r.import("issuer-b", all_bad);
    CHECK(many.bad == 300);
    CHECK(many.bad_lines.size() == IssuerFileRecord::bad_lines_max);
    const IssuerFileRecord endless = r.import("issuer-b", good + std::string(70'000, 'x'));
    CHECK(endless.bad_lines.at(0).what == "is longer than 4096 bytes: the rest was not read");
    const IssuerFileRecord headless = r.import("issuer-b", "rrn;kind\n1;2\n3;4\n");
    CHECK(headless.bad == 1);
    const IssuerFileRecord dateless = r.import("issuer-b", "rrn,kind,amount\n" + sale.rrn + ",sale,100.00\n");
    CHECK(dateless.bad_lines.at(0).what == "time: is missing, and no --day was given with the file");
    CHECK(r.entries().empty());
}

TEST_CASE("R101 a crash at every step of an import and a run changes nothing of the outcome", "[recon]") {
    const auto play = [](bool crash) {
        Recon r;
        std::string text;
        for (int i = 0; i < 150; ++i) {
            const Answer sale = r.d.sale();
            if (i % 10 == 0) continue;  // missing there
            text += line_of({"sale", "", i % 10 == 1 ? 9'999 : 10'000, sale.rrn});
        }
        text += line_of({"sale", "", 1, "632599999999"});
        r.hand_over(text);
        REQUIRE(r.ask_import("issuer-b", text).done);
        std::size_t steps = 0;
        const auto work = [&](const std::function<bool()>& is_done) {
            while (!is_done()) {
                r.d.pass(acquirer::recon_pause_ms);
                if (crash) r.d.restart();
                REQUIRE(++steps < 1'000);
            }
        };
        work([&] { return r.file(text).is_at_its_end(); });
        CHECK(r.file(text).applied == 136);
        REQUIRE(r.d.operate(acquirer::RunReconciliation{today}, "maker1", Role::operator_).done);
        work([&] {
            const auto day = r.d.store().get(
                ledger::Family::journal, ledger::recon_day_key({iso8583::Date::parse_iso(today).value()}));
            return ledger::name(ledger::decode_recon_day(**day)->state) == "done";
        });
        CHECK(steps > 5);
        CHECK(r.open_exceptions().size() == 31);
        return r.statuses();
    };
    CHECK(play(true) == play(false));
}

TEST_CASE("R101 lines without an RRN are found by STAN, DE7 and terminal", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    const Answer refunded = r.d.sale(card_a);
    const auto refund = r.d.ask(r.d.refund_of(refunded, "000000003000", card_a));
    REQUIRE(refund->code == "00");
    const auto numbers = [&](const std::string& rrn, bool of_advice) {
        const ledger::TransactionRecord record = r.d.record(rrn);
        const std::uint32_t stan = of_advice ? record.advice.stan : record.issuer_stan;
        const std::uint32_t time =
            of_advice ? record.advice.transmission_time : record.issuer_transmission_time;
        return iso8583::Stan::of(stan).str() + "," + iso8583::TransmissionTime::of(time).str() + "," +
               record.terminal.str();
    };
    const std::string header = "stan,transmission_time,terminal,kind,amount\n";
    r.import("issuer-b",
             header + numbers(sale.rrn, false) + ",sale,100.00\n999999,1121040000,10000001,sale,1.00\n",
             today);
    r.import("issuer-a",
             header + numbers(refunded.rrn, false) + ",sale,100.00\n" + numbers(refund->rrn, true) +
                 ",refund,30.00\n",
             today);
    REQUIRE(r.run(today).done);
    CHECK(r.status(sale.rrn) == "matched");
    CHECK(r.status(refunded.rrn, 1) == "matched");
    CHECK(r.status(refund->rrn, 1) == "matched");
    CHECK(r.status("S999999-1121040000-10000001") == "missing_here");
    // What has no RRN is resolved by its name.
    const auto resolved =
        r.d.operate(acquirer::ResolveDifference{"S999999-1121040000-10000001", "", "a test of theirs"},
                    "checker1", Role::supervisor);
    CHECK(resolved.done);
    CHECK(r.open_exceptions().empty());
}

TEST_CASE("R101 a supervisor closes a difference, and nothing else does", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    r.import("issuer-b", "\n", today);
    REQUIRE(r.run(today).done);
    const auto open = r.open_exceptions();
    REQUIRE(open.size() == 1);
    const auto resolve = [&](const std::string& id, const std::string& note, const std::string& user,
                             Role role) {
        return r.d.operate(acquirer::ResolveDifference{id, "", note}, user, role);
    };
    CHECK(resolve(sale.rrn, "theirs", "maker1", Role::operator_).text ==
          "role supervisor is needed, maker1 is operator");
    CHECK(resolve(sale.rrn, "", "checker1", Role::supervisor).text == "note: 1 to 200 characters are needed");
    CHECK(resolve("632500009999", "theirs", "checker1", Role::supervisor).text ==
          "no open difference is named 632500009999");
    using To = acquirer::ChangeException::To;
    CHECK(
        r.d.operate(acquirer::ChangeException{open[0].id, To::resolve, "gone"}, "checker1", Role::supervisor)
            .text ==
        "exception " + open[0].id + " stands for a difference: recon resolve " + open[0].id + " --note TEXT");
    CHECK(resolve(open[0].id, "their file was cut", "checker1", Role::supervisor).done);
    CHECK(r.status(sale.rrn) == "settled");
    CHECK(r.open_exceptions().empty());
    REQUIRE(r.run(today).done);
    CHECK(r.status(sale.rrn) == "settled");  // the person's word stands …
    r.import("issuer-b", line_of({"sale", "", 9'000, sale.rrn}));
    CHECK(r.status(sale.rrn) == "amount_differs");  // … until a file says something new
}

TEST_CASE("R101 a day is compared with the files that cover it, and says what it has none of", "[recon]") {
    Recon r;
    const Answer sale = r.d.sale();
    CHECK_FALSE(r.run("2026-11-19").done);
    CHECK(r.run("2026-11-19").text == "there was no business day 2026-11-19");
    CHECK_FALSE(r.run(today).done);
    r.import("issuer-b", line_of({"sale", "", 10'000, sale.rrn}));
    const auto answer = r.run(today);
    CHECK(answer.text == "the day 2026-11-21 is being compared; there is no file yet of issuer-a, issuer-w");
    CHECK(r.d.operate(acquirer::ImportIssuerFile{std::string(64, '0'), "issuer-x", "f", ""}, "maker1",
                      Role::operator_)
              .text == "no route is named issuer-x");
    CHECK(r.d.operate(acquirer::ImportIssuerFile{std::string(64, '0'), "issuer-b", "f", ""}, "maker1",
                      Role::operator_)
              .text == "the file is not here: hand it over first");
}

TEST_CASE("R101 what was matched and is reversed on a later day is compared again", "[recon]") {
    Recon r([](acquirer::Configuration& c) { c.cutover_at_minute = 23 * 60; });
    Ask asked;
    asked.trace = r.d.next_trace();
    const auto sale = r.d.ask(asked);
    r.import("issuer-b", line_of({"sale", "", 10'000, sale->rrn}));
    REQUIRE(r.run(today).done);
    REQUIRE(r.status(sale->rrn) == "matched");
    r.d.pass(day_ms);
    REQUIRE(r.d.ask(r.d.reversal_of(asked))->code == "00");
    REQUIRE(r.d.state(sale->rrn) == "reversed");
    r.import("issuer-b", "\n", "2026-11-22");
    REQUIRE(r.run("2026-11-22").done);
    CHECK(r.status(sale->rrn) == "missing_here");  // the issuer's file has no reversal
    r.import("issuer-b", line_of({"reversal", "sale", 10'000, sale->rrn, "1111", "898110157220001",
                                  Desk::noon.plus_ms(day_ms)}));
    CHECK(r.status(sale->rrn) == "matched");
}
