#include "ledger/format_1.hpp"

#include <algorithm>

#include "ledger/record_fields.hpp"

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

std::optional<iso8583::Rrn> optional_rrn(RecordReader& r, std::string_view field) {
    auto rrn = id_or_empty<iso8583::Rrn>(r, field);
    if (rrn.empty()) return std::nullopt;
    return rrn;
}

State state_of(RecordReader& r, std::string_view field) {
    return enum_of(r, field, r.varint(field), State::merchant_account);
}

QueuedAdvice read_advice(RecordReader& r) {
    QueuedAdvice a;
    a.kind = static_cast<QueuedAdvice::Kind>(r.varint_max("advice.kind", 2));
    if (a.kind == QueuedAdvice::Kind::none) return a;
    a.status = enum_of(r, "advice.status", r.varint("advice.status"), QueuedAdvice::Status::parked);
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

constexpr std::uint64_t postings_max = 64;

void read_request_part(RecordReader& r, TransactionRecord& t) {
    t.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
    t.kind = enum_of(r, "kind", r.varint("kind"), TransactionKind::refund);
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
    t.instrument = enum_of(r, "instrument", r.varint("instrument"), Instrument::wechat);
    t.policy_version = u32_of(r, "policy_version");
    t.reason = r.text("reason");
    t.reference = r.text("reference");
    t.maker = r.text("maker");
    t.checker = r.text("checker");
}

void read_outcome_part(RecordReader& r, TransactionRecord& t) {
    t.created.ms = r.svarint("created");
    t.updated.ms = r.svarint("updated");
    t.local_date = date_of(r, "local_date", r.svarint("local_date"));
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
        p.debit = enum_of(r, "posting.debit", r.varint("posting.debit"), Account::refund_suspense);
        p.credit = enum_of(r, "posting.credit", r.varint("posting.credit"), Account::refund_suspense);
        p.amount_minor = r.svarint("posting.amount");
        t.postings.push_back(p);
    }
    const auto entries = r.varint_max("history", history_entries_max);
    for (std::uint64_t i = 0; i < entries && r.ok(); ++i) {
        HistoryEntry h;
        h.at.ms = sum_of(t.created.ms, r.svarint("history.at"));
        h.state = state_of(r, "history.state");
        h.rule = r.text("history.rule");
        t.history.push_back(std::move(h));
    }
}

}  // namespace

Result<TransactionRecord> decode_transaction_record_of_format_1(std::string_view bytes) {
    RecordReader r(bytes, 1, "transaction");
    TransactionRecord t;
    read_request_part(r, t);
    read_outcome_part(r, t);
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return t;
}

}  // namespace ledger
