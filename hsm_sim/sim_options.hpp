// The command line of hsm-sim. CLI11 stays behind this header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/functions.hpp"
#include "hsm_sim/payshield.hpp"
#include "hsm_sim/pin_guard.hpp"
#include "hsm_sim/wrap_tool.hpp"

namespace hsm {

struct SimOptions {
    enum class Command : std::uint8_t {
        serve,
        wrap_key,
        wrap_table,
        ceremony,
        authorise,
        revoke,
        status,
        verify_audit
    };
    Command command = Command::serve;
    Decimalisation decimalisation = Decimalisation::encrypted;
    bool authorised = false;
    bool zone_key_exchange = false;
    bool require_memory_lock = false;

    std::string listen = "127.0.0.1:1500";
    std::string lmk = "test";
    std::string lmk_key;
    PayshieldFormat format;
    unsigned authorised_seconds = 600;
    std::vector<std::string> decimalisation_tables;
    unsigned working_key_kcv_bytes = 4;
    PinBounds pin_bounds;
    std::string pin_counts;  // file; empty: in memory alone
    unsigned connections_max = 64;
    unsigned frame_seconds_max = 30;  // a frame that has begun must end within this
    unsigned handshake_seconds_max = 10;
    unsigned idle_seconds_max = 0;  // 0: connections may be idle as long as they like
    unsigned drain_seconds_max = 5;
    std::vector<std::string> disabled;
    std::string serial = "SIMULATOR001";
    std::string audit;
    std::string audit_head;
    std::string audit_syslog;  // a socket; empty: not there
    std::string audit_lmk;     // verify-audit: whose MACs; empty: hashes alone
    std::string metrics;
    std::string control;
    std::string tls_certificate;
    std::string tls_key;
    std::string tls_client_ca;

    WrapKeyOptions wrap_key;
    std::string out;       // ceremony: where the sealed LMK goes
    unsigned officer = 1;  // authorise
};

/// Parses and checks. An int is the exit code of a process that has nothing more to do (help, a usage error).
struct ParsedOptions {
    SimOptions options;
    std::optional<int> exit_code;
};
ParsedOptions parse_sim_options(int argc, char** argv);

/// "host:port" with port 0 to 65535; IPv6 in brackets.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};
iso8583::Result<HostPort> parse_host_port(std::string_view text);

}  // namespace hsm
