// The part of StoreAndForward that is a wallet's alone: refunds that it works at by itself, and the distance
// that it wants between two refunds of one sale. R80; ruling 11 of the contract;
// docs/decisions/0023-processing-is-a-state-of-its-own.md.
#include <algorithm>

#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;

namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t day_ms = 86'400 * second_ms;

}  // namespace

/// By the wall clock, which alone outlives a restart; never longer than the distance itself. It is asked once
/// for each refund, as nobody of its sale passes the one that waits: a clock that was set back says
/// "the whole distance" until it has come to where it was.
std::int64_t StoreAndForward::spacing_left_ms(const TransactionRecord& refund,
                                              const routing::Route& route) const {
    const bool leaves_first = refund.advice.kind == QueuedAdvice::Kind::refund && refund.advice.attempts == 0;
    if (route.kind != routing::RouteKind::wallet || route.wallet.spacing_seconds == 0 || !leaves_first)
        return 0;
    const std::int64_t spacing_ms = route.wallet.spacing_seconds * second_ms;
    const TransactionRecord* sale = c_.ledger.find(*refund.original);
    std::optional<iso8583::Rrn> next = sale == nullptr ? std::nullopt : sale->last_refund;
    std::int64_t left_ms = 0;
    for (std::uint32_t n = 0; next && n <= route.wallet.per_sale_max; ++n) {
        const TransactionRecord* other = c_.ledger.find(*next);
        if (other == nullptr) break;
        const std::int64_t since_ms = c_.now.utc.ms - other->advice.first_attempt.ms;
        if (other->advice.first_attempt.ms != 0)
            left_ms = std::max(left_ms, std::min(spacing_ms - since_ms, spacing_ms));
        next = other->last_refund;
    }
    return left_ms;
}

void StoreAndForward::processing(TransactionRecord& record, const routing::Route& route,
                                 iso8583::Instant queued) {
    QueuedAdvice& a = record.advice;
    if (record.state == State::advice_pending) {
        if (a.processing_since.ms == 0) a.processing_since = c_.now.utc;
        move(record, State::processing, "R80", c_.now.utc);
        leave(record);
        c_.count("refunds.processing");
    }
    poll_again(record, route, queued);
}

/// R80: polls count for neither attempts nor staleness; the days of processing have an end. They run by the
/// monotonic clock, as its age in the queue does: the stored times say how far behind its queueing they
/// began.
void StoreAndForward::poll_again(TransactionRecord& record, const routing::Route& route,
                                 iso8583::Instant queued) {
    const std::int64_t queued_before_ms =
        std::max<std::int64_t>(record.advice.processing_since.ms - record.advice.queued.ms, 0);
    const std::int64_t age_ms = c_.now.instant.ms - queued.ms - queued_before_ms;
    if (age_ms >= route.wallet.processing_days_max * day_ms)
        park(record, "refund_processing_too_long",
             "the wallet has been processing it for " + std::to_string(age_ms / day_ms) + " days");
    else
        wait_again(record, route.wallet.poll_seconds * second_ms, queued);
}

}  // namespace acquirer
