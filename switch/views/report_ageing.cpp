// report ageing: what waits, and since when; the oldest of each kind with the command that leads out.
#include <algorithm>
#include <array>
#include <vector>

#include "ledger/key_layout.hpp"
#include "switch/core/ways_out.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/report_parts.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using iso8583::UtcTime;
using ledger::Family;
using ledger::State;
using ledger::TransactionRecord;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

struct Step {
    std::string_view name;
    std::int64_t below_ms;
};
constexpr std::array steps = {Step{"under_1h", hour_ms}, Step{"under_1d", day_ms},
                              Step{"under_3d", 3 * day_ms}, Step{"under_7d", 7 * day_ms},
                              Step{"under_30d", 30 * day_ms}};

/// What waits for the same.
struct Waiting {
    std::uint64_t count = 0;
    std::int64_t minor = 0;
    std::array<std::uint64_t, steps.size() + 1> by_age{};
    UtcTime oldest;
    std::string oldest_id;
    std::string way_out;
};

struct Item {
    UtcTime since;
    std::int64_t minor = 0;
    std::string id;
};

class Ages {
  public:
    explicit Ages(UtcTime now) : now_(now) {}
    /// `way_out` is asked when it is the oldest so far.
    void add(const std::string& what, const Item& item, const std::function<std::string()>& way_out) {
        Waiting& w = all_[what];
        const std::int64_t age_ms = now_.ms - item.since.ms;
        std::size_t step = 0;
        while (step < steps.size() && age_ms >= steps[step].below_ms) ++step;
        ++w.by_age[step];
        w.minor += item.minor;
        if (w.count++ == 0 || item.since < w.oldest) {
            w.oldest = item.since;
            w.oldest_id = item.id;
            w.way_out = way_out();
        }
    }
    [[nodiscard]] const std::map<std::string, Waiting>& all() const { return all_; }

  private:
    UtcTime now_;
    std::map<std::string, Waiting> all_;
};

/// Since when it is in the state in which it is.
UtcTime since_when(const TransactionRecord& record) {
    UtcTime since = record.updated;
    for (auto entry = record.history.rbegin(); entry != record.history.rend(); ++entry) {
        if (entry->state != record.state) break;
        since = entry->at;
    }
    return since;
}

/// The word for what an open transaction waits for; empty for one that only awaits an answer.
std::string waits_as(const TransactionRecord& record) {
    switch (record.state) {
        case State::held:
            return "case held";
        case State::cleared:
            return "case cleared";
        case State::abnormal:
            return "abnormal refund";
        case State::reversal_stuck:
            return "stuck reversal";
        case State::not_collected:
            return "sale not collected";
        case State::authorized:
            return "open authorization";
        default:
            break;
    }
    if (record.advice.kind == ledger::QueuedAdvice::Kind::none) return "";
    const bool refund = record.advice.kind == ledger::QueuedAdvice::Kind::refund;
    const bool completion = record.advice.kind == ledger::QueuedAdvice::Kind::completion;
    if (record.advice.status == ledger::QueuedAdvice::Status::parked)
        return refund ? "parked refund" : completion ? "parked completion" : "parked reversal";
    if (record.advice.status == ledger::QueuedAdvice::Status::final) return "";
    return refund ? "refund queued" : completion ? "completion queued" : "reversal queued";
}

std::string way_out_in_words(const TransactionRecord& record) {
    const std::string way = way_out_of(record);
    return way.empty() ? "goes on by itself" : way;
}

/// A transaction is looked up when the scope names parties only.
iso8583::Result<void> add_exceptions(const ViewContext& context, const ListScope& scope, Ages& ages,
                                     bool& cut) {
    std::optional<std::string> fault;
    std::size_t left = report_records_max;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::exception);
    auto done = context.store.scan(
        Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
            cut = left == 0;
            if (cut) return false;
            --left;
            const auto x = ledger::decode_exception(value);
            if (!x) {
                fault = "the ledger's " + x.error().what;
                return false;
            }
            if (!x->resolution.empty()) return true;
            if (scope.has_parties()) {
                const auto rrn = iso8583::Rrn::parse(x->id.substr(0, iso8583::Rrn::size_max));
                if (!rrn) return true;
                const auto record = read_record(context, *rrn);
                if (!record) {
                    fault = record.error().what;
                    return false;
                }
                if (!*record || !scope.fits_parties(**record)) return true;
            }
            ages.add(x->alarm ? "exception, alarm" : "exception", {x->opened, 0, x->id},
                     [&] { return what_closes(context, *x); });
            return true;
        });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error(*fault);
    return {};
}

template <typename Record>
iso8583::Result<void> each_people(const ViewContext& context, ledger::KeyPrefix prefix,
                                  iso8583::Result<Record> (*decode)(std::string_view),
                                  const std::function<void(const Record&)>& visit) {
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::all_keys(prefix);
    auto done = context.store.scan(Family::index, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       const auto record = decode(value);
                                       if (record)
                                           visit(*record);
                                       else
                                           fault = record.error().what;
                                       return !fault;
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error("the ledger's " + *fault);
    return {};
}

/// Proposals and disputes; they are few, and of no route.
iso8583::Result<void> add_papers(const ViewContext& context, Ages& ages) {
    auto proposals = each_people<ledger::Proposal>(
        context, ledger::KeyPrefix::proposal, ledger::decode_proposal, [&](const ledger::Proposal& p) {
            if (p.state == ledger::Proposal::State::open)
                ages.add("proposal", {p.opened, p.amount_minor, p.id},
                         [&] { return "proposals approve|reject " + p.id; });
        });
    if (!proposals) return proposals;
    return each_people<ledger::Dispute>(context, ledger::KeyPrefix::dispute, ledger::decode_dispute,
                                        [&](const ledger::Dispute& d) {
                                            if (d.state == ledger::Dispute::State::open)
                                                ages.add("dispute", {d.opened, d.amount_minor, d.id},
                                                         [&] { return "dispute close " + d.id; });
                                        });
}

View ages_view(const ViewContext& context, const Ages& ages) {
    View list = View::list();
    for (const auto& [what, w] : ages.all()) {
        View row = View::object();
        row.put("waits", what).put("count", w.count).put("amount", report::major(context, w.minor));
        for (std::size_t i = 0; i < steps.size(); ++i) row.put(std::string(steps[i].name), w.by_age[i]);
        list.add(row.put("older", w.by_age.back()));
    }
    return list;
}

View oldest_view(const ViewContext& context, const Ages& ages) {
    View list = View::list();
    for (const auto& [what, w] : ages.all()) {
        View row = View::object();
        row.put("waits", what).put("since", local_time(context, w.oldest)).put("oldest", w.oldest_id);
        list.add(row.put("way_out", w.way_out));
    }
    return list;
}

}  // namespace

ViewResult view_report_ageing(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    Ages ages(context.now.utc);
    std::size_t left = report_records_max;
    bool cut = false, exceptions_cut = false;
    auto open = each_open(context, [&](const TransactionRecord& record) {
        cut = left == 0;
        if (cut) return false;
        --left;
        const std::string what = scope->fits_parties(record) ? waits_as(record) : "";
        if (!what.empty())
            ages.add(what, {since_when(record), record.amount.minor_units(), record.rrn.str()},
                     [&] { return way_out_in_words(record); });
        return true;
    });
    if (!open) return tl::unexpected(open.error());
    if (auto done = add_exceptions(context, *scope, ages, exceptions_cut); !done)
        return tl::unexpected(done.error());
    if (!scope->has_parties())
        if (auto done = add_papers(context, ages); !done) return tl::unexpected(done.error());
    View view = report::head(context, "ageing", query);
    if (cut || exceptions_cut)
        view.put("note", "only the first " + std::to_string(report_records_max) +
                             (cut ? " open transactions" : " exceptions") + " were read");
    if (scope->has_parties())
        view.put("scope", "proposals, disputes and exceptions about no transaction are left out");
    view.put("waiting", ages_view(context, ages)).put("oldest", oldest_view(context, ages));
    return page_of(view, "waiting", query);
}

}  // namespace acquirer
