// RefundBatchLoader: reads the file of a batch into its lines, a piece of it at a time, twice: first every
// line is looked at and nothing is stored, so that a faulty file leaves no lines; then they are stored. A
// restart begins anew.
//
// Ownership: member of RefundBatches. Thread: the core's. Bounds: one file at a time, refund_lines_max lines,
// whose references it keeps while it reads (about 10 MB at the bound).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "ledger/batch_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/file_intake.hpp"
#include "switch/core/refund_lines.hpp"

namespace acquirer {

class RefundBatchLoader {
  public:
    RefundBatchLoader(CoreContext& context, ledger::BatchBooks& books, FileIntake& files)
        : c_(context), books_(books), files_(files) {}

    [[nodiscard]] bool is_busy() const { return !id_.empty(); }
    [[nodiscard]] const std::string& id() const { return id_; }
    void begin(ledger::RefundBatch& batch);
    /// The next piece. When it was the last one, the batch is `waiting` or `faulty`; the file is the
    /// caller's to drop.
    void step(ledger::RefundBatch& batch);
    void forget() { id_.clear(); }

  private:
    void look_at(ledger::RefundBatch& batch, const LineCutter::Line& line);
    void fault(ledger::RefundBatch& batch, std::uint32_t line, const std::string& words);
    void end_of_pass(ledger::RefundBatch& batch);
    void begin_pass(bool stores);

    CoreContext& c_;
    ledger::BatchBooks& books_;
    FileIntake& files_;
    std::string id_;  // of the batch; empty: none
    bool stores_ = false;
    std::uint32_t piece_ = 0;
    LineCutter cutter_;
    std::unordered_map<std::string, std::uint32_t>
        line_refs_;  // and where they stand; looked up, never walked
};

}  // namespace acquirer
