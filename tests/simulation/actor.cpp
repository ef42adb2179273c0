#include "tests/simulation/actor.hpp"

#include <algorithm>

namespace simulation {
namespace {

std::vector<std::pair<std::string, MakeActor>>& kinds() {
    static std::vector<std::pair<std::string, MakeActor>> all;
    return all;
}

std::uint64_t hash_of(const std::string& name) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
    return hash;
}

}  // namespace

Chance Swarm::chance(const std::string& name) const { return Chance(seed_ ^ hash_of(name)); }

bool Swarm::has(const std::string& name, std::uint32_t permille) { return rate(name, permille, 1) > 0; }

std::uint32_t Swarm::rate(const std::string& name, std::uint32_t permille, std::uint32_t most) {
    Chance chance = this->chance(name);
    if (!chance.permille(permille) || without_.contains(name)) return 0;
    present_.insert(name);
    return chance.below(most) + 1;
}

std::vector<std::string> proposals_in(const acquirer::OperatorAnswer& answer) {
    std::vector<std::string> proposals;
    for (const auto& [name, value] : answer.values) {
        if (name != "proposal") continue;
        constexpr std::string_view between = ", ";
        std::size_t from = 0;
        for (std::size_t to = value.find(between); to != std::string::npos; to = value.find(between, from)) {
            proposals.push_back(value.substr(from, to - from));
            from = to + between.size();
        }
        proposals.push_back(value.substr(from));
    }
    return proposals;
}

std::optional<Chance> Acts::next() {
    Chance chance = chance_.split();
    if (story_.left_out.contains({actor_, number_++})) return std::nullopt;
    return chance;
}

std::size_t Acts::did(const std::string& line) {
    story_.acts.push_back({{actor_, number_ - 1}, world_.now().instant, line});
    return story_.acts.size() - 1;
}

void Ticks::start(std::int64_t ms_min, std::int64_t ms_max, std::function<void(Chance&)> act) {
    ms_min_ = ms_min;
    ms_max_ = ms_max;
    act_ = std::move(act);
    next();
}

void Ticks::next() {
    world_.at_work(pace_.between(ms_min_, ms_max_), [this] {
        if (stopped_) return;
        if (auto chance = acts_.next()) act_(*chance);
        next();
    });
}

ActorKind::ActorKind(const char* name, MakeActor make) {
    auto& all = kinds();
    const auto after = std::find_if(all.begin(), all.end(), [name](const auto& k) { return k.first > name; });
    all.emplace(after, name, std::move(make));
}

const std::vector<std::pair<std::string, MakeActor>>& actor_kinds() { return kinds(); }

}  // namespace simulation
