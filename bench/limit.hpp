// switch-bench limit: the rungs below the switch, under the load's own generator. A bare relay moves whole
// frames from terminals to an echoing issuer and back, with no parsing and no ledger; the second rung also
// writes three records of a refund's size for each request, through the switch's own store with its one
// committer, and passes a request on only after its sync. What a load reaches is then a ratio of figures
// taken on the same machine.
#pragma once

#include <cstdint>
#include <string>

#include "bench/report.hpp"
#include "iso8583/values/result.hpp"

namespace bench {

struct LimitOptions {
    std::size_t connections = 64;
    std::size_t per_connection = 16;  // rungs are taken with 1 and with this
    std::string rate = "max";
    double duration_s = 4;
    std::string directory;  // made for the records
    ReportFiles files;
};

enum class Relay : std::uint8_t { bare, with_records };

struct RelayRun {
    Relay relay = Relay::bare;
    std::size_t connections = 64, per_connection = 1;
    std::uint64_t rate = 0;
    double warm_up_s = 1, duration_s = 4;
    std::string directory;  // with_records: made for the run and removed
};
/// One rung; starts relay and issuer as threads of this process and stops them.
iso8583::Result<Measured> run_relay(const RelayRun& run);

/// Exit code: 0 done, 1 could not run, 2 usage.
int run_limit(const LimitOptions& options);

}  // namespace bench
