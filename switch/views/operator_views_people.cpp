// Lists of what needs a person: exceptions with the command that leads out, proposals, disputes.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <tuple>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/recon_judge.hpp"
#include "switch/core/ways_out.hpp"
#include "switch/views/batch_views.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::TransactionRecord;

std::string what_closes(const ViewContext& context, const ledger::ExceptionRecord& x) {
    if (is_recon_exception(x.kind)) return "recon resolve " + x.id + " --note TEXT";
    const auto record = find_record(context, x.id.substr(0, iso8583::Rrn::size_max));
    if (record && ledger::is_open(*record)) {
        const std::string way = way_out_of(*record);
        return way.empty() ? "goes on by itself" : way;
    }
    const std::string resolve = "exceptions resolve " + x.id + " --note TEXT";
    if (x.kind == "batch_stopped") return "batch resume|cancel " + x.subject;
    return x.kind == "case_not_paid" && record ? "refund reopen " + record->rrn.str() + ", or " + resolve
                                               : resolve;
}

namespace {

View view_of(const ViewContext& context, const ledger::ExceptionRecord& x) {
    const std::int64_t minutes = std::max<std::int64_t>(0, (context.now.utc.ms - x.opened.ms) / 60'000);
    View one = View::object();
    one.put("id", x.id).put("kind", x.kind).put("rule", x.rule).put("alarm", x.alarm).put("owner", x.owner);
    one.put("opened", local_time(context, x.opened)).put("age_minutes", minutes).put("text", x.text);
    one.put("times", x.repeats + 1);
    return one;
}

/// Does what it is about fit the filters of merchant, terminal and route?
iso8583::Result<bool> fits_parties(const ViewContext& context, const ListScope& scope,
                                   const iso8583::Rrn& rrn) {
    if (!scope.has_parties()) return true;
    if (rrn.empty()) return false;
    auto record = read_record(context, rrn);
    if (!record) return tl::unexpected(record.error());
    return *record && scope.fits_parties(**record);
}

iso8583::Rrn rrn_of(const ledger::ExceptionRecord& x) {
    const auto rrn = iso8583::Rrn::parse(std::string_view(x.id).substr(0, iso8583::Rrn::size_max));
    // Zeros: of no transaction.
    return rrn && rrn->view().find_first_not_of('0') != std::string_view::npos ? *rrn : iso8583::Rrn{};
}

/// Oldest first; of one time by their ids.
struct OpenedFirst {
    bool operator()(const ledger::ExceptionRecord& a, const ledger::ExceptionRecord& b) const {
        return std::tie(a.opened, a.id) < std::tie(b.opened, b.id);
    }
};

std::string position_of(const ledger::ExceptionRecord& x) { return std::to_string(x.opened.ms) + "-" + x.id; }

/// What a cursor says: only what comes behind it in the order is wanted.
iso8583::Result<std::optional<ledger::ExceptionRecord>> position_in(const ListPage& page) {
    const auto text = page.position();
    if (!text) return tl::unexpected(text.error());
    std::optional<ledger::ExceptionRecord> behind;
    if (text->empty()) return behind;
    const std::size_t dash = text->find('-');
    behind.emplace();
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), behind->opened.ms);
    if (dash == std::string::npos || error != std::errc{} || end != text->data() + dash)
        return ListPage::no_cursor();
    behind->id = text->substr(dash + 1);
    return behind;
}

/// The first of what fits behind a place in the order, and how many there are in all.
struct OldestExceptions {
    std::size_t wanted = 0;
    std::set<ledger::ExceptionRecord, OpenedFirst> first;
    std::size_t count = 0;

    void take(ledger::ExceptionRecord&& x, const std::optional<ledger::ExceptionRecord>& behind) {
        ++count;
        if (behind && !OpenedFirst{}(*behind, x)) return;
        first.insert(std::move(x));
        if (first.size() > wanted) first.erase(std::prev(first.end()));
    }
};

bool fits(const ExceptionsQuery& q, const ListScope& scope, const ledger::ExceptionRecord& x) {
    const bool open = x.resolution.empty();
    const bool wanted_state =
        q.list.state.empty() ? open || q.resolved_too : open == (q.list.state == "open");
    return wanted_state && (q.list.kind.empty() || x.kind == q.list.kind) &&
           (q.owner.empty() || x.owner == q.owner) && scope.fits_time(x.opened);
}

/// What is about no transaction names its route, or the terminal of its batch, itself.
bool names_its_party(const ListQuery& q, const ListScope& scope, const ledger::ExceptionRecord& x) {
    if (scope.merchant) return false;
    if (scope.terminal) return !scope.route && x.subject.starts_with(scope.terminal->str() + "/");
    return scope.route && x.subject == q.route;
}

}  // namespace

ViewResult view_exceptions(const ViewContext& context, const ExceptionsQuery& query) {
    const auto scope = scope_of(context, query.list);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("exceptions", query.list);
    const auto behind = position_in(page);
    if (!behind) return tl::unexpected(behind.error());
    std::optional<iso8583::ParseError> fault;
    std::set<std::string> kinds;
    OldestExceptions oldest{query.list.limit + 1, {}, 0};
    auto done = each_value_of<ledger::ExceptionRecord>(
        context, Family::journal, ledger::all_keys(ledger::KeyPrefix::exception), ledger::decode_exception,
        [&](ledger::ExceptionRecord&& x) {
            kinds.insert(x.kind);
            if (!fits(query, *scope, x)) return true;
            const auto parties = names_its_party(query.list, *scope, x)
                                     ? iso8583::Result<bool>(true)
                                     : fits_parties(context, *scope, rrn_of(x));
            if (!parties)
                fault = parties.error();
            else if (*parties)
                oldest.take(std::move(x), *behind);
            return !fault;
        });
    if (!done) return tl::unexpected(done.error());
    if (fault) return tl::unexpected(*fault);
    if (!query.list.kind.empty() && !kinds.contains(query.list.kind))
        return parse_error("kind: no exception of that kind was ever opened");
    const bool with_end = query.resolved_too || query.list.state == "resolved";
    for (const ledger::ExceptionRecord& x : oldest.first) {
        View one = view_of(context, x);
        one.put("way_out", x.resolution.empty() ? what_closes(context, x) : "");
        if (with_end) one.put("resolution", x.resolution).put("resolved_by", x.resolved_by);
        if (!page.add(std::move(one), position_of(x))) break;
    }
    return std::move(page).answer(View::object().put("count", static_cast<std::int64_t>(oldest.count)));
}

ViewResult view_exception(const ViewContext& context, std::string_view id) {
    std::optional<ledger::ExceptionRecord> found;
    auto done = each_value_of<ledger::ExceptionRecord>(
        context, Family::journal,
        ledger::exceptions_of(
            iso8583::Rrn::parse(id.substr(0, iso8583::Rrn::size_max)).value_or(iso8583::Rrn{})),
        ledger::decode_exception, [&](ledger::ExceptionRecord&& x) {
            if (x.id == id) found = std::move(x);
            return !found;
        });
    if (!done) return tl::unexpected(done.error());
    if (!found) return parse_error("no exception has that id");
    View view = view_of(context, *found);
    if (found->resolution.empty())
        view.put("way_out", what_closes(context, *found));
    else
        view.put("resolution", found->resolution).put("resolved_by", found->resolved_by);
    View texts = View::list();
    for (const std::string& text : found->last_texts) texts.add(View::object().put("text", text));
    view.put("last", std::move(texts));
    return view;
}

namespace {

struct ProposalFilter {
    const ViewContext& context;
    const ListQuery& query;
    const ListScope& scope;
    bool ended_too;
    bool kind_seen = false;

    /// What stands under `state` in the list: an open proposal lapses by its age.
    [[nodiscard]] std::string_view state_of(const ledger::Proposal& p) const {
        const std::int64_t lapse_ms =
            std::int64_t{context.configuration.limits.proposal_expires_hours} * 3'600'000;
        const bool lapsed =
            p.state == ledger::Proposal::State::open && context.now.utc.ms - p.opened.ms > lapse_ms;
        return lapsed ? ledger::name(ledger::Proposal::State::lapsed) : ledger::name(p.state);
    }
    /// Whatever it is about.
    bool fits_itself(std::string_view action, std::string_view state, iso8583::UtcTime opened) {
        kind_seen = kind_seen || action == query.kind;
        const bool wanted = query.state.empty() ? ended_too || state == "open" : state == query.state;
        return wanted && (query.kind.empty() || action == query.kind) && scope.fits_time(opened);
    }
    iso8583::Result<bool> fits(std::string_view action, std::string_view state, iso8583::UtcTime opened,
                               const iso8583::Rrn& rrn) {
        if (!fits_itself(action, state, opened)) return false;
        return fits_parties(context, scope, rrn);
    }
    [[nodiscard]] bool with_end() const { return ended_too || !query.state.empty(); }
};

View row_of(const ProposalFilter& filter, const ledger::Proposal& p) {
    View one = View::object();
    one.put("proposal", p.id).put("action", p.action).put("outcome", p.outcome).put("rrn", p.rrn.view());
    one.put("amount", iso8583::Amount(p.amount_minor, filter.context.configuration.currency).major());
    one.put("maker", p.maker);
    one.put("needed", p.approvals_needed - static_cast<std::uint32_t>(p.approvals.size()));
    // Who approves a policy sees what it changes.
    const bool of_policy = p.action == policy_action && !p.subject.empty();
    one.put("opened", local_time(filter.context, p.opened));
    one.put("note", of_policy ? p.note + ": " + p.subject : p.note);
    if (filter.with_end()) one.put("state", filter.state_of(p)).put("by", p.ended_by);
    return one;
}

View row_of(const ProposalFilter& filter, const TransactionRecord& held) {
    View one = View::object();
    one.put("proposal", held.rrn.view()).put("action", "refund").put("outcome", "approve");
    one.put("rrn", held.original ? held.original->view() : "").put("amount", held.amount.major());
    one.put("maker", held.maker.empty() ? "terminal " + held.terminal.str() : held.maker);
    one.put("needed", 1).put("opened", local_time(filter.context, held.created)).put("note", held.reason);
    if (filter.with_end()) one.put("state", "open").put("by", "");
    return one;
}

/// Proposals behind a position (their own number), then held cases behind theirs (their RRN).
iso8583::Result<void> add_proposals(ProposalFilter& filter, ListPage& page, const std::string& behind) {
    std::optional<iso8583::ParseError> fault;
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::proposal);
    if (!behind.empty()) range.from = ledger::proposal_key(behind) + '\0';
    auto done = each_value_of<ledger::Proposal>(
        filter.context, Family::index, range, ledger::decode_proposal, [&](ledger::Proposal&& p) {
            const auto fits = filter.fits(p.action, filter.state_of(p), p.opened, p.rrn);
            if (!fits) fault = fits.error();
            return fits && (!*fits || page.add(row_of(filter, p), p.id));
        });
    if (!done) return done;
    if (fault) return tl::unexpected(*fault);
    return {};
}

/// Batches of refunds (R100) behind a position, their own number: what waits is the whole of one.
iso8583::Result<void> add_batches(ProposalFilter& filter, ListPage& page, const std::string& behind) {
    return each_batch(filter.context, BatchOrder::oldest_first, behind, [&](ledger::RefundBatch&& batch) {
        const std::string_view state = proposal_state_of(filter.context, batch);
        const ListScope& scope = filter.scope;
        const bool of_the_parties =
            !scope.route && !scope.terminal && (!scope.merchant || *scope.merchant == batch.merchant);
        if (state.empty() || !of_the_parties || !filter.fits_itself("batch", state, batch.submitted))
            return true;
        View one = View::object();
        one.put("proposal", batch.id).put("action", "batch").put("outcome", "approve").put("rrn", "");
        one.put("amount", iso8583::Amount(batch.sum_minor, batch.currency).major());
        one.put("maker", batch.maker).put("needed", state == "open" ? 1 : 0);
        one.put("opened", local_time(filter.context, batch.submitted));
        one.put("note",
                batch.reference + ", " + std::to_string(batch.lines) + " lines of " + batch.file_name);
        if (filter.with_end())
            one.put("state", state).put("by", batch.checker.empty() ? batch.ended_by : batch.checker);
        return page.add(std::move(one), batch.id);
    });
}

iso8583::Result<void> add_held(ProposalFilter& filter, ListPage& page,
                               const std::optional<iso8583::Rrn>& behind) {
    std::optional<iso8583::ParseError> fault;
    auto done = each_open(
        filter.context,
        [&](const TransactionRecord& record) {
            if (record.state != ledger::State::held) return true;
            const auto fits = filter.fits("refund", "open", record.created, record.rrn);
            if (!fits) fault = fits.error();
            return fits && (!*fits || page.add(row_of(filter, record), record.rrn.view()));
        },
        behind);
    if (!done) return done;
    if (fault) return tl::unexpected(*fault);
    return {};
}

}  // namespace

ViewResult view_proposals(const ViewContext& context, bool ended_too, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("proposals", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    const bool at_a_proposal = behind->starts_with('P'), at_a_batch = behind->starts_with('B');
    std::optional<iso8583::Rrn> behind_case;
    if (!behind->empty() && !at_a_proposal && !at_a_batch) {
        const auto rrn = iso8583::Rrn::parse(*behind);
        if (!rrn) return ListPage::no_cursor();
        behind_case = *rrn;
    }
    ProposalFilter filter{context, query, *scope, ended_too};
    if (!behind_case && !at_a_batch)
        if (auto added = add_proposals(filter, page, *behind); !added) return tl::unexpected(added.error());
    if (!behind_case && !page.is_cut())
        if (auto added = add_batches(filter, page, at_a_batch ? *behind : ""); !added)
            return tl::unexpected(added.error());
    if (!page.is_cut())
        if (auto added = add_held(filter, page, behind_case); !added) return tl::unexpected(added.error());
    if (!query.kind.empty() && behind->empty() && !page.is_cut() && !filter.kind_seen)
        return parse_error("kind: no proposal of that kind was ever made");
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

ViewResult view_disputes(const ViewContext& context, bool closed_too, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("disputes", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::dispute);
    if (!behind->empty()) range.from = ledger::dispute_key(*behind) + '\0';
    const iso8583::Currency currency = context.configuration.currency;
    const bool with_end = closed_too || !query.state.empty();
    std::optional<iso8583::ParseError> fault;
    auto done = each_value_of<ledger::Dispute>(
        context, Family::index, range, ledger::decode_dispute, [&](ledger::Dispute&& d) {
            const std::string_view state = ledger::name(d.state);
            const bool wanted = query.state.empty() ? closed_too || state == "open" : state == query.state;
            if (!wanted || (!query.kind.empty() && ledger::name(d.kind) != query.kind) ||
                !scope->fits_time(d.opened))
                return true;
            const auto parties = fits_parties(context, *scope, d.sale);
            if (!parties) fault = parties.error();
            if (!parties || !*parties) return !fault;
            View one = View::object();
            one.put("dispute", d.id).put("kind", ledger::name(d.kind)).put("state", state);
            one.put("sale", d.sale.view()).put("amount", iso8583::Amount(d.amount_minor, currency).major());
            one.put("counts", iso8583::Amount(d.counted_minor, currency).major())
                .put("reference", d.reference);
            one.put("opened", local_time(context, d.opened)).put("by", d.opened_by).put("note", d.note);
            if (with_end) one.put("closed_by", d.closed_by);
            return page.add(std::move(one), d.id);
        });
    if (!done) return tl::unexpected(done.error());
    if (fault) return tl::unexpected(*fault);
    return std::move(page).answer(View::object().put("currency", currency.str()));
}

}  // namespace acquirer
