#include "switch/core/notices.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/payment_kinds.hpp"

namespace acquirer {

using ledger::NoticeKind;
using ledger::State;
using ledger::TransactionRecord;

namespace {

constexpr const char* stuck_kind = "notices_stuck";
constexpr const char* lost_kind = "notices_lost";
constexpr const char* subject = "notices";

/// What the state alone tells; none where it must not be told yet, or not at all.
NoticeKind told_by(State state) {
    switch (state) {
        case State::held:
        case State::parked:
        case State::processing:
            return NoticeKind::processing;
        case State::cleared:
        case State::advice_pending:
            return NoticeKind::accepted;
        case State::approved:
        case State::alternative_account:
        case State::merchant_account:
            return NoticeKind::done;
        case State::abnormal:
            return NoticeKind::abnormal;
        case State::expired:
            return NoticeKind::expired;
        case State::rejected:
        case State::cancelled:
        case State::declined:
        case State::reversed:
            return NoticeKind::not_paid;
        case State::refused:
        case State::tombstone:
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::authorized:  // states of a sale or an authorization, of which no refund's customer is
                                 // told
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::not_collected:
            return NoticeKind::none;
    }
    ENSURE(false);
}

}  // namespace

NoticeKind notice_due(const TransactionRecord& record) {
    if (record.kind != ledger::TransactionKind::refund) return NoticeKind::none;
    const auto before = static_cast<NoticeKind>(record.noticed);
    NoticeKind due = told_by(record.state);
    // Nobody was told of it yet: a refund that was refused at once has its answer at the till.
    if (due == NoticeKind::not_paid && before == NoticeKind::none) return NoticeKind::none;
    // Accepted once, it is on its way again: from abnormal or parked.
    if (due == NoticeKind::accepted && before != NoticeKind::none && before != NoticeKind::processing)
        due = before == NoticeKind::accepted ? NoticeKind::accepted : NoticeKind::processing;
    return due == before ? NoticeKind::none : due;
}

void Notices::recover() {
    progress_ = books_.progress();
    wake();
}

void Notices::wake() {
    if (waiting() > 0 || lost_ > 0) c_.deadlines.set({DeadlineId::Kind::notices, {}, 0}, c_.now.instant);
}

void Notices::close_turn() {
    if (!c_.config->notices || c_.ledger.error()) return;
    bool written = false;
    for (const iso8583::Rrn& rrn : c_.ledger.changed()) {
        const TransactionRecord* changed = c_.ledger.find(rrn);
        if (changed == nullptr) continue;
        const NoticeKind due = notice_due(*changed);
        if (due == NoticeKind::none) continue;
        if (waiting() >= waiting_max_) {
            ++lost_;
            continue;
        }
        TransactionRecord* record = c_.ledger.edit(rrn);
        record->noticed = static_cast<std::uint8_t>(due);
        ledger::Notice n;
        n.number = progress_.last = c_.ledger.numbers().number_after(progress_.last);
        n.kind = due;
        n.at = c_.now.utc;
        n.local_offset_s = c_.now.local_offset_s;
        n.rrn = record->rrn;
        n.original = record->original.value_or(iso8583::Rrn{});
        n.merchant = record->merchant;
        n.terminal = record->terminal;
        n.amount_minor = record->amount.minor_units();
        n.currency = record->amount.currency().numeric();
        n.card = masked_means(*record);
        n.reference = record->reference;
        n.state = ledger::name(record->state);
        books_.save(n);
        c_.count("notices." + std::string(ledger::name(due)));
        written = true;
    }
    if (written) books_.save(progress_);
    if ((written && !with_the_shell_ && !stuck_) || lost_ > 0) wake();
}

void Notices::on_deadline() {
    say_lost();
    if (!with_the_shell_ && c_.config->notices) write_some();
}

void Notices::say_lost() {
    if (lost_ == 0) return;
    c_.open_exception({std::nullopt, subject, lost_kind, "R62",
                       std::to_string(lost_) + " notices were not written: " + std::to_string(waiting_max_) +
                           " wait for the directory already",
                       true});
    lost_ = 0;
}

void Notices::write_some() {
    WriteNotices write;
    books_.visit_behind(progress_.delivered, [&](ledger::Notice&& notice) {
        write.notices.push_back(std::move(notice));
        return write.notices.size() < notices_per_write_max;
    });
    if (write.notices.empty()) return;
    with_the_shell_ = true;
    c_.emit(std::move(write));
}

void Notices::on_written(const NoticesWritten& event) {
    with_the_shell_ = false;
    if (!event.fault.empty()) {
        if (!stuck_)
            c_.open_exception({std::nullopt, subject, stuck_kind, "R62",
                               "notices cannot be delivered and wait in the store: " + event.fault, true});
        stuck_ = true;
        c_.set_deadline({DeadlineId::Kind::notices, {}, 0}, notices_retry_ms);
        return;
    }
    if (stuck_ || !wrote_once_)
        c_.ledger.resolve_exception_of(subject, stuck_kind, "the notices' files can be written again",
                                       "the switch");
    stuck_ = false;
    wrote_once_ = true;
    progress_.delivered = std::max(progress_.delivered, std::min(event.through, progress_.last));
    erase_old();
    books_.save(progress_);
    wake();
}

void Notices::erased_through(std::uint64_t number) {
    progress_.erased = std::max(progress_.erased, number);
    books_.save(progress_);
}

/// What was delivered long ago; a part in each turn.
void Notices::erase_old() {
    if (progress_.delivered <= notices_kept_max) return;
    const std::uint64_t to =
        std::min(progress_.delivered - notices_kept_max, progress_.erased + 2 * notices_per_write_max);
    while (progress_.erased < to) books_.erase(++progress_.erased);
}

}  // namespace acquirer
