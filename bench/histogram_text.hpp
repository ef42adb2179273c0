// A histogram as the text that HdrHistogram's tools read (.hgrm): value, percentile, total count and
// 1/(1-percentile) a line, with a foot. Values in milliseconds.
#pragma once

#include <string>

#include "bench/histogram.hpp"

namespace bench {

std::string to_hgrm(const Histogram& histogram);

}  // namespace bench
