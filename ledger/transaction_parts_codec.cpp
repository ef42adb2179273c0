// The bytes of docs/ledger_format.md, "Transaction record", properties 24, 28, 30, 32 and 34 to 36. Do not
// change.
#include "ledger/transaction_parts_codec.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

/// Numbers of properties. Bytes on disk: do not change.
enum PeopleProperty : std::uint32_t { proof_property = 34, note_property = 35, batch_line_property = 36 };

}  // namespace

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
    constexpr std::int64_t offset_s_max = 26 * 3600;
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
