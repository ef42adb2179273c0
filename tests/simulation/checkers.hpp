// Checkers: the invariants I1–I11 of docs/refund_rules.md, watched from outside. They see what becomes
// durable, what leaves and what issuers book, keep a naive model of what each terminal was told, and believe
// nothing the core says of itself. A broken invariant is noted with a sentence; the run goes on, so that one
// seed tells all it can.
//
// Owner: the world. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/memory_store.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/totals.hpp"
#include "ledger/transaction_record.hpp"
#include "routing/issuer_sim/issuer_books.hpp"
#include "switch/core/effect.hpp"

namespace simulation {

struct Broken {
    std::string invariant;  // "I1", "wire", "liveness"
    std::string what;
    iso8583::Instant at;
};

class Checkers {
  public:
    explicit Checkers(const ledger::MemoryStore& disk) : disks_{&disk} {}
    /// Of several shards, in their order: what they have is one ledger.
    explicit Checkers(std::vector<const ledger::MemoryStore*> disks) : disks_(std::move(disks)) {}

    // What happens, as it happens.
    void released(const acquirer::Effect& effect, iso8583::Instant at);
    void batch_durable(const ledger::Batch& batch, iso8583::Instant at, std::size_t shard = 0);
    /// The turn that made the batch is closed: the objects that the core goes on with are what the batch and
    /// what was durable before it read as. `visit_decoded` calls back with each of them.
    using RecordVisitor = std::function<void(const ledger::TransactionRecord&)>;
    void batch_handed_over(const ledger::Batch& batch,
                           const std::function<void(const RecordVisitor&)>& visit_decoded,
                           iso8583::Instant at, std::size_t shard = 0);
    /// Is given each record of a turn that was handed over, decoded.
    std::function<void(ledger::TransactionRecord)> on_written;
    /// What the merchant's reserve holds by its statement; -1 when it does not read.
    [[nodiscard]] std::int64_t reserve_minor(const iso8583::MerchantId& merchant) const;
    /// May the sale still be refunded, by the configuration and the business day of now?
    std::function<bool(const ledger::TransactionRecord&)> is_refundable;
    /// Are given what has become durable, with what was durable before it (null: nothing), when the maps
    /// below say so.
    std::function<void(const ledger::TransactionRecord* before, const ledger::TransactionRecord& now)>
        on_record;
    std::function<void(const ledger::ExceptionRecord* before, const ledger::ExceptionRecord& now)>
        on_exception;
    /// The disk after a crash must hold all that was durable (I9).
    void after_crash(iso8583::Instant at);
    void logged(std::string_view text, iso8583::Instant at);
    void wire_breach(const std::string& what, iso8583::Instant at) { broken("wire", what, at); }
    void broken(std::string invariant, std::string what, iso8583::Instant at);
    /// A rare branch of the world was reached ("crash mid-sync").
    void reached(const std::string& branch, std::uint64_t times = 1) { reached_[branch] += times; }

    // At the end.
    void check_whole_store(iso8583::Instant at);
    /// I6: everything that was in doubt has come to an end, and nothing waits (after faults stopped and
    /// queues drained).
    void check_drained(iso8583::Instant at);
    /// Are there advices that this issuer never answers, by their magic amounts?
    [[nodiscard]] bool has_waiting_forever(routing::RouteId route) const;
    void check_books(routing::RouteId route, const routing::IssuerBooks& books, iso8583::Instant at);
    /// A route is retired in favour of another: refunds of its sales may go there.
    void succeeded(routing::RouteId from, routing::RouteId to) { successors_.insert({from.value, to.value}); }
    /// Its issuer said of it what is not in its books.
    void lied_about(const iso8583::Rrn& rrn) { lied_about_.insert(rrn); }
    /// Clear texts that may stand nowhere (I10).
    void forbid(std::string clear_text) { forbidden_.push_back(std::move(clear_text)); }

    [[nodiscard]] const std::vector<Broken>& all_broken() const { return broken_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& all_reached() const { return reached_; }

    // The durable ledger, for scripts and for operators' choices.
    [[nodiscard]] const std::map<iso8583::Rrn, ledger::TransactionRecord>& records() const {
        return records_;
    }
    [[nodiscard]] const ledger::TransactionRecord* record(const iso8583::Rrn& rrn) const;
    [[nodiscard]] const std::map<std::string, ledger::ExceptionRecord>& exceptions() const {
        return exceptions_;
    }
    [[nodiscard]] bool has_open_exception(const ledger::TransactionRecord& record) const;
    /// Retention has erased it; records() has it still.
    [[nodiscard]] bool is_purged(const iso8583::Rrn& rrn) const { return purged_.contains(rrn); }

  private:
    /// As a turn wrote it that is not known to be durable.
    struct HandedOver {
        std::size_t shard = 0;
        std::uint64_t turn = 0;  // of the shard
        ledger::TransactionRecord record;
    };
    struct Told {
        bool approved = false;  // 00 was among the answers
        bool refused = false;   // something else was, with an RRN
        iso8583::Rrn rrn;
        std::string authorization;
    };
    struct Numbers {
        iso8583::Rrn rrn;
        int mti_without_repeat = 0;
        std::vector<std::pair<iso8583::Field, std::string>> fields;  // of the first time
    };

    void released_reply(const acquirer::SendReply& reply, iso8583::Instant at);
    void released_to_issuer(const acquirer::SendToIssuer& message, iso8583::Instant at);
    void check_original(const iso8583::FieldValues& reversal, routing::RouteId route, iso8583::Instant at);
    void check_approval(const iso8583::FieldValues& reply, const iso8583::Rrn& rrn, iso8583::Instant at);
    void check_reversal_accepted(const iso8583::Rrn& rrn, iso8583::Instant at);
    void take_record(ledger::TransactionRecord record);
    void take_purged(const iso8583::Rrn& rrn, iso8583::Instant at);
    void take_erased_exception(const std::string& digits);
    void take_resolution(const ledger::Mutation& audit_entry);
    void check_purged(const std::set<iso8583::Rrn>& purged, iso8583::Instant at);
    void check_record(const ledger::TransactionRecord& record, iso8583::Instant at);
    void check_sale(const ledger::TransactionRecord& sale, iso8583::Instant at);
    void check_paid_or_told(const ledger::TransactionRecord& refund, iso8583::Instant at);
    void check_totals(iso8583::Instant at);
    [[nodiscard]] std::map<std::string, ledger::Total> fold_of_postings(iso8583::Instant at);
    /// Adds what the ledger of that shard says, open days and closed ones; false, and told, when it does not
    /// read.
    [[nodiscard]] bool add_books(std::size_t shard, ledger::Totals& books, iso8583::Instant at);
    void check_anomalies(const routing::IssuerBooks& books, iso8583::Instant at);
    void check_clear_text(iso8583::Instant at);
    [[nodiscard]] bool waits_forever(const ledger::TransactionRecord& record) const;
    /// Of the sale of `r`, its refunds and voids.
    [[nodiscard]] bool any_of_chain(
        const ledger::TransactionRecord& r,
        const std::function<bool(const ledger::TransactionRecord&)>& wanted) const;
    [[nodiscard]] bool chain_is_excused(const ledger::TransactionRecord& record) const;

    /// Where that record lies: as its number says.
    [[nodiscard]] const ledger::MemoryStore& disk_of(const iso8583::Rrn& rrn) const;

    std::vector<const ledger::MemoryStore*> disks_;
    [[nodiscard]] bool is_under_a_repeats_time(const iso8583::Rrn& repeated,
                                               const iso8583::FieldValues& reply) const;

    std::map<iso8583::Rrn, ledger::TransactionRecord> records_;
    std::map<iso8583::Rrn, HandedOver> handed_over_;
    std::map<iso8583::Rrn, std::set<iso8583::Rrn>> children_;  // refunds and voids by sale
    std::map<std::string, iso8583::Rrn> entry_of_key_;         // wire key → record (I3)
    std::map<std::string, ledger::ExceptionRecord> exceptions_;
    std::map<iso8583::Rrn, std::uint32_t> open_exceptions_;  // by RRN
    std::set<iso8583::Rrn> purged_;     // by retention: records_ has them still, the disk has not
    std::set<iso8583::Rrn> looked_at_;  // an exception was open, and a person ended it
    std::set<iso8583::Rrn> lied_about_;
    std::set<std::pair<std::uint16_t, std::uint16_t>> successors_;

    std::map<std::string, Told> told_;        // by wire key
    std::set<iso8583::Rrn> told_approved_;    // records whose 00 has left
    std::set<iso8583::Rrn> told_reversed_;    // records whose reversal's 00 has left
    std::map<std::string, Numbers> numbers_;  // towards issuers: route, class, DE11, DE7
    std::vector<std::string> forbidden_;
    std::vector<Broken> broken_;
    std::map<std::string, std::uint64_t> reached_;
};

}  // namespace simulation
