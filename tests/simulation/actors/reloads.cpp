// Reloads: other configurations while work is under way: policies, limits, modes of routes, routes retired
// with and without a successor, the currency, merchants and terminals that are gone. Each is taken back after
// a while.
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

using acquirer::Configuration;

constexpr std::int64_t event_ms_min = 3'000;
constexpr std::int64_t event_ms_max = 25'000;
constexpr std::int64_t away_ms_max = 15'000;

class Reloads final : public Actor {
  public:
    explicit Reloads(Scene& scene) : world_(scene.world), ticks_(scene, "reloads") {
        policies_ = scene.swarm.has("reloaded policies", 600);
        routes_ = scene.swarm.has("reloaded routes", 400);
        rest_ = scene.swarm.has("reloaded rest", 300);
    }
    void start() override {
        first_ = world_.configuration();
        ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    void calm() override {
        ticks_.stop();
        take_back("merchants");
        take_back("routes");
        take_back("currency");
        take_back("terminals");
        take_back("limits");
        // What would hold or refuse the last refunds of everybody is off.
        reload("", [](Configuration& c) {
            for (auto& [id, merchant] : c.merchants) {
                merchant.refund.repeat_refund_seconds = 0;
                merchant.refund.approval_amount_above = 1'000'000;
                merchant.refund.before_settlement = acquirer::RefundBeforeSettlement::allow;
                merchant.refund.funding = acquirer::RefundFunding::none;
                merchant.refund.refund_ratio_percent_max.reset();
                merchant.refund.refunds_per_card_day_max.reset();
                merchant.refund.refunds_per_operator_day_max.reset();
                merchant.refund.refunds_per_merchant_day_max.reset();
                merchant.refund.refunds_per_terminal_day_caution.reset();
                merchant.refund.refund_amount_max.reset();
            }
            constexpr std::uint32_t minutes_a_month = 60 * 24 * 30, usual_in_flight_max = 1'024;
            change_routes(c, [](routing::Route& r) {
                r.stale_after_minutes = minutes_a_month;
                r.in_flight_max = usual_in_flight_max;
            });
        });
    }

  private:
    void reload(const std::string& line, const std::function<void(Configuration&)>& change) {
        ticks_.did(line.empty() ? line : "config " + line);
        world_.checkers().reached("configuration replaced");
        world_.replace_configuration(change);
    }
    void take_back(const std::string& what) {
        reload("", [this, &what](Configuration& c) {
            if (what == "merchants") c.merchants = first_.merchants;
            if (what == "terminals") {
                c.terminals = first_.terminals;
                c.merchants = first_.merchants;
            }
            if (what == "currency") c.currency = first_.currency;
            if (what == "limits") c.limits = first_.limits;
            if (what != "routes") return;
            c.routes = first_.routes;
            c.issuer_keys = first_.issuer_keys;
        });
    }
    void for_a_while(Chance& chance, const std::string& what, const std::string& line,
                     const std::function<void(Configuration&)>& change) {
        reload(line, change);
        world_.at(chance.between(0, away_ms_max), [this, what] {
            if (!ticks_.stopped()) take_back(what);
        });
    }
    void happen(Chance& chance) {
        switch (chance.below(3)) {
            case 0:
                if (policies_) change_policy(chance);
                return;
            case 1:
                if (routes_) change_route(chance);
                return;
            default:
                if (rest_) change_rest(chance);
        }
    }
    void change_policy(Chance& chance) {
        using namespace acquirer;
        const auto each = [this](const std::string& line, const std::function<void(RefundPolicy&)>& change) {
            reload(line, [&change](Configuration& c) {
                for (auto& [id, merchant] : c.merchants) change(merchant.refund);
            });
        };
        const bool on = chance.permille(500);
        switch (chance.below(12)) {
            case 0:
                return each(on ? "repeat_refund_seconds=300" : "repeat_refund_seconds=0",
                            [on](RefundPolicy& p) { p.repeat_refund_seconds = on ? 300 : 0; });
            case 1:
                return each(on ? "approval_above=200.00" : "approval_above=10000.00",
                            [on](RefundPolicy& p) { p.approval_amount_above = on ? 20'000 : 1'000'000; });
            case 2:
                return each("before_settlement=turn_into_void", [](RefundPolicy& p) {
                    p.before_settlement = RefundBeforeSettlement::turn_into_void;
                });
            case 3:
                return each(on ? "before_settlement=suggest_void" : "before_settlement=allow",
                            [on](RefundPolicy& p) {
                                p.before_settlement =
                                    on ? RefundBeforeSettlement::suggest_void : RefundBeforeSettlement::allow;
                            });
            case 4:
                return each(on ? "funding=net_sales on_short=hold" : "funding=net_sales on_short=refuse",
                            [on](RefundPolicy& p) {
                                p.funding = RefundFunding::net_sales;
                                p.on_short = on ? OnCaution::hold : OnCaution::refuse;
                            });
            case 5:
                return each("refund_ratio_percent_max=30 ratio_sales_min=2", [](RefundPolicy& p) {
                    p.refund_ratio_percent_max = 30;
                    p.ratio_sales_min = 2;
                });
            case 6:
                return each("refunds_per_card_day_max=2",
                            [](RefundPolicy& p) { p.refunds_per_card_day_max = 2; });
            case 7:
                return each("refunds_per_merchant_day_max=6 on_fraud=refuse", [](RefundPolicy& p) {
                    p.refunds_per_merchant_day_max = 6;
                    p.on_fraud = OnCaution::refuse;
                });
            case 8:
                return each("refund_amount_max=100.00",
                            [](RefundPolicy& p) { p.refund_amount_max = 10'000; });
            case 9:
                return each("funding=reserve reserve_percent=50 reserve_max=300.00 on_short=hold",
                            [](RefundPolicy& p) {
                                p.funding = RefundFunding::reserve;
                                p.reserve_percent = 50;
                                p.reserve_max = 30'000;
                                p.on_short = OnCaution::hold;
                            });
            case 10:
                return each("refunds_per_terminal_day_caution=3",
                            [](RefundPolicy& p) { p.refunds_per_terminal_day_caution = 3; });
            default:
                return for_a_while(chance, "merchants", "refund_enabled=no", [](Configuration& c) {
                    for (auto& [id, merchant] : c.merchants) merchant.refund_enabled = false;
                });
        }
    }
    void change_route(Chance& chance) {
        const routing::RouteId which = chance.permille(500) ? route_a : route_b;
        const routing::RouteId other = which == route_a ? route_b : route_a;
        const std::uint32_t how = chance.below(7);
        for_a_while(chance, "routes", "", [this, how, which, other](Configuration& c) {
            c.routes = first_.routes;
            c.issuer_keys = first_.issuer_keys;
            if (how == 6) return remove_route(c, which);
            change_routes(c, [how, which, other](routing::Route& r) {
                if (r.id != which) return;
                if (how == 0) r.retired = true;
                if (how == 1) {
                    r.retired = true;
                    r.successor = other;
                }
                if (how == 2)
                    r.refund_mode = r.refund_mode == routing::RefundMode::advice
                                        ? routing::RefundMode::online
                                        : routing::RefundMode::advice;
                if (how == 3)
                    r.void_mode = r.void_mode == routing::VoidMode::reversal_0420
                                      ? routing::VoidMode::online_0200
                                      : routing::VoidMode::reversal_0420;
                if (how == 4) r.in_flight_max = r.advices_in_flight_max = 1;
                if (how == 5) {
                    r.advice_attempts_max = 2;
                    r.stale_after_minutes = 1;
                }
            });
        });
    }
    void change_rest(Chance& chance) {
        switch (chance.below(5)) {
            case 0:
                return for_a_while(chance, "currency", "currency=840",
                                   [](Configuration& c) { c.currency = iso8583::Currency::of(840); });
            case 1:
                return for_a_while(chance, "terminals", "terminals_gone=yes",
                                   [](Configuration& c) { c.terminals.clear(); });
            case 2:
                // None is loaded whose terminals name a merchant that it has not.
                return for_a_while(chance, "terminals", "terminals_gone=yes merchants_gone=yes",
                                   [](Configuration& c) {
                                       c.terminals.clear();
                                       c.merchants.clear();
                                   });
            case 3:
                return for_a_while(chance, "limits", "", [](Configuration& c) { c.limits.pending_max = 2; });
            default:
                return reload(c_reversals_ ? "refund_reversal=no" : "refund_reversal=yes",
                              [this](Configuration& c) {
                                  c_reversals_ = !c_reversals_;
                                  c.refund_reversal_allowed = c_reversals_;
                              });
        }
    }

    World& world_;
    Ticks ticks_;
    Configuration first_;
    bool policies_ = false, routes_ = false, rest_ = false;
    bool c_reversals_ = true;
};

const ActorKind here("reloads", make<Reloads>);

}  // namespace
}  // namespace simulation
