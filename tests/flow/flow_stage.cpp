#include "tests/flow/flow_stage.hpp"

#include "tests/flow/flow_config.hpp"

namespace flow {

using namespace acquirer;

namespace {

simulation::WorldOptions options_of(const Script& script, const Cast& cast,
                                    const std::function<void(const std::string&)>& trace) {
    simulation::WorldOptions options;
    options.trace = trace;
    options.adjust = [&script, cast](Configuration& c) {
        static_cast<void>(apply_config(c, script.given, cast.route));
    };
    return options;
}

// Time in which everything that was queued, quarantined or held back is through.
constexpr std::int64_t drain_ms = 10 * 60'000;

}  // namespace

Stage::Stage(const Script& script, const Cast& cast, const std::function<void(const std::string&)>& trace)
    : script_(script), cast_(cast), world_(options_of(script, cast, trace)) {
    Configuration probe = world_.configuration();
    if (const auto wrong = apply_config(probe, script.given, cast.route))
        failures_.push_back(script.name + ": given: " + *wrong);
    for (const routing::RouteId route : simulation::all_routes) world_.issuer(route).keep_received = true;
    world_.pass(0);
}

std::vector<std::string> Stage::play() {
    for (std::size_t i = 0; i < script_.lines.size() && failures_.empty(); ++i) {
        line_ = &script_.lines[i];
        if (world_.tracing()) world_.trace("---- " + std::to_string(line_->number) + ": " + line_->text);
        run(*line_, i + 1 < script_.lines.size() ? &script_.lines[i + 1] : nullptr);
    }
    if (failures_.empty()) finish();
    return failures_;
}

void Stage::fail(const std::string& what) {
    const std::string where = line_ != nullptr ? ":" + std::to_string(line_->number) : "";
    failures_.push_back(script_.name + where + " (" + cast_.str() + "): " + what);
}

void Stage::run(const Line& line, const Line* next) {
    if (line.subject == "terminal") return terminal(line, next);
    if (line.subject == "issuer") return issuer(line);
    if (line.subject == "expect") return expect(line);
    if (line.subject == "operator") return operate(line);
    if (line.subject == "crash") return crash(line);
    if (line.subject == "link") return link(line);
    if (line.subject == "disk") return disk(line);
    if (line.subject == "pass") return world_.pass(duration(line.word(0)));
    if (line.subject == "clock") {
        const auto ms = parse_duration_ms(line.word(0), true);
        return ms ? world_.step_clock(*ms) : fail("how far is the clock set?");
    }
    if (line.subject == "hsm") {
        world_.hsm_up = line.word(0) == "up";
        return;
    }
    if (line.subject == "config") {
        Configuration probe = world_.configuration();
        if (const auto wrong = apply_config(probe, line.values, cast_.route)) return fail(*wrong);
        world_.replace_configuration(
            [&](Configuration& c) { static_cast<void>(apply_config(c, line.values, cast_.route)); });
        return world_.pass(0);
    }
    fail("nothing is known to do for " + line.subject);
}

std::int64_t Stage::duration(const std::string& text) {
    const auto ms = parse_duration_ms(text);
    if (!ms) fail("\"" + text + "\" is no duration");
    return ms.value_or(0);
}

std::string Stage::own_side(const std::string& answer) const {
    const std::size_t slash = answer.find('/');
    if (slash == std::string::npos) return answer;
    return cast_.profile == Profile::unionpay_pos ? answer.substr(0, slash) : answer.substr(slash + 1);
}

Stage::Named* Stage::named(const std::string& name) {
    const auto at = named_.find(name);
    if (at != named_.end()) return &at->second;
    fail("nothing has the name " + name);
    return nullptr;
}

const ledger::TransactionRecord* Stage::record_of(const std::string& name) {
    const Named* n = named(name);
    if (n == nullptr) return nullptr;
    if (n->rrn) return world_.checkers().record(*n->rrn);
    for (const peers::Outcome& answer : n->asked->answers)
        if (const auto rrn = iso8583::Rrn::parse(answer.fields.get(iso8583::Field::rrn)))
            if (const auto* r = world_.checkers().record(*rrn)) return r;
    // No answer yet: the newest entry of that terminal and trace.
    const peers::Outgoing& sent = n->asked->sent();
    const ledger::TransactionRecord* newest = nullptr;
    for (const auto& [rrn, r] : world_.checkers().records())
        if (r.terminal == n->till->terminal().config().terminal && r.stan == sent.stan &&
            r.processing_code == sent.fields.get(iso8583::Field::processing_code))
            newest = &r;
    return newest;
}

// Everything is let go; what was promised must come true.
void Stage::finish() {
    line_ = nullptr;
    world_.hsm_up = true;
    world_.set_accepts_new_work(true);
    for (const routing::RouteId route : simulation::all_routes) {
        simulation::IssuerNode& node = world_.issuer(route);
        node.hold_answers = false;
        node.deaf_to = 0;
        node.up = true;
        world_.operate(MoveRoute{node.model().config().name, MoveRoute::To::up}, "checker9", Role::supervisor,
                       {});
    }
    world_.pass(drain_ms);
    simulation::Checkers& checkers = world_.checkers();
    const iso8583::Instant at = world_.now().instant;
    checkers.check_whole_store(at);
    checkers.check_drained(at);
    for (const routing::RouteId route : simulation::all_routes)
        checkers.check_books(route, world_.issuer(route).books(), at);
    for (const simulation::Broken& b : checkers.all_broken()) fail(b.invariant + " broken: " + b.what);
}

}  // namespace flow
