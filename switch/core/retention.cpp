#include "switch/core/retention.hpp"

#include <algorithm>
#include <utility>

#include "iso8583/values/ensure.hpp"
#include "ledger/batch_books.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/recon_records.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::Rrn;
using ledger::Family;
using ledger::KeyPrefix;
using ledger::KeyRange;
using ledger::RetentionFamily;
using ledger::RetentionState;
using ledger::TransactionRecord;
using Stage = ledger::RetentionState::Stage;

namespace {

const DeadlineId step_deadline{DeadlineId::Kind::retention_step, {}, 0};
constexpr std::string_view by_schedule = "the switch";
constexpr const char* subject = "retention";
constexpr const char* waits_kind = "retention_waits";
/// RRNs name ten years; what is older than that has a younger date's prefix.
constexpr std::int32_t days_of_all_rrns = 3'653;

}  // namespace

bool is_taken_apart(CoreContext& context, const TransactionRecord& record) {
    if (record.card_purged) return true;
    return record.original && context.ledger.find(*record.original) == nullptr;
}

Retention::Retention(CoreContext& context, WaysOut& ways_out)
    : c_(context), ways_out_(ways_out), books_(context.ledger) {
    ways_out_.add_kind(
        purge_action,
        {[this] { return std::to_string(state_ ? state_->runs : 0) + "/" + c_.config->hash; },
         "another run began, or another configuration came into force", WhileRestored::refused,
         [this](const ledger::Proposal& p, const std::string& by) { return begin_by_people(p, by); }});
}

void Retention::recover() {
    state_ = books_.state();
    waits_for_people_ = !c_.ledger.open_exceptions_of_kind(waits_kind).empty();
    if (state_ && state_->running) arm(0);
    tell_others();
}

void Retention::tell_others() {
    const ledger::NumberPlan& numbers = c_.ledger.numbers();
    if (!numbers.has_others() || !numbers.is_first()) return;
    // What the schedule begins each begins by itself.
    if (state_ && state_->runs > 0 && state_->by != by_schedule)
        c_.emit(TellShards{PurgeBegun{state_->began, state_->by, state_->from_the_beginning}});
}

void Retention::on_told(const PurgeBegun& word) {
    if (state_ && state_->began >= word.at) return;
    told_.reset();
    if (state_ && state_->running) {
        told_ = word;
        return;
    }
    begin(word.by, word.from_the_beginning);
}

std::optional<RetentionStatus> Retention::status() const {
    if (!state_ || state_->runs == 0) return std::nullopt;
    RetentionStatus s;
    s.day = state_->day;
    s.began = state_->began;
    if (!state_->running) s.ended = state_->ended;
    s.waits_for_people = waits_for_people_;
    return s;
}

void Retention::arm(std::int64_t after_ms) { c_.set_deadline(step_deadline, after_ms); }

// ---- When

void Retention::look_at_day() {
    // A ledger that was restored may have lost what keeps something: it is looked at again once accepted.
    if (c_.restored || !any_of(c_.config->retention)) return;
    looked_at_day_ = c_.business_day;
    looked_at_config_ = c_.config->version;
    if (!state_) {
        // Whoever asks for it has a day to look at what would go.
        state_.emplace();
        state_->day = c_.business_day;
        books_.save(*state_);
        return;
    }
    if (state_->running || !c_.config->retention.daily || state_->day >= c_.business_day) return;
    if (c_.business_day.date.days() - state_->day.date.days() <= retention_days_at_once_max)
        return begin(std::string(by_schedule), false);
    if (waits_for_people_) return;
    waits_for_people_ = true;
    c_.open_exception({std::nullopt, subject, waits_kind, "R60",
                       "business day " + c_.business_day.date.iso() + " is more than " +
                           std::to_string(retention_days_at_once_max) + " days after " +
                           state_->day.date.iso() +
                           ", when retention ran last: nothing is purged until people say so (purge run)",
                       true});
}

OperatorAnswer Retention::propose(const OperatorCommanded& event, const RunPurge& command) {
    if (!any_of(c_.config->retention))
        return no("nothing has a retention in this configuration ([retention]): all of it is kept for ever");
    if (state_ && state_->running)
        return no("a run is under way since business day " + state_->day.date.iso() + ": one at a time");
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    ledger::Proposal p;
    p.action = purge_action;
    p.outcome = command.from_the_beginning ? "all" : "due";
    p.note = command.note;
    return ways_out_.propose(event, std::move(p));
}

std::string Retention::begin_by_people(const ledger::Proposal& proposal, const std::string& by) {
    if (state_ && state_->running) return "a run is under way already";
    begin(by, proposal.outcome == "all");
    tell_others();
    return "what retention lets go is purged now";
}

void Retention::begin(const std::string& by, bool from_the_beginning) {
    if (!state_) state_.emplace();
    RetentionState& s = *state_;
    ++s.runs;
    s.day = c_.business_day;
    s.began = c_.now.utc;
    s.ended = {};
    s.by = by;
    s.from_the_beginning = from_the_beginning;
    s.running = true;
    s.family = ledger::retention_families.front();
    s.stage = Stage::waiting;
    s.cursor.clear();
    books_.save(s);
    purged_.clear();
    check_.reset();
    waits_for_people_ = false;
    c_.ledger.resolve_exception_of(subject, waits_kind, "a run began, by " + by, by);
    c_.count("retention.runs");
    audit_(by, "purge.begin", "business day " + s.day.date.iso() + (from_the_beginning ? ", all days" : ""));
    arm(0);
}

// ---- A step

void Retention::on_deadline() {
    if (!state_ || !state_->running) return;
    if (c_.restored || !c_.store_accepts_new_work()) return arm(retention_pause_while_full_ms);
    step();
    if (!state_->running && told_) on_told(*std::exchange(told_, std::nullopt));
    if (!c_.ledger.error() && state_->running) arm(retention_pause_ms);
}

void Retention::step() {
    // Disputes and proposals of the run's beginning: what people begin later moves its transaction, or is
    // looked at anew after a restart.
    if (!check_ || check_config_ != c_.config) {
        check_config_ = c_.config;
        check_.emplace(books_.store(), *c_.config, state_->day);
        if (const auto loaded = check_->load(); !loaded) return books_.fail(loaded.error());
    }
    Room room;
    while (room.any() && state_->running && !books_.failed()) {
        if (days_of(c_.config->retention, state_->family) > 0 && !step_family(room)) break;
        end_family();
    }
    books_.flush(state_->day, c_.now.utc, state_->by);
    books_.save(*state_);
}

template <typename T>
std::optional<T> Retention::taken(RetentionCheck::Result<T> result) {
    if (result) return std::move(*result);
    books_.fail(result.error());
    return std::nullopt;
}

void Retention::end_family() {
    RetentionState& s = *state_;
    s.stage = Stage::waiting;
    s.cursor.clear();
    if (s.family == ledger::retention_families.back()) return end_run();
    s.family = static_cast<RetentionFamily>(static_cast<int>(s.family) + 1);
}

void Retention::end_run() {
    RetentionState& s = *state_;
    s.running = false;
    s.ended = c_.now.utc;
    check_.reset();
    std::string words;
    for (const auto& [family, purged] : purged_)
        words += (words.empty() ? "" : ", ") + std::to_string(purged) + " " + std::string(name(family));
    audit_(s.by, "purge.end",
           "business day " + s.day.date.iso() + ": " + (words.empty() ? "nothing was old enough" : words));
    purged_.clear();
    looked_at_day_ = {};  // another may have ended meanwhile
}

bool Retention::step_family(Room& room) {
    switch (state_->family) {
        case RetentionFamily::card_numbers:
        case RetentionFamily::requests:
        case RetentionFamily::transactions:
            if (state_->stage == Stage::waiting) {
                if (!(state_->from_the_beginning ? forget_waiting(room) : step_waiting(room))) return false;
                const auto through = state_->looked_through.find(state_->family);
                const bool from_the_first =
                    state_->from_the_beginning || through == state_->looked_through.end();
                state_->date = from_the_first ? state_->day.date.plus_days(-days_of_all_rrns)
                                              : through->second.plus_days(1);
                state_->stage = Stage::days;
                state_->cursor.clear();
            }
            return step_days(room);
        case RetentionFamily::exceptions:
            return step_exceptions(room);
        case RetentionFamily::proposals:
            return step_proposals(room);
        case RetentionFamily::batches:
            return step_batches(room);
        case RetentionFamily::reconciliation:
            return step_reconciliation(room);
        case RetentionFamily::notices:
            return step_notices(room);
    }
    ENSURE(false);
}

std::vector<Retention::Found> Retention::next_of(Family family, KeyRange range, Room& room) {
    std::vector<Found> found;
    if (!state_->cursor.empty() && state_->cursor >= range.from) range.from = state_->cursor + '\0';
    if (range.from >= range.to) return found;
    const auto scanned =
        books_.store().scan(family, range.from, range.to, [&](std::string_view key, std::string_view value) {
            found.push_back({std::string(key), std::string(value)});
            return found.size() < std::min(room.looks, room.goes);
        });
    if (!scanned) books_.fail(scanned.error());
    room.looks -= std::min(room.looks, found.size());
    if (!found.empty()) state_->cursor = found.back().key;
    return found;
}

// ---- Stories

bool Retention::forget_waiting(Room& room) {
    const auto found = next_of(Family::journal, ledger::retention_waiting_of(state_->family), room);
    for (const Found& f : found) books_.erase(Family::journal, f.key);
    return found.empty();
}

bool Retention::step_waiting(Room& room) {
    const auto found =
        next_of(Family::journal, ledger::retention_waiting_until(state_->family, state_->day), room);
    for (const Found& f : found) {
        books_.erase(Family::journal, f.key);
        if (const auto rrn = ledger::waiting_rrn(f.key)) take_story(*rrn, room);
    }
    return found.empty();
}

bool Retention::step_days(Room& room) {
    const iso8583::Date last = state_->day.date.plus_days(-days_of(c_.config->retention, state_->family));
    for (; state_->date <= last; state_->date = state_->date.plus_days(1)) {
        if (!room.any()) return false;
        --room.dates;
        const auto found = next_of(Family::journal, ledger::transactions_of_day(state_->date), room);
        for (const Found& f : found)
            if (const auto rrn = Rrn::parse(std::string_view(f.key).substr(1))) take_story(*rrn, room);
        if (!found.empty()) return false;  // more may stand behind it
        state_->cursor.clear();
        state_->looked_through[state_->family] = state_->date;
    }
    return true;
}

void Retention::take_story(const Rrn& rrn, Room& room) {
    auto record = taken(check_->read(rrn));
    if (!record || !*record) return;  // it went with its story
    auto story = taken(check_->story_of(std::move(**record)));
    if (!story || !*story) return;
    const auto verdict = taken(check_->judge(state_->family, **story));
    if (!verdict) return;
    // Since the run began, or in this turn.
    const bool moves = std::any_of((*story)->begin(), (*story)->end(), [this](const TransactionRecord& r) {
        return books_.is_changed(r.rrn) || c_.ledger.open_proposal_of(r.rrn);
    });
    if (verdict->kept_by != KeptBy::nothing || moves) {
        books_.wait(state_->family, moves ? state_->day.next() : verdict->again, rrn);
        return;
    }
    let_go(**story);
    room.goes -= std::min(room.goes, (*story)->size());
}

void Retention::let_go(const Story& story) {
    const RetentionFamily family = state_->family;
    for (const TransactionRecord& r : story) {
        bool went = true;
        if (family == RetentionFamily::card_numbers) {
            went = books_.erase_card_number(r, state_->day);
        } else if (family == RetentionFamily::requests) {
            went = books_.erase_requests(r);
        } else {
            // The newest of them numbers the next one.
            std::optional<std::string> newest;
            const KeyRange all = ledger::all_keys(KeyPrefix::dispute);
            const std::vector<std::string> disputes = check_->disputes_of(r.rrn);
            if (!disputes.empty()) {
                const auto scanned = books_.store().scan_back(Family::index, all.from, all.to,
                                                              [&](std::string_view key, std::string_view) {
                                                                  newest = key;
                                                                  return false;
                                                              });
                if (!scanned) books_.fail(scanned.error());
            }
            for (const std::string& key : disputes)
                if (key != newest) books_.erase(Family::index, key);
            books_.erase(r);
        }
        if (!went) continue;
        books_.log(family, r.rrn.str(), {date_of_rrn(r.rrn, c_.local_now().date)});
        ++purged_[family];
        c_.count("retention.purged." + std::string(name(family)));
    }
}

}  // namespace acquirer
