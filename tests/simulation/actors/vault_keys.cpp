// Vault keys: two people change the key that seals cards, some again and again, and retire the old ones,
// while the switch works and dies. However it ends, every card opens with what is in the vault's file, and a
// change that has begun comes to its end.
#include <algorithm>

#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

using namespace acquirer;

constexpr const char* note = "its time has come";

class VaultKeyKeepers final : public Actor {
  public:
    explicit VaultKeyKeepers(Scene& scene) : world_(scene.world), ticks_(scene, "vault keys") {
        present_ = scene.swarm.has("vault keys change", 120);
        world_.faults.vault_file_fails_permille = scene.swarm.rate("vault file fails", 300, 200);
    }
    void start() override {
        if (present_) ticks_.start(2'000, 30'000, [this](Chance& chance) { act(chance); });
    }
    void calm() override {
        ticks_.stop();
        world_.faults.vault_file_fails_permille = 0;
    }
    /// No pass goes on, and the shell owes nothing.
    [[nodiscard]] bool quiet() const override {
        if (!world_.up()) return true;
        const VaultStatus vault = world_.process().status().vault;
        return vault.making == 0 && vault.phase == "idle" &&
               std::none_of(vault.keys.begin(), vault.keys.end(), [](const VaultStatus::Key& key) {
                   return key.state == VaultStatus::Key::State::retiring;
               });
    }

  private:
    void act(Chance& chance) {
        if (!world_.up()) return;
        ticks_.did();
        const VaultStatus vault = world_.process().status().vault;
        // What is refused is asked for as well.
        if (vault.keys.size() < 2 || chance.permille(500)) return propose(RotateVaultKey{note}, chance);
        const VaultStatus::Key& key = vault.keys[chance.below(static_cast<std::uint32_t>(vault.keys.size()))];
        propose(RetireVaultKey{key.number, note}, chance);
    }
    void propose(OperatorCommand command, Chance& chance) {
        const auto to = chance.permille(850) ? DecideProposal::To::approve : DecideProposal::To::reject;
        world_.operate(
            std::move(command), "officer1", Role::security_officer, [this, to](const OperatorAnswer& answer) {
                for (const std::string& proposal : proposals_in(answer))
                    world_.operate(DecideProposal{proposal, to, note}, "checker1", Role::supervisor, {});
            });
    }

    World& world_;
    Ticks ticks_;
    bool present_ = false;
};

const ActorKind here("vault keys", make<VaultKeyKeepers>);

}  // namespace
}  // namespace simulation
