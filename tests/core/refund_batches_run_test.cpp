// R100: how lines of batches run: at a rate, while routes come and go, over crashes, once each.
#include "iso8583/tagged_text.hpp"
#include "switch/core/transaction_state.hpp"
#include "tests/core/batch_office.hpp"

using namespace batch_office;

TEST_CASE("R100 a batch waits for the route of its next line and goes on by itself", "[R100]") {
    for (const bool crash : {false, true}) {
        Office o;
        const auto rrns = sales(o, 2, card_b);
        const std::string id =
            o.waiting(head + line("L-1", rrns[0], "10.00") + line("L-2", rrns[1], "20.00"));
        o.d.link(Desk::b, false);
        REQUIRE(o.checker(DecideBatch{id, DecideBatch::To::approve, "", ""}).done);
        o.d.pass(10'000);
        CHECK(o.state(id) == "running");
        CHECK(o.batch(id).words == "line 2 waits: its route issuer-b is down; the batch goes on by itself");
        CHECK(o.d.remaining(rrns[0]) == 10'000);
        if (crash)
            o.d.restart();
        else
            o.d.link(Desk::b, true);
        o.d.pass(2'000);
        CHECK(o.state(id) == "done");
        CHECK(o.batch(id).words.empty());
        CHECK(o.count(id, ledger::State::approved) == 2);
    }
}

TEST_CASE("R100 a line whose sale is being reversed has its turn behind the others", "[R100][R14]") {
    Office o;
    const Answer busy = o.d.sale(card_b);
    const std::string free = o.d.sale(card_b).rrn;
    o.d.issuer = [](const Sent& sent) {
        Does does;
        if (sent.fields.get(iso8583::Field::amount_transaction) == "000000001000")
            does.kind = Does::Kind::silent;
        return does;
    };
    const std::string id = o.waiting(head + line("L-1", busy.rrn, "15.00") + line("L-2", busy.rrn, "20.00") +
                                     line("L-3", free, "30.00"));
    o.d.ask(o.d.refund_of(busy, "000000001000"));
    o.d.pass(31'000);  // in doubt, and its 0420 gets no answer
    REQUIRE(o.checker(DecideBatch{id, DecideBatch::To::approve, "", ""}).done);
    o.d.pass(3'000);
    CHECK(o.state(id) == "running");
    CHECK(o.batch(id).words ==
          "2 lines wait for what is under way on their sales (R14); the batch goes on by itself");
    CHECK(o.outcome(id, 4) == "approved");
    o.d.restart();
    o.d.issuer = [](const Sent&) { return Does{}; };
    o.d.pass(600'000);
    CHECK(o.state(id) == "done");
    CHECK(o.count(id, ledger::State::approved) == 3);
    CHECK(o.d.remaining(busy.rrn) == 6'500);
    o.counts_are_those_of_its_lines(id);
}

TEST_CASE("R100 one batch waits for its route, another one goes on", "[R100]") {
    Office o;
    const std::string stuck = sales(o, 1, card_b)[0], free = sales(o, 1, card_a)[0];
    o.d.link(Desk::b, false);
    const std::string first = o.running(head + line("L-1", stuck, "10.00"));
    const std::string second = o.running(head + line("L-1", free, "10.00"), "B-2");
    o.d.pass(2'000);
    CHECK(o.state(first) == "running");
    CHECK(o.state(second) == "done");
}

TEST_CASE("R100 a full store takes no line; what runs is paused by a person and goes on", "[R100][R62]") {
    Office o(fast([](acquirer::Configuration& c) { c.limits.lines_per_second = 10; }));
    const auto rrns = sales(o, 20);
    std::string text = head;
    for (std::size_t i = 0; i < rrns.size(); ++i) text += line("L-" + std::to_string(i), rrns[i], "1.00");
    const std::string id = o.running(text);
    o.d.pass(1'000);
    const std::uint32_t judged = o.batch(id).judged;
    CHECK(judged >= 9);
    CHECK(judged <= 11);  // lines_per_second
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::pause, false, note}).done);
    o.d.pass(5'000);
    CHECK(o.batch(id).judged == judged);
    CHECK(o.state(id) == "paused");
    CHECK(!o.maker(ChangeBatch{id, ChangeBatch::To::pause, false, note}).done);
    o.d.restart();
    o.d.pass(5'000);
    CHECK(o.state(id) == "paused");
    o.d.accept_new_work(false);
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::resume, false, ""}).done);
    o.d.pass(5'000);
    CHECK(o.batch(id).judged == judged);
    CHECK(o.batch(id).words.find("(R62)") != std::string::npos);
    o.d.accept_new_work(true);
    o.d.pass(5'000);
    CHECK(o.state(id) == "done");
    CHECK(o.count(id, ledger::State::approved) == 20);
}

TEST_CASE("R100 a batch whose lines are refused one after the other stops and asks a person", "[R100]") {
    Office o;
    const std::string rrn = sales(o, 1)[0];
    std::string text = head;
    for (std::uint32_t i = 0; i < acquirer::refused_in_a_row_max + 10; ++i)
        text += line("L-" + std::to_string(i), rrn, "100.01");
    text += line("GOOD", rrn, "1.00");
    const std::string id = o.running(text);
    o.d.pass(2'000);
    CHECK(o.state(id) == "paused");
    CHECK(o.count(id, ledger::State::refused) == acquirer::refused_in_a_row_max);
    CHECK(o.batch(id).words ==
          "100 lines in a row were refused, the last one: more than what remains of the sale (R11, 64)");
    const auto open = o.d.exceptions("batch_stopped");
    REQUIRE(open.size() == 1);
    CHECK(open.front().subject == id);
    CHECK(open.front().owner == "operations");
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::resume, false, ""}).done);
    CHECK(!o.d.exceptions("batch_stopped").front().resolution.empty());
    o.d.pass(2'000);
    CHECK(o.state(id) == "done");
    CHECK(o.d.remaining(rrn) == 9'900);
}

TEST_CASE("R100 what becomes of its refunds later is counted in it", "[R100][R76]") {
    Office o;
    const auto rrns = sales(o, 2, card_b);
    o.d.issuer = [](const Sent& sent) {
        Does does;
        if (sent.fields.get(iso8583::Field::amount_transaction) == "000000002000") {
            does.kind = Does::Kind::decline;
            does.code = "51";
        }
        return does;
    };
    const std::string id = o.running(head + line("L-1", rrns[0], "10.00") + line("L-2", rrns[1], "20.00"));
    o.d.pass(1'000);
    CHECK(o.count(id, ledger::State::approved) == 1);
    CHECK(o.count(id, ledger::State::declined) == 1);
    CHECK(o.d.exceptions("case_not_paid").size() == 1);
    CHECK(o.d.remaining(rrns[1]) == 10'000);
    o.counts_are_those_of_its_lines(id);
}

TEST_CASE("R100 a cancelled half: the corrected file under the same reference pays no line twice", "[R100]") {
    Office o(fast([](acquirer::Configuration& c) { c.limits.lines_per_second = 10; }));
    const auto rrns = sales(o, 10);
    std::string lines;
    for (std::size_t i = 0; i < rrns.size(); ++i) lines += line("L-" + std::to_string(i), rrns[i], "1.00");
    const std::string id = o.running(head + lines);
    o.d.pass(500);
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::pause, false, note}).done);
    const std::uint32_t judged = o.batch(id).judged;
    REQUIRE((judged > 0 && judged < 10));
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::cancel, false, note}).done);
    const Answer more = o.d.sale(card_a);
    const std::string again =
        o.running(head + lines + line("L-10", more.rrn, "1.00"));  // another file, another digest
    CHECK(again != id);
    o.d.pass(5'000);
    CHECK(o.state(again) == "done");
    CHECK(o.count(again, ledger::State::approved) == 11);
    for (const std::string& rrn : rrns) CHECK(o.d.remaining(rrn) == 9'900);
    CHECK(o.d.record(o.line_of(again, 2).refund.str()).batch_line.batch == again);
    // The same reference for another refund is refused.
    const std::string other = o.put(head + line("L-1", more.rrn, "2.00"));
    CHECK(!o.maker(SubmitBatch{merchant, "B-1", other, "x.csv"}).done);
}

TEST_CASE("R100 wherever the process dies, every line is paid once", "[R100][crash]") {
    constexpr int lines = 12;
    for (int dies_at = 0; dies_at < 14; ++dies_at) {
        INFO("dies at step " << dies_at);
        Office o(fast([](acquirer::Configuration& c) { c.limits.lines_per_second = 20; }));
        std::vector<std::string> rrns = sales(o, lines / 2);
        for (const std::string& rrn : sales(o, lines / 2, card_b)) rrns.push_back(rrn);
        std::string text = head;
        for (std::size_t i = 0; i < rrns.size(); ++i)
            text += line("L-" + std::to_string(i), rrns[i], "25.00");
        o.hand_in(text);
        const std::string id = "B00000001";
        if (dies_at == 0) {  // while it is being read
            REQUIRE(o.state(id) == "loading");
            o.d.restart();
        }
        o.d.pass(100);
        REQUIRE(o.checker(DecideBatch{id, DecideBatch::To::approve, "", ""}).done);
        for (int step = 1; step < 14; ++step) {
            if (step == dies_at) {
                o.d.slow_disk(true);
                o.d.pass(50);  // what this turn writes is lost
                o.d.slow_disk(false);
                o.d.restart();
            } else {
                o.d.pass(50);
            }
        }
        o.d.pass(120'000);
        CHECK(o.state(id) == "done");
        for (const std::string& rrn : rrns) {
            const ledger::TransactionRecord sale = o.d.record(rrn);
            // An online refund that was with its issuer is in doubt and reversed (R57), else it is paid once.
            CHECK((sale.remaining_minor() == 7'500 || sale.remaining_minor() == 10'000));
            CHECK(sale.refunds_count <= 1);
        }
        const std::uint32_t paid = o.count(id, ledger::State::approved);
        const std::uint32_t reversed = o.count(id, ledger::State::reversed);
        CHECK(paid + reversed == lines);
        CHECK(reversed <= 2);
        o.counts_are_those_of_its_lines(id);
        CHECK(o.d.status().orphans == 0);
    }
}

TEST_CASE("R100 a line whose wallet works at its refund is read again after a restart", "[R100][R80]") {
    Office o;
    o.d.link(Desk::w, true);
    bool works_at_it = true;
    o.d.issuer = [&works_at_it](const Sent& sent) {
        Does does;
        const std::string mti = sent.mti();
        if (mti == "0200") does.additional_data = iso8583::tagged_text("A4", "W00000000017");
        if ((mti == "0220" || mti == "0221") && works_at_it) does.code = "09";
        return does;
    };
    Ask sale;
    sale.trace = o.d.next_trace();
    sale.card = "";
    sale.entry_mode = "031";
    sale.code = code_wechat;
    const auto paid = o.d.ask(sale);
    REQUIRE((paid && paid->code == "00"));
    const std::string id = o.running(head + line("L-1", paid->rrn, "30.00"));
    o.d.pass(2'000);
    CHECK(o.outcome(id, 2) == "processing");
    CHECK(o.count(id, ledger::State::processing) == 1);
    o.d.restart();
    o.d.link(Desk::w, true);
    CHECK(o.outcome(id, 2) == "processing");
    works_at_it = false;
    o.d.pass(60'000);
    CHECK(o.count(id, ledger::State::approved) == 1);
    CHECK(o.count(id, ledger::State::processing) == 0);
    CHECK(o.d.remaining(paid->rrn) == 7'000);
    o.counts_are_those_of_its_lines(id);
}

TEST_CASE("R100 every state that a refund may have is an outcome of a line, and no other number is",
          "[R100]") {
    ledger::RefundBatchLine line;
    const auto read = [&line](unsigned outcome) {
        line.outcome = static_cast<ledger::LineOutcome>(outcome);
        return ledger::decode_refund_batch_line(ledger::encode(line));
    };
    for (const auto& step : acquirer::state_table::transitions) {
        INFO(ledger::name(step.to));
        const auto again = read(static_cast<unsigned>(step.to));
        REQUIRE(again);
        CHECK(again->outcome == static_cast<unsigned>(step.to));
    }
    CHECK(read(ledger::line_waits));
    for (const unsigned none : {25u, 39u, 41u, 44u, 52u, 255u}) {
        INFO(none);
        REQUIRE(!read(none));
        CHECK_THAT(read(none).error().what, Catch::Contains("outcome"));
    }
}
