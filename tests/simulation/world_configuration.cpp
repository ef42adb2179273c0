#include "tests/simulation/world_configuration.hpp"

#include <algorithm>

#include "hsm_sim/test_keys.hpp"
#include "iso8583/values/ensure.hpp"

namespace simulation {

using namespace acquirer;

namespace {

constexpr hsm::MacProfile unionpay_mac{hsm::MacAlgorithm::unionpay_ecb, hsm::MacPadding::zeros};
constexpr hsm::MacProfile retail_mac{hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};

void add_merchant(Configuration& c, const char* id, const RefundPolicy& refund, bool refund_enabled = true) {
    MerchantConfig m;
    m.id = iso8583::MerchantId::parse(id).value();
    m.name = id;
    m.refund = refund;
    m.refund_enabled = refund_enabled;
    c.merchants.emplace(m.id, m);
}

void add_terminals(Configuration& c, std::uint32_t first, std::uint32_t last, const char* merchant,
                   Profile profile) {
    TerminalRange r;
    r.first = first;
    r.last = last;
    r.merchant = iso8583::MerchantId::parse(merchant).value();
    r.profile = profile;
    if (profile == Profile::unionpay_pos) {
        r.mac = unionpay_mac;
        r.tmk = hsm::KeyBlock::parse(hsm::test_keys::tmk).value();
    } else {
        r.mac = retail_mac;
        r.tak = hsm::KeyBlock::parse(hsm::test_keys::tak).value();
        r.tpk = hsm::KeyBlock::parse(hsm::test_keys::tpk).value();
    }
    c.terminals.push_back(r);
}

routing::RouteTable table_of(std::vector<routing::Route> routes) {
    std::vector<routing::IinRange> ranges;
    std::vector<routing::WalletRange> wallets;
    for (const routing::Route& route : routes) {
        if (route.retired && !route.successor) continue;
        if (route.id == route_a) ranges.push_back({"621234", "621299", {route_a}});
        if (route.id == route_b) ranges.push_back({"400000", "499999", {route_b}});
        if (route.id == route_w)
            wallets = {{"wechat", "10", "15", 18, 18, {route_w}},
                       {"alipay", "25", "30", 16, 24, {route_w}},
                       {"unionpay_qr", "62", "62", 19, 19, {route_w}}};
    }
    auto table = routing::RouteTable::build(std::move(routes), std::move(ranges), std::move(wallets));
    ENSURE(table.has_value());
    return std::move(*table);
}

void add_routes(Configuration& c) {
    routing::Route a;
    a.id = route_a;
    a.name = "issuer-a";
    a.dialect = "iso87-ascii";
    a.link_group = "issuer-a";
    a.refund_mode = routing::RefundMode::advice;
    a.void_mode = routing::VoidMode::reversal_0420;
    a.mac = routing::RouteMac::retail;
    a.acquirer = c.acquirer;
    a.reply_timeout_ms = 5'000;
    a.not_found_quarantine_ms = 5'000;
    a.advice_retry_first_ms = 500;
    a.advice_retry_max_ms = 5'000;
    a.advice_attempts_max = 15;
    routing::Route b = a;
    b.id = route_b;
    b.name = "issuer-b";
    b.dialect = "iso87-bcd";
    b.link_group = "issuer-b";
    b.refund_mode = routing::RefundMode::online;
    b.void_mode = routing::VoidMode::online_0200;
    b.mac = routing::RouteMac::aes_cmac;
    routing::Route w = a;
    w.id = route_w;
    w.name = "issuer-w";
    w.link_group = "issuer-w";
    w.kind = routing::RouteKind::wallet;
    w.wallet.poll_seconds = 20;
    w.wallet.spacing_seconds = 2;
    w.wallet.per_sale_max = 4;  // few, so that it is met
    c.routes = table_of({a, b, w});
    const auto block = [](std::string_view text) { return hsm::KeyBlock::parse(text).value(); };
    using namespace hsm::test_keys;
    c.issuer_keys[route_a] = {block(zak), block(zpk), block(zmk), hsm::PinBlockFormat::iso0};
    c.issuer_keys[route_w] = c.issuer_keys[route_a];
    c.issuer_keys[route_b] = {block(aes_zak), block(aes_zpk), block(aes_zmk), hsm::PinBlockFormat::iso4};
}

}  // namespace

void change_routes(Configuration& configuration, const std::function<void(routing::Route&)>& change) {
    std::vector<routing::Route> routes = configuration.routes.routes();
    for (routing::Route& route : routes) change(route);
    configuration.routes = table_of(std::move(routes));
}

void leave_a_part_for_each(Configuration& configuration, std::size_t shards) {
    if (shards == 1) return;
    const auto least = static_cast<std::uint32_t>(shards);
    change_routes(configuration, [least](routing::Route& route) {
        route.in_flight_max = std::max(route.in_flight_max, least);
        route.advices_in_flight_max = std::max(route.advices_in_flight_max, least);
    });
}

void remove_route(Configuration& configuration, routing::RouteId route) {
    std::vector<routing::Route> routes = configuration.routes.routes();
    std::erase_if(routes, [route](const routing::Route& r) { return r.id == route; });
    configuration.routes = table_of(std::move(routes));
    configuration.issuer_keys.erase(route);
}

void restore_route(Configuration& configuration, routing::RouteId route) {
    if (configuration.routes.find(route) != nullptr) return;
    const auto before = world_configuration();
    std::vector<routing::Route> routes = configuration.routes.routes();
    routes.push_back(*before->routes.find(route));
    configuration.routes = table_of(std::move(routes));
    configuration.issuer_keys[route] = before->issuer_keys.at(route);
}

std::shared_ptr<Configuration> world_configuration() {
    auto c = std::make_shared<Configuration>();
    c->hash = "world";
    c->zone = "Asia/Shanghai";
    c->time_zone = iso8583::TimeZone::fixed(8 * 3600);
    c->demo = true;
    c->notices = true;
    c->currency = iso8583::Currency::of(156);
    c->acquirer = iso8583::InstitutionId::parse("48201110").value();
    c->limits.sign_on_burst = 1'000;  // tills sign on as often as chance wants
    c->limits.issuer_reply_timeout_ms = 5'000;
    c->limits.not_found_quarantine_ms = 5'000;
    c->limits.advice_retry_first_ms = 500;
    c->limits.advice_retry_longest_ms = 5'000;
    RefundPolicy policy;
    policy.repeat_refund_seconds = 0;
    add_merchant(*c, merchant_unionpay, policy);
    add_merchant(*c, merchant_iso, policy);
    add_merchant(*c, merchant_without_refunds, policy, false);
    RefundPolicy without_window = policy;
    without_window.window_days = 0;
    add_merchant(*c, merchant_without_window, without_window);
    RefundPolicy limited = policy;
    limited.refund_amount_max = 50'000;
    limited.refunds_per_terminal_day_max = 5;
    add_merchant(*c, merchant_limited, limited);
    add_merchant(*c, merchant_iso_other, policy);
    add_terminals(*c, 10000001, 10000999, merchant_unionpay, Profile::unionpay_pos);
    add_terminals(*c, 20000001, 20000999, merchant_iso, Profile::iso87);
    add_terminals(*c, 30000001, 30000009, merchant_without_refunds, Profile::unionpay_pos);
    add_terminals(*c, 40000001, 40000009, merchant_without_window, Profile::unionpay_pos);
    add_terminals(*c, 50000001, 50000009, merchant_limited, Profile::unionpay_pos);
    add_terminals(*c, 60000001, 60000009, merchant_iso_other, Profile::iso87);
    add_routes(*c);
    return c;
}

}  // namespace simulation
