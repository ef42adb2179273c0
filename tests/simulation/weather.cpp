#include "tests/simulation/weather.hpp"

#include "tests/simulation/till.hpp"

namespace simulation {

using namespace acquirer;
using ledger::State;

namespace {

constexpr std::int64_t event_ms_min = 500;
constexpr std::int64_t event_ms_max = 15'000;
constexpr std::int64_t outage_ms_max = 20'000;
constexpr std::int64_t key_change_ms_max = 20'000;

}  // namespace

Weather::Weather(World& world, Chance chance, Chance keys) : world_(world), chance_(chance), keys_(keys) {}

void Weather::start() {
    choose_climate();
    world_.at(chance_.between(event_ms_min, event_ms_max), [this] { happen(); });
    if (keys_.permille(300)) world_.at(keys_.between(0, key_change_ms_max), [this] { change_a_key(); });
}

/// By either side, sometimes by both at once; what it needs (a connection, an HSM) may be away.
void Weather::change_a_key() {
    if (calm_) return;
    world_.at(keys_.between(0, key_change_ms_max), [this] { change_a_key(); });
    const bool zak = keys_.permille(500), at_b = keys_.permille(500);
    const std::uint32_t who = keys_.below(10);
    if (who < 6) world_.issuer(at_b ? route_b : route_a).control(zak ? "key-change zak" : "key-change zpk");
    if (who > 3)
        command(RotateIssuerKey{at_b ? "issuer-b" : "issuer-a", zak ? hsm::KeyKind::zak : hsm::KeyKind::zpk,
                                keys_.permille(100)},
                "security1", Role::security_officer);
}

// Each kind of fault is there in about every second seed; then its rate is drawn.
void Weather::choose_climate() {
    const auto maybe = [this](std::uint32_t permille_max) {
        return chance_.permille(500) ? chance_.below(permille_max) + 1 : 0U;
    };
    NetworkFaults& n = world_.network.faults;
    n.delay_ms_max = chance_.between(0, 120);
    n.fragment_permille = maybe(400);
    n.stall_permille = maybe(20);
    n.drop_permille = maybe(20);
    n.duplicate_permille = maybe(40);
    n.break_permille = maybe(15);
    WorldFaults& w = world_.faults;
    w.sync_ms_max = chance_.between(0, 20);
    w.sync_slow_permille = maybe(20);
    w.sync_fails_permille = chance_.permille(200) ? 5 : 0;
    w.crash_in_sync_permille = maybe(20);
    w.crash_in_effects_permille = maybe(10);
    w.crash_permille = maybe(4);
    w.downtime_ms_max = chance_.between(0, 15'000);
    w.hsm_slow_permille = maybe(100);
    w.hsm_slow_ms_max = chance_.between(1, 3'000);
    w.hsm_fails_permille = maybe(15);
    for (const routing::RouteId route : {route_a, route_b}) {
        routing::IssuerFaults f;
        f.latency_ms_max = chance_.below(300);
        f.silent_permille = maybe(60);
        f.late_permille = maybe(60);
        f.twice_permille = maybe(60);
        f.bad_mac_permille = maybe(30);
        f.another_amount_permille = maybe(30);
        f.close_permille = maybe(20);
        f.decline_permille = maybe(100);
        world_.issuer(route).model().set_faults(f);
    }
}

void Weather::happen() {
    if (calm_) return;
    world_.at(chance_.between(event_ms_min, event_ms_max), [this] { happen(); });
    switch (chance_.below(14)) {
        case 0:
        case 1:
            return issuer_goes_down();
        case 2:
            world_.set_accepts_new_work(false);
            return world_.at(chance_.between(0, outage_ms_max / 2),
                             [this] { world_.set_accepts_new_work(true); });
        case 3:
            world_.hsm_up = false;
            return world_.at(chance_.between(0, 5'000), [this] { world_.hsm_up = true; });
        case 4: {
            const std::int64_t ms =
                chance_.permille(500) ? chance_.between(0, 3'600'000) : -chance_.between(0, 60'000);
            world_.checkers().reached(ms < 0 ? "clock back" : "clock forward");
            world_.trace("the wall clock is set by " + std::to_string(ms) + " ms");
            return world_.step_clock(ms);
        }
        case 5: {
            world_.checkers().reached("cut-over");
            return command(CutOverDay{}, "admin1", Role::admin);
        }
        case 6:
        case 7:
        case 8:
            return work_on_a_case();
        case 9:
            return open_refund();
        case 10:
            return move_route();
        case 11:
            return suspend_somebody();
        case 12:
            return resolve_exception();
        default:
            return change_policy();
    }
}

void Weather::issuer_goes_down() {
    const routing::RouteId route = chance_.permille(500) ? route_a : route_b;
    if (chance_.permille(400)) {
        world_.issuer(route).drop_all();
        return world_.checkers().reached("issuer link lost");
    }
    world_.set_issuer_up(route, false);
    world_.checkers().reached("issuer down");
    // Lost before it arrives: the issuer will not know it.
    if (chance_.permille(300)) world_.issuer(route).deaf_to = chance_.below(4);
    world_.at(chance_.between(500, outage_ms_max), [this, route] { world_.set_issuer_up(route, true); });
}

void Weather::command(OperatorCommand command, const std::string& user, Role role) {
    world_.operate(std::move(command), user, role, {});
}

void Weather::work_on_a_case() {
    std::vector<iso8583::Rrn> held;
    for (const auto& [rrn, r] : world_.checkers().records())
        if (r.state == State::held) held.push_back(rrn);
    if (held.empty()) return open_refund();
    const std::string number = chance_.pick(held).str();
    world_.checkers().reached("case decided");
    const std::uint32_t how = chance_.below(10);
    if (how < 6)
        command(ApproveRefund{number}, chance_.permille(900) ? "checker1" : "maker1", Role::supervisor);
    else if (how < 8)
        command(RejectRefund{number, "no proof"}, "checker2", Role::supervisor);
    else
        command(CancelRefund{number, "mistake"}, "maker1", Role::operator_);
}

void Weather::open_refund() {
    std::vector<iso8583::Rrn> sales;
    for (const auto& [rrn, r] : world_.checkers().records())
        if (r.kind == ledger::TransactionKind::sale && r.state == State::approved) sales.push_back(rrn);
    if (sales.empty()) return;
    const ledger::TransactionRecord& sale = *world_.checkers().record(chance_.pick(sales));
    const std::int64_t minor = chance_.between(1, sale.amount.minor_units());
    const std::string reference =
        "case-" + std::to_string(chance_.permille(800) ? ++references_ : references_);
    command(OpenRefund{sale.rrn.str(), "", iso8583::Amount(minor, sale.amount.currency()).major(),
                       "goods returned", reference},
            "maker1", Role::operator_);
}

void Weather::move_route() {
    const std::string name = chance_.permille(500) ? "issuer-a" : "issuer-b";
    const auto to = chance_.permille(500) ? MoveRoute::To::down : MoveRoute::To::drain;
    command(MoveRoute{name, to}, "checker1", Role::supervisor);
    world_.at(chance_.between(0, outage_ms_max), [this, name] {
        command(MoveRoute{name, MoveRoute::To::up}, "checker1", Role::supervisor);
    });
}

void Weather::suspend_somebody() {
    if (world_.tills().empty()) return;
    const auto& config =
        world_.tills()[chance_.below(static_cast<std::uint32_t>(world_.tills().size()))]->terminal().config();
    const std::string terminal = config.terminal.str(), merchant = config.merchant.str();
    if (chance_.permille(300))
        return command(ChangeTerminal{terminal, ChangeTerminal::To::close_batch}, "checker1",
                       Role::supervisor);
    if (chance_.permille(500)) {
        command(ChangeTerminal{terminal, ChangeTerminal::To::suspend}, "checker1", Role::supervisor);
        return world_.at(chance_.between(0, outage_ms_max), [this, terminal] {
            command(ChangeTerminal{terminal, ChangeTerminal::To::resume}, "checker1", Role::supervisor);
        });
    }
    command(ChangeMerchant{merchant, ChangeMerchant::To::suspend}, "checker1", Role::supervisor);
    world_.at(chance_.between(0, outage_ms_max), [this, merchant] {
        command(ChangeMerchant{merchant, ChangeMerchant::To::resume}, "checker1", Role::supervisor);
    });
}

/// Only what leaves no difference behind: the others excuse one until somebody has settled it.
void Weather::resolve_exception() {
    for (const auto& [id, x] : world_.checkers().exceptions()) {
        const bool harmless = x.kind == "refund_reversal" || x.kind == "settlement_differs" ||
                              x.kind == "reversal_near_match" || x.kind == "reversal_other_amount";
        if (!harmless || !x.resolution.empty()) continue;
        return command(ChangeException{id, ChangeException::To::resolve, "looked at"}, "checker1",
                       Role::supervisor);
    }
}

void Weather::change_policy() {
    world_.checkers().reached("configuration replaced");
    const bool strict = chance_.permille(500);
    world_.replace_configuration([strict](Configuration& c) {
        for (auto& [id, merchant] : c.merchants) {
            merchant.refund.repeat_refund_seconds = strict ? 300 : 0;
            merchant.refund.approval_amount_above = strict ? 20'000 : 1'000'000;
        }
    });
}

void Weather::calm() {
    calm_ = true;
    world_.network.faults = {};
    world_.faults = {};
    world_.hsm_up = true;
    world_.set_accepts_new_work(true);
    for (const routing::RouteId route : {route_a, route_b}) {
        IssuerNode& node = world_.issuer(route);
        node.model().set_faults({});
        node.deaf_to = 0;
        node.up = true;
    }
    world_.replace_configuration([](Configuration& c) {
        for (auto& [id, merchant] : c.merchants) {
            merchant.refund.repeat_refund_seconds = 0;
            merchant.refund.approval_amount_above = 1'000'000;
        }
    });
    const auto resume = [this] {
        for (const char* name : {"issuer-a", "issuer-b"})
            command(MoveRoute{name, MoveRoute::To::up}, "checker1", Role::supervisor);
        for (const auto& till : world_.tills()) {
            command(ChangeTerminal{till->terminal().config().terminal.str(), ChangeTerminal::To::resume},
                    "checker1", Role::supervisor);
            command(ChangeMerchant{till->terminal().config().merchant.str(), ChangeMerchant::To::resume},
                    "checker1", Role::supervisor);
        }
    };
    // The switch may just be down; what was planned for later in bad weather still comes.
    world_.at(2 * outage_ms_max, resume);
}

}  // namespace simulation
