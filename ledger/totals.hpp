// Totals: running sums that are not written per transaction. Each turn's record carries the turn's
// differences; a checkpoint now and then carries the sums; recovery is checkpoint plus fold
// (docs/ledger_format.md, "Turn record").
//
// Names of sums ("b/<terminal>/<batch>/d" …) are made by the functions below and nowhere else. Thread: the
// core's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "iso8583/values/word_hash.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

struct Total {
    std::int64_t count = 0;
    std::int64_t amount_minor = 0;
    friend bool operator==(const Total&, const Total&) = default;
};

/// Sums of terminals' batches begin so.
inline constexpr std::string_view batches_prefix = "b/";
/// Whose batch a sum is of; nothing for another sum.
std::optional<iso8583::TerminalId> terminal_of_batch_sum(std::string_view name);
/// Debit (sales) and credit (refunds, voids) of a terminal's batch, as settlement compares them; DE48 has a
/// domestic half and a foreign one.
std::string batch_debit_name(const iso8583::TerminalId& terminal, iso8583::BatchNumber batch,
                             bool foreign = false);
std::string batch_credit_name(const iso8583::TerminalId& terminal, iso8583::BatchNumber batch,
                              bool foreign = false);
/// Accepted and held refunds of a terminal in a business day (R24).
std::string refund_count_name(const iso8583::TerminalId& terminal, iso8583::BusinessDate day);
std::string refund_counts_prefix(iso8583::BusinessDate day);
/// Balance of an account in a business day: debits minus credits. `who` is the merchant or the route's
/// number.
std::string account_name(iso8583::BusinessDate day, Account account, std::string_view who);
std::string accounts_prefix(iso8583::BusinessDate day);

class Totals {
  public:
    Totals() = default;
    // What the turn has added points into the sums of its own object: a copy begins without.
    Totals(const Totals& other) : sums_(other.sums_), differences_(other.differences_) {}
    Totals& operator=(const Totals&) = delete;

    void add(const std::string& sum, std::int64_t count, std::int64_t amount_minor);
    /// Forgets all sums whose name begins so (a closed batch, an old day).
    void forget(const std::string& prefix);
    [[nodiscard]] Total get(const std::string& sum) const;
    [[nodiscard]] const std::map<std::string, Total>& all() const { return sums_; }
    [[nodiscard]] bool changed_in_turn() const { return !differences_.empty(); }

    /// The turn's differences, for its record; begins a new turn.
    [[nodiscard]] std::string take_differences();
    /// Applies stored differences or a stored checkpoint during recovery.
    [[nodiscard]] iso8583::Result<void> apply_differences(std::string_view stored);
    [[nodiscard]] std::string checkpoint() const;
    [[nodiscard]] iso8583::Result<void> load_checkpoint(std::string_view stored);
    /// The sums of accounts of the business days before this one, a part each of at most so many of one day.
    /// Nothing is forgotten by it.
    struct DayPart {
        iso8583::BusinessDate day;
        std::string sums;  // as checkpoint() writes them
    };
    [[nodiscard]] std::vector<DayPart> accounts_before(iso8583::BusinessDate day, std::size_t part_max) const;
    /// Adds what checkpoint() or accounts_before() wrote to what is there.
    [[nodiscard]] iso8583::Result<void> add_stored(std::string_view stored);

  private:
    struct Difference {
        bool forget = false;
        std::string name;
        Total total;
    };
    struct OfTurn {
        std::size_t difference = 0;  // place in differences_
        Total* sum = nullptr;        // in sums_, whose elements stay where they are
    };
    void apply(const Difference& d);
    std::map<std::string, Total> sums_;
    std::vector<Difference> differences_;
    /// What the turn has added since it last forgot sums: a name stands once in its record, however many of
    /// its events change it.
    std::unordered_map<std::string, OfTurn, iso8583::WordHash> of_turn_;
};

/// What every turn that wrote leaves behind: counters that must never go back, and the turn's differences.
struct TurnRecord {
    std::int32_t rrn_day = 0;         // calendar day (days since 1970) the sequence belongs to
    std::uint64_t rrn_sequence = 0;   // last one given
    std::uint32_t issuer_stan = 0;    // last one given, all routes
    std::int64_t issuer_time_ms = 0;  // latest DE7 given, as UTC
    std::uint32_t exception_sequence = 0;
    std::string low_water;  // no open work below this RRN; empty: none at all
    std::string differences;
    /// Exceptions of transactions below this id are closed; empty: nothing is known of them. Of this turn
    /// alone: what an older program writes back as it stands counts for nothing in its own turns.
    std::string exceptions_from;
    std::uint64_t exceptions_from_turn = 0;
    std::string unknown_properties;  // of a newer program, written back as they stand
    friend bool operator==(const TurnRecord&, const TurnRecord&) = default;
};
std::string encode(const TurnRecord& turn);
iso8583::Result<TurnRecord> decode_turn_record(std::string_view bytes);

/// All sums as of a turn: what the fold of turn records begins with.
struct CheckpointRecord {
    std::uint64_t turn = 0;  // of the last turn record it covers
    TurnRecord counters;
    std::string sums;                // Totals::checkpoint()
    std::string unknown_properties;  // of a newer program, written back as they stand
};
std::string encode(const CheckpointRecord& checkpoint);
iso8583::Result<CheckpointRecord> decode_checkpoint(std::string_view bytes);

}  // namespace ledger
