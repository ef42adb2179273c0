// RefundBatches: refunds from a file (R100). A maker submits a file, its lines are read and stored, a checker
// approves them all at once over the file's digest and sum, and they run at lines_per_second through the same
// checks as any refund: the batch's approval is that of R17 and R29, while R20b, R27 and R28 hold a line as
// they hold any refund (ruling 38).
//
//     submit → loading → waiting → running ⇄ paused → done
//                  └→ faulty  └→ rejected, cancelled
//
// A line and the refund it became are one write, so that neither a restart nor a second submission pays a
// line twice: its reference (batch reference/line_ref, once per merchant) is the last guard. While the route
// of the next line is down, or the store takes no new work, the batch waits and goes on by itself; a line
// whose sale is being voided or reversed is passed over and has its turn behind the others. A batch whose
// lines are refused one after the other stops and asks a person.
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's. Bounds: batches_open_max,
// refund_lines_max, lines_per_step_max. Nothing in memory outlives a restart: recover() begins from what is
// stored.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/batch_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/file_intake.hpp"
#include "switch/core/refund_batch_loader.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

/// Batches that are not at their end.
inline constexpr std::size_t batches_open_max = 100;
/// Lines that are run before the core turns to something else.
inline constexpr std::size_t lines_per_step_max = 50;
/// Refusals one after the other, after which a batch stops by itself.
inline constexpr std::uint32_t refused_in_a_row_max = 100;
/// Lines of one request of batch validate.
inline constexpr std::size_t lines_judged_max = 200;
/// A batch's own part of a line's reference: with "/" and the line_ref it is one of operations. Up to the
/// first "/" of that it is the batch's, which has none, so that no two pairs make the same.
inline constexpr std::size_t batch_reference_characters_max = 31;

class RefundBatches {
  public:
    /// Writes an entry of the audit chain: who, in which role, what, about what.
    using Audit = std::function<void(const std::string& user, std::string_view role, std::string action,
                                     const std::string& detail)>;

    RefundBatches(CoreContext& context, TransactionFlow& transactions, FileIntake& files)
        : c_(context),
          transactions_(transactions),
          files_(files),
          books_(context.ledger),
          loader_(context, books_, files) {}
    void open_audit(Audit audit) { audit_ = std::move(audit); }

    /// Is this the number of a batch, and no other proposal's?
    static bool is_number(std::string_view id);

    OperatorAnswer judge(const JudgeLines& command);
    /// Answered once its file is read, so that its maker hears at once of a line that cannot be read.
    void submit(const OperatorCommanded& event, const SubmitBatch& command);
    OperatorAnswer decide(const OperatorCommanded& event, const DecideBatch& command);
    OperatorAnswer change(const OperatorCommanded& event, const ChangeBatch& command);

    void recover();
    /// R65: lines that ran after the backup would be paid twice: a person resumes each batch.
    void pause_restored();
    /// `number` as in the DeadlineId: 0 a file is being read, 1 lines run.
    void on_deadline(std::uint64_t number);
    /// What became of refunds of batches in this turn is counted in their batches; before the ledger's.
    void close_turn();

  private:
    using Batch = ledger::RefundBatch;
    using Line = ledger::RefundBatchLine;

    /// What the checks say of a line; a draft when nothing refuses it.
    struct Verdict {
        Refusal why = Refusal::none;
        std::string words;  // what the refusal does not say by itself
        std::optional<TransactionDraft> draft;
        bool passes = false;  // R14: something of the sale is under way, which will end
    };
    enum class Ran : std::uint8_t { judged, passed_over, waits };

    /// The batch that is submitted or known already, or why there is none.
    iso8583::Result<std::string, OperatorAnswer> accept(const OperatorCommanded& event,
                                                        const SubmitBatch& command);
    [[nodiscard]] OperatorAnswer told_to_its_maker(const Batch& batch) const;
    void answer_makers(const Batch& batch);
    /// Nobody approved it in time.
    [[nodiscard]] bool has_lapsed(const Batch& batch) const;
    void end_lapsed(Batch& batch) {
        end(batch, Batch::State::cancelled, "its time", "nobody approved it in time");
    }
    Batch* find(const std::string& id);
    Batch* edit(const std::string& id);
    Verdict judge(const iso8583::MerchantId& merchant, iso8583::Currency currency, const Line& line);
    OperatorAnswer resume(const OperatorCommanded& event, const ChangeBatch& command, Batch& batch);
    void audit(const OperatorCommanded& event, std::string action, const std::string& detail) {
        audit_(event.user, name(event.role), std::move(action), detail);
    }

    void load_some();
    void run_some();
    /// So many lines of it at most; how many it took.
    std::size_t run_lines(Batch& batch, std::size_t most);
    Ran run_line(Batch& batch, Line& line);
    /// Why the line cannot be run now, although nothing refuses it; nothing when it can.
    [[nodiscard]] std::optional<std::string> waits_for(const Line& line);
    void open_refund(Batch& batch, Line& line, TransactionDraft& draft, const std::string& reference);
    void refuse(Batch& batch, Line& line, Refusal why, std::string words);
    void take_over(Batch& batch, Line& line, const iso8583::Rrn& known);
    void set_outcome(Batch& batch, Line& line, ledger::LineOutcome outcome);
    void start_running(Batch& batch, const std::string& by);
    void stop_running(const std::string& id);
    void end(Batch& batch, Batch::State state, const std::string& by, const std::string& words);
    /// Every line had its turn: it is done, or begins again with those that were passed over.
    void end_of_lines(Batch& batch);
    void wait_a_while(const Batch& batch);
    void pause_by_itself(Batch& batch, Refusal last);
    void end_exception(Batch& batch, const std::string& by);
    void drop_file(const std::string& digest);
    void expect(std::uint64_t number, std::int64_t after_ms);

    CoreContext& c_;
    TransactionFlow& transactions_;
    FileIntake& files_;
    ledger::BatchBooks books_;
    RefundBatchLoader loader_;
    Audit audit_;
    std::map<std::string, Batch> batches_;  // those that are open, and those that this turn has looked at
    std::set<std::string> changed_;         // in this turn
    std::deque<std::string> to_load_;
    std::map<std::string, std::vector<std::uint64_t>> asking_;  // tickets of makers, while a file is read
    std::vector<std::string> running_;                          // in the order of their approval
    std::map<std::string, iso8583::Instant> waits_until_;       // of those that wait
};

}  // namespace acquirer
