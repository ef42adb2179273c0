#include "tests/flow/flow_config.hpp"

#include <charconv>

#include "tests/simulation/world_configuration.hpp"

namespace flow {

using namespace acquirer;

namespace {

std::optional<std::int32_t> number_of(const std::string& text) {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// False: no key of R27 to R29.
bool apply_caution(RefundPolicy& p, const std::string& key, const std::string& value,
                   std::optional<std::int32_t> number) {
    const auto on = value == "hold" ? OnCaution::hold : OnCaution::refuse;
    if (key == "approval_age_days")
        p.approval_age_days = number;
    else if (key == "funding")
        p.funding = value == "net_sales" ? RefundFunding::net_sales : RefundFunding::none;
    else if (key == "on_short")
        p.on_short = on;
    else if (key == "on_fraud")
        p.on_fraud = on;
    else if (key == "refund_ratio_percent_max")
        p.refund_ratio_percent_max = number;
    else if (key == "refund_ratio_of")
        p.refund_ratio_of = value == "count" ? RatioOf::count : RatioOf::amount;
    else if (key == "ratio_sales_min")
        p.ratio_sales_min = number.value_or(0);
    else if (key == "refunds_per_card_day_max")
        p.refunds_per_card_day_max = number;
    else if (key == "refunds_per_merchant_day_max")
        p.refunds_per_merchant_day_max = number;
    else
        return false;
    return true;
}

}  // namespace

std::optional<std::int64_t> parse_minor(const std::string& major) {
    const auto amount = iso8583::Amount::parse_major(major, iso8583::Currency::of(156));
    if (!amount) return std::nullopt;
    return amount->minor_units();
}

std::optional<std::string> apply_config(Configuration& c, const std::map<std::string, std::string>& values,
                                        routing::RouteId route) {
    for (const auto& [key, value] : values) {
        const auto number = number_of(value);
        const auto amount = parse_minor(value);
        const bool yes = value == "yes";
        const auto each_policy = [&c](const auto& change) {
            for (auto& [id, merchant] : c.merchants) change(merchant.refund);
        };
        const auto the_route = [&](const auto& change) {
            simulation::change_routes(c, [&](routing::Route& r) {
                if (r.id == route) change(r);
            });
        };
        if (key == "profile" || key == "route") continue;
        if (key == "repeat_refund_seconds" && number)
            each_policy([&](RefundPolicy& p) { p.repeat_refund_seconds = *number; });
        else if (key == "window_days" && number)
            each_policy([&](RefundPolicy& p) { p.window_days = *number; });
        else if (key == "refund_amount_max" && amount)
            each_policy([&](RefundPolicy& p) { p.refund_amount_max = *amount; });
        else if (key == "refunds_per_day_max" && number)
            each_policy([&](RefundPolicy& p) { p.refunds_per_terminal_day_max = *number; });
        else if (key == "approval_above" && amount)
            each_policy([&](RefundPolicy& p) { p.approval_amount_above = *amount; });
        else if (key == "approval_keyed_above" && amount)
            each_policy([&](RefundPolicy& p) { p.approval_keyed_amount_above = *amount; });
        else if (key == "before_settlement" &&
                 (value == "allow" || value == "suggest_void" || value == "turn_into_void"))
            each_policy([&](RefundPolicy& p) {
                p.before_settlement = value == "allow"          ? RefundBeforeSettlement::allow
                                      : value == "suggest_void" ? RefundBeforeSettlement::suggest_void
                                                                : RefundBeforeSettlement::turn_into_void;
            });
        else if (RefundPolicy probe; apply_caution(probe, key, value, number))
            each_policy([&](RefundPolicy& p) { apply_caution(p, key, value, number); });
        else if (key == "sale_mode" && (value == "financial_0200" || value == "authorization_0100"))
            the_route([&](routing::Route& r) {
                r.sale_mode = value == "financial_0200" ? routing::SaleMode::financial_0200
                                                        : routing::SaleMode::authorization_0100;
            });
        else if (key == "refund_enabled")
            for (auto& [id, merchant] : c.merchants) merchant.refund_enabled = yes;
        else if (key == "refund_reversal")
            c.refund_reversal_allowed = yes;
        else if (key == "route_window_days" && number)
            the_route([&](routing::Route& r) { r.window_days = static_cast<std::uint32_t>(*number); });
        else if (key == "advice_attempts_max" && number)
            the_route(
                [&](routing::Route& r) { r.advice_attempts_max = static_cast<std::uint32_t>(*number); });
        else if (key == "in_flight_max" && number)
            the_route([&](routing::Route& r) { r.in_flight_max = static_cast<std::uint32_t>(*number); });
        else if (key == "blind_reversal")
            the_route([&](routing::Route& r) { r.blind_reversal = yes; });
        else if (key == "partial_approval")
            the_route([&](routing::Route& r) { r.partial_approval = yes; });
        else if (key == "currency" && number && *number > 0 && *number < 1000)
            c.currency = iso8583::Currency::of(static_cast<std::uint16_t>(*number));
        else if (key == "route_gone" && yes)
            simulation::remove_route(c, route);
        else if (key == "route_gone")
            simulation::restore_route(c, route);
        else if (key == "merchants_gone")
            c.merchants = yes ? decltype(c.merchants){} : simulation::world_configuration()->merchants;
        else if (key == "terminals_gone")
            c.terminals = yes ? decltype(c.terminals){} : simulation::world_configuration()->terminals;
        else if (key == "zmk_gone")
            c.issuer_keys[route].zmk =
                yes ? hsm::KeyBlock() : simulation::world_configuration()->issuer_keys.at(route).zmk;
        else if (key == "retired")
            the_route([&](routing::Route& r) { r.retired = yes; });
        else
            return key + "=" + value + " is not known";
    }
    return std::nullopt;
}

}  // namespace flow
