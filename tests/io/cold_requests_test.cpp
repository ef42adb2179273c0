// A request whose original lies on the disk waits for it alone: nobody else does, and its link's order stays.
#include "switch/io/cold_requests.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <set>

#include "ledger/audit_hash.hpp"
#include "switch/io/shard.hpp"
#include "tests/io/stack.hpp"

using namespace acquirer;
using ledger::Family;
using ledger::Key;
using ledger::StoreError;

namespace {

/// Reads wait until they are let go.
class SlowStore final : public ledger::StoreReader {
  public:
    iso8583::Result<std::optional<std::string>, StoreError> get(Family, std::string_view key) const override {
        std::unique_lock lock(mutex_);
        asked_.insert(std::string(key));
        changed_.notify_all();
        changed_.wait(lock, [&] { return let_go_.contains(std::string(key)); });
        if (key == "broken") return tl::unexpected(StoreError{StoreError::Kind::io, "no such block"});
        return std::optional<std::string>();
    }
    iso8583::Result<void, StoreError> scan(Family, std::string_view, std::string_view,
                                           const ledger::ScanVisitor&) const override {
        return {};
    }
    iso8583::Result<void, StoreError> scan_back(Family, std::string_view, std::string_view,
                                                const ledger::ScanVisitor&) const override {
        return {};
    }
    void let_go(const std::string& key) {
        const std::lock_guard lock(mutex_);
        let_go_.insert(key);
        changed_.notify_all();
    }
    void wait_until_asked(const std::string& key) const {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_.contains(key); });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    mutable std::set<std::string> asked_;
    std::set<std::string> let_go_;
};

/// What readers said, awaited.
class Ended {
  public:
    void say() {
        const std::lock_guard lock(mutex_);
        ++said_;
        changed_.notify_all();
    }
    void wait_for(int times) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return said_ >= times; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int said_ = 0;
};

/// Told apart by their link and key version.
RequestArrived request(std::uint64_t link, std::uint32_t number) {
    RequestArrived event;
    event.from.link = {link};
    event.key_version = number;
    return event;
}
Key key(std::string bytes) { return {Family::journal, std::move(bytes)}; }

std::vector<std::uint32_t> numbers(const std::deque<Event>& inbox) {
    std::vector<std::uint32_t> out;
    for (const Event& event : inbox) out.push_back(std::get<RequestArrived>(event).key_version);
    return out;
}

struct Scene {
    SlowStore store;
    Ended ended;
    ColdRequests cold{store, 4, [this] { ended.say(); }};
    std::deque<Event> inbox;

    bool take(std::uint64_t link, std::uint32_t number, std::vector<Key> keys) {
        RequestArrived event = request(link, number);
        return cold.take(event, std::move(keys));
    }
};

}  // namespace

TEST_CASE("a cold sale stalls nobody but its own terminal") {
    Scene scene;
    CHECK_FALSE(scene.take(1, 1, {}));  // nothing to read: it goes on at once
    CHECK(scene.take(1, 2, {key("a")}));
    scene.store.wait_until_asked("a");
    CHECK_FALSE(scene.take(2, 3, {}));
    CHECK(scene.take(1, 4, {}));  // behind what its own terminal sent before
    scene.cold.move_ready(scene.inbox);
    CHECK(scene.inbox.empty());
    CHECK(scene.cold.size() == 2);

    scene.store.let_go("a");
    scene.ended.wait_for(1);
    scene.cold.move_ready(scene.inbox);
    CHECK(numbers(scene.inbox) == std::vector<std::uint32_t>{2, 4});
    CHECK(scene.cold.size() == 0);
    CHECK_FALSE(scene.take(1, 5, {}));
}

TEST_CASE("cold requests of several terminals go on as they are read, those of one in their order") {
    Scene scene;
    CHECK(scene.take(1, 1, {key("a")}));
    CHECK(scene.take(1, 2, {key("b")}));
    CHECK(scene.take(2, 3, {key("c"), key("d")}));
    scene.store.let_go("b");
    scene.store.let_go("c");
    scene.store.let_go("d");
    scene.ended.wait_for(1);
    // Two reads may end in one say.
    while (scene.inbox.empty()) scene.cold.move_ready(scene.inbox);
    CHECK(numbers(scene.inbox) == std::vector<std::uint32_t>{3});
    scene.store.let_go("a");
    while (scene.inbox.size() < 3) scene.cold.move_ready(scene.inbox);
    CHECK(numbers(scene.inbox) == std::vector<std::uint32_t>{3, 1, 2});
    CHECK(scene.cold.taken() == 3);
}

TEST_CASE("a read that fails lets its request go on: the core sees the failure itself") {
    Scene scene;
    CHECK(scene.take(1, 1, {key("broken")}));
    scene.store.let_go("broken");
    scene.ended.wait_for(1);
    scene.cold.move_ready(scene.inbox);
    CHECK(numbers(scene.inbox) == std::vector<std::uint32_t>{1});
}

TEST_CASE("cold requests end with reads under way and reads that never began") {
    auto scene = std::make_unique<Scene>();
    for (std::uint32_t i = 0; i < 20; ++i) CHECK(scene->take(i, i, {key(std::to_string(i))}));
    scene->store.wait_until_asked("0");
    for (std::uint32_t i = 0; i < 20; ++i) scene->store.let_go(std::to_string(i));
    scene.reset();
}

namespace {

struct Shell final : ShardShell {
    iso8583::Now now() override { return {{1'000'000}, {1'795'233'600'000}, 8 * 3600}; }
    void perform(ShardPort&, const Effect& effect) override {
        if (const auto* reply = std::get_if<SendReply>(&effect))
            replied.emplace_back(reply->fields.get(iso8583::Field::response_code));
    }
    void wants_drive() override {}
    void sync_ended() override { ended.say(); }

    Ended ended;
    std::vector<std::string> replied;
};

/// A refund of a sale that no memory holds.
RequestArrived cold_refund() {
    using iso8583::Field;
    iso8583::FieldValues f(iso8583::Mti::of(220));
    f.set(Field::pan, io_test::card_of_issuer_a);
    f.set(Field::processing_code, "200000");
    f.set(Field::amount_transaction, "000000010000");
    f.set(Field::stan, "000001");
    f.set(Field::pos_entry_mode, "051");
    f.set(Field::pos_condition_code, "00");
    f.set(Field::rrn, "632500000001");
    f.set(Field::terminal, "10000001");
    f.set(Field::merchant, "898110157220001");
    f.set(Field::currency_transaction, "156");
    f.set(Field::reserved_private_60, "25000001000");
    f.set(Field::reserved_private_61, "0000010000021120");
    RequestArrived event = request(1, 1);
    event.mac = MacState::verified;
    event.request =
        parse_terminal_request(Profile::unionpay_pos, std::move(f), {}, iso8583::Currency::of(156)).value();
    return event;
}

}  // namespace

TEST_CASE("a shard has the original of a request read before it steps it") {
    const LoadedConfig config = io_test::demo_config(5'000);
    Shell shell;
    ledger::MemoryStore store;
    ledger::PanVault vault{io_test::test_vault_key()};
    ledger::Overlay overlay(store);
    SwitchCore core(config.configuration, overlay, vault, ledger::audit_sha256);
    ShardBounds bounds{1, 3};
    bounds.cold_readers = 1;
    Shard shard(0, ShardParts{core, overlay, store}, bounds, shell);
    REQUIRE(shard.recover());
    CHECK(core.keys_wanted(cold_refund().request) == std::vector<Key>{{Family::journal, "t632500000001"}});

    shell.ended.wait_for(1);  // the sync of the recovery
    shard.take(cold_refund());
    CHECK(shard.counters().cold_requests == 1);
    CHECK_FALSE(shard.takes_requests());
    CHECK_FALSE(shard.quiet());
    shell.ended.wait_for(2);
    shard.drive();
    CHECK(shell.replied == std::vector<std::string>{"25"});
    CHECK(shard.takes_requests());
    CHECK(shard.quiet());
}
