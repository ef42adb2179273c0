// SaleChain: what the beginning and the end of a refund, void or reversal do to its sale: what remains of it,
// its state, its books, and the terminal's count of refunds. The only caller of the ledger's money functions
// (reserve, release, post, unpost), so that what belongs together is never done by half.
//
// The state of the refund or void itself is its flow's affair; the sale's is moved here.
// Ownership: member of SwitchCore. Thread: the core's. Rules R3, R8, R24, R32, R34, R39, R51a, R55.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/reserve_fund.hpp"

namespace acquirer {

class SaleChain {
  public:
    explicit SaleChain(CoreContext& context) : c_(context) {}

    // The sale. It may be the completion of an authorization, which then follows it (R92, R93).
    void sale_approved(ledger::TransactionRecord& sale);
    /// R71, R72: it stands after all: on the books, if it is not on them.
    void sale_stands(ledger::TransactionRecord& sale);
    void refund_stands(ledger::TransactionRecord& refund);
    /// The issuer refused it: what it would have completed stands again.
    void sale_declined(const ledger::TransactionRecord& sale);
    /// Its reversal is final: off the books, if it ever was on them.
    void sale_reversed(ledger::TransactionRecord& sale);

    /// A completion that was accepted and never left is taken back (R33).
    void completion_cancelled(ledger::TransactionRecord& completion);
    /// R51a: what was taken for undone may stand again. False when its authorization went on meanwhile.
    [[nodiscard]] bool sale_in_doubt_again(const ledger::TransactionRecord& sale, std::string_view rule);

    /// R39: a partial reversal lowers it, or was refused and restores it: its amount, its books, and its
    /// batch's total as long as that counts it.
    void change_amount(ledger::TransactionRecord& sale, std::int64_t to_minor);

    /// R18: what the customer's bank took back counts like a refund; a dispute that was won gives it back.
    void charged_back(ledger::TransactionRecord& sale, std::int64_t minor);
    void charge_back_won(ledger::TransactionRecord& sale, std::int64_t minor);

    // A refund. What is reserved counts in what remains of the sale and in the terminal's day (R24).
    /// ENSUREs that the amount remains.
    void reserve(ledger::TransactionRecord& refund, const iso8583::Rrn& sale);
    /// R51a: what was released happened after all. False when the amount was used meanwhile.
    [[nodiscard]] bool reserve_again(ledger::TransactionRecord& refund);
    /// The issuer has it.
    void refund_approved(ledger::TransactionRecord& refund);
    /// Refused finally after acceptance: it goes on counting, in suspense (R55).
    void refund_abnormal(ledger::TransactionRecord& refund);
    /// R74: two people decided that it goes back another way; it goes on counting.
    void paid_to_merchant(ledger::TransactionRecord& refund);
    void paid_outside(ledger::TransactionRecord& refund);
    /// The issuer paid after a way out, or twice: what it paid stands in suspense, and what was cancelled
    /// counts again as far as Remaining allows.
    void paid_twice(ledger::TransactionRecord& refund);
    /// R76: a case of a checker came to nothing, and the customer holds a slip.
    void case_not_paid(const ledger::TransactionRecord& refund);
    /// It did not happen, or not any more: neither the sale nor the terminal's day counts it.
    void release(ledger::TransactionRecord& refund);

    /// The refunds of a sale that a terminal's reversal of it beats. Nothing: one of them counts that is not
    /// held.
    [[nodiscard]] std::optional<std::vector<iso8583::Rrn>> held_refunds(
        const ledger::TransactionRecord& sale) const;

    // A void, of a sale or (R91) of an authorization.
    /// Its issuer is asked.
    void void_asked(ledger::TransactionRecord& void_record, const iso8583::Rrn& sale);
    /// Its route takes it as the reversal of the sale: done as soon as it is queued.
    void void_queued(ledger::TransactionRecord& void_record, const iso8583::Rrn& sale);
    void void_approved(const ledger::TransactionRecord& void_record);
    /// R32: an approved void is being reversed.
    void void_is_undone(const ledger::TransactionRecord& void_record);
    /// R32: its reversal was refused finally.
    void void_stands(const ledger::TransactionRecord& void_record);
    /// R51a: what was taken for failed may have happened. False when the sale went on meanwhile.
    [[nodiscard]] bool void_in_doubt_again(const ledger::TransactionRecord& void_record);
    /// It did not happen, or not any more: the sale stands again (under `rule`; R32 when it was off the
    /// books). Returns the sale when its own reversal waited for just that (R34): the caller reverses it.
    [[nodiscard]] ledger::TransactionRecord* void_failed(const ledger::TransactionRecord& void_record,
                                                         std::string_view rule);

  private:
    void know_numbers_of_void_before(const ledger::TransactionRecord& sale,
                                     ledger::TransactionRecord& void_record);
    ledger::TransactionRecord& sale_of(const ledger::TransactionRecord& refund_or_void);
    void set_voided(ledger::TransactionRecord& sale, std::string_view rule);
    void post(ledger::TransactionRecord& sale);
    void unpost(ledger::TransactionRecord& sale);
    void count_in_day(const ledger::TransactionRecord& refund, int sign);
    /// Fee, discount and the reserve's share follow what stands of the sale.
    void settle_charges(ledger::TransactionRecord& sale, reserve_fund::Share may);
    void settle_charges_of_refund(ledger::TransactionRecord& sale, const ledger::TransactionRecord& refund);

    CoreContext& c_;
};

}  // namespace acquirer
