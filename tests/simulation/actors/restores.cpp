// Restores: the switch dies and starts again on a backup of its books (R65). Of what was durable nothing is
// missing, which it cannot know: nothing new may begin before two people have said so, and they take their
// time.
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

using namespace acquirer;

constexpr const char* note = "every route is reconciled";
constexpr std::int64_t again_after_ms = 5'000;

class Restores final : public Actor {
  public:
    explicit Restores(Scene& scene)
        : world_(scene.world), ticks_(scene, "restores"), chance_(scene.swarm.chance("restores")) {
        present_ = scene.swarm.has("restored from a backup", 50);
    }
    void start() override {
        if (!present_) return;
        world_.at(chance_.between(10'000, 45'000), [this] {
            if (!world_.up()) return;
            ticks_.did();
            world_.restore_backup(chance_.between(0, 5'000));
            world_.at(chance_.between(2'000, 20'000), [this] { accept(); });
        });
    }
    [[nodiscard]] bool quiet() const override { return !world_.up() || !waits(); }

  private:
    [[nodiscard]] bool waits() const { return world_.process().status().restored.has_value(); }
    /// One proposes it and another agrees, as often as it takes: the switch may be down, or die meanwhile.
    void accept() {
        if (world_.up() && !waits()) return;
        world_.at(again_after_ms, [this] { accept(); });
        const auto to = chance_.permille(800) ? DecideProposal::To::approve : DecideProposal::To::reject;
        world_.operate(AcceptRestore{note}, "admin1", Role::admin, [this, to](const OperatorAnswer& answer) {
            for (const std::string& proposal : proposals_in(answer))
                world_.operate(DecideProposal{proposal, to, note}, "checker1", Role::supervisor, {});
        });
    }

    World& world_;
    Ticks ticks_;
    Chance chance_;
    bool present_ = false;
};

const ActorKind here("restores", make<Restores>);

}  // namespace
}  // namespace simulation
