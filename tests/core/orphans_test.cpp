// I6a, every story ends: what find_orphans() calls an orphan. Each of the ways in which a transaction may
// wait (ruling 22, (a) to (e)) is broken here on purpose.
#include "switch/core/orphans.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "ledger/memory_store.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/orphan_watch.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using namespace desk;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

Rrn rrn(int n) { return Rrn::parse("63250000000" + std::to_string(n)).value(); }

/// What a core would say; each set is what it says of these.
struct Says final : LiveWork {
    std::set<Rrn> awaited, queued, cases, ticking;
    std::map<Rrn, Rrn> before;
    bool is_awaited(const TransactionRecord& r) const override { return awaited.contains(r.rrn); }
    bool is_queued(const TransactionRecord& r) const override { return queued.contains(r.rrn); }
    bool is_case(const TransactionRecord& r) const override { return cases.contains(r.rrn); }
    bool is_ticking(const TransactionRecord& r) const override { return ticking.contains(r.rrn); }
    std::optional<Rrn> advice_before(const TransactionRecord& r) const override {
        const auto at = before.find(r.rrn);
        return at == before.end() ? std::nullopt : std::optional(at->second);
    }
};

class Shelf {
  public:
    TransactionRecord& put(int number, TransactionKind kind, State state) {
        TransactionRecord& r = records_.emplace_back();
        r.rrn = rrn(number);
        r.kind = kind;
        r.state = state;
        r.amount = iso8583::Amount(1'000, iso8583::Currency::of(156));
        return r;
    }
    void exception(int number, std::string owner, std::string resolution) {
        ledger::ExceptionRecord x;
        x.id = ledger::exception_id(rrn(number), ++exceptions_);
        x.kind = "advice_parked";
        x.owner = std::move(owner);
        x.resolution = std::move(resolution);
        store(ledger::exception_key(x.id), ledger::encode(x));
    }
    std::set<std::string> orphans(const LiveWork& live) {
        for (const TransactionRecord& r : records_) store(ledger::transaction_key(r.rrn), ledger::encode(r));
        const auto report = find_orphans(store_, live);
        REQUIRE(report);
        CHECK(report->records == records_.size());
        std::set<std::string> found;
        for (const Orphan& orphan : report->orphans) found.insert(orphan.rrn.str().substr(11));
        return found;
    }

  private:
    void store(std::string key, std::string value) {
        ledger::Batch batch;
        batch.turn_number = store_.last_turn_number() + 1;
        batch.put(ledger::Family::journal, std::move(key), std::move(value));
        store_.begin_sync(std::move(batch), [] {});
        REQUIRE(store_.finish_sync());
    }
    ledger::MemoryStore store_;
    std::deque<TransactionRecord> records_;
    std::uint32_t exceptions_ = 0;
};

using Found = std::set<std::string>;

}  // namespace

TEST_CASE("I6a what is final is nobody's orphan, whatever its state", "[orphans]") {
    Shelf shelf;
    int n = 0;
    for (const State state : {State::approved, State::declined, State::reversed, State::voided,
                              State::refused, State::rejected, State::expired, State::cancelled})
        shelf.put(n++, TransactionKind::refund, state);
    CHECK(shelf.orphans(Says{}).empty());
}

TEST_CASE("I6a (a) an answer is awaited", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::sale, State::sent);
    shelf.put(2, TransactionKind::sale, State::sent);
    Says says;
    says.awaited = {rrn(1)};
    CHECK(shelf.orphans(says) == Found{"2"});
}

TEST_CASE("I6a (b) the queue has a next attempt", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::refund, State::advice_pending);
    shelf.put(2, TransactionKind::refund, State::advice_pending);
    shelf.put(3, TransactionKind::refund, State::cleared);
    Says says;
    says.queued = {rrn(1)};
    CHECK(shelf.orphans(says) == Found{"2", "3"});
}

TEST_CASE("I6a (c) a person has it: a case that expires, or an open exception with an owner", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::refund, State::held);
    shelf.put(2, TransactionKind::refund, State::held);  // a case of which the core knows nothing
    const auto park = [&](int number) {
        TransactionRecord& r = shelf.put(number, TransactionKind::refund, State::parked);
        r.advice.kind = ledger::QueuedAdvice::Kind::refund;
        r.advice.status = ledger::QueuedAdvice::Status::parked;
    };
    park(3);
    shelf.exception(3, "operations", "");
    park(4);  // closed by somebody, while its refund is still parked
    shelf.exception(4, "operations", "seen");
    park(5);  // nobody's
    shelf.exception(5, "", "");
    shelf.put(6, TransactionKind::refund, State::abnormal);
    // An exception about a transaction of which no command leads out is no way out.
    shelf.put(7, TransactionKind::sale, State::sent);
    shelf.exception(7, "operations", "");
    Says says;
    says.cases = {rrn(1)};
    CHECK(shelf.orphans(says) == Found{"2", "4", "5", "6", "7"});
}

TEST_CASE("I6a (d) behind another one of its chain, which must be none itself", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::sale, State::voiding).voided_by = rrn(2);
    shelf.put(2, TransactionKind::void_sale, State::sent);
    shelf.put(3, TransactionKind::sale, State::voiding).voided_by = rrn(4);
    shelf.put(4, TransactionKind::void_sale, State::declined);  // A.1: it ended, and its sale did not
    shelf.put(5, TransactionKind::refund, State::advice_pending);
    shelf.put(6, TransactionKind::refund, State::advice_pending);
    shelf.put(7, TransactionKind::refund, State::advice_pending);
    shelf.put(8, TransactionKind::refund, State::advice_pending);
    Says says;
    says.awaited = {rrn(2)};
    says.queued = {rrn(5)};
    says.before = {{rrn(6), rrn(5)}, {rrn(7), rrn(8)}, {rrn(8), rrn(7)}};  // the last two wait in a circle
    CHECK(shelf.orphans(says) == Found{"3", "7", "8"});
}

TEST_CASE("I6a (e) a tombstone ends by its own time", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::sale, State::tombstone);
    CHECK(shelf.orphans(Says{}).empty());
}

TEST_CASE("I6a a reversed sale whose new reversal has not gone is open (R51a)", "[orphans]") {
    Shelf shelf;
    TransactionRecord& r = shelf.put(1, TransactionKind::sale, State::reversed);
    r.advice.kind = ledger::QueuedAdvice::Kind::reversal;
    r.advice.status = ledger::QueuedAdvice::Status::waiting;
    CHECK(shelf.orphans(Says{}) == Found{"1"});
}

TEST_CASE("I6a what is cleared waits for a dispute that people close (R78)", "[orphans]") {
    Shelf shelf;
    shelf.put(1, TransactionKind::sale, State::approved).hold = true;
    shelf.put(2, TransactionKind::refund, State::cleared).original = rrn(1);
    CHECK(shelf.orphans(Says{}).empty());
}

TEST_CASE("I6a a running core has looked at all open work, and again each minute", "[orphans]") {
    Desk d;
    d.pass(1);
    CHECK(d.status().orphans == 0);
    const auto first = d.status().orphans_looked_for;
    REQUIRE(first);
    d.pass(orphan_pass_every_ms);
    CHECK(d.status().orphans_looked_for > first);
}
