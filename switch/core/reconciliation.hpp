// Reconciliation: issuers' files against the ledger (R101; docs/operations.md, "Reconciliation"). A file is
// work with states: checking (every line is read; a bad one refuses the file before anything of it is
// applied), applying (each line into the entry of its transaction), judging (entries of days that were
// compared before: what turns up in a later file resolves a difference). A day is work too: each of our
// transactions of it, then each open entry.
//
// The work goes in bounded steps that a deadline drives, so that nobody waits for it: recon_lines_a_step
// lines or recon_records_a_step records, then a pause. Where it stands is stored in the same turn as what it
// did: it goes on behind that after a crash. One piece of work at a time; files before days, in their order.
//
// Of a switch with several shards the first is asked. It reads a file through, numbers it and tells the
// others; each, the first too, applies the lines that are its own: by the shard of their RRN, else of their
// STAN, else the first's. So every transaction is compared where it lies, and each difference is in one
// shard.
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's. Nothing here outlives a restart.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ledger/recon_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/file_intake.hpp"
#include "switch/core/issuer_line.hpp"
#include "switch/core/recon_judge.hpp"

namespace acquirer {

/// Bounds of one step, and the pause between two.
inline constexpr std::size_t recon_lines_a_step = 64;           // applied, each into an entry
inline constexpr std::size_t recon_checked_lines_a_step = 256;  // only read
inline constexpr std::size_t recon_entries_a_step = 64;         // judged
inline constexpr std::size_t recon_records_a_step = 1'000;      // glanced at
inline constexpr std::int64_t recon_pause_ms = 2;
/// A transaction may change at its issuer long after its day (a reversal before its batch is settled): those
/// of so many local dates before the day are looked at as well.
inline constexpr std::int32_t recon_days_back = 7;
/// A clock may have been set back a little when a day began.
inline constexpr std::int64_t recon_clock_margin_ms = 600'000;
/// When all that is known of its first lines, and of at least so many of them, went over other routes, it is
/// another issuer's file.
inline constexpr std::size_t recon_wrong_file_lines = 10;
/// Red alarms that one piece of work writes into the log; the exceptions are opened all the same.
inline constexpr std::size_t recon_alarms_logged_max = 20;

class Reconciliation {
  public:
    using Audit =
        std::function<void(const OperatorCommanded& event, std::string action, const std::string& detail)>;

    Reconciliation(CoreContext& context, FileIntake& files)
        : c_(context), files_(files), books_(context.ledger) {}
    void open_audit(Audit audit) { audit_ = std::move(audit); }

    OperatorAnswer import(const OperatorCommanded& event, const ImportIssuerFile& command);
    OperatorAnswer run(const OperatorCommanded& event, const RunReconciliation& command);
    OperatorAnswer resolve(const OperatorCommanded& event, const ResolveDifference& command);

    /// Of a shard beside the first. What was said before changes nothing.
    void on_told(const IssuerFileChecked& word);
    void on_told(const ReconDayBegun& word);

    void recover();
    void on_deadline();

  private:
    /// What is to be done, in this order.
    struct Work {
        std::string file;  // digest; empty: a day
        std::uint16_t route = 0;
        iso8583::BusinessDate day;
    };
    /// A file between two steps: nothing of it is needed after a restart.
    struct Reading {
        std::uint32_t file = 0;    // its number; 0: none
        std::uint64_t offset = 0;  // of what the reader reads next
        std::unique_ptr<IssuerFileFormat> format;
        std::unique_ptr<IssuerFileReader> reader;
        std::uint32_t piece = 0;  // the one that is kept
        std::string content;
        bool kept = false;
    };
    /// The records of one second by their issuer's numbers, for lines without an RRN.
    struct Second {
        iso8583::UtcTime from;
        std::map<std::string, iso8583::Rrn> by_ref;
    };

    [[nodiscard]] bool tells_others() const {
        return c_.ledger.numbers().has_others() && c_.ledger.numbers().is_first();
    }
    [[nodiscard]] bool is_of_this_shard(const IssuerLine& line) const;
    void tell_others(const ledger::IssuerFileRecord& file);
    /// The first local date whose transactions a comparison of the day looks at.
    [[nodiscard]] iso8583::Date first_date(iso8583::BusinessDate day) const;
    /// A step of its work is done.
    [[nodiscard]] bool has_begun(const ledger::ReconDayRecord& day) const;
    /// Files before days, in their order.
    void queue_file(const ledger::IssuerFileRecord& file);
    /// Why the day cannot be compared any more; nothing: it can.
    [[nodiscard]] std::optional<std::string> purged(iso8583::BusinessDate day);
    void begin_step();
    [[nodiscard]] iso8583::UtcTime began_at(iso8583::BusinessDate day) const;
    static void add_bad_line(ledger::IssuerFileRecord& file, std::uint64_t line_number,
                             const std::string& what);
    void step_file(ledger::IssuerFileRecord file);
    void check_step(ledger::IssuerFileRecord& file, const ledger::FileRecord& content);
    void apply_step(ledger::IssuerFileRecord& file, const ledger::FileRecord& content);
    /// Judges the next open entries behind the cursor that are wanted, and moves it; true at the end of them.
    bool judge_open(std::string& cursor, const std::function<bool(const ledger::ReconOpenKey&)>& is_wanted);
    void judge_step(ledger::IssuerFileRecord& file);
    void end_file(ledger::IssuerFileRecord& file, ledger::IssuerFileRecord::State state);
    void step_day(ledger::ReconDayRecord day);
    void ours_step(ledger::ReconDayRecord& day);
    void theirs_step(ledger::ReconDayRecord& day);
    /// One of our transactions, towards each route of the day.
    void judge_ours(const iso8583::Rrn& rrn, const ledger::ReconDayRecord& day);

    /// Reads lines from the file's offset on, at most so many; `take` says false to stop behind one. True
    /// when the file is at its end.
    bool each_line(ledger::IssuerFileRecord& file, const ledger::FileRecord& content, std::size_t lines_max,
                   const std::function<bool(std::string_view line)>& take);
    /// The next line, which may stand in two pieces; nothing: it is longer than a line may be.
    std::optional<std::string> line_at(const ledger::FileRecord& content, std::uint64_t offset,
                                       std::uint64_t& next);
    std::string_view piece_of(const ledger::FileRecord& content, std::uint32_t piece);
    /// The reader as it is behind `offset`: after a restart it has not seen the header.
    IssuerFileReader& reader_of(const ledger::IssuerFileRecord& file, const ledger::FileRecord& content);

    void apply(ledger::IssuerFileRecord& file, const IssuerLine& line);
    void apply_or_leave_out(ledger::IssuerFileRecord& file, const IssuerLine& line);
    [[nodiscard]] iso8583::BusinessDate day_of(const ledger::IssuerFileRecord& file, const IssuerLine& line);
    [[nodiscard]] iso8583::BusinessDate day_at(iso8583::UtcTime at);
    [[nodiscard]] std::optional<iso8583::Rrn> find_by_numbers(const IssuerLine& line, std::uint16_t route,
                                                              iso8583::BusinessDate near);
    void read_second(iso8583::UtcTime from);
    /// The entry of the transaction, or of what is known only there.
    ledger::ReconEntry entry_for(const ledger::TransactionRecord* record, std::uint16_t route,
                                 const std::string& ref, iso8583::BusinessDate day);

    /// Judges it anew, with its exception, and stores it when anything changed.
    void judge_entry(ledger::ReconEntry entry);
    void open_difference(ledger::ReconEntry& entry, const ReconVerdict& verdict);
    void close_difference(ledger::ReconEntry& entry, const std::string& resolution, const std::string& by);
    [[nodiscard]] std::int32_t recon_days(std::uint16_t route) const;
    [[nodiscard]] std::string route_name(std::uint16_t route) const;
    [[nodiscard]] bool was_run(iso8583::BusinessDate day, std::uint16_t route);
    [[nodiscard]] std::optional<ledger::ReconEntry> difference_named(const ResolveDifference& command,
                                                                     std::string& why_not);

    void arm();
    void note_end(std::string detail);

    CoreContext& c_;
    FileIntake& files_;
    ledger::ReconBooks books_;
    Audit audit_;
    std::deque<Work> work_;
    Reading reading_;
    std::optional<Second> second_;
    std::vector<ledger::BusinessDayRecord> business_days_;                  // of the step under way
    std::map<std::pair<iso8583::BusinessDate, std::uint16_t>, bool> runs_;  // of the step under way
    std::map<iso8583::BusinessDate, std::optional<std::string>> purged_;    // of the step under way
    std::size_t alarms_ = 0;                                                // of the work under way
};

}  // namespace acquirer
