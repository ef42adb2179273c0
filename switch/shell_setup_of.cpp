#include "switch/shell_setup_of.hpp"

#include "iso8583/dialect.hpp"
#include "iso8583/values/ensure.hpp"

namespace acquirer {

namespace {

constexpr std::int32_t ms_per_second = 1000;
constexpr std::size_t bytes_per_kib = 1024;
// They wait for the disk, not for a processor.
constexpr std::size_t cold_readers = 4;

SocketAddress address_of(const Endpoint& endpoint) { return {endpoint.host, endpoint.port}; }

std::vector<SocketAddress> addresses_of(const std::vector<Endpoint>& endpoints) {
    std::vector<SocketAddress> addresses;
    addresses.reserve(endpoints.size());
    for (const Endpoint& endpoint : endpoints) addresses.push_back(address_of(endpoint));
    return addresses;
}

std::uint32_t keepalives_max_of(const ShellLimits& shell) {
    return static_cast<std::uint32_t>(shell.keepalives_per_minute_max);
}

IssuerPort issuer_port_of(const IssuerConnections& issuer, const LoadedConfig& config) {
    IssuerPort port;
    port.route = issuer.route;
    port.name = issuer.name;
    ENSURE(issuer.table.table != nullptr);
    port.dialect = issuer.table.table;
    port.newest = &issuer.table.table;
    port.framing = port.dialect->framing();
    port.addresses = addresses_of(issuer.addresses);
    port.connections = issuer.connections;
    port.mac = issuer.mac;
    port.reconnect_first_ms = issuer.reconnect_first_ms;
    port.reconnect_longest_ms = issuer.reconnect_longest_ms;
    port.limits.echo_after_ms = issuer.echo_seconds * ms_per_second;
    port.limits.input.keepalives_per_minute_max = keepalives_max_of(config.shell);
    port.limits.request_timeout_ms = config.configuration->limits.issuer_reply_timeout_ms;
    port.limits.timeouts_max = static_cast<std::size_t>(config.shell.link_timeouts_max);
    port.limits.probe_timeout_ms = config.shell.link_probe_ms;
    return port;
}

}  // namespace

ShellSetup shell_setup_of(const LoadedConfig& config, const std::string& control_path) {
    ShellSetup setup;
    for (const TerminalListener& listener : config.listeners) {
        ENSURE(listener.table.table != nullptr);
        const iso8583::Dialect& dialect = *listener.table.table;
        setup.terminals.push_back({listener.profile, address_of(listener.address), &dialect,
                                   dialect.framing(), &listener.table.table, plain_channel, listener.allow});
    }
    for (const IssuerConnections& issuer : config.issuers)
        setup.issuers.push_back(issuer_port_of(issuer, config));
    if (config.metrics) setup.metrics = address_of(*config.metrics);
    setup.metrics_allow = config.metrics_allow;
    setup.control_path = control_path;
    setup.terminal_limits.idle_timeout_ms = config.shell.idle_link_seconds * ms_per_second;
    setup.terminal_limits.unverified_timeout_ms = config.shell.unverified_link_seconds * ms_per_second;
    setup.terminal_limits.outbox_bytes_max =
        static_cast<std::size_t>(config.shell.outbox_kib_max) * bytes_per_kib;
    setup.terminal_limits.input.keepalives_per_minute_max = keepalives_max_of(config.shell);
    setup.bounds.terminal_links_max = static_cast<std::size_t>(config.shell.terminal_links_max);
    setup.bounds.links_per_address_percent_max =
        static_cast<std::size_t>(config.shell.links_per_address_percent_max);
    setup.bounds.bad_links_per_address_minute_max = config.shell.bad_links_per_address_minute_max;
    setup.bounds.control_idle_ms_max = config.shell.control_idle_seconds * ms_per_second;
    setup.bounds.cold_readers = cold_readers;
    setup.bounds.request_inbox_max = static_cast<std::size_t>(config.shell.request_inbox_max);
    setup.bounds.drain_ms_max = config.shell.drain_seconds_max * ms_per_second;
    return setup;
}

HsmClientSetup hsm_client_setup_of(const LoadedConfig& config) {
    HsmClientSetup setup;
    setup.addresses = addresses_of(config.hsm.addresses);
    setup.connections = static_cast<std::uint32_t>(config.hsm.connections);
    setup.format.header_length = static_cast<std::size_t>(config.hsm.header_characters);
    setup.reply_timeout_ms = config.configuration->limits.hsm_reply_timeout_ms;
    setup.timeouts_max = static_cast<std::uint32_t>(config.shell.link_timeouts_max);
    setup.probe_ms = config.shell.link_probe_ms;
    return setup;
}

}  // namespace acquirer
