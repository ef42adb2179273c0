#include "tests/simulation/checkers.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "ledger/merchant_books.hpp"
#include "ledger/number_plan.hpp"
#include "switch/core/authorization_check.hpp"
#include "switch/core/merchant_money_check.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Field;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t broken_max = 20;  // a broken world breaks everywhere; the first ones say it

bool one_of(State state, std::initializer_list<State> states) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

/// What stands in an account by this record's postings, credits less debits.
std::int64_t credited(const TransactionRecord& r, ledger::Account account) {
    std::int64_t minor = 0;
    for (const ledger::Posting& p : r.postings)
        minor += (p.credit == account ? p.amount_minor : 0) - (p.debit == account ? p.amount_minor : 0);
    return minor;
}

/// Does the money stand where the state says? Where it stands while an outcome is unknown depends on what
/// had been before.
bool postings_fit(const TransactionRecord& r) {
    using ledger::Account;
    const std::int64_t amount = r.amount.minor_units();
    const std::int64_t twice = r.decided.paid_twice ? amount : 0;  // the issuer paid though it went elsewhere
    const std::int64_t at_issuer = credited(r, Account::issuer_receivable);
    const std::int64_t on_its_way = credited(r, Account::refund_in_transit);
    const std::int64_t in_suspense = credited(r, Account::refund_suspense);
    if (one_of(r.state, {State::reversing, State::reversal_stuck})) return true;
    if (r.kind == TransactionKind::void_sale || r.kind == TransactionKind::authorization)
        return r.postings.empty();
    if (r.kind == TransactionKind::sale)
        return at_issuer ==
               (one_of(r.state, {State::approved, State::voiding, State::not_collected}) ? -amount : 0);
    switch (r.state) {
        case State::approved:
            return at_issuer == amount + twice && on_its_way == 0 && in_suspense == -twice;
        case State::abnormal:
            return at_issuer == 0 && on_its_way == 0 && in_suspense == amount;
        case State::merchant_account:
        case State::alternative_account:
        case State::cancelled:
            return at_issuer == twice && on_its_way == 0 && in_suspense == -twice;
        case State::declined:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::reversed:
        case State::tombstone:
            return at_issuer == 0 && on_its_way == 0 && in_suspense == 0;
        default:  // under way; sent once more it is in suspense still (R74)
            return at_issuer == 0 && on_its_way + in_suspense == amount;
    }
}

/// Does the terminal's 00 still hold in this state, when nothing took it back?
bool approval_holds(const TransactionRecord& r) {
    switch (r.kind) {
        case TransactionKind::sale:
            return one_of(r.state, {State::approved, State::voiding, State::voided, State::void_reversing,
                                    State::not_collected});
        case TransactionKind::authorization:
            return one_of(r.state,
                          {State::authorized, State::auth_voiding, State::auth_voided, State::void_reversing,
                           State::completing, State::completed, State::lapsed});
        case TransactionKind::void_sale:
            return one_of(r.state,
                          {State::voided, State::advice_pending, State::parked, State::reversal_stuck});
        case TransactionKind::refund:
            return one_of(r.state,
                          {State::approved, State::advice_pending, State::processing, State::abnormal,
                           State::parked, State::alternative_account, State::merchant_account});
    }
    return false;
}

/// States that contradict a reversal that was answered 00.
bool contradicts_reversal(const TransactionRecord& r) {
    if (one_of(r.state, {State::intent, State::sent, State::approved, State::authorized, State::completed,
                         State::held, State::cleared}))
        return true;
    return r.kind == TransactionKind::refund &&
           one_of(r.state, {State::advice_pending, State::processing, State::abnormal, State::parked});
}

/// R20b: a key of a shared case was taken back, and another still asks for it.
bool is_left_to_others(const TransactionRecord& r) {
    const auto& joined = r.shared.joined;
    auto taken_back = static_cast<std::size_t>(
        std::count_if(joined.begin(), joined.end(), [](const auto& k) { return k.reversal_digest != 0; }));
    if (r.shared.own_reversal_digest != 0) ++taken_back;
    return r.reversal_digest == 0 && taken_back != 0 && taken_back <= joined.size();
}

std::string words(const TransactionRecord& r) {
    return std::string(ledger::name(r.kind)) + " " + r.rrn.str() + " (" + std::string(ledger::name(r.state)) +
           ", " + r.amount.major() + ")";
}

/// The wire key of a reply: what its request was recorded under.
std::string key_of(const SendReply& reply) {
    const iso8583::FieldValues& f = reply.fields;
    std::string key(f.get(Field::merchant));
    key += f.get(Field::terminal);
    key += f.get(Field::stan);
    key += std::to_string(f.mti().message_class());
    key += f.get(Field::processing_code);
    if (reply.to.profile == Profile::unionpay_pos)
        key += std::string(f.get(Field::reserved_private_60)).substr(0, 8);
    else
        key += f.get(Field::transmission_time);
    return key;
}

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

bool people_decided(const TransactionRecord& r) {
    return std::any_of(r.history.begin(), r.history.end(), [](const ledger::HistoryEntry& h) {
        return h.rule == "R70" || h.rule == "R71" || h.rule == "R72" || h.rule == "R74";
    });
}

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

// ---- What leaves

void Checkers::released(const Effect& effect, iso8583::Instant at) {
    if (const auto* reply = std::get_if<SendReply>(&effect)) released_reply(*reply, at);
    if (const auto* message = std::get_if<SendToIssuer>(&effect)) released_to_issuer(*message, at);
    if (const auto* answer = std::get_if<AnswerOperator>(&effect)) {
        logged(answer->answer.text, at);
        for (const auto& [name, value] : answer->answer.values) logged(value, at);
    }
    if (const auto* note = std::get_if<Note>(&effect)) {
        logged(note->detail, at);
        if (!note->rule.empty()) reached(note->rule);
        if (note->kind == NoteKind::exception_opened)
            reached("exception " + note->detail.substr(0, note->detail.find(':')));
    }
}

/// An x..1 is answered under a DE7 of its own, which nothing is recorded under: another amount under that is
/// another transaction.
bool Checkers::is_under_a_repeats_time(const Rrn& repeated, const iso8583::FieldValues& reply) const {
    const TransactionRecord* r = record(repeated);
    return r != nullptr && r->transmission_time.value() != 0 &&
           r->transmission_time.str() != reply.get(Field::transmission_time) &&
           r->amount.field() != reply.get(Field::amount_transaction);
}

void Checkers::released_reply(const SendReply& reply, iso8583::Instant at) {
    const iso8583::FieldValues& f = reply.fields;
    const int message_class = f.mti().message_class();
    if (message_class != 1 && message_class != 2 && message_class != 4) return;
    const auto rrn = Rrn::parse(f.get(Field::rrn));
    const bool approved = f.get(Field::response_code) == "00";
    if (message_class == 4) {
        if (!approved) return;
        if (!rrn) return broken("I5", "a reversal was answered 00 without an RRN", at);
        return check_reversal_accepted(*rrn, at);
    }
    if (!rrn) {
        if (approved) broken("I5", "a 00 without an RRN left", at);
        return;
    }
    Told& told = told_[key_of(reply)];
    if (!approved) {
        told.refused = true;
        if (!told.approved) told.rrn = *rrn;
        return;
    }
    check_approval(f, *rrn, at);
    const std::string authorization(f.get(Field::authorization_code));
    // R72: it stands again by two people's word, and its repeats are answered so.
    if (const TransactionRecord* r = record(*rrn); told.refused && (r == nullptr || !people_decided(*r)))
        broken("I3", "a request was refused with an RRN and later answered 00, RRN " + rrn->str(), at);
    if (told.approved && told.rrn != *rrn && is_under_a_repeats_time(told.rrn, f)) told = {};
    if (told.approved && (told.rrn != *rrn || told.authorization != authorization))
        broken("I3",
               "a retry was answered 00 with other content, RRN " + rrn->str() + " after " + told.rrn.str(),
               at);
    told.approved = true;
    told.rrn = *rrn;
    told.authorization = authorization;
}

void Checkers::check_approval(const iso8583::FieldValues& reply, const Rrn& rrn, iso8583::Instant at) {
    const TransactionRecord* r = record(rrn);
    if (r == nullptr || !r->answer || r->answer->code.view() != "00")
        return broken("I5", "a 00 left whose answer is not durable, RRN " + rrn.str(), at);
    if (r->first_amount().field() != reply.get(Field::amount_transaction))
        broken("I5", "a 00 names another amount than its record, " + words(*r), at);
    if (told_reversed_.contains(rrn) && !people_decided(*r))
        broken("I3", "answered 00 after its reversal had been answered 00: " + words(*r), at);
    // Its reversal, or two people's word, may have come in the same turn; then it is answered after this.
    if (!approval_holds(*r) && r->reversal_digest == 0 && !people_decided(*r))
        broken("I3", "answered 00 though it does not hold: " + words(*r), at);
    told_approved_.insert(rrn);
}

void Checkers::check_reversal_accepted(const Rrn& rrn, iso8583::Instant at) {
    const TransactionRecord* r = record(rrn);
    if (r == nullptr)
        return broken("I5", "a reversal was answered 00 that is not durable, RRN " + rrn.str(), at);
    if (is_left_to_others(*r)) return;
    const bool is_tombstone = one_of(r->state, {State::tombstone, State::declined});
    // R39: it was of a part, so the original stands.
    if (r->reversal_digest == 0 && !r->lowering.reversals.empty()) return;
    if (r->reversal_digest == 0 && !is_tombstone)
        broken("I5", "a reversal was answered 00 that its original does not know: " + words(*r), at);
    if (contradicts_reversal(*r))
        broken("I5", "a reversal was answered 00 though its original stands: " + words(*r), at);
    told_reversed_.insert(rrn);
}

void Checkers::released_to_issuer(const SendToIssuer& message, iso8583::Instant at) {
    const iso8583::FieldValues& f = message.fields;
    const iso8583::Mti mti = f.mti();
    if (mti.message_class() == 8) return;
    const auto rrn = Rrn::parse(f.get(Field::rrn));
    const std::string stan(f.get(Field::stan)), time(f.get(Field::transmission_time));
    if (!rrn) return broken("I4", mti.str() + " without DE37 left for an issuer", at);
    const TransactionRecord* r = record(*rrn);
    if (r == nullptr)
        return broken("I4", mti.str() + " left before its intent was durable, RRN " + rrn->str(), at);

    const auto carries = [&](const auto& a) {
        return iso8583::Stan::of(a.stan).str() == stan &&
               iso8583::TransmissionTime::of(a.transmission_time).str() == time;
    };
    bool intended = false;
    if (!mti.is_advice()) {
        intended = iso8583::Stan::of(r->issuer_stan).str() == stan &&
                   iso8583::TransmissionTime::of(r->issuer_transmission_time).str() == time;
    } else {
        const std::uint32_t attempts_min = mti.is_repeat() ? 2 : 1;
        const TransactionRecord* queued = r;
        // A void that goes as the reversal of its sale carries the sale's DE37.
        if (!carries(r->advice) && r->voided_by) queued = record(*r->voided_by);
        intended = queued != nullptr && carries(queued->advice) &&
                   queued->advice.attempts + queued->advice.polls >= attempts_min;
        // R94: a completion that was answered before its repeat has left; its slot is the 0420's by then.
        if (mti.is_repeat() && mti.message_class() == 2)
            intended =
                intended || std::any_of(r->earlier_attempts.begin(), r->earlier_attempts.end(), carries);
    }
    if (!intended)
        broken("I4", mti.str() + " left that is not durable as intended or attempted: " + words(*r), at);

    Numbers n{*rrn, mti.value() - mti.origin(), {}};
    if (mti.is_advice())
        f.present().for_each([&](int number) {
            const auto field = static_cast<iso8583::Field>(number);
            n.fields.emplace_back(field, std::string(f.get(field)));
        });
    const std::string key = std::to_string(message.route.value) + "/" + stan + "/" + time;
    const auto [used, is_new] = numbers_.emplace(key, n);
    if (!is_new && (used->second.rrn != *rrn || used->second.mti_without_repeat != n.mti_without_repeat))
        broken("I4", "DE11 " + stan + " and DE7 " + time + " were used twice towards an issuer", at);
    if (mti.message_class() == 4) check_original(f, message.route, at);
    // R54: whatever clock, zone or configuration says by now.
    if (!is_new && mti.is_repeat() && used->second.fields != n.fields) {
        std::string what;
        for (const auto* side : {&used->second.fields, &n.fields})
            for (const auto& entry : *side)
                if (const auto& other = side == &n.fields ? used->second.fields : n.fields;
                    std::find(other.begin(), other.end(), entry) == other.end())
                    what += (side == &n.fields ? " now DE" : " first DE") +
                            std::to_string(static_cast<int>(entry.first)) + "=" + entry.second;
        broken("I4", mti.str() + " says something else than its first attempt," + what + ": " + words(*r),
               at);
    }
}

/// DE90 names what left, by the MTI that it left with (R50); a blind one names what nobody here sent.
void Checkers::check_original(const iso8583::FieldValues& reversal, routing::RouteId route,
                              iso8583::Instant at) {
    const std::string named(reversal.get(Field::original_data));
    constexpr std::size_t mti_size = 4, stan_size = 6, time_size = 10;
    if (named.size() < mti_size + stan_size + time_size) return;
    const auto sent = numbers_.find(std::to_string(route.value) + "/" + named.substr(mti_size, stan_size) +
                                    "/" + named.substr(mti_size + stan_size, time_size));
    if (sent == numbers_.end()) return;
    const std::string left =
        iso8583::Mti::of(static_cast<std::uint16_t>(sent->second.mti_without_repeat)).str();
    if (left != named.substr(0, mti_size))
        broken("I4", "DE90 of a 0420 names a " + named.substr(0, mti_size) + " that left as " + left, at);
}

void Checkers::logged(std::string_view text, iso8583::Instant at) {
    for (const std::string& clear : forbidden_)
        if (text.find(clear) != std::string_view::npos)
            broken("I10", "clear text in a log line or an operator's answer", at);
}

// ---- What becomes durable

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
