// What a transaction costs between the bytes of its request and those of its answer: sessions with their
// MACs, core, turn, towards the issuer and back; a memory store, no sockets. It drives the process that the
// simulator drives (tests/simulation/switch_process.hpp); terminals and issuer are peers' models.
// `switch-bench session`.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct SessionBenchOptions {
    std::uint32_t transactions = 20'000;  // sales, and as many refunds
    std::uint32_t terminals = 64;         // as many requests arrive together
    std::string only;                     // "unionpay-pos" (an issuer online) or "iso87-ascii" (by advice)
    bool sales_only = false;              // no refunds (what a count subtracts)
    bool sign_on_only = false;            // not even sales
    std::string json_file;                // empty: none
};

int run_session_bench(const SessionBenchOptions& options);

}  // namespace bench
