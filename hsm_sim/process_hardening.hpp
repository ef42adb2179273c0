// Keeps the memory of a process that holds keys off disks: no core dumps, no swapping. Called once, early in
// a main.
#pragma once

#include <string>

#include "iso8583/values/result.hpp"

namespace hsm {

/// Core dumps off and the process closed to tracers of the same user. Cannot be undone.
void forbid_core_dumps();
/// Locks all pages, now and later. The error names the limit to raise; running on without is the caller's
/// decision.
iso8583::Result<void> lock_memory();

}  // namespace hsm
