#include "iso8583/values/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace iso8583 {
void ensure_failed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "ENSURE failed: %s at %s:%d\n", condition, file, line);
    std::abort();
}
}  // namespace iso8583
