// InFlight by itself: the index of batches, and what a turn's sync does to deadlines.
#include <catch2/catch.hpp>

#include "switch/core/in_flight.hpp"

using namespace acquirer;

namespace {

constexpr LinkId issuer_link{7};

ledger::TransactionRecord record(const char* rrn, const char* terminal, const char* batch,
                                 std::uint32_t stan) {
    ledger::TransactionRecord r;
    r.rrn = iso8583::Rrn::parse(rrn).value();
    r.terminal = iso8583::TerminalId::parse(terminal).value();
    r.batch = iso8583::BatchNumber::parse(batch).value();
    r.route = 1;
    r.issuer_stan = stan;
    return r;
}

BatchOf batch_of(const ledger::TransactionRecord& r) { return {r.terminal, r.batch}; }

}  // namespace

TEST_CASE("a batch is told of once, when its last transaction ends, and only when somebody watches", "[R5]") {
    DeadlineQueue<DeadlineId> deadlines;
    InFlight in_flight(deadlines);
    const auto first = record("633200000001", "10000001", "000001", 1);
    const auto second = record("633200000002", "10000001", "000001", 2);
    const auto next_batch = record("633200000003", "10000001", "000002", 3);
    for (const auto& r : {first, second, next_batch}) in_flight.begin(r, 2, issuer_link, 5000, {});
    in_flight.watch(batch_of(first));
    (void)in_flight.end(first.rrn);
    CHECK(in_flight.is_with_an_issuer(batch_of(first)));
    CHECK(in_flight.take_ended().empty());
    (void)in_flight.end(second.rrn);
    (void)in_flight.end(next_batch.rrn);
    CHECK(!in_flight.is_with_an_issuer(batch_of(first)));
    CHECK(in_flight.take_ended() == std::vector<BatchOf>{batch_of(first)});
    CHECK(in_flight.take_ended().empty());
    CHECK(in_flight.requests_of({1}) == 0);
}

TEST_CASE("what operations sent is in no terminal's batch", "[R5][R17]") {
    DeadlineQueue<DeadlineId> deadlines;
    InFlight in_flight(deadlines);
    auto opened = record("633200000001", "10000001", "000001", 1);
    opened.from_operations = true;
    auto cleared = record("633200000002", "10000001", "000001", 2);
    cleared.checker = "checker1";
    for (const auto& r : {opened, cleared}) in_flight.begin(r, 2, issuer_link, 5000, {});
    CHECK(in_flight.size() == 2);
    CHECK(!in_flight.is_with_an_issuer(batch_of(opened)));
}

TEST_CASE("an issuer's time runs from when the request left, and ends with its answer", "[R50]") {
    DeadlineQueue<DeadlineId> deadlines;
    InFlight in_flight(deadlines);
    const auto sent = record("633200000001", "10000001", "000001", 1);
    in_flight.begin(sent, 2, issuer_link, 5000, {});
    in_flight.effects_left(1, {100});
    CHECK(!deadlines.next());  // its turn is not closed yet
    in_flight.turn_closed(2);
    in_flight.effects_left(1, {200});
    CHECK(!deadlines.next());  // that was the turn before
    in_flight.effects_left(2, {300});
    REQUIRE(deadlines.next());
    CHECK(*deadlines.next() == iso8583::Instant{5300});
    CHECK(in_flight.find({{1}, 2, 1, 0}) != nullptr);
    CHECK(in_flight.lost({1}, issuer_link) == std::vector<iso8583::Rrn>{sent.rrn});
    (void)in_flight.end(sent.rrn);
    CHECK(!deadlines.next());
    CHECK(in_flight.find({{1}, 2, 1, 0}) == nullptr);
}
