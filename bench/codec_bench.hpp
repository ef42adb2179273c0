// `switch-bench codec`: nanoseconds to decode and encode one message by dialect, beside a hand-written parse
// of the same bytes in the same run. Ratios travel between machines, figures do not.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct CodecBenchOptions {
    std::string json_file;        // empty: none
    std::uint32_t case_ms = 400;  // of each case, in rounds taken in turns with the other cases
    std::uint32_t rounds = 9;     // the median of the rounds is reported, and the fastest
    bool instructions = true;     // count them with callgrind, where valgrind is installed
    std::string only;             // run this one case `iterations` times and print nothing; for callgrind
    std::uint64_t iterations = 0;
};

/// Prints a table; 0, or 1 with a line on stderr.
int run_codec_bench(const CodecBenchOptions& options);

}  // namespace bench
