// Admission: what stands before every flow: the format of a request, its terminal and merchant, its MAC, the
// terminal's sign-on, and whether a ledger that comes from a backup takes it yet. What is not admitted has
// its answer here, or gets none; no flow hears of it and nothing of it is recorded.
//
// Ownership: member of SwitchCore; it has no state of its own. Thread: the core's. Errors: none: each is a
// Refusal. Source: docs/wire.md; refund_rules.md R25, R40, R64, R65.
#pragma once

#include "switch/core/core_context.hpp"
#include "switch/core/restored.hpp"
#include "switch/core/source_limits.hpp"
#include "switch/core/terminals.hpp"

namespace acquirer {

class Admission {
  public:
    Admission(CoreContext& context, Terminals& terminals, SourceLimits& limits, Restored& restored)
        : c_(context), terminals_(terminals), limits_(limits), restored_(restored) {}

    /// Format, terminal, merchant, MAC, sign-on: true when the request may go on. Its MAC proves the
    /// terminal's keys, and from here on the merchant is known to the ledger.
    [[nodiscard]] bool admit(const RequestArrived& event);

  private:
    CoreContext& c_;
    Terminals& terminals_;
    SourceLimits& limits_;
    Restored& restored_;
};

}  // namespace acquirer
