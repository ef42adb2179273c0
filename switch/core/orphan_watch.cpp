#include "switch/core/orphan_watch.hpp"

#include <utility>

namespace acquirer {
namespace {

using iso8583::Rrn;
using ledger::TransactionRecord;

const DeadlineId pass_deadline{DeadlineId::Kind::orphan_pass, {}, 0};

class LedgerBooks final : public Books {
  public:
    explicit LedgerBooks(ledger::Ledger& books) : books_(books) {}
    const TransactionRecord* find(const Rrn& rrn) const override { return books_.find(rrn); }
    /// Every exception is opened with an owner.
    bool has_owned_exception(const Rrn& rrn) const override {
        return !books_.open_exceptions_of(rrn).empty();
    }

  private:
    ledger::Ledger& books_;
};

/// By membership alone, for the end of each turn.
class CoreWork : public LiveWork {
  public:
    CoreWork(const CoreContext& context, const StoreAndForward& queue, const TransactionFlow& transactions)
        : c_(context), queue_(queue), transactions_(transactions) {}
    bool is_awaited(const TransactionRecord& r) const override {
        return c_.in_flight.contains(r.rrn) || queue_.awaits(r);
    }
    bool is_queued(const TransactionRecord& r) const override {
        return queue_.waits(r) || transactions_.waits(r);
    }
    bool is_case(const TransactionRecord& r) const override { return c_.held.contains(r.rrn); }
    bool is_ticking(const TransactionRecord& r) const override {
        return c_.deadlines.contains({DeadlineId::Kind::lapse, r.rrn, 0});
    }
    std::optional<Rrn> advice_before(const TransactionRecord& r) const override { return queue_.before(r); }

  protected:
    const CoreContext& c_;
    const StoreAndForward& queue_;
    const TransactionFlow& transactions_;
};

/// And by deadline: what is awaited has one that runs, or that begins to run when the turn has left.
class CoreWorkWithDeadlines final : public CoreWork {
  public:
    CoreWorkWithDeadlines(const CoreContext& context, const StoreAndForward& queue,
                          const TransactionFlow& transactions)
        : CoreWork(context, queue, transactions), departing_(context.in_flight.departing()) {}
    bool is_awaited(const TransactionRecord& r) const override {
        return (c_.in_flight.contains(r.rrn) && runs({DeadlineId::Kind::request_reply, r.rrn, 0})) ||
               (queue_.awaits(r) && runs({DeadlineId::Kind::advice_reply, r.rrn, 0}));
    }
    bool is_case(const TransactionRecord& r) const override {
        return CoreWork::is_case(r) && c_.deadlines.contains({DeadlineId::Kind::case_expiry, r.rrn, 0});
    }

  private:
    [[nodiscard]] bool runs(const DeadlineId& id) const {
        return c_.deadlines.contains(id) || departing_.contains(id);
    }
    std::set<DeadlineId> departing_;
};

}  // namespace

std::unique_ptr<LiveWork> OrphanWatch::live_work() const {
    return std::make_unique<CoreWorkWithDeadlines>(c_, queue_, transactions_);
}

void OrphanWatch::recover() { c_.set_deadline(pass_deadline, 0); }

void OrphanWatch::on_deadline() {
    const auto live = live_work();
    for (const Rrn& rrn : std::exchange(of_turn_, {}))
        if (const TransactionRecord* record = c_.ledger.find(rrn)) judge(*record, *live);
    const std::set<Rrn>& open = c_.ledger.open_work();
    auto at = cursor_ ? open.upper_bound(*cursor_) : open.begin();
    for (std::size_t n = 0; at != open.end() && n < orphan_slice_max; ++at, ++n) {
        cursor_ = *at;
        if (const TransactionRecord* record = c_.ledger.find(*at)) judge(*record, *live);
    }
    const bool ends = at == open.end();
    if (ends) {
        cursor_.reset();
        std::erase_if(orphans_, [&open](const Rrn& rrn) { return !open.contains(rrn); });
        last_pass_ = c_.now.utc;
    }
    c_.set_deadline(pass_deadline, ends ? orphan_pass_every_ms : orphan_slice_every_ms);
}

/// Nothing can be told here, between two steps: what is found has its step at once.
void OrphanWatch::close_turn() {
    const CoreWork live(c_, queue_, transactions_);
    const LedgerBooks books(c_.ledger);
    for (const Rrn& rrn : c_.ledger.changed()) {
        const TransactionRecord* record = c_.ledger.find(rrn);
        if (record != nullptr && !orphans_.contains(rrn) &&
            standing_of(*record, books, live) == Standing::orphan)
            of_turn_.push_back(rrn);
    }
    if (!of_turn_.empty()) c_.set_deadline(pass_deadline, 0);
}

void OrphanWatch::judge(const TransactionRecord& record, const LiveWork& live) {
    if (standing_of(record, LedgerBooks(c_.ledger), live) != Standing::orphan) {
        orphans_.erase(record.rrn);
        return;
    }
    if (!orphans_.insert(record.rrn).second) return;
    c_.count("orphans");
    c_.open_exception(record.rrn, "orphan", "I6a", orphan_words(record), ledger::Urgency::alarm);
}

}  // namespace acquirer
