#include "tests/simulation/simulated_shard.hpp"

#include "ledger/audit_hash.hpp"
#include "ledger/number_plan.hpp"
#include "tests/simulation/switch_process.hpp"

namespace simulation {

using namespace acquirer;

SimulatedShard::SimulatedShard(std::size_t index, std::size_t of, const ConfigurationPtr& configuration,
                               ledger::Store& store, ledger::PanVault& vault, Surroundings& surroundings)
    : index_(index),
      around_(surroundings),
      overlay_(store),
      core_(part_of_shard(configuration, index, of), overlay_, vault, &ledger::audit_sha256,
            ledger::plan_of_shard(index, of)),
      turn_(core_, overlay_, store, [this] { turn_.sync_has_ended(); }) {}

bool SimulatedShard::recover() {
    const auto sealed = ledger::sealed_audit_key(overlay_);
    if (!sealed) return false;
    core_.keys_audit_with(simulated_audit_key(), *sealed ? "" : "the key of this world's audit chain");
    auto effects = core_.recover(around_.now());
    if (!effects) return false;
    turn_.offer_recovered(std::move(*effects));
    return true;
}

bool SimulatedShard::take(Event event) {
    answers_.push_back(std::move(event));
    return true;
}

void SimulatedShard::work(const Perform& perform) {
    offer();
    turn_.pump(around_.now(), perform);
}

void SimulatedShard::work_apart() {
    work([this](const Effect& effect) { effects_.push_back(effect); });
}

void SimulatedShard::offer() {
    const iso8583::Now now = around_.now();
    const auto offer_all = [&](std::deque<Event>& inbox) {
        for (; !inbox.empty() && !turn_.is_full(); inbox.pop_front()) {
            around_.offering(index_, inbox.front());
            turn_.offer(std::move(inbox.front()), now);
        }
    };
    offer_all(answers_);
    if (deadlines_due_ && answers_.empty()) {
        deadlines_due_ = false;
        around_.deadlines_pass(true);
        turn_.pass_deadlines(now);
        around_.deadlines_pass(false);
    }
    offer_all(requests_);
}

std::optional<iso8583::Instant> SimulatedShard::next_deadline() const {
    // What is due already waits for the inbox, not for the clock.
    return deadlines_due_ ? std::nullopt : turn_.next_deadline();
}

}  // namespace simulation
