// FreeTraces: whether a trace slot is empty is answered without the store where the ledger knows, and as the
// store would answer.
#include <catch2/catch.hpp>
#include <random>

#include "ledger/free_traces.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/ledger.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/overlay.hpp"

using namespace ledger;
using iso8583::BatchNumber;
using iso8583::Stan;

namespace {

std::string slot_key(std::uint32_t stan, int terminal = 1, std::optional<std::uint32_t> batch = 1) {
    return trace_slot_key(iso8583::MerchantId::parse("898100012340001").value(),
                          iso8583::TerminalId::parse("1000000" + std::to_string(terminal)).value(),
                          batch ? std::optional(BatchNumber::of(*batch)) : std::nullopt, Stan::of(stan));
}

struct Room {
    MemoryStore store;
    Overlay overlay{store};
    Ledger books{overlay};

    std::uint64_t reads_of(const std::string& key) {
        const std::uint64_t before = overlay.counts().gets;
        CHECK(books.trace_slot(key).entries.empty());
        return overlay.counts().gets - before;
    }
    void use(const std::string& key) { books.add_trace(key, books.trace_slot(key), TraceEntry{}); }
    /// So many that what lies behind the last is known.
    void count_up(std::uint32_t from, int terminal = 1) {
        for (std::uint32_t n = 0; n <= FreeTraces::misses_before_look; ++n) use(slot_key(from + n, terminal));
    }
    void turn() {
        books.close_turn();
        if (overlay.current_empty()) return;
        store.begin_sync(overlay.take_batch(), [] {});
        REQUIRE(store.finish_sync());
        overlay.in_flight_done();
    }
};

}  // namespace

TEST_CASE("free traces: a terminal that counts up is read nine times, and then no more") {
    Room room;
    for (std::uint32_t stan = 100; stan < 109; ++stan) {
        CHECK(room.reads_of(slot_key(stan)) == 1);
        room.use(slot_key(stan));
    }
    for (std::uint32_t stan = 109; stan < 200; ++stan) {
        CHECK(room.reads_of(slot_key(stan)) == 0);
        room.use(slot_key(stan));
        if (stan % 7 == 0) room.turn();
    }
    // A repeat is found, in the turn under way and after it.
    CHECK(room.books.trace_slot(slot_key(199)).entries.size() == 1);
    room.turn();
    CHECK(room.books.trace_slot(slot_key(199)).entries.size() == 1);
    CHECK(room.books.trace_slot(slot_key(100)).entries.size() == 1);
    // What lies before the number that was looked from is not known.
    CHECK(room.reads_of(slot_key(99)) == 1);
}

TEST_CASE("free traces: what is stored behind the number ends them; other batches and terminals do not") {
    Room room;
    room.use(slot_key(150));
    room.use(slot_key(10, 2));
    room.use(slot_key(20, 1, 2));
    room.use(slot_key(30, 1, std::nullopt));
    room.turn();
    room.count_up(100);
    CHECK(room.reads_of(slot_key(149)) == 0);
    CHECK(room.books.trace_slot(slot_key(150)).entries.size() == 1);
    CHECK(room.reads_of(slot_key(151)) == 1);
    CHECK(room.books.trace_slot(slot_key(10, 2)).entries.size() == 1);
    CHECK(room.books.trace_slot(slot_key(20, 1, 2)).entries.size() == 1);
    CHECK(room.books.trace_slot(slot_key(30, 1, std::nullopt)).entries.size() == 1);
    // The last number there is.
    room.count_up(999'999 - FreeTraces::misses_before_look, 3);
    CHECK(room.books.trace_slot(slot_key(999'999, 3)).entries.size() == 1);
}

TEST_CASE("free traces: more terminals than are kept begin anew") {
    FreeTraces traces;
    const auto key = [](std::size_t n, std::uint32_t stan) {
        const std::string digits = std::to_string(n);
        return trace_slot_key(
            iso8583::MerchantId::parse("898100012340001").value(),
            iso8583::TerminalId::parse(std::string(8 - digits.size(), '0') + digits).value(), std::nullopt,
            Stan::of(stan));
    };
    for (std::size_t n = 0; n < FreeTraces::terminals_max; ++n) {
        for (std::uint32_t stan = 1; stan <= FreeTraces::misses_before_look; ++stan)
            REQUIRE_FALSE(traces.missed(key(n, stan)));
        REQUIRE(traces.missed(key(n, 20)));
        traces.learn(key(n, 20), "");
        REQUIRE(traces.knows_free(key(n, 21)));
    }
    CHECK(traces.knows_free(key(0, 21)));
    CHECK_FALSE(traces.missed(key(FreeTraces::terminals_max, 1)));
    CHECK_FALSE(traces.knows_free(key(0, 21)));
}

TEST_CASE("free traces: whatever order terminals count in, the ledger says what its store would") {
    std::mt19937 chance(20'261'130);
    const auto below = [&chance](std::uint32_t n) { return static_cast<std::uint32_t>(chance() % n); };
    Room room;
    std::array<std::uint32_t, 3> counters = {1, 999'900, 5'000};
    std::uint32_t used = 0, empty = 0;
    for (int step = 0; step < 20'000; ++step) {
        const std::uint32_t terminal = below(3);
        std::uint32_t& counter = counters.at(terminal);
        switch (below(20)) {
            case 0:
                counter = 1 + below(999'999);
                break;  // it lost its counter
            case 1:
                counter = counter > 5 ? counter - 5 : 1;
                break;  // and counts again what it had
            default:
                counter = counter % 999'999 + 1;
        }
        const std::string key = slot_key(counter, static_cast<int>(terminal), below(50) == 0 ? 2 : 1);
        const auto stored = room.overlay.get(Family::index, key);
        REQUIRE(stored);
        const TraceSlot slot = room.books.trace_slot(key);
        REQUIRE(slot.entries.empty() == !stored->has_value());
        ++(slot.entries.empty() ? empty : used);
        if (below(3) != 0) room.books.add_trace(key, slot, TraceEntry{});
        if (below(10) == 0) room.turn();
    }
    CHECK(used > 500);
    CHECK(empty > 5'000);
}
