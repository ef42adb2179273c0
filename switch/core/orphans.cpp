#include "switch/core/orphans.hpp"

#include <set>

#include "iso8583/values/ensure.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

/// (d): who has to end first.
std::optional<Rrn> waits_behind(const TransactionRecord& record, const LiveWork& live) {
    if (record.state == State::voiding || record.state == State::auth_voiding ||
        record.state == State::void_reversing)
        return record.voided_by;
    if (record.state == State::completing) return record.completed_by;
    return live.advice_before(record);
}

/// Its dispute is open, and the command that closes it lets this one go (R78).
bool waits_for_a_dispute(const TransactionRecord& record, const Books& books) {
    if (record.state != State::cleared || !record.original) return false;
    const TransactionRecord* sale = books.find(*record.original);
    return sale != nullptr && sale->hold;
}

std::optional<Standing> own_standing(const TransactionRecord& record, const Books& books,
                                     const LiveWork& live) {
    if (!is_open(record)) return Standing::ended;
    if (live.is_awaited(record)) return Standing::awaited;
    if (record.state == State::authorized)
        return live.is_ticking(record) ? Standing::ticking : Standing::orphan;
    if (waits_for_a_dispute(record, books)) return Standing::with_people;
    if (live.is_queued(record)) return Standing::queued;
    if (record.state == State::held) return live.is_case(record) ? Standing::with_people : Standing::orphan;
    if (!way_out_of(record).empty() && books.has_owned_exception(record.rrn)) return Standing::with_people;
    return std::nullopt;
}

class StoredBooks final : public Books {
  public:
    explicit StoredBooks(const ledger::StoreReader& store) : store_(store) {}

    const TransactionRecord* find(const Rrn& rrn) const override {
        const auto stored = store_.get(ledger::Family::journal, ledger::transaction_key(rrn));
        if (!stored || !*stored) return nullptr;
        auto record = ledger::decode_transaction_record(**stored);
        if (!record) return nullptr;  // find_orphans() meets it, and says so
        last_ = std::move(*record);
        return &last_;
    }
    bool has_owned_exception(const Rrn& rrn) const override {
        bool found = false;
        const ledger::KeyRange range = ledger::exceptions_of(rrn);
        const auto scanned = store_.scan(
            ledger::Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
                const auto x = ledger::decode_exception(value);
                found = found || (x && x->resolution.empty() && !x->owner.empty());
                return !found;
            });
        return scanned && found;
    }

  private:
    const ledger::StoreReader& store_;
    mutable TransactionRecord last_;
};

}  // namespace

Standing standing_of(const TransactionRecord& record, const Books& books, const LiveWork& live) {
    if (const auto own = own_standing(record, books, live)) return *own;
    std::set<Rrn> seen{record.rrn};
    std::optional<Rrn> next = waits_behind(record, live);
    while (next && seen.insert(*next).second) {
        const TransactionRecord* before = books.find(*next);
        if (before == nullptr) return Standing::orphan;
        if (const auto own = own_standing(*before, books, live))
            return *own == Standing::ended || *own == Standing::orphan ? Standing::orphan : Standing::behind;
        next = waits_behind(*before, live);
    }
    return Standing::orphan;
}

std::string orphan_words(const TransactionRecord& record) {
    return std::string(ledger::name(record.kind)) + " " + record.rrn.str() + " is " +
           std::string(ledger::name(record.state)) +
           ", and neither an answer, an attempt nor a person is awaited";
}

iso8583::Result<OrphanReport> find_orphans(const ledger::StoreReader& store, const LiveWork& live) {
    OrphanReport report;
    const StoredBooks books(store);
    std::optional<std::string> fault;
    const ledger::KeyRange all = ledger::all_keys(ledger::KeyPrefix::transaction);
    const auto scanned =
        store.scan(ledger::Family::journal, all.from, all.to, [&](std::string_view, std::string_view value) {
            const auto record = ledger::decode_transaction_record(value);
            if (!record) {
                fault = "a transaction's record cannot be read: " + record.error().what;
                return false;
            }
            ++report.records;
            if (is_open(*record)) ++report.open;
            if (standing_of(*record, books, live) == Standing::orphan)
                report.orphans.push_back({record->rrn, orphan_words(*record)});
            return true;
        });
    if (!scanned) return parse_error(scanned.error().what);
    if (fault) return parse_error(*fault);
    return report;
}

}  // namespace acquirer
