// SimulatedShard: a core with its own ledger, and what turns it, as switch/io/shard.hpp in production:
// answers, then deadlines, then new requests; effects leave when Turn hands them out. The only one of its
// process is worked on with the shell; of several each goes on when chance lets it, as threads do, and what
// it lets out waits until the shell takes it.
//
// Owner: SwitchProcess. Store, vault and surroundings outlive it. One thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>

#include "ledger/overlay.hpp"
#include "ledger/pan_vault.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"
#include "switch/io/shard_port.hpp"

namespace simulation {

class Surroundings;

class SimulatedShard final : public acquirer::ShardInbox {
  public:
    using Perform = std::function<void(const acquirer::Effect&)>;

    /// The `index`-th of `of`. `configuration` is the whole switch's.
    SimulatedShard(std::size_t index, std::size_t of, const acquirer::ConfigurationPtr& configuration,
                   ledger::Store& store, ledger::PanVault& vault, Surroundings& surroundings);
    SimulatedShard(const SimulatedShard&) = delete;
    SimulatedShard& operator=(const SimulatedShard&) = delete;

    /// False when the ledger cannot be read.
    [[nodiscard]] bool recover();

    // ShardInbox
    void take(acquirer::RequestArrived request) override { requests_.emplace_back(std::move(request)); }
    [[nodiscard]] bool take(acquirer::Event event) override;
    [[nodiscard]] bool takes_requests() const override { return true; }
    std::pair<iso8583::Stan, iso8583::TransmissionTime> next_issuer_numbers(
        routing::RouteId route, const iso8583::Now& now) override {
        return core_.next_issuer_numbers(route, now);
    }

    /// Steps what lies in the inboxes, and hands what may leave to `perform`.
    void work(const Perform& perform);
    /// As work(), into the queue that the shell takes from.
    void work_apart();
    /// What has been let out and not taken: takes it.
    std::deque<acquirer::Effect> take_effects() { return std::exchange(effects_, {}); }
    [[nodiscard]] bool has_effects() const { return !effects_.empty(); }
    void deadlines_due() { deadlines_due_ = true; }
    /// There is something to step, and room for it.
    [[nodiscard]] bool has_work() const {
        return (!answers_.empty() || !requests_.empty() || deadlines_due_) && !turn_.is_full();
    }
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;
    [[nodiscard]] const std::optional<ledger::StoreError>& failed() const { return turn_.failed(); }
    [[nodiscard]] bool idle() const {
        return answers_.empty() && requests_.empty() && effects_.empty() && turn_.idle();
    }

    [[nodiscard]] acquirer::SwitchCore& core() { return core_; }
    /// I6a over everything that is stored or about to be; after a turn was closed.
    [[nodiscard]] iso8583::Result<acquirer::OrphanReport> find_orphans() const {
        return acquirer::find_orphans(overlay_, *core_.live_work());
    }

  private:
    void offer();

    const std::size_t index_;
    Surroundings& around_;
    ledger::Overlay overlay_;
    acquirer::SwitchCore core_;
    acquirer::Turn turn_;
    std::deque<acquirer::Event> answers_;
    std::deque<acquirer::Event> requests_;
    std::deque<acquirer::Effect> effects_;
    bool deadlines_due_ = false;
};

}  // namespace simulation
