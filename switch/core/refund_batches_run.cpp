// How the lines of batches are read and run (R100); what operators do with them: refund_batches.cpp.
#include <algorithm>

#include "switch/core/case_opening.hpp"
#include "switch/core/refund_batches.hpp"

namespace acquirer {

using ledger::LineOutcome;
using ledger::RefundBatch;
using ledger::RefundBatchLine;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

using State = RefundBatch::State;

constexpr std::uint64_t load_deadline = 0, run_deadline = 1;
constexpr std::int64_t load_step_ms = 1;
constexpr std::int64_t run_step_ms = 50;
constexpr std::int64_t wait_step_ms = 1'000;
/// Lines that are passed over in one step because they were judged before.
constexpr std::size_t lines_looked_at_max = 2'000;
constexpr LineOutcome refused_outcome = static_cast<LineOutcome>(ledger::State::refused);
constexpr const char* rule = "R100";

std::string sentence(Refusal why) {
    const RefusalInfo& i = info(why);
    return std::string(i.explanation) + " (" + std::string(i.rule) + ", " + std::string(i.unionpay_code) +
           ")";
}

}  // namespace

void RefundBatches::expect(std::uint64_t number, std::int64_t after_ms) {
    c_.set_deadline({DeadlineId::Kind::refund_batch, {}, number}, after_ms);
}

void RefundBatches::recover() {
    books_.visit([this](RefundBatch&& batch) {
        if (!batch.is_open()) return;
        if (batch.state == State::loading) to_load_.push_back(batch.id);
        if (batch.state == State::running) running_.push_back(batch.id);
        batches_.insert_or_assign(batch.id, std::move(batch));
    });
    std::sort(running_.begin(), running_.end(), [this](const std::string& a, const std::string& b) {
        const RefundBatch &one = batches_.at(a), &other = batches_.at(b);
        return std::pair(one.approved.ms, a) < std::pair(other.approved.ms, b);
    });
    for (const std::string& id : running_) {
        // The rate is of this run; lines per second of a time in which nothing ran say nothing.
        RefundBatch& batch = *edit(id);
        batch.running_since = c_.now.utc;
        batch.judged_before = batch.judged;
    }
    if (!to_load_.empty()) expect(load_deadline, 0);
    if (!running_.empty()) expect(run_deadline, 0);
}

void RefundBatches::pause_restored() {
    for (const std::string& id : std::vector<std::string>(running_)) {
        RefundBatch& batch = *edit(id);
        stop_running(id);
        batch.state = State::paused;
        batch.words = "restored from a backup: lines may have been paid after it was made";
    }
}

void RefundBatches::on_deadline(std::uint64_t number) {
    if (number == load_deadline)
        load_some();
    else
        run_some();
}

// ---- Reading

void RefundBatches::load_some() {
    if (to_load_.empty()) return;
    RefundBatch& batch = *edit(to_load_.front());
    if (loader_.id() != batch.id) loader_.begin(batch);
    loader_.step(batch);
    if (batch.state != State::loading) {
        to_load_.pop_front();
        drop_file(batch.file);
        if (batch.state == State::faulty) {
            batch.ended = c_.now.utc;
            batch.ended_by = "the switch";
        }
        audit_("the switch", "switch", "batch." + std::string(ledger::name(batch.state)),
               batch.id + ", " + std::to_string(batch.lines) + " lines, " +
                   iso8583::Amount(batch.sum_minor, batch.currency).major() + ", file " + batch.file +
                   (batch.words.empty() ? "" : ": " + batch.words));
        answer_makers(batch);
    }
    if (!to_load_.empty()) expect(load_deadline, load_step_ms);
}

// ---- Judging

RefundBatches::Verdict RefundBatches::judge(const iso8583::MerchantId& merchant, iso8583::Currency currency,
                                            const RefundBatchLine& line) {
    const auto refused = [](Refusal why) { return Verdict{why, sentence(why), std::nullopt, false}; };
    const TransactionRecord* sale = c_.ledger.find(line.sale);
    const bool found = sale != nullptr && sale->kind == TransactionKind::sale &&
                       sale->state != ledger::State::tombstone && sale->merchant == merchant &&
                       sale->local_date.mmdd() == line.date_mmdd && !sale->card_purged;
    if (!found) return refused(Refusal::original_not_found);
    if (sale->amount.currency() != currency) return refused(Refusal::currency_not_allowed);
    auto draft = draft_case(c_, *sale, iso8583::Amount(line.amount_minor, currency));
    if (!draft) return Verdict{Refusal::merchant_unknown, draft.error(), std::nullopt, false};
    if (const Refusal why = transactions_.checks().judge_line(*draft); why != Refusal::none) {
        Verdict verdict = refused(why);
        verdict.passes = why == Refusal::original_busy;
        return verdict;
    }
    if (draft->same_case)
        return Verdict{
            Refusal::original_busy,
            "an equal refund of this sale is held already, case " + draft->same_case->str() + " (R20b)",
            std::nullopt, false};
    return Verdict{Refusal::none, "", std::move(*draft), false};
}

// ---- Running

void RefundBatches::start_running(RefundBatch& batch, const std::string& by) {
    batch.state = State::running;
    end_exception(batch, by);
    batch.words.clear();
    batch.refused_in_a_row = 0;
    batch.running_since = c_.now.utc;
    batch.judged_before = batch.judged;
    running_.push_back(batch.id);
    expect(run_deadline, 0);
}

void RefundBatches::stop_running(const std::string& id) {
    std::erase(running_, id);
    waits_until_.erase(id);
}

/// In the order of their approval; one that waits lets the others go on.
void RefundBatches::run_some() {
    const std::int64_t rate = c_.config->limits.lines_per_second;
    const std::int64_t step_ms = std::max(run_step_ms, 1'000 / rate);
    auto left =
        std::clamp<std::size_t>(static_cast<std::size_t>(rate * step_ms / 1'000), 1, lines_per_step_max);
    const std::size_t all = left;
    for (const std::string& id : std::vector<std::string>(running_)) {
        if (left == 0) break;
        if (const auto wait = waits_until_.find(id); wait != waits_until_.end()) {
            if (c_.now.instant < wait->second) continue;
            waits_until_.erase(wait);
        }
        left -= run_lines(*find(id), left);
    }
    if (!running_.empty()) expect(run_deadline, left == all ? wait_step_ms : step_ms);
}

std::size_t RefundBatches::run_lines(RefundBatch& batch, std::size_t most) {
    std::vector<RefundBatchLine> lines;
    std::size_t looked_at = 0;
    std::uint32_t next = batch.next_line;
    bool more = false;
    books_.visit_lines(batch.id, batch.next_line, [&](RefundBatchLine&& line) {
        more = lines.size() == most || looked_at == lines_looked_at_max;
        if (more) return false;
        ++looked_at;
        const bool to_judge = line.refund.empty() && line.pass < batch.pass;
        if (to_judge)
            lines.push_back(std::move(line));
        else if (lines.empty())
            next = line.number + 1;
        return true;
    });
    if (batch.next_line != next) changed_.insert(batch.id);
    batch.next_line = next;
    std::size_t ran = 0;
    for (RefundBatchLine& line : lines) {
        if (run_line(batch, line) == Ran::waits) {
            wait_a_while(batch);
            return ran;
        }
        ++ran;
        changed_.insert(batch.id);
        batch.next_line = line.number + 1;
        if (batch.state != State::running) return ran;  // it stopped itself
    }
    if (!more && !c_.ledger.error()) end_of_lines(batch);
    return std::max<std::size_t>(ran, 1);
}

void RefundBatches::end_of_lines(RefundBatch& batch) {
    const std::uint32_t left = batch.count_of(ledger::line_waits).lines;
    if (left == 0) {
        end(batch, State::done, "the switch", "");
        return audit_("the switch", "switch", "batch.done",
                      batch.id + ", " + std::to_string(batch.count_of(refused_outcome).lines) + " of " +
                          std::to_string(batch.lines) + " lines refused");
    }
    batch.next_line = 1;
    batch.words = std::to_string(left) + (left == 1 ? " line waits" : " lines wait") +
                  " for what is under way on their sales (R14); the batch goes on by itself";
    changed_.insert(batch.id);
    wait_a_while(batch);
}

void RefundBatches::wait_a_while(const RefundBatch& batch) {
    waits_until_[batch.id] = c_.now.instant.plus_ms(wait_step_ms);
}

std::optional<std::string> RefundBatches::waits_for(const RefundBatchLine& line) {
    if (!c_.store_accepts_new_work()) return "the store takes no new work now (R62)";
    const TransactionRecord* sale = c_.ledger.find(line.sale);
    const auto* route =
        sale != nullptr ? c_.config->routes.for_original(routing::RouteId{sale->route}) : nullptr;
    if (route == nullptr) return std::nullopt;  // refused, or a case of a retired route
    if (!c_.link_for(route->id)) return "its route " + route->name + " is down";
    if (c_.in_flight.requests_of(route->id) >= route->in_flight_max ||
        c_.in_flight.size() >= c_.config->limits.pending_max)
        return "its route " + route->name + " has as many in flight as it may";
    return std::nullopt;
}

RefundBatches::Ran RefundBatches::run_line(RefundBatch& batch, RefundBatchLine& line) {
    const std::string reference = batch.reference + "/" + line.line_ref;
    if (const auto known = c_.ledger.find_reference(batch.merchant, reference)) {
        take_over(batch, line, *known);
        return Ran::judged;
    }
    if (const auto wait = waits_for(line)) {
        const std::string words =
            "line " + std::to_string(line.number) + " waits: " + *wait + "; the batch goes on by itself";
        if (batch.words != words) changed_.insert(batch.id);
        batch.words = words;
        return Ran::waits;
    }
    Verdict verdict = judge(batch.merchant, batch.currency, line);
    if (verdict.passes && line.outcome == ledger::line_waits) return Ran::passed_over;
    batch.words.clear();
    if (verdict.why != Refusal::none)
        refuse(batch, line, verdict.why, std::move(verdict.words));
    else
        open_refund(batch, line, *verdict.draft, reference);
    return Ran::judged;
}

void RefundBatches::set_outcome(RefundBatch& batch, RefundBatchLine& line, LineOutcome outcome) {
    batch.recount(line.outcome, outcome, line.amount_minor);
    line.outcome = outcome;
    line.at = c_.now.utc;
    line.pass = batch.pass;
    ++batch.judged;
    changed_.insert(batch.id);
    books_.save(batch.id, line);
}

void RefundBatches::open_refund(RefundBatch& batch, RefundBatchLine& line, TransactionDraft& draft,
                                const std::string& reference) {
    const bool held_by_a_rule = draft.hold;
    CaseWords words;
    words.reason = line.reason;
    words.reference = reference;
    words.maker = batch.maker;
    words.batch_line = {batch.id, line.number};
    TransactionRecord& refund = hold_case(c_, transactions_, draft, std::move(words), rule);
    c_.ledger.save_reference(batch.merchant, reference, refund.rrn);
    if (!held_by_a_rule) clear_case(c_, transactions_, refund, batch.checker, rule);
    line.refund = refund.rrn;
    line.refusal = 0;
    line.words.clear();
    batch.refused_in_a_row = 0;
    c_.count(held_by_a_rule ? "batch_lines.held" : "batch_lines.accepted");
    set_outcome(batch, line, static_cast<LineOutcome>(refund.state));
}

/// Its reference stands for a refund already: the same one is this line's, another one refuses it.
void RefundBatches::take_over(RefundBatch& batch, RefundBatchLine& line, const iso8583::Rrn& known) {
    TransactionRecord* refund = c_.ledger.edit(known);
    const bool same = refund != nullptr && refund->original == line.sale &&
                      refund->amount == iso8583::Amount(line.amount_minor, batch.currency);
    if (!same)
        return refuse(batch, line, Refusal::duplicate_conflict,
                      "its reference was used for another refund, " + known.str() + " (R21)");
    refund->batch_line = {batch.id, line.number};
    line.refund = known;
    batch.refused_in_a_row = 0;
    c_.count("batch_lines.known");
    set_outcome(batch, line, static_cast<LineOutcome>(refund->state));
}

void RefundBatches::refuse(RefundBatch& batch, RefundBatchLine& line, Refusal why, std::string words) {
    line.refusal = static_cast<std::uint8_t>(why);
    line.words = std::move(words);
    c_.count("batch_lines.refused");
    set_outcome(batch, line, refused_outcome);
    if (++batch.refused_in_a_row >= refused_in_a_row_max) pause_by_itself(batch, why);
}

void RefundBatches::pause_by_itself(RefundBatch& batch, Refusal last) {
    stop_running(batch.id);
    batch.state = State::paused;
    batch.words = std::to_string(batch.refused_in_a_row) +
                  " lines in a row were refused, the last one: " + sentence(last);
    batch.exception = c_.open_exception({std::nullopt, batch.id, "batch_stopped", rule,
                                         "batch " + batch.id + " of merchant " + batch.merchant.str() +
                                             " stopped: " + batch.words,
                                         true})
                          .id;
}

// ---- What became of them

void RefundBatches::close_turn() {
    for (const iso8583::Rrn& rrn : c_.ledger.changed()) {
        const TransactionRecord* refund = c_.ledger.find(rrn);
        if (refund == nullptr || refund->batch_line.batch.empty()) continue;
        const auto state = static_cast<LineOutcome>(refund->state);
        auto line = books_.line(refund->batch_line.batch, refund->batch_line.line);
        if (!line || line->refund != rrn || line->outcome == state) continue;
        RefundBatch* batch = edit(refund->batch_line.batch);
        if (batch == nullptr) continue;
        batch->recount(line->outcome, state, line->amount_minor);
        line->outcome = state;
        books_.save(batch->id, *line);
    }
    for (const std::string& id : changed_) books_.save(batches_.at(id));
    changed_.clear();
    std::erase_if(batches_, [](const auto& b) { return !b.second.is_open(); });
}

}  // namespace acquirer
