// report funnel: through which states transactions went, and how long they stood in each.
#include <algorithm>
#include <memory>
#include <vector>

#include "switch/core/transaction_state.hpp"
#include "switch/views/dwell_times.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/report_parts.hpp"

namespace acquirer {
namespace {

using ledger::HistoryEntry;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

using Moves = std::map<std::pair<State, State>, DwellTimes>;

struct Part {
    std::map<State, std::uint64_t> began;    // first states
    std::map<State, std::uint64_t> entered;  // each time
    std::map<State, std::uint64_t> now;      // where they stand
    Moves moves;
    std::uint64_t transactions = 0;
    std::uint64_t not_told = 0;  // moves that the history does not have any more

    void add(const Part& more) {
        for (const auto& [state, n] : more.began) began[state] += n;
        for (const auto& [state, n] : more.entered) entered[state] += n;
        for (const auto& [state, n] : more.now) now[state] += n;
        for (const auto& [move, times] : more.moves) moves[move].add(times);
        transactions += more.transactions;
        not_told += more.not_told;
    }
};

/// The entries of a history that changed the state: rules noted without a change stand between them.
std::vector<const HistoryEntry*> changes_of(const TransactionRecord& record) {
    std::vector<const HistoryEntry*> changes;
    for (const HistoryEntry& entry : record.history)
        if (changes.empty() || changes.back()->state != entry.state) changes.push_back(&entry);
    return changes;
}

void add_record(Part& part, const TransactionRecord& record) {
    ++part.transactions;
    ++part.now[record.state];
    const auto changes = changes_of(record);
    if (changes.empty()) return;
    ++part.began[changes.front()->state];
    ++part.entered[changes.front()->state];
    for (std::size_t i = 1; i < changes.size(); ++i) {
        ++part.entered[changes[i]->state];
        // The middle of a long history is not kept: what stands beside the gap is no move.
        if (!state_table::exists(record.kind, changes[i - 1]->state, changes[i]->state))
            ++part.not_told;
        else
            part.moves[{changes[i - 1]->state, changes[i]->state}].add_ms(changes[i]->at.ms -
                                                                          changes[i - 1]->at.ms);
    }
}

/// Nothing can be said of a state that none has left.
void put_times(View& row, const DwellTimes& times) {
    if (times.count() == 0) {
        row.put("p50_ms", "").put("p90_ms", "").put("longest_ms", "");
        return;
    }
    row.put("p50_ms", times.percentile_ms(0.5)).put("p90_ms", times.percentile_ms(0.9));
    row.put("longest_ms", times.longest_ms());
}

View states_view(const Part& whole) {
    // In the order in which most reach them, so that it reads as a funnel.
    std::vector<std::pair<State, std::uint64_t>> rows(whole.entered.begin(), whole.entered.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    View list = View::list();
    for (const auto& [state, entered] : rows) {
        DwellTimes left;
        for (const auto& [move, times] : whole.moves)
            if (move.first == state) left.add(times);
        const auto now = whole.now.find(state);
        View row = View::object().put("state", ledger::name(state)).put("entered", entered);
        row.put("there_now", now == whole.now.end() ? std::uint64_t{0} : now->second);
        row.put("left", left.count());
        put_times(row, left);
        list.add(std::move(row));
    }
    return list;
}

View moves_view(const Part& whole) {
    View list = View::list();
    const auto share = [](std::uint64_t part, std::uint64_t all) {
        return report::percent(static_cast<std::int64_t>(part), static_cast<std::int64_t>(all));
    };
    for (const auto& [state, count] : whole.began) {
        View row = View::object().put("from", "").put("to", ledger::name(state)).put("count", count);
        row.put("share_percent", share(count, whole.transactions));
        put_times(row, {});
        list.add(std::move(row));
    }
    for (const auto& [move, times] : whole.moves) {
        std::uint64_t left = 0;
        for (const auto& [other, others] : whole.moves)
            if (other.first == move.first) left += others.count();
        View row = View::object();
        row.put("from", ledger::name(move.first)).put("to", ledger::name(move.second));
        row.put("count", times.count());
        row.put("share_percent", share(times.count(), left));
        put_times(row, times);
        list.add(std::move(row));
    }
    return list;
}

}  // namespace

ViewResult view_report_funnel(const ViewContext& context, const ListQuery& query, TransactionKind kind) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    const auto range = asked_days(context, query, report_days_default);
    if (!range) return tl::unexpected(range.error());
    Part whole;
    const auto read = gather_days<Part>(
        context, *range,
        [&](Part& part, const TransactionRecord& record) {
            if (record.kind == kind && scope->fits_parties(record)) add_record(part, record);
        },
        [&](iso8583::BusinessDate, const Part& part) { whole.add(part); });
    if (!read) return tl::unexpected(read.error());
    View view = report::head(context, "funnel", query);
    report::put_read(view, *read);
    view.put("kind", ledger::name(kind)).put("transactions", whole.transactions);
    view.put(
        "measured",
        "from a state's entry in a record's history to the next state's, by the switch's clock; of a story "
        "with more than " +
            std::to_string(ledger::history_entries_max) + " entries the middle is not kept");
    if (whole.not_told > 0) view.put("moves_not_kept", whole.not_told);
    view.put("states", states_view(whole)).put("moves", moves_view(whole));
    return page_of(view, "states", query);
}

}  // namespace acquirer
