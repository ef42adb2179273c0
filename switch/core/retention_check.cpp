#include "switch/core/retention_check.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/batch_books.hpp"
#include "ledger/recon_records.hpp"
#include "switch/core/in_flight.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::Rrn;
using ledger::Family;
using ledger::KeyRange;
using ledger::RetentionFamily;
using ledger::State;
using ledger::StoreError;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

StoreError damage(const iso8583::ParseError& error) {
    return StoreError{StoreError::Kind::corruption, error.what};
}

BusinessDate plus_days(BusinessDate day, std::int32_t days) { return {day.date.plus_days(days)}; }

/// Every value of a range, decoded.
template <typename Decode, typename Visit>
iso8583::Result<void, StoreError> each(const ledger::StoreReader& store, Family family, const KeyRange& range,
                                       Decode decode, Visit&& visit) {
    std::optional<StoreError> fault;
    auto scanned =
        store.scan(family, range.from, range.to, [&](std::string_view key, std::string_view value) {
            auto record = decode(value);
            if (!record) {
                fault = damage(record.error());
                return false;
            }
            return visit(key, *record);
        });
    if (fault) return tl::unexpected(*fault);
    return scanned;
}

}  // namespace

std::string_view name(KeptBy kept) {
    switch (kept) {
        case KeptBy::nothing:
            return "nothing";
        case KeptBy::age:
            return "age";
        case KeptBy::story:
            return "story";
        case KeptBy::window:
            return "window";
        case KeptBy::batch:
            return "batch";
        case KeptBy::hold:
            return "hold";
        case KeptBy::exception:
            return "exception";
        case KeptBy::dispute:
            return "dispute";
        case KeptBy::proposal:
            return "proposal";
        case KeptBy::reconciliation:
            return "reconciliation";
        case KeptBy::refund_batch:
            return "refund_batch";
    }
    ENSURE(false);
}

std::string_view words(KeptBy kept) {
    switch (kept) {
        case KeptBy::nothing:
            return "it goes";
        case KeptBy::age:
            return "something happened to it later";
        case KeptBy::story:
            return "it is not at its end";
        case KeptBy::window:
            return "it may still be refunded";
        case KeptBy::batch:
            return "its terminal's batch is not settled";
        case KeptBy::hold:
            return "operations hold it";
        case KeptBy::exception:
            return "an exception is open";
        case KeptBy::dispute:
            return "a dispute is open";
        case KeptBy::proposal:
            return "a proposal is open";
        case KeptBy::reconciliation:
            return "a difference to an issuer's file is open";
        case KeptBy::refund_batch:
            return "its batch of refunds is not at its end";
    }
    ENSURE(false);
}

std::int32_t days_of(const RetentionDays& days, RetentionFamily family) {
    switch (family) {
        case RetentionFamily::card_numbers:
            return days.card_numbers;
        case RetentionFamily::requests:
            return days.requests;
        case RetentionFamily::transactions:
            return days.transactions;
        case RetentionFamily::exceptions:
            return days.exceptions;
        case RetentionFamily::proposals:
            return days.proposals;
        case RetentionFamily::batches:
            return days.batches;
        case RetentionFamily::reconciliation:
            return days.reconciliation;
        case RetentionFamily::notices:
            return days.notices;
    }
    ENSURE(false);
}

bool any_of(const RetentionDays& days) {
    return std::any_of(ledger::retention_families.begin(), ledger::retention_families.end(),
                       [&days](RetentionFamily family) { return days_of(days, family) > 0; });
}

iso8583::Date date_of_rrn(const Rrn& rrn, iso8583::Date today) {
    // YDDD: the last digit of the year and the day of it, which ledger::rrn_day_prefix() makes.
    constexpr std::int32_t years = 10;
    const std::string_view text = rrn.view();
    const int day_of_year = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    const iso8583::Date latest = today.plus_days(1);
    for (std::int32_t before = 0; before <= years; ++before) {
        const int year = latest.year - before;
        if (year % years != text[0] - '0') continue;
        const auto first = iso8583::Date{static_cast<std::int16_t>(year), 1, 1};
        const iso8583::Date date = first.plus_days(std::max(1, day_of_year) - 1);
        if (date <= latest) return date;
    }
    return latest;
}

RetentionCheck::Result<void> RetentionCheck::load() {
    auto days =
        each(store_, Family::journal, ledger::all_keys(ledger::KeyPrefix::business_day),
             ledger::decode_business_day, [this](std::string_view, const ledger::BusinessDayRecord& day) {
                 began_[day.day] = day.at;
                 return true;
             });
    if (!days) return days;
    auto disputes = each(store_, Family::index, ledger::all_keys(ledger::KeyPrefix::dispute),
                         ledger::decode_dispute, [this](std::string_view key, const ledger::Dispute& d) {
                             if (d.state == ledger::Dispute::State::open) disputed_.insert(d.sale);
                             disputes_[d.sale].emplace_back(key);
                             return true;
                         });
    if (!disputes) return disputes;
    auto proposals = each(store_, Family::index, ledger::all_keys(ledger::KeyPrefix::proposal),
                          ledger::decode_proposal, [this](std::string_view, const ledger::Proposal& p) {
                              if (p.state == ledger::Proposal::State::open && !p.rrn.empty())
                                  proposed_.insert(p.rrn);
                              return true;
                          });
    if (!proposals) return proposals;
    return each(store_, Family::index, ledger::all_keys(ledger::KeyPrefix::refund_batch),
                ledger::decode_refund_batch, [this](std::string_view, const ledger::RefundBatch& b) {
                    if (b.is_open()) open_batches_.insert(b.id);
                    return true;
                });
}

RetentionCheck::Result<std::optional<TransactionRecord>> RetentionCheck::read(const Rrn& rrn) const {
    const auto stored = store_.get(Family::journal, ledger::transaction_key(rrn));
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return std::optional<TransactionRecord>();
    auto record = ledger::decode_transaction_record(**stored);
    if (!record) return tl::unexpected(damage(record.error()));
    return std::optional(std::move(*record));
}

/// What the record names below itself, with the record.
RetentionCheck::Result<void> RetentionCheck::collect(TransactionRecord record, Story& story,
                                                     std::set<Rrn>& seen) const {
    if (!seen.insert(record.rrn).second) return {};
    const std::optional<Rrn> links[] = {record.voided_by, record.completed_by, record.last_refund};
    story.push_back(std::move(record));
    for (const std::optional<Rrn>& link : links) {
        if (!link) continue;
        auto below = read(*link);
        if (!below) return tl::unexpected(below.error());
        if (!*below) continue;
        if (auto done = collect(std::move(**below), story, seen); !done) return done;
    }
    return {};
}

RetentionCheck::Result<std::optional<Story>> RetentionCheck::story_of(TransactionRecord record) const {
    TransactionRecord top = record;
    std::set<Rrn> above;
    while (top.original && above.insert(top.rrn).second) {
        auto next = read(*top.original);
        if (!next) return tl::unexpected(next.error());
        if (!*next) break;  // that one went before
        top = std::move(**next);
    }
    Story story;
    std::set<Rrn> seen;
    const Rrn rrn = record.rrn;
    if (top.rrn == rrn) {
        if (auto done = collect(std::move(record), story, seen); !done) return tl::unexpected(done.error());
        return std::optional(std::move(story));
    }
    if (auto done = collect(std::move(top), story, seen); !done) return tl::unexpected(done.error());
    if (seen.contains(rrn)) return std::optional<Story>();
    // A refusal, or an attempt that another one followed: nothing above names it any more.
    story.clear();
    seen.clear();
    if (auto done = collect(std::move(record), story, seen); !done) return tl::unexpected(done.error());
    return std::optional(std::move(story));
}

BusinessDate RetentionCheck::day_of(iso8583::UtcTime at) const {
    BusinessDate day{iso8583::civil_from_utc(at, config_.time_zone.offset_s(at)).date};
    // A day that was cut over before midnight has what came after it.
    for (auto next = began_.find(day.next()); next != began_.end() && next->second.ms <= at.ms;
         next = began_.find(day.next()))
        day = day.next();
    return day;
}

BusinessDate RetentionCheck::last_day_of(const TransactionRecord& r) const {
    BusinessDate last = std::max(r.business_date, day_of(r.updated));
    for (const ledger::Posting& p : r.postings) last = std::max(last, p.day);
    return last;
}

std::optional<BusinessDate> RetentionCheck::refundable_until(const TransactionRecord& sale) const {
    if (sale.kind != TransactionKind::sale || sale.state != State::approved || sale.remaining_minor() == 0)
        return std::nullopt;
    // Of a merchant that is not configured now the longest window counts: it may come back.
    std::int32_t days = 0;
    for (const auto& [id, merchant] : config_.merchants)
        if (id == sale.merchant || config_.find_merchant(sale.merchant) == nullptr)
            days = std::max(days, merchant.refund.window_days);
    return plus_days(sale.business_date, days);
}

KeptBy RetentionCheck::before_people(const TransactionRecord& r) const {
    if (r.hold) return KeptBy::hold;
    if (disputed_.contains(r.rrn)) return KeptBy::dispute;
    if (proposed_.contains(r.rrn)) return KeptBy::proposal;
    if (open_batches_.contains(r.batch_line.batch)) return KeptBy::refund_batch;
    return KeptBy::nothing;
}

RetentionCheck::Result<bool> RetentionCheck::is_settled(const TransactionRecord& r) const {
    if (!belongs_to_a_batch(r)) return true;
    const auto stored = store_.get(Family::index, ledger::terminal_key(r.terminal));
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return false;
    const auto terminal = ledger::decode_terminal(**stored);
    if (!terminal) return tl::unexpected(damage(terminal.error()));
    return terminal->batch != r.batch;
}

RetentionCheck::Result<bool> RetentionCheck::has_open_exception(const Rrn& rrn) const {
    bool open = false;
    const auto done = each(store_, Family::journal, ledger::exceptions_of(rrn), ledger::decode_exception,
                           [&open](std::string_view, const ledger::ExceptionRecord& x) {
                               open = open || x.resolution.empty();
                               return !open;
                           });
    if (!done) return tl::unexpected(done.error());
    return open;
}

RetentionCheck::Result<bool> RetentionCheck::has_open_difference(const Rrn& rrn) const {
    bool open = false;
    const KeyRange range = ledger::recon_open_of(ledger::recon_ref(rrn));
    const auto done =
        store_.scan(Family::journal, range.from, range.to, [&open](std::string_view, std::string_view) {
            open = true;
            return false;
        });
    if (!done) return tl::unexpected(done.error());
    return open;
}

RetentionVerdict RetentionCheck::by_age(RetentionFamily family, BusinessDate last) const {
    const BusinessDate goes = plus_days(last, days_of(config_.retention, family));
    if (goes > today_) return {KeptBy::age, goes};
    return {};
}

RetentionCheck::Result<RetentionVerdict> RetentionCheck::judge(RetentionFamily family,
                                                               const Story& story) const {
    const BusinessDate tomorrow = today_.next();
    const bool all = family != RetentionFamily::requests;  // a key alone keeps nobody's money
    BusinessDate last = story.front().business_date;
    for (const TransactionRecord& r : story) {
        if (ledger::is_open(r)) return RetentionVerdict{KeptBy::story, tomorrow};
        last = std::max(last, last_day_of(r));
    }
    if (const RetentionVerdict age = by_age(family, last); age.kept_by != KeptBy::nothing) return age;
    for (const TransactionRecord& r : story) {
        const auto settled = is_settled(r);
        if (!settled) return tl::unexpected(settled.error());
        if (!*settled) return RetentionVerdict{KeptBy::batch, tomorrow};
        if (!all) continue;
        if (const auto until = refundable_until(r); until && *until >= today_)
            return RetentionVerdict{KeptBy::window, until->next()};
        if (const KeptBy people = before_people(r); people != KeptBy::nothing)
            return RetentionVerdict{people, tomorrow};
        const auto exception = has_open_exception(r.rrn);
        if (!exception) return tl::unexpected(exception.error());
        if (*exception) return RetentionVerdict{KeptBy::exception, tomorrow};
        const auto difference = has_open_difference(r.rrn);
        if (!difference) return tl::unexpected(difference.error());
        if (*difference) return RetentionVerdict{KeptBy::reconciliation, tomorrow};
    }
    return RetentionVerdict{};
}

RetentionVerdict RetentionCheck::judge(const ledger::ExceptionRecord& x) const {
    if (x.resolution.empty()) return {KeptBy::exception, today_.next()};
    return by_age(RetentionFamily::exceptions, day_of(std::max(x.opened, x.resolved)));
}

RetentionVerdict RetentionCheck::judge(const ledger::Proposal& p) const {
    if (p.state == ledger::Proposal::State::open) return {KeptBy::proposal, today_.next()};
    return by_age(RetentionFamily::proposals, day_of(p.ended));
}

std::vector<std::string> RetentionCheck::disputes_of(const Rrn& sale) const {
    const auto at = disputes_.find(sale);
    return at == disputes_.end() ? std::vector<std::string>() : at->second;
}

}  // namespace acquirer
