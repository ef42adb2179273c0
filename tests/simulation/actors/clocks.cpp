// Clocks: the wall clock is set forward and back, a little and by days; a day may end by the schedule or by
// an admin's word at any time.
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

constexpr std::int64_t event_ms_min = 2'000;
constexpr std::int64_t event_ms_max = 20'000;
constexpr std::int64_t decides_after_ms = 1'000;
constexpr std::int64_t second_ms = 1'000, hour_ms = 3'600'000;

class Clocks final : public Actor {
  public:
    explicit Clocks(Scene& scene) : world_(scene.world), ticks_(scene, "clocks") {
        steps_ = scene.swarm.has("clock steps", 500);
        jumps_ = scene.swarm.has("clock jumps", 250);
        cuts_ = scene.swarm.has("cut-overs", 700);
    }
    void start() override {
        ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    void calm() override { ticks_.stop(); }

  private:
    void happen(Chance& chance) {
        switch (chance.below(4)) {
            case 0:
                if (steps_)
                    set(chance.permille(500) ? chance.between(1, hour_ms)
                                             : -chance.between(1, 60 * second_ms));
                return;
            case 1:
                if (jumps_)
                    set(chance.permille(700) ? chance.between(hour_ms, 60 * hour_ms)
                                             : -chance.between(1, 3 * hour_ms));
                return;
            case 2:
                if (!cuts_) return;
                world_.checkers().reached("cut-over");
                if (chance.permille(800)) {
                    ticks_.did("operator admin1 cutover");
                    return world_.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin, {});
                }
                // Beyond tomorrow: another person has to agree.
                ticks_.did();
                return world_.operate(acquirer::CutOverDay{true}, "admin1", acquirer::Role::admin,
                                      [this, decision = chance.permille(800) ? To::approve : To::reject](
                                          const acquirer::OperatorAnswer& answer) {
                                          for (const std::string& proposal : proposals_in(answer))
                                              decide(proposal, decision);
                                      });
            default:
                return;
        }
    }
    using To = acquirer::DecideProposal::To;
    void decide(const std::string& proposal, To decision) {
        world_.at(decides_after_ms, [this, proposal, decision] {
            world_.operate(acquirer::DecideProposal{proposal, decision, "as the calendar says"}, "checker1",
                           acquirer::Role::supervisor, {});
        });
    }
    void set(std::int64_t ms) {
        ticks_.did("clock " + std::string(ms < 0 ? "" : "+") + std::to_string(ms) + "ms");
        world_.checkers().reached(ms < 0 ? "clock back" : "clock forward");
        world_.trace("the wall clock is set by " + std::to_string(ms) + " ms");
        world_.step_clock(ms);
    }

    World& world_;
    Ticks ticks_;
    bool steps_ = false, jumps_ = false, cuts_ = false;
};

const ActorKind here("clocks", make<Clocks>);

}  // namespace
}  // namespace simulation
