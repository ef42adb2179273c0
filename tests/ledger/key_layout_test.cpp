// The keys' bytes (docs/ledger_format.md; do not change) and what they say back.
#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"

#include <catch2/catch.hpp>

#include "ledger/ledger.hpp"
#include "ledger/memory_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger;
using ledger_test::batch_of;
using ledger_test::commit;

namespace {

const iso8583::Rrn rrn = iso8583::Rrn::parse("632500000005").value();

}  // namespace

TEST_CASE("A key begins with the letter of what is stored under it") {
    const auto day = iso8583::Date::parse_iso("2026-11-21").value();
    CHECK(transaction_key(rrn) == "t632500000005");
    CHECK(open_work_key(rrn) == "o632500000005");
    CHECK(turn_record_key(258) == std::string("n\0\0\0\0\0\0\1\2", 9));
    CHECK(checkpoint_key() == "c");
    CHECK(business_day_key({day}) == "d20261121");
    CHECK(exception_id(rrn, 7) == "632500000005-00000007");
    CHECK(exception_id({}, 7) == "000000000000-00000007");
    CHECK(exception_key("632500000005-00000007") == "x63250000000500000007");
    CHECK(zone_key_key(ZoneKeyKind::zak, "issuer-a") == "zAissuer-a");
    CHECK(zone_key_key(ZoneKeyKind::zpk, "issuer-a") == "zPissuer-a");
}

TEST_CASE("A range holds its keys and nothing beside them") {
    const auto day = iso8583::Date::parse_iso("2026-11-21").value();
    CHECK(all_keys(KeyPrefix::open_work).from == "o");
    CHECK(all_keys(KeyPrefix::open_work).to == "p");
    CHECK(transactions_of_day(day).from == "t6325");
    CHECK(transactions_of_day(day).to == "t6326");
    const KeyRange mine = exceptions_of(rrn);
    CHECK(mine.from <= exception_key(exception_id(rrn, 0)));
    CHECK(exception_key(exception_id(rrn, 99'999'999)) < mine.to);
    CHECK(mine.to <= exception_key(exception_id(iso8583::Rrn::parse("632500000006").value(), 0)));
}

TEST_CASE("The key of an override says what it is about") {
    struct Row {
        OverrideKind kind;
        const char* id;
        const char* key;
    };
    const Row rows[] = {{OverrideKind::merchant, "898110157220001", "mM898110157220001"},
                        {OverrideKind::refunds_of_merchant, "898110157220001", "mF898110157220001"},
                        {OverrideKind::terminal, "10000001", "mT10000001"},
                        {OverrideKind::route, "issuer-a", "mRissuer-a"}};
    for (const Row& row : rows) {
        CHECK(override_key(row.kind, row.id) == row.key);
        const auto back = parse_override_key(row.key);
        REQUIRE(back);
        CHECK(back->kind == row.kind);
        CHECK(back->id == row.id);
    }
    CHECK(parse_override_key("mX1").error().what == "an override of no known kind");
    for (const char* key : {"", "m", "tM1"})
        CHECK(parse_override_key(key).error().what == "no key of an override");
}

TEST_CASE("An override, terminal or zone key that cannot be read is an error and not forgotten") {
    const auto error_of = [](const std::string& key, const std::string& value) {
        MemoryStore store;
        REQUIRE(commit(store, batch_of(1, {{{Family::index, key}, value}})));
        Overlay overlay(store);
        Ledger books(overlay);
        books.recover();
        REQUIRE_FALSE(books.error());
        int seen = 0;
        books.visit_terminals([&](TerminalRecord&&) { ++seen; });
        books.visit_overrides([&](const OverrideKey&, const OverrideRecord&) { ++seen; });
        books.visit_zone_keys([&](ZoneKeyRecord&&) { ++seen; });
        CHECK(seen == (books.error() ? 0 : 1));
        return books.error() ? books.error()->what : std::string();
    };
    const OverrideRecord suspended{"suspended", "admin1", {}};
    CHECK(error_of("mM898110157220001", encode(suspended)).empty());
    CHECK(error_of("mX898110157220001", encode(suspended)) == "an override of no known kind");
    CHECK_FALSE(error_of("mM898110157220001", "torn").empty());
    CHECK_FALSE(error_of("k10000001", "torn").empty());
    CHECK_FALSE(error_of("zAissuer-a", "torn").empty());
}
