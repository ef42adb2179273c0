// Actor: somebody or something that acts in a simulated world by chance: cashiers, operators, issuers,
// clocks, an adversary. Each has a file in actors/, which registers itself; a run makes one of each kind.
//
// What it does it does in acts. An act has a number and a chance of its own, so that leaving one out moves no
// other: that is how a failing seed is shrunk (shrink.hpp). What a world has at all is asked of its swarm by
// name, so that each seed has another mixture. Owner: the run. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/chance.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

class Till;

/// Which conditions a world has: each name is drawn on its own, by the seed.
class Swarm {
  public:
    Swarm(std::uint64_t seed, std::set<std::string> without) : seed_(seed), without_(std::move(without)) {}

    /// Is it there? `permille` says in how many worlds.
    bool has(const std::string& name, std::uint32_t permille);
    /// 0 when it is not there, else 1 … most.
    std::uint32_t rate(const std::string& name, std::uint32_t permille, std::uint32_t most);
    /// The chance that belongs to the name.
    [[nodiscard]] Chance chance(const std::string& name) const;
    /// What was there.
    [[nodiscard]] const std::set<std::string>& present() const { return present_; }

  private:
    std::uint64_t seed_;
    std::set<std::string> without_;
    std::set<std::string> present_;
};

/// The proposals that an answer names: several when each shard has made one.
[[nodiscard]] std::vector<std::string> proposals_in(const acquirer::OperatorAnswer& answer);

/// An act by its actor and number.
using ActId = std::pair<std::string, std::uint32_t>;

/// What was done in a run, in order; and what is to be left out.
struct Story {
    struct Act {
        ActId id;
        iso8583::Instant at;
        std::string line;  // in the words of tests/flow; empty: they have none for it
    };
    std::set<ActId> left_out;
    std::vector<Act> acts;
};

/// The acts of one actor: one at each tick of its time, whether it does something then or not, so that their
/// numbers stay when others are left out.
class Acts {
  public:
    Acts(World& world, Story& story, std::string actor, Chance chance)
        : world_(world), story_(story), actor_(std::move(actor)), chance_(chance) {}

    /// The chance of this tick's act; nothing when it is left out.
    std::optional<Chance> next();
    /// Something is done in this act; `line` is what it is in the words of tests/flow, empty when they have
    /// none. Returns its place in the story.
    std::size_t did(const std::string& line = {});

  private:
    World& world_;
    Story& story_;
    std::string actor_;
    Chance chance_;
    std::uint32_t number_ = 0;
};

/// What an actor is made of; lives as long as the run.
struct Scene {
    World& world;
    Swarm& swarm;
    Story& story;
    /// The honest terminals; made before the actors, owned by the world.
    std::vector<Till*> tills;

    [[nodiscard]] Acts acts(const std::string& actor) const {
        return Acts(world, story, actor, swarm.chance("acts of " + actor));
    }
};

/// An actor's time: from one act to the next it takes so long, until the calm.
class Ticks {
  public:
    Ticks(const Scene& scene, const std::string& actor)
        : world_(scene.world), acts_(scene.acts(actor)), pace_(scene.swarm.chance("pace " + actor)) {}

    /// `act` is called with the chance of each act that is not left out.
    void start(std::int64_t ms_min, std::int64_t ms_max, std::function<void(Chance&)> act);
    void stop() { stopped_ = true; }
    [[nodiscard]] bool stopped() const { return stopped_; }
    std::size_t did(const std::string& line = {}) { return acts_.did(line); }

  private:
    void next();

    World& world_;
    Acts acts_;
    Chance pace_;
    std::int64_t ms_min_ = 0, ms_max_ = 0;
    std::function<void(Chance&)> act_;
    bool stopped_ = false;
};

class Actor {
  public:
    virtual ~Actor() = default;
    /// At the first moment.
    virtual void start() = 0;
    /// Faults end: nothing new is begun, and what the actor holds back or keeps away is let go.
    virtual void calm() {}
    /// The world is still and nothing is wrong any more: shows that work goes on.
    virtual void probe() {}
    /// What people alone can end is ended. What waited behind it goes to its issuer then, and that may close
    /// its link: so not beside the probe.
    virtual void end_what_waits() {}
    /// Has all of its own come to an end? Asked after the calm, and after the probe.
    [[nodiscard]] virtual bool quiet() const { return true; }
    /// What must hold at the end; breaches go to the world's checkers.
    virtual void judge() {}
};

using MakeActor = std::function<std::unique_ptr<Actor>(Scene&)>;
/// At namespace scope of an actor's file: `const ActorKind here("clocks", make<Clocks>);`
struct ActorKind {
    ActorKind(const char* name, MakeActor make);
};
template <typename A>
std::unique_ptr<Actor> make(Scene& scene) {
    return std::make_unique<A>(scene);
}
/// All kinds in the order of their names, so that it does not depend on the linker.
[[nodiscard]] const std::vector<std::pair<std::string, MakeActor>>& actor_kinds();

}  // namespace simulation
