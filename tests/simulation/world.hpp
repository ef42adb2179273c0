// World: the switch with everything around it on one virtual clock: terminals, network, issuers, HSM, disk,
// operators, and what goes wrong with each. One seed, one run: the same twice gives the same hash of all
// effects.
//
// Scripts (tests/flow) and chance (cashier.hpp, run.hpp) both play in it; without faults everything works and
// takes no time. Checkers watch all the while (checkers.hpp). One thread, no clock, no sockets, no files.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hsm_sim/engine.hpp"
#include "ledger/backup_manifest.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/branch_watch.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/day_watch.hpp"
#include "tests/simulation/honest_traffic.hpp"
#include "tests/simulation/issuer_node.hpp"
#include "tests/simulation/naive_books.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/notice_watch.hpp"
#include "tests/simulation/shard_checks.hpp"
#include "tests/simulation/switch_process.hpp"
#include "tests/simulation/watch.hpp"
#include "tests/simulation/watched_store.hpp"
#include "tests/simulation/world_configuration.hpp"

namespace simulation {

class Till;

struct WorldFaults {
    std::int64_t sync_ms_min = 0, sync_ms_max = 0;
    std::uint32_t sync_slow_permille = 0;         // a sync takes seconds
    std::uint32_t sync_fails_permille = 0;        // R62
    std::uint32_t crash_in_sync_permille = 0;     // of syncs
    std::uint32_t crash_in_effects_permille = 0;  // of syncs: dies while its effects leave
    std::uint32_t crash_permille = 0;             // of steps
    std::int64_t downtime_ms_min = 0, downtime_ms_max = 0;
    std::uint32_t hsm_slow_permille = 0;  // of questions
    std::int64_t hsm_slow_ms_max = 0;
    std::uint32_t hsm_fails_permille = 0;
    std::uint32_t vault_file_fails_permille = 0;
    std::uint32_t hsm_wrong_permille = 0;  // says an error that there is none of
    // Of several shards: one waits though it could go on, or the shell does not come to what it has let out.
    std::uint32_t shard_pauses_permille = 0;
    std::int64_t shard_pause_ms_max = 0;
};

/// 2026-11-21 04:00:00 UTC, noon in Shanghai.
inline constexpr iso8583::UtcTime usual_start{1'795'233'600'000};

struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t shards = 1;  // 1, 2 or 4
    /// Of several shards: merchants that ledgers say they have before the first start, as a switch did that
    /// assigned them otherwise.
    acquirer::ShardMap::Written merchants;
    iso8583::UtcTime starts = usual_start;
    std::function<void(acquirer::Configuration&)> adjust;
    /// Lines for people: what happens when.
    std::function<void(const std::string&)> trace;
};

class World final : public Surroundings {
  public:
    explicit World(const WorldOptions& options);
    ~World() override;

    // Time. An event that is due is carried out before time passes.
    void pass(std::int64_t ms);
    /// Runs until `done`, for at most `ms`; false when it never was.
    bool run_until(const std::function<bool()>& done, std::int64_t ms);
    void at(std::int64_t after_ms, Agenda::Deed deed) {
        agenda_.at(clock_.plus_ms(after_ms), std::move(deed));
    }
    /// As at(); while the switch is down for long, not before the last seconds of that: what anybody does
    /// for hours to a switch that is not there is the same as what he does for those.
    void at_work(std::int64_t after_ms, Agenda::Deed deed);
    [[nodiscard]] iso8583::Now now() const override;
    /// The wall clock is set, the monotonic one goes on.
    void step_clock(std::int64_t ms) { utc_offset_ms_ += ms; }

    // The switch.
    [[nodiscard]] bool up() const { return process_ != nullptr; }
    [[nodiscard]] SwitchProcess& process() { return *process_; }
    /// I6a over everything that is stored; when a turn was closed and nothing has happened since.
    void check_orphans();
    void check_orphans(std::size_t shard);
    /// Of the batches of each shard that are not known to be durable, so many survive a crash, the oldest.
    using Survivors = std::vector<std::size_t>;
    /// The process dies; it starts again after `downtime_ms`.
    void crash(const Survivors& survivors, std::int64_t downtime_ms);
    /// The same with one shard.
    void crash(std::size_t survivors, std::int64_t downtime_ms) { crash(Survivors{survivors}, downtime_ms); }
    /// For somebody who has to wait until what a core was given just now is durable: as many turns of its
    /// shard as the disk takes may be on their way to it already, the event is in the next one.
    [[nodiscard]] int turns_until_durable() const {
        return static_cast<int>(stores_.front()->disk.syncs_in_flight_max()) + 1;
    }
    /// Of several shards: what this one has let out waits for the shell to carry it out.
    [[nodiscard]] bool waits_for_the_shell(std::size_t shard) const {
        return process_ && process_->shard(shard).has_effects();
    }
    /// How many of the batches of syncs under way might survive a crash: for crash().
    Survivors some_unsynced(Chance& chance) const;
    /// It dies, and starts again on a backup that was made at that moment (R65).
    void restore_backup(std::int64_t downtime_ms);
    [[nodiscard]] bool was_restored() const { return comes_from_.front().has_value(); }
    /// The next sync is not lived through; `kept` says whether its batch survives.
    void crash_in_next_sync(bool kept) { crash_in_next_sync_ = kept; }
    void replace_configuration(const std::function<void(acquirer::Configuration&)>& change);
    void set_accepts_new_work(bool accepts);
    [[nodiscard]] bool store_was_full() const { return store_was_full_; }
    [[nodiscard]] bool hsm_has_failed() const { return hsm_has_failed_; }
    /// Asks as an operator; the answer comes after the sync, or never when the switch dies.
    void operate(acquirer::OperatorCommand command, const std::string& user, acquirer::Role role,
                 std::function<void(const acquirer::OperatorAnswer&)> answered);
    [[nodiscard]] std::size_t shards() const { return stores_.size(); }
    [[nodiscard]] WatchedStore& store(std::size_t shard = 0) { return *stores_.at(shard); }
    WorldFaults faults;
    Network network;

    // HSM.
    bool hsm_up = true;

    /// Issuers may leave out of their answers what a good one sends (DE38).
    bool issuers_are_odd = false;

    // Issuers.
    [[nodiscard]] IssuerNode& issuer(routing::RouteId route) { return *issuers_.at(route); }
    /// Connections of an issuer break, and new ones are refused until it is up again.
    void set_issuer_up(routing::RouteId route, bool up);

    // Terminals.
    Till& add_till(std::unique_ptr<Till> till);
    [[nodiscard]] std::vector<std::unique_ptr<Till>>& tills() { return tills_; }
    /// A new connection to a terminals' port, from an address; nothing while the switch is down.
    std::optional<std::uint64_t> connect_terminal(acquirer::Profile profile, Network::End peer_end,
                                                  const acquirer::PeerAddress& address = {});
    /// Overhears the honest terminals: every frame of theirs, both ways. Who it is for says what it may see.
    std::function<void(Till& till, Side from, iso8583::ByteView frame)> on_terminal_traffic;
    [[nodiscard]] HonestTraffic& honest() { return honest_; }
    [[nodiscard]] const std::vector<DayWatch>& days() const { return days_; }
    [[nodiscard]] NaiveBooks& naive_books() { return naive_books_; }

    [[nodiscard]] Checkers& checkers() { return checkers_; }
    [[nodiscard]] NoticeWatch& notices() { return notices_; }
    [[nodiscard]] const BranchWatch& branches() const { return branches_; }
    [[nodiscard]] const acquirer::Configuration& configuration() const { return *configuration_; }
    [[nodiscard]] hsm::HsmEngine& engine() { return engine_; }
    [[nodiscard]] Chance& chance() { return chance_; }
    /// Of all effects so far, in order, with their times.
    [[nodiscard]] std::uint64_t effects_hash() const { return effects_hash_; }
    [[nodiscard]] std::uint64_t turns() const { return turns_; }
    [[nodiscard]] bool tracing() const { return static_cast<bool>(trace_); }
    void trace(const std::string& line) const;
    /// Hears of a crash by chance, as a line of a flow.
    std::function<void(const std::string&)> on_crash;
    /// Hears every effect that leaves, after the checkers.
    std::function<void(const acquirer::Effect&)> on_released;

    // Surroundings
    void to_peer(acquirer::LinkId link, iso8583::Bytes bytes) override;
    void link_dropped(acquirer::LinkId link, const std::string& why) override;
    std::optional<hsm::Reply> ask_hsm(const HsmAsker& asker, hsm::Ticket ticket,
                                      const hsm::Request& request) override;
    void offering(std::size_t shard, const acquirer::Event& event) override {
        branches_.offering(event, *configuration_);
        if (shard_checks_) shard_checks_->offering(shard, event, clock_);
        for (const auto& watch : watches_) watch->offering(shard, event);
    }
    void deadlines_pass(bool begin) override { branches_.deadlines_pass(begin); }
    void released(std::size_t shard, const acquirer::Effect& effect) override;
    void answered(std::uint64_t ticket, const acquirer::OperatorAnswer& answer) override;
    void notices_written(const std::vector<ledger::Notice>& notices) override;
    void make_vault_key(std::size_t shard, const acquirer::MakeVaultKey& wanted) override;
    void wipe_vault_key(std::size_t shard, const acquirer::WipeVaultKey& wanted) override;
    void logged(const std::string& text) override;
    std::size_t next_of(std::size_t waiting) override {
        return turns_chance_.below(static_cast<std::uint32_t>(waiting));
    }
    std::int64_t pause_ms() override;
    /// What is in the vault's file, which outlives crashes.
    [[nodiscard]] const ledger::VaultKeys& vault_file() const { return vault_file_; }

  private:
    struct IssuerSlot {
        routing::RouteId route;
        std::uint64_t connection = 0;  // 0: none
    };
    bool step(iso8583::Instant until);
    void after_step();
    void look_after_sync();
    void time_sync(std::size_t shard);
    void complete_sync(std::size_t shard);
    void batch_durable(std::size_t shard);
    void start();
    void write_down(const acquirer::ShardMap::Written& merchants);
    [[nodiscard]] bool syncs_pending() const;
    void check_bounds();
    void check_other_numbers();
    void connect_issuer(std::size_t slot);
    void retry_issuer(std::size_t slot);
    void note_effect(const acquirer::Effect& effect);
    /// Written and synced now, unless the disk fails; the process hears of it a moment later, if it lives.
    template <typename Done>
    void change_vault_file(std::size_t shard, std::uint32_t number,
                           iso8583::Result<ledger::VaultKeys> changed);
    void check_seals(const ledger::Batch& batch);

    std::vector<std::unique_ptr<WatchedStore>> stores_;  // by shard
    Agenda agenda_;
    iso8583::Instant clock_{1'000'000};
    std::int64_t utc_offset_ms_ = 0;
    iso8583::UtcTime starts_;
    Chance chance_;
    Chance turns_chance_;  // of several shards: whose turn it is
    SeededRandom hsm_random_;
    hsm::HsmEngine engine_;
    ledger::VaultKeys vault_file_;
    ledger::PanVault vault_;  // the world's own, for tokens; the shards of the process have theirs
    std::shared_ptr<acquirer::Configuration> configuration_;
    Checkers checkers_;
    NoticeWatch notices_;
    BranchWatch branches_{vault_};
    HonestTraffic honest_;
    NaiveBooks naive_books_;
    std::optional<ShardChecks> shard_checks_;  // of several
    std::vector<DayWatch> days_;               // by shard
    std::vector<std::unique_ptr<Watch>> watches_;
    std::unique_ptr<SwitchProcess> process_;
    std::uint64_t generation_ = 0;  // of the process: what was meant for an earlier one is lost
    std::vector<std::uint64_t> turns_of_process_;  // by shard
    std::vector<std::size_t> syncs_timed_;         // by shard
    std::size_t broken_told_ = 0;
    bool asked_an_issuer_ = false;
    bool releasing_ = false;  // an effect of the process: what is done about it waits for the step's end
    iso8583::Instant starts_again_;  // while there is no process
    std::optional<bool> crash_in_next_sync_;
    std::vector<std::optional<ledger::BackupMark>> comes_from_;  // by shard
    bool accepts_new_work_ = true;
    bool store_was_full_ = false;
    bool hsm_has_failed_ = false;

    std::map<routing::RouteId, std::unique_ptr<IssuerNode>> issuers_;
    std::vector<IssuerSlot> issuer_slots_;
    std::map<std::uint64_t, std::size_t> slot_of_;  // by connection
    std::set<std::uint64_t> connections_;           // of the process
    std::vector<std::unique_ptr<Till>> tills_;
    std::map<std::uint64_t, std::function<void(const acquirer::OperatorAnswer&)>> operators_;
    std::uint64_t next_operator_ticket_ = 1;

    std::function<void(const std::string&)> trace_;
    std::uint64_t effects_hash_ = 14'695'981'039'346'656'037ULL;
    std::uint64_t turns_ = 0;
};

}  // namespace simulation
