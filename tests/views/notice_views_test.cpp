// The outbox of notices as people read it, of one shard and of several: nobody who reads on behind what he
// has read misses a notice of a shard whose numbers are lower.
#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/number_plan.hpp"
#include "switch/views/notice_views.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using sample::World;

namespace {

/// Shards with so many notices each.
class Outbox {
  public:
    explicit Outbox(const std::vector<std::uint64_t>& counts) : stores_(counts.size()) {
        for (std::size_t shard = 0; shard < counts.size(); ++shard) more(shard, counts[shard]);
    }
    void more(std::size_t shard, std::uint64_t count) {
        ledger::Batch batch;
        batch.turn_number = stores_[shard].last_turn_number() + 1;
        const auto stored = stores_[shard].get(ledger::Family::index, ledger::notice_progress_key()).value();
        auto progress = stored ? ledger::decode_notice_progress(*stored).value() : ledger::NoticeProgress{};
        for (std::uint64_t i = 0; i < count; ++i) {
            ledger::Notice n;
            n.number = progress.last =
                ledger::plan_of_shard(shard, stores_.size()).number_after(progress.last);
            n.kind = ledger::NoticeKind::done;
            n.rrn = iso8583::Rrn::parse("632500000001").value();
            n.merchant = iso8583::MerchantId::parse("898110157220001").value();
            n.terminal = iso8583::TerminalId::parse("10000001").value();
            n.currency = 156;
            batch.put(ledger::Family::journal, ledger::notice_key(n.number), encode(n));
        }
        batch.put(ledger::Family::index, ledger::notice_progress_key(), encode(progress));
        stores_[shard].begin_sync(std::move(batch), [] {});
        REQUIRE(stores_[shard].finish_sync());
    }
    struct Answer {
        std::vector<std::int64_t> numbers;
        std::string behind, next;
    };
    Answer list(const std::string& behind, std::size_t limit = 100, const std::string& after = "") {
        ledger::ShardReaders readers;
        for (const ledger::MemoryStore& store : stores_) readers.push_back(store.snapshot());
        const ledger::MergedReader all(readers);
        const ViewContext context{all,        world_.status, *world_.configuration,
                                  world_.now, nullptr,       readers.size() > 1 ? &readers : nullptr};
        ListQuery query;
        query.limit = limit;
        query.after = after;
        const ViewResult view = view_notices(context, query, behind);
        REQUIRE(view);
        Answer answer;
        for (const View& row : *view->find("notices")->items())
            answer.numbers.push_back(*row.find("notice")->number());
        if (const View* text = view->find("behind")) answer.behind = *text->text();
        if (const View* text = view->find("next")) answer.next = *text->text();
        return answer;
    }
    ViewResult wrong(const std::string& behind) {
        const ViewContext context{stores_.front(), world_.status, *world_.configuration, world_.now};
        return view_notices(context, {}, behind);
    }

  private:
    World world_;
    std::vector<ledger::MemoryStore> stores_;
};

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("notices: of one shard behind a number, and no word of shards") {
    Outbox box({5});
    CHECK(box.list("").numbers == Numbers{5, 4, 3, 2, 1});
    CHECK(box.list("3").numbers == Numbers{4, 5});
    CHECK(box.list("0", 2).numbers == Numbers{1, 2});
    CHECK(box.list("0", 2, box.list("0", 2).next).numbers == Numbers{3, 4});
    CHECK(box.list("5").numbers.empty());
    CHECK(box.list("").behind.empty());
    CHECK(box.wrong("x").error().what == "behind: needs the number of a notice");
    CHECK(box.wrong("1,2").error().what == "behind: needs the number of a notice");
}

TEST_CASE("notices: of two shards none is missed by who reads on, however far apart their numbers are") {
    Outbox box({50, 3});  // 2, 4 … 100 and 1, 3, 5
    const auto newest = box.list("", 3);
    CHECK(newest.numbers == Numbers{100, 98, 96});
    CHECK(newest.behind == "100,5");
    CHECK(box.list(newest.behind).numbers.empty());
    box.more(1, 2);
    const auto behind = box.list(newest.behind);
    CHECK(behind.numbers == Numbers{7, 9});
    CHECK(behind.behind == "100,9");
    box.more(0, 1);
    CHECK(box.list(behind.behind).numbers == Numbers{102});
}

TEST_CASE("notices: of two shards a long answer is read in pieces, by either way") {
    Outbox box({3, 3});
    Numbers by_places, by_cursor;
    std::string behind = "0", after;
    for (int i = 0; i < 10; ++i) {
        const auto piece = box.list(behind, 2);
        by_places.insert(by_places.end(), piece.numbers.begin(), piece.numbers.end());
        behind = piece.behind;
    }
    for (int i = 0; i == 0 || (!after.empty() && i < 10); ++i) {
        const auto piece = box.list("0", 2, after);
        by_cursor.insert(by_cursor.end(), piece.numbers.begin(), piece.numbers.end());
        after = piece.next;
    }
    CHECK(by_places == Numbers{2, 4, 6, 1, 3, 5});
    CHECK(by_cursor == by_places);
}
