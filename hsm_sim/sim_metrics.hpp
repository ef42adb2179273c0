// The metrics page of hsm-sim, in Prometheus' text format, and its health check. Pure text, no socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/sim_journal.hpp"

namespace hsm {

struct SimFigures {
    const HsmEngine& engine;
    const HostCommands& commands;
    const SimJournal& journal;
    std::uint64_t connections_open = 0;
    std::uint64_t connections_total = 0;
    std::uint64_t busy_us = 0;
};

std::string metrics_text(const SimFigures& figures);
/// A whole HTTP/1.1 answer to the request whose head is given.
std::string http_answer(std::string_view request, const SimFigures& figures);

}  // namespace hsm
