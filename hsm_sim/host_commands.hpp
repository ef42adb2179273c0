// Host commands from the server's side: one frame in, one answer out, executed on an engine. hsm-sim puts
// sockets around it; tests and the fuzzer call it directly.
//
// Units: a frame without its length prefix. Ownership: borrows the engine. Thread: the engine's. Errors:
// every fault is an answer with a code; only a frame too short for header and command has none. Source:
// docs/hsm.md.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/payshield.hpp"

namespace hsm {

struct HostCommandOptions {
    PayshieldFormat format;
    unsigned working_key_kcv_bytes = 4;   // 3: BU with 16H needs the authorised state for TPK and TAK too
    unsigned sockets_max = 64;            // what NO tells
    std::string serial = "SIMULATOR001";  // 12A
    std::string firmware = "0100-0001";   // 9A
    std::vector<std::string> disabled;    // command codes that answer 68
    /// UTC seconds; J2 and J4 print it. None: the clock stands at 0 (tests).
    std::function<std::int64_t()> seconds_now;
};

class CommandReader;

class HostCommands {
  public:
    HostCommands(HsmEngine& engine, HostCommandOptions options);

    /// Whose frames follow (failed PINs are counted by client as well).
    void serve_client(std::string_view client) { engine_.serve_client(client); }
    /// nullopt: no command can be read, close the connection.
    [[nodiscard]] std::optional<std::string> execute(std::string_view frame);

    /// Time spent on commands, for the load bands of J2; call at least once a second.
    void note_load(std::int64_t second, std::uint32_t busy_us);

    struct Count {
        std::string_view code;
        std::uint64_t executed = 0;
        std::uint64_t refused = 0;
    };
    /// One line per command that the table knows.
    [[nodiscard]] std::vector<Count> counts() const;
    [[nodiscard]] std::uint64_t unknown_commands() const { return unknown_; }

  private:
    using Data = iso8583::Result<std::string, HsmFault>;
    using Handler = Data (HostCommands::*)(CommandReader&);
    struct Row {
        std::string_view code;
        Handler handler;
    };
    static constexpr std::size_t rows_count = 22;
    static const std::array<Row, rows_count> rows;

    // Diagnostics and monitoring
    Data nc(CommandReader& in);
    Data no(CommandReader& in);
    Data n0(CommandReader& in);
    Data b2(CommandReader& in);
    Data j2(CommandReader& in);
    Data j4(CommandReader& in);
    Data j8(CommandReader& in);
    // Keys
    Data a0(CommandReader& in);
    Data a6(CommandReader& in);
    Data a8(CommandReader& in);
    Data bu(CommandReader& in);
    Data hc(CommandReader& in);
    Data ha(CommandReader& in);
    // PINs
    Data ca(CommandReader& in);
    Data cc(CommandReader& in);
    Data g0(CommandReader& in);
    Data da(CommandReader& in);
    Data ea(CommandReader& in);
    Data dc(CommandReader& in);
    Data ec(CommandReader& in);
    // MACs
    Data m6(CommandReader& in);
    Data m8(CommandReader& in);

    Data working_key(CommandReader& in, KeyKind kind);
    Data translate(CommandReader& in, KeyKind kind);
    Data verify_ibm(CommandReader& in, KeyKind kind);
    Data verify_visa(CommandReader& in, KeyKind kind);
    Data refused(const CommandReader& in);
    [[nodiscard]] std::int64_t now() const { return options_.seconds_now ? options_.seconds_now() : 0; }
    [[nodiscard]] std::string period() const;
    void note_pin_failures();

    HsmEngine& engine_;
    HostCommandOptions options_;
    std::array<std::uint64_t, rows_count> executed_{};
    std::array<std::uint64_t, rows_count> refused_{};
    std::uint64_t unknown_ = 0;

    std::int64_t started_ = 0;
    std::int64_t load_second_ = 0;
    std::uint32_t load_us_ = 0;
    std::array<std::uint64_t, 10> load_bands_{};  // periods of one second per tenth of load

    // Failed PIN verifications of the last 60 minutes, one slot each, for J8.
    std::array<std::uint64_t, 60> failures_{};
    std::array<std::int64_t, 60> failures_minute_{};
    std::uint64_t failures_seen_ = 0;
};

}  // namespace hsm
