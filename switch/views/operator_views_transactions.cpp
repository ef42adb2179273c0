// Lists of transactions: find, list, refunds that wait, the queue of advices. Transactions are searched from
// the newest RRN back, what is open work from the oldest on; a cursor is the RRN that was looked at last.
#include <algorithm>
#include <functional>

#include "iso8583/values/bytes.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/core/ways_out.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/operator_views.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;
using iso8583::Rrn;
using ledger::Family;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

using RowOf = std::function<View(const TransactionRecord&)>;
using Fits = std::function<bool(const TransactionRecord&)>;

/// RRNs begin with the year's last digit: those of more days than these are not told apart.
constexpr std::int32_t rrn_days = 3'650;

/// The calendar days whose RRNs may hold what is asked for; nothing: no bound.
struct RrnDays {
    std::optional<iso8583::Date> first;
    iso8583::Date last;
};

/// The clock of the business days, and a day to both sides for one that was set.
RrnDays rrn_days_of(const ViewContext& context, const ListScope& scope, std::optional<iso8583::Date> date) {
    if (date) return {*date, *date};
    const auto local = [&](iso8583::UtcTime at) {
        return iso8583::civil_from_utc(at, context.configuration.time_zone.offset_s(at)).date;
    };
    RrnDays days{std::nullopt, local(context.now.utc).plus_days(1)};
    if (scope.to && scope.ends < context.now.utc) days.last = local(scope.ends).plus_days(1);
    if (scope.from) {
        days.first = std::min(local(scope.begins), scope.from->date).plus_days(-1);
        if (days.last.days() - days.first->days() >= rrn_days) days.first.reset();
    }
    return days;
}

/// The keys of those days, newest first: the newest need not be the greatest, since what is above the last
/// day is of the decade before.
std::vector<ledger::KeyRange> key_ranges(const RrnDays& days) {
    const ledger::KeyRange all = ledger::all_keys(ledger::KeyPrefix::transaction);
    const std::string above = ledger::transactions_of_day(days.last.plus_days(1)).from;
    if (!days.first) return {{all.from, above}, {above, all.to}};
    const std::string low = ledger::transactions_of_day(*days.first).from;
    if (low < above) return {{low, above}};
    return {{all.from, above}, {low, all.to}};
}

/// What is left of the ranges behind a cursor.
Result<std::vector<ledger::KeyRange>> ranges_behind(std::vector<ledger::KeyRange> ranges, const Rrn& cursor) {
    const std::string key = ledger::transaction_key(cursor);
    for (auto at = ranges.begin(); at != ranges.end(); ++at) {
        if (key < at->from || key >= at->to) continue;
        at->to = key;
        return std::vector<ledger::KeyRange>(at, ranges.end());
    }
    return ListPage::no_cursor();
}

/// The number within its day.
std::int64_t number_of(std::string_view rrn) {
    constexpr std::size_t day_characters = 4;
    std::int64_t number = 0;
    for (const char c : rrn.substr(day_characters))
        number = number * 10 + (iso8583::is_digit(c) ? c - '0' : 9);
    return number;
}

/// The newest of a day, 0 when there is none. The day that goes on is told by the last number given: its end
/// in the store has what came after this snapshot, and a scan from there would go over all of it.
std::int64_t newest_number_of(const ViewContext& context, iso8583::Date day) {
    const std::string prefix = ledger::rrn_day_prefix(day);
    if (const auto& last = context.status.last_rrn; last && last->view().substr(0, prefix.size()) == prefix)
        return number_of(last->view());
    std::int64_t newest = 0;
    const ledger::KeyRange range = ledger::transactions_of_day(day);
    auto read = context.store.scan_back(Family::journal, range.from, range.to,
                                        [&](std::string_view key, std::string_view) {
                                            newest = number_of(key.substr(1));
                                            return false;
                                        });
    return read ? newest : 0;
}

/// In thousandths, how far a search of these days has come: an estimate by day and number within the day.
std::optional<std::int64_t> progress_at(const ViewContext& context, const RrnDays& days, const Rrn& at) {
    if (!days.first) return std::nullopt;
    constexpr std::int64_t whole = 1'000;
    const std::int64_t count = days.last.days() - days.first->days() + 1;
    for (std::int64_t done = 0; done < count; ++done) {
        const iso8583::Date day = days.last.plus_days(static_cast<std::int32_t>(-done));
        const std::string prefix = ledger::rrn_day_prefix(day);
        if (prefix != at.view().substr(0, prefix.size())) continue;
        const std::int64_t newest = newest_number_of(context, day);
        const std::int64_t left = newest > 0 ? whole * number_of(at.view()) / newest : whole;
        return (whole * done + whole - std::min(left, whole)) / count;
    }
    return std::nullopt;
}

/// Fills the page with what fits, newest first, from its cursor on.
Result<void> search(const ViewContext& context, const RrnDays& days, ListPage& page, const Fits& fits,
                    const RowOf& row) {
    const auto behind = page.parsed_position<Rrn>();
    if (!behind) return tl::unexpected(behind.error());
    std::vector<ledger::KeyRange> ranges = key_ranges(days);
    if (*behind) {
        auto left = ranges_behind(std::move(ranges), **behind);
        if (!left) return tl::unexpected(left.error());
        ranges = std::move(*left);
    }
    std::size_t read = 0;
    std::optional<std::string> fault;
    const auto visit = [&](std::string_view, std::string_view value) {
        const auto record = ledger::decode_transaction_record(value);
        if (!record) {
            fault = "the ledger's record cannot be read: " + record.error().what;
            return false;
        }
        if (fits(*record) && !page.add(row(*record), record->rrn.view())) return false;
        if (++read < page_records_read_max) return true;
        page.cut_at(record->rrn.view());
        return false;
    };
    for (const ledger::KeyRange& range : ranges) {
        auto done = context.store.scan_back(Family::journal, range.from, range.to, visit);
        if (!done) return store_fault(done.error());
        if (fault) return parse_error(*fault);
        if (page.is_cut()) break;
    }
    return {};
}

View transactions_answer(const ViewContext& context, ListPage&& page, const RrnDays& days) {
    View facts = View::object();
    facts.put("currency", context.configuration.currency.str());
    if (page.is_cut())
        if (const auto at = Rrn::parse(page.last_position()))
            if (const auto progress = progress_at(context, days, *at)) facts.put("progress", *progress);
    return std::move(page).answer(facts);
}

bool fits_list(const ListQuery& q, const ListScope& scope, const TransactionRecord& r) {
    return scope.fits_day(r) && scope.fits_parties(r) &&
           (q.state.empty() || ledger::name(r.state) == q.state) &&
           (q.kind.empty() || kind_word(r) == q.kind) &&
           (q.instrument.empty() || instrument_name(r) == q.instrument);
}

bool fits(const FindQuery& q, std::optional<std::int64_t> amount_minor, const TransactionRecord& r) {
    const bool authorization_fits = q.authorization.empty() ||
                                    r.issuer_authorization.view() == q.authorization ||
                                    (r.answer && r.answer->authorization.view() == q.authorization);
    return authorization_fits && (!q.rrn || r.rrn == *q.rrn) && (!q.batch || r.batch == *q.batch) &&
           (!q.trace || r.stan == *q.trace) && (q.pan_last4.empty() || means_ends_with(r, q.pan_last4)) &&
           (!amount_minor || r.amount.minor_units() == *amount_minor) &&
           (!q.date || r.local_date == *q.date) && (q.reference.empty() || r.reference == q.reference) &&
           (q.order.empty() || r.wallet.order_number == q.order);
}

using Records = std::vector<TransactionRecord>;

Result<void> add_record(const ViewContext& context, const Rrn& rrn, Records& found) {
    auto record = read_record(context, rrn);
    if (!record) return tl::unexpected(record.error());
    if (*record) found.push_back(std::move(**record));
    return {};
}

/// The records of one trace of a terminal: a point read of its slot.
Result<Records> find_by_trace(const ViewContext& context, const FindQuery& q) {
    Records found;
    const TerminalRange* range = context.configuration.find_terminal(*q.terminal);
    if (range == nullptr) return parse_error("the terminal is not configured");
    const bool has_batch = range->profile == Profile::unionpay_pos;
    const std::string key = ledger::trace_slot_key(
        range->merchant, *q.terminal, has_batch ? q.batch : std::optional<iso8583::BatchNumber>(), *q.trace);
    auto stored = context.store.get(Family::index, key);
    if (!stored) return store_fault(stored.error());
    if (!*stored) return found;
    const auto slot = ledger::decode_trace_slot(**stored);
    if (!slot) return parse_error("the ledger's trace slot cannot be read: " + slot.error().what);
    for (const ledger::TraceEntry& entry : slot->entries)
        if (!entry.rrn.empty())
            if (auto added = add_record(context, entry.rrn, found); !added)
                return tl::unexpected(added.error());
    return found;
}

/// The first merchant with a key in the range, of an index that is ordered by merchants.
Result<std::optional<iso8583::MerchantId>> first_merchant(const ViewContext& context,
                                                          const ledger::KeyRange& range) {
    std::optional<iso8583::MerchantId> merchant;
    auto done =
        context.store.scan(Family::index, range.from, range.to, [&](std::string_view key, std::string_view) {
            const auto id = iso8583::MerchantId::parse(key.substr(1, iso8583::MerchantId::size_max));
            if (id) merchant = *id;
            return false;
        });
    if (!done) return store_fault(done.error());
    return merchant;
}

/// The sales of a wallet's order number, of every merchant that has it, and what was asked about them.
Result<Records> find_by_order(const ViewContext& context, const std::string& order) {
    Records found;
    ledger::KeyRange left = ledger::all_keys(ledger::KeyPrefix::order_number);
    while (true) {
        const auto merchant = first_merchant(context, left);
        if (!merchant) return tl::unexpected(merchant.error());
        if (!*merchant) return found;
        auto stored = context.store.get(Family::index, ledger::order_number_key(**merchant, order));
        if (!stored) return store_fault(stored.error());
        if (*stored) {
            const auto sales = ledger::decode_order_sales(**stored);
            if (!sales) return parse_error("the ledger's order number cannot be read: " + sales.error().what);
            for (const Rrn& rrn : *sales) {
                if (auto added = add_record(context, rrn, found); !added)
                    return tl::unexpected(added.error());
                std::optional<Rrn> next = found.empty() ? std::nullopt : found.back().last_refund;
                for (std::size_t n = 0; next && n < list_limit_max; ++n) {
                    if (auto added = add_record(context, *next, found); !added)
                        return tl::unexpected(added.error());
                    next = found.back().rrn == *next ? found.back().last_refund : std::nullopt;
                }
            }
        }
        left.from = ledger::order_number_key(**merchant, "") + '\xFF';
    }
}

/// The newest case of every merchant that has the reference, and the cases that it tried again: the index of
/// references, merchant by merchant.
Result<Records> find_by_reference(const ViewContext& context, const std::string& reference) {
    Records found;
    ledger::KeyRange left = ledger::all_keys(ledger::KeyPrefix::reference);
    while (true) {
        const auto first = first_merchant(context, left);
        if (!first) return tl::unexpected(first.error());
        const std::optional<iso8583::MerchantId>& merchant = *first;
        if (!merchant) return found;
        auto stored = context.store.get(Family::index, ledger::reference_key(*merchant, reference));
        if (!stored) return store_fault(stored.error());
        auto rrn = *stored ? Rrn::parse(**stored) : Result<Rrn>(parse_error("none"));
        while (rrn) {
            if (auto added = add_record(context, *rrn, found); !added) return tl::unexpected(added.error());
            const bool again = !found.empty() && found.back().rrn == *rrn && found.back().decided.reopens;
            rrn = again ? Result<Rrn>(*found.back().decided.reopens) : Result<Rrn>(parse_error("none"));
        }
        left.from = ledger::reference_key(*merchant, "") + '\xFF';
    }
}

/// What a point read finds; nothing: the query has to search.
Result<std::optional<Records>> find_at_once(const ViewContext& context, const FindQuery& q) {
    Result<Records> found;
    if (q.rrn) {
        if (auto added = add_record(context, *q.rrn, *found); !added) return tl::unexpected(added.error());
    } else if (q.terminal && q.trace && q.batch) {
        found = find_by_trace(context, q);
    } else if (!q.order.empty()) {
        found = find_by_order(context, q.order);
    } else if (!q.reference.empty() && !q.from && !q.to && !q.date) {
        found = find_by_reference(context, q.reference);
    } else {
        return std::optional<Records>();
    }
    if (!found) return tl::unexpected(found.error());
    return std::optional<Records>(std::move(*found));
}

}  // namespace

ViewResult view_find(const ViewContext& context, const FindQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    std::optional<std::int64_t> amount_minor;
    if (!query.amount.empty()) {
        const auto amount = iso8583::Amount::parse_major(query.amount, context.configuration.currency);
        if (!amount) return parse_error("amount: " + amount.error().what);
        amount_minor = amount->minor_units();
    }
    ListPage page("transactions", query);
    const auto wanted = [&](const TransactionRecord& r) {
        return fits_list(query, *scope, r) && fits(query, amount_minor, r);
    };
    const auto row = [&](const TransactionRecord& r) { return summary(context, r); };
    const RrnDays days = rrn_days_of(context, *scope, query.date);
    auto found = find_at_once(context, query);
    if (!found) return tl::unexpected(found.error());
    if (!*found) {
        if (auto done = search(context, days, page, wanted, row); !done) return tl::unexpected(done.error());
        return transactions_answer(context, std::move(page), days);
    }
    // Few, and in one answer but for a small limit: the cursor is the place of the row.
    const auto behind = page.parsed_position<Rrn>();
    if (!behind) return tl::unexpected(behind.error());
    bool begun = !*behind;
    for (const TransactionRecord& record : **found) {
        if (begun && wanted(record) && !page.add(row(record), record.rrn.view())) break;
        begun = begun || record.rrn == **behind;
    }
    return transactions_answer(context, std::move(page), days);
}

ViewResult view_transactions(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("transactions", query);
    const RrnDays days = rrn_days_of(context, *scope, std::nullopt);
    auto done = search(
        context, days, page, [&](const TransactionRecord& r) { return fits_list(query, *scope, r); },
        [&](const TransactionRecord& r) {
            View one = summary(context, r);
            one.put("business_date", r.business_date.date.iso()).put("currency", r.amount.currency().str());
            one.put("original", r.original ? r.original->view() : "").put("reference", r.reference);
            return one;
        });
    if (!done) return tl::unexpected(done.error());
    return transactions_answer(context, std::move(page), days);
}

namespace {

/// R75: it goes by itself as soon as this is over.
std::string what_cleared_waits_for(const ViewContext& context, const TransactionRecord& refund) {
    auto sale = refund.original ? read_record(context, *refund.original)
                                : Result<std::optional<TransactionRecord>>(std::nullopt);
    if (sale && *sale && (*sale)->hold) return "the dispute of its sale (hold)";
    const auto* route = context.configuration.routes.for_original(routing::RouteId{refund.route});
    if (route == nullptr) return "its route: retired, without a successor";
    for (const RouteStatus& s : context.status.routes)
        if (s.name == route->name && (s.links_up == 0 || s.operator_state == "down"))
            return "its route " + s.name;
    return "an unfinished reversal of its sale's chain";
}

bool is_asked_for(std::string_view state_word, State state) {
    if (state_word == "all") return true;
    if (state_word == "pending") return state == State::advice_pending || state == State::cleared;
    return ledger::name(state) == (state_word.empty() ? ledger::name(State::held) : state_word);
}

/// Fills the page with open work that fits, oldest first, from its cursor on.
Result<void> add_open(const ViewContext& context, ListPage& page, const Fits& fits, const RowOf& row) {
    const auto behind = page.parsed_position<Rrn>();
    if (!behind) return tl::unexpected(behind.error());
    std::size_t read = 0;
    return each_open(
        context,
        [&](const TransactionRecord& record) {
            if (fits(record) && !page.add(row(record), record.rrn.view())) return false;
            if (++read < page_records_read_max) return true;
            page.cut_at(record.rrn.view());
            return false;
        },
        *behind);
}

}  // namespace

ViewResult view_refunds(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("transactions", query);
    const auto wanted = [&](const TransactionRecord& r) {
        return r.kind == TransactionKind::refund && is_asked_for(query.state, r.state) &&
               scope->fits_day(r) && scope->fits_parties(r);
    };
    const auto row = [&](const TransactionRecord& record) {
        const bool cleared = record.state == State::cleared;
        View one = summary(context, record);
        one.put("maker", record.maker).put("reason", record.reason);
        one.put("waits_for", cleared ? what_cleared_waits_for(context, record) : "");
        one.put("way_out", cleared ? "" : way_out_of(record));
        return one;
    };
    // What waits for anything is open work.
    const RrnDays days = rrn_days_of(context, *scope, std::nullopt);
    auto done = query.state == "all" ? search(context, days, page, wanted, row)
                                     : add_open(context, page, wanted, row);
    if (!done) return tl::unexpected(done.error());
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

ViewResult view_queue(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("advices", query);
    const auto wanted = [&](const TransactionRecord& r) {
        const ledger::QueuedAdvice& a = r.advice;
        return a.kind != ledger::QueuedAdvice::Kind::none &&
               a.status != ledger::QueuedAdvice::Status::final &&
               (query.state.empty() || advice_status(a.status) == query.state) &&
               (query.kind.empty() || advice_kind(a.kind) == query.kind) && scope->fits_day(r) &&
               scope->fits_parties(r);
    };
    const auto row = [&](const TransactionRecord& record) {
        const ledger::QueuedAdvice& a = record.advice;
        View one = View::object();
        one.put("rrn", record.rrn.view()).put("transaction", kind_word(record));
        one.put("advice", advice_kind(a.kind)).put("status", advice_status(a.status));
        one.put("attempts", a.attempts).put("last_code", a.last_code).put("amount", record.amount.major());
        one.put("route", route_name(context, record.route)).put("queued", local_time(context, a.queued));
        one.put("next_attempt",
                a.status == ledger::QueuedAdvice::Status::waiting ? local_time(context, a.next_attempt) : "");
        return one;
    };
    auto done = add_open(context, page, wanted, row);
    if (!done) return tl::unexpected(done.error());
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

}  // namespace acquirer
