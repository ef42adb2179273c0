// A shard without a shell: inboxes, turns, syncs; and whose an event is when there are several.
#include "switch/io/shards.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "ledger/audit_hash.hpp"
#include "ledger/number_plan.hpp"
#include "tests/io/stack.hpp"

using namespace acquirer;
using io_test::demo_config;
using ledger::MemoryStore;

namespace {

constexpr const char* merchant = "898110157220001";

RequestArrived sale(const char* of_merchant = merchant) {
    using iso8583::Field;
    iso8583::FieldValues f(iso8583::Mti::of(200));
    f.set(Field::pan, io_test::card_of_issuer_a);
    f.set(Field::processing_code, "000000");
    f.set(Field::amount_transaction, "000000010000");
    f.set(Field::stan, "000001");
    f.set(Field::pos_entry_mode, "051");
    f.set(Field::pos_condition_code, "00");
    f.set(Field::terminal, "10000001");
    f.set(Field::merchant, of_merchant);
    f.set(Field::currency_transaction, "156");
    f.set(Field::reserved_private_60, "22000001000");
    RequestArrived event;
    event.from.link = {1};
    event.mac = MacState::verified;
    event.request =
        parse_terminal_request(Profile::unionpay_pos, std::move(f), {}, iso8583::Currency::of(156)).value();
    return event;
}

OperatorCommanded suspend_merchant(std::uint64_t ticket) {
    return {ticket, "checker1", Role::supervisor, ChangeMerchant{merchant, ChangeMerchant::To::suspend}};
}

struct Shell final : ShardShell {
    iso8583::Now now() override {
        return {{1'000'000 + passed_ms}, {1'795'233'600'000 + passed_ms}, 8 * 3600};
    }
    void perform(acquirer::ShardPort& from, const Effect& effect) override {
        if (const auto* answer = std::get_if<AnswerOperator>(&effect))
            answered.emplace_back(from.index(), answer->ticket);
        if (store != nullptr) the_disk_was_at_work = store->sync_pending();
        if (const auto* message = std::get_if<SendToIssuer>(&effect))
            asked.emplace_back(message->fields.get(iso8583::Field::rrn),
                               message->fields.get(iso8583::Field::stan));
        if (const auto* reply = std::get_if<SendReply>(&effect))
            replied.emplace_back(reply->fields.get(iso8583::Field::response_code));
    }
    void wants_drive() override { ++drives_wanted; }
    void sync_ended() override { ++syncs_ended; }

    std::vector<std::pair<std::size_t, std::uint64_t>> answered;
    std::vector<std::string> replied;
    std::vector<std::pair<std::string, std::string>> asked;  // DE37 and DE11 towards issuers
    int drives_wanted = 0;
    std::atomic<int> syncs_ended = 0;
    std::int64_t passed_ms = 0;
    const MemoryStore* store = nullptr;  // whether it had work when the last effect left
    bool the_disk_was_at_work = false;
};

/// A shard on a memory store of its own.
struct Room {
    explicit Room(Shell& shell, std::size_t index = 0, const ShardBounds& bounds = {},
                  ledger::NumberPlan numbers = {})
        : overlay(store),
          core(config.configuration, overlay, vault, ledger::audit_sha256, std::move(numbers)),
          shard(std::make_unique<Shard>(index, ShardParts{core, overlay, store}, bounds, shell)) {
        REQUIRE(shard->recover());
        store.set_sync_mode(MemoryStore::SyncMode::manual);
    }
    LoadedConfig config = demo_config(5'000);
    MemoryStore store;
    ledger::PanVault vault{io_test::test_vault_key()};
    ledger::Overlay overlay;
    SwitchCore core;
    std::unique_ptr<Shard> shard;
};

/// Both shards of a switch that has two.
struct TwoShards {
    Shell shell;
    Room first{shell, 0};
    Room second{shell, 1};
    Shards shards{both(), ShardMap(2)};

  private:
    std::vector<std::unique_ptr<acquirer::ShardPort>> both() {
        std::vector<std::unique_ptr<acquirer::ShardPort>> out;
        out.push_back(std::move(first.shard));
        out.push_back(std::move(second.shard));
        return out;
    }
};

}  // namespace

TEST_CASE("a shard: no effect leaves before the sync of its turn has ended and been seen") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    REQUIRE(shard.quiet());
    const std::uint64_t syncs = shard.counters().syncs;
    CHECK(shard.take(suspend_merchant(7)));
    CHECK(shell.drives_wanted > 0);
    CHECK_FALSE(shard.quiet());
    CHECK(shard.can_go_on());
    shard.drive();
    CHECK(room.store.sync_pending());
    CHECK(shard.counters().syncs == syncs + 1);
    CHECK(shard.counters().answer_inbox == 0);
    CHECK(shell.answered.empty());
    const int ended = shell.syncs_ended;
    room.store.complete_sync();
    CHECK(shell.syncs_ended == ended + 1);
    CHECK(shell.answered.empty());  // told, and not yet driven
    shard.drive();
    CHECK(shell.answered == std::vector<std::pair<std::size_t, std::uint64_t>>{{0, 7}});
    CHECK(shard.quiet());
}

TEST_CASE("a shard: what comes while a sync is in flight is in the next one") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    CHECK(shard.take(suspend_merchant(2)));
    shard.drive();
    CHECK(shell.answered.empty());
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == 1);
    CHECK(room.store.sync_pending());
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == 2);
}

TEST_CASE("a shard: the next sync has begun when what the last one made durable leaves") {
    Shell shell;
    Room room(shell);
    shell.store = &room.store;
    Shard& shard = *room.shard;
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    CHECK(shard.take(suspend_merchant(2)));
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered == std::vector<std::pair<std::size_t, std::uint64_t>>{{0, 1}});
    CHECK(shell.the_disk_was_at_work);
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == 2);
    CHECK_FALSE(shell.the_disk_was_at_work);  // there was nothing more to write
}

TEST_CASE("a shard: the disk gets a turn's worth at once, and the rest is stepped meanwhile") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    constexpr std::uint64_t first_turn = acquirer::turn_events_min, rest = 5;
    for (std::uint64_t i = 1; i < first_turn; ++i) CHECK(shard.take(suspend_merchant(i)));
    CHECK_FALSE(shard.drive_is_due());
    for (std::uint64_t i = first_turn; i <= first_turn + rest; ++i) CHECK(shard.take(suspend_merchant(i)));
    CHECK(shard.drive_is_due());
    shard.drive();
    CHECK(shard.counters().answer_inbox == 0);
    CHECK(shell.answered.empty());
    for (std::uint64_t i = 0; i <= first_turn; ++i) CHECK(shard.take(TerminalLinkClosed{{i + 1}}));
    CHECK_FALSE(shard.drive_is_due());  // the disk is at work
    room.store.complete_sync();
    CHECK(shard.drive_is_due());
    shard.drive();
    CHECK(shell.answered.size() == first_turn);
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == first_turn + rest);
}

TEST_CASE(
    "a shard: beside a sync another begins with a turn's worth or when it is old, and they leave in order") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    room.store.set_syncs_in_flight_max(3);
    const std::int64_t begins_ms = shell.now().instant.ms;
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    CHECK(room.store.syncs_pending() == 1);
    CHECK(shard.take(suspend_merchant(2)));
    shard.drive();
    CHECK(room.store.syncs_pending() == 1);  // a small turn waits a moment for company
    REQUIRE(shard.next_deadline());
    CHECK(shard.next_deadline()->ms <= begins_ms + acquirer::turn_wait_ms);
    shell.passed_ms = acquirer::turn_wait_ms;
    shard.deadlines_due();
    shard.drive();
    CHECK(room.store.syncs_pending() == 2);
    for (std::uint64_t i = 0; i < acquirer::turn_events_min; ++i) CHECK(shard.take(suspend_merchant(3 + i)));
    CHECK(shard.drive_is_due());
    shard.drive();
    CHECK(room.store.syncs_pending() == 3);
    CHECK(shard.take(suspend_merchant(100)));
    shell.passed_ms = 10;
    CHECK_FALSE(shard.drive_is_due());
    shard.drive();
    CHECK(room.store.syncs_pending() == 3);  // the store has no room
    CHECK(shell.answered.empty());
    room.store.complete_sync();
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered == std::vector<std::pair<std::size_t, std::uint64_t>>{{0, 1}, {0, 2}});
    shell.passed_ms += acquirer::turn_wait_ms;
    shard.drive();
    CHECK(room.store.syncs_pending() == 2);
    room.store.complete_sync();
    room.store.complete_sync();
    shard.drive();
    REQUIRE(shell.answered.size() == 3 + acquirer::turn_events_min);
    CHECK(shell.answered.back().second == 100);
    CHECK(shard.quiet());
}

TEST_CASE("a shard: what wrote nothing leaves in its place between turns that did") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    room.store.set_syncs_in_flight_max(3);
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    CHECK(shard.take(OperatorCommanded{2, "checker1", Role::supervisor, ChangeMerchant{"no such one", {}}}));
    shell.passed_ms = 1;
    shard.drive();
    shell.passed_ms = 2;
    shard.drive();
    CHECK(room.store.syncs_pending() == 1);  // it asked for nothing
    CHECK(shell.answered.empty());           // and says nothing before what came before it
    CHECK(shard.take(suspend_merchant(3)));
    shard.drive();
    shell.passed_ms = 4;
    shard.drive();
    CHECK(room.store.syncs_pending() == 2);
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered == std::vector<std::pair<std::size_t, std::uint64_t>>{{0, 1}, {0, 2}});
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == 3);
}

TEST_CASE("a shard: a sync that fails lets no effect of those behind it leave, what is durable does (R62)") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    room.store.set_syncs_in_flight_max(2);
    for (std::uint64_t i = 1; i <= 2; ++i) {
        CHECK(shard.take(suspend_merchant(i)));
        shard.drive();
        shell.passed_ms += acquirer::turn_wait_ms;
        shard.drive();
    }
    REQUIRE(room.store.syncs_pending() == 2);
    room.store.complete_sync();
    shard.drive();
    CHECK(shell.answered.size() == 1);
    room.store.fail_next_sync({ledger::StoreError::Kind::io, "sync: the disk is gone"});
    room.store.complete_sync();
    CHECK(shard.take(suspend_merchant(3)));
    shard.drive();
    CHECK(shard.failed());
    CHECK(shell.answered.size() == 1);
}

TEST_CASE("a shard: a sync that fails lets no effect leave, then or later (R62)") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    room.store.fail_next_sync({ledger::StoreError::Kind::io, "sync: the disk is gone"});
    room.store.complete_sync();
    shard.drive();
    REQUIRE(shard.failed());
    CHECK(shard.failed()->what == "sync: the disk is gone");
    CHECK(shard.take(suspend_merchant(2)));
    shard.take(sale());
    shard.drive();
    CHECK(shell.answered.empty());
    CHECK(shell.replied.empty());
}

TEST_CASE("a shard: events that came later than a request are stepped before it") {
    Shell shell;
    Room room(shell);
    room.store.set_sync_mode(MemoryStore::SyncMode::immediate);
    Shard& shard = *room.shard;
    shard.take(sale());
    CHECK(shard.take(suspend_merchant(1)));
    shard.drive();
    CHECK(shell.replied == std::vector<std::string>{"03"});
}

TEST_CASE("a shard: the core hears of a store's health and its reason once for each change") {
    Shell shell;
    Room room(shell);
    Shard& shard = *room.shard;
    shard.look_at_store();
    CHECK(shard.counters().answer_inbox == 0);
    CHECK(shard.why_no_new_work().empty());
    room.store.set_health({false, "the disk is nearly full", 0, 0});
    shard.look_at_store();
    shard.look_at_store();
    CHECK(shard.why_no_new_work() == "the store takes no new work: the disk is nearly full");
    CHECK(shard.counters().answer_inbox == 1);
    room.store.set_health({false, "writes stall", 0, 0});
    shard.look_at_store();
    shard.look_at_store();
    CHECK(shard.why_no_new_work() == "the store takes no new work: writes stall");
    CHECK(shard.counters().answer_inbox == 2);
    shard.drive();
    CHECK(shard.view().status.refuses_new_work == "writes stall");
    room.store.set_health({true, "", 0, 0});
    shard.look_at_store();
    shard.drive();
    CHECK(shard.why_no_new_work().empty());
    CHECK(shard.view().status.refuses_new_work.empty());
}

TEST_CASE("a shard: bounds of the inboxes") {
    Shell shell;
    Room room(shell, 0, ShardBounds{2, 3});
    Shard& shard = *room.shard;
    shard.take(sale());
    CHECK(shard.takes_requests());
    shard.take(sale());
    CHECK_FALSE(shard.takes_requests());
    CHECK(shard.counters().request_inbox == 2);
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK(shard.take(TerminalLinkClosed{{i}}));
    CHECK_FALSE(shard.take(IssuerReplyArrived{}));
    CHECK(shard.take(TerminalLinkClosed{{4}}));  // there is little of all else, and it must not be lost
    CHECK(shard.counters().answer_inbox == 4);
    shard.drive();
    CHECK(shard.takes_requests());
    CHECK(shard.counters().answer_inbox == 0);
}

TEST_CASE("a shard: one drive steps a bounded number of events and says that more wait") {
    Shell shell;
    Room room(shell);
    room.store.set_sync_mode(
        MemoryStore::SyncMode::immediate);  // the first turn writes where retention stands
    Shard& shard = *room.shard;
    constexpr std::uint64_t many = 5'000;
    for (std::uint64_t i = 1; i <= many; ++i) CHECK(shard.take(TerminalLinkClosed{{i}}));
    shard.drive();
    CHECK(shard.counters().answer_inbox > 0);
    CHECK(shard.can_go_on());
    for (int drives = 0; drives < 100 && shard.can_go_on(); ++drives) shard.drive();
    CHECK(shard.counters().answer_inbox == 0);
    CHECK(shard.counters().events_stepped == many);
}

TEST_CASE("shards: each gives numbers of its own plan") {
    Shell shell;
    Room first(shell, 0, {}, {"00", 1, 1'000});
    Room second(shell, 1, {}, {"7Q", 1'001, 2'000});
    for (Room* room : {&first, &second}) {
        room->store.set_sync_mode(MemoryStore::SyncMode::immediate);
        CHECK(room->shard->take(IssuerLinkUp{{1}, {9}}));
        room->shard->take(sale());
        room->shard->drive();
    }
    REQUIRE(shell.asked.size() == 2);
    CHECK(shell.asked[0].first.substr(4, 2) == "00");
    CHECK(shell.asked[0].second <= "001000");
    CHECK(shell.asked[1].first.substr(4, 2) == "7Q");
    CHECK((shell.asked[1].second > "001000" && shell.asked[1].second <= "002000"));
}

TEST_CASE("shards: a merchant's requests go to its shard alone, what concerns all to all") {
    TwoShards two;
    Shards& shards = two.shards;
    std::array<std::size_t, 2> expected{};
    for (int i = 1; i <= 7; ++i) {
        const std::string id = "89811015722000" + std::to_string(i);
        shards.take(sale(id.c_str()));
        ++expected[shard_of(*iso8583::MerchantId::parse(id), 2)];
    }
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(expected[i] > 0);
        CHECK(shards.at(i).view().counters.request_inbox == expected[i]);
    }
    CHECK(shards.take(TerminalLinkClosed{{1}}));
    CHECK(shards.take(ConfigReplaced{two.first.config.configuration}));
    for (std::size_t i = 0; i < 2; ++i) CHECK(shards.at(i).view().counters.answer_inbox == 2);
    CHECK(shards.take_requests());
}

TEST_CASE("shards: an issuer's answer goes to the shard that gave its STAN, what none gave to the first") {
    TwoShards two;
    Shards& shards = two.shards;
    const struct {
        std::uint32_t stan;
        std::size_t shard;
    } rows[] = {{1, 0}, {9'999, 0}, {10'000, 0}, {504'999, 0}, {505'000, 1}, {999'999, 1}};
    for (const auto& row : rows) {
        INFO(row.stan);
        const std::size_t before = shards.at(row.shard).view().counters.answer_inbox;
        IssuerReplyArrived reply;
        reply.reply.stan = iso8583::Stan::of(row.stan);
        CHECK(shards.take(Event(reply)));
        CHECK(shards.at(row.shard).view().counters.answer_inbox == before + 1);
    }
    CHECK(shards.take(Event(IssuerKeyOffered{})));
    CHECK(shards.at(0).view().counters.answer_inbox == 5);
}

TEST_CASE("shards: sessions' 08xx have STANs that no shard gives, and no two of a round are equal") {
    TwoShards two;
    Shards& shards = two.shards;
    std::set<std::uint32_t> given;
    std::int64_t latest = 0;
    for (std::uint32_t i = 0; i < ledger::session_stans; ++i) {
        const auto [stan, time] = shards.next_session_numbers({1}, two.shell.now());
        CHECK_FALSE(ledger::shard_of_stan(stan, 2));
        given.insert(stan.value());
        CHECK(time.value() >= latest);  // DE7 never goes back
        latest = time.value();
    }
    CHECK(given.size() == ledger::session_stans);
}

TEST_CASE("a shard: a cold request whose read has ended wants a drive, though nothing else happens") {
    Shell shell;
    Room room(shell, 0, ShardBounds{4'096, 65'536, 1});
    room.store.set_sync_mode(MemoryStore::SyncMode::immediate);
    Shard& shard = *room.shard;
    RequestArrived request = sale();
    request.request.original_rrn = *iso8583::Rrn::parse("632600000001");  // in no memory
    shard.take(std::move(request));
    CHECK(shard.counters().cold_requests == 1);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!shard.drive_is_due() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    REQUIRE(shard.drive_is_due());
    shard.drive();
    CHECK(shard.counters().request_inbox == 0);
    CHECK_FALSE(shard.drive_is_due());
    CHECK(shell.replied.size() == 1);
}
