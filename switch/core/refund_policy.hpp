// RefundPolicy: what a refund of a found sale is measured by: state, window, limits, remaining, approval.
// Pure functions of records and configuration. Rules R5, R6, R9, R11, R14, R16, R17, R24.
#pragma once

#include <cstdint>

#include "ledger/transaction_record.hpp"
#include "switch/core/refusal.hpp"
#include "switch/core/request.hpp"

namespace acquirer {

/// R14: may a refund be taken from a sale in this state, or a void be made of it?
Refusal refund_state(const ledger::TransactionRecord& sale);
/// R5, R6: may an approved sale be voided now?
enum class BatchState : std::uint8_t { open, settled };
Refusal void_right(const ledger::TransactionRecord& sale, BatchState batch, iso8583::BusinessDate today);
/// R16.
Refusal refund_window(const ledger::TransactionRecord& sale, std::int32_t window_days,
                      iso8583::BusinessDate today);
/// R24: `counted_today` is how many refunds the terminal has had accepted or held today.
Refusal refund_limits(const RefundPolicy& policy, std::int64_t amount_minor, std::int64_t counted_today);
/// R29: a sale so many business days old that a checker decides.
bool is_old(const RefundPolicy& policy, const ledger::TransactionRecord& sale, iso8583::BusinessDate today);
/// R17: over a limit, or keyed in and over the lower one.
bool needs_approval(const RefundPolicy& policy, std::int64_t amount_minor, CardEntry entry);

}  // namespace acquirer
