// Fleet: drives many slots (a slot is one terminal, with one request under way at most) over TCP connections,
// and measures. What is sent and what an answer is worth is the Player's affair, so that a bare relay and the
// whole switch are measured by the same generator.
//
// Open loop: request i is due at start + i / rate. When no slot is free it waits, and its time runs from when
// it was due (no coordinated omission). Closed loop (rate 0): a slot sends its next request when its answer
// is there.
//
// One thread, loopback or any TCP. Bounded: it ends after warm-up + duration + settle time at the latest.
// Errors: a connection that cannot be made fails run(); one that breaks retires its slots and is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/histogram.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/values/result.hpp"

namespace bench {

class Player {
  public:
    virtual ~Player() = default;
    /// Appends the next request of `slot` to `out`, framed. Returns its kind, below kinds_max.
    virtual std::size_t begin(std::size_t slot, iso8583::Bytes& out) = 0;
    /// Which slot of the connection an answer is for; nothing when it is for none.
    virtual std::optional<std::size_t> slot_of(std::size_t connection, const iso8583::Frame& frame) = 0;
    /// Judges the answer; what was wrong with it is the player's to count.
    virtual void end(std::size_t slot, const iso8583::Frame& frame) = 0;
};

inline constexpr std::size_t kinds_max = 12;

struct FleetConnection {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    iso8583::FramingSpec framing;
    std::vector<std::size_t> slots;
};

struct Progress {
    double elapsed_s = 0, total_s = 0;
    std::uint64_t done = 0;
    double per_second = 0;     // over the last second
    std::uint64_t p99_ns = 0;  // over the last second
};

struct FleetOptions {
    std::uint64_t rate = 0;  // requests a second; 0 is closed loop
    double warm_up_s = 2;    // played and not measured
    double duration_s = 10;
    double settle_s = 15;                           // for the answers that are still under way
    std::uint64_t requests_per_slot_max = 0;        // 0: no bound but the duration
    std::function<void(const Progress&)> progress;  // once a second; may be empty
};

/// A second of the measured time, from its begin; the last one may be shorter.
struct FleetSecond {
    std::uint64_t done = 0;
    std::uint64_t p50_ns = 0, p95_ns = 0, p99_ns = 0, max_ns = 0;
    double length_s = 1;
};

struct FleetResult {
    Histogram latency;                                                   // from when it was due
    Histogram service;                                                   // from when it was sent
    std::vector<Histogram> by_kind = std::vector<Histogram>(kinds_max);  // latency
    std::vector<FleetSecond> seconds;                                    // all of it: their sum is `done`
    std::uint64_t done = 0;                                              // measured ones
    std::uint64_t unanswered = 0;  // under way when the settle time was over
    std::uint64_t broken_connections = 0;
    std::uint64_t stray_answers = 0;  // for no slot
    std::uint64_t backlog_max = 0;    // open loop: requests that were due and had no free slot
    double measured_s = 0;
    [[nodiscard]] double per_second() const {
        return measured_s <= 0 ? 0 : static_cast<double>(done) / measured_s;
    }
};

class Fleet {
  public:
    static constexpr std::size_t connections_max = 4'096;
    explicit Fleet(std::vector<FleetConnection> connections);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    /// Connects all; once, before the first run.
    iso8583::Result<void> connect();
    /// May be called again on the same connections (sign-on first, then load).
    FleetResult run(Player& player, const FleetOptions& options);

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bench
