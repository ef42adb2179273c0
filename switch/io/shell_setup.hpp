// ShellSetup: what the shell is told at start and cannot change without a restart: addresses, connections,
// bounds. Made by the composition root from the configuration file. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/dialect.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/values/ip_address.hpp"
#include "routing/iin_table.hpp"
#include "switch/core/configuration.hpp"
#include "switch/io/reactor.hpp"
#include "switch/sessions/issuer_session.hpp"
#include "switch/sessions/terminal_session.hpp"

namespace acquirer {

/// Where terminals connect.
struct TerminalPort {
    Profile profile = Profile::unionpay_pos;
    SocketAddress address;
    const iso8583::Dialect* dialect = nullptr;
    iso8583::FramingSpec framing;
    /// Where a reload puts the dialect as its file is now; nothing: it stays. Taken over with its framing
    /// when no connection is up, so that all speak the same.
    const iso8583::Dialect* const* newest = nullptr;
    MakeChannel channel = plain_channel;
    std::vector<iso8583::IpRange> allow = {};  // who may connect; empty: everybody
};

/// The connections of one route: `connections` to each address, kept up.
struct IssuerPort {
    routing::RouteId route;
    std::string name;
    const iso8583::Dialect* dialect = nullptr;
    iso8583::FramingSpec framing;
    const iso8583::Dialect* const* newest = nullptr;  // as a terminal port's
    std::vector<SocketAddress> addresses;
    std::uint32_t connections = 1;
    hsm::MacProfile mac;
    std::int32_t reconnect_first_ms = 500;
    std::int32_t reconnect_longest_ms = 30'000;
    MakeChannel channel = plain_channel;
    IssuerSessionLimits limits;
};

struct ShellBounds {
    /// Terminal connections; one more is closed at once.
    std::size_t terminal_links_max = 12'000;
    /// Of them from one address (of IPv6: from one /64).
    std::size_t links_per_address_percent_max = 50;
    /// Those that are closed for what they sent; see TerminalPlaces.
    std::int32_t bad_links_per_address_minute_max = 120;
    /// Requests that the core has not stepped yet; at the bound terminal sockets are not read.
    std::size_t request_inbox_max = 4'096;
    /// Answers, HSM replies and link events not stepped yet; the issuer connection that passes it is closed.
    std::size_t answer_inbox_max = 65'536;
    /// See ShardBounds.
    std::size_t cold_readers = 0;
    /// Bytes of one read from a terminal, and from an issuer.
    std::size_t terminal_read_bytes = 4'096;
    std::size_t issuer_read_bytes = 65'536;
    std::int32_t issuer_connect_timeout_ms = 5'000;
    /// After SIGTERM what is in flight may take this long; what is not finished then is recovered at the next
    /// start.
    std::int32_t drain_ms_max = 70'000;
    std::int32_t store_poll_ms = 500;
    std::size_t control_connections_max = 32;
    /// A connection that asks nothing for so long is closed.
    std::int32_t control_idle_ms_max = 600'000;
    std::size_t control_line_bytes_max = 1U << 20;
    std::size_t control_reads_waiting_max = 64;
    /// Snapshots of the store that operators' connections hold for the pages of a long list, how long one may
    /// wait for its next page, and how old it may become: what it holds, the store cannot clean up.
    std::size_t control_snapshots_max = 4;
    std::int32_t control_snapshot_idle_ms_max = 60'000;
    std::int32_t control_snapshot_ms_max = 3'600'000;
    std::size_t http_connections_max = 64;
    std::size_t http_request_bytes_max = 8'192;
    std::int32_t http_request_timeout_ms = 10'000;
};

struct ShellSetup {
    std::vector<TerminalPort> terminals;
    TerminalSessionLimits terminal_limits;
    std::vector<IssuerPort> issuers;
    std::optional<SocketAddress> metrics;
    MakeChannel metrics_channel = plain_channel;
    std::vector<iso8583::IpRange> metrics_allow = {};
    std::string control_path;  // of the Unix socket; empty: none
    /// Its group, whose members may connect; nothing: the process's user alone.
    std::optional<std::uint32_t> control_gid;
    ShellBounds bounds;
};

}  // namespace acquirer
