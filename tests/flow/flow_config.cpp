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

}  // namespace

std::optional<std::int64_t> parse_minor(const std::string& major) {
    const auto amount = iso8583::Amount::parse_major(major, iso8583::Currency::of(156));
    if (!amount) return std::nullopt;
    return amount->minor_units();
}

namespace {

/// "38@100.00,60": basis points up to an amount, then of all that is larger; nothing when it is not so.
std::optional<std::vector<ledger::FeeTier>> parse_fee(const std::string& text) {
    std::vector<ledger::FeeTier> tiers;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string part = text.substr(at, comma - at);
        const std::size_t sign = part.find('@');
        const auto points = number_of(part.substr(0, sign));
        const auto up_to =
            sign == std::string::npos ? std::optional<std::int64_t>(0) : parse_minor(part.substr(sign + 1));
        if (!points || *points < 0 || !up_to) return std::nullopt;
        tiers.push_back({*up_to, static_cast<std::uint32_t>(*points)});
        at = comma + 1;
    }
    return tiers;
}

/// False: no key of R27 to R29.
bool apply_caution(RefundPolicy& p, const std::string& key, const std::string& value,
                   std::optional<std::int32_t> number) {
    const auto on = value == "hold" ? OnCaution::hold : OnCaution::refuse;
    if (key == "approval_age_days")
        p.approval_age_days = number;
    else if (key == "funding")
        p.funding = value == "net_sales" ? RefundFunding::net_sales
                    : value == "reserve" ? RefundFunding::reserve
                                         : RefundFunding::none;
    else if (key == "reserve_percent")
        p.reserve_percent = static_cast<std::uint32_t>(number.value_or(0));
    else if (key == "reserve_max")
        p.reserve_max = parse_minor(value);
    else if (key == "fee_on_refund")
        p.fee_on_refund = value == "keep"                  ? ledger::FeeReturn::keep
                          : value == "return_proportional" ? ledger::FeeReturn::return_proportional
                                                           : ledger::FeeReturn::return_on_full;
    else if (key == "refunds_per_terminal_day_caution")
        p.refunds_per_terminal_day_caution = number;
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
    else if (key == "refunds_per_operator_day_max")
        p.refunds_per_operator_day_max = number;
    else if (key == "refunds_per_merchant_day_max")
        p.refunds_per_merchant_day_max = number;
    else
        return false;
    return true;
}

/// False: no key of a merchant's refund policy, or no value of it.
bool apply_policy(RefundPolicy& p, const std::string& key, const std::string& value) {
    const auto number = number_of(value);
    const auto amount = parse_minor(value);
    if (key == "repeat_refund_seconds" && number)
        p.repeat_refund_seconds = *number;
    else if (key == "window_days" && number)
        p.window_days = *number;
    else if (key == "refund_amount_max" && amount)
        p.refund_amount_max = *amount;
    else if (key == "refunds_per_day_max" && number)
        p.refunds_per_terminal_day_max = *number;
    else if (key == "approval_above" && amount)
        p.approval_amount_above = *amount;
    else if (key == "approval_keyed_above" && amount)
        p.approval_keyed_amount_above = *amount;
    else if (key == "before_settlement" && value == "allow")
        p.before_settlement = RefundBeforeSettlement::allow;
    else if (key == "before_settlement" && value == "suggest_void")
        p.before_settlement = RefundBeforeSettlement::suggest_void;
    else if (key == "before_settlement" && value == "turn_into_void")
        p.before_settlement = RefundBeforeSettlement::turn_into_void;
    else
        return apply_caution(p, key, value, number);
    return true;
}

/// False: no key of a route, or no value of it.
bool apply_route(routing::Route& r, const std::string& key, const std::string& value) {
    const auto number = number_of(value);
    const auto count = static_cast<std::uint32_t>(number.value_or(0));
    const bool yes = value == "yes";
    if (key == "sale_mode" && value == "financial_0200")
        r.sale_mode = routing::SaleMode::financial_0200;
    else if (key == "sale_mode" && value == "authorization_0100")
        r.sale_mode = routing::SaleMode::authorization_0100;
    else if (key == "authorization_void_mode" && value == "reversal_0420")
        r.authorization_void_mode = routing::AuthorizationVoidMode::reversal_0420;
    else if (key == "authorization_void_mode" && value == "online_0100")
        r.authorization_void_mode = routing::AuthorizationVoidMode::online_0100;
    else if (key == "completion_percent_max" && number)
        r.completion_percent_max = count;
    else if (key == "authorization_days" && number)
        r.authorization_days = count;
    else if (key == "reverse_lapsed")
        r.reverse_lapsed = yes;
    else if (key == "route_window_days" && number)
        r.window_days = count;
    else if (key == "advice_attempts_max" && number)
        r.advice_attempts_max = count;
    else if (key == "stale_after_minutes" && number)
        r.stale_after_minutes = count;
    else if (key == "advices_in_flight_max" && number)
        r.advices_in_flight_max = count;
    else if (key == "processing_poll_seconds" && number)
        r.wallet.poll_seconds = count;
    else if (key == "processing_days_max" && number)
        r.wallet.processing_days_max = count;
    else if (key == "refund_spacing_seconds" && number)
        r.wallet.spacing_seconds = count;
    else if (key == "refunds_per_sale_max" && number)
        r.wallet.per_sale_max = count;
    else if (key == "in_flight_max" && number)
        r.in_flight_max = count;
    else if (key == "blind_reversal")
        r.blind_reversal = yes;
    else if (key == "partial_approval")
        r.partial_approval = yes;
    else if (key == "retired")
        r.retired = yes;
    else if (key == "settlement_half" && value == "domestic")
        r.settlement_half = routing::SettlementHalf::domestic;
    else if (key == "settlement_half" && value == "foreign")
        r.settlement_half = routing::SettlementHalf::foreign;
    else if (auto codes = routing::ResponseCodeSet::parse({value}); key == "not_found_code" && codes)
        r.codes.reversal_not_found = std::move(*codes);
    else if (key == "successor" && value == "other") {
        r.retired = true;
        r.successor = r.id == simulation::route_a ? simulation::route_b : simulation::route_a;
    } else
        return false;
    return true;
}

}  // namespace

std::optional<std::string> apply_config(Configuration& c, const std::map<std::string, std::string>& values,
                                        routing::RouteId route) {
    for (const auto& [key, value] : values) {
        const auto number = number_of(value);
        const bool yes = value == "yes";
        if (key == "profile" || key == "route") continue;
        if (RefundPolicy probe; apply_policy(probe, key, value))
            for (auto& [id, merchant] : c.merchants) apply_policy(merchant.refund, key, value);
        else if (routing::Route any; apply_route(any, key, value))
            simulation::change_routes(c, [&, &key = key, &value = value](routing::Route& r) {
                if (r.id == route) apply_route(r, key, value);
            });
        else if (key == "refund_enabled")
            for (auto& [id, merchant] : c.merchants) merchant.refund_enabled = yes;
        else if (key == "till_operator" && value.find('/') != std::string::npos)
            for (const auto& [id, merchant] : c.merchants)
                c.till_operators[value.substr(0, value.find('/'))].push_back(
                    {id, value.substr(value.find('/') + 1)});
        else if (auto tiers = parse_fee(value); key == "fee" && tiers)
            for (auto& [id, merchant] : c.merchants) merchant.fees[ledger::Instrument::card] = *tiers;
        else if (key == "refund_reversal")
            c.refund_reversal_allowed = yes;
        else if (key == "case_expires_days" && number)
            c.limits.case_expires_days = *number;
        else if (key == "proposal_expires_hours" && number)
            c.limits.proposal_expires_hours = *number;
        else if (key == "cutover_at_minute" && number)
            c.cutover_at_minute = *number;
        else if (key == "card_numbers_days" && number)
            c.retention.card_numbers = *number;
        else if (key == "requests_days" && number)
            c.retention.requests = *number;
        else if (key == "transactions_days" && number)
            c.retention.transactions = *number;
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
        else
            return key + "=" + value + " is not known";
    }
    return std::nullopt;
}

}  // namespace flow
