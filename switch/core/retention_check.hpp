// What retention may let go and what not: pure functions over a store's records. A transaction goes with its
// whole story (the sale or authorization and all that hangs on it), and never before the story has ended, its
// terminal's batch is settled, its refund window is over and no person has it before them. Who lets it go is
// retention.hpp; who shows what would go is switch/views/retention_views.cpp; both ask here.
//
// Ownership: refers to the store and the configuration. Thread: any. Errors: a store that cannot be read, or
// a damaged record.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "ledger/retention_records.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/configuration.hpp"

namespace acquirer {

/// Why something stays.
enum class KeptBy : std::uint8_t {
    nothing,
    age,             // it is not old enough
    story,           // it is not at its end
    window,          // it may still be refunded (R16)
    batch,           // its terminal's batch is not settled
    hold,            // operations hold it (R78)
    exception,       // an exception is open
    dispute,         // a dispute is open
    proposal,        // a proposal is open
    reconciliation,  // a difference to its issuer's file is open
    refund_batch     // a line of a batch of refunds that is not at its end
};
/// A stable word, and a few more for people.
std::string_view name(KeptBy kept);
std::string_view words(KeptBy kept);

struct RetentionVerdict {
    KeptBy kept_by = KeptBy::nothing;  // nothing: it goes
    iso8583::BusinessDate again;       // when it is worth looking again
};

/// Days that a family is kept; 0: for ever.
std::int32_t days_of(const RetentionDays& days, ledger::RetentionFamily family);
bool any_of(const RetentionDays& days);
/// Of the ten years that an RRN's YDDD may name, the one before that day or on the day after it.
iso8583::Date date_of_rrn(const iso8583::Rrn& rrn, iso8583::Date today);

/// A sale or authorization and what hangs on it: the root first.
using Story = std::vector<ledger::TransactionRecord>;

class RetentionCheck {
  public:
    template <typename T>
    using Result = iso8583::Result<T, ledger::StoreError>;

    RetentionCheck(const ledger::StoreReader& store, const Configuration& configuration,
                   iso8583::BusinessDate today)
        : store_(store), config_(configuration), today_(today) {}
    /// What people have before them that transactions do not say themselves; before the others.
    Result<void> load();

    /// The story that this record is the root of, or a refusal that stands for itself. Nothing: it belongs to
    /// another's.
    Result<std::optional<Story>> story_of(ledger::TransactionRecord record) const;
    Result<RetentionVerdict> judge(ledger::RetentionFamily family, const Story& story) const;

    [[nodiscard]] RetentionVerdict judge(const ledger::ExceptionRecord& exception) const;
    [[nodiscard]] RetentionVerdict judge(const ledger::Proposal& proposal) const;
    /// The business day in which it was, or the one of the calendar while none of that date had begun.
    [[nodiscard]] iso8583::BusinessDate day_of(iso8583::UtcTime at) const;
    [[nodiscard]] RetentionVerdict by_age(ledger::RetentionFamily family, iso8583::BusinessDate last) const;
    /// The keys of disputes about a sale; they go with it.
    [[nodiscard]] std::vector<std::string> disputes_of(const iso8583::Rrn& sale) const;

    Result<std::optional<ledger::TransactionRecord>> read(const iso8583::Rrn& rrn) const;
    [[nodiscard]] iso8583::BusinessDate today() const { return today_; }

  private:
    Result<void> collect(ledger::TransactionRecord record, Story& story, std::set<iso8583::Rrn>& seen) const;
    [[nodiscard]] iso8583::BusinessDate last_day_of(const ledger::TransactionRecord& record) const;
    [[nodiscard]] KeptBy before_people(const ledger::TransactionRecord& record) const;
    /// The last day on which it may be refunded; nothing: it may not.
    [[nodiscard]] std::optional<iso8583::BusinessDate> refundable_until(
        const ledger::TransactionRecord& sale) const;
    Result<bool> is_settled(const ledger::TransactionRecord& record) const;
    Result<bool> has_open_exception(const iso8583::Rrn& rrn) const;
    Result<bool> has_open_difference(const iso8583::Rrn& rrn) const;

    const ledger::StoreReader& store_;
    const Configuration& config_;
    iso8583::BusinessDate today_;
    std::map<iso8583::BusinessDate, iso8583::UtcTime> began_;
    std::set<iso8583::Rrn> disputed_, proposed_;
    std::set<std::string> open_batches_;
    std::map<iso8583::Rrn, std::vector<std::string>> disputes_;
};

}  // namespace acquirer
