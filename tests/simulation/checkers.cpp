// What becomes durable, record by record and sale by sale, and what a chain of records excuses.
#include "tests/simulation/checkers.hpp"

#include <algorithm>

#include "ledger/audit_entry.hpp"
#include "ledger/merchant_books.hpp"
#include "ledger/number_plan.hpp"
#include "switch/core/authorization_check.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "tests/simulation/record_facts.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t broken_max = 20;  // a broken world breaks everywhere; the first ones say it

/// The wire key of a record, as its request named it.
std::string key_of(const TransactionRecord& r) {
    const bool holds = r.kind == TransactionKind::authorization || r.of_authorization;
    const std::string message_class = holds ? "1" : "2";
    std::string key = r.merchant.str() + r.terminal.str() + r.stan.str() + message_class + r.processing_code;
    if (static_cast<Profile>(r.profile) == Profile::unionpay_pos)
        key += r.message_type + r.batch.str();
    else
        key += r.transmission_time.str();
    return key;
}

}  // namespace

void Checkers::broken(std::string invariant, std::string what, iso8583::Instant at) {
    if (broken_.size() < broken_max) broken_.push_back({std::move(invariant), std::move(what), at});
}

const TransactionRecord* Checkers::record(const Rrn& rrn) const {
    const auto at = records_.find(rrn);
    return at == records_.end() ? nullptr : &at->second;
}

bool Checkers::has_open_exception(const TransactionRecord& r) const {
    const auto at = open_exceptions_.find(r.rrn);
    return at != open_exceptions_.end() && at->second > 0;
}

/// The record, its sale, the authorization that one completes, and what else hangs on them.
bool Checkers::any_of_chain(const TransactionRecord& r,
                            const std::function<bool(const TransactionRecord&)>& wanted) const {
    const TransactionRecord* root = &r;
    while (root->original) {
        root = record(*root->original);
        if (root == nullptr) return wanted(r);
    }
    const std::function<bool(const TransactionRecord&)> any_below = [&](const TransactionRecord& x) {
        if (wanted(x)) return true;
        const auto children = children_.find(x.rrn);
        return children != children_.end() &&
               std::any_of(children->second.begin(), children->second.end(),
                           [&](const Rrn& rrn) { return any_below(records_.at(rrn)); });
    };
    return any_below(*root);
}

/// An exception on it or its chain, or an issuer that said what is not so.
bool Checkers::chain_is_excused(const TransactionRecord& r) const {
    return any_of_chain(r, [this](const TransactionRecord& x) {
        return has_open_exception(x) || looked_at_.contains(x.rrn) || lied_about_.contains(x.rrn);
    });
}

void Checkers::batch_handed_over(const ledger::Batch& batch,
                                 const std::function<void(const RecordVisitor&)>& visit_decoded,
                                 iso8583::Instant at, std::size_t shard) {
    std::map<Rrn, TransactionRecord> written;
    for (const ledger::Mutation& m : batch.mutations) {
        if (m.key.family != ledger::Family::journal || !m.key.bytes.starts_with('t') || !m.value) continue;
        // What does not read is told when it is durable.
        if (auto decoded = ledger::decode_transaction_record(*m.value))
            written.insert_or_assign(decoded->rrn, std::move(*decoded));
    }
    // What the turn did not write is compared now and then only: there are many of them.
    constexpr std::uint64_t turns_a_whole_look = 16;
    const bool whole = batch.turn_number % turns_a_whole_look == 0;
    visit_decoded([&](const TransactionRecord& object) {
        const auto in_batch = written.find(object.rrn);
        if (in_batch == written.end() && !whole) return;
        const auto in_flight = handed_over_.find(object.rrn);
        const TransactionRecord* stored = in_batch != written.end()         ? &in_batch->second
                                          : in_flight != handed_over_.end() ? &in_flight->second.record
                                                                            : record(object.rrn);
        if (stored == nullptr)
            broken("records", object.rrn.str() + " is decoded and was never written", at);
        else if (*stored != object)
            broken("records", object.rrn.str() + " is another object than its bytes", at);
    });
    for (const auto& [rrn, record] : written)
        handed_over_.insert_or_assign(rrn, HandedOver{shard, batch.turn_number, record});
    if (on_written)
        for (auto& [rrn, record] : written) on_written(std::move(record));
}

void Checkers::batch_durable(const ledger::Batch& batch, iso8583::Instant at, std::size_t shard) {
    std::erase_if(handed_over_, [&](const auto& entry) {
        return entry.second.shard == shard && entry.second.turn <= batch.turn_number;
    });
    std::set<Rrn> touched, purged;
    for (const ledger::Mutation& m : batch.mutations) {
        if (m.key.family == ledger::Family::journal && m.key.bytes.starts_with('t') && !m.value)
            if (const auto rrn = Rrn::parse(std::string_view(m.key.bytes).substr(1))) purged.insert(*rrn);
        if (m.key.family != ledger::Family::journal || m.key.bytes.empty() || !m.value) continue;
        if (m.key.bytes[0] == 't') {
            auto decoded = ledger::decode_transaction_record(*m.value);
            if (!decoded) {
                broken("I9", "a record was written that does not read: " + decoded.error().what, at);
                continue;
            }
            touched.insert(decoded->original.value_or(decoded->rrn));
            touched.insert(decoded->rrn);
            take_record(std::move(*decoded));
        } else if (m.key.bytes[0] == 'x') {
            auto x = ledger::decode_exception(*m.value);
            if (!x) {
                broken("I9", "an exception was written that does not read", at);
                continue;
            }
            const auto rrn = Rrn::parse(x->id.substr(0, Rrn::size_max));
            const auto before = exceptions_.find(x->id);
            const bool was_open = before != exceptions_.end() && before->second.resolution.empty();
            const bool open = x->resolution.empty();
            if (rrn && open && !was_open) ++open_exceptions_[*rrn];
            if (rrn && !open && was_open) {
                --open_exceptions_[*rrn];
                if (x->resolved_by.starts_with("checker")) looked_at_.insert(*rrn);
            }
            if (x->kind == "orphan") broken("I6a", x->text, at);
            if (x->owner.empty()) broken("I6", "an exception without an owner: " + x->kind, at);
            ledger::ExceptionRecord known = std::exchange(exceptions_[x->id], *x);
            if (on_exception) on_exception(known.id.empty() ? nullptr : &known, *x);
        }
    }
    for (const ledger::Mutation& m : batch.mutations)
        if (m.key.family == ledger::Family::journal && m.key.bytes.starts_with('a') && m.value)
            take_resolution(m);
    // Keys of what is purged may come again, in this turn even.
    std::erase_if(told_, [&](const auto& entry) { return purged.contains(entry.second.rrn); });
    std::erase_if(entry_of_key_, [&](const auto& entry) { return purged.contains(entry.second); });
    for (const Rrn& rrn : touched) {
        const TransactionRecord* r = record(rrn);
        if (r == nullptr) {
            broken("I9", "a record names an original that is not durable, RRN " + rrn.str(), at);
            continue;
        }
        check_record(*r, at);
        if (r->kind == TransactionKind::sale) check_sale(*r, at);
    }
    check_purged(purged, at);
    for (const ledger::Mutation& m : batch.mutations)
        if (m.key.family == ledger::Family::journal && m.key.bytes.starts_with('x') && !m.value)
            take_erased_exception(m.key.bytes.substr(1));
}

/// It may have been closed and erased in one turn: whoever watches hears that it is closed.
void Checkers::take_erased_exception(const std::string& digits) {
    const std::string id =
        digits.substr(0, Rrn::size_max) + "-" + digits.substr(std::min(digits.size(), Rrn::size_max));
    const auto x = exceptions_.find(id);
    if (x == exceptions_.end() || !x->second.resolution.empty()) return;
    const ledger::ExceptionRecord known = x->second;
    x->second.resolution = "erased";
    if (const auto rrn = Rrn::parse(digits.substr(0, Rrn::size_max))) --open_exceptions_[*rrn];
    if (on_exception) on_exception(&known, x->second);
}

/// What was resolved and went with its story in one turn is written nowhere but in the audit chain.
void Checkers::take_resolution(const ledger::Mutation& entry) {
    const auto read = ledger::stored_audit_entry(entry.key.bytes, *entry.value);
    if (!read || read->event.action != "exception.resolve") return;
    const auto x = exceptions_.find(read->event.detail.substr(0, read->event.detail.find(':')));
    if (x == exceptions_.end() || !x->second.resolution.empty()) return;
    const ledger::ExceptionRecord known = x->second;
    x->second.resolution = read->event.detail;
    if (const auto rrn = Rrn::parse(x->first.substr(0, Rrn::size_max))) {
        --open_exceptions_[*rrn];
        looked_at_.insert(*rrn);
    }
    if (on_exception) on_exception(&known, x->second);
}

/// Retention: nothing goes whose story has not ended, and a story goes as a whole.
void Checkers::check_purged(const std::set<Rrn>& purged, iso8583::Instant at) {
    for (const Rrn& rrn : purged) take_purged(rrn, at);
    for (const Rrn& rrn : purged) {
        const TransactionRecord* r = record(rrn);
        if (r == nullptr) continue;
        for (const std::optional<Rrn>& below : {r->voided_by, r->completed_by, r->last_refund})
            if (below && record(*below) != nullptr && !purged_.contains(*below))
                broken("retention", "a part of a story went without " + below->str() + ": " + words(*r), at);
    }
    if (!purged.empty()) reached("retention purges");
}

void Checkers::take_purged(const Rrn& rrn, iso8583::Instant at) {
    const TransactionRecord* r = record(rrn);
    if (r == nullptr) return broken("retention", "what was never written is erased, RRN " + rrn.str(), at);
    if (!purged_.insert(rrn).second) broken("retention", "it was erased before: " + words(*r), at);
    if (ledger::is_open(*r)) broken("retention", "its story had not ended: " + words(*r), at);
    if (has_open_exception(*r)) broken("retention", "an exception is open: " + words(*r), at);
    if (r->hold) broken("retention", "operations hold it: " + words(*r), at);
    if (is_refundable && is_refundable(*r)) broken("retention", "it may be refunded: " + words(*r), at);
    if (r->card_purged) reached("retention purges what had no card number");
    if (r->kind == TransactionKind::refund) reached("retention purges a refund");
    if (r->kind == TransactionKind::authorization) reached("retention purges an authorization");
}

void Checkers::take_record(TransactionRecord r) {
    const auto before = records_.find(r.rrn);
    const std::size_t known = before == records_.end() ? 0 : before->second.history.size();
    for (std::size_t i = std::min(known, r.history.size()); i < r.history.size(); ++i)
        reached(r.history[i].rule);
    if (r.original) children_[*r.original].insert(r.rrn);
    const TransactionRecord old = before == records_.end() ? TransactionRecord{} : std::move(before->second);
    const TransactionRecord& now = records_[r.rrn] = std::move(r);
    if (on_record) on_record(old.rrn == now.rrn ? &old : nullptr, now);
}

std::int64_t Checkers::reserve_minor(const iso8583::MerchantId& merchant) const {
    std::int64_t holds = 0;
    const ledger::KeyRange entries = ledger::entries_of(ledger::MerchantBook::reserve, merchant);
    for (const ledger::MemoryStore* disk : disks_) {
        const auto read =
            ledger::visit_merchant_entries(*disk, entries, [&holds](const ledger::MerchantEntry& e) {
                holds = e.stands_minor;
                return true;
            });
        if (!read) return -1;
    }
    return holds;
}

const ledger::MemoryStore& Checkers::disk_of(const Rrn& rrn) const {
    return *disks_[ledger::shard_of_rrn(rrn.view(), disks_.size()).value_or(0)];
}

void Checkers::check_record(const TransactionRecord& r, iso8583::Instant at) {
    // I3: one wire key, one entry. A tombstone becomes the record of the original that it stopped.
    if (!r.from_operations && r.state != State::tombstone && r.answer && !purged_.contains(r.rrn)) {
        const auto [entry, is_new] = entry_of_key_.emplace(key_of(r), r.rrn);
        if (!is_new && entry->second != r.rrn)
            broken("I3", "two entries under one wire key: " + entry->second.str() + " and " + r.rrn.str(),
                   at);
    }
    if (!postings_fit(r)) broken("I8", "its postings are not those of its state: " + words(r), at);
    if (told_approved_.contains(r.rrn) && r.reversal_digest == 0 && !approval_holds(r) && !people_decided(r))
        broken("I3", "a 00 that was told does not hold any more: " + words(r), at);
    if (told_reversed_.contains(r.rrn) && contradicts_reversal(r) && !people_decided(r))
        broken("I3", "a reversal that was answered 00 does not hold any more: " + words(r), at);
    if (!r.original) return;
    // I7: card, merchant, currency, instrument and route are the sale's; of a completion the authorization's.
    const TransactionRecord* sale = record(*r.original);
    if (sale == nullptr || one_of(r.state, {State::refused, State::declined})) return;
    const bool same = r.merchant == sale->merchant && r.pan_token == sale->pan_token &&
                      r.amount.currency() == sale->amount.currency() && r.instrument == sale->instrument &&
                      (r.route == sale->route || successors_.contains({sale->route, r.route}));
    if (!same)
        broken("I7", words(r) + " is not of the card, merchant, currency, instrument and route of its sale",
               at);
}

void Checkers::check_sale(const TransactionRecord& sale, iso8583::Instant at) {
    if (sale.is_completion()) {
        if (const std::string fault = acquirer::authorization_fault(sale, record(*sale.original));
            !fault.empty())
            broken("I14", words(sale) + ": " + fault, at);
    }
    std::int64_t refunded = 0;
    std::uint32_t count = 0, voids = 0;
    if (const auto children = children_.find(sale.rrn); children != children_.end())
        for (const Rrn& rrn : children->second) {
            const TransactionRecord& child = records_.at(rrn);
            if (const std::int64_t counts = ledger::counted_minor(child);
                child.kind == TransactionKind::refund && counts > 0) {
                refunded += counts;
                ++count;
            }
            voids += child.kind == TransactionKind::void_sale &&
                     one_of(child.state, {State::intent, State::sent, State::voided, State::advice_pending});
        }
    if (const std::string fault = fault_of_charges(sale); !fault.empty())
        broken("I12", fault + ": " + words(sale), at);
    if (sale.amount.minor_units() != sale.lowered_to_minor())
        broken("I1", "the amount is not what its partial reversals left: " + words(sale), at);
    if (refunded + sale.chargebacks_minor > sale.amount.minor_units())
        broken("I1", "refunds of " + std::to_string(refunded) + " pass the sale: " + words(sale), at);
    if (refunded != sale.refunds_minor || count != sale.refunds_count)
        broken("I1",
               "the sale counts " + std::to_string(sale.refunds_minor) + " refunded, its refunds sum to " +
                   std::to_string(refunded) + ": " + words(sale),
               at);
    if (count > 0 && sale.state != State::approved)
        broken("I2", "a sale with refunds that stand is not approved: " + words(sale), at);
    if (voids > 1 || (voids > 0 && count > 0))
        broken("I2", "void and refund, or two voids, of one sale: " + words(sale), at);
}

void Checkers::after_crash(iso8583::Instant at) {
    handed_over_.clear();
    for (const auto& [rrn, r] : records_) {
        const auto stored = disk_of(rrn).get(ledger::Family::journal, ledger::transaction_key(rrn));
        if (purged_.contains(rrn)) {
            if (!stored || *stored) return broken("I9", "what was purged is there again: " + words(r), at);
            continue;
        }
        if (!stored || !*stored || ledger::encode(r) != **stored)
            return broken(
                "I9", "what was acknowledged is not what the disk holds after the crash: " + words(r), at);
    }
}

}  // namespace simulation
