// Retention: lets go what was kept long enough (RetentionDays), after each end of a business day or when two
// people say so. What may go is retention_check.hpp's word; how it goes is ledger::RetentionBooks. The work
// is steps that a deadline drives, each bounded, with the place where it stands stored in the same turn as
// what it did: it goes on behind that after a crash. docs/operations.md, "Retention"; decision 0056.
//
// Families go one after the other. Of a story's families a run looks at what an earlier one put off until
// today, then at the local dates that have become old since; of the others at all that is stored.
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/retention_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/retention_check.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

class WaysOut;

/// Bounds of one step, and the pause between two.
inline constexpr std::size_t retention_looks_a_step = 256;  // records read
inline constexpr std::size_t retention_goes_a_step = 48;    // stories or records erased
inline constexpr std::size_t retention_dates_a_step = 512;  // of which nothing is stored
inline constexpr std::size_t retention_lines_a_step = 256;  // of a batch of refunds
inline constexpr std::int64_t retention_pause_ms = 10;
inline constexpr std::int64_t retention_pause_while_full_ms = 5'000;
/// More business days than this at once are no passing of days but a clock that leapt, or a switch that was
/// away: the daily run waits for people.
inline constexpr std::int32_t retention_days_at_once_max = 7;

/// Its original is purged, or its card number: nothing that needs either may begin with it.
bool is_taken_apart(CoreContext& context, const ledger::TransactionRecord& record);

class Retention {
  public:
    using Audit = std::function<void(const std::string& user, std::string action, const std::string& detail)>;

    Retention(CoreContext& context, WaysOut& ways_out);
    void open_audit(Audit audit) { audit_ = std::move(audit); }
    /// Whoever keeps the outbox of notices: those up to that number are erased.
    void tell_erased_notices(std::function<void(std::uint64_t through)> tell) {
        erased_notices_ = std::move(tell);
    }

    void recover();
    /// After each step: has a business day ended?
    void look() {
        if (looked_at_day_ != c_.business_day || looked_at_config_ != c_.config->version) look_at_day();
    }
    void on_deadline();
    /// Of a shard beside the first, which people ask.
    void on_told(const PurgeBegun& word);
    OperatorAnswer propose(const OperatorCommanded& event, const RunPurge& command);
    [[nodiscard]] std::optional<RetentionStatus> status() const;

  private:
    /// What is left of a step's bounds.
    struct Room {
        std::size_t looks = retention_looks_a_step;
        std::size_t goes = retention_goes_a_step;
        std::size_t dates = retention_dates_a_step;
        [[nodiscard]] bool any() const { return looks > 0 && goes > 0 && dates > 0; }
    };

    void look_at_day();
    void begin(const std::string& by, bool from_the_beginning);
    void tell_others();
    std::string begin_by_people(const ledger::Proposal& proposal, const std::string& by);
    void arm(std::int64_t after_ms);
    void step();
    void end_family();
    void end_run();
    /// True when the family is at its end.
    bool step_family(Room& room);
    bool step_waiting(Room& room);
    bool step_days(Room& room);
    bool forget_waiting(Room& room);
    bool step_exceptions(Room& room);
    bool step_proposals(Room& room);
    bool step_batches(Room& room);
    bool step_reconciliation(Room& room);
    bool step_notices(Room& room);
    /// Looks at one record: its story goes, waits, or is another's.
    void take_story(const iso8583::Rrn& rrn, Room& room);
    void let_go(const Story& story);
    /// Keys of a range behind the cursor, with their values, as many as there is room for.
    struct Found {
        std::string key, value;
    };
    std::vector<Found> next_of(ledger::Family family, ledger::KeyRange range, Room& room);
    template <typename T>
    std::optional<T> taken(RetentionCheck::Result<T> result);
    template <typename T>
    std::optional<T> decoded(iso8583::Result<T> result);
    void one_went(const std::string& what, iso8583::BusinessDate of, Room& room);
    std::uint32_t newest_issuer_file();

    CoreContext& c_;
    WaysOut& ways_out_;
    ledger::RetentionBooks books_;
    Audit audit_;
    std::function<void(std::uint64_t)> erased_notices_;
    std::optional<ledger::RetentionState> state_;              // nothing: never asked for
    ConfigurationPtr check_config_;                            // which check_ refers to
    std::optional<RetentionCheck> check_;                      // of the run under way
    std::map<ledger::RetentionFamily, std::uint64_t> purged_;  // since this process goes on with the run
    iso8583::BusinessDate looked_at_day_;
    std::uint32_t looked_at_config_ = 0;
    bool waits_for_people_ = false;
    std::optional<PurgeBegun> told_;  // while a run was under way
};

}  // namespace acquirer
