#include "switch/core/issuer_messages.hpp"

#include <algorithm>

#include "iso8583/original_data_elements.hpp"
#include "iso8583/values/ensure.hpp"
#include "switch/core/store_and_forward.hpp"

namespace acquirer {
namespace {

using iso8583::Field;
using iso8583::FieldValues;
using ledger::TransactionKind;

std::string transmission_time(std::uint32_t value) { return iso8583::TransmissionTime::of(value).str(); }

std::string_view issuer_processing_code(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::sale:
            return "000000";
        case TransactionKind::void_sale:
            return "020000";
        case TransactionKind::refund:
            return "200000";
        case TransactionKind::authorization:
            return "030000";
    }
    ENSURE(false);
}

/// What stands in the record, or (of a program before there were terms) what they would have been fixed to.
ledger::IssuerTerms terms_of(const CoreContext& context, const ledger::TransactionRecord& record) {
    if (record.issuer_terms) return *record.issuer_terms;
    ledger::IssuerTerms terms;
    terms.local_offset_s = context.config->time_zone.offset_s(record.created);
    if (const routing::Route* route = context.route(record.route)) {
        terms.foreign_half = route->settlement_half == routing::SettlementHalf::foreign;
        terms.acquirer = route->acquirer;
        terms.forwarder = route->forwarder;
    }
    return terms;
}

/// DE90: MTI 4 + STAN 6 + DE7 10 + acquirer 11 + forwarder 11.
std::string original_data(const ledger::IssuerTerms& terms, int mti, std::uint32_t stan, std::uint32_t time) {
    const auto institution = [](const iso8583::InstitutionId& id) {
        return std::string(iso8583::InstitutionId::size_max - id.size(), '0') + id.str();
    };
    return iso8583::Mti::of(mti).str() + iso8583::Stan::of(stan).str() + transmission_time(time) +
           institution(terms.acquirer) + institution(terms.forwarder);
}

/// The MTI of the request that was really sent.
int request_mti(const ledger::TransactionRecord& record) { return record.asked_by_0100 ? 100 : 200; }

bool belongs_to_an_authorization(const ledger::TransactionRecord& record) {
    return record.kind == TransactionKind::authorization || record.of_authorization || record.is_completion();
}

std::string original_data(const CoreContext& context, const ledger::TransactionRecord& original) {
    // Ruling 8: once the issuer has taken the 0220, that is the sale.
    if (original.completion_stan != 0)
        return original_data(terms_of(context, original), 220, original.completion_stan,
                             original.completion_transmission_time);
    return original_data(terms_of(context, original), request_mti(original), original.issuer_stan,
                         original.issuer_transmission_time);
}

/// What every message of a transaction has.
FieldValues common(const CoreContext& context, int mti, const ledger::TransactionRecord& record,
                   std::uint32_t stan, std::uint32_t time) {
    FieldValues m(iso8583::Mti::of(mti));
    m.set(Field::processing_code, issuer_processing_code(record.kind));
    m.set(Field::amount_transaction, record.amount.field());
    m.set(Field::transmission_time, transmission_time(time));
    m.set(Field::stan, iso8583::Stan::of(stan).str());
    const ledger::IssuerTerms terms = terms_of(context, record);
    const iso8583::CivilTime local = iso8583::civil_from_utc(record.created, terms.local_offset_s);
    m.set(Field::local_time, local.hhmmss());
    m.set(Field::local_date, local.date.mmdd());
    if (!record.entry_mode.empty()) m.set(Field::pos_entry_mode, record.entry_mode);
    m.set(Field::pos_condition_code, belongs_to_an_authorization(record) ? "06" : "00");
    if (!terms.acquirer.empty()) m.set(Field::acquirer_institution, terms.acquirer.view());
    if (!terms.forwarder.empty()) m.set(Field::forwarding_institution, terms.forwarder.view());
    m.set(Field::rrn, record.rrn.view());
    m.set(Field::terminal, record.terminal.view());
    m.set(Field::merchant, record.merchant.view());
    m.set(Field::currency_transaction, record.amount.currency().str());
    return m;
}

}  // namespace

void fix_issuer_terms(const CoreContext& context, ledger::TransactionRecord& record) {
    if (!record.issuer_terms) record.issuer_terms = terms_of(context, record);
}

FieldValues make_request(const CoreContext& context, const ledger::TransactionRecord& record,
                         const ledger::TransactionRecord* original, const TerminalRequest* request,
                         const iso8583::Bytes& pin_block) {
    FieldValues m =
        common(context, request_mti(record), record, record.issuer_stan, record.issuer_transmission_time);
    if (request != nullptr) {
        // What pays is never stored whole; what goes back does so by what the ledger has of its sale, which
        // of a card is what was read.
        const bool pays = original == nullptr;
        (pays || request->means.is_kept_whole() ? request->means : PaymentMeans::of(record, context.vault))
            .put_into(m, context.config->wallet_wire);
        request->means.pass_on(request->fields, record.kind, m);
        for (Field f : {Field::pin_capture_code, Field::security_control})
            if (request->fields.has(f) && (f != Field::security_control || !pin_block.empty()))
                m.set(f, request->fields.get(f));
    } else {
        PaymentMeans::of(record, context.vault).put_into(m, context.config->wallet_wire);
    }
    if (!pin_block.empty()) m.set(Field::pin_data, iso8583::as_text(pin_block));
    if (original != nullptr) {
        if (!original->issuer_authorization.empty())
            m.set(Field::authorization_code, original->issuer_authorization.view());
        m.set(Field::original_data, original_data(context, *original));
    }
    return m;
}

FieldValues make_completion_advice(const CoreContext& context, const ledger::TransactionRecord& sale,
                                   const ledger::TransactionRecord& original) {
    const int mti = is_repeat(sale.advice) ? 221 : 220;
    FieldValues m = common(context, mti, sale, sale.advice.stan, sale.advice.transmission_time);
    PaymentMeans::of(sale, context.vault).put_into(m, context.config->wallet_wire);
    if (!original.issuer_authorization.empty())
        m.set(Field::authorization_code, original.issuer_authorization.view());
    m.set(Field::original_data, original_data(context, original));
    return m;
}

FieldValues make_refund_advice(const CoreContext& context, const ledger::TransactionRecord& refund,
                               const ledger::TransactionRecord& sale) {
    const int mti = is_repeat(refund.advice) ? 221 : 220;
    FieldValues m = common(context, mti, refund, refund.advice.stan, refund.advice.transmission_time);
    PaymentMeans::of(refund, context.vault).put_into(m, context.config->wallet_wire);
    if (!sale.issuer_authorization.empty())
        m.set(Field::authorization_code, sale.issuer_authorization.view());
    m.set(Field::original_data, original_data(context, sale));
    return m;
}

FieldValues make_reversal(const CoreContext& context, const ledger::TransactionRecord& queued,
                          const ledger::TransactionRecord& original) {
    const int mti = is_repeat(queued.advice) ? 421 : 420;
    FieldValues m = common(context, mti, original, queued.advice.stan, queued.advice.transmission_time);
    m.set(Field::amount_transaction, original.reversal_amount().field());
    if (const ledger::PartialReversal* part = queued.open_partial()) {  // R39
        iso8583::ReplacementAmounts left;
        left.transaction = part->left_minor;
        m.set(Field::amount_transaction, original.asked_amount().field());
        m.set(Field::replacement_amounts, left.str());
    }
    PaymentMeans::of(original, context.vault).put_into(m, context.config->wallet_wire);
    if (!original.issuer_authorization.empty())
        m.set(Field::authorization_code, original.issuer_authorization.view());
    m.set(Field::original_data, original_data(context, original));
    return m;
}

}  // namespace acquirer
