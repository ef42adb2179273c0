// The write budget of a refund (docs/architecture.md): ≤ 5 puts, ≤ 2 of them hash-ordered, ≤ 3 point reads, ≤
// 1 KiB of WAL. Counted, not estimated: many refunds share a turn in production, so the turn's own record is
// counted apart.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;

TEST_CASE("write budget of a refund, by route mode", "[budget]") {
    for (const char* card : {card_a, card_b}) {
        Desk d;
        std::vector<Answer> sales;
        for (int i = 0; i < 20; ++i) sales.push_back(d.sale(card));
        const auto asks = [&] {
            std::vector<Ask> all;
            for (const Answer& s : sales) all.push_back(d.refund_of(s, "000000001000", card));
            return all;
        }();
        d.overlay().reset_counts();
        for (const Ask& a : asks) REQUIRE(d.ask(a)->code == "00");
        const ledger::WriteCounts c = d.overlay().counts();
        const auto per_refund = [&](std::uint64_t count) {
            return static_cast<double>(count) / static_cast<double>(asks.size());
        };
        // Two turns a refund here (intent, outcome), each with its own record: in production hundreds share
        // one.
        const std::uint64_t puts = c.batch_mutations - c.erases - c.batches;
        INFO("puts " << per_refund(puts) << ", hash-ordered " << per_refund(c.index_puts) << ", store reads "
                     << per_refund(c.store_gets) << ", WAL bytes " << per_refund(c.wal_bytes) << ", batches "
                     << per_refund(c.batches));
        CHECK(per_refund(puts) <= 5.0);
        CHECK(per_refund(c.index_puts) <= 2.0);
        CHECK(per_refund(c.store_gets) <= 3.0);
        CHECK(per_refund(c.wal_bytes) <= 1024.0 + 300.0 * per_refund(c.batches));
    }
}
