// The bytes of docs/ledger_format.md, "Transaction record", properties 12, 17, 18, 20, 21, 24, 28, 30, 32, 34
// to 36 and 41. Do not change.
#include "ledger/transaction_parts_codec.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

/// Numbers of properties. Bytes on disk: do not change.
enum PeopleProperty : std::uint32_t { proof_property = 34, note_property = 35, batch_line_property = 36 };

}  // namespace

void write_advice(RecordWriter& w, const QueuedAdvice& a) {
    w.u8(static_cast<std::uint8_t>(a.kind));
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
    a.kind = enum_of(r, "advice.kind", r.varint("advice.kind"), QueuedAdvice::Kind::completion);
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

void write_advice_progress(RecordWriter& w, const QueuedAdvice& a) {
    w.varint(a.polls);
    w.svarint(a.processing_since.ms);
    w.svarint(a.first_attempt.ms);
}

void read_advice_progress(RecordReader& r, QueuedAdvice& a) {
    a.polls = u32_of(r, "advice.polls");
    a.processing_since.ms = r.svarint("advice.processing_since");
    a.first_attempt.ms = r.svarint("advice.first_attempt");
}

void write_answer(RecordWriter& w, const StoredAnswer& answer) {
    w.text(answer.code.view());
    w.text(answer.authorization.view());
    w.text(answer.local_time);
    w.text(answer.local_date);
    w.svarint(answer.business_date.date.days());
    w.text(answer.text);
    w.text(answer.icc_data);
}

StoredAnswer read_answer(RecordReader& r) {
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

void write_postings(RecordWriter& w, const std::vector<Posting>& postings) {
    ENSURE(postings.size() <= postings_max);
    w.varint(postings.size());
    for (const Posting& p : postings) {
        w.svarint(p.day.date.days());
        w.u8(static_cast<std::uint8_t>(p.debit));
        w.u8(static_cast<std::uint8_t>(p.credit));
        w.svarint(p.amount_minor);
    }
}

std::vector<Posting> read_postings(RecordReader& r) {
    std::vector<Posting> postings;
    const auto count = r.varint_max("postings", postings_max);
    postings.reserve(count);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        Posting& p = postings.emplace_back();
        p.day = day_of(r, "posting.day");
        p.debit = enum_of(r, "posting.debit", r.varint("posting.debit"), Account::chargebacks);
        p.credit = enum_of(r, "posting.credit", r.varint("posting.credit"), Account::chargebacks);
        p.amount_minor = r.svarint("posting.amount");
    }
    return postings;
}

void write_earlier_attempts(RecordWriter& w, const std::vector<EarlierAttempt>& attempts) {
    ENSURE(attempts.size() <= earlier_attempts_max);
    w.varint(attempts.size());
    for (const EarlierAttempt& e : attempts) {
        w.varint(e.stan);
        w.varint(e.transmission_time);
    }
}

std::vector<EarlierAttempt> read_earlier_attempts(RecordReader& r) {
    std::vector<EarlierAttempt> attempts;
    const auto count = r.varint_max("earlier_attempts", earlier_attempts_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        EarlierAttempt& e = attempts.emplace_back();
        e.stan = u32_of(r, "earlier_attempt.stan");
        e.transmission_time = u32_of(r, "earlier_attempt.transmission_time");
    }
    return attempts;
}

void write_decided(RecordWriter& w, const Decided& d) {
    w.boolean(d.by_people);
    w.boolean(d.reversal_refused);
    w.boolean(d.paid_twice);
    w.svarint(d.counted_again_minor);
}

void read_decided(RecordReader& r, Decided& d) {
    d.by_people = r.boolean("decided.by_people");
    d.reversal_refused = r.boolean("decided.reversal_refused");
    d.paid_twice = r.boolean("decided.paid_twice");
    d.counted_again_minor = r.svarint("decided.counted_again");
}

void write_people_properties(RecordWriter& w, const TransactionRecord& record) {
    if (!record.proof.empty()) {
        w.begin_property(proof_property);
        w.text(record.proof.text);
        w.text(record.proof.file_name);
        w.text(record.proof.file_digest);
        w.end_property();
    }
    w.property_unless_empty(note_property, record.note);
    if (!record.batch_line.batch.empty()) {
        w.begin_property(batch_line_property);
        w.text(record.batch_line.batch);
        w.varint(record.batch_line.line);
        w.end_property();
    }
}

bool read_people_property(RecordReader& r, TransactionRecord& record) {
    switch (r.property()) {
        case proof_property:
            record.proof.text = r.text("proof.text");
            record.proof.file_name = r.text("proof.file_name");
            record.proof.file_digest = r.text("proof.file_digest");
            return true;
        case note_property:
            record.note = r.rest("note");
            return true;
        case batch_line_property:
            record.batch_line.batch = r.text("batch_line.batch");
            record.batch_line.line = u32_of(r, "batch_line.line");
            return true;
        default:
            return false;
    }
}

void write_shared_case(RecordWriter& w, const SharedCase& shared) {
    ENSURE(shared.joined.size() <= joined_keys_max);
    w.u64(shared.own_reversal_digest);
    w.varint(shared.joined.size());
    for (const AskingKey& k : shared.joined) {
        w.text(k.terminal.view());
        w.varint(k.batch.value());
        w.varint(k.stan.value());
        w.varint(k.transmission_time);
        w.text(k.processing_code);
        w.u64(k.reversal_digest);
        w.text(k.operator_number);
    }
}

SharedCase read_shared_case(RecordReader& r) {
    SharedCase shared;
    shared.own_reversal_digest = r.u64("shared_case.own_reversal_digest");
    const auto count = r.varint_max("shared_case.joined", joined_keys_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        AskingKey& k = shared.joined.emplace_back();
        k.terminal = id_or_empty<iso8583::TerminalId>(r, "joined_key.terminal");
        k.batch = batch_of(r, "joined_key.batch");
        k.stan = iso8583::Stan::of(
            at_most(r, "joined_key.stan", u32_of(r, "joined_key.stan"), iso8583::Stan::value_max));
        k.transmission_time = u32_of(r, "joined_key.transmission_time");
        k.processing_code = r.text("joined_key.processing_code");
        k.reversal_digest = r.u64("joined_key.reversal_digest");
        k.operator_number = r.text("joined_key.operator_number");
    }
    return shared;
}

void write_lowering(RecordWriter& w, const Lowering& lowering) {
    w.svarint(lowering.first_minor);
    w.varint(lowering.reversals.size());
    for (const PartialReversal& p : lowering.reversals) {
        w.u8(static_cast<std::uint8_t>(p.status));
        w.u64(p.digest);
        w.svarint(p.left_minor);
        w.varint(p.stan);
        w.varint(p.transmission_time);
    }
}

Lowering read_lowering(RecordReader& r) {
    Lowering lowering{r.svarint("lowering.first"), {}};
    const auto count = r.varint_max("lowering.count", partial_reversals_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        PartialReversal& p = lowering.reversals.emplace_back();
        p.status = enum_of(r, "lowering.status", r.u8("lowering.status"), PartialReversal::Status::refused);
        p.digest = r.u64("lowering.digest");
        p.left_minor = r.svarint("lowering.left");
        p.stan = u32_of(r, "lowering.stan");
        p.transmission_time = u32_of(r, "lowering.transmission_time");
    }
    return lowering;
}

void write_reroutes(RecordWriter& w, const std::vector<Rerouted>& reroutes) {
    ENSURE(reroutes.size() <= reroutes_max);
    w.varint(reroutes.size());
    for (const Rerouted& rerouted : reroutes) {
        w.varint(rerouted.from);
        w.varint(rerouted.postings_before);
    }
}

std::vector<Rerouted> read_reroutes(RecordReader& r) {
    std::vector<Rerouted> reroutes;
    const auto count = r.varint_max("reroutes.count", reroutes_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        Rerouted& rerouted = reroutes.emplace_back();
        rerouted.from = static_cast<std::uint16_t>(r.varint_max("reroute.from", 0xFFFF));
        rerouted.postings_before = u32_of(r, "reroute.postings_before");
    }
    return reroutes;
}

void write_issuer_terms(RecordWriter& w, const IssuerTerms& terms) {
    w.svarint(terms.local_offset_s);
    w.boolean(terms.foreign_half);
    w.text(terms.acquirer.view());
    w.text(terms.forwarder.view());
}

IssuerTerms read_issuer_terms(RecordReader& r) {
    constexpr std::int64_t offset_s_max = std::int64_t{26} * 3600;
    IssuerTerms terms;
    const std::int64_t offset = r.svarint("issuer_terms.local_offset");
    if (offset < -offset_s_max || offset > offset_s_max)
        r.fail("issuer_terms.local_offset", "no zone has it");
    terms.local_offset_s = static_cast<std::int32_t>(offset);
    terms.foreign_half = r.boolean("issuer_terms.foreign_half");
    terms.acquirer = id_or_empty<iso8583::InstitutionId>(r, "issuer_terms.acquirer");
    terms.forwarder = id_or_empty<iso8583::InstitutionId>(r, "issuer_terms.forwarder");
    return terms;
}

}  // namespace ledger
