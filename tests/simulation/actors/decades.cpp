// Decades: an RRN names the year by one digit, so that after ten years they begin anew. A world may begin in
// the last seconds of a decade: its issuers are away over the turn, and the process dies behind it, with
// refunds of both sides of it in its queues. In another one ten years pass at once while the clock stands
// still, so that the same milliseconds of the same day of the year come again, and with them the same
// numbers.
#include "tests/simulation/actor.hpp"
#include "tests/simulation/calendar.hpp"

namespace simulation {
namespace {

constexpr std::int64_t day_ms = 24 * 3'600'000LL;
constexpr std::int64_t still_ms =
    20'000;  // so long the clock stands still, the ten years in the middle of it
constexpr std::int64_t tick_ms = 50;

class Decades final : public Actor {
  public:
    explicit Decades(Scene& scene)
        : world_(scene.world),
          swarm_(scene.swarm),
          ticks_(scene, "decades"),
          chance_(scene.swarm.chance("decades")) {}
    void start() override {
        if (swarm_.present().contains(end_of_a_decade)) return cross_it();
        if (swarm_.has("ten years later", 40))
            world_.at(chance_.between(15'000, 30'000), [this] { hold_the_clock(still_ms); });
    }
    void calm() override {
        calm_ = true;
        for (const routing::RouteId route : {route_a, route_b}) world_.issuer(route).up = true;
    }

  private:
    void cross_it() {
        const std::int64_t away_ms = before_the_end_ms - chance_.between(4'000, 12'000);
        world_.at(away_ms, [this] {
            for (const routing::RouteId route : {route_a, route_b}) set_up(route, false);
        });
        const std::int64_t crash_ms = before_the_end_ms + chance_.between(4'000, 12'000);
        world_.at(crash_ms, [this] {
            ticks_.did();
            world_.crash(world_.some_unsynced(chance_), chance_.between(0, 500));
        });
        world_.at(crash_ms + chance_.between(0, 4'000), [this] {
            for (const routing::RouteId route : {route_a, route_b}) set_up(route, true);
        });
    }
    void set_up(routing::RouteId route, bool up) {
        if (calm_) return;
        ticks_.did(up ? "link up" : "link down");
        world_.set_issuer_up(route, up);
    }
    /// The sequences of RRNs follow the time of day: what is given while it stands still are neighbours.
    void hold_the_clock(std::int64_t left_ms) {
        if (calm_ || left_ms <= 0) return;
        if (left_ms <= still_ms / 2 && !have_passed_) let_ten_years_pass();
        world_.step_clock(-tick_ms);
        world_.at(tick_ms, [this, left_ms] { hold_the_clock(left_ms - tick_ms); });
    }
    /// To the same time of the same day of the year.
    void let_ten_years_pass() {
        if (calm_) return;
        const auto today = world_.now().local().date;
        std::int32_t days = 3'650;
        while (today.plus_days(days).day_of_year() != today.day_of_year()) ++days;
        const std::int64_t ms = days * day_ms - chance_.between(0, 2 * tick_ms);
        have_passed_ = true;
        ticks_.did("clock +" + std::to_string(ms) + "ms");
        world_.checkers().reached("ten years later");
        world_.step_clock(ms);
    }

    World& world_;
    Swarm& swarm_;
    Ticks ticks_;
    Chance chance_;
    bool calm_ = false, have_passed_ = false;
};

const ActorKind here("decades", make<Decades>);

}  // namespace
}  // namespace simulation
