// Lists: pages, cursors and filters over a ledger made by hand.
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "ledger/audit_hash.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/state_words.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using sample::World;

namespace {

using ViewOf = std::function<ViewResult(const ViewContext&, const ListQuery&)>;

iso8583::BusinessDate business_day(int day) {
    return {iso8583::Date{2026, 11, static_cast<std::uint8_t>(day)}};
}

std::string text(const View& row, std::string_view member) {
    const View* value = row.find(member);
    REQUIRE(value != nullptr);
    REQUIRE(value->text() != nullptr);
    return *value->text();
}

const View::List& rows(const View& answer) { return *answer.find(text(answer, "list"))->items(); }

std::vector<std::string> column(const ViewResult& answer, std::string_view member) {
    INFO((answer ? "" : answer.error().what));
    REQUIRE(answer);
    std::vector<std::string> found;
    for (const View& row : rows(*answer)) found.push_back(text(row, member));
    return found;
}

std::string fault(const ViewResult& answer) { return answer ? "no error" : answer.error().what; }

/// All rows by pages of `limit`; the answers say that they are cut but for the last.
View::List by_pages(const World& world, const ViewOf& view, ListQuery query, std::size_t limit) {
    View::List all;
    query.limit = limit;
    for (int pages = 0; pages < 100; ++pages) {
        const auto page = view(world.context(), query);
        REQUIRE(page);
        CHECK(rows(*page).size() <= limit);
        all.insert(all.end(), rows(*page).begin(), rows(*page).end());
        const View* next = page->find("next");
        CHECK(*page->find("cut")->flag() == (next != nullptr));
        if (next == nullptr) return all;
        CHECK(rows(*page).size() == limit);
        query.after = *next->text();
    }
    FAIL("the list has no end");
    return all;
}

void keep_proposal(World& world, const std::string& id, ledger::Proposal::State state, const char* action,
                   std::int64_t age_ms) {
    ledger::Proposal p;
    p.id = id;
    p.state = state;
    p.action = action;
    p.rrn = sample::rrn("632500000006");
    p.maker = "maker1";
    p.opened = world.now.utc.plus_ms(-age_ms);
    sample::keep(world.store, ledger::Family::index, ledger::proposal_key(id), ledger::encode(p));
}

void keep_dispute(World& world, const std::string& id, ledger::Dispute::Kind kind,
                  ledger::Dispute::State state) {
    ledger::Dispute d;
    d.id = id;
    d.kind = kind;
    d.state = state;
    d.sale = sample::rrn("632500000001");
    d.opened = sample::noon;
    sample::keep(world.store, ledger::Family::index, ledger::dispute_key(id), ledger::encode(d));
}

void keep_exception(World& world, const std::string& id, const char* kind, std::int64_t after_noon_ms,
                    const char* subject = "") {
    ledger::ExceptionRecord x;
    x.id = id;
    x.subject = subject;
    x.kind = kind;
    x.owner = "operations";
    x.opened = sample::noon.plus_ms(after_noon_ms);
    sample::keep(world.store, ledger::Family::journal, ledger::exception_key(id), ledger::encode(x));
}

/// The sample, and of everything enough for some pages.
struct FullWorld : World {
    FullWorld() {
        for (int i = 1; i <= 3; ++i)
            keep_proposal(*this, "P0000000" + std::to_string(i), ledger::Proposal::State::open, "settle",
                          1'000);
        keep_proposal(*this, "P00000004", ledger::Proposal::State::rejected, "abnormal", 1'000);
        for (int i = 1; i <= 3; ++i)
            keep_dispute(*this, "D0000000" + std::to_string(i), ledger::Dispute::Kind::hold,
                         ledger::Dispute::State::open);
        keep_dispute(*this, "D00000004", ledger::Dispute::Kind::chargeback, ledger::Dispute::State::lost);
        // Its transaction is older than those of the sample, it itself is not.
        keep_exception(*this, "632400000009-00000003", "reversal_stuck", 400'000);
        keep_exception(*this, "632500000006-00000004", "advice_parked", 200'000);
        ledger::TerminalRecord terminal;
        for (const char* id : {"10000002", "10000003", "20000001"}) {
            terminal.terminal = iso8583::TerminalId::parse(id).value();
            sample::keep(store, ledger::Family::index, ledger::terminal_key(terminal.terminal),
                         ledger::encode(terminal));
        }
        const auto merchant = iso8583::MerchantId::parse("898110157220001").value();
        sample::keep(store, ledger::Family::index, ledger::reference_key(merchant, "T-1"), "632500000002");
        auto refund = sample::record("632500000002", ledger::TransactionKind::refund, ledger::State::approved,
                                     6'000, "00");
        refund.reference = "T-1";
        refund.original = sample::rrn("632500000001");
        sample::keep(store, refund);
    }
};

ViewResult all_refunds(const ViewContext& context, ListQuery query) {
    query.state = "all";
    return view_refunds(context, query);
}

ViewResult view_found(const ViewContext& context, const ListQuery& query) {
    FindQuery find;
    static_cast<ListQuery&>(find) = query;
    return view_find(context, find);
}

}  // namespace

TEST_CASE("lists: by pages of any size a list is the same, and says so at its end") {
    const FullWorld world;
    const std::pair<const char*, ViewOf> lists[] = {
        {"list", view_transactions},
        {"find", view_found},
        {"refund list", view_refunds},
        {"refund list --state all", all_refunds},
        {"saf list", view_queue},
        {"exceptions list",
         [](const ViewContext& c, const ListQuery& q) {
             return view_exceptions(c, {q, true, ""});
         }},
        {"proposals list",
         [](const ViewContext& c, const ListQuery& q) { return view_proposals(c, true, q); }},
        {"dispute list", [](const ViewContext& c, const ListQuery& q) { return view_disputes(c, true, q); }},
        {"routes list", view_routes},
        {"merchants list", view_merchants},
        {"terminals list", view_terminals},
    };
    for (const auto& [what, view] : lists) {
        INFO(what);
        ListQuery query;
        const auto whole = view(world.context(), query);
        REQUIRE(whole);
        REQUIRE_FALSE(rows(*whole).empty());
        CHECK(whole->find("next") == nullptr);
        for (const std::size_t limit : {1U, 2U, 3U}) {
            INFO("by pages of " << limit);
            CHECK(by_pages(world, view, query, limit) == rows(*whole));
        }
        // As many as fit exactly are not cut.
        query.limit = rows(*whole).size();
        CHECK_FALSE(*view(world.context(), query)->find("cut")->flag());
        // All rows have the same columns.
        for (const View& row : rows(*whole)) {
            REQUIRE(row.members()->size() == rows(*whole).front().members()->size());
            for (std::size_t i = 0; i < row.members()->size(); ++i)
                CHECK((*row.members())[i].first == (*rows(*whole).front().members())[i].first);
        }
        for (const std::string& bad : {std::string("x"), std::string("other.1"), text(*whole, "list") + ".",
                                       text(*whole, "list") + ".?", std::string("632500000001")}) {
            query.after = bad;
            INFO("after " << bad);
            const bool any_is_a_place =
                text(*whole, "list") == "disputes" || text(*whole, "list") == "proposals";
            if (!any_is_a_place || bad.back() != '?')
                CHECK(fault(view(world.context(), query)).starts_with("after: is no cursor of this list"));
        }
    }
}

TEST_CASE("lists: a cursor stands though what comes before it grows") {
    World world;
    ListQuery query;
    query.limit = 2;
    const auto first = view_transactions(world.context(), query);
    REQUIRE(first);
    query.after = text(*first, "next");
    const auto before = column(view_transactions(world.context(), query), "rrn");
    sample::keep(world.store, sample::record("632500000009", ledger::TransactionKind::sale,
                                             ledger::State::approved, 100, "00"));
    CHECK(column(view_transactions(world.context(), query), "rrn") == before);
    CHECK(before == std::vector<std::string>{"632500000004", "632500000003"});
}

TEST_CASE("lists: transactions by each filter") {
    World world;
    auto other =
        sample::record("632500000020", ledger::TransactionKind::sale, ledger::State::approved, 500, "00");
    other.merchant = iso8583::MerchantId::parse("898110157220002").value();
    other.terminal = iso8583::TerminalId::parse("20000001").value();
    other.route = 2;
    sample::keep(world.store, other);
    struct Row {
        const char* what;
        std::function<void(ListQuery&)> set;
        std::vector<std::string> expected;
    };
    const Row table[] = {
        {"merchant",
         [](ListQuery& q) { q.merchant = iso8583::MerchantId::parse("898110157220002").value(); },
         {"632500000020"}},
        {"terminal",
         [](ListQuery& q) { q.terminal = iso8583::TerminalId::parse("20000001").value(); },
         {"632500000020"}},
        {"route", [](ListQuery& q) { q.route = "issuer-b"; }, {"632500000020"}},
        {"state", [](ListQuery& q) { q.state = "reversing"; }, {"632500000005"}},
        {"kind and route",
         [](ListQuery& q) {
             q.kind = "sale";
             q.route = "issuer-a";
         },
         {"632500000005", "632500000001"}},
        {"a kind that there is none of", [](ListQuery& q) { q.kind = "void"; }, {}},
        {"the day",
         [](ListQuery& q) {
             q.from = q.to = business_day(21);
             q.state = "held";
         },
         {"632500000004"}},
    };
    for (const Row& row : table) {
        INFO(row.what);
        ListQuery query;
        row.set(query);
        CHECK(column(view_transactions(world.context(), query), "rrn") == row.expected);
    }
    const auto answer = view_transactions(world.context(), {});
    REQUIRE(answer);
    CHECK(text(rows(*answer).front(), "business_date") == "2026-11-21");
    CHECK(text(rows(*answer).front(), "currency") == "156");
}

TEST_CASE("lists: each kind by its own word: completions and voids of authorizations too", "[R90][R92]") {
    World world;
    using ledger::State;
    using ledger::TransactionKind;
    const auto keep = [&](const char* rrn, TransactionKind kind, State state,
                          const std::function<void(ledger::TransactionRecord&)>& change) {
        auto record = sample::record(rrn, kind, state, 500, "00");
        record.merchant = iso8583::MerchantId::parse("898110157220002").value();
        change(record);
        sample::keep(world.store, record);
    };
    const auto of = [](const char* rrn) {
        return [rrn](ledger::TransactionRecord& r) { r.original = iso8583::Rrn::parse(rrn).value(); };
    };
    const auto nothing = [](ledger::TransactionRecord&) {};
    keep("632500000030", TransactionKind::sale, State::approved, nothing);
    keep("632500000031", TransactionKind::void_sale, State::voided, of("632500000030"));
    keep("632500000032", TransactionKind::refund, State::approved, of("632500000030"));
    keep("632500000033", TransactionKind::authorization, State::completed, nothing);
    keep("632500000034", TransactionKind::sale, State::approved, of("632500000033"));
    keep("632500000035", TransactionKind::void_sale, State::voided, [&](ledger::TransactionRecord& r) {
        of("632500000033")(r);
        r.of_authorization = true;
    });
    keep("632500000036", TransactionKind::void_sale, State::voided, of("632500000034"));  // of a completion
    const std::map<std::string, std::vector<std::string>> expected = {
        {"sale", {"632500000030"}},       {"void", {"632500000036", "632500000031"}},
        {"refund", {"632500000032"}},     {"authorization", {"632500000033"}},
        {"completion", {"632500000034"}}, {"authorization_void", {"632500000035"}}};
    CHECK(expected.size() == kind_words.size());
    for (const std::string_view word : kind_words) {
        INFO(word);
        ListQuery query;
        query.kind = word;
        query.merchant = iso8583::MerchantId::parse("898110157220002").value();
        const auto answer = view_transactions(world.context(), query);
        CHECK(column(answer, "rrn") == expected.at(std::string(word)));
        for (const std::string& kind : column(answer, "kind")) CHECK(kind == word);
    }
}

TEST_CASE("lists: a transaction belongs to its business day, whatever its clock showed") {
    World world;
    ledger::BusinessDayRecord next{business_day(22), sample::noon.plus_ms(3'600'000), "admin1", {}};
    sample::keep(world.store, ledger::Family::journal, ledger::business_day_key(next.day),
                 ledger::encode(next));
    world.status.business_date = next.day;
    // After the cut-over of the afternoon: the calendar day before its business day.
    auto late =
        sample::record("632500000030", ledger::TransactionKind::sale, ledger::State::approved, 100, "00");
    late.business_date = next.day;
    sample::keep(world.store, late);
    world.now.utc = sample::noon.plus_ms(30 * 3'600'000LL);
    ListQuery query;
    query.from = query.to = next.day;
    CHECK(column(view_transactions(world.context(), query), "rrn") ==
          std::vector<std::string>{"632500000030"});
    query.from = query.to = business_day(21);
    CHECK(column(view_transactions(world.context(), query), "rrn").size() == 6);
    query.to = next.day;
    CHECK(column(view_transactions(world.context(), query), "rrn").size() == 7);
    // What is not a transaction belongs to the day in which it was opened.
    keep_exception(world, "632500000030-00000009", "unmatched_reply", 3'600'000);
    query.from = query.to;
    CHECK(column(view_exceptions(world.context(), {query, true, ""}), "id") ==
          std::vector<std::string>{"632500000030-00000009"});
    query.from = query.to = business_day(21);
    CHECK(column(view_exceptions(world.context(), {query, true, ""}), "id").size() == 2);
}

TEST_CASE("lists: what is unknown is an error and no empty list") {
    const World world;
    struct Row {
        std::function<void(ListQuery&)> set;
        std::string expected;
    };
    const Row table[] = {
        {[](ListQuery& q) { q.route = "issuer-x"; },
         "route: no route of that name is configured; did you mean issuer-a?"},
        {[](ListQuery& q) { q.merchant = iso8583::MerchantId::parse("898110157229999").value(); },
         "merchant: no merchant 898110157229999 is configured"},
        {[](ListQuery& q) { q.terminal = iso8583::TerminalId::parse("99999999").value(); },
         "terminal: no terminal 99999999 is configured"},
        {[](ListQuery& q) { q.from = business_day(20); },
         "from: 2026-11-20 is no business day of this ledger; they are 2026-11-21 to 2026-11-21"},
        {[](ListQuery& q) { q.to = business_day(22); },
         "to: 2026-11-22 is no business day of this ledger; they are 2026-11-21 to 2026-11-21"},
        {[](ListQuery& q) {
             q.from = business_day(22);
             q.to = business_day(21);
         },
         "from: is later than to: no day lies between them"},
    };
    for (const Row& row : table) {
        ListQuery query;
        row.set(query);
        CHECK(fault(view_transactions(world.context(), query)) == row.expected);
        CHECK(fault(view_found(world.context(), query)) == row.expected);
        CHECK(fault(view_refunds(world.context(), query)) == row.expected);
        CHECK(fault(view_queue(world.context(), query)) == row.expected);
        CHECK(fault(view_exceptions(world.context(), {query, false, ""})) == row.expected);
        CHECK(fault(view_proposals(world.context(), false, query)) == row.expected);
        CHECK(fault(view_disputes(world.context(), false, query)) == row.expected);
    }
    ListQuery kind;
    kind.kind = "typo";
    CHECK(fault(view_exceptions(world.context(), {kind, false, ""})) ==
          "kind: no exception of that kind was ever opened");
    CHECK(fault(view_proposals(world.context(), false, kind)) ==
          "kind: no proposal of that kind was ever made");
}

TEST_CASE("lists: a merchant that has left the configuration keeps its history") {
    World world;
    ListQuery query;
    query.merchant = iso8583::MerchantId::parse("898110157229999").value();
    REQUIRE_FALSE(view_transactions(world.context(), query));
    auto sale =
        sample::record("632500000040", ledger::TransactionKind::sale, ledger::State::approved, 100, "00");
    sale.merchant = *query.merchant;
    sample::keep(world.store, sale);
    sample::keep(world.store, ledger::Family::index,
                 ledger::trace_slot_key(sale.merchant, sale.terminal, sale.batch, sale.stan),
                 ledger::encode(ledger::TraceSlot{}));
    CHECK(column(view_transactions(world.context(), query), "rrn") ==
          std::vector<std::string>{"632500000040"});
}

TEST_CASE("lists: exceptions stand by the time they were opened, whatever their transaction") {
    const FullWorld world;
    const ListQuery all;
    CHECK(column(view_exceptions(world.context(), {all, true, ""}), "id") ==
          std::vector<std::string>{"632500000006-00000004", "000000000000-00000002", "632500000005-00000001",
                                   "632400000009-00000003"});
    struct Row {
        const char* what;
        std::function<void(ExceptionsQuery&)> set;
        std::vector<std::string> expected;
    };
    const Row table[] = {
        {"open ones",
         [](ExceptionsQuery&) {},
         {"632500000006-00000004", "632500000005-00000001", "632400000009-00000003"}},
        {"resolved", [](ExceptionsQuery& q) { q.list.state = "resolved"; }, {"000000000000-00000002"}},
        {"a kind", [](ExceptionsQuery& q) { q.list.kind = "reversal_stuck"; }, {"632400000009-00000003"}},
        {"an owner", [](ExceptionsQuery& q) { q.owner = "mei"; }, {}},
        {"a route",
         [](ExceptionsQuery& q) { q.list.route = "issuer-a"; },
         {"632500000006-00000004", "632500000005-00000001"}},
        {"another route", [](ExceptionsQuery& q) { q.list.route = "issuer-b"; }, {}},
    };
    for (const Row& row : table) {
        INFO(row.what);
        ExceptionsQuery query;
        row.set(query);
        const auto answer = view_exceptions(world.context(), query);
        CHECK(column(answer, "id") == row.expected);
        CHECK(*answer->find("count")->number() == static_cast<std::int64_t>(row.expected.size()));
    }
}

TEST_CASE("lists: exceptions of no transaction are found by the route or the terminal that they name") {
    World world;
    keep_exception(world, "000000000000-00000011", "settlement_differs", 1'000, "10000001/000007");
    keep_exception(world, "000000000000-00000012", "settlement_differs", 2'000, "10000002/000001");
    keep_exception(world, "000000000000-00000013", "unmatched_reply", 3'000, "issuer-b");
    const auto found = [&](const std::string& terminal, const std::string& route) {
        ExceptionsQuery query;
        if (!terminal.empty()) query.list.terminal = iso8583::TerminalId::parse(terminal).value();
        query.list.route = route;
        return column(view_exceptions(world.context(), query), "id");
    };
    const auto has = [](const std::vector<std::string>& ids, const char* id) {
        return std::count(ids.begin(), ids.end(), id) == 1;
    };
    const auto of_terminal = found("10000001", "");
    CHECK(has(of_terminal, "000000000000-00000011"));
    CHECK_FALSE(has(of_terminal, "000000000000-00000012"));
    CHECK_FALSE(has(of_terminal, "000000000000-00000013"));
    CHECK(found("", "issuer-b") == std::vector<std::string>{"000000000000-00000013"});
    CHECK(found("10000001", "issuer-b").empty());
}

TEST_CASE("lists: proposals and disputes by state and kind") {
    FullWorld world;
    keep_proposal(world, "P00000005", ledger::Proposal::State::open, "settle", 1'000'000'000'000);
    ListQuery query;
    CHECK(column(view_proposals(world.context(), false, query), "proposal") ==
          std::vector<std::string>{"P00000001", "P00000002", "P00000003", "632500000004"});
    query.state = "lapsed";
    CHECK(column(view_proposals(world.context(), false, query), "proposal") ==
          std::vector<std::string>{"P00000005"});
    query.state = "rejected";
    CHECK(column(view_proposals(world.context(), false, query), "action") ==
          std::vector<std::string>{"abnormal"});
    query.state = "";
    query.kind = "refund";
    CHECK(column(view_proposals(world.context(), false, query), "proposal") ==
          std::vector<std::string>{"632500000004"});
    query.kind = "chargeback";
    query.state = "lost";
    CHECK(column(view_disputes(world.context(), false, query), "dispute") ==
          std::vector<std::string>{"D00000004"});
}

TEST_CASE("lists: the queue by state and kind, merchants and terminals by state, routes by state") {
    const FullWorld world;
    ListQuery query;
    query.kind = "reversal";
    CHECK(column(view_queue(world.context(), query), "rrn") == std::vector<std::string>{"632500000005"});
    query = {};
    query.state = "in_flight";
    CHECK(column(view_queue(world.context(), query), "rrn") == std::vector<std::string>{"632500000006"});
    query.state = "suspended";
    CHECK(column(view_merchants(world.context(), query), "merchant").empty());
    CHECK(column(view_terminals(world.context(), query), "terminal").empty());
    query.state = "active";
    CHECK(column(view_terminals(world.context(), query), "terminal").size() == 4);
    query.state = "drain";
    CHECK(column(view_routes(world.context(), query), "route") == std::vector<std::string>{"issuer-b"});
}

TEST_CASE("find: operations' reference is found at once, with the cases that were tried before it") {
    FullWorld world;
    FindQuery query;
    query.reference = "T-1";
    CHECK(column(view_find(world.context(), query), "rrn") == std::vector<std::string>{"632500000002"});
    auto again =
        sample::record("632500000050", ledger::TransactionKind::refund, ledger::State::held, 6'000, "01");
    again.reference = "T-1";
    again.decided.reopens = sample::rrn("632500000002");
    sample::keep(world.store, again);
    sample::keep(world.store, ledger::Family::index, ledger::reference_key(again.merchant, "T-1"),
                 "632500000050");
    CHECK(column(view_find(world.context(), query), "rrn") ==
          std::vector<std::string>{"632500000050", "632500000002"});
    query.limit = 1;
    const auto first = view_find(world.context(), query);
    CHECK(column(first, "rrn") == std::vector<std::string>{"632500000050"});
    query.after = text(*first, "next");
    CHECK(column(view_find(world.context(), query), "rrn") == std::vector<std::string>{"632500000002"});
    query.after = "";
    query.reference = "T-2";
    CHECK(column(view_find(world.context(), query), "rrn").empty());
    // With days it is a search.
    query.reference = "T-1";
    query.limit = 50;
    query.from = query.to = business_day(21);
    CHECK(column(view_find(world.context(), query), "rrn").size() == 2);
}

TEST_CASE("find: a search that reads too much for one answer goes on behind its cursor") {
    World world;
    // Newer than those of the sample, and none of them fits.
    ledger::Batch batch;
    batch.turn_number = world.store.last_turn_number() + 1;
    auto sale =
        sample::record("632500100000", ledger::TransactionKind::sale, ledger::State::approved, 100, "00");
    for (std::size_t i = 0; i < page_records_read_max; ++i) {
        sale.rrn = sample::rrn("6325" + std::to_string(10'000'000 + i));
        batch.put(ledger::Family::journal, ledger::transaction_key(sale.rrn), ledger::encode(sale));
    }
    world.store.begin_sync(std::move(batch), [] {});
    REQUIRE(world.store.finish_sync());
    FindQuery query;
    query.pan_last4 = "0009";
    query.from = query.to = business_day(21);
    const auto first = view_find(world.context(), query);
    CHECK(column(first, "rrn").empty());
    REQUIRE(*first->find("cut")->flag());
    CHECK(text(*first, "next") == "transactions.632510000000");
    REQUIRE(first->find("progress") != nullptr);
    CHECK(*first->find("progress")->number() > 0);
    query.after = text(*first, "next");
    const auto second = view_find(world.context(), query);
    CHECK(column(second, "rrn") == std::vector<std::string>{"632500000004"});
    CHECK_FALSE(*second->find("cut")->flag());
}

namespace {

/// Notes where scans begin that go back.
class ScansBack final : public ledger::StoreReader {
  public:
    explicit ScansBack(const ledger::StoreReader& store) : store_(store) {}
    [[nodiscard]] iso8583::Result<std::optional<std::string>, ledger::StoreError> get(
        ledger::Family family, std::string_view key) const override {
        return store_.get(family, key);
    }
    iso8583::Result<void, ledger::StoreError> scan(ledger::Family family, std::string_view from,
                                                   std::string_view to,
                                                   const ledger::ScanVisitor& visit) const override {
        return store_.scan(family, from, to, visit);
    }
    iso8583::Result<void, ledger::StoreError> scan_back(ledger::Family family, std::string_view from,
                                                        std::string_view to,
                                                        const ledger::ScanVisitor& visit) const override {
        begun_at.emplace_back(to);
        return store_.scan_back(family, from, to, visit);
    }
    mutable std::vector<std::string> begun_at;

  private:
    const ledger::StoreReader& store_;
};

}  // namespace

// The newest of the day was looked for with each page, from the day's end back: over all that came after the
// list's snapshot, which cost 50 ms a page beside 1,000 requests a second.
TEST_CASE("list: a further page of a long list reads nothing above its cursor") {
    World world;
    world.status.last_rrn = sample::rrn("632500000009");
    const ScansBack store(world.store);
    const ViewContext context{store, world.status, *world.configuration, world.now};
    ListQuery query;
    query.limit = 2;
    query.from = query.to = business_day(21);
    const auto first = view_transactions(context, query);
    query.after = text(*first, "next");
    store.begun_at.clear();
    const auto second = view_transactions(context, query);
    REQUIRE(second->find("progress") != nullptr);
    CHECK(*second->find("progress")->number() > *first->find("progress")->number());
    const std::string cursor = query.after.substr(query.after.find('.') + 1);
    CHECK(store.begun_at ==
          std::vector<std::string>{ledger::transaction_key(iso8583::Rrn::parse(cursor).value())});
}

TEST_CASE("lists: a page of a list that was made whole") {
    View all = View::list();
    for (int i = 1; i <= 5; ++i) all.add(View::object().put("n", i));
    const View view = View::object().put("note", "n").put("keys", std::move(all));
    ListQuery query;
    query.limit = 2;
    std::vector<std::int64_t> seen;
    for (int pages = 0; pages < 3; ++pages) {
        const auto page = page_of(view, "keys", query);
        REQUIRE(page);
        CHECK(text(*page, "note") == "n");
        for (const View& row : rows(*page)) seen.push_back(*row.find("n")->number());
        query.after = page->find("next") != nullptr ? text(*page, "next") : "";
    }
    CHECK(seen == std::vector<std::int64_t>{1, 2, 3, 4, 5});
    query.after = "keys.x";
    CHECK_FALSE(page_of(view, "keys", query));
    query.after = "keys.99";
    CHECK(rows(*page_of(view, "keys", query)).empty());
}
