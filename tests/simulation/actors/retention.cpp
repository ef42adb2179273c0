// Retention: in some worlds what is finished is kept for a day or two, so that it goes as business days end,
// and while everybody goes on asking for it. People let runs begin as well.
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

using acquirer::Configuration;

constexpr std::int64_t event_ms_min = 5'000;
constexpr std::int64_t event_ms_max = 30'000;
constexpr std::int64_t decides_after_ms = 1'000;

class Retention final : public Actor {
  public:
    explicit Retention(Scene& scene)
        : world_(scene.world), ticks_(scene, "retention"), chance_(scene.swarm.chance("retention days")) {
        present_ = scene.swarm.has("retention", 120);
    }
    void start() override {
        if (!present_) return;
        world_.at(chance_.between(0, 10'000), [this] {
            world_.checkers().reached("retention");
            world_.replace_configuration([this](Configuration& c) {
                acquirer::RetentionDays& r = c.retention;
                r.transactions = static_cast<std::int32_t>(chance_.between(1, 2));
                if (chance_.permille(500)) r.card_numbers = 1;
                r.exceptions = r.proposals = r.batches = r.notices = r.reconciliation = 1;
                r.daily = chance_.permille(800);
            });
        });
        ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    void calm() override { ticks_.stop(); }

  private:
    using To = acquirer::DecideProposal::To;
    void happen(Chance& chance) {
        if (!chance.permille(300)) return;
        ticks_.did();
        const acquirer::RunPurge run{chance.permille(300), "the auditor has what he needs"};
        const To to = chance.permille(800) ? To::approve : To::reject;
        world_.operate(run, "admin1", acquirer::Role::admin,
                       [this, to](const acquirer::OperatorAnswer& answer) {
                           for (const std::string& proposal : proposals_in(answer)) decide(proposal, to);
                       });
    }
    void decide(const std::string& proposal, To to) {
        world_.at(decides_after_ms, [this, proposal, to] {
            world_.operate(acquirer::DecideProposal{proposal, to, "as agreed"}, "checker1",
                           acquirer::Role::supervisor, {});
        });
    }

    World& world_;
    Ticks ticks_;
    Chance chance_;
    bool present_ = false;
};

const ActorKind here("retention", make<Retention>);

}  // namespace
}  // namespace simulation
