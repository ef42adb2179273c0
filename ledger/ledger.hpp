// Ledger: records, trace slots, open work, totals and counters over the overlay of a turn. It keeps the money
// rules of one sale together (reserve, post, release): nobody else touches a record's amounts or postings.
//
// Records are handles: find() and edit() give the one decoded object of a transaction (record_table.hpp), and
// nobody saves copies.
//
// Ownership: refers to the overlay. Thread: the core's. Errors: a store or corruption error sticks in
// error(); the caller goes on with "nothing found" and the turn stops before anything of it becomes visible.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/free_traces.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/overlay.hpp"
#include "ledger/record_table.hpp"
#include "ledger/refund_facts.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/totals.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

/// A checkpoint is written after this many turn records. Those that it covers are erased by the turns after
/// it, a few by each: all at once they would make that turn as long as ten others.
inline constexpr std::uint64_t turns_per_checkpoint = 1024;
inline constexpr std::uint64_t turn_records_erased_a_turn = 4;
/// RRNs and STANs skipped at a restart, so that what was given but never became durable is not given again.
/// Numbers are lost with the turns whose sync had not ended: the one being collected and those in flight
/// (one, with a replicated store up to three), each of at most 256 events (acquirer::turn_events_max), each
/// of which takes at most four numbers (a void: its own, an exception's and two of its reversal). 4 × 256 × 4
/// = 4,096. RRNs and STANs are counted apart, so that the 50 lines of a batch in a turn fit in as well.
inline constexpr std::uint64_t numbers_skipped_at_restart = 4'096;
/// More RRNs than a switch can give in a millisecond, so that this many for each of the day is above all that
/// were given: what a restored ledger goes on from. 20 times what docs/performance.md has measured.
inline constexpr std::uint64_t restored_rrns_a_ms = 100;
inline constexpr std::uint64_t restored_shard_rrns_a_ms = 24;  // six characters of base 36 hold no more

class Ledger {
    // What has books of its own over the same overlay: file_books.hpp, batch_books.hpp,
    // recon_books.hpp, notice_books.hpp, party_books.hpp, merchant_books.hpp, retention_books.hpp,
    // vault_books.hpp.
    friend class FileBooks;
    friend class BatchBooks;
    friend class ReconBooks;
    friend class NoticeBooks;
    friend class PartyBooks;
    friend class MerchantBooks;
    friend class RetentionBooks;
    friend class VaultBooks;

  public:
    /// ENSUREs the form of the plan: whoever reads it from a configuration has checked it.
    explicit Ledger(Overlay& overlay, NumberPlan numbers = {});

    // Recovery.
    /// Totals, counters and the list of open work; call once, before anything else.
    void recover();
    [[nodiscard]] const std::set<iso8583::Rrn>& open_work() const { return open_; }

    // Records.
    /// To read; nothing when there is no such record. The one object of the transaction: later changes of the
    /// same step show in it. Valid until the turn is closed.
    [[nodiscard]] const TransactionRecord* find(const iso8583::Rrn& rrn);
    /// Of a refund that is in its sale's chain; nothing when there is no such record.
    [[nodiscard]] std::optional<RefundFacts> refund_facts(const iso8583::Rrn& rrn);
    /// To change: the same object. It is encoded when the turn closes, and its open-work entry comes and goes
    /// with is_open().
    [[nodiscard]] TransactionRecord* edit(const iso8583::Rrn& rrn);
    /// A new record, under the number that next_rrn() gave. Changes of the returned object are written too.
    TransactionRecord& add(TransactionRecord&& record);
    /// The transactions that the turn under way has changed.
    [[nodiscard]] const std::vector<iso8583::Rrn>& changed() const { return records_.changed(); }
    [[nodiscard]] TraceSlot trace_slot(const std::string& slot_key);
    void add_trace(const std::string& slot_key, TraceSlot slot, TraceEntry entry);

    // Numbers that never come back.
    /// YDDD of the local day + 8 characters (NumberPlan); never below the last one given, even when the clock
    /// goes back, and none under which a transaction is stored already (YDDD comes again after ten years).
    [[nodiscard]] iso8583::Rrn next_rrn(const iso8583::Now& now);
    /// The last one given, or the one before the first of a new ledger; a record under it need not exist.
    [[nodiscard]] iso8583::Rrn last_rrn() const { return rrn_of(counters_.rrn_sequence); }
    /// The ledger comes from a backup (R65): what was given after it was made is not known here and is not
    /// given again. RRNs go on above what can have been given today, STANs half a round further, and what
    /// counts by itself (exceptions, proposals, disputes) above the time of day in seconds.
    void skip_lost_numbers(const iso8583::Now& now);
    /// The same for what is not counted in the turn's record; again at each start.
    void number_from(iso8583::UtcTime restored) { numbered_from_ = seconds_of(restored); }
    struct IssuerNumbers {
        iso8583::Stan stan;
        iso8583::TransmissionTime transmission_time;
    };
    [[nodiscard]] IssuerNumbers next_issuer_numbers(const iso8583::Now& now);

    [[nodiscard]] const NumberPlan& numbers() const { return numbers_; }

    /// Of a shard beside others: the merchant's work is kept here, durably from its first turn on, and for
    /// good.
    void keep_merchant(const iso8583::MerchantId& merchant);

    // Money of one sale. `day` is the current business day.
    void post_sale(TransactionRecord& sale, iso8583::BusinessDate day);
    void unpost_sale(TransactionRecord& sale, iso8583::BusinessDate day);
    /// R39: the sale is of this amount from now on, lower or restored; ENSUREs that its refunds and
    /// chargebacks fit in it.
    void change_sale(TransactionRecord& sale, std::int64_t to_minor, iso8583::BusinessDate day);
    /// Reserves the refund in the sale and chains it; ENSUREs amount ≤ remaining.
    void reserve(TransactionRecord& sale, TransactionRecord& refund, iso8583::BusinessDate day);
    /// A case goes over another route than it was accepted for: what is reserved moves to that one's account.
    /// Nothing when it is the same route; ENSUREs fewer than reroutes_max before.
    void reroute(TransactionRecord& refund, std::uint16_t to, iso8583::BusinessDate day);
    /// The issuer has it: in transit → issuer.
    void post_refund(TransactionRecord& refund, iso8583::BusinessDate day);
    /// It did not happen after all: remaining is restored.
    void release(TransactionRecord& sale, TransactionRecord& refund, iso8583::BusinessDate day);
    /// Refused finally after acceptance: in transit → suspense; goes on counting (R55).
    void suspend_refund(TransactionRecord& refund, iso8583::BusinessDate day);
    /// A chargeback of so much, or, below zero, one that was won: merchant ↔ chargebacks. ENSUREs that it
    /// remains.
    void post_chargeback(TransactionRecord& sale, std::int64_t minor, iso8583::BusinessDate day);
    /// R74: what stands in suspense was paid another way: suspense → `to`.
    void pay_suspended(TransactionRecord& refund, Account to, iso8583::BusinessDate day);
    /// The issuer paid though the refund had gone another way: suspense → issuer.
    void pay_again(TransactionRecord& refund, iso8583::BusinessDate day);
    /// A cancelled refund that was paid counts again, as far as Remaining allows.
    void count_again(TransactionRecord& sale, TransactionRecord& refund);

    Totals& totals() { return totals_; }
    [[nodiscard]] const Totals& totals() const { return totals_; }

    /// Of the step under way: what is closed in it is closed then.
    void step_at(iso8583::UtcTime at) { step_at_ = at; }

    // Terminals, exceptions, overrides, days.
    [[nodiscard]] std::optional<TerminalRecord> terminal(const iso8583::TerminalId& id);
    void save(const TerminalRecord& terminal);
    /// What an exception is about, and what happened. `subject` is of what is about no transaction.
    struct WhatHappened {
        std::optional<iso8583::Rrn> rrn;
        std::string subject;
        std::string kind;
        std::string rule;
        std::string text;
        bool alarm = false;
    };
    /// One of a kind is open about a transaction or subject at a time: what happens again meanwhile is
    /// counted in that one, with the last texts.
    ExceptionRecord open_exception(WhatHappened what, iso8583::UtcTime at);
    /// One of its own, though others like it are open: for whoever knows whether his is.
    ExceptionRecord add_exception(WhatHappened what, iso8583::UtcTime at);
    [[nodiscard]] std::optional<ExceptionRecord> exception(const std::string& id);
    void save(const ExceptionRecord& exception);
    /// The ids of the open exceptions of a kind.
    [[nodiscard]] std::vector<std::string> open_exceptions_of_kind(std::string_view kind) const;
    /// The ids of the open exceptions about a transaction, in the order in which they opened.
    [[nodiscard]] std::vector<std::string> open_exceptions_of(const iso8583::Rrn& rrn) const;
    /// Closes those of a kind; false when none was open.
    bool resolve_exception(const iso8583::Rrn& rrn, std::string_view kind, const std::string& resolution,
                           const std::string& by);

    /// The same of what is about no transaction.
    bool resolve_exception_of(std::string_view subject, std::string_view kind, const std::string& resolution,
                              const std::string& by);

    // What waits for a second person, and disputes.
    [[nodiscard]] std::string next_proposal_id();
    [[nodiscard]] std::optional<Proposal> proposal(std::string_view id);
    void save(const Proposal& proposal);
    /// The open one about a transaction.
    [[nodiscard]] std::optional<Proposal> open_proposal_of(const iso8583::Rrn& rrn);
    [[nodiscard]] std::string next_dispute_id();
    [[nodiscard]] std::optional<Dispute> dispute(std::string_view id);
    void save(const Dispute& dispute);
    [[nodiscard]] std::optional<OverrideRecord> override_of(OverrideKind kind, std::string_view id);
    void save_override(OverrideKind kind, std::string_view id, const OverrideRecord& record);
    void save(const ZoneKeyRecord& key);
    [[nodiscard]] std::optional<iso8583::Rrn> find_reference(const iso8583::MerchantId& merchant,
                                                             std::string_view reference);
    void save_reference(const iso8583::MerchantId& merchant, std::string_view reference,
                        const iso8583::Rrn& rrn);
    /// The sale of a merchant with that order number of its wallet (R83); nothing when none or two have it.
    [[nodiscard]] std::optional<iso8583::Rrn> find_order_number(const iso8583::MerchantId& merchant,
                                                                std::string_view order_number);
    /// Leads there from now on; again is nothing new.
    void save_order_number(const iso8583::MerchantId& merchant, std::string_view order_number,
                           const iso8583::Rrn& rrn);
    [[nodiscard]] std::optional<BusinessDayRecord> newest_business_day();
    void save(const BusinessDayRecord& day);
    /// The accounts of closed days leave the memory: what they summed up to is stored, a record for each part
    /// of a day.
    void put_away_days_before(iso8583::BusinessDate day);

    /// No RRN that was given at this time or later is below it: the time of day is a floor of the sequence.
    [[nodiscard]] iso8583::Rrn first_rrn_at(const iso8583::CivilTime& local) const;

    // All that are stored, for the recovery of whoever keeps them in memory. One that cannot be read ends it
    // with an error: an operator's word must not be forgotten silently.
    void visit_terminals(const std::function<void(TerminalRecord&&)>& visit);
    void visit_overrides(const std::function<void(const OverrideKey&, const OverrideRecord&)>& visit);
    void visit_zone_keys(const std::function<void(ZoneKeyRecord&&)>& visit);

    /// find() reads no bytes.
    [[nodiscard]] bool is_decoded(const iso8583::Rrn& rrn) const { return records_.contains(rrn); }
    /// Every record that is decoded now, for whoever compares them with what is stored.
    void visit_decoded(const std::function<void(const TransactionRecord&)>& visit) const {
        records_.visit(visit);
    }

    /// Writes the changed records in RRN order, and the turn's record when the turn wrote anything.
    void close_turn();

    Overlay& overlay() { return overlay_; }
    /// What somebody beside it could not read over the same overlay; the first stays.
    void fail(const std::string& why) {
        if (!error_) error_ = StoreError{StoreError::Kind::corruption, why};
    }
    [[nodiscard]] const std::optional<StoreError>& error() const { return error_; }

  private:
    std::optional<std::string> get(Family family, const std::string& key);
    void scan(Family family, KeyPrefix prefix, const ScanVisitor& visit);
    template <typename T>
    std::optional<T> decoded(iso8583::Result<T> result) {
        if (result) return std::move(*result);
        if (!error_) error_ = StoreError{StoreError::Kind::corruption, result.error().what};
        return std::nullopt;
    }
    TransactionRecord* loaded(const iso8583::Rrn& rrn);
    void write_changed_records();
    /// A posting is counted under the accounts that the record says are its.
    void post(TransactionRecord& record, Posting posting);
    void write_checkpoint();
    void erase_old_turn_records();
    bool check_format();
    [[nodiscard]] iso8583::Rrn rrn_of(std::uint64_t sequence) const;
    /// The number of the sequence, which goes on until nothing is stored under it.
    iso8583::Rrn step_over_stored_rrns();
    void look_behind(const std::string& slot_key);

    Overlay& overlay_;
    RecordTable records_;
    RecentRefunds recent_refunds_;
    FreeTraces free_traces_;
    NumberPlan numbers_;
    Totals totals_;
    std::set<iso8583::Rrn> open_;
    TurnRecord counters_;
    /// The prefix of a day's RRNs, made once a day.
    struct RrnPrefix {
        std::int32_t day = -1;
        std::string text;
    };
    mutable RrnPrefix rrn_prefix_;
    std::uint64_t turn_ = 0;  // of the last turn record
    std::uint64_t checkpointed_turn_ = 0;
    std::uint64_t erased_turn_ = 0;      // turn records up to this one are gone
    std::string checkpoint_properties_;  // unknown ones, written back
    bool marked_ = true;                 // the store has a format marker
    // No transaction is stored under one in [from, to), or from `from` on; from empty: not looked yet.
    iso8583::Rrn free_rrns_from_;
    std::optional<iso8583::Rrn> free_rrns_to_;
    static std::uint64_t seconds_of(iso8583::UtcTime at) { return static_cast<std::uint64_t>(at.ms / 1'000); }
    std::string next_numbered_id(char letter, KeyPrefix prefix, std::uint64_t& last);
    void recover_exceptions();
    [[nodiscard]] std::string oldest_open_exception() const;
    void recover_proposals();
    void recover_merchants();

    std::map<std::string, std::string> open_exceptions_;  // id → kind and subject
    std::map<iso8583::Rrn, std::string> open_proposals_;  // by transaction: id
    std::set<iso8583::MerchantId> merchants_;             // of a shard beside others: written down as its own
    std::uint64_t last_proposal_ = 0, last_dispute_ = 0;  // 0: not looked yet
    std::uint64_t numbered_from_ = 0;                     // of a restored ledger
    iso8583::UtcTime step_at_;
    std::optional<StoreError> error_;

  public:
    [[nodiscard]] std::uint32_t exceptions_open() const {
        return static_cast<std::uint32_t>(open_exceptions_.size());
    }
};

}  // namespace ledger
