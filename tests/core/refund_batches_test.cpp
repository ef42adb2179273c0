// R100: batches of refunds: from a file to refunds, by two people, through the rules.
#include "tests/core/batch_office.hpp"

using namespace batch_office;

TEST_CASE("R100 a batch: submitted, approved over its digest and sum, run, counted", "[R100]") {
    Office o;
    const auto by_advice = sales(o, 3), online = sales(o, 2, card_b);
    const std::string text = head + line("L-1", by_advice[0], "10.00") + line("L-2", online[0], "20.00") +
                             line("L-3", by_advice[1], "30.50") + line("L-4", online[1], "40") +
                             line("L-5", by_advice[2], "100.00", today, "duplicate");
    const std::string id = o.waiting(text);
    const ledger::RefundBatch before = o.batch(id);
    CHECK(before.lines == 5);
    CHECK(before.sum_minor == 20'050);
    CHECK(before.file_name == "refunds.csv");
    CHECK(o.d.remaining(by_advice[0]) == 10'000);  // nothing before its approval
    o.d.pass(10'000);
    CHECK(o.d.remaining(by_advice[0]) == 10'000);
    const auto approved = o.checker(DecideBatch{id, DecideBatch::To::approve, before.file.substr(0, 8), ""});
    CHECK(approved.text == "batch " + id + " is approved: 5 lines of together 200.50 run");
    o.d.pass(2'000);
    CHECK(o.state(id) == "done");
    CHECK(o.count(id, ledger::State::approved) == 5);
    CHECK(o.d.remaining(by_advice[0]) == 9'000);
    CHECK(o.d.remaining(online[0]) == 8'000);
    CHECK(o.d.remaining(by_advice[2]) == 0);
    const ledger::TransactionRecord refund = o.d.record(o.line_of(id, 6).refund.str());
    CHECK(refund.reason == "duplicate");
    CHECK(refund.reference == "B-1/L-5");
    CHECK(refund.maker == "maker1");
    CHECK(refund.checker == "checker1");
    CHECK(refund.batch_line == ledger::BatchLineOf{id, 6});
    CHECK(refund.history.front().rule == "R100");
    CHECK(o.d.count_sent("0220") == 3);
    CHECK(o.d.status().orphans == 0);
    o.counts_are_those_of_its_lines(id);
    CHECK(o.audited() == std::vector<std::string>{"maker1: batch.submit", "the switch: batch.waiting",
                                                  "checker1: batch.approve", "the switch: batch.done"});
    // Its file is not kept.
    const auto file = o.d.store().get(ledger::Family::index, ledger::file_key(before.file));
    REQUIRE(file);
    CHECK(!*file);
}

TEST_CASE("R100 who may: the maker is never the checker, and a batch can be refused before it runs",
          "[R100]") {
    Office o;
    const auto rrns = sales(o, 1);
    const std::string text = head + line("L-1", rrns[0], "10.00");
    const std::string id = o.waiting(text);
    const DecideBatch approve{id, DecideBatch::To::approve, "", ""};
    CHECK(!o.d.operate(approve, "maker2", Role::operator_).done);
    CHECK(o.d.operate(approve, "maker1", Role::supervisor).text ==
          "maker and checker must be two people: maker1 submitted the batch");
    CHECK(!o.d.operate(SubmitBatch{merchant, "X", o.batch(id).file, "x"}, "checker1", Role::supervisor).done);
    CHECK(o.checker(DecideBatch{id, DecideBatch::To::approve, "00000000", ""}).text.find("is of the file") !=
          std::string::npos);
    CHECK(o.checker(DecideBatch{"B99999999", DecideBatch::To::approve, "", ""}).text ==
          "no batch has the number B99999999");
    CHECK(
        !o.checker(acquirer::DecideProposal{id, acquirer::DecideProposal::To::reject, ""}).done);  // no note
    CHECK(o.checker(acquirer::DecideProposal{id, acquirer::DecideProposal::To::reject, note}).done);
    CHECK(o.state(id) == "rejected");
    CHECK(o.checker(approve).text == "batch " + id + " is rejected, it waits for no checker");
    // The reference is free again; `proposals approve` is the same act.
    const std::string second = o.waiting(text);
    CHECK(second != id);
    CHECK(o.maker(ChangeBatch{second, ChangeBatch::To::cancel, false, note}).done);
    CHECK(o.state(second) == "cancelled");
    const std::string third = o.waiting(text);
    CHECK(o.checker(acquirer::DecideProposal{third, acquirer::DecideProposal::To::approve, ""}).done);
    o.d.pass(1'000);
    CHECK(o.state(third) == "done");
    CHECK(o.d.remaining(rrns[0]) == 9'000);
    const std::string fourth = o.waiting(head + line("L-1", rrns[0], "1.00"), "B-2");
    o.d.pass(73LL * 3'600'000);
    CHECK(o.checker(DecideBatch{fourth, DecideBatch::To::approve, "", ""}).text.find("has lapsed") !=
          std::string::npos);
    CHECK(o.state(fourth) == "cancelled");
}

TEST_CASE("R100 a file with a line that cannot be read runs in no part, and each such line is named",
          "[R100]") {
    Office o;
    const std::string rrn = sales(o, 1)[0];
    const auto faults = [&](const std::string& text) {
        const OperatorAnswer answer = o.submit(text);
        REQUIRE(!answer.done);
        CHECK(answer.text.find("nothing of it will be paid") != std::string::npos);
        const ledger::RefundBatch batch = o.batch(answer.values.front().second);
        CHECK(batch.state == ledger::RefundBatch::State::faulty);
        CHECK(batch.counts.empty());
        return batch.faults;
    };
    using Texts = std::vector<std::string>;
    CHECK(faults("rrn,amount\n" + line("L-1", rrn, "1.00")) ==
          Texts{"refunds.csv:1: the first line has to be line_ref,rrn,date,amount,reason"});
    CHECK(faults(head) == Texts{"refunds.csv:1: no line follows"});
    CHECK(
        faults(head + line("L 1", rrn, "1.00") + line("L-2", "12", "1.00") + line("L-3", rrn, "0.00") +
               line("L-4", rrn, "1.234") + line("L-5", rrn, "1.00", "1131") +
               line("L-6", rrn, "1.00", today, "qualty") + "\n" + "L-7," + rrn + "\n" +
               line("L-8", rrn, "1.00") + line("L-8", rrn, "2.00") + "\"L-9," + rrn + "\n") ==
        Texts{
            "refunds.csv:2: line_ref: 1 to 32 letters, digits and signs are needed, without spaces, commas "
            "and quotes",
            "refunds.csv:3: rrn: " + iso8583::Rrn::parse("12").error().what,
            "refunds.csv:4: amount: more than zero is needed",
            "refunds.csv:5: amount: " +
                iso8583::Amount::parse_major("1.234", o.d.configuration->currency).error().what,
            "refunds.csv:6: date: month and day of the sale are needed, as 0612",
            "refunds.csv:7: reason: no code of that name; did you mean quality? It has to be one of quality, "
            "service, mistake, promise, duplicate, other (reasons list); words of your own go into the note",
            "refunds.csv:9: needs the 5 columns line_ref,rrn,date,amount,reason",
            "refunds.csv:11: line_ref: line 10 has the same one",
            "refunds.csv:12: a quoted cell has no end"});
    CHECK(faults(head + std::string(600, 'x') + "\n").front() ==
          "refunds.csv:2: a line has at most 512 bytes");
    CHECK(o.d.remaining(rrn) == 10'000);
    // A byte order mark, CR LF and no end of the last line are as good.
    std::string windows = "\xEF\xBB\xBF" + std::string(head) + "\"L-1\"," + rrn + ",1121,\"1.00\",quality";
    windows.replace(windows.find('\n'), 1, "\r\n");
    CHECK(o.batch(o.waiting(windows)).lines == 1);
}

TEST_CASE("R100 submit says what is wrong, and the same again is the same batch", "[R100]") {
    Office o;
    const auto rrns = sales(o, 2);
    const std::string text = head + line("L-1", rrns[0], "10.00");
    const auto says = [&](const std::string& m, const std::string& reference, const std::string& file) {
        return o.maker(SubmitBatch{m, reference, file, "refunds.csv"}).text;
    };
    const std::string file = o.put(text);
    CHECK(says("898110157229999", "B-1", file).find("is configured") != std::string::npos);
    CHECK(says(merchant, "", file).find("ref: 1 to 31") != std::string::npos);
    CHECK(says(merchant, std::string(32, 'x'), file).find("ref: 1 to 31") != std::string::npos);
    CHECK(says(merchant, "B-1", std::string(64, 'a')) ==
          "the file is not here: it has to be handed over first");
    const std::string id = o.running(text);
    o.d.pass(1'000);
    const OperatorAnswer again = o.submit(text);
    CHECK(again.done);
    CHECK(again.text == "known already: batch " + id + " is done");
    const OperatorAnswer other = o.submit(head + line("L-1", rrns[1], "10.00"));
    CHECK(!other.done);
    CHECK(other.text == "reference B-1 was used for another file, batch " + id);
    CHECK(o.d.remaining(rrns[0]) == 9'000);
}

TEST_CASE("R100 a batch that nobody approved in time holds neither its reference nor a place", "[R100]") {
    constexpr std::int64_t hour_ms = 3'600'000;
    Office o;
    const std::string rrn = sales(o, 1)[0];
    const std::string text = head + line("L-1", rrn, "10.00");
    std::vector<std::string> lapsed;
    for (std::size_t i = 0; i < acquirer::batches_open_max; ++i)
        lapsed.push_back(o.waiting(text, "B-" + std::to_string(i)));
    CHECK(o.submit(text, "one-more").text.find("as many batches as allowed") != std::string::npos);
    o.d.pass(71 * hour_ms);
    CHECK(o.submit(text, "one-more").text.find("as many batches as allowed") != std::string::npos);
    o.d.pass(2 * hour_ms);
    // The same file and another one under the references of two of them.
    const std::string again = o.waiting(text, "B-0");
    CHECK(again != lapsed[0]);
    const std::string other = o.waiting(head + line("L-1", rrn, "20.00"), "B-1");
    for (const std::string& id : lapsed) CHECK(o.state(id) == "cancelled");
    CHECK(o.batch(lapsed[0]).ended_by == "its time");
    REQUIRE(o.checker(DecideBatch{again, DecideBatch::To::approve, "", ""}).done);
    REQUIRE(o.checker(DecideBatch{other, DecideBatch::To::approve, "", ""}).done);
    o.d.pass(1'000);
    CHECK(o.d.remaining(rrn) == 7'000);
}

TEST_CASE("R100 a batch's reference and a line's never run together: each pair is a refund of its own",
          "[R100]") {
    Office o;
    const std::string rrn = sales(o, 1)[0];
    // "A/B" with line "C" would be "A" with line "B/C".
    const OperatorAnswer refused = o.submit(head + line("C", rrn, "10.00"), "A/B");
    CHECK(!refused.done);
    CHECK(refused.text.find("ref: 1 to 31") != std::string::npos);
    const std::string id = o.running(head + line("B/C", rrn, "10.00"), "A");
    o.d.pass(1'000);
    CHECK(o.outcome(id, 2) == "approved");
}

TEST_CASE("R100 blank lines behind the last line that a file may have are none", "[R100]") {
    Office o;
    const std::string rrn = sales(o, 1)[0];
    std::string text = head;
    for (std::uint32_t i = 0; i < acquirer::refund_lines_max; ++i)
        text += line("L" + std::to_string(i), rrn, "1");
    const std::string id = o.waiting(text + "\r\n\n", "B-1");
    CHECK(o.batch(id).lines == acquirer::refund_lines_max);
    const OperatorAnswer more = o.submit(text + "\n" + line("one-more", rrn, "1"), "B-2");
    CHECK(!more.done);
    CHECK(
        o.batch(more.values.front().second).faults.front().find(":200003: a file has at most 200000 lines") !=
        std::string::npos);
}

TEST_CASE("R100 lines that the rules refuse are told apart, and can be judged again", "[R100]") {
    Office o;
    const auto rrns = sales(o, 3);
    const std::string nowhere = "632500000000";
    const Answer iso = o.d.sale(card_b, "000000010000", true);  // of another merchant
    const std::string id = o.running(head + line("L-1", rrns[0], "100.01") + line("L-2", nowhere, "1.00") +
                                     line("L-3", rrns[1], "1.00", "1120") + line("L-4", iso.rrn, "1.00") +
                                     line("L-5", rrns[2], "60.00") + line("L-6", rrns[2], "50.00"));
    o.d.pass(1'000);
    CHECK(o.state(id) == "done");
    const auto refusal = [&](std::uint32_t number) {
        return static_cast<acquirer::Refusal>(o.line_of(id, number).refusal);
    };
    CHECK(refusal(2) == acquirer::Refusal::amount_against_original);
    CHECK(refusal(3) == acquirer::Refusal::original_not_found);
    CHECK(refusal(4) == acquirer::Refusal::original_not_found);
    CHECK(refusal(5) == acquirer::Refusal::original_not_found);
    CHECK(o.outcome(id, 6) == "approved");
    CHECK(refusal(7) == acquirer::Refusal::amount_against_original);
    CHECK(o.line_of(id, 7).words == "more than what remains of the sale (R11, 64)");
    CHECK(o.count(id, ledger::State::refused) == 5);
    o.counts_are_those_of_its_lines(id);

    CHECK(!o.maker(ChangeBatch{id, ChangeBatch::To::resume, false, ""}).done);
    REQUIRE(o.checker(acquirer::RejectRefund{"632500000000", "x"}).done == false);
    // The refund of line 6 is undone by the issuer's bank: there is room for line 7 now.
    const std::string paid = o.line_of(id, 6).refund.str();
    CHECK(o.d.record(paid).amount.minor_units() == 6'000);
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::resume, true, ""}).done);
    o.d.pass(1'000);
    CHECK(o.state(id) == "done");
    CHECK(o.count(id, ledger::State::refused) == 5);
    CHECK(o.d.remaining(rrns[2]) == 4'000);  // what was paid is not paid again
    CHECK(o.line_of(id, 6).pass == 1);
    CHECK(o.line_of(id, 7).pass == 2);
}

TEST_CASE("R100 a merchant that may refund again: its refused lines go on resume", "[R100]") {
    Office o;
    const auto rrns = sales(o, 2);
    using To = acquirer::ChangeMerchant::To;
    REQUIRE(o.checker(acquirer::ChangeMerchant{merchant, To::disable_refund}).done);
    const std::string id = o.running(head + line("L-1", rrns[0], "10.00") + line("L-2", rrns[1], "10.00"));
    o.d.pass(1'000);
    CHECK(o.count(id, ledger::State::refused) == 2);
    REQUIRE(o.checker(acquirer::ChangeMerchant{merchant, To::enable_refund}).done);
    REQUIRE(o.maker(ChangeBatch{id, ChangeBatch::To::resume, true, ""}).done);
    o.d.pass(1'000);
    CHECK(o.count(id, ledger::State::approved) == 2);
    o.counts_are_those_of_its_lines(id);
    CHECK(!o.maker(ChangeBatch{id, ChangeBatch::To::resume, true, ""}).done);
}

TEST_CASE("R100 its approval is that of R17 and R29; R20b, R27 and R28 hold a line", "[R100][R17][R29]") {
    SECTION("a large refund of an old sale goes") {
        Office o(fast([](acquirer::Configuration& c) {
            for (auto& [id, m] : c.merchants) {
                m.refund.approval_amount_above = 100;
                m.refund.approval_age_days = 0;
            }
        }));
        const auto rrns = sales(o, 1);
        REQUIRE(o.d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
        const std::string id = o.running(head + line("L-1", rrns[0], "90.00"));
        o.d.pass(1'000);
        CHECK(o.outcome(id, 2) == "approved");
    }
    SECTION("R28 holds it, and a checker lets it go") {
        Office o(fast([](acquirer::Configuration& c) {
            for (auto& [id, m] : c.merchants) m.refund.refunds_per_merchant_day_max = 1;
        }));
        const auto rrns = sales(o, 2);
        const std::string id =
            o.running(head + line("L-1", rrns[0], "10.00") + line("L-2", rrns[1], "10.00"));
        o.d.pass(1'000);
        CHECK(o.state(id) == "done");
        CHECK(o.outcome(id, 3) == "held");
        const std::string held = o.line_of(id, 3).refund.str();
        CHECK(o.d.record(held).history.front().rule == "R28");
        CHECK(!o.d.operate(acquirer::ApproveRefund{held}, "maker1", Role::supervisor).done);
        REQUIRE(o.checker(acquirer::ApproveRefund{held}).done);
        CHECK(o.outcome(id, 3) == "approved");
        o.counts_are_those_of_its_lines(id);
    }
    SECTION("R20b: the same sale and amount again is held, a third time it is refused") {
        Office o(fast([](acquirer::Configuration& c) {
            for (auto& [id, m] : c.merchants) m.refund.repeat_refund_seconds = 300;
        }));
        const auto rrns = sales(o, 1);
        const std::string id = o.running(head + line("L-1", rrns[0], "10.00") +
                                         line("L-2", rrns[0], "10.00") + line("L-3", rrns[0], "10.00"));
        o.d.pass(1'000);
        CHECK(o.outcome(id, 2) == "approved");
        CHECK(o.outcome(id, 3) == "held");
        CHECK(o.d.record(o.line_of(id, 3).refund.str()).history.front().rule == "R20b");
        CHECK(o.outcome(id, 4) == "refused");
        CHECK(o.line_of(id, 4).words == "an equal refund of this sale is held already, case " +
                                            o.line_of(id, 3).refund.str() + " (R20b)");
        o.counts_are_those_of_its_lines(id);
    }
    SECTION("R27 holds it until the day's sales cover it") {
        Office o(fast([](acquirer::Configuration& c) {
            for (auto& [id, m] : c.merchants) m.refund.funding = acquirer::RefundFunding::net_sales;
        }));
        const auto rrns = sales(o, 1);
        REQUIRE(o.d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
        const std::string id = o.running(head + line("L-1", rrns[0], "10.00"));
        o.d.pass(1'000);
        CHECK(o.outcome(id, 2) == "held");
        o.d.sale(card_a);
        CHECK(o.outcome(id, 2) == "approved");
        CHECK(o.d.record(o.line_of(id, 2).refund.str()).maker == "maker1");
        o.counts_are_those_of_its_lines(id);
    }
}

TEST_CASE("R100 validate judges lines and changes nothing", "[R100]") {
    Office o(fast([](acquirer::Configuration& c) {
        for (auto& [id, m] : c.merchants) m.refund.refunds_per_merchant_day_max = 1;
    }));
    const auto rrns = sales(o, 2);
    REQUIRE(o.d.ask(o.d.refund_of(o.d.sale(card_b), "000000000100"))->code == "00");
    const std::uint64_t turns = o.d.store().last_turn_number();
    const auto answer =
        o.d.operate(acquirer::JudgeLines{merchant,
                                         line("L-1", rrns[0], "10.00") + line("L-2", rrns[1], "100.01") +
                                             "\n" + line("L-3", "nonsense", "1.00"),
                                         7},
                    "viewer", Role::viewer);
    REQUIRE(answer.done);
    const auto* items = answer.data.find("lines")->items();
    REQUIRE(items->size() == 3);
    const auto text = [&](std::size_t i, const char* name) { return *(*items)[i].find(name)->text(); };
    CHECK(text(0, "verdict") == "held");
    CHECK(text(0, "words") == "is held (R28)");
    CHECK(*(*items)[0].find("line")->number() == 7);
    CHECK(*(*items)[0].find("remaining_minor")->number() == 10'000);
    CHECK(text(1, "verdict") == "refused");
    CHECK(text(1, "words") == "more than what remains of the sale (R11, 64)");
    CHECK(text(1, "code") == "64");
    CHECK(text(2, "verdict") == "unreadable");
    CHECK(*(*items)[2].find("line")->number() == 10);
    CHECK(o.d.store().last_turn_number() == turns);
    std::string many;
    for (std::size_t i = 0; i <= acquirer::lines_judged_max; ++i) many += line("L", rrns[0], "1.00");
    CHECK(!o.d.operate(acquirer::JudgeLines{merchant, many, 2}, "viewer", Role::viewer).done);
}

TEST_CASE("a reason is a code; note and proof are kept with the refund", "[R17]") {
    Desk d;
    const Answer s = d.sale();
    acquirer::OpenRefund open{s.rrn, today, "10.00", "qualiti", "T-1"};
    CHECK(d.operate(open, "maker1", Role::operator_).text.find("did you mean quality?") != std::string::npos);
    open.reason = "customer has left";
    CHECK(d.operate(open, "maker1", Role::operator_).text.find("one of quality, service, mistake") !=
          std::string::npos);
    open.reason = "quality";
    open.note = "the zip is broken";
    open.proof = {"", "zip.jpg", "not a digest"};
    CHECK(d.operate(open, "maker1", Role::operator_).text.find("proof: of a file") != std::string::npos);
    open.proof.file_digest = std::string(64, 'a');
    const auto opened = d.operate(open, "maker1", Role::operator_);
    REQUIRE(opened.done);
    const std::string number = opened.values.front().second;
    CHECK(d.record(number).reason == "quality");
    CHECK(d.record(number).note == "the zip is broken");
    CHECK(d.record(number).proof.file_name == "zip.jpg");
    acquirer::EditRefund edit{number, "", "mistake"};
    edit.proof = {"seen by the shop's manager", "", ""};
    REQUIRE(d.operate(edit, "maker2", Role::operator_).done);
    CHECK(d.record(number).reason == "mistake");
    CHECK(d.record(number).proof.text == "seen by the shop's manager");
    CHECK(d.record(number).note == "the zip is broken");
    CHECK(!d.operate(acquirer::EditRefund{number, "", "no such"}, "maker2", Role::operator_).done);
    CHECK(!d.operate(acquirer::ApproveRefund{number}, "maker2", Role::supervisor).done);
    // A cancelled reference may be used again.
    REQUIRE(d.operate(acquirer::CancelRefund{number, "typed wrong"}, "maker1", Role::operator_).done);
    const auto again = d.operate(open, "maker1", Role::operator_);
    CHECK(again.done);
    CHECK(again.values.front().second != number);
}
