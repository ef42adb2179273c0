// PreAuthorization: what stands between an authorization, its voids and its completions (R90–R95, rulings 13,
// 35 and 36): which authorization a request names, what it still allows, how it moves with its newest
// completion, and when it lapses. A completion is a sale of its own whose original is the authorization;
// nothing is ever posted in the authorization itself.
//
// I14: an authorization has at most one completion that stands, and never above its bound: a second one is
// refused until nothing can bring the first one back.
//
// Ownership: refers to the context; without state of its own. Thread: the core's.
#pragma once

#include <string_view>

#include "switch/core/core_context.hpp"

namespace acquirer {

class StoreAndForward;

class PreAuthorization {
  public:
    explicit PreAuthorization(CoreContext& context) : c_(context) {}

    // What a void or completion names, and what the authorization allows it (ruling 35, 13, 36).
    /// Merchant + DE37, else card + DE38 + 61.3. Nothing: there is none, or there are two.
    [[nodiscard]] const ledger::TransactionRecord* find(const TerminalRequest& request);
    /// 09 while something of it is under way, 12 when it is spent. One that has lapsed is left to the window.
    [[nodiscard]] Refusal state(const ledger::TransactionRecord& authorization, RequestKind asked);
    /// May no completion of it come back from what it was taken for?
    [[nodiscard]] bool is_free(const ledger::TransactionRecord& authorization);

    // Its moves.
    void authorized(ledger::TransactionRecord& authorization, std::string_view rule);
    /// Its completion is asked for, or (an advice) accepted.
    void completion_begun(ledger::TransactionRecord& completion, ledger::State to);
    /// Its completion is approved, or stands after all.
    void completion_stands(const ledger::TransactionRecord& completion, std::string_view rule);
    /// Its completion did not happen, or not any more: the authorization stands again (R93).
    void completion_undone(const ledger::TransactionRecord& completion, std::string_view rule);
    /// R51a, R32: what had been undone may stand again. False when the authorization went on meanwhile.
    [[nodiscard]] bool completion_may_return(const ledger::TransactionRecord& completion);
    void completion_in_doubt_again(const ledger::TransactionRecord& completion, std::string_view rule);
    /// The state that a void or the end of one gives it.
    void move_to(ledger::TransactionRecord& authorization, ledger::State to, std::string_view rule);

    // R95.
    /// Its deadline after a restart.
    void watch(const ledger::TransactionRecord& authorization);
    void on_lapse_deadline(const iso8583::Rrn& rrn, StoreAndForward& queue);

  private:
    [[nodiscard]] ledger::TransactionRecord* authorization_of(const ledger::TransactionRecord& completion);
    [[nodiscard]] std::int64_t ends_in_ms(const ledger::TransactionRecord& authorization) const;

    CoreContext& c_;
};

/// R92: can it still be completed on this day of the switch's zone? `days` is the route's.
bool completes_in_time(const ledger::TransactionRecord& authorization, std::uint32_t days,
                       iso8583::Date today);
/// R92: the most that it may be completed for. `percent` is the route's.
std::int64_t completion_bound_minor(const ledger::TransactionRecord& authorization, std::uint32_t percent);

}  // namespace acquirer
