#include "ledger/transaction_record.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

// Bit numbers of the record's flags. Bytes on disk: do not change.
enum Flag : std::uint8_t {
    from_operations_bit,
    reverse_if_void_fails_bit,
    hold_bit,
    reversal_exception_bit,
    cut_in_doubt_bit
};

template <typename Id>
Id id_or_empty(RecordReader& r, std::string_view field) {
    const std::string_view text = r.text(field);
    if (text.empty()) return Id{};
    auto id = Id::parse(text);
    if (!id) {
        r.fail(field, "not in the form of its field");
        return Id{};
    }
    return *id;
}

std::optional<iso8583::Rrn> optional_rrn(RecordReader& r, std::string_view field) {
    auto rrn = id_or_empty<iso8583::Rrn>(r, field);
    if (rrn.empty()) return std::nullopt;
    return rrn;
}

std::uint32_t u32_of(RecordReader& r, std::string_view field) {
    return static_cast<std::uint32_t>(r.varint_max(field, 0xFFFFFFFF));
}

iso8583::BusinessDate day_of(RecordReader& r, std::string_view field) {
    return {iso8583::Date::from_days(static_cast<std::int32_t>(r.svarint(field)))};
}

State state_of(RecordReader& r, std::string_view field) {
    const auto v = r.varint_max(field, static_cast<std::uint64_t>(State::merchant_account));
    if (v == 0) r.fail(field, "no state");
    return static_cast<State>(v == 0 ? 1 : v);
}

void write_advice(RecordWriter& w, const QueuedAdvice& a) {
    w.u8(static_cast<std::uint8_t>(a.kind));
    if (a.kind == QueuedAdvice::Kind::none) return;
    w.u8(static_cast<std::uint8_t>(a.status));
    w.boolean(a.of_approved_original);
    w.boolean(a.not_found_once);
    w.varint(a.attempts);
    w.varint(a.stan);
    w.varint(a.transmission_time);
    w.svarint(a.next_attempt.ms);
    w.svarint(a.queued.ms);
    w.text(a.last_code);
}

QueuedAdvice read_advice(RecordReader& r) {
    QueuedAdvice a;
    a.kind = static_cast<QueuedAdvice::Kind>(r.varint_max("advice.kind", 2));
    if (a.kind == QueuedAdvice::Kind::none) return a;
    a.status = static_cast<QueuedAdvice::Status>(r.varint_max("advice.status", 4));
    a.of_approved_original = r.boolean("advice.of_approved_original");
    a.not_found_once = r.boolean("advice.not_found_once");
    a.attempts = u32_of(r, "advice.attempts");
    a.stan = u32_of(r, "advice.stan");
    a.transmission_time = u32_of(r, "advice.transmission_time");
    a.next_attempt.ms = r.svarint("advice.next_attempt");
    a.queued.ms = r.svarint("advice.queued");
    a.last_code = r.text("advice.last_code");
    return a;
}

void write_answer(RecordWriter& w, const std::optional<StoredAnswer>& answer) {
    w.boolean(answer.has_value());
    if (!answer) return;
    w.text(answer->code.view());
    w.text(answer->authorization.view());
    w.text(answer->local_time);
    w.text(answer->local_date);
    w.svarint(answer->business_date.date.days());
    w.text(answer->text);
    w.text(answer->icc_data);
}

std::optional<StoredAnswer> read_answer(RecordReader& r) {
    if (!r.boolean("answer")) return std::nullopt;
    StoredAnswer a;
    a.code = id_or_empty<iso8583::ResponseCode>(r, "answer.code");
    a.authorization = id_or_empty<iso8583::AuthorizationCode>(r, "answer.authorization");
    a.local_time = r.text("answer.local_time");
    a.local_date = r.text("answer.local_date");
    a.business_date = day_of(r, "answer.business_date");
    a.text = r.text("answer.text");
    a.icc_data = r.text("answer.icc_data");
    return a;
}

}  // namespace

std::string_view name(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::sale:
            return "sale";
        case TransactionKind::void_sale:
            return "void";
        case TransactionKind::refund:
            return "refund";
    }
    ENSURE(false);
}

std::string_view name(State state) {
    switch (state) {
        case State::intent:
            return "intent";
        case State::sent:
            return "sent";
        case State::approved:
            return "approved";
        case State::declined:
            return "declined";
        case State::in_doubt:
            return "in_doubt";
        case State::reverse_on_answer:
            return "reverse_on_answer";
        case State::reversing:
            return "reversing";
        case State::reversed:
            return "reversed";
        case State::reversal_stuck:
            return "reversal_stuck";
        case State::voiding:
            return "voiding";
        case State::voided:
            return "voided";
        case State::void_reversing:
            return "void_reversing";
        case State::tombstone:
            return "tombstone";
        case State::refused:
            return "refused";
        case State::held:
            return "held";
        case State::cleared:
            return "cleared";
        case State::rejected:
            return "rejected";
        case State::expired:
            return "expired";
        case State::cancelled:
            return "cancelled";
        case State::advice_pending:
            return "advice_pending";
        case State::abnormal:
            return "abnormal";
        case State::parked:
            return "parked";
        case State::alternative_account:
            return "alternative_account";
        case State::merchant_account:
            return "merchant_account";
    }
    ENSURE(false);
}

std::int64_t TransactionRecord::remaining_minor() const {
    const std::int64_t rest = amount.minor_units() - refunds_minor - chargebacks_minor;
    return rest < 0 ? 0 : rest;
}

bool counts_in_remaining(State s) {
    switch (s) {
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::declined:
        case State::reversed:
        case State::cancelled:
        case State::tombstone:
            return false;
        case State::intent:
        case State::sent:
        case State::approved:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::held:
        case State::cleared:
        case State::advice_pending:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
            return true;
    }
    ENSURE(false);
}

bool is_open(const TransactionRecord& record) {
    // A late approval after "not found" starts a new reversal of what was already reversed (R51a).
    if (record.state == State::reversed)
        return record.advice.kind == QueuedAdvice::Kind::reversal &&
               (record.advice.status == QueuedAdvice::Status::waiting ||
                record.advice.status == QueuedAdvice::Status::in_flight);
    switch (record.state) {
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::held:
        case State::cleared:
            return true;
        case State::reversing:
        case State::advice_pending:
            return record.advice.status != QueuedAdvice::Status::parked;
        case State::approved:
        case State::declined:
        case State::reversed:
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::tombstone:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
            return false;
    }
    ENSURE(false);
}

std::string encode(const TransactionRecord& t) {
    RecordWriter w(1);
    w.text(t.rrn.view());
    w.u8(static_cast<std::uint8_t>(t.kind));
    w.u8(static_cast<std::uint8_t>(t.state));
    w.u8(t.refusal);
    w.u8(t.profile);
    w.u8(static_cast<std::uint8_t>((t.from_operations << from_operations_bit) |
                                   (t.reverse_if_void_fails << reverse_if_void_fails_bit) |
                                   (t.hold << hold_bit) | (t.reversal_exception << reversal_exception_bit) |
                                   (t.cut_in_doubt << cut_in_doubt_bit)));
    w.text(t.merchant.view());
    w.text(t.terminal.view());
    w.varint(t.batch.value());
    w.varint(t.stan.value());
    w.varint(t.transmission_time.value());
    w.text(t.message_type);
    w.text(t.processing_code);
    w.u64(t.digest);
    w.u64(t.reversal_digest);
    w.svarint(t.amount.minor_units());
    w.u16(t.amount.currency().numeric());
    w.fixed_bytes(t.pan_token.bytes);
    w.text(t.sealed_card);
    w.text(t.pan_masked);
    w.text(t.entry_mode);
    w.u8(static_cast<std::uint8_t>(t.instrument));
    w.varint(t.policy_version);
    w.text(t.reason);
    w.text(t.reference);
    w.text(t.maker);
    w.text(t.checker);
    w.svarint(t.created.ms);
    w.svarint(t.updated.ms);
    w.svarint(t.local_date.days());
    w.svarint(t.business_date.date.days());
    w.u16(t.route);
    w.varint(t.issuer_stan);
    w.varint(t.issuer_transmission_time);
    w.text(t.issuer_authorization.view());
    write_advice(w, t.advice);
    w.text(t.original ? t.original->view() : "");
    w.text(t.last_refund ? t.last_refund->view() : "");
    w.text(t.voided_by ? t.voided_by->view() : "");
    w.svarint(t.refunds_minor);
    w.varint(t.refunds_count);
    w.svarint(t.chargebacks_minor);
    write_answer(w, t.answer);
    w.varint(t.postings.size());
    for (const Posting& p : t.postings) {
        w.svarint(p.day.date.days());
        w.u8(static_cast<std::uint8_t>(p.debit));
        w.u8(static_cast<std::uint8_t>(p.credit));
        w.svarint(p.amount_minor);
    }
    w.varint(t.history.size());
    for (const HistoryEntry& h : t.history) {
        w.svarint(h.at.ms - t.created.ms);
        w.u8(static_cast<std::uint8_t>(h.state));
        w.text(h.rule);
    }
    return w.finish();
}

namespace {

void read_request_part(RecordReader& r, TransactionRecord& t) {
    t.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
    t.kind = static_cast<TransactionKind>(r.varint_max("kind", 3));
    if (t.kind == TransactionKind{}) r.fail("kind", "no kind");
    t.state = state_of(r, "state");
    t.refusal = r.u8("refusal");
    t.profile = r.u8("profile");
    const std::uint8_t flags = r.u8("flags");
    t.from_operations = (flags >> from_operations_bit & 1) != 0;
    t.reverse_if_void_fails = (flags >> reverse_if_void_fails_bit & 1) != 0;
    t.hold = (flags >> hold_bit & 1) != 0;
    t.reversal_exception = (flags >> reversal_exception_bit & 1) != 0;
    t.cut_in_doubt = (flags >> cut_in_doubt_bit & 1) != 0;
    t.merchant = id_or_empty<iso8583::MerchantId>(r, "merchant");
    t.terminal = id_or_empty<iso8583::TerminalId>(r, "terminal");
    t.batch = iso8583::BatchNumber::of(
        static_cast<std::uint32_t>(r.varint_max("batch", iso8583::BatchNumber::value_max)));
    t.stan = iso8583::Stan::of(static_cast<std::uint32_t>(r.varint_max("stan", iso8583::Stan::value_max)));
    t.transmission_time = iso8583::TransmissionTime::of(u32_of(r, "transmission_time"));
    t.message_type = r.text("message_type");
    t.processing_code = r.text("processing_code");
    t.digest = r.u64("digest");
    t.reversal_digest = r.u64("reversal_digest");
    const std::int64_t minor = r.svarint("amount");
    const std::uint16_t currency = r.u16("currency");
    if (currency > 999) r.fail("currency", "no currency");
    t.amount = iso8583::Amount(minor, iso8583::Currency::of(currency > 999 ? 0 : currency));
    const auto token = r.fixed_bytes("pan_token", t.pan_token.bytes.size());
    std::copy(token.begin(), token.end(), t.pan_token.bytes.begin());
    t.sealed_card = r.text("sealed_card");
    t.pan_masked = r.text("pan_masked");
    t.entry_mode = r.text("entry_mode");
    t.instrument = static_cast<Instrument>(r.varint_max("instrument", 4));
    t.policy_version = u32_of(r, "policy_version");
    t.reason = r.text("reason");
    t.reference = r.text("reference");
    t.maker = r.text("maker");
    t.checker = r.text("checker");
}

void read_outcome_part(RecordReader& r, TransactionRecord& t) {
    t.created.ms = r.svarint("created");
    t.updated.ms = r.svarint("updated");
    t.local_date = iso8583::Date::from_days(static_cast<std::int32_t>(r.svarint("local_date")));
    t.business_date = day_of(r, "business_date");
    t.route = r.u16("route");
    t.issuer_stan = u32_of(r, "issuer_stan");
    t.issuer_transmission_time = u32_of(r, "issuer_transmission_time");
    t.issuer_authorization = id_or_empty<iso8583::AuthorizationCode>(r, "issuer_authorization");
    t.advice = read_advice(r);
    t.original = optional_rrn(r, "original");
    t.last_refund = optional_rrn(r, "last_refund");
    t.voided_by = optional_rrn(r, "voided_by");
    t.refunds_minor = r.svarint("refunds_minor");
    t.refunds_count = u32_of(r, "refunds_count");
    t.chargebacks_minor = r.svarint("chargebacks_minor");
    t.answer = read_answer(r);
    const auto postings = r.varint_max("postings", postings_max);
    for (std::uint64_t i = 0; i < postings && r.ok(); ++i) {
        Posting p;
        p.day = day_of(r, "posting.day");
        p.debit = static_cast<Account>(r.varint_max("posting.debit", 4));
        p.credit = static_cast<Account>(r.varint_max("posting.credit", 4));
        p.amount_minor = r.svarint("posting.amount");
        t.postings.push_back(p);
    }
    const auto entries = r.varint_max("history", history_entries_max);
    for (std::uint64_t i = 0; i < entries && r.ok(); ++i) {
        HistoryEntry h;
        h.at.ms = t.created.ms + r.svarint("history.at");
        h.state = state_of(r, "history.state");
        h.rule = r.text("history.rule");
        t.history.push_back(std::move(h));
    }
}

}  // namespace

Result<TransactionRecord> decode_transaction_record(std::string_view bytes) {
    RecordReader r(bytes, 1, "transaction");
    TransactionRecord t;
    read_request_part(r, t);
    read_outcome_part(r, t);
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return t;
}

}  // namespace ledger
