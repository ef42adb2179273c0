// Recovery reads the exceptions from the oldest open one on: what is closed for good costs a start nothing.
#include <catch2/catch.hpp>

#include "ledger/ledger.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/overlay.hpp"

using namespace ledger;
using iso8583::Rrn;

namespace {

Rrn rrn(int n) { return Rrn::parse("63250000000" + std::to_string(n)).value(); }

struct Room {
    MemoryStore store;
    std::uint64_t turn = 0;

    /// One turn of a ledger that was just recovered.
    template <typename Do>
    void in_a_turn(Do&& what) {
        Overlay overlay(store);
        Ledger books(overlay);
        books.recover();
        REQUIRE_FALSE(books.error());
        what(books);
        books.close_turn();
        commit(overlay.take_batch());
    }
    void commit(Batch batch) {
        batch.turn_number = store.last_turn_number() + 1;
        store.begin_sync(std::move(batch), [] {});
        REQUIRE(store.finish_sync());
    }
    std::string open(int n) {
        std::string id;
        in_a_turn([&](Ledger& books) {
            id = books.open_exception({rrn(n), "", "refund_abnormal", "R55", "no", false}, {1}).id;
        });
        return id;
    }
    void resolve(int n) {
        in_a_turn(
            [&](Ledger& books) { CHECK(books.resolve_exception(rrn(n), "refund_abnormal", "done", "a")); });
    }
    /// It cannot be read any more: whoever reads it fails.
    void spoil(const std::string& id) {
        Batch batch;
        batch.put(Family::journal, exception_key(id), "spoilt");
        commit(std::move(batch));
    }
    [[nodiscard]] std::optional<StoreError> recovered() const {
        Overlay overlay(store);
        Ledger books(overlay);
        books.recover();
        return books.error();
    }
    std::vector<std::string> open_ones() {
        std::vector<std::string> ids;
        in_a_turn([&](Ledger& books) { ids = books.open_exceptions_of_kind("refund_abnormal"); });
        return ids;
    }
};

}  // namespace

TEST_CASE("recovery does not read exceptions of transactions that were closed before the oldest open one") {
    Room room;
    const std::string first = room.open(1);
    const std::string second = room.open(2);
    const std::string third = room.open(3);
    room.resolve(1);
    room.resolve(3);
    CHECK(room.open_ones() == std::vector<std::string>{second});
    room.spoil(first);
    CHECK_FALSE(room.recovered());
    CHECK(room.open_ones() == std::vector<std::string>{second});
    room.spoil(third);  // behind an open one: read, for the keys in between are not known
    CHECK(room.recovered());
}

TEST_CASE("recovery reads no exception of a transaction when none is open, and those of none always") {
    Room room;
    const std::string closed = room.open(1);
    room.resolve(1);
    std::string of_route;
    room.in_a_turn([&](Ledger& books) {
        of_route =
            books.open_exception({std::nullopt, "issuer-a", "unmatched_reply", "R63", "late", false}, {1}).id;
    });
    room.spoil(closed);
    CHECK_FALSE(room.recovered());
    room.in_a_turn([&](Ledger& books) {
        CHECK(books.open_exceptions_of_kind("unmatched_reply") == std::vector<std::string>{of_route});
    });
    const std::string later = room.open(2);
    CHECK(room.open_ones() == std::vector<std::string>{later});
}

TEST_CASE("a turn of an older program says nothing of exceptions, and all are read") {
    Room room;
    const std::string closed = room.open(1);
    room.resolve(1);
    // It writes back what it does not know as it stands, under a turn of its own.
    const std::uint64_t last = room.store.last_turn_number();
    auto record = decode_turn_record(**room.store.get(Family::journal, turn_record_key(last)));
    REQUIRE(record);
    CHECK(record->exceptions_from_turn == last);
    Batch batch;
    batch.put(Family::journal, turn_record_key(last + 1), encode(*record));
    room.commit(std::move(batch));
    CHECK_FALSE(room.recovered());
    room.spoil(closed);
    CHECK(room.recovered());
}
