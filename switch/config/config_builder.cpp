#include "switch/config/config_builder.hpp"

#include <algorithm>

namespace acquirer::config {
namespace {

std::string element(std::string_view name, std::size_t index) {
    return std::string(name) + "[" + std::to_string(index + 1) + "]";
}

template <typename T>
void read_section(const Node& document, Reader& reader, std::string_view name, const Keys<T>& keys,
                  const Context& context, T& into) {
    if (const Node* table = reader.table(document, "", name))
        reader.read(*table, std::string(name), keys, {}, context, into);
}

/// [switch] comes first: amounts elsewhere are read in its currency.
void read_general(const Node& document, Reader& reader, RawConfig& raw, Context& context) {
    if (document.find("switch") == nullptr)
        reader.problem_at(0, "switch", "the section [switch] is needed, with zone and currency");
    read_section(document, reader, "switch", switch_keys(), context, raw.general);
    // With a bad currency the amounts are still read, so that their faults show in the same run.
    context.currency =
        raw.general.currency.numeric() != 0 ? raw.general.currency : iso8583::Currency::of(156);
}

void read_issuers(const Node& document, Reader& reader, RawConfig& raw, const Context& context) {
    const auto tables = reader.tables(document, "issuer", routing::RouteTable::routes_max);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        RawIssuer issuer;
        issuer.route.reply_timeout_ms = static_cast<std::uint32_t>(raw.limits.issuer_reply_timeout_ms);
        issuer.route.not_found_quarantine_ms = static_cast<std::uint32_t>(raw.limits.not_found_quarantine_ms);
        issuer.route.advice_retry_first_ms = static_cast<std::uint32_t>(raw.limits.advice_retry_first_ms);
        issuer.route.advice_retry_max_ms = static_cast<std::uint32_t>(raw.limits.advice_retry_longest_ms);
        issuer.route.acquirer = raw.general.acquirer;
        const std::string path = element("issuer", i);
        reader.read(*tables[i], path, issuer_keys(), {"codes", "recon"}, context, issuer);
        if (const Node* codes = reader.table(*tables[i], path, "codes"))
            reader.read(*codes, path + ".codes", code_keys(), {}, context, issuer.route.codes);
        if (const Node* files = reader.table(*tables[i], path, "recon"))
            reader.read(*files, path + ".recon", recon_keys(), {}, context, issuer.files);
        // DE11 and DE7 are numbered by the core for all routes, so that a group is an issuer.
        issuer.route.link_group = issuer.route.name;
        raw.issuers.push_back({path, std::move(issuer)});
    }
}

void read_merchants(const Node& document, Reader& reader, RawConfig& raw, const Context& context) {
    const auto tables = reader.tables(document, "merchant", merchants_max);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        MerchantConfig merchant;
        merchant.refund = raw.refund;
        const std::string path = element("merchant", i);
        reader.read(*tables[i], path, merchant_keys(), {"refund"}, context, merchant);
        if (const Node* refund = reader.table(*tables[i], path, "refund"))
            reader.read(*refund, path + ".refund", refund_keys(), {}, context, merchant.refund);
        if (merchant.name.empty()) merchant.name = merchant.id.str();
        raw.merchants.push_back({path, std::move(merchant)});
    }
}

template <typename T>
void read_list(const Node& document, Reader& reader, std::string_view name, std::size_t most,
               const Keys<T>& keys, const Context& context, std::vector<Placed<T>>& into) {
    const auto tables = reader.tables(document, name, most);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        Placed<T> placed{element(name, i), {}};
        reader.read(*tables[i], placed.path, keys, {}, context, placed.value);
        into.push_back(std::move(placed));
    }
}

}  // namespace

RawConfig read_sections(const Node& document, Reader& reader) {
    RawConfig raw;
    Context context;
    reader.read(document, "", top_keys(),
                {"switch",      "listen",   "data",      "store",  "notices",  "audit", "retention",
                 "hsm",         "limits",   "shell",     "refund", "issuer",   "iin",   "wallet",
                 "wallet_wire", "merchant", "terminals", "fee",    "operator", "tls"},
                context, raw.top);
    // An unreadable `demo` would make other lines look wrong that are not.
    if (reader.has_problem_under("demo")) raw.top.demo = true;
    read_general(document, reader, raw, context);
    read_section(document, reader, "listen", listen_keys(), context, raw.listen);
    read_section(document, reader, "data", data_keys(), context, raw.data);
    if (const Node* store = reader.table(document, "", "store")) {
        reader.read(*store, "store", store_keys(), {"postgres"}, context, raw.store);
        if (const Node* postgres = reader.table(*store, "store", "postgres"))
            reader.read(*postgres, "store.postgres", store_postgres_keys(), {}, context, raw.store);
    }
    read_section(document, reader, "notices", notice_keys(), context, raw.notices);
    read_section(document, reader, "audit", audit_keys(), context, raw.audit);
    read_section(document, reader, "retention", retention_keys(), context, raw.retention);
    read_section(document, reader, "hsm", hsm_keys(), context, raw.hsm);
    read_section(document, reader, "limits", limits_keys(), context, raw.limits);
    read_section(document, reader, "shell", shell_keys(), context, raw.shell);
    read_section(document, reader, "refund", refund_keys(), context, raw.refund);
    read_issuers(document, reader, raw, context);
    read_list(document, reader, "iin", routing::IinTable::ranges_max, iin_keys(), context, raw.iins);
    read_list(document, reader, "wallet", routing::WalletTable::ranges_max, wallet_keys(), context,
              raw.wallets);
    read_section(document, reader, "wallet_wire", wallet_wire_keys(), context, raw.wallet_wire);
    read_merchants(document, reader, raw, context);
    read_list(document, reader, "terminals", terminal_ranges_max, terminals_keys(), context, raw.terminals);
    read_list(document, reader, "fee", fees_max, fee_keys(), context, raw.fees);
    read_list(document, reader, "tls", tls_profiles_max, tls_keys(), context, raw.tls);
    read_list(document, reader, "operator", operators_max, operator_keys(), context, raw.operators);
    return raw;
}

namespace {

void put_listeners(const RawListen& listen, LoadedConfig& loaded) {
    if (listen.unionpay_pos)
        loaded.listeners.push_back({Profile::unionpay_pos, *listen.unionpay_pos, listen.unionpay_tls,
                                    listen.unionpay_dialect, listen.unionpay_table, listen.unionpay_allow});
    if (listen.iso87_ascii)
        loaded.listeners.push_back({Profile::iso87, *listen.iso87_ascii, listen.iso87_tls,
                                    listen.iso87_dialect, listen.iso87_table, listen.iso87_allow});
    loaded.metrics = listen.metrics;
    loaded.metrics_tls = listen.metrics_tls;
    loaded.metrics_allow = listen.metrics_allow;
}

}  // namespace

LoadedConfig build(RawConfig raw, std::uint32_t version, std::string hash, PolicyInForce policy,
                   Reader& reader) {
    LoadedConfig loaded;
    auto configuration = std::make_shared<Configuration>();
    configuration->version = version;
    configuration->hash = std::move(hash);
    configuration->zone = raw.general.zone;
    configuration->time_zone = std::move(raw.general.time_zone);
    configuration->demo = raw.top.demo;
    configuration->currency = raw.general.currency;
    configuration->acquirer = raw.general.acquirer;
    configuration->refund_reversal_allowed = raw.general.refund_reversal_allowed;
    configuration->cutover_at_minute = raw.general.cutover_at_minute;
    configuration->refund_reasons = std::move(raw.general.refund_reasons);
    configuration->limits = raw.limits;
    configuration->retention = raw.retention;
    configuration->policy = std::move(policy);

    std::vector<routing::Route> routes;
    for (auto& [path, issuer] : raw.issuers) {
        configuration->issuer_keys.emplace(issuer.route.id, issuer.keys);
        configuration->issuer_files.emplace(issuer.route.id, std::move(issuer.files));
        loaded.issuers.push_back(std::move(issuer.connections));
        routes.push_back(std::move(issuer.route));
    }
    std::vector<routing::IinRange> ranges;
    for (auto& [path, iin] : raw.iins) ranges.push_back(std::move(iin.range));
    std::vector<routing::WalletRange> wallets;
    for (auto& [path, wallet] : raw.wallets) wallets.push_back(std::move(wallet.range));
    configuration->wallet_wire = std::move(raw.wallet_wire);
    // The sections were checked one by one with their lines; this is the table's own word on the whole.
    auto table = routing::RouteTable::build(std::move(routes), std::move(ranges), std::move(wallets));
    if (!table)
        reader.problem("issuer", table.error().what);
    else
        configuration->routes = std::move(*table);

    for (auto& [path, merchant] : raw.merchants)
        configuration->merchants.emplace(merchant.id, std::move(merchant));
    for (auto& [path, terminals] : raw.terminals)
        configuration->terminals.push_back(std::move(terminals.range));
    std::sort(configuration->terminals.begin(), configuration->terminals.end(),
              [](const TerminalRange& a, const TerminalRange& b) { return a.first < b.first; });

    put_listeners(raw.listen, loaded);
    for (auto& [path, profile] : raw.tls) loaded.tls.push_back(std::move(profile));
    loaded.hsm = std::move(raw.hsm);
    loaded.data = std::move(raw.data);
    loaded.store = std::move(raw.store);
    configuration->notices = !raw.notices.directory.empty();
    loaded.notices = std::move(raw.notices);
    loaded.audit = std::move(raw.audit);
    loaded.production = raw.top.production;
    loaded.shell = raw.shell;
    for (auto& [path, account] : raw.operators) {
        if (!account.terminal_operators.empty())
            configuration->till_operators[account.name] = account.terminal_operators;
        loaded.operators.push_back(std::move(account));
    }
    loaded.configuration = std::move(configuration);
    return loaded;
}

}  // namespace acquirer::config
