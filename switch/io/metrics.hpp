// Metrics: what /metrics shows, as one value, and its text form (Prometheus 0.0.4). Names are stable:
// docs/operations.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store.hpp"
#include "switch/core/duration_histogram.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

/// Microseconds of the machine's steady clock.
inline std::int64_t steady_now_us() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

struct ShardCounters {
    std::size_t request_inbox = 0;
    std::size_t answer_inbox = 0;
    std::uint64_t events_stepped = 0;
    std::uint64_t syncs = 0;
    std::uint64_t cold_requests = 0;  // that waited for a read on another thread
    DurationHistogram sync;           // from begin_sync to its end seen
};

/// What a store on PostgreSQL says beside StoreHealth, which any store has.
struct ClusterFigures {
    DurationHistogram commits;  // from a turn handed over to its acknowledgement
    std::string wanted_by;      // a node that stands by and shall have the shard; empty: none
};

struct ShellStatus {
    std::size_t terminal_links = 0;
    std::uint64_t terminal_links_accepted = 0;
    std::uint64_t terminal_links_rejected = 0;
    std::size_t terminal_links_not_read = 0;
    std::uint64_t terminal_links_evicted = 0;
    std::uint64_t terminal_links_wrong_certificate = 0;
    std::size_t terminal_links_max = 0;
    std::size_t terminal_links_unverified = 0;
    std::size_t terminal_links_of_one_address = 0;
    bool hsm_available = true;
    std::size_t hsm_waiting = 0;
    std::uint64_t log_lines_suppressed = 0;
    std::uint64_t log_buffers_lost = 0;
    bool draining = false;
    iso8583::UtcTime since;  // when the process began; all counts are since then
    DurationHistogram
        answers;  // from a terminal's request, its MAC judged, to its answer durable and handed over
    DurationHistogram drive;  // one pass: step, sync begun, effects performed, written
    ShardCounters shard;
    struct Issuer {
        std::string route;
        std::size_t wanted = 0;
        std::size_t signed_on = 0;
    };
    std::vector<Issuer> issuers;
    struct Tls {
        std::string name;  // of the [[tls]]
        std::string side;  // "port", "link"
        std::optional<iso8583::UtcTime> expires, crl_expires;
        std::uint64_t handshakes = 0, resumed = 0, failures = 0;
    };
    std::vector<Tls> tls;
    std::optional<ClusterFigures> cluster;
};

std::string render_metrics(const ShellStatus& shell, const CoreStatus& core,
                           const ledger::StoreHealth& store);

}  // namespace acquirer
