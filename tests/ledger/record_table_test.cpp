// RecordTable: one object per transaction, its bound between turns, and a ledger over it that reads again
// what the table has let go.
#include <catch2/catch.hpp>

#include "ledger/key_layout.hpp"
#include "ledger/ledger.hpp"
#include "ledger/memory_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::RecordTable;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t kept = RecordTable::sales_kept_max;

TransactionRecord numbered(std::size_t n) {
    const std::string digits = std::to_string(n);
    TransactionRecord r;
    r.rrn = iso8583::Rrn::parse("6325" + std::string(8 - digits.size(), '0') + digits).value();
    r.kind = ledger::TransactionKind::sale;
    r.state = ledger::State::approved;
    r.amount = iso8583::Amount(static_cast<std::int64_t>(n), iso8583::Currency::of(156));
    return r;
}

std::size_t decoded_in(const RecordTable& table) {
    std::size_t count = 0;
    table.visit([&count](const TransactionRecord&) { ++count; });
    return count;
}

}  // namespace

TEST_CASE("the record table keeps 32,768 sales between turns, and within a turn what the turn touched") {
    CHECK(kept == 32'768);
    RecordTable table;
    const TransactionRecord* const first = &table.put(numbered(0));
    for (std::size_t n = 1; n < kept + 3; ++n) table.put(numbered(n));
    CHECK(decoded_in(table) == kept + 3);
    CHECK(table.find(numbered(0).rrn) == first);  // it has not moved
    table.changes_written();
    CHECK(decoded_in(table) == kept);
    for (const std::size_t gone : {0U, 1U, 2U}) CHECK(table.find(numbered(gone).rrn) == nullptr);
    CHECK(table.find(numbered(3).rrn) != nullptr);
    CHECK(table.find(numbered(kept + 2).rrn) != nullptr);

    table.put(numbered(kept + 3));
    table.changes_written();
    CHECK(decoded_in(table) == kept);
    CHECK(table.find(numbered(3).rrn) == nullptr);

    table.drop();
    CHECK(decoded_in(table) == 0);
}

TEST_CASE("refunds, which nothing comes back to, go earlier than the sales that were there before them") {
    RecordTable table;
    table.put(numbered(0));
    constexpr std::size_t others = RecordTable::others_kept_max;
    CHECK(others == 4'096);
    for (std::size_t n = 1; n <= others + 2; ++n) {
        TransactionRecord refund = numbered(n);
        refund.kind = ledger::TransactionKind::refund;
        table.put(std::move(refund));
    }
    table.changes_written();
    CHECK(decoded_in(table) == others + 1);
    CHECK(table.find(numbered(0).rrn) != nullptr);
    CHECK(table.find(numbered(2).rrn) == nullptr);
    CHECK(table.find(numbered(3).rrn) != nullptr);
}

TEST_CASE("changed records are visited once each, in RRN order, until they are written") {
    RecordTable table;
    for (const std::size_t n : {5U, 1U, 3U}) table.put(numbered(n));
    for (const std::size_t n : {5U, 1U, 5U}) table.mark_changed(numbered(n).rrn);
    std::vector<iso8583::Rrn> seen;
    const auto note = [&seen](const TransactionRecord& r) { seen.push_back(r.rrn); };
    table.visit_changed(note);
    CHECK(seen == std::vector<iso8583::Rrn>{numbered(1).rrn, numbered(5).rrn});
    seen.clear();
    table.changes_written();
    table.visit_changed(note);
    CHECK(seen.empty());
}

TEST_CASE("a ledger reads again what its table has let go, with the changes of the turn that let it go") {
    ledger::MemoryStore store;
    ledger::Overlay overlay(store);
    ledger::Ledger books(overlay);
    books.recover();
    const auto close = [&] {
        books.close_turn();
        REQUIRE(commit(store, overlay.take_batch()));
        overlay.in_flight_done();
    };
    books.add(numbered(0));
    close();
    // One turn touches more than the table keeps, and changes the oldest while it is still there.
    TransactionRecord* const oldest = books.edit(numbered(0).rrn);
    REQUIRE(oldest != nullptr);
    oldest->refunds_minor = 7;
    for (std::size_t n = 1; n <= kept; ++n) books.add(numbered(n));
    CHECK(books.find(numbered(0).rrn) == oldest);
    close();
    std::size_t decoded = 0;
    bool oldest_is_decoded = false;
    books.visit_decoded([&](const TransactionRecord& r) {
        ++decoded;
        oldest_is_decoded = oldest_is_decoded || r.rrn == numbered(0).rrn;
    });
    CHECK(decoded == kept);
    CHECK_FALSE(oldest_is_decoded);
    const TransactionRecord* const again = books.find(numbered(0).rrn);
    REQUIRE(again != nullptr);
    CHECK(again->refunds_minor == 7);
    CHECK_FALSE(books.error());
}
