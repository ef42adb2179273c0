// The audit chain as lists: who, what, when; and an export that a third party verifies with SHA-256 alone.
#include <catch2/catch.hpp>

#include "iso8583/values/bytes.hpp"
#include "ledger/audit_hash.hpp"
#include "switch/views/audit_views.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using sample::World;

namespace {

struct AuditedWorld : World {
    AuditedWorld() {
        ledger::Overlay overlay(store);
        auto log = ledger::AuditLog::open(store, ledger::audit_sha256);
        REQUIRE(log);
        struct Row {
            std::int64_t after_noon_ms;
            const char *user, *role, *action, *detail;
        };
        for (const Row& row : {Row{0, "maker1", "operator", "refund.open", "632500000004"},
                               Row{1'000, "checker1", "supervisor", "refund.approve", "632500000004"},
                               Row{2'000, "maker1", "operator", "saf.retry", "632500000006"},
                               Row{86'400'000, "maker2", "operator", "refunds.other", "=1+1"}})
            REQUIRE(log->append(overlay, {sample::noon.plus_ms(row.after_noon_ms), row.user, row.role,
                                          row.action, row.detail}));
        overlay_to_store(overlay);
        const iso8583::BusinessDate next{{2026, 11, 22}};
        const ledger::BusinessDayRecord day{next, sample::noon.plus_ms(10 * 3'600'000), "schedule", {}};
        sample::keep(store, ledger::Family::journal, ledger::business_day_key(next), ledger::encode(day));
        status.business_date = next;
    }
    void overlay_to_store(ledger::Overlay& overlay) {
        store.begin_sync(overlay.take_batch(), [] {});
        REQUIRE(store.finish_sync());
        overlay.in_flight_done();
    }
};

std::vector<std::int64_t> numbers(const ViewResult& view) {
    INFO((view ? "" : view.error().what));
    REQUIRE(view);
    std::vector<std::int64_t> found;
    for (const View& row : *view->find("entries")->items()) found.push_back(*row.find("entry")->number());
    return found;
}

const std::string& text(const View& row, std::string_view member) { return *row.find(member)->text(); }

}  // namespace

TEST_CASE("audit list: newest first, by who, what and when") {
    const AuditedWorld world;
    using Numbers = std::vector<std::int64_t>;
    struct Row {
        const char* what;
        AuditQuery query;
        Numbers expected;
    };
    ListQuery first_day;
    first_day.to = iso8583::BusinessDate{{2026, 11, 21}};
    ListQuery second_day;
    second_day.from = iso8583::BusinessDate{{2026, 11, 22}};
    ListQuery one;
    one.limit = 1;
    const Row table[] = {
        {"all", {}, {4, 3, 2, 1}},
        {"a user", {{}, "maker1", ""}, {3, 1}},
        {"a user that did nothing", {{}, "maker9", ""}, {}},
        {"an action", {{}, "", "refund.open"}, {1}},
        {"as it is typed", {{}, "", "refund approve"}, {2}},
        {"a group, and not what only begins so", {{}, "", "refund"}, {2, 1}},
        {"the first day", {first_day, "", ""}, {3, 2, 1}},
        {"the second", {second_day, "", ""}, {4}},
        {"one", {one, "", ""}, {4}},
    };
    for (const Row& row : table) {
        INFO(row.what);
        CHECK(numbers(view_audit_entries(world.context(), row.query)) == row.expected);
    }
    AuditQuery pages;
    pages.list.limit = 3;
    const auto first = view_audit_entries(world.context(), pages);
    REQUIRE(first);
    pages.list.after = text(*first, "next");
    CHECK(numbers(view_audit_entries(world.context(), pages)) == Numbers{1});
    for (const char* bad : {"entries.x", "entries.1x", "audit.1", "entries."}) {
        pages.list.after = bad;
        const auto refused = view_audit_entries(world.context(), pages);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().what.starts_with("after: "));
    }
}

TEST_CASE("audit export: hashes and bytes prove the chain, page by page") {
    const AuditedWorld world;
    ListQuery query;
    query.limit = 3;
    std::vector<View> rows;
    while (true) {
        const auto page = view_audit_export(world.context(), query, ledger::audit_sha256);
        REQUIRE(page);
        rows.insert(rows.end(), page->find("entries")->items()->begin(),
                    page->find("entries")->items()->end());
        if (!*page->find("cut")->flag()) break;
        query.after = text(*page, "next");
    }
    REQUIRE(rows.size() == 4);
    std::string before(64, '0');
    for (const View& row : rows) {
        CHECK(text(row, "previous_hash") == before);
        const auto bytes = iso8583::parse_hex(text(row, "bytes"));
        REQUIRE(bytes);
        CHECK(iso8583::to_hex(ledger::audit_sha256(*bytes)) == text(row, "hash"));
        before = text(row, "hash");
    }
    CHECK(*rows.front().find("utc_ms")->number() == sample::noon.ms);
    // The head is that of audit verify.
    const auto verified = view_audit_verify(world.context(), ledger::audit_sha256);
    REQUIRE(verified);
    CHECK(text(*verified, "head") == before);
    // Of a day: a part without a gap.
    ListQuery day;
    day.to = iso8583::BusinessDate{{2026, 11, 21}};
    CHECK(numbers(view_audit_export(world.context(), day, ledger::audit_sha256)) ==
          std::vector<std::int64_t>{1, 2, 3});
    day.to.reset();
    day.from = iso8583::BusinessDate{{2026, 11, 22}};
    CHECK(numbers(view_audit_export(world.context(), day, ledger::audit_sha256)) ==
          std::vector<std::int64_t>{4});
}

TEST_CASE("audit list and export: a damaged entry is named") {
    AuditedWorld world;
    auto stored = world.store.get(ledger::Family::journal, ledger::audit_key(2));
    std::string forged = **stored;
    forged[10] = static_cast<char>(forged[10] ^ 1);
    sample::keep(world.store, ledger::Family::journal, ledger::audit_key(2), forged);
    const auto list = view_audit_entries(world.context(), {});
    REQUIRE_FALSE(list);
    CHECK(list.error().what.starts_with("the audit chain is broken: audit entry 2: "));
    const auto whole = view_audit_export(world.context(), {}, ledger::audit_sha256);
    REQUIRE_FALSE(whole);
    CHECK(whole.error().what.starts_with("the audit chain is broken: audit entry 2: "));
}
