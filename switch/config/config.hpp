// The switch's configuration file: TOML, read and checked as a whole before anything listens. All problems of
// a file are reported at once, each with file, line and key; an unknown key is a problem, because a misspelt
// limit is no limit. What every key means is config_schema.cpp, printed by `refund-switch --describe config`.
//
// Values only, no thread; loading reads the file and the list of time zones, nothing else. Key material in
// the file is key blocks under the LMK, never clear keys. Source: docs/operations.md,
// switch/config/example.toml.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/values/ip_address.hpp"
#include "iso8583/values/result.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/operator_command.hpp"

namespace iso8583 {
class Dialect;
}

namespace acquirer {

/// The table that a `dialect` names, for the life of the process. Two are alike here: what a file of a
/// dialect says anew is no other setting, and links take it over when they can (docs/dialects.md).
struct DialectTable {
    const iso8583::Dialect* table = nullptr;
    friend bool operator==(const DialectTable&, const DialectTable&) { return true; }
};

/// A TCP address; port 0 lets the system choose (tests).
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    /// "127.0.0.1:8583" or "[::1]:8583".
    static iso8583::Result<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string str() const;
    /// What is sent there does not leave this machine.
    [[nodiscard]] bool is_loopback() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// [[tls]]: files and what is asked of the peer, for the ports and links that name it. Paths begin in the
/// folder of the configuration file.
struct TlsProfile {
    std::string name;
    std::string certificate, key, authority, crl;
    std::vector<std::string> names;
    bool peer_may_be_unknown = false;
    friend bool operator==(const TlsProfile&, const TlsProfile&) = default;
};

struct TerminalListener {
    Profile profile = Profile::unionpay_pos;
    Endpoint address;
    std::string tls;      // name of a [[tls]]; empty: in clear
    std::string dialect;  // built in or a file
    DialectTable table;
    std::vector<iso8583::IpRange> allow;  // empty: everybody
    friend bool operator==(const TerminalListener&, const TerminalListener&) = default;
};

/// The connections of one route, for the shell; what the route may do is routing::Route.
struct IssuerConnections {
    routing::RouteId route;
    std::string name;
    std::string dialect;  // built in or a file
    DialectTable table;   // with 16-byte PIN blocks where the route has them
    std::vector<Endpoint> addresses;
    std::uint32_t connections = 1;  // to each address
    std::string tls;                // name of a [[tls]]; empty: in clear
    bool protected_channel = false;
    hsm::MacProfile mac;
    std::int32_t echo_seconds = 60;         // silence after which an echo (DE70 301) is sent
    std::int32_t reconnect_first_ms = 500;  // back-off after a lost connection, doubled up to the next
    std::int32_t reconnect_longest_ms = 30'000;
    friend bool operator==(const IssuerConnections&, const IssuerConnections&) = default;
};

struct HsmOptions {
    bool embedded = true;
    std::string lmk = "test";         // embedded: "test", or a file
    std::vector<Endpoint> addresses;  // tcp: host-command servers, all alike
    std::int32_t connections = 2;     // tcp: to each address
    std::int32_t header_characters = 4;
    std::string tls;  // tcp: name of a [[tls]]; empty: in clear
    bool protected_channel = false;
    bool zone_key_exchange = false;  // embedded: ZPKs and ZAKs may travel under a ZMK without officers
    friend bool operator==(const HsmOptions&, const HsmOptions&) = default;
};

/// What a start outside the demonstration does about memory that may not be kept from the swap.
enum class MemoryLock : std::uint8_t { required, tried, none };

struct DataOptions {
    std::string directory = "data";               // --data wins over it
    std::string control_socket = "control.sock";  // in the directory, unless absolute
    std::string control_group;                    // whose members may connect; empty: the switch's user alone
    std::int64_t disk_free_mib_min = 512;         // below: new requests are refused (R62)
    std::int64_t wal_mib_max = 256;               // write-ahead log kept before it is flushed
    std::int64_t cache_mib = 64;                  // of the store's blocks
    MemoryLock memory_lock = MemoryLock::required;
    friend bool operator==(const DataOptions&, const DataOptions&) = default;
};

enum class StoreEngine : std::uint8_t { rocks, postgres };

/// [store] and [store.postgres]: who keeps the ledger. With PostgreSQL the data directory has a copy of it.
struct StoreOptions {
    StoreEngine engine = StoreEngine::rocks;
    std::int32_t shards = 1;        // of this process; fixed when the ledger is begun
    std::string acknowledged_copy;  // second place of the last acknowledged turn; empty: there is none
    std::int32_t acknowledged_copy_ms = 100;
    std::vector<Endpoint> hosts;  // all servers of PostgreSQL; whichever may be written is used
    std::string database = "refund";
    std::string user = "switch";
    std::string password_file;  // empty: none is asked for
    std::string tls_ca;         // empty: in clear
    bool protected_channel = false;
    std::int32_t shard = 0;
    std::string node;  // this switch among those that may own the shard
    std::int32_t connect_ms = 2'000;
    std::int32_t reply_ms = 2'500;  // a server that is silent for so long is given up
    std::int32_t lease_ms = 3'000;
    std::int32_t stall_ms = 1'000;  // a turn undecided for so long: no new work
    std::int64_t pipeline = 1;
    std::int64_t turns_kept = 100'000;  // of the log that copies follow by
    bool allow_unreplicated = false;    // demo only
    friend bool operator==(const StoreOptions&, const StoreOptions&) = default;
};

/// Bounds of the shell.
struct ShellLimits {
    std::int32_t terminal_links_max = 10'000;
    std::int32_t idle_link_seconds = 600;  // a terminal connection with no message for so long is closed
    std::int32_t links_per_address_percent_max = 50;      // of terminal_links_max
    std::int32_t unverified_link_seconds = 60;            // until the first MAC of a connection verifies
    std::int32_t bad_links_per_address_minute_max = 120;  // closed for what they sent
    std::int32_t control_idle_seconds = 600;
    std::int32_t peer_user_timeout_ms = 10'000;   // issuers and HSMs: TCP_USER_TIMEOUT
    std::int32_t link_timeouts_max = 3;           // in a row on an issuer's connection: echo now …
    std::int32_t link_probe_ms = 2'000;           // … which has to be answered within
    std::int32_t outbox_kib_max = 256;            // bytes waiting on one connection, else it is closed
    std::int32_t keepalives_per_minute_max = 60;  // of one connection, else it is closed
    std::int32_t request_inbox_max = 4'096;       // full: terminal sockets are not read
    std::int32_t drain_seconds_max = 70;          // after SIGTERM
    friend bool operator==(const ShellLimits&, const ShellLimits&) = default;
};

/// Where customers' and merchants' notices are written; empty: there are none.
struct NoticeOptions {
    std::string directory;
    friend bool operator==(const NoticeOptions&, const NoticeOptions&) = default;
};

/// [audit]: where the head of the audit chain is noted beside the ledger.
struct AuditOptions {
    std::string head_file;  // empty: in no file
    std::string syslog;     // its socket; empty: not there
    std::int32_t head_seconds = 60;
    friend bool operator==(const AuditOptions&, const AuditOptions&) = default;
};

/// A person (or a job) known by the Unix user id of the control socket's peer.
struct OperatorAccount {
    std::int64_t uid = -1;
    std::string name;
    std::vector<Role> roles;  // viewer is included in each
    std::vector<TillOperator> terminal_operators;
    friend bool operator==(const OperatorAccount&, const OperatorAccount&) = default;
};

struct LoadedConfig {
    ConfigurationPtr configuration;
    std::vector<TerminalListener> listeners;
    std::optional<Endpoint> metrics;
    std::string metrics_tls;                      // name of a [[tls]]; empty: in clear
    std::vector<iso8583::IpRange> metrics_allow;  // empty: everybody
    std::vector<TlsProfile> tls;
    std::vector<IssuerConnections> issuers;
    HsmOptions hsm;
    DataOptions data;
    StoreOptions store;
    ShellLimits shell;
    NoticeOptions notices;
    AuditOptions audit;
    bool production = false;
    std::vector<OperatorAccount> operators;
    std::string source;               // the file as it was read
    std::string listen_host;          // ConfigSurroundings::listen_host
    std::vector<std::string> absent;  // parties that the policy names and the file does not: sentences

    [[nodiscard]] const OperatorAccount* find_operator(std::int64_t uid) const;
};

/// "demo.toml:12: issuer[1].reply_timeout_ms: …"
struct ConfigProblem {
    std::string file;
    int line = 0;  // 0: the file as a whole
    std::string key;
    std::string what;
    [[nodiscard]] std::string str() const;
};
using ConfigProblems = std::vector<ConfigProblem>;
/// One problem a line.
std::string text(const ConfigProblems& problems);

/// A section that is stored beside the ledger and wins over the file: a merchant or a range of terminals that
/// operations added.
struct AddedSection {
    std::string what;  // "merchant 898110157220009, added by checker1": for problems
    std::string toml;
};

/// What loading needs to know of the world, so that tests can say it.
struct ConfigSurroundings {
    /// Of an IANA name; nothing when this machine has no such zone, or cannot read it.
    std::function<std::optional<iso8583::TimeZone>(std::string_view)> zone_of;
    std::vector<std::string_view> dialects;  // iso8583::dialect_names()
    /// The dialect of a file, or what is wrong with it, a sentence each. Without it there are only built-in
    /// ones.
    std::function<iso8583::Result<const iso8583::Dialect*, std::vector<std::string>>(const std::string& path)>
        dialect_file;
    std::string folder;  // where the names of files begin: that of the configuration file
    /// What two people laid over the file (config/policy.hpp), as TOML, and how errors call it; empty:
    /// nothing.
    std::string policy;
    std::string policy_name = "the stored policy";
    /// Laid over the file. One of a merchant or of the same terminals as the file's stands instead of it.
    std::vector<AddedSection> added = {};
    std::uint32_t version = 1;  // of the snapshot; the shell counts up at each reload
    /// Stands instead of the host of each address of [listen]; empty: the file's. Nodes that share a file
    /// have addresses of their own.
    std::string listen_host = {};
    /// Zones of this machine's tzdata ("UTC" always), the built-in dialects and those of files.
    static ConfigSurroundings of_this_machine();
};

/// Never gives a half-checked configuration: all problems, in the order of their lines, or none.
iso8583::Result<LoadedConfig, ConfigProblems> load_config(const std::string& path,
                                                          const ConfigSurroundings& around);
iso8583::Result<LoadedConfig, ConfigProblems> load_config_text(std::string_view file_name,
                                                               std::string_view toml,
                                                               const ConfigSurroundings& around);

/// What a reload cannot change (addresses, HSM, data): one sentence each, empty when a restart is not needed.
std::vector<std::string> restart_needed(const LoadedConfig& running, const LoadedConfig& wanted);
/// What a reload makes of `wanted`: what links and clocks took at the start stays for everybody as it runs,
/// the rest is the new. An issuer whose MAC or PIN block format changed keeps its keys with it, since those
/// are of its kind.
ConfigurationPtr until_restart(const LoadedConfig& running, const LoadedConfig& wanted);

/// Reference of every section and key with type, default, unit and meaning.
std::string describe_config();
/// Every bound by name, with its value in `config`.
std::string describe_limits(const LoadedConfig& config);

}  // namespace acquirer
