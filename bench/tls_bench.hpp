// `switch-bench tls`: what TLS costs the switch's side: handshakes a second, new and resumed; what it adds to
// a request and its answer; and the memory of a connection that is idle. Two channels in memory, no socket.
//
// Units: processor time of this thread, within the server's calls alone. Bound: idle_kib_max. Only the
// release preset's numbers are reported. Errors: the exit code, with a line on stderr.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// What a connection may hold while nothing happens on it, its TLS included.
inline constexpr double idle_kib_max = 40;

struct TlsBenchOptions {
    std::string json_file;             // empty: none
    std::uint32_t handshakes = 1'000;  // of each kind
    std::uint32_t messages = 50'000;
    std::uint32_t message_bytes = 256;  // of a request, and of its answer
    std::uint32_t idle = 2'000;         // connections
};

/// Prints a table; 0, or 1 when an idle connection costs more than idle_kib_max or a handshake fails.
int run_tls_bench(const TlsBenchOptions& options);

}  // namespace bench
