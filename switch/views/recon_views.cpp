#include "switch/views/recon_views.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "ledger/recon_records.hpp"
#include "ledger/stored_records.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/recon_sums.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::parse_error;
using ledger::Family;
using ledger::IssuerFileRecord;
using ledger::ReconDayRecord;
using ledger::ReconEntry;
using ledger::ReconStatus;

namespace {

/// A record of one shard; nothing when it has none.
template <typename T>
iso8583::Result<std::optional<T>> stored_in(const ledger::StoreReader& shard, Family family,
                                            const std::string& key,
                                            iso8583::Result<T> (*decode)(std::string_view)) {
    const auto stored = shard.get(family, key);
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<T>();
    auto decoded = decode(**stored);
    if (!decoded) return parse_error("the ledger's " + decoded.error().what);
    return std::optional<T>(std::move(*decoded));
}

/// What another shard has done of a file that the first has checked: each applies its own lines.
void add(IssuerFileRecord& sum, const std::optional<IssuerFileRecord>& theirs) {
    using State = IssuerFileRecord::State;
    if (sum.state == State::checking || sum.state == State::refused) return;
    if (!theirs) {  // it is still to hear of it
        sum.state = State::applying;
        sum.offset = 0;
        sum.ended = {};
        return;
    }
    sum.applied += theirs->applied;
    sum.repeated += theirs->repeated;
    sum.replaced += theirs->replaced;
    sum.bad += theirs->bad;
    for (const IssuerFileRecord::BadLine& line : theirs->bad_lines)
        if (sum.bad_lines.size() < IssuerFileRecord::bad_lines_max) sum.bad_lines.push_back(line);
    if (theirs->state == State::refused) {
        sum.state = State::refused;
        sum.ended = theirs->ended;
    } else if (std::pair(theirs->state, theirs->offset) < std::pair(sum.state, sum.offset)) {
        sum.state = theirs->state;
        sum.offset = theirs->offset;
    }
    sum.ended = sum.is_at_its_end() ? std::max(sum.ended, theirs->ended) : iso8583::UtcTime{};
}

iso8583::Result<std::vector<IssuerFileRecord>> all_files(const ViewContext& context) {
    std::vector<IssuerFileRecord> files;
    auto done = each_value_of<IssuerFileRecord>(context, Family::index,
                                                ledger::all_keys(ledger::KeyPrefix::issuer_file),
                                                ledger::decode_issuer_file, [&](IssuerFileRecord&& file) {
                                                    files.push_back(std::move(file));
                                                    return true;
                                                });
    if (!done) return tl::unexpected(done.error());
    const auto readers = context.readers();
    for (std::size_t shard = 1; shard < readers.size(); ++shard)
        for (IssuerFileRecord& file : files) {
            const auto theirs = stored_in<IssuerFileRecord>(*readers[shard], Family::index,
                                                            ledger::issuer_file_key(file.sha256, file.route),
                                                            ledger::decode_issuer_file);
            if (!theirs) return tl::unexpected(theirs.error());
            add(file, *theirs);
        }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return files;
}

/// How far the comparison of a day is, in the slowest shard.
iso8583::Result<std::optional<ReconDayRecord>> run_of(const ViewContext& context, BusinessDate day) {
    std::optional<ReconDayRecord> sum;
    bool is_first = true;
    for (const ledger::StoreReader* shard : context.readers()) {
        auto read = stored_in<ReconDayRecord>(*shard, Family::journal, ledger::recon_day_key(day),
                                              ledger::decode_recon_day);
        if (!read) return tl::unexpected(read.error());
        std::optional<ReconDayRecord>& theirs = *read;
        if (std::exchange(is_first, false)) {
            sum = std::move(theirs);
            if (!sum) return sum;
            continue;
        }
        const bool is_told = theirs && theirs->began == sum->began;
        if (is_told) sum->looked_at += theirs->looked_at;
        sum->state = std::min(sum->state, is_told ? theirs->state : ReconDayRecord::State::ours);
        sum->ended = sum->state == ReconDayRecord::State::done ? std::max(sum->ended, theirs->ended)
                                                               : iso8583::UtcTime{};
    }
    return sum;
}

std::string iso(const std::optional<BusinessDate>& day) { return day ? day->date.iso() : ""; }
std::string number(std::uint64_t value) { return std::to_string(value); }

View view_of(const ViewContext& context, const IssuerFileRecord& file) {
    View one = View::object();
    one.put("file", file.number).put("route", route_name(context, file.route));
    one.put("name", file.name).put("state", ledger::name(file.state));
    one.put("lines", file.lines).put("new", file.applied).put("known", file.repeated);
    one.put("changed", file.replaced).put("bad", file.bad);
    one.put("first_day", iso(file.first_day)).put("last_day", iso(file.last_day));
    one.put("by", file.by).put("began", local_time(context, file.began));
    one.put("ended", file.is_at_its_end() ? local_time(context, file.ended) : "");
    return one;
}

/// Of the work that is done, in bytes: it is read twice, and judging takes what it takes.
View progress(const IssuerFileRecord& file) {
    using State = IssuerFileRecord::State;
    View view = View::object();
    const std::uint64_t passes = file.state == State::checking ? 0 : 1;
    const std::uint64_t done = file.state == State::judging || file.is_at_its_end()
                                   ? 2 * file.bytes
                                   : passes * file.bytes + file.offset;
    view.put("done", done).put("all", 2 * file.bytes);
    return view;
}

View view_of(const ViewContext& context, const ReconEntry& e) {
    const auto major = [&](std::int64_t minor) {
        const auto currency = e.lines.empty() ? context.configuration.currency
                                              : iso8583::Currency::of(e.lines.front().currency);
        return iso8583::Amount(minor, currency).major();
    };
    View one = View::object();
    one.put("ref", e.ref).put("route", route_name(context, e.route)).put("day", e.day.date.iso());
    one.put("kind", ledger::name(e.effect)).put("status", ledger::name(e.status));
    one.put("ours", major(e.ours_minor)).put("theirs", major(e.theirs_minor)).put("merchant", e.merchant);
    one.put("exception", e.exception).put("why", e.why);
    one.put("note", e.note).put("by", e.settled_by);
    return one;
}

bool wanted(const std::string& state, ReconStatus status) {
    if (state.empty()) return ledger::is_difference(status);
    return state == "all" || state == ledger::name(status);
}

/// Is what is asked for among what is not at its end, which has a list of its own?
bool is_open_state(const std::string& state) {
    if (state.empty()) return true;
    for (int s = static_cast<int>(ReconStatus::unjudged); s <= static_cast<int>(ReconStatus::settled); ++s)
        if (const auto status = static_cast<ReconStatus>(s); state == ledger::name(status))
            return ledger::is_open(status);
    return false;
}

/// A cursor is of letters, digits, - and _; what a key holds beside them (a terminal's name) is written in
/// hexadecimal.
std::string cursor_of(std::string_view key) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    for (const char c : key) {
        out += hex[static_cast<unsigned char>(c) >> 4];
        out += hex[static_cast<unsigned char>(c) & 15];
    }
    return out;
}
std::optional<std::string> key_of(std::string_view cursor) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    std::string key;
    if (cursor.size() % 2 != 0) return std::nullopt;
    for (std::size_t i = 0; i < cursor.size(); i += 2) {
        if (digit(cursor[i]) < 0 || digit(cursor[i + 1]) < 0) return std::nullopt;
        key += static_cast<char>(digit(cursor[i]) * 16 + digit(cursor[i + 1]));
    }
    return key;
}

/// Which keys a list walks, and where an entry's key says its day.
struct Walk {
    bool open = true;
    ledger::KeyRange range;
};

Walk walk_of(const ListQuery& query, const ListScope& scope) {
    Walk walk;
    walk.open = is_open_state(query.state);
    if (walk.open) {
        walk.range = ledger::all_keys(ledger::KeyPrefix::recon_open);
        return walk;
    }
    walk.range = ledger::all_keys(ledger::KeyPrefix::recon_entry);
    if (scope.from) walk.range.from = ledger::recon_entries_of(*scope.from).from;
    if (scope.to) walk.range.to = ledger::recon_entries_of(*scope.to).to;
    return walk;
}

}  // namespace

ViewResult view_recon_list(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("differences", query);
    const auto after = page.position();
    if (!after) return tl::unexpected(after.error());
    Walk walk = walk_of(query, *scope);
    if (!after->empty()) {
        const auto key = key_of(*after);
        if (!key) return ListPage::no_cursor();
        walk.range.from = *key + '\0';
    }
    std::optional<iso8583::ParseError> fault;
    std::size_t read = 0;
    const auto take = [&](std::string_view key, std::string_view value) {
        if (++read > page_records_read_max) {
            page.cut_at(cursor_of(key));
            return false;
        }
        auto entry = ledger::decode_recon_entry(value);
        if (!entry) {
            fault = iso8583::ParseError{"the ledger's " + entry.error().what};
            return false;
        }
        const bool fits =
            wanted(query.state, entry->status) && (!scope->from || entry->day >= *scope->from) &&
            (!scope->to || entry->day <= *scope->to) && (!scope->route || entry->route == *scope->route) &&
            (!scope->merchant || entry->merchant == scope->merchant->view());
        return !fits || page.add(view_of(context, *entry), cursor_of(key));
    };
    auto done = context.store.scan(
        Family::journal, walk.range.from, walk.range.to, [&](std::string_view key, std::string_view value) {
            if (!walk.open) return take(key, value);
            const auto of = ledger::parse_recon_open_key(key);
            if (!of) {
                fault = of.error();
                return false;
            }
            auto stored =
                context.store.get(Family::journal, ledger::recon_entry_key(of->day, of->route, of->ref));
            if (!stored || !*stored) {
                fault = iso8583::ParseError{"the ledger's list of open reconciliation entries is damaged"};
                return false;
            }
            return take(key, **stored);
        });
    if (!done) return store_fault(done.error());
    if (fault) return tl::unexpected(*fault);
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

ViewResult view_recon_files(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    auto files = all_files(context);
    if (!files) return tl::unexpected(files.error());
    ListPage page("files", query);
    const auto after = page.position();
    if (!after) return tl::unexpected(after.error());
    for (auto file = files->rbegin(); file != files->rend(); ++file) {
        if (!after->empty() && number(file->number).size() >= after->size() &&
            (number(file->number).size() > after->size() || number(file->number) >= *after))
            continue;
        if (scope->route && file->route != *scope->route) continue;
        if (scope->from && file->last_day && *file->last_day < *scope->from) continue;
        if (scope->to && file->first_day && *file->first_day > *scope->to) continue;
        if (!page.add(view_of(context, *file), number(file->number))) break;
    }
    return std::move(page).answer();
}

ViewResult view_recon_file(const ViewContext& context, std::uint32_t wanted_number) {
    auto files = all_files(context);
    if (!files) return tl::unexpected(files.error());
    for (const IssuerFileRecord& file : *files) {
        if (file.number != wanted_number) continue;
        View view = view_of(context, file);
        view.put("sha256", file.sha256).put("bytes", file.bytes);
        view.put("ended", file.is_at_its_end());
        view.put("progress", progress(file));
        View bad = View::list();
        for (const IssuerFileRecord::BadLine& line : file.bad_lines)
            bad.add(View::object().put("line", line.line_number).put("what", line.what));
        view.put("bad_lines", std::move(bad));
        return view;
    }
    return parse_error("file: no file has that number");
}

ViewResult view_recon_day(const ViewContext& context, BusinessDate day) {
    const auto run = run_of(context, day);
    if (!run) return tl::unexpected(run.error());
    if (!*run) return parse_error("day: it was not compared yet (recon run)");
    const ReconDayRecord& record = **run;
    View view = View::object();
    view.put("day", day.date.iso()).put("state", ledger::name(record.state));
    view.put("ended", record.state == ReconDayRecord::State::done).put("looked_at", record.looked_at);
    return view;
}

iso8583::Result<std::string> reconciliation_of(const ViewContext& context,
                                               const ledger::TransactionRecord& record) {
    auto stored = context.store.get(
        Family::journal,
        ledger::recon_entry_key(record.business_date, record.route, ledger::recon_ref(record.rrn)));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::string();
    const auto entry = ledger::decode_recon_entry(**stored);
    if (!entry) return parse_error("the ledger's " + entry.error().what);
    switch (entry->status) {
        case ReconStatus::unjudged:
        case ReconStatus::pending:
            return std::string();
        case ReconStatus::matched:
        case ReconStatus::late:
        case ReconStatus::settled:
            return "reconciled (" + std::string(ledger::name(entry->status)) + ")";
        default:
            return "mismatch (" + std::string(ledger::name(entry->status)) + ": " + entry->why + ")";
    }
}

// ---- The report of a day

namespace {

std::string major(const ViewContext& context, std::int64_t minor) {
    return iso8583::Amount(minor, context.configuration.currency).major();
}

View routes_view(const ViewContext& context, const ReconSums& sums, BusinessDate day,
                 const std::vector<IssuerFileRecord>& files, const std::optional<ReconDayRecord>& run) {
    View list = View::list();
    for (const routing::Route& route : context.configuration.routes.routes()) {
        std::string numbers;
        for (const IssuerFileRecord& file : files)
            if (file.route == route.id.value && file.covers(day))
                numbers += (numbers.empty() ? "" : " ") + number(file.number);
        const bool compared =
            run && std::find(run->routes.begin(), run->routes.end(), route.id.value) != run->routes.end();
        const auto found = sums.by_route.find(route.id.value);
        const ReconSum sum = found == sums.by_route.end() ? ReconSum{} : found->second;
        View one = View::object();
        one.put("route", route.name).put("files", numbers);
        one.put("complete", !numbers.empty() && compared && run->state == ReconDayRecord::State::done);
        for (int s = static_cast<int>(ReconStatus::matched); s <= static_cast<int>(ReconStatus::settled); ++s)
            one.put(std::string(ledger::name(static_cast<ReconStatus>(s))),
                    sum.counts[static_cast<std::size_t>(s)]);
        one.put("ours", major(context, sum.ours_minor)).put("theirs", major(context, sum.theirs_minor));
        one.put("difference", major(context, sum.theirs_minor - sum.ours_minor));
        list.add(std::move(one));
    }
    return list;
}

View merchants_view(const ViewContext& context, const ReconSums& sums) {
    View list = View::list();
    for (const auto& [key, sum] : sums.by_merchant) {
        View one = View::object();
        one.put("route", route_name(context, key.first)).put("merchant", key.second);
        one.put("transactions", sum.transactions()).put("differences", sum.differences());
        one.put("ours", major(context, sum.ours_minor)).put("theirs", major(context, sum.theirs_minor));
        one.put("difference", major(context, sum.theirs_minor - sum.ours_minor));
        list.add(std::move(one));
    }
    return list;
}

iso8583::Result<std::optional<BusinessDate>> newest_compared(const ViewContext& context) {
    std::optional<BusinessDate> newest;
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::recon_day);
    auto done = context.store.scan_back(Family::journal, range.from, range.to,
                                        [&](std::string_view, std::string_view value) {
                                            const auto day = ledger::decode_recon_day(value);
                                            if (day)
                                                newest = day->day;
                                            else
                                                fault = "the ledger's " + day.error().what;
                                            return false;
                                        });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error(*fault);
    return newest;
}

}  // namespace

ViewResult view_recon_report(const ViewContext& context, std::optional<BusinessDate> asked) {
    if (!asked) {
        auto newest = newest_compared(context);
        if (!newest) return tl::unexpected(newest.error());
        if (!*newest) return parse_error("no day was compared yet: recon run --day D comes first");
        asked = **newest;
    }
    const BusinessDate day = *asked;
    const auto known = run_of(context, day);
    if (!known) return tl::unexpected(known.error());
    const std::optional<ReconDayRecord>& run = *known;
    if (!run)
        return parse_error("day: " + day.date.iso() + " was not compared yet: recon run --day " +
                           day.date.iso() + " comes first");
    auto files = all_files(context);
    if (!files) return tl::unexpected(files.error());
    ReconSums sums;
    View differences = View::list();
    bool cut = false;
    auto done = each_value_of<ReconEntry>(context, Family::journal, ledger::recon_entries_of(day),
                                          ledger::decode_recon_entry, [&](ReconEntry&& entry) {
                                              sums.add(entry);
                                              if (!ledger::is_difference(entry.status)) return true;
                                              cut = differences.items()->size() == report_differences_max;
                                              if (!cut) differences.add(view_of(context, entry));
                                              return true;
                                          });
    if (!done) return tl::unexpected(done.error());
    View view = View::object();
    view.put("business_date", day.date.iso()).put("currency", context.configuration.currency.str());
    view.put("state", run->state == ReconDayRecord::State::done ? "compared" : "running");
    view.put("compared", run->ended.ms == 0 ? "" : local_time(context, run->ended)).put("by", run->by);
    view.put("day_is_closed", day < context.status.business_date);
    view.put("transactions", sums.total.transactions()).put("differences_count", sums.total.differences());
    view.put("ours", major(context, sums.total.ours_minor));
    view.put("theirs", major(context, sums.total.theirs_minor));
    view.put("routes", routes_view(context, sums, day, *files, *run));
    view.put("merchants", merchants_view(context, sums));
    view.put("differences", std::move(differences)).put("differences_cut", cut);
    return view;
}

}  // namespace acquirer
