// Batches of refunds from a file (R100): one record a batch, one a line. Bytes: docs/ledger_format.md, "Other
// records". Amounts in minor units.
//
// Ownership: BatchBooks refers to the ledger, whose error() a failed read becomes. Thread: the core's; the
// decoders anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/ledger.hpp"

namespace ledger {

/// What became of a line, or of so many: the state of their refund, `refused` (14) without one. 0: it waits.
using LineOutcome = std::uint8_t;
inline constexpr LineOutcome line_waits = 0;
std::string_view name_of_outcome(LineOutcome outcome);
bool is_outcome(std::uint64_t value);

struct RefundBatch {
    enum class State : std::uint8_t {
        loading = 1,  // its file is being read
        faulty = 2,   // a line of it cannot be read: nothing of it runs
        waiting = 3,  // for a checker
        running = 4,
        paused = 5,  // by a person, or by itself; a person lets it go on
        done = 6,    // every line was judged
        rejected = 7,
        cancelled = 8
    };
    struct Count {
        LineOutcome outcome = line_waits;
        std::uint32_t lines = 0;
        std::int64_t minor = 0;
        friend bool operator==(const Count&, const Count&) = default;
    };
    /// Sentences about lines that cannot be read; one more is only counted.
    static constexpr std::size_t faults_max = 50;

    std::string id;  // "B" and 8 digits or more
    State state = State::loading;
    iso8583::MerchantId merchant;
    std::string reference;  // the maker's, once per merchant
    std::string file;       // digest of its content
    std::string file_name;  // as the maker called it
    iso8583::Currency currency;
    std::string maker;
    iso8583::UtcTime submitted;
    std::string checker;
    iso8583::UtcTime approved;
    std::string ended_by;
    iso8583::UtcTime ended;
    std::string words;  // why it stands as it stands: a sentence; may be empty
    std::vector<std::string> faults;
    std::uint32_t faulty_lines = 0;
    std::uint32_t lines = 0;
    std::int64_t sum_minor = 0;
    std::uint32_t next_line = 1;  // to be looked at; lines count as in the file
    std::uint32_t pass = 1;       // rises when refused lines are tried again
    std::uint32_t refused_in_a_row = 0;
    std::uint32_t judged = 0;         // lines, in all passes
    iso8583::UtcTime running_since;   // since then …
    std::uint32_t judged_before = 0;  // … and so many had been judged
    std::string exception;            // of a batch that paused itself
    std::vector<Count> counts;        // by outcome, rising; of nothing there is none
    std::string unknown_properties = {};

    [[nodiscard]] bool is_open() const {
        return state == State::loading || state == State::waiting || state == State::running ||
               state == State::paused;
    }
    [[nodiscard]] Count count_of(LineOutcome outcome) const;
    /// One line of so much had the one outcome and has the other.
    void recount(std::optional<LineOutcome> from, LineOutcome to, std::int64_t minor);
};
std::string_view name(RefundBatch::State state);
std::string encode(const RefundBatch& batch);
iso8583::Result<RefundBatch> decode_refund_batch(std::string_view bytes);

struct RefundBatchLine {
    std::uint32_t number = 0;  // in the file, whose first line is 1
    std::string line_ref;
    iso8583::Rrn sale;
    std::string date_mmdd;
    std::int64_t amount_minor = 0;
    std::string reason;
    LineOutcome outcome = line_waits;
    std::uint8_t refusal = 0;  // acquirer::Refusal of a refused one
    std::string words;         // what the refusal does not say by itself; may be empty
    iso8583::Rrn refund;       // empty: none
    std::uint32_t pass = 0;    // in which it was judged last; 0: not yet
    iso8583::UtcTime at;
    std::string unknown_properties = {};
};
std::string encode(const RefundBatchLine& line);
iso8583::Result<RefundBatchLine> decode_refund_batch_line(std::string_view bytes);

class BatchBooks {
  public:
    explicit BatchBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] std::string next_id();
    [[nodiscard]] std::optional<RefundBatch> find(std::string_view id);
    void save(const RefundBatch& batch);
    void visit(const std::function<void(RefundBatch&&)>& visit);
    [[nodiscard]] std::optional<std::string> find_reference(const iso8583::MerchantId& merchant,
                                                            std::string_view reference);
    void save_reference(const RefundBatch& batch);
    [[nodiscard]] std::optional<RefundBatchLine> line(std::string_view id, std::uint32_t number);
    void save(std::string_view id, const RefundBatchLine& line);
    /// Lines from this one on, until it says false.
    void visit_lines(std::string_view id, std::uint32_t from,
                     const std::function<bool(RefundBatchLine&&)>& visit);

  private:
    Ledger& ledger_;
    std::uint64_t last_ = 0;  // 0: not looked yet
};

}  // namespace ledger
