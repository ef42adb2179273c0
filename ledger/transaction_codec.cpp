// The bytes of a transaction record: docs/ledger_format.md, "Transaction record". Do not change. Here: the
// fields that every record has, the numbers of its properties and their order. What stands inside a property
// that is a part of its own is transaction_parts_codec.cpp; the charges of a sale are sale_charges.cpp.
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"
#include "ledger/sale_charges_codec.hpp"
#include "ledger/transaction_parts_codec.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

// Bit numbers of the record's flags. Bytes on disk: do not change; what comes later is a property.
enum Flag : std::uint8_t {
    from_operations_bit,
    reverse_if_void_fails_bit,
    hold_bit,
    reversal_exception_bit,
    cut_in_doubt_bit,
    flags_count
};

/// Numbers of the properties. Bytes on disk: do not change; the next one gets the next number.
enum Property : std::uint32_t {
    message_type_property = 1,
    processing_code_property = 2,
    reversal_digest_property = 3,
    sealed_card_property = 4,
    pan_masked_property = 5,
    entry_mode_property = 6,
    reason_property = 7,
    reference_property = 8,
    maker_property = 9,
    checker_property = 10,
    issuer_authorization_property = 11,
    advice_property = 12,
    original_property = 13,
    last_refund_property = 14,
    voided_by_property = 15,
    chargebacks_property = 16,
    answer_property = 17,
    postings_property = 18,
    history_property = 19,
    earlier_attempts_property = 20,
    decided_property = 21,
    reopens_property = 22,
    payout_property = 23,
    issuer_terms_property = 24,
    asked_property = 25,
    asked_by_0100_property = 26,
    turned_into_void_property = 27,
    lowering_property = 28,
    shared_case_property = 30,
    operator_number_property = 31,
    reroutes_property = 32,
    noticed_property = 37,
    late_authorization_property = 38,
    wallet_property = 40,
    advice_progress_property = 41,
    completed_by_property = 50,
    of_authorization_property = 51,
    completed_by_advice_property = 52,
    completion_numbers_property = 53,
    completion_percent_property = 54,
    // 34 to 36: transaction_parts_codec.cpp; 60 to 64: sale_charges.cpp
    asked_as_void_property = 65,
    sealed_under_property = 66,
    card_purged_property = 68,
    last_known_property = card_purged_property
};

State state_of(RecordReader& r, std::string_view field) {
    const std::uint8_t value = r.u8(field);
    return enum_of(r, field, is_state(value) ? value : 0, State::not_collected);
}

void write_history(RecordWriter& w, const TransactionRecord& t) {
    ENSURE(t.history.size() <= history_entries_max);
    w.varint(t.history.size());
    for (const HistoryEntry& h : t.history) {
        w.svarint(difference_of(h.at.ms, t.created.ms));
        w.u8(static_cast<std::uint8_t>(h.state));
        w.text(h.rule);
    }
}

/// A property that is a part of its own, when there is one.
template <typename Part>
void write_part(RecordWriter& w, std::uint32_t number, bool there_is, const Part& part,
                void (*write)(RecordWriter&, const Part&)) {
    if (!there_is) return;
    w.begin_property(number);
    write(w, part);
    w.end_property();
}
template <typename Part>
void write_part(RecordWriter& w, std::uint32_t number, const std::optional<Part>& part,
                void (*write)(RecordWriter&, const Part&)) {
    if (part) write_part(w, number, true, *part, write);
}

/// Of the numbers from 24 on.
void write_later_properties(RecordWriter& w, const TransactionRecord& t) {
    write_part(w, issuer_terms_property, t.issuer_terms, write_issuer_terms);
    if (t.asked_minor != 0) {
        w.begin_property(asked_property);
        w.svarint(t.asked_minor);
        w.end_property();
    }
    const auto mark = [&w](std::uint32_t number, bool value) {
        if (!value) return;
        w.begin_property(number);
        w.boolean(true);
        w.end_property();
    };
    mark(asked_by_0100_property, t.asked_by_0100);
    mark(turned_into_void_property, t.turned_into_void);
    write_part(w, lowering_property, !t.lowering.reversals.empty(), t.lowering, write_lowering);
    write_part(w, shared_case_property, !t.shared.joined.empty(), t.shared, write_shared_case);
    w.property_unless_empty(operator_number_property, t.operator_number);
    write_part(w, reroutes_property, !t.reroutes.empty(), t.reroutes, write_reroutes);
    write_people_properties(w, t);
    if (t.noticed != 0) {
        w.begin_property(noticed_property);
        w.u8(t.noticed);
        w.end_property();
    }
    w.property_unless_empty(late_authorization_property, t.late_authorization.view());
    if (t.wallet != WalletOf{}) {
        w.begin_property(wallet_property);
        w.text(t.wallet.name);
        w.text(t.wallet.order_number);
        w.end_property();
    }
    const QueuedAdvice& a = t.advice;
    write_part(w, advice_progress_property,
               a.polls != 0 || a.processing_since.ms != 0 || a.first_attempt.ms != 0, a,
               write_advice_progress);
    if (t.completed_by) w.property(completed_by_property, t.completed_by->view());
    mark(of_authorization_property, t.of_authorization);
    mark(completed_by_advice_property, t.completed_by_advice);
    if (t.completion_stan != 0) {
        w.begin_property(completion_numbers_property);
        w.varint(t.completion_stan);
        w.varint(t.completion_transmission_time);
        w.end_property();
    }
    if (t.completion_percent != 0) {
        w.begin_property(completion_percent_property);
        w.varint(t.completion_percent);
        w.end_property();
    }
    write_charges_properties(w, t);
    if (t.asked_as_void.stan != 0) {
        w.begin_property(asked_as_void_property);
        w.varint(t.asked_as_void.stan);
        w.varint(t.asked_as_void.transmission_time);
        w.end_property();
    }
    if (t.sealed_under != first_vault_key) {
        w.begin_property(sealed_under_property);
        w.varint(t.sealed_under);
        w.end_property();
    }
    if (t.card_purged) {
        w.begin_property(card_purged_property);
        w.svarint(t.card_purged->date.days());
        w.end_property();
    }
}

void write_properties(RecordWriter& w, const TransactionRecord& t) {
    const auto rrn = [&w](std::uint32_t number, const std::optional<iso8583::Rrn>& value) {
        if (value) w.property(number, value->view());
    };
    w.property_unless_empty(message_type_property, t.message_type);
    w.property_unless_empty(processing_code_property, t.processing_code);
    if (t.reversal_digest != 0) {
        w.begin_property(reversal_digest_property);
        w.u64(t.reversal_digest);
        w.end_property();
    }
    w.property_unless_empty(sealed_card_property, t.sealed_card);
    w.property_unless_empty(pan_masked_property, t.pan_masked);
    w.property_unless_empty(entry_mode_property, t.entry_mode);
    w.property_unless_empty(reason_property, t.reason);
    w.property_unless_empty(reference_property, t.reference);
    w.property_unless_empty(maker_property, t.maker);
    w.property_unless_empty(checker_property, t.checker);
    w.property_unless_empty(issuer_authorization_property, t.issuer_authorization.view());
    write_part(w, advice_property, t.advice.kind != QueuedAdvice::Kind::none, t.advice, write_advice);
    rrn(original_property, t.original);
    rrn(last_refund_property, t.last_refund);
    rrn(voided_by_property, t.voided_by);
    if (t.chargebacks_minor != 0) {
        w.begin_property(chargebacks_property);
        w.svarint(t.chargebacks_minor);
        w.end_property();
    }
    write_part(w, answer_property, t.answer, write_answer);
    write_part(w, postings_property, !t.postings.empty(), t.postings, write_postings);
    write_part(w, history_property, !t.history.empty(), t, write_history);
    write_part(w, earlier_attempts_property, !t.earlier_attempts.empty(), t.earlier_attempts,
               write_earlier_attempts);
    const Decided& d = t.decided;
    write_part(w, decided_property, d.by_people || d.reversal_refused || d.paid_twice, d, write_decided);
    rrn(reopens_property, t.decided.reopens);
    w.property_unless_empty(payout_property, t.decided.payout);
    write_later_properties(w, t);
    w.kept_properties(t.unknown_properties);
}

}  // namespace

std::string encode(const TransactionRecord& t) {
    RecordWriter w(property_record_version);
    w.u8(static_cast<std::uint8_t>(t.kind));
    w.u8(static_cast<std::uint8_t>(t.state));
    w.u8(t.refusal);
    w.u8(t.profile);
    w.u8(static_cast<std::uint8_t>(t.instrument));
    w.u16(static_cast<std::uint16_t>((t.from_operations << from_operations_bit) |
                                     (t.reverse_if_void_fails << reverse_if_void_fails_bit) |
                                     (t.hold << hold_bit) | (t.reversal_exception << reversal_exception_bit) |
                                     (t.cut_in_doubt << cut_in_doubt_bit)));
    w.padded_text(t.rrn.view(), iso8583::Rrn::size_max);
    w.padded_text(t.merchant.view(), iso8583::MerchantId::size_max);
    w.padded_text(t.terminal.view(), iso8583::TerminalId::size_max);
    w.u32(t.batch.value());
    w.u32(t.stan.value());
    w.u32(t.transmission_time.value());
    w.u64(t.digest);
    w.u64(static_cast<std::uint64_t>(t.amount.minor_units()));
    w.u16(t.amount.currency().numeric());
    w.fixed_bytes(t.pan_token.bytes);
    w.u32(t.policy_version);
    w.u64(static_cast<std::uint64_t>(t.created.ms));
    w.u64(static_cast<std::uint64_t>(t.updated.ms));
    w.u32(static_cast<std::uint32_t>(t.local_date.days()));
    w.u32(static_cast<std::uint32_t>(t.business_date.date.days()));
    w.u16(t.route);
    w.u32(t.issuer_stan);
    w.u32(t.issuer_transmission_time);
    w.u64(static_cast<std::uint64_t>(t.refunds_minor));
    w.u32(t.refunds_count);
    write_properties(w, t);
    return w.finish();
}

namespace {

void read_fields(RecordReader& r, TransactionRecord& t) {
    t.kind = enum_of(r, "kind", r.u8("kind"), TransactionKind::authorization);
    t.state = state_of(r, "state");
    t.refusal = r.u8("refusal");
    t.profile = r.u8("profile");
    t.instrument = enum_of(r, "instrument", r.u8("instrument"), Instrument::other_wallet);
    const std::uint16_t flags = r.u16("flags");
    if (flags >> flags_count != 0) r.fail("flags", "one of them is unknown");
    t.from_operations = (flags >> from_operations_bit & 1) != 0;
    t.reverse_if_void_fails = (flags >> reverse_if_void_fails_bit & 1) != 0;
    t.hold = (flags >> hold_bit & 1) != 0;
    t.reversal_exception = (flags >> reversal_exception_bit & 1) != 0;
    t.cut_in_doubt = (flags >> cut_in_doubt_bit & 1) != 0;
    t.rrn = id_of<iso8583::Rrn>(r, "rrn", r.padded_text("rrn", iso8583::Rrn::size_max));
    t.merchant =
        id_of<iso8583::MerchantId>(r, "merchant", r.padded_text("merchant", iso8583::MerchantId::size_max));
    t.terminal =
        id_of<iso8583::TerminalId>(r, "terminal", r.padded_text("terminal", iso8583::TerminalId::size_max));
    t.batch = iso8583::BatchNumber::of(at_most(r, "batch", r.u32("batch"), iso8583::BatchNumber::value_max));
    t.stan = iso8583::Stan::of(at_most(r, "stan", r.u32("stan"), iso8583::Stan::value_max));
    t.transmission_time = iso8583::TransmissionTime::of(r.u32("transmission_time"));
    t.digest = r.u64("digest");
    const auto minor = static_cast<std::int64_t>(r.u64("amount"));
    const std::uint32_t currency = at_most(r, "currency", r.u16("currency"), 999);
    t.amount = iso8583::Amount(minor, iso8583::Currency::of(static_cast<std::uint16_t>(currency)));
    const auto token = r.fixed_bytes("pan_token", t.pan_token.bytes.size());
    std::copy(token.begin(), token.end(), t.pan_token.bytes.begin());
    t.policy_version = r.u32("policy_version");
    t.created.ms = static_cast<std::int64_t>(r.u64("created"));
    t.updated.ms = static_cast<std::int64_t>(r.u64("updated"));
    t.local_date = date_of(r, "local_date", static_cast<std::int32_t>(r.u32("local_date")));
    t.business_date = {date_of(r, "business_date", static_cast<std::int32_t>(r.u32("business_date")))};
    t.route = r.u16("route");
    t.issuer_stan = r.u32("issuer_stan");
    t.issuer_transmission_time = r.u32("issuer_transmission_time");
    t.refunds_minor = static_cast<std::int64_t>(r.u64("refunds_minor"));
    t.refunds_count = r.u32("refunds_count");
}

void read_history(RecordReader& r, TransactionRecord& t) {
    const auto count = r.varint_max("history", history_entries_max);
    t.history.reserve(count);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        HistoryEntry& h = t.history.emplace_back();
        h.at.ms = sum_of(t.created.ms, r.svarint("history.at"));
        h.state = state_of(r, "history.state");
        h.rule = r.text("history.rule");
    }
}

/// Of the numbers that format 2 did not begin with.
void read_later_property(RecordReader& r, TransactionRecord& t) {
    using iso8583::Rrn;
    switch (r.property()) {
        case earlier_attempts_property:
            t.earlier_attempts = read_earlier_attempts(r);
            return;
        case decided_property:
            read_decided(r, t.decided);
            return;
        case reopens_property:
            t.decided.reopens = id_of<Rrn>(r, "reopens", r.rest("reopens"));
            return;
        case payout_property:
            t.decided.payout = r.rest("payout");
            return;
        case issuer_terms_property:
            t.issuer_terms = read_issuer_terms(r);
            return;
        case asked_property:
            t.asked_minor = r.svarint("asked_minor");
            return;
        case asked_by_0100_property:
            t.asked_by_0100 = r.boolean("asked_by_0100");
            return;
        case turned_into_void_property:
            t.turned_into_void = r.boolean("turned_into_void");
            return;
        case lowering_property:
            t.lowering = read_lowering(r);
            return;
        case shared_case_property:
            t.shared = read_shared_case(r);
            return;
        case operator_number_property:
            t.operator_number = r.rest("operator_number");
            return;
        case reroutes_property:
            t.reroutes = read_reroutes(r);
            return;
        case late_authorization_property:
            t.late_authorization =
                id_of<iso8583::AuthorizationCode>(r, "late_authorization", r.rest("late_authorization"));
            return;
        case wallet_property:
            t.wallet.name = r.text("wallet.name");
            t.wallet.order_number = r.text("wallet.order_number");
            return;
        case advice_progress_property:
            read_advice_progress(r, t.advice);
            return;
        case noticed_property:
            t.noticed = r.u8("noticed");
            return;
        case completed_by_property:
            t.completed_by = id_of<iso8583::Rrn>(r, "completed_by", r.rest("completed_by"));
            return;
        case of_authorization_property:
            t.of_authorization = r.boolean("of_authorization");
            return;
        case completed_by_advice_property:
            t.completed_by_advice = r.boolean("completed_by_advice");
            return;
        case completion_percent_property:
            t.completion_percent = u32_of(r, "completion.percent");
            return;
        case completion_numbers_property:
            t.completion_stan = u32_of(r, "completion.stan");
            t.completion_transmission_time = u32_of(r, "completion.transmission_time");
            return;
        case asked_as_void_property:
            t.asked_as_void.stan = u32_of(r, "asked_as_void.stan");
            t.asked_as_void.transmission_time = u32_of(r, "asked_as_void.transmission_time");
            return;
        case sealed_under_property:
            t.sealed_under = u32_of(r, "sealed_under");
            return;
        case card_purged_property:
            t.card_purged = day_of(r, "card_purged");
            return;
        default:
            if (read_people_property(r, t) || read_charges_property(r, t)) return;
            r.keep_property(t.unknown_properties, last_known_property);
    }
}

void read_property(RecordReader& r, TransactionRecord& t) {
    using iso8583::Rrn;
    switch (r.property()) {
        case message_type_property:
            t.message_type = r.rest("message_type");
            return;
        case processing_code_property:
            t.processing_code = r.rest("processing_code");
            return;
        case reversal_digest_property:
            t.reversal_digest = r.u64("reversal_digest");
            return;
        case sealed_card_property:
            t.sealed_card = r.rest("sealed_card");
            return;
        case pan_masked_property:
            t.pan_masked = r.rest("pan_masked");
            return;
        case entry_mode_property:
            t.entry_mode = r.rest("entry_mode");
            return;
        case reason_property:
            t.reason = r.rest("reason");
            return;
        case reference_property:
            t.reference = r.rest("reference");
            return;
        case maker_property:
            t.maker = r.rest("maker");
            return;
        case checker_property:
            t.checker = r.rest("checker");
            return;
        case issuer_authorization_property:
            t.issuer_authorization =
                id_of<iso8583::AuthorizationCode>(r, "issuer_authorization", r.rest("issuer_authorization"));
            return;
        case advice_property:
            t.advice = read_advice(r);
            return;
        case original_property:
            t.original = id_of<Rrn>(r, "original", r.rest("original"));
            return;
        case last_refund_property:
            t.last_refund = id_of<Rrn>(r, "last_refund", r.rest("last_refund"));
            return;
        case voided_by_property:
            t.voided_by = id_of<Rrn>(r, "voided_by", r.rest("voided_by"));
            return;
        case chargebacks_property:
            t.chargebacks_minor = r.svarint("chargebacks_minor");
            return;
        case answer_property:
            t.answer = read_answer(r);
            return;
        case postings_property:
            t.postings = read_postings(r);
            return;
        case history_property:
            read_history(r, t);
            return;
        default:
            read_later_property(r, t);
    }
}

}  // namespace

Result<TransactionRecord> decode_transaction_record(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "transaction");
    if (r.ok() && r.version() != property_record_version)
        r.fail("version", "it is of an older format, which is migrated when the store is opened");
    Result<TransactionRecord> t(tl::in_place);
    read_fields(r, *t);
    while (r.next_property()) read_property(r, *t);
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return t;
}

}  // namespace ledger
