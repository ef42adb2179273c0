// Retention, the families that are no transactions: exceptions, proposals, batches of refunds, what issuers'
// files said, notices.
#include <algorithm>

#include "ledger/batch_books.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/recon_records.hpp"
#include "switch/core/retention.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using ledger::Family;
using ledger::KeyPrefix;
using ledger::KeyRange;
using ledger::RetentionFamily;

namespace {

/// Something of the kind numbers the next one: the newest stays.
std::optional<std::string> newest_key(const ledger::StoreReader& store, Family family, KeyPrefix prefix) {
    std::optional<std::string> newest;
    const KeyRange all = ledger::all_keys(prefix);
    (void)store.scan_back(family, all.from, all.to, [&newest](std::string_view key, std::string_view) {
        newest = key;
        return false;
    });
    return newest;
}

}  // namespace

void Retention::one_went(const std::string& what, BusinessDate of, Room& room) {
    books_.log(state_->family, what, of);
    ++purged_[state_->family];
    c_.count("retention.purged." + std::string(name(state_->family)));
    room.goes -= std::min<std::size_t>(room.goes, 1);
}

template <typename T>
std::optional<T> Retention::decoded(iso8583::Result<T> result) {
    if (result) return std::move(*result);
    books_.fail({ledger::StoreError::Kind::corruption, result.error().what});
    return std::nullopt;
}

bool Retention::step_exceptions(Room& room) {
    const auto found = next_of(Family::journal, ledger::all_keys(KeyPrefix::exception), room);
    for (const Found& f : found) {
        const auto x = decoded(ledger::decode_exception(f.value));
        if (!x || check_->judge(*x).kept_by != KeptBy::nothing) continue;
        books_.erase(Family::journal, f.key);
        one_went(x->id, check_->day_of(x->opened), room);
    }
    return found.empty();
}

bool Retention::step_proposals(Room& room) {
    const auto newest = newest_key(books_.store(), Family::index, KeyPrefix::proposal);
    const auto found = next_of(Family::index, ledger::all_keys(KeyPrefix::proposal), room);
    for (const Found& f : found) {
        const auto p = decoded(ledger::decode_proposal(f.value));
        if (!p || f.key == newest || check_->judge(*p).kept_by != KeptBy::nothing) continue;
        books_.erase(Family::index, f.key);
        books_.erase(Family::index, ledger::proposed_policy_key(p->id));
        one_went(p->id, check_->day_of(p->ended), room);
    }
    return found.empty();
}

/// A batch goes line by line, its record last: what is left after a crash is found again.
bool Retention::step_batches(Room& room) {
    const auto newest = newest_key(books_.store(), Family::index, KeyPrefix::refund_batch);
    const std::string before = state_->cursor;
    const auto found = next_of(Family::index, ledger::all_keys(KeyPrefix::refund_batch), room);
    std::string reached = before;
    for (const Found& f : found) {
        const auto b = decoded(ledger::decode_refund_batch(f.value));
        if (!b) return false;
        const bool goes =
            !b->is_open() && f.key != newest &&
            check_->by_age(RetentionFamily::batches, check_->day_of(b->ended)).kept_by == KeptBy::nothing;
        if (goes) {
            std::vector<std::string> lines;
            const KeyRange of = ledger::refund_batch_lines(b->id, 0);
            const auto scanned = books_.store().scan(Family::journal, of.from, of.to,
                                                     [&](std::string_view key, std::string_view) {
                                                         lines.emplace_back(key);
                                                         return lines.size() < retention_lines_a_step;
                                                     });
            if (!scanned) books_.fail(scanned.error());
            for (std::string& key : lines) books_.erase(Family::journal, std::move(key));
            if (lines.size() == retention_lines_a_step) {
                room.goes = 0;  // the rest of it in the next step
                state_->cursor = reached;
                return false;
            }
            books_.erase(Family::index, f.key);
            books_.erase(Family::index, ledger::refund_batch_reference_key(b->merchant, b->reference));
            one_went(b->id, check_->day_of(b->ended), room);
        }
        reached = f.key;
    }
    return found.empty();
}

bool Retention::step_reconciliation(Room& room) {
    const BusinessDate last{
        state_->day.date.plus_days(-days_of(c_.config->retention, RetentionFamily::reconciliation))};
    const auto begins_with = [this](KeyPrefix prefix) {
        return !state_->cursor.empty() && state_->cursor.front() == static_cast<char>(prefix);
    };
    // What issuers' files say of each transaction, by day.
    if (state_->cursor.empty() || begins_with(KeyPrefix::recon_entry)) {
        const KeyRange entries{ledger::all_keys(KeyPrefix::recon_entry).from,
                               ledger::recon_entries_of(last).to};
        const auto found = next_of(Family::journal, entries, room);
        for (const Found& f : found) {
            const auto e = decoded(ledger::decode_recon_entry(f.value));
            if (!e || is_open(e->status) || !e->exception.empty()) continue;
            books_.erase(Family::journal, f.key);
            one_went(e->ref, e->day, room);
        }
        if (!found.empty()) return false;
        state_->cursor = ledger::all_keys(KeyPrefix::recon_day).from;
    }
    if (begins_with(KeyPrefix::recon_day)) {
        const KeyRange days{ledger::all_keys(KeyPrefix::recon_day).from,
                            ledger::recon_day_key(BusinessDate(last).next())};
        const auto found = next_of(Family::journal, days, room);
        for (const Found& f : found) {
            const auto d = decoded(ledger::decode_recon_day(f.value));
            if (!d || d->state != ledger::ReconDayRecord::State::done) continue;
            books_.erase(Family::journal, f.key);
            one_went(d->day.date.iso(), d->day, room);
        }
        if (!found.empty()) return false;
        state_->cursor = ledger::all_keys(KeyPrefix::issuer_file).from;
    }
    // Their numbers count on: the newest stays.
    const auto found = next_of(Family::index, ledger::all_keys(KeyPrefix::issuer_file), room);
    for (const Found& f : found) {
        const auto file = decoded(ledger::decode_issuer_file(f.value));
        if (!file || !file->is_at_its_end() || file->number == newest_issuer_file()) continue;
        const BusinessDate of =
            std::max(check_->day_of(file->ended), file->last_day.value_or(BusinessDate{}));
        if (of > last) continue;
        books_.erase(Family::index, f.key);
        one_went(std::to_string(file->number), of, room);
    }
    return found.empty();
}

std::uint32_t Retention::newest_issuer_file() {
    std::uint32_t newest = 0;
    const KeyRange all = ledger::all_keys(KeyPrefix::issuer_file);
    const auto scanned =
        books_.store().scan(Family::index, all.from, all.to, [&](std::string_view, std::string_view value) {
            if (const auto file = decoded(ledger::decode_issuer_file(value)))
                newest = std::max(newest, file->number);
            return true;
        });
    if (!scanned) books_.fail(scanned.error());
    return newest;
}

/// In their order, as the outbox erases them: behind what is erased already, up to what is delivered.
bool Retention::step_notices(Room& room) {
    ledger::NoticeBooks notices(c_.ledger);
    const ledger::NoticeProgress progress = notices.progress();
    const KeyRange delivered{ledger::notice_key(progress.erased + 1),
                             ledger::notice_key(progress.delivered + 1)};
    const auto found = next_of(Family::journal, delivered, room);
    std::uint64_t erased = progress.erased;
    for (const Found& f : found) {
        const auto n = decoded(ledger::decode_notice(f.value));
        if (!n) return false;
        const BusinessDate of = check_->day_of(n->at);
        if (check_->by_age(RetentionFamily::notices, of).kept_by != KeptBy::nothing) {
            if (erased != progress.erased) erased_notices_(erased);
            return true;
        }
        books_.erase(Family::journal, f.key);
        erased = n->number;
        one_went(f.key.substr(1), of, room);
    }
    if (erased != progress.erased) erased_notices_(erased);
    return found.empty();
}

}  // namespace acquirer
