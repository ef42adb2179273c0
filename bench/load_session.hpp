// LoadSession: the terminals of a load run on their connections, signed on, ready to be played as often as a
// command needs (once, in rounds, at another rate each time), and the comparison of all books at the end.
// One thread. Errors are in words; what differs between the books is a finding of the report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load.hpp"
#include "bench/load_ledger.hpp"
#include "bench/report.hpp"

namespace bench {

inline constexpr std::size_t terminals_per_profile_max = 999;  // of the demo's ranges
inline constexpr double drain_wait_s = 60;  // for advices and reversals that are still queued

class LoadSession {
  public:
    /// Connects and signs all terminals on. `stack` is asked for processor times and outlives the session.
    static iso8583::Result<std::unique_ptr<LoadSession>> start(const LoadOptions& options,
                                                               const LoadTargets& targets,
                                                               const LoadStack& stack);
    ~LoadSession();
    LoadSession(const LoadSession&) = delete;
    LoadSession& operator=(const LoadSession&) = delete;

    struct Played {
        Measured measured;
        /// Microseconds an answer, over warm-up, measurement and settling; nothing of a stack that is not
        /// ours.
        std::optional<double> switch_us, issuers_us;
        double own_us = 0;
    };
    /// `rate` 0: closed loop. `each_second` may be empty.
    Played play(const std::string& name, std::uint64_t rate, double warm_up_s, double duration_s,
                const std::function<void(const Progress&)>& each_second = {});

    [[nodiscard]] std::size_t terminals() const;
    [[nodiscard]] std::size_t connections() const;
    /// What was judged wrong so far; 0 when all answers were in order.
    [[nodiscard]] std::uint64_t breaches() const;
    /// Settings as facts of the report.
    void describe(Report& report) const;
    /// Compares with the issuers' journals and the switch's ledger; waits for queues to drain.
    void close_books(Report& report);

  private:
    struct Parts;
    explicit LoadSession(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// The stack of our own, unless the options name a running one; a directory that nobody named is made beside
/// the programs, which are on a disk that syncs (a temporary one may be memory).
iso8583::Result<LoadTargets> start_stack(const LoadOptions& options, LoadStack& stack,
                                         StackOptions stack_options = {});
std::string run_directory(const LoadOptions& options);
/// Stops it; what did not end well fails the report.
void stop_stack(LoadStack& stack, Report& report);
/// Takes `mix` from the file that was named, if any.
iso8583::Result<void> read_mix_of(LoadOptions& options);
struct Address {
    std::string host;
    std::uint16_t port = 0;
};
iso8583::Result<Address> parse_address(const std::string& text);
/// A number of requests a second, or 0 for "max".
iso8583::Result<std::uint64_t> parse_rate(const std::string& text);
/// The figures of `load` (docs/interfaces.md) of one run.
void add_load_figures(const LoadSession::Played& played, Report& report);
/// Files are written, the table printed. Exit code: 0 passed, 1 not.
int finish(const LoadOptions& options, const Report& report);
int complain(const std::string& command, const std::string& what, int code);

}  // namespace bench
