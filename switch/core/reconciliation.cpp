#include "switch/core/reconciliation.hpp"

#include <algorithm>

#include "ledger/record_glance.hpp"
#include "switch/core/operator_words.hpp"

namespace acquirer {
namespace {

using iso8583::BusinessDate;
using ledger::IssuerFileRecord;
using ledger::ReconDayRecord;
using FileState = IssuerFileRecord::State;
using DayState = ReconDayRecord::State;

const DeadlineId step_deadline{DeadlineId::Kind::recon_step, {}, 0};
constexpr std::size_t name_characters_max = 200;
constexpr std::int64_t hour_ms = 3'600'000;

std::optional<BusinessDate> day_of_text(const std::string& text) {
    const auto date = iso8583::Date::parse_iso(text);
    return date ? std::optional(BusinessDate{*date}) : std::nullopt;
}

iso8583::CivilTime local_time(const Configuration& config, iso8583::UtcTime at) {
    return iso8583::civil_from_utc(at, config.time_zone.offset_s(at));
}

std::string printable_name(const std::string& name) {
    std::string out;
    for (const char c : name.substr(0, name_characters_max))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    return out;
}

std::string summary(const IssuerFileRecord& file) {
    return "file " + std::to_string(file.number) + ": " + std::to_string(file.lines) + " lines, " +
           std::to_string(file.applied) + " new, " + std::to_string(file.repeated) + " known, " +
           std::to_string(file.replaced) + " changed, " + std::to_string(file.bad) + " bad";
}

}  // namespace

// ---- What people ask

OperatorAnswer Reconciliation::import(const OperatorCommanded& event, const ImportIssuerFile& command) {
    const routing::Route* route = c_.config->routes.find(command.route);
    if (route == nullptr) return no("no route is named " + command.route);
    const auto day = day_of_text(command.day);
    if (!command.day.empty() && !day) return no("day: a date as 2026-11-21 is needed");
    const auto content = files_.sealed(command.digest);
    const auto known = books_.file(command.digest, route->id.value);
    if (known && known->state != FileState::refused) {
        const std::string number = std::to_string(known->number);
        OperatorAnswer answer =
            yes(known->state == FileState::done
                    ? "this file was imported before, as file " + number + ": nothing changes"
                    : "this file is being imported, as file " + number);
        answer.values = {
            {"file", number}, {"state", std::string(ledger::name(known->state))}, {"known", "yes"}};
        if (content && known->state == FileState::done) files_.drop(*content);
        tell_others(*known);  // one of them may have lost its copy before it was done with it
        return answer;
    }
    if (!content) return no("the file is not here: hand it over first");
    const std::vector<IssuerFileRecord> before = books_.files();
    IssuerFileRecord file;
    file.number = before.empty() ? 1 : before.back().number + 1;
    file.route = route->id.value;
    file.sha256 = command.digest;
    file.name = printable_name(command.name);
    file.bytes = content->bytes;
    file.day = day;
    file.by = event.user;
    file.began = c_.now.utc;
    books_.save(file);
    audit_(event, "recon.import",
           "file " + std::to_string(file.number) + " of " + route->name + ", SHA-256 " + file.sha256);
    queue_file(file);
    OperatorAnswer answer =
        yes("file " + std::to_string(file.number) + " of " + route->name + " is being imported");
    answer.values = {{"file", std::to_string(file.number)},
                     {"state", std::string(ledger::name(file.state))},
                     {"known", "no"}};
    return answer;
}

/// Files go before days, so that a day is compared with all that came before it.
void Reconciliation::queue_file(const IssuerFileRecord& file) {
    const auto first_day =
        std::find_if(work_.begin(), work_.end(), [](const Work& work) { return work.file.empty(); });
    work_.insert(first_day, Work{file.sha256, file.route, {}});
    arm();
}

OperatorAnswer Reconciliation::run(const OperatorCommanded& event, const RunReconciliation& command) {
    const auto day = day_of_text(command.day);
    if (!day) return no("day: a date as 2026-11-21 is needed");
    begin_step();
    if (std::none_of(business_days_.begin(), business_days_.end(),
                     [&](const ledger::BusinessDayRecord& known) { return known.day == *day; }))
        return no("there was no business day " + day->date.iso());
    if (const auto why = purged(*day)) return no("the day " + *why + ": it cannot be compared any more");
    // Those beside the first are asked before it, whether they have what is to be compared.
    if (!c_.ledger.numbers().is_first()) return yes("the day " + day->date.iso() + " can be compared");
    ReconDayRecord record = books_.day(*day).value_or(ReconDayRecord{});
    if (record.state != DayState::done && record.began.ms != 0)
        return no("the day " + day->date.iso() + " is being compared");
    record = {};
    record.day = *day;
    std::string missing;
    const std::vector<IssuerFileRecord> files = books_.files();
    for (const routing::Route& route : c_.config->routes.routes()) {
        const bool covered = std::any_of(files.begin(), files.end(), [&](const IssuerFileRecord& file) {
            return file.route == route.id.value && file.covers(*day);
        });
        if (covered && record.routes.size() < ReconDayRecord::routes_max)
            record.routes.push_back(route.id.value);
        if (!covered) missing += (missing.empty() ? "" : ", ") + route.name;
    }
    if (record.routes.empty())
        return no("no file that was imported covers the day " + day->date.iso() +
                  ": recon import --route R FILE comes first");
    record.by = event.user;
    record.began = c_.now.utc;
    record.date = first_date(*day);
    books_.save(record);
    audit_(event, "recon.run", day->date.iso());
    work_.push_back(Work{"", 0, *day});
    arm();
    OperatorAnswer answer = yes("the day " + day->date.iso() + " is being compared" +
                                (missing.empty() ? "" : "; there is no file yet of " + missing));
    answer.values = {{"day", day->date.iso()}, {"state", "running"}, {"not_imported", missing}};
    return answer;
}

// ---- Several shards

void Reconciliation::tell_others(const IssuerFileRecord& file) {
    const bool is_checked = file.state != FileState::checking && file.state != FileState::refused;
    if (tells_others() && is_checked) c_.emit(TellShards{IssuerFileChecked{file}});
}

void Reconciliation::on_told(const IssuerFileChecked& word) {
    const auto known = books_.file(word.file.sha256, word.file.route);
    if (known && known->state != FileState::refused) return;
    const bool is_here = files_.sealed(word.file.sha256).has_value();
    // Of what was imported long ago nothing is here any more, neither the file nor, by retention, its record.
    const bool is_new = c_.now.utc.ms - word.file.began.ms < 2 * file_kept_hours * hour_ms;
    if (!is_here && (known || !is_new)) return;
    IssuerFileRecord file = word.file;
    file.offset = known ? known->offset : 0;
    file.line_number = known ? known->line_number : 0;
    file.applied = known ? known->applied : 0;
    file.repeated = known ? known->repeated : 0;
    file.replaced = known ? known->replaced : 0;
    file.bad = 0;
    file.bad_lines.clear();
    file.cursor.clear();
    file.ended = {};
    file.state = FileState::applying;
    books_.save(file);
    queue_file(file);  // where it is not here, that is what its step says
}

void Reconciliation::on_told(const ReconDayBegun& word) {
    const auto known = books_.day(word.day.day);
    if (known && known->began == word.day.began) return;
    begin_step();
    if (purged(word.day.day)) return;
    const bool runs = known && known->state != DayState::done;
    ReconDayRecord day = word.day;
    day.state = DayState::ours;
    day.cursor.clear();
    day.looked_at = 0;
    day.ended = {};
    day.date = first_date(day.day);
    books_.save(day);
    if (!runs) work_.push_back(Work{"", 0, day.day});
    arm();
}

// ---- The work

void Reconciliation::recover() {
    work_.clear();
    reading_ = {};
    second_.reset();
    for (const IssuerFileRecord& file : books_.files()) {
        if (!file.is_at_its_end()) work_.push_back(Work{file.sha256, file.route, {}});
        tell_others(file);
    }
    business_days_ = books_.business_days();
    for (const ReconDayRecord& day : books_.days()) {
        if (day.state != DayState::done) work_.push_back(Work{"", 0, day.day});
        if (tells_others() && has_begun(day)) c_.emit(TellShards{ReconDayBegun{day}});
    }
    arm();
}

void Reconciliation::arm() {
    if (!work_.empty() && !c_.deadlines.contains(step_deadline))
        c_.set_deadline(step_deadline, recon_pause_ms);
}

void Reconciliation::on_deadline() {
    if (work_.empty()) return;
    if (c_.store_accepts_new_work()) {  // R62: what can wait waits
        begin_step();
        const Work work = work_.front();
        if (work.file.empty()) {
            if (auto day = books_.day(work.day)) step_day(std::move(*day));
        } else {
            if (auto file = books_.file(work.file, work.route)) step_file(std::move(*file));
        }
    }
    arm();
}

void Reconciliation::begin_step() {
    business_days_ = books_.business_days();
    runs_.clear();
    purged_.clear();
    second_.reset();
}

iso8583::UtcTime Reconciliation::began_at(BusinessDate day) const {
    for (const ledger::BusinessDayRecord& known : business_days_)
        if (known.day == day) return known.at;
    return c_.now.utc;
}

iso8583::Date Reconciliation::first_date(BusinessDate day) const {
    return local_time(*c_.config, began_at(day).plus_ms(-recon_clock_margin_ms))
        .date.plus_days(-recon_days_back);
}

std::optional<std::string> Reconciliation::purged(BusinessDate day) {
    const auto known = purged_.find(day);
    if (known != purged_.end()) return known->second;
    std::optional<std::string> why;
    const auto purge = books_.purge_of(day);
    if (purge)
        why = day.date.iso() + " was purged on " + purge->day.date.iso() + " by retention (" +
              std::string(name(purge->family)) + ")";
    return purged_[day] = why;
}

void Reconciliation::add_bad_line(IssuerFileRecord& file, std::uint64_t line_number,
                                  const std::string& what) {
    ++file.bad;
    if (file.bad_lines.size() < IssuerFileRecord::bad_lines_max)
        file.bad_lines.push_back({line_number, what});
}

void Reconciliation::step_file(IssuerFileRecord file) {
    if (file.state == FileState::judging) return judge_step(file);
    const auto content = files_.sealed(file.sha256);
    if (!content) {
        add_bad_line(file, 0, "the file is not stored any more: import it again");
        return end_file(file, FileState::refused);
    }
    if (file.state == FileState::checking)
        check_step(file, *content);
    else
        apply_step(file, *content);
}

void Reconciliation::check_step(IssuerFileRecord& file, const ledger::FileRecord& content) {
    IssuerFileReader& reader = reader_of(file, content);
    const auto bad = [&](const std::string& what) { add_bad_line(file, file.line_number, what); };
    const auto widen = [&](BusinessDate day) {
        file.first_day = std::min(file.first_day.value_or(day), day);
        file.last_day = std::max(file.last_day.value_or(day), day);
    };
    const bool first = file.offset == 0;
    std::size_t of_route = 0, of_others = 0;
    const bool at_end = each_line(file, content, recon_checked_lines_a_step, [&](std::string_view text) {
        const auto line = reader.read(text);
        if (!line) {
            bad(line.error().what);
            return !reader.header_is_bad();
        }
        if (!*line) return true;
        ++file.lines;
        if (const auto* record = first && (*line)->rrn ? c_.ledger.find(*(*line)->rrn) : nullptr)
            ++(record->route == file.route ? of_route : of_others);
        if (!(*line)->time && !(*line)->date && !file.day)
            bad("time: is missing, and no --day was given with the file");
        else if (const auto why = purged(day_of(file, **line)))
            bad("its business day " + *why);
        else
            widen(day_of(file, **line));
        return true;
    });
    if (reader.header_is_bad()) return end_file(file, FileState::refused);
    if (of_route == 0 && of_others >= recon_wrong_file_lines) {
        add_bad_line(file, 0, "all of its transactions went over other routes: it is another issuer's file");
        return end_file(file, FileState::refused);
    }
    if (!at_end) return books_.save(file);
    if (file.day) widen(*file.day);
    if (file.bad == 0 && !file.first_day) bad("there is no line in the file, and no --day was given with it");
    if (file.bad != 0) return end_file(file, FileState::refused);
    file.state = FileState::applying;
    file.offset = file.line_number = 0;
    reading_ = {};
    books_.save(file);
    tell_others(file);
}

void Reconciliation::apply_or_leave_out(IssuerFileRecord& file, const IssuerLine& line) {
    // Purged since the file was checked, or by this shard alone.
    if (const auto why = purged(day_of(file, line)))
        return add_bad_line(file, file.line_number, "left out, its business day " + *why);
    apply(file, line);
}

void Reconciliation::apply_step(IssuerFileRecord& file, const ledger::FileRecord& content) {
    IssuerFileReader& reader = reader_of(file, content);
    const bool at_end = each_line(file, content, recon_lines_a_step, [&](std::string_view text) {
        const auto line = reader.read(text);
        if (!line)  // when it was checked it could be
            add_bad_line(file, file.line_number,
                         "left out, the configuration has changed: " + line.error().what);
        else if (*line && is_of_this_shard(**line))
            apply_or_leave_out(file, **line);
        return true;
    });
    if (at_end) {
        file.state = FileState::judging;
        file.cursor.clear();
        files_.drop(content);
    }
    books_.save(file);
}

bool Reconciliation::judge_open(std::string& cursor,
                                const std::function<bool(const ledger::ReconOpenKey&)>& is_wanted) {
    std::vector<std::string> keys;
    std::size_t looked_at = 0;
    std::string last = cursor;
    bool at_end = true;
    books_.visit_open(cursor, [&](std::string_view key) {
        if (keys.size() == recon_entries_a_step || looked_at == recon_records_a_step) {
            at_end = false;
            return false;
        }
        ++looked_at;
        last = key;
        const auto of = ledger::parse_recon_open_key(key);
        if (of && is_wanted(*of)) keys.emplace_back(key);
        return true;
    });
    for (const std::string& key : keys) {
        const auto of = ledger::parse_recon_open_key(key);
        if (auto entry = books_.entry(of->day, of->route, of->ref)) judge_entry(std::move(*entry));
    }
    cursor = last;
    return at_end;
}

void Reconciliation::judge_step(IssuerFileRecord& file) {
    const bool at_end = judge_open(file.cursor, [&](const ledger::ReconOpenKey& of) {
        return of.route == file.route && was_run(of.day, of.route);
    });
    if (at_end) return end_file(file, FileState::done);
    books_.save(file);
}

void Reconciliation::end_file(IssuerFileRecord& file, FileState state) {
    file.state = state;
    file.ended = c_.now.utc;
    file.cursor.clear();
    if (const auto content = files_.sealed(file.sha256)) files_.drop(*content);
    books_.save(file);
    work_.pop_front();
    reading_ = {};
    if (c_.ledger.numbers().is_first())
        c_.count(state == FileState::done ? "recon_files_done" : "recon_files_refused");
    note_end(summary(file) + (state == FileState::done ? "" : ": refused, nothing of it counts"));
}

bool Reconciliation::has_begun(const ReconDayRecord& day) const {
    return day.state != DayState::ours || !day.cursor.empty() || day.date != first_date(day.day);
}

void Reconciliation::step_day(ReconDayRecord day) {
    // Not when it is asked for: files go before days in the others too.
    if (tells_others() && !has_begun(day)) c_.emit(TellShards{ReconDayBegun{day}});
    if (day.state == DayState::ours)
        ours_step(day);
    else
        theirs_step(day);
}

void Reconciliation::ours_step(ReconDayRecord& day) {
    const iso8583::UtcTime began = began_at(day.day);
    iso8583::UtcTime ends = c_.now.utc;
    for (const ledger::BusinessDayRecord& known : business_days_)
        if (known.day == day.day.next()) ends = known.at;
    const iso8583::Date last = local_time(*c_.config, ends.plus_ms(recon_clock_margin_ms)).date;
    ledger::KeyRange range = ledger::transactions_of_day(day.date);
    if (!day.cursor.empty()) range.from = day.cursor + '\0';
    std::vector<iso8583::Rrn> wanted;
    std::size_t glanced = 0;
    bool day_is_through = true;
    books_.visit_transactions(range, [&](std::string_view key, std::string_view value) {
        if (glanced == recon_records_a_step || wanted.size() == recon_entries_a_step) {
            day_is_through = false;
            return false;
        }
        ++glanced;
        day.cursor = key;
        const auto glance = ledger::glance_at(value);
        const bool concerns = glance && (glance->business_date == day.day ||
                                         (glance->business_date < day.day && glance->updated >= began));
        if (concerns)
            if (const auto rrn = iso8583::Rrn::parse(key.substr(1))) wanted.push_back(*rrn);
        return true;
    });
    day.looked_at += glanced;
    for (const iso8583::Rrn& rrn : wanted) judge_ours(rrn, day);
    if (day_is_through) {
        day.cursor.clear();
        day.date = day.date.plus_days(1);
        if (day.date > last) day.state = DayState::theirs;
    }
    books_.save(day);
}

void Reconciliation::theirs_step(ReconDayRecord& day) {
    const bool at_end = judge_open(day.cursor, [&](const ledger::ReconOpenKey& of) {
        return of.day <= day.day &&
               std::find(day.routes.begin(), day.routes.end(), of.route) != day.routes.end();
    });
    if (at_end) {
        day.state = DayState::done;
        day.ended = c_.now.utc;
        day.cursor.clear();
        work_.pop_front();
        if (c_.ledger.numbers().is_first()) c_.count("recon_days_done");
        note_end("day " + day.day.date.iso() + ": compared");
    }
    books_.save(day);
}

void Reconciliation::note_end(std::string detail) {
    if (alarms_ > recon_alarms_logged_max)
        detail += "; " + std::to_string(alarms_) + " alarms, of which " +
                  std::to_string(recon_alarms_logged_max) + " are in the log";
    alarms_ = 0;
    Note n;
    n.kind = NoteKind::reconciled;
    n.rule = "R101";
    n.detail = std::move(detail);
    c_.note(std::move(n));
}

bool Reconciliation::was_run(BusinessDate day, std::uint16_t route) {
    const auto known = runs_.find({day, route});
    if (known != runs_.end()) return known->second;
    const auto record = books_.day(day);
    const bool ran = record && record->state == DayState::done &&
                     std::find(record->routes.begin(), record->routes.end(), route) != record->routes.end();
    return runs_[{day, route}] = ran;
}

std::string Reconciliation::route_name(std::uint16_t route) const {
    const routing::Route* known = c_.route(route);
    return known == nullptr ? std::to_string(route) : known->name;
}

std::int32_t Reconciliation::recon_days(std::uint16_t route) const {
    return c_.config->issuer_file(routing::RouteId{route}).recon_days;
}

}  // namespace acquirer
