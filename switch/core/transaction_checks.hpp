// TransactionChecks: the checks of a sale, void or refund. Which there are and in which order is
// check_list.hpp; what each one looks at is transaction_checks.cpp, a function each. They read the world and
// write only into the draft.
#pragma once

#include "switch/core/core_context.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/terminals.hpp"
#include "switch/core/transaction_draft.hpp"

namespace acquirer {

class TransactionChecks {
  public:
    TransactionChecks(CoreContext& context, Terminals& terminals, const StoreAndForward& queue)
        : c_(context), terminals_(terminals), queue_(queue) {}

    /// What a terminal asked: the first refusal in the order of precedence, or none. Finds sale and route;
    /// may set `hold`.
    [[nodiscard]] Refusal judge(TransactionDraft& draft);
    /// A refund that operations open or ask about, whose sale is found. May set `hold`.
    [[nodiscard]] Refusal judge_case(TransactionDraft& draft);
    /// A line of a batch (R100), whose approval is that of R17 and R29: as a case, and R20b holds it too.
    [[nodiscard]] Refusal judge_line(TransactionDraft& draft);
    /// R9: the policy makes a void of this refund, whose checks have passed.
    [[nodiscard]] bool becomes_a_void(const TransactionDraft& draft) const;
    /// So many uses of one trace number within a day that recording another would forget one (I3).
    [[nodiscard]] bool slot_is_flooded(const TransactionDraft& draft) const;

  private:
    CoreContext& c_;
    Terminals& terminals_;
    const StoreAndForward& queue_;
};

}  // namespace acquirer
