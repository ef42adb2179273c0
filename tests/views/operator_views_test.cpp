// The operators' views on a ledger made by hand: golden texts, as a person reads them.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "ledger/ledger.hpp"
#include "switch/admin/control_protocol.hpp"
#include "switch/admin/text_view.hpp"
#include "tests/views/golden_text.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;
using sample::World;

namespace {

const auto check_golden = golden::check;

std::string shown(const ViewResult& view) {
    return view ? text_of(*view, {}) : "error: " + view.error().what;
}

std::vector<std::string> rrns(const ViewResult& view) {
    std::vector<std::string> found;
    REQUIRE(view);
    for (const View& item : *view->find("transactions")->items()) found.push_back(*item.find("rrn")->text());
    return found;
}

}  // namespace

TEST_CASE("views: golden texts") {
    const World world;
    const ViewContext context = world.context();
    check_golden("status", shown(view_status(context)));
    check_golden("find", shown(view_find(context, {})));
    check_golden("show_sale", shown(view_show(context, "632500000001", Shown::with_messages)));
    check_golden("show_reversing", shown(view_show(context, "632500000005", Shown::transaction)));
    check_golden("explain_refused", shown(view_explain(context, "632500000003")));
    check_golden("explain_held", shown(view_explain(context, "632500000004")));
    check_golden("explain_in_doubt", shown(view_explain(context, "632500000005")));
    check_golden("explain_pending", shown(view_explain(context, "632500000006")));
    check_golden("refund_list", shown(view_refunds(context, {})));
    check_golden("saf_list", shown(view_queue(context, {})));
    check_golden("exceptions", shown(view_exceptions(context, {{}, true, ""})));
    check_golden("routes", shown(view_routes(context, {})));
    check_golden("merchants", shown(view_merchants(context, {})));
    ListQuery of_merchant;
    of_merchant.merchant = iso8583::MerchantId::parse("898110157220001").value();
    check_golden("terminals", shown(view_terminals(context, of_merchant)));
    check_golden("list", shown(view_transactions(context, {})));
    check_golden("day", shown(view_day(context)));
}

TEST_CASE("views: JSON of a refund, as scripts read it") {
    const World world;
    const auto view = view_show(world.context(), "632500000003", Shown::transaction);
    REQUIRE(view);
    check_golden("show_refused_json", write_answer({AnswerError::none, "", *view}) + "\n");
}

TEST_CASE("views: find takes the records that fit all that is given") {
    const World world;
    struct Row {
        const char* what;
        FindQuery query;
        std::vector<std::string> expected;
    };
    FindQuery by_rrn;
    by_rrn.rrn = sample::rrn("632500000002");
    FindQuery unknown;
    unknown.rrn = sample::rrn("632500000099");
    FindQuery by_trace;
    by_trace.terminal = iso8583::TerminalId::parse("10000001").value();
    by_trace.batch = iso8583::BatchNumber::of(1);
    by_trace.trace = iso8583::Stan::of(9);
    FindQuery last4;
    last4.pan_last4 = "0009";
    FindQuery amount;
    amount.amount = "60";
    FindQuery authorization;
    authorization.authorization = "A1B2C3";
    FindQuery other_day;
    other_day.date = iso8583::Date{2026, 11, 20};
    FindQuery day_and_amount;
    day_and_amount.date = iso8583::Date{2026, 11, 21};
    day_and_amount.amount = "12000.00";
    FindQuery rrn_and_wrong_amount = by_rrn;
    rrn_and_wrong_amount.amount = "1.00";
    FindQuery two;
    two.limit = 2;
    const Row rows[] = {
        {"an RRN", by_rrn, {"632500000002"}},
        {"an RRN that is none", unknown, {}},
        {"terminal, batch and trace", by_trace, {"632500000003"}},
        {"last four digits", last4, {"632500000004"}},
        {"an amount without decimals", amount, {"632500000002"}},
        {"an authorization code", authorization, {"632500000001"}},
        {"another day", other_day, {}},
        {"a day and an amount", day_and_amount, {"632500000004"}},
        {"an RRN with another amount", rrn_and_wrong_amount, {}},
        {"newest first, to the limit", two, {"632500000006", "632500000005"}},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        CHECK(rrns(view_find(world.context(), row.query)) == row.expected);
    }
    FindQuery bad;
    bad.amount = "60.001";
    const auto refused = view_find(world.context(), bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.rfind("amount: ", 0) == 0);
}

TEST_CASE("views: newest first also when the year's last digit begins again") {
    World world;
    sample::keep(world.store, sample::record("936500000001", ledger::TransactionKind::sale,
                                             ledger::State::approved, 100, "00"));
    sample::keep(world.store, sample::record("000100000001", ledger::TransactionKind::sale,
                                             ledger::State::approved, 100, "00"));
    world.now.utc.ms = 1'893'470'400'000;  // 2030-01-01T12:00:00+08:00: RRNs begin 0001, yesterday's 9365
    const auto found = rrns(view_find(world.context(), {}));
    CHECK(found.front() == "000100000001");
    CHECK(found.at(1) == "936500000001");
}

TEST_CASE("views: what is not there is said in a sentence") {
    const World world;
    CHECK(shown(view_show(world.context(), "632500000077", Shown::transaction)) ==
          "error: no transaction has that RRN or case number");
    CHECK(shown(view_explain(world.context(), "nonsense")) ==
          "error: no transaction has that RRN or case number");
    CHECK(shown(view_queued(world.context(), "632500000001")) ==
          "error: that transaction has no advice to send");
    CHECK(shown(view_receipt(world.context(), "", SlipLanguage::english)) ==
          "error: no transaction has that RRN or case number");
}

TEST_CASE("views: a damaged record is named, not shown and not skipped") {
    World world;
    sample::keep(world.store, ledger::Family::journal, ledger::transaction_key(sample::rrn("632500000001")),
                 "damaged");
    CHECK(shown(view_show(world.context(), "632500000001", Shown::transaction))
              .rfind("error: the ledger's record cannot be read", 0) == 0);
    CHECK(shown(view_find(world.context(), {})).rfind("error: the ledger's record cannot be read", 0) == 0);
    world.store.fail_reads(ledger::StoreError{ledger::StoreError::Kind::io, "read: input/output error"});
    CHECK(shown(view_status(world.context())).rfind("business date", 0) == 0);  // needs no store
    CHECK(shown(view_day(world.context())) ==
          "error: the ledger could not be read: read: input/output error");
}

TEST_CASE("views: a case is found by the number on the slip") {
    const World world;
    const auto view = view_show(world.context(), "632500000004", Shown::transaction);
    REQUIRE(view);
    CHECK(*view->find("state")->text() == "held");
}

TEST_CASE("views: settled is what is no longer in the terminal's open batch") {
    World world;
    const auto settled = [&] {
        const auto view = view_show(world.context(), "632500000001", Shown::transaction);
        REQUIRE(view);
        return *view->find("batch_settled")->flag();
    };
    CHECK_FALSE(settled());
    ledger::TerminalRecord terminal;
    terminal.terminal = iso8583::TerminalId::parse("10000001").value();
    terminal.batch = iso8583::BatchNumber::of(2);
    sample::keep(world.store, ledger::Family::index, ledger::terminal_key(terminal.terminal),
                 ledger::encode(terminal));
    CHECK(settled());
}

TEST_CASE("views: totals are the ledger's own, from checkpoint and turns") {
    World world;
    const iso8583::BusinessDate day{{2026, 11, 21}};
    {
        ledger::Overlay overlay(world.store);
        ledger::Ledger books(overlay);
        books.recover();
        auto sale = sample::record("632500000001", ledger::TransactionKind::sale, ledger::State::approved,
                                   10'000, "00");
        books.post_sale(sale, day);
        auto refund = sample::record("632500000102", ledger::TransactionKind::refund, ledger::State::approved,
                                     2'500, "00");
        books.reserve(sale, refund, day);
        books.add(ledger::TransactionRecord(sale));
        books.add(ledger::TransactionRecord(refund));
        books.totals().add(ledger::batch_debit_name(sale.terminal, sale.batch), 1, 10'000);
        books.totals().add(ledger::batch_credit_name(sale.terminal, sale.batch), 1, 2'500);
        books.close_turn();
        world.store.begin_sync(overlay.take_batch(), [] {});
        REQUIRE(world.store.finish_sync());
        overlay.in_flight_done();
    }
    check_golden("totals_route", shown(view_totals(world.context(), TotalsBy::route, day)));
    check_golden("totals_merchant", shown(view_totals(world.context(), TotalsBy::merchant, std::nullopt)));
    check_golden("totals_terminal", shown(view_totals(world.context(), TotalsBy::terminal, day)));
    check_golden("totals_instrument", shown(view_totals(world.context(), TotalsBy::instrument, day)));
    check_golden("totals_reason", shown(view_totals(world.context(), TotalsBy::reason, day)));
    CHECK(shown(view_totals(world.context(), TotalsBy::route, iso8583::BusinessDate{{2026, 11, 20}})) ==
          "error: day: 2026-11-20 is no business day of this ledger; they are 2026-11-21 to 2026-11-21");
}

TEST_CASE("views: totals say what transactions moved that are too old to be read") {
    World world;
    const iso8583::BusinessDate day{{2026, 11, 21}};
    ledger::Overlay overlay(world.store);
    ledger::Ledger books(overlay);
    books.recover();
    auto old_sale =
        sample::record("626500000001", ledger::TransactionKind::sale, ledger::State::approved, 700, "00");
    books.post_sale(old_sale, day);
    books.add(std::move(old_sale));
    books.close_turn();
    world.store.begin_sync(overlay.take_batch(), [] {});
    REQUIRE(world.store.finish_sync());
    const auto view = view_totals(world.context(), TotalsBy::instrument, day);
    REQUIRE(view);
    // The sample's sale of 100.00 stands in its record alone, this one of 7.00 in the accounts alone.
    CHECK(*view->find("unexplained")->text() ==
          "transactions numbered before 2026-10-21 were not read: by the accounts they moved -93.00 more");
}

TEST_CASE("views: the audit chain is walked, and a changed entry is found") {
    World world;
    {
        ledger::Overlay overlay(world.store);
        auto log = ledger::AuditLog::open(world.store, ledger::audit_sha256);
        REQUIRE(log);
        REQUIRE(log->append(overlay, {sample::noon, "maker1", "operator", "refund.open", "632500000004"}));
        REQUIRE(
            log->append(overlay, {sample::noon, "checker1", "supervisor", "refund.approve", "632500000004"}));
        world.store.begin_sync(overlay.take_batch(), [] {});
        REQUIRE(world.store.finish_sync());
    }
    const auto intact = view_audit_verify(world.context(), ledger::audit_sha256);
    REQUIRE(intact);
    CHECK(*intact->find("entries")->number() == 2);
    const auto first = world.store.get(ledger::Family::journal, ledger::audit_key(1));
    std::string forged = **first;
    forged[10] = static_cast<char>(forged[10] ^ 1);
    sample::keep(world.store, ledger::Family::journal, ledger::audit_key(1), forged);
    const auto broken = view_audit_verify(world.context(), ledger::audit_sha256);
    REQUIRE_FALSE(broken);
    CHECK(broken.error().what.rfind("the audit chain is broken: ", 0) == 0);
}

TEST_CASE("views: every refusal has a chain of checks that ends with it, or came after sending") {
    World world;
    const Refusal refusals[] = {Refusal::tombstone,
                                Refusal::amount_invalid,
                                Refusal::merchant_not_enabled,
                                Refusal::original_not_found,
                                Refusal::other_card,
                                Refusal::window_passed,
                                Refusal::original_not_refundable,
                                Refusal::amount_limit,
                                Refusal::count_limit,
                                Refusal::route_down,
                                Refusal::amount_against_original,
                                Refusal::no_route,
                                Refusal::pin_block_wrong};
    for (const Refusal refusal : refusals) {
        // A refund carries no PIN to its issuer, so that only a void or sale is refused for one.
        const auto kind = refusal == Refusal::pin_block_wrong ? ledger::TransactionKind::void_sale
                                                              : ledger::TransactionKind::refund;
        auto refused = sample::record("632500000200", kind, ledger::State::refused, 100, "12");
        refused.refusal = static_cast<std::uint8_t>(refusal);
        sample::keep(world.store, refused);
        const auto view = view_explain(world.context(), "632500000200");
        REQUIRE(view);
        INFO(info(refusal).name);
        const View* checks = view->find("checks");
        REQUIRE(checks != nullptr);
        CHECK(*checks->items()->back().find("check")->text() == info(refusal).name);
        CHECK(*checks->items()->back().find("result")->text() == "refused");
    }
}

TEST_CASE("views: no view shows more of a card than its first six and last four digits") {
    const World world;
    const ViewContext context = world.context();
    for (const auto& view : {view_find(context, {}), view_show(context, "632500000001", Shown::with_messages),
                             view_explain(context, "632500000004"),
                             view_receipt(context, "632500000002", SlipLanguage::english)}) {
        REQUIRE(view);
        const std::string text = write_answer({AnswerError::none, "", *view});
        CHECK(text.find("621234******000") != std::string::npos);
        CHECK(text.find("6212340") == std::string::npos);
    }
}

TEST_CASE("text: columns line up with wide characters, nothing is a dash, numbers stand right") {
    View rows = View::list();
    rows.add(View::object().put("name", "港口").put("amount", "5.00").put("open", true));
    rows.add(View::object().put("name", "Harbour").put("amount", "1200.00"));
    CHECK(text_of(View::object().put("day", "2026-11-21").put("rows", std::move(rows)), {}) ==
          "day  2026-11-21\n"
          "\n"
          "rows\n"
          "NAME      AMOUNT  OPEN\n"
          "港口        5.00  yes\n"
          "Harbour  1200.00  -\n");
    CHECK(text_of(View{}, {}).empty());
    CHECK(text_of(View::object().put("rows", View::list()), {true}) == "\x1b[1mrows\x1b[0m\n(none)\n");
    CHECK(width_of("港口 a") == 6);
}
