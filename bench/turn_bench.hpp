// `switch-bench turn`: a refund through the core and its turns, memory store, no sockets, no MACs: what
// deciding costs. Ratios travel, figures do not; instructions do, between builds of one compiler and one set
// of libraries (bench/instructions.json, scripts/instructions).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace bench {

struct TurnBenchOptions {
    std::uint32_t refunds = 20'000;    // sales as well: each is refunded once
    std::uint32_t events_a_turn = 64;  // requests that share a batch
    std::string json_file;             // empty: none
    bool count = false;                // count instructions instead of measuring time
    std::string only;                  // "online" or "advice": this refund mode alone
    bool sales_only = false;           // no refunds (what a count subtracts)
    // Instead: echoes while so many sales are with a silent issuer, each with a settlement that waits for it.
    std::optional<std::uint32_t> crowd;
};

/// Nanoseconds by name, as JSON; no file when none is named. False: it could not be written, which is said.
bool write_figures(const std::map<std::string, double>& figures, const std::string& file);

/// Prints nanoseconds per sale and per refund, by route mode; 0, or 1 when an answer was not 00 or the file
/// could not be written. With `count`: instructions of step, close_turn and the overlay, per sale, online
/// refund and advice refund, with what they were built with; and of an echo, alone and in a crowd. 1 as well
/// when nothing can be counted.
int run_turn_bench(const TurnBenchOptions& options);

}  // namespace bench
