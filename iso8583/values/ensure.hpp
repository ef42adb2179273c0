// ENSURE: a check of our own reasoning that stays on in release. Never reachable by peer input: what a peer
// gets wrong is a Result, what the business forbids is a Refusal (docs/decisions/0002-three-failures.md).
#pragma once

namespace iso8583 {
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;
}

#define ENSURE(condition)                                \
    (static_cast<bool>(condition) ? static_cast<void>(0) \
                                  : ::iso8583::ensure_failed(#condition, __FILE__, __LINE__))
