// What operators do with batches. How their lines run: refund_batches_run.cpp.
#include "switch/core/refund_batches.hpp"

#include <algorithm>

#include "switch/core/operator_words.hpp"
#include "switch/core/refund_lines.hpp"

namespace acquirer {

using ledger::RefundBatch;
using ledger::RefundBatchLine;

namespace {

using State = RefundBatch::State;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::size_t file_name_characters_max = 120;
constexpr std::size_t digest_digits_min = 8;

bool is_reference(const std::string& text) {
    return !text.empty() && text.size() <= batch_reference_characters_max &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return c > 0x20 && c < 0x7F && c != ',' && c != '"' && c != '/'; });
}

/// Its reference may be used again: nothing stands under it, or what ran of it is found by its lines.
bool gives_its_reference_back(const RefundBatch& batch) {
    return batch.state == State::faulty || batch.state == State::rejected || batch.state == State::cancelled;
}

OperatorAnswer about(const RefundBatch& batch, std::string text) {
    OperatorAnswer answer = yes(std::move(text));
    const iso8583::Amount sum(batch.sum_minor, batch.currency);
    answer.values = {{"batch", batch.id},
                     {"reference", batch.reference},
                     {"merchant", batch.merchant.str()},
                     {"state", std::string(ledger::name(batch.state))},
                     {"lines", std::to_string(batch.lines)},
                     {"sum", sum.major()},
                     {"currency", batch.currency.str()},
                     {"digest", batch.file}};
    return answer;
}

std::string of_what(const RefundBatch& batch) {
    return batch.id + " of merchant " + batch.merchant.str() + ", reference " + batch.reference + ", " +
           std::to_string(batch.lines) + " lines, " +
           iso8583::Amount(batch.sum_minor, batch.currency).major() + ", file " + batch.file;
}

View verdict_view(const RefundBatchLine& line, std::string_view verdict, Refusal why,
                  const std::string& words) {
    const RefusalInfo& i = info(why);
    View one = View::object();
    one.put("line", line.number).put("line_ref", line.line_ref).put("rrn", line.sale.view());
    one.put("amount_minor", line.amount_minor).put("verdict", verdict);
    const bool refused = why != Refusal::none;
    one.put("code", refused ? i.unionpay_code : "").put("rule", refused ? i.rule : "").put("words", words);
    return one;
}

}  // namespace

bool RefundBatches::is_number(std::string_view id) {
    return id.size() > 1 && id.front() == 'B' && iso8583::all_digits(id.substr(1)) &&
           id.size() != iso8583::Rrn::size_max;
}

bool RefundBatches::has_lapsed(const RefundBatch& batch) const {
    return batch.state == State::waiting &&
           c_.now.utc.ms - batch.submitted.ms >
               std::int64_t{c_.config->limits.proposal_expires_hours} * hour_ms;
}

RefundBatch* RefundBatches::find(const std::string& id) {
    const auto known = batches_.find(id);
    if (known != batches_.end()) return &known->second;
    auto stored = books_.find(id);
    return stored ? &batches_.emplace(id, std::move(*stored)).first->second : nullptr;
}

RefundBatch* RefundBatches::edit(const std::string& id) {
    RefundBatch* batch = find(id);
    if (batch != nullptr) changed_.insert(id);
    return batch;
}

// ---- validate

OperatorAnswer RefundBatches::judge(const JudgeLines& command) {
    const auto merchant = iso8583::MerchantId::parse(command.merchant);
    if (!merchant || c_.config->find_merchant(*merchant) == nullptr)
        return no("no merchant " + command.merchant + " is configured");
    LineCutter cutter;
    cutter.add(command.text);
    cutter.end();
    View lines = View::list();
    std::size_t count = 0;
    while (const auto cut = cutter.next()) {
        if (++count > lines_judged_max)
            return no("at most " + std::to_string(lines_judged_max) + " lines are judged at a time");
        const std::uint32_t number = command.first_line + cut->number - 1;
        auto parsed = parse_refund_line(cut->text, {c_.config->currency, c_.config->refund_reasons});
        if (!parsed) {
            RefundBatchLine unread;
            unread.number = number;
            lines.add(verdict_view(unread, "unreadable", Refusal::none, parsed.error()));
            continue;
        }
        if (!*parsed) continue;
        RefundBatchLine& line = **parsed;
        line.number = number;
        const Verdict verdict = judge(*merchant, c_.config->currency, line);
        const bool refused = verdict.why != Refusal::none;
        View one = verdict_view(line,
                                refused               ? "refused"
                                : verdict.draft->hold ? "held"
                                                      : "accepted",
                                verdict.why,
                                refused               ? verdict.words
                                : verdict.draft->hold ? "is held (" + verdict.draft->hold_rule + ")"
                                                      : "");
        if (!refused) one.put("remaining_minor", verdict.draft->sale->remaining_minor());
        lines.add(std::move(one));
    }
    if (cutter.is_too_long())
        return no("line " + std::to_string(command.first_line + cutter.number() - 1) + ": at most " +
                  std::to_string(refund_line_bytes_max) + " bytes");
    OperatorAnswer answer;
    answer.done = true;
    answer.data = View::object();
    answer.data.put("currency", c_.config->currency.str()).put("lines", std::move(lines));
    return answer;
}

// ---- submit

void RefundBatches::submit(const OperatorCommanded& event, const SubmitBatch& command) {
    const auto id = accept(event, command);
    if (!id) return c_.emit(AnswerOperator{event.ticket, id.error()});
    const RefundBatch& batch = *find(*id);
    if (batch.state == State::loading)
        asking_[*id].push_back(event.ticket);
    else
        c_.emit(AnswerOperator{event.ticket, told_to_its_maker(batch)});
}

OperatorAnswer RefundBatches::told_to_its_maker(const RefundBatch& batch) const {
    OperatorAnswer answer =
        about(batch, "known already: batch " + batch.id + " is " + std::string(ledger::name(batch.state)));
    if (batch.state == State::waiting) {
        answer.text = "batch " + batch.id + " waits for a checker";
        answer.values.emplace_back("proposal", batch.id);
        answer.values.emplace_back("needed", "1");
    } else if (gives_its_reference_back(batch)) {
        answer.done = false;
        answer.text = "batch " + batch.id + " is " + std::string(ledger::name(batch.state)) + ": " +
                      batch.words + "; nothing of it will be paid";
    }
    return answer;
}

void RefundBatches::answer_makers(const RefundBatch& batch) {
    const auto asking = asking_.find(batch.id);
    if (asking == asking_.end()) return;
    for (const std::uint64_t ticket : asking->second)
        c_.emit(AnswerOperator{ticket, told_to_its_maker(batch)});
    asking_.erase(asking);
}

iso8583::Result<std::string, OperatorAnswer> RefundBatches::accept(const OperatorCommanded& event,
                                                                   const SubmitBatch& command) {
    const auto refused = [](std::string text) { return tl::unexpected(no(std::move(text))); };
    const auto merchant = iso8583::MerchantId::parse(command.merchant);
    if (!merchant || c_.config->find_merchant(*merchant) == nullptr)
        return refused("no merchant " + command.merchant + " is configured");
    if (!is_reference(command.reference))
        return refused("ref: 1 to " + std::to_string(batch_reference_characters_max) +
                       " letters, digits and signs are needed, without spaces, commas, quotes and slashes");
    if (command.file_name.empty() || command.file_name.size() > file_name_characters_max)
        return refused("name: a file's name of 1 to " + std::to_string(file_name_characters_max) +
                       " characters is needed");
    for (auto& [id, batch] : batches_)
        if (has_lapsed(batch)) end_lapsed(batch);
    const auto known = books_.find_reference(*merchant, command.reference);
    const RefundBatch* before = known ? find(*known) : nullptr;
    if (before != nullptr && !gives_its_reference_back(*before)) {
        if (before->file == command.file) return before->id;
        OperatorAnswer answer = about(
            *before, "reference " + command.reference + " was used for another file, batch " + before->id);
        answer.done = false;
        return tl::unexpected(std::move(answer));
    }
    if (!c_.store_accepts_new_work()) return refused("the store takes no new work now (R62): try again");
    const auto open =
        std::count_if(batches_.begin(), batches_.end(), [](const auto& b) { return b.second.is_open(); });
    if (static_cast<std::size_t>(open) >= batches_open_max)
        return refused("as many batches as allowed (" + std::to_string(batches_open_max) +
                       ") are not at their end");
    if (!files_.sealed(command.file)) return refused("the file is not here: it has to be handed over first");
    RefundBatch batch;
    batch.id = books_.next_id();
    batch.merchant = *merchant;
    batch.reference = command.reference;
    batch.file = command.file;
    batch.file_name = command.file_name;
    batch.currency = c_.config->currency;
    batch.maker = event.user;
    batch.submitted = c_.now.utc;
    books_.save_reference(batch);
    audit(event, "batch.submit",
          batch.id + " of merchant " + merchant->str() + ", reference " + batch.reference + ", file " +
              batch.file + " (" + batch.file_name + ")");
    std::string id = batch.id;
    batches_.emplace(id, std::move(batch));
    changed_.insert(id);
    to_load_.push_back(id);
    expect(0, 0);
    return id;
}

// ---- approve, reject

OperatorAnswer RefundBatches::decide(const OperatorCommanded& event, const DecideBatch& command) {
    RefundBatch* batch = find(command.batch);
    if (batch == nullptr) return no("no batch has the number " + command.batch);
    if (batch->state == State::loading)
        return no("batch " + batch->id + " is being read still: look at its sum first (batch status)");
    if (batch->state != State::waiting)
        return no("batch " + batch->id + " is " + std::string(ledger::name(batch->state)) +
                  ", it waits for no checker");
    if (batch->maker == event.user)
        return no("maker and checker must be two people: " + event.user + " submitted the batch");
    batch = edit(batch->id);
    if (has_lapsed(*batch)) {
        end_lapsed(*batch);
        return no("batch " + batch->id + " has lapsed: nobody approved it in time");
    }
    if (command.to == DecideBatch::To::reject) {
        if (const auto fault = fault_of_note(command.note)) return no(*fault);
        end(*batch, State::rejected, event.user, command.note);
        audit(event, "batch.reject", batch->id + ": " + command.note);
        return about(*batch, "batch " + batch->id + " is rejected; nothing of it was paid");
    }
    const std::string& looked_at = command.digest;
    if (!looked_at.empty() &&
        (looked_at.size() < digest_digits_min || batch->file.compare(0, looked_at.size(), looked_at) != 0))
        return no("digest: batch " + batch->id + " is of the file " + batch->file +
                  "; at least its first 8 digits are needed");
    batch->checker = event.user;
    batch->approved = c_.now.utc;
    start_running(*batch, event.user);
    audit(event, "batch.approve", of_what(*batch) + ", of " + batch->maker);
    return about(*batch, "batch " + batch->id + " is approved: " + std::to_string(batch->lines) +
                             " lines of together " +
                             iso8583::Amount(batch->sum_minor, batch->currency).major() + " run");
}

// ---- pause, resume, cancel

OperatorAnswer RefundBatches::change(const OperatorCommanded& event, const ChangeBatch& command) {
    RefundBatch* batch = edit(command.batch);
    if (batch == nullptr) return no("no batch has the number " + command.batch);
    const std::string is = "batch " + batch->id + " is " + std::string(ledger::name(batch->state));
    using To = ChangeBatch::To;
    if (command.to == To::resume) return resume(event, command, *batch);
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    if (command.to == To::pause) {
        if (batch->state != State::running) return no(is + ", not running");
        stop_running(batch->id);
        batch->state = State::paused;
        batch->words = "paused by " + event.user + ": " + command.note;
        audit(event, "batch.pause", batch->id + ": " + command.note);
        return about(*batch,
                     "batch " + batch->id + " is paused before line " + std::to_string(batch->next_line));
    }
    if (batch->state != State::loading && batch->state != State::waiting && batch->state != State::paused)
        return no(is + (batch->state == State::running ? ": pause it first" : ", it cannot be cancelled"));
    const bool ran = batch->state == State::paused;
    end(*batch, State::cancelled, event.user, command.note);
    audit(event, "batch.cancel", batch->id + ": " + command.note);
    return about(*batch, "batch " + batch->id + " is cancelled; " +
                             (ran ? "what has run of it stands, the other lines do not run"
                                  : "nothing of it was paid"));
}

OperatorAnswer RefundBatches::resume(const OperatorCommanded& event, const ChangeBatch& command,
                                     RefundBatch& batch) {
    const std::string is = "batch " + batch.id + " is " + std::string(ledger::name(batch.state));
    const std::uint32_t refused =
        batch.count_of(static_cast<ledger::LineOutcome>(ledger::State::refused)).lines;
    if (batch.state == State::done && !command.refused_too)
        return no(is + "; with refused its " + std::to_string(refused) + " refused lines are judged again");
    if (batch.state != State::paused && batch.state != State::done)
        return no(is + ", neither paused nor done");
    if (command.refused_too && refused == 0) return no(is + ", and none of its lines was refused");
    if (command.refused_too) {
        ++batch.pass;
        batch.next_line = 1;
    }
    batch.ended = {};
    batch.ended_by.clear();
    start_running(batch, event.user);
    audit(event, "batch.resume",
          batch.id + (command.refused_too ? ", its " + std::to_string(refused) + " refused lines too" : ""));
    return about(batch, "batch " + batch.id + " goes on");
}

void RefundBatches::end(RefundBatch& batch, State state, const std::string& by, const std::string& words) {
    stop_running(batch.id);
    if (loader_.id() == batch.id) loader_.forget();
    std::erase(to_load_, batch.id);
    if (batch.state == State::loading) drop_file(batch.file);
    batch.state = state;
    batch.ended = c_.now.utc;
    batch.ended_by = by;
    batch.words = words;
    changed_.insert(batch.id);
    end_exception(batch, by);
    answer_makers(batch);
}

void RefundBatches::end_exception(RefundBatch& batch, const std::string& by) {
    auto x = batch.exception.empty() ? std::nullopt : c_.ledger.exception(batch.exception);
    batch.exception.clear();
    if (!x || !x->resolution.empty()) return;
    x->resolution = "the batch is " + std::string(ledger::name(batch.state));
    x->resolved_by = by;
    c_.ledger.save(*x);
}

/// Unless another batch, which is still to be read, is of the same file.
void RefundBatches::drop_file(const std::string& digest) {
    const bool used = std::any_of(to_load_.begin(), to_load_.end(),
                                  [&](const std::string& id) { return batches_.at(id).file == digest; });
    const auto file = used ? std::nullopt : files_.sealed(digest);
    if (file) files_.drop(*file);
}

}  // namespace acquirer
