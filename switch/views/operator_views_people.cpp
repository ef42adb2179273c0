// Lists of what needs a person: exceptions with the command that leads out, proposals, disputes.
#include <algorithm>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/ways_out.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::TransactionRecord;

namespace {

/// What closes it, as people type it.
std::string what_closes(const ViewContext& context, const ledger::ExceptionRecord& x) {
    const auto record = find_record(context, x.id.substr(0, iso8583::Rrn::size_max));
    if (record && ledger::is_open(*record)) {
        const std::string way = way_out_of(*record);
        return way.empty() ? "goes on by itself" : way;
    }
    const std::string resolve = "exceptions resolve " + x.id + " --note TEXT";
    return x.kind == "case_not_paid" && record ? "refund reopen " + record->rrn.str() + ", or " + resolve
                                               : resolve;
}

View view_of(const ViewContext& context, const ledger::ExceptionRecord& x) {
    const std::int64_t minutes = std::max<std::int64_t>(0, (context.now.utc.ms - x.opened.ms) / 60'000);
    View one = View::object();
    one.put("id", x.id).put("kind", x.kind).put("rule", x.rule).put("alarm", x.alarm).put("owner", x.owner);
    one.put("opened", local_time(context, x.opened)).put("age_minutes", minutes).put("text", x.text);
    one.put("times", x.repeats + 1);
    return one;
}

/// Every value of a prefix, oldest key first; `take` says false to end it.
template <typename Record>
iso8583::Result<void> each_of(const ViewContext& context, Family family, const ledger::KeyRange& range,
                              iso8583::Result<Record> (*decode)(std::string_view),
                              const std::function<bool(Record&&)>& take) {
    std::optional<std::string> fault;
    auto done =
        context.store.scan(family, range.from, range.to, [&](std::string_view, std::string_view value) {
            auto record = decode(value);
            if (!record) {
                fault = "the ledger's " + record.error().what;
                return false;
            }
            return take(std::move(*record));
        });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error(*fault);
    return {};
}

}  // namespace

ViewResult view_exceptions(const ViewContext& context, Exceptions which, std::size_t limit) {
    const bool resolved_too = which == Exceptions::all;
    std::vector<ledger::ExceptionRecord> all;
    auto done = each_of<ledger::ExceptionRecord>(context, Family::journal,
                                                 ledger::all_keys(ledger::KeyPrefix::exception),
                                                 ledger::decode_exception, [&](ledger::ExceptionRecord&& x) {
                                                     if (resolved_too || x.resolution.empty())
                                                         all.push_back(std::move(x));
                                                     return all.size() < records_read_max;
                                                 });
    if (!done) return tl::unexpected(done.error());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.opened < b.opened; });
    View items = View::list();
    const std::size_t count = all.size();
    if (all.size() > limit) all.resize(limit);
    for (const ledger::ExceptionRecord& x : all) {
        View one = view_of(context, x);
        one.put("way_out", x.resolution.empty() ? what_closes(context, x) : "");
        if (resolved_too) one.put("resolution", x.resolution).put("resolved_by", x.resolved_by);
        items.add(std::move(one));
    }
    View view = View::object();
    view.put("count", static_cast<std::int64_t>(count)).put("exceptions", std::move(items));
    return view;
}

ViewResult view_exception(const ViewContext& context, std::string_view id) {
    std::optional<ledger::ExceptionRecord> found;
    auto done = each_of<ledger::ExceptionRecord>(
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

ViewResult view_proposals(const ViewContext& context, bool ended_too, std::size_t limit) {
    View items = View::list();
    std::size_t count = 0;
    const std::int64_t lapse_ms =
        std::int64_t{context.configuration.limits.proposal_expires_hours} * 3'600'000;
    const iso8583::Currency currency = context.configuration.currency;
    auto done = each_of<ledger::Proposal>(
        context, Family::index, ledger::all_keys(ledger::KeyPrefix::proposal), ledger::decode_proposal,
        [&](ledger::Proposal&& p) {
            const bool open = p.state == ledger::Proposal::State::open;
            const bool lapsed = open && context.now.utc.ms - p.opened.ms > lapse_ms;
            if ((!open || lapsed) && !ended_too) return true;
            View one = View::object();
            one.put("proposal", p.id)
                .put("action", p.action)
                .put("outcome", p.outcome)
                .put("rrn", p.rrn.view());
            one.put("amount", iso8583::Amount(p.amount_minor, currency).major()).put("maker", p.maker);
            one.put("needed", p.approvals_needed - static_cast<std::uint32_t>(p.approvals.size()));
            one.put("opened", local_time(context, p.opened)).put("note", p.note);
            if (ended_too) one.put("state", lapsed ? "lapsed" : ledger::name(p.state)).put("by", p.ended_by);
            items.add(std::move(one));
            return ++count < limit;
        });
    if (!done) return tl::unexpected(done.error());
    auto cases = each_open(context, [&](const TransactionRecord& record) {
        if (count >= limit) return false;
        if (record.state != ledger::State::held) return true;
        View one = View::object();
        one.put("proposal", record.rrn.view()).put("action", "refund").put("outcome", "approve");
        one.put("rrn", record.original ? record.original->view() : "").put("amount", record.amount.major());
        one.put("maker", record.maker.empty() ? "terminal " + record.terminal.str() : record.maker);
        one.put("needed", 1).put("opened", local_time(context, record.created)).put("note", record.reason);
        if (ended_too) one.put("state", "open").put("by", "");
        items.add(std::move(one));
        ++count;
        return true;
    });
    if (!cases) return tl::unexpected(cases.error());
    View view = View::object();
    view.put("currency", currency.str()).put("count", static_cast<std::int64_t>(count));
    view.put("cut", count >= limit).put("proposals", std::move(items));
    return view;
}

ViewResult view_disputes(const ViewContext& context, bool closed_too, std::size_t limit) {
    View items = View::list();
    std::size_t count = 0;
    const iso8583::Currency currency = context.configuration.currency;
    auto done = each_of<ledger::Dispute>(
        context, Family::index, ledger::all_keys(ledger::KeyPrefix::dispute), ledger::decode_dispute,
        [&](ledger::Dispute&& d) {
            if (d.state != ledger::Dispute::State::open && !closed_too) return true;
            View one = View::object();
            one.put("dispute", d.id).put("kind", ledger::name(d.kind)).put("state", ledger::name(d.state));
            one.put("sale", d.sale.view()).put("amount", iso8583::Amount(d.amount_minor, currency).major());
            one.put("counts", iso8583::Amount(d.counted_minor, currency).major())
                .put("reference", d.reference);
            one.put("opened", local_time(context, d.opened)).put("by", d.opened_by).put("note", d.note);
            if (closed_too) one.put("closed_by", d.closed_by);
            items.add(std::move(one));
            return ++count < limit;
        });
    if (!done) return tl::unexpected(done.error());
    View view = View::object();
    view.put("currency", currency.str()).put("count", static_cast<std::int64_t>(count));
    view.put("cut", count >= limit).put("disputes", std::move(items));
    return view;
}

}  // namespace acquirer
