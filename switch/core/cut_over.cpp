#include "switch/core/cut_over.hpp"

#include <algorithm>

#include "ledger/merchant_books.hpp"
#include "switch/core/caution.hpp"

namespace acquirer {
namespace {

constexpr const char* by_first_start = "first start";
constexpr const char* by_schedule = "schedule";
constexpr const char* by_schedule_made_up = "schedule, made up";

iso8583::Date local_date(const Configuration& config, iso8583::UtcTime at) {
    return iso8583::civil_from_utc(at, config.time_zone.offset_s(at)).date;
}

}  // namespace

void CutOver::recover() {
    if (auto stored = c_.ledger.newest_business_day()) {
        newest_ = std::move(*stored);
    } else {
        newest_ = {{c_.now.local().date}, c_.now.utc, by_first_start, {}};
        c_.ledger.save(newest_);
    }
    c_.business_day = newest_.day;
    c_.ledger.put_away_days_before(c_.business_day);  // those of a program that kept them
    std::size_t made_up = 0;
    const iso8583::BusinessDate before = c_.business_day;
    each_due([&](iso8583::UtcTime at) {
        store(at, by_schedule_made_up);
        ++made_up;
    });
    if (made_up != 0) {
        Note n;
        n.severity = Severity::warning;
        n.kind = NoteKind::day_cut_over;
        n.detail = std::to_string(made_up) + (made_up == 1 ? " cut-over was" : " cut-overs were") +
                   " missed while the switch was down and made up at start: business day " +
                   before.date.iso() + " is closed, " + c_.business_day.date.iso() + " began";
        c_.note(std::move(n));
    }
    tell_others();
    arm();
}

void CutOver::tell_others() {
    const ledger::NumberPlan& numbers = c_.ledger.numbers();
    if (numbers.has_others() && numbers.is_first())
        c_.emit(TellShards{DayClosed{{c_.business_day.date.plus_days(-1)}, newest_.by}});
}

void CutOver::on_told(const DayClosed& word) {
    while (c_.business_day <= word.day) cut_over(word.by);
}

bool CutOver::too_early(iso8583::Date local_date) const {
    return c_.business_day.next().date > local_date.plus_days(1);
}

std::optional<std::string> CutOver::refusal() const {
    const iso8583::Date today = c_.local_now().date;
    if (!too_early(today)) return std::nullopt;
    return "the business day " + c_.business_day.date.iso() +
           " cannot be closed yet: " + c_.business_day.next().date.iso() +
           " would be later than tomorrow, the local date is " + today.iso();
}

iso8583::Date CutOver::last_closed() const {
    const iso8583::Date local = local_date(*c_.config, newest_.at);
    const auto is_of = [this](iso8583::Date date) {
        return c_.config->time_zone.first_at(date, *c_.config->cutover_at_minute) == newest_.at;
    };
    const iso8583::Date before = local.plus_days(-1);
    return is_of(before) && !is_of(local) ? before : local;
}

void CutOver::each_due(const std::function<void(iso8583::UtcTime)>& visit) const {
    if (!c_.config->cutover_at_minute) return;
    const iso8583::Date last = last_closed();
    const iso8583::UtcTime since = newest_.at;
    // The first start began a day and closed none.
    const bool closed_one = newest_.by != by_first_start;
    for (iso8583::Date date = closed_one ? last.plus_days(1) : last;; date = date.plus_days(1)) {
        const iso8583::UtcTime at = c_.config->time_zone.first_at(date, *c_.config->cutover_at_minute);
        if (at > c_.now.utc) return;
        if (at > since && !too_early(date)) visit(at);
    }
}

void CutOver::look() {
    each_due([this](iso8583::UtcTime at) {
        store(at, by_schedule);
        note_began(by_schedule);
    });
    arm();
}

void CutOver::store(iso8583::UtcTime at, const std::string& by) {
    // Counters of the terminals' refunds belong to a day; yesterday's are not asked for again.
    c_.ledger.totals().forget(ledger::refund_counts_prefix(c_.business_day));
    caution::forget(c_, c_.business_day);
    ledger::MerchantBooks(c_.ledger).day_closed(c_.business_day);
    // Never before the one before it: a clock that was set back must not make a local day look new.
    newest_ = {c_.business_day.next(), std::max(at, newest_.at), by, {}};
    c_.ledger.save(newest_);
    c_.business_day = newest_.day;
    c_.ledger.put_away_days_before(c_.business_day);
    c_.count("cut_overs");
}

void CutOver::cut_over(const std::string& by) {
    store(c_.now.utc, by);
    note_began(by);
    tell_others();
}

void CutOver::note_began(const std::string& by) {
    Note n;
    n.kind = NoteKind::day_cut_over;
    n.detail = "business day " + c_.business_day.date.iso() + " began, by " + by;
    c_.note(std::move(n));
}

void CutOver::arm() {
    const DeadlineId id{DeadlineId::Kind::cut_over, {}, 0};
    if (!c_.config->cutover_at_minute) return c_.deadlines.cancel(id);
    const iso8583::Date today = local_date(*c_.config, c_.now.utc);
    iso8583::UtcTime next = c_.config->time_zone.first_at(today, *c_.config->cutover_at_minute);
    if (next <= c_.now.utc)
        next = c_.config->time_zone.first_at(today.plus_days(1), *c_.config->cutover_at_minute);
    c_.set_deadline(id, std::min(next.ms - c_.now.utc.ms, cut_over_recheck_ms));
}

}  // namespace acquirer
