// The part of Undoing that takes back a part of a sale (R39). The sale stays approved and is lowered at once,
// because its terminal was answered 00; the 0420s of its partial reversals leave one after the other, each
// with numbers of its own, and a refusal restores what it had taken.
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

using ledger::PartialReversal;
using ledger::State;
using ledger::TransactionRecord;

void Undoing::reverse_part(TransactionRecord& sale, std::uint64_t digest, std::int64_t left_minor) {
    ENSURE(sale.lowering.reversals.size() < ledger::partial_reversals_max);
    if (sale.lowering.reversals.empty()) sale.lowering.first_minor = sale.amount.minor_units();
    const bool is_alone = sale.open_partial() == nullptr;
    PartialReversal& p = sale.lowering.reversals.emplace_back();
    p.digest = digest;
    p.left_minor = left_minor;
    chain_.change_amount(sale, left_minor);
    note_rule(sale, "R39", c_.now.utc);
    if (is_alone) send_partial(sale);
}

void Undoing::send_partial(TransactionRecord& sale) {
    queue_.send_reversal(sale, Original::approved);
    PartialReversal* open = sale.open_partial();
    ENSURE(open != nullptr);
    open->stan = sale.advice.stan;
    open->transmission_time = sale.advice.transmission_time;
}

/// The queue has settled its advice: the next one may go, or the reversal of all that came meanwhile.
void Undoing::end_partial(TransactionRecord& sale, PartialReversal::Status status, std::string_view rule) {
    sale.open_partial()->status = status;
    chain_.change_amount(sale, sale.lowered_to_minor());
    note_rule(sale, rule, c_.now.utc);
    c_.note(Severity::info, NoteKind::reversal_final, sale, rule,
            status == PartialReversal::Status::done ? "reversed in part" : "not reversed in part");
    if (sale.open_partial() != nullptr)
        send_partial(sale);
    else if (sale.state == State::reversing)
        queue_.send_reversal(sale, Original::approved);
}

void Undoing::on_partial_done_late(TransactionRecord& sale) {
    PartialReversal& last = sale.lowering.reversals.back();
    c_.ledger.resolve_exception(sale.rrn, "partial_reversal_refused",
                                "the issuer confirmed the partial reversal after all", "the switch");
    const bool fits = sale.state == State::approved && last.left_minor < sale.amount.minor_units() &&
                      last.left_minor >= sale.refunds_minor + sale.chargebacks_minor;
    if (fits) {
        last.status = PartialReversal::Status::done;
        chain_.change_amount(sale, last.left_minor);
        note_rule(sale, "R39", c_.now.utc);
        return;
    }
    c_.open_exception(sale.rrn, "partial_reversal_late", "R39",
                      "the issuer confirmed a partial reversal that it had refused, and the amount was used "
                      "meanwhile; its books and ours differ",
                      ledger::Urgency::alarm);
}

}  // namespace acquirer
