#include "switch/views/retention_views.hpp"

#include <algorithm>
#include <list>
#include <map>

#include "ledger/batch_books.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/recon_records.hpp"
#include "switch/core/retention_check.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using iso8583::parse_error;
using iso8583::Rrn;
using ledger::Family;
using ledger::KeyPrefix;
using ledger::KeyRange;
using ledger::RetentionFamily;
using ledger::TransactionRecord;

namespace {

/// What would go of one family.
struct WouldGo {
    ledger::PurgeLogEntry gone;  // as a run would note it
    std::uint64_t bytes = 0;
    std::map<KeptBy, std::uint64_t> kept;
    void take(const std::string& name, BusinessDate of, std::size_t size) {
        gone.add(name, of);
        bytes += size;
    }
    void add(const WouldGo& other) {
        if (gone.purged == 0)
            gone = other.gone;
        else if (other.gone.purged != 0)
            gone.add(other.gone);
        bytes += other.bytes;
        for (const auto& [why, count] : other.kept) kept[why] += count;
    }
};

/// At one shard: each has a retention of its own, with its own place and days.
class Look {
  public:
    Look(const ViewContext& context, const ledger::StoreReader& shard)
        : context_(context),
          store_(shard),
          check_(shard, context.configuration, context.status.business_date),
          today_(context.status.business_date) {}

    iso8583::Result<void> load() {
        const auto stored = ledger::stored_retention_state(store_);
        if (!stored) return store_fault(stored.error());
        if (*stored) state_ = **stored;
        if (const auto loaded = check_.load(); !loaded) return parse_error(loaded.error().what);
        return {};
    }
    [[nodiscard]] const ledger::RetentionState& state() const { return state_; }
    iso8583::Result<WouldGo> at(RetentionFamily family) {
        out_ = {};
        fault_.reset();
        switch (family) {
            case RetentionFamily::card_numbers:
            case RetentionFamily::requests:
            case RetentionFamily::transactions:
                look_at_stories(family);
                break;
            case RetentionFamily::exceptions:
                look_at<ledger::ExceptionRecord>(
                    Family::journal, KeyPrefix::exception, ledger::decode_exception,
                    [this](const ledger::ExceptionRecord& x, std::size_t size) {
                        judged(check_.judge(x), x.id, check_.day_of(x.opened), size);
                    });
                break;
            case RetentionFamily::proposals:
                look_at<ledger::Proposal>(Family::index, KeyPrefix::proposal, ledger::decode_proposal,
                                          [this](const ledger::Proposal& p, std::size_t size) {
                                              judged(check_.judge(p), p.id, check_.day_of(p.ended), size);
                                          });
                break;
            case RetentionFamily::batches:
                look_at<ledger::RefundBatch>(
                    Family::index, KeyPrefix::refund_batch, ledger::decode_refund_batch,
                    [this](const ledger::RefundBatch& b, std::size_t size) {
                        const BusinessDate of = check_.day_of(b.ended);
                        judged(b.is_open() ? RetentionVerdict{KeptBy::refund_batch, {}}
                                           : check_.by_age(RetentionFamily::batches, of),
                               b.id, of, size);
                    });
                break;
            case RetentionFamily::reconciliation:
                look_at<ledger::ReconEntry>(
                    Family::journal, KeyPrefix::recon_entry, ledger::decode_recon_entry,
                    [this](const ledger::ReconEntry& e, std::size_t size) {
                        const bool open = is_open(e.status) || !e.exception.empty();
                        judged(open ? RetentionVerdict{KeptBy::reconciliation, {}}
                                    : check_.by_age(RetentionFamily::reconciliation, e.day),
                               e.ref, e.day, size);
                    });
                break;
            case RetentionFamily::notices:
                look_at_notices();
                break;
        }
        if (fault_) return parse_error(*fault_);
        return out_;
    }
    [[nodiscard]] bool is_cut() const { return reads_ >= purge_records_read_max; }

  private:
    bool may_read() { return ++reads_ < purge_records_read_max; }
    void judged(const RetentionVerdict& verdict, const std::string& name, BusinessDate of, std::size_t size) {
        if (verdict.kept_by == KeptBy::nothing)
            out_.take(name, of, size);
        else if (verdict.kept_by != KeptBy::age)
            ++out_.kept[verdict.kept_by];
    }
    template <typename Record, typename Judge>
    void look_at(Family family, KeyPrefix prefix, iso8583::Result<Record> (*decode)(std::string_view),
                 Judge judge) {
        const KeyRange range = ledger::all_keys(prefix);
        scan(family, range, [&](std::string_view, std::string_view value) {
            const auto record = decode(value);
            if (!record) fault_ = "the ledger's " + record.error().what;
            if (record) judge(*record, value.size());
            return record && may_read();
        });
    }
    void scan(Family family, const KeyRange& range, const ledger::ScanVisitor& visit) {
        if (range.from >= range.to || fault_) return;
        if (const auto done = store_.scan(family, range.from, range.to, visit); !done)
            fault_ = done.error().what;
    }
    void look_at_notices() {
        const auto stored = store_.get(Family::index, ledger::notice_progress_key());
        if (!stored || !*stored) return;
        const auto progress = ledger::decode_notice_progress(**stored);
        if (!progress) {
            fault_ = "the ledger's " + progress.error().what;
            return;
        }
        look_at<ledger::Notice>(Family::journal, KeyPrefix::notice, ledger::decode_notice,
                                [&](const ledger::Notice& n, std::size_t size) {
                                    const BusinessDate of = check_.day_of(n.at);
                                    if (n.number > progress->delivered) return;
                                    judged(check_.by_age(RetentionFamily::notices, of),
                                           std::to_string(n.number), of, size);
                                });
    }

    // ---- Stories, in the order of a run: what waits and is due, then the days that have become old.

    void look_at_stories(RetentionFamily family) {
        scan(Family::journal, ledger::retention_waiting_until(family, today_),
             [&](std::string_view key, std::string_view) {
                 if (const auto rrn = ledger::waiting_rrn(key)) look_at_story(family, *rrn);
                 return may_read() && !fault_;
             });
        const auto through = state_.looked_through.find(family);
        const iso8583::Date last = today_.date.plus_days(-days_of(context_.configuration.retention, family));
        constexpr std::int32_t days_of_all_rrns = 3'653;
        iso8583::Date date = through == state_.looked_through.end() ? today_.date.plus_days(-days_of_all_rrns)
                                                                    : through->second.plus_days(1);
        for (; date <= last && !is_cut() && !fault_; date = date.plus_days(1))
            scan(Family::journal, ledger::transactions_of_day(date),
                 [&](std::string_view key, std::string_view) {
                     if (const auto rrn = Rrn::parse(key.substr(1))) look_at_story(family, *rrn);
                     return may_read() && !fault_;
                 });
    }
    template <typename T>
    std::optional<T> taken(RetentionCheck::Result<T> result) {
        if (result) return std::move(*result);
        fault_ = result.error().what;
        return std::nullopt;
    }
    void look_at_story(RetentionFamily family, const Rrn& rrn) {
        auto record = taken(check_.read(rrn));
        if (!record || !*record) return;
        auto story = taken(check_.story_of(std::move(**record)));
        if (!story || !*story) return;
        const auto verdict = taken(check_.judge(family, **story));
        if (!verdict) return;
        if (verdict->kept_by != KeptBy::nothing) return judged(*verdict, {}, {}, 0);
        for (const TransactionRecord& r : **story) {
            const BusinessDate of{date_of_rrn(r.rrn, context_.now.local().date)};
            if (family == RetentionFamily::transactions) {
                out_.take(r.rrn.str(), of, encode(r).size());
            } else if (family == RetentionFamily::card_numbers) {
                if (!r.sealed_card.empty()) out_.take(r.rrn.str(), of, r.sealed_card.size());
            } else if (const auto bytes = slots_of(r); bytes > 0) {
                out_.take(r.rrn.str(), of, bytes);
            }
        }
    }
    /// Bytes of the entries that name it; 0: there are none.
    std::size_t slots_of(const TransactionRecord& r) {
        std::size_t bytes = 0;
        for (const std::string& key : ledger::slot_keys_of(r)) {
            const auto stored = store_.get(Family::index, key);
            if (!stored || !*stored) continue;
            const auto slot = ledger::decode_trace_slot(**stored);
            if (!slot) continue;
            for (const ledger::TraceEntry& e : slot->entries)
                if (e.rrn == r.rrn) bytes += (*stored)->size() / slot->entries.size();
        }
        return bytes;
    }

    const ViewContext& context_;
    const ledger::StoreReader& store_;
    RetentionCheck check_;
    BusinessDate today_;
    ledger::RetentionState state_;
    WouldGo out_;
    std::optional<std::string> fault_;
    std::size_t reads_ = 0;
};

std::string kept_words(const std::map<KeptBy, std::uint64_t>& kept) {
    std::string words;
    for (const auto& [why, count] : kept)
        words +=
            (words.empty() ? "" : ", ") + std::to_string(count) + ": " + std::string(acquirer::words(why));
    return words;
}

View row_of(RetentionFamily family, std::int32_t days, const WouldGo& go) {
    std::uint64_t kept = 0;
    for (const auto& [why, count] : go.kept) kept += count;
    const bool any = go.gone.purged > 0;
    return View::object()
        .put("family", name(family))
        .put("days", days)
        .put("would_go", go.gone.purged)
        .put("oldest", any ? go.gone.oldest.date.iso() : "")
        .put("newest", any ? go.gone.newest.date.iso() : "")
        .put("bytes", go.bytes)
        .put("kept", kept)
        .put("because", days == 0 ? "kept for ever" : kept_words(go.kept));
}

}  // namespace

ViewResult view_purge_show(const ViewContext& context, const ListQuery& query) {
    std::list<Look> looks;
    for (const ledger::StoreReader* shard : context.readers())
        if (const auto loaded = looks.emplace_back(context, *shard).load(); !loaded)
            return tl::unexpected(loaded.error());
    View rows = View::list();
    for (const RetentionFamily family : ledger::retention_families) {
        const std::int32_t days = days_of(context.configuration.retention, family);
        WouldGo go;
        for (Look& look : looks) {
            if (days == 0) break;
            const auto looked = look.at(family);
            if (!looked) return tl::unexpected(looked.error());
            go.add(*looked);
        }
        rows.add(row_of(family, days, go));
    }
    const bool is_cut = std::any_of(looks.begin(), looks.end(), [](const Look& l) { return l.is_cut(); });
    View view = View::object();
    view.put("day", context.status.business_date.date.iso())
        .put("daily", context.configuration.retention.daily)
        .put("complete", !is_cut);
    // Of the one that runs, else of the last to begin.
    const Look& last = *std::max_element(looks.begin(), looks.end(), [](const Look& a, const Look& b) {
        return std::pair(a.state().running, a.state().began) < std::pair(b.state().running, b.state().began);
    });
    if (const ledger::RetentionState& state = last.state(); state.runs > 0) {
        view.put("last_run", state.day.date.iso()).put("by", state.by);
        view.put("state", state.running ? "running, " + std::string(name(state.family)) : "done");
    }
    if (context.status.retention && context.status.retention->waits_for_people)
        view.put("waits", "too many days passed at once: purge run is needed");
    return page_of(view.put("families", std::move(rows)), "families", query);
}

ViewResult view_purge_log(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    // Of several shards the same day and family together.
    std::map<std::pair<BusinessDate, RetentionFamily>, ledger::PurgeLogEntry> entries;
    for (const ledger::StoreReader* shard : context.readers()) {
        const auto read = ledger::visit_purge_log(*shard, [&](const ledger::PurgeLogEntry& e) {
            const bool fits = (!scope->from || e.day >= *scope->from) &&
                              (!scope->to || e.day <= *scope->to) &&
                              (query.kind.empty() || query.kind == name(e.family));
            if (!fits) return true;
            const auto [at, is_new] = entries.try_emplace({e.day, e.family}, e);
            if (!is_new) at->second.add(e);
            return true;
        });
        if (!read) return store_fault(read.error());
    }
    ListPage page("purges", query);
    const auto after = page.position();
    if (!after) return tl::unexpected(after.error());
    for (auto at = entries.rbegin(); at != entries.rend(); ++at) {
        const ledger::PurgeLogEntry* e = &at->second;
        const std::string position = e->day.date.yyyymmdd() + std::to_string(static_cast<int>(e->family));
        if (!after->empty() && position >= *after) continue;
        View row = View::object();
        row.put("day", e->day.date.iso())
            .put("family", name(e->family))
            .put("purged", e->purged)
            .put("oldest", e->oldest.date.iso())
            .put("newest", e->newest.date.iso())
            .put("first", e->first)
            .put("last", e->last)
            .put("at", local_time(context, e->at))
            .put("by", e->by);
        if (!page.add(std::move(row), position)) break;
    }
    return std::move(page).answer();
}

std::string purged_words(const ViewContext& context, const Rrn& rrn) {
    const iso8583::Date date = date_of_rrn(rrn, context.now.local().date);
    for (const ledger::StoreReader* shard : context.readers())
        if (const auto purge = ledger::purge_of_transactions(*shard, date); purge && *purge)
            return "; transactions of " + date.iso() + " were purged on " + (*purge)->day.date.iso() +
                   " by retention";
    return {};
}

}  // namespace acquirer
