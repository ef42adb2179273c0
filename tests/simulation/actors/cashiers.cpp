// Cashiers: people at the tills, one each, with the habits of their world.
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/simulation/actor.hpp"
#include "tests/simulation/actors/cashier.hpp"
#include "tests/simulation/calendar.hpp"

namespace simulation {
namespace {

class Cashiers final : public Actor {
  public:
    explicit Cashiers(Scene& scene) {
        Swarm& swarm = scene.swarm;
        Habits habits;
        habits.magic_permille = swarm.rate("magic amounts", 500, 120);
        habits.retries_permille = swarm.rate("retries", 800, 500);
        habits.forgets_permille = swarm.rate("forgetful cashiers", 500, 200);
        habits.hasty_permille = swarm.rate("hasty reversals", 400, 200);
        habits.hangs_up_permille = swarm.rate("hang-ups", 500, 120);
        habits.odd_permille = swarm.rate("misbehaving cashiers", 600, 200);
        habits.partial = swarm.has("partial sales", 500);
        habits.hotel_permille = swarm.rate("pre-authorizations", 600, 400);
        habits.wallet_permille = swarm.rate("wallets", 500, 500);
        habits.clings_to_a_slip = swarm.present().contains(end_of_a_decade);
        for (Till* till : scene.tills)
            cashiers_.push_back(std::make_unique<Cashier>(scene, *till, shops_, habits));
    }
    void start() override {
        for (const auto& cashier : cashiers_) cashier->start();
    }
    void calm() override {
        for (const auto& cashier : cashiers_) cashier->stop();
    }
    void probe() override {
        for (const auto& cashier : cashiers_) cashier->probe();
    }
    [[nodiscard]] bool quiet() const override {
        return std::all_of(cashiers_.begin(), cashiers_.end(), [](const auto& c) { return c->quiet(); });
    }

  private:
    Shops shops_;
    std::vector<std::unique_ptr<Cashier>> cashiers_;
};

const ActorKind here("cashiers", make<Cashiers>);

}  // namespace
}  // namespace simulation
