#include "switch/core/request.hpp"

#include <algorithm>

#include "iso8583/original_data_elements.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"
#include "switch/core/request_fields.hpp"

namespace acquirer {
namespace {

using iso8583::Field;
using iso8583::FieldValues;
using ledger::TransactionKind;

struct KindOf {
    RequestKind kind = RequestKind::unsupported;
    TransactionKind transaction = TransactionKind::sale;
};

/// wire.md, profile unionpay-pos: MTI, DE3, 60.1, 60.3.
KindOf unionpay_kind(iso8583::Mti mti, std::string_view processing_code, std::string_view message_type,
                     std::string_view network_code) {
    struct Row {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the document's table
        int mti;
        std::string_view code, type;
        KindOf kind;
    };
    static constexpr Row rows[] = {
        {200, "00", "22", {RequestKind::sale, TransactionKind::sale}},
        {200, "20", "23", {RequestKind::void_sale, TransactionKind::void_sale}},
        {220, "20", "25", {RequestKind::refund, TransactionKind::refund}},
        {100, "03", "10", {RequestKind::authorization, TransactionKind::authorization}},
        {100, "20", "11", {RequestKind::void_authorization, TransactionKind::void_sale}},
        {200, "00", "20", {RequestKind::completion, TransactionKind::sale}},
        {200, "20", "21", {RequestKind::void_sale, TransactionKind::void_sale}},
        {220, "00", "24", {RequestKind::completion_advice, TransactionKind::sale}},
        {400, "00", "22", {RequestKind::reversal, TransactionKind::sale}},
        {400, "20", "23", {RequestKind::reversal, TransactionKind::void_sale}},
        {400, "20", "25", {RequestKind::reversal, TransactionKind::refund}},
        {400, "03", "10", {RequestKind::reversal, TransactionKind::authorization}},
        {400, "20", "11", {RequestKind::reversal, TransactionKind::void_sale}},
        {400, "00", "20", {RequestKind::reversal, TransactionKind::sale}},
        {400, "20", "21", {RequestKind::reversal, TransactionKind::void_sale}},
        {400, "00", "24", {RequestKind::reversal, TransactionKind::sale}},
    };
    const int first_try = mti.value() - mti.origin();
    for (const Row& row : rows)
        if (row.mti == first_try && processing_code.substr(0, 2) == row.code && message_type == row.type)
            return row.kind;
    if (first_try == 800)
        return {network_code == "001" || network_code == "003" || network_code == "004"
                    ? RequestKind::sign_on
                    : RequestKind::unsupported,
                {}};
    if (first_try == 820)
        return {network_code == "002"   ? RequestKind::sign_off
                : network_code == "301" ? RequestKind::echo
                                        : RequestKind::unsupported,
                {}};
    if (first_try == 500) return {RequestKind::settlement, {}};
    if (first_try == 320)
        return {network_code == "202" || network_code == "207" ? RequestKind::batch_upload_end
                                                               : RequestKind::batch_upload,
                {}};
    return {};
}

/// wire.md, ISO profile: MTI, DE3, DE70.
KindOf iso_kind(iso8583::Mti mti, std::string_view processing_code, std::string_view network_code) {
    const std::string_view code = processing_code.substr(0, 2);
    const int first_try = mti.value() - mti.origin();
    const auto transaction = code == "20"   ? TransactionKind::refund
                             : code == "02" ? TransactionKind::void_sale
                             : code == "03" ? TransactionKind::authorization
                                            : TransactionKind::sale;
    const bool known = code == "00" || code == "02" || code == "03" || code == "20";
    if (first_try == 100 && code == "03") return {RequestKind::authorization, transaction};
    if (first_try == 100 && code == "02") return {RequestKind::void_authorization, transaction};
    // Ruling 37: accepted durably, as a completion advice is.
    if (first_try == 220 && code == "00") return {RequestKind::completion_advice, transaction};
    if (first_try == 200 && code == "00") return {RequestKind::sale, transaction};
    if (first_try == 200 && code == "02") return {RequestKind::void_sale, transaction};
    if ((first_try == 200 || first_try == 220) && code == "20") return {RequestKind::refund, transaction};
    if ((first_try == 400 || first_try == 420) && known) return {RequestKind::reversal, transaction};
    if (first_try == 800)
        return {network_code == "001"   ? RequestKind::sign_on
                : network_code == "002" ? RequestKind::sign_off
                : network_code == "301" ? RequestKind::echo
                                        : RequestKind::unsupported,
                {}};
    if (first_try == 500 || first_try == 520) return {RequestKind::settlement, {}};
    return {};
}

void read_means(TerminalRequest& r, const WalletWire& wallets) {
    if (auto means = PaymentMeans::read(r.fields, {r.profile, wallets}))
        r.means = std::move(*means);
    else
        r.format_fault = std::move(means.error());
}

void read_unionpay_subfields(TerminalRequest& r) {
    if (r.fields.has(Field::reserved_private_60)) {
        const std::string_view f60 = r.fields.get(Field::reserved_private_60);
        if (f60.size() < 8) {
            r.format_fault = "DE60: at least 8 digits are needed (type, batch)";
            return;
        }
        r.message_type = f60.substr(0, 2);
        if (auto batch = iso8583::BatchNumber::parse(f60.substr(2, 6)))
            r.batch = *batch;
        else
            r.format_fault = "DE60.2: " + batch.error().what;
        r.network_code = f60.size() >= 11 ? f60.substr(8, 3) : std::string_view{};
        constexpr std::size_t partial_approval_at = 13;  // 60.6
        r.takes_partial = f60.size() > partial_approval_at && f60[partial_approval_at] == '1';
    }
    if (!r.fields.has(Field::reserved_private_61)) return;
    const std::string_view f61 = r.fields.get(Field::reserved_private_61);
    if (f61.size() >= 6)
        if (auto batch = iso8583::BatchNumber::parse(f61.substr(0, 6))) r.original_batch = *batch;
    if (f61.size() >= 12)
        if (auto stan = iso8583::Stan::parse(f61.substr(6, 6))) r.original_stan = *stan;
    if (f61.size() >= 16) r.original_date = f61.substr(12, 4);
    if (r.original_date == "0000") r.original_date.clear();
}

void read_original_data(TerminalRequest& r) {
    if (!r.fields.has(Field::original_data)) return;
    const std::string_view f90 = r.fields.get(Field::original_data);
    OriginalData o;
    const auto mti = iso8583::Mti::parse(f90.substr(0, 4));
    const auto stan = iso8583::Stan::parse(f90.size() >= 10 ? f90.substr(4, 6) : "");
    const auto acquirer = iso8583::InstitutionId::parse(f90.size() >= 31 ? f90.substr(20, 11) : "x");
    if (f90.size() != 42 || !mti || !stan || !acquirer) {
        r.format_fault = "DE90: 42 digits are needed (MTI, STAN, DE7, acquirer, forwarder)";
        return;
    }
    o.mti = *mti;
    o.stan = *stan;
    o.acquirer = *acquirer;
    const std::string_view de7 = f90.substr(10, 10);
    if (de7.find_first_not_of('0') != std::string_view::npos) {
        const auto time = iso8583::TransmissionTime::parse(de7);
        if (!time) {
            r.format_fault = "DE90: " + time.error().what;
            return;
        }
        o.transmission_time = *time;
    }
    r.original_data = o;
}

void read_replacement_amounts(TerminalRequest& r) {
    if (!r.fields.has(Field::replacement_amounts)) return;
    const auto amounts = iso8583::ReplacementAmounts::parse(r.fields.get(Field::replacement_amounts));
    if (amounts)
        r.left_minor = amounts->transaction;
    else
        r.format_fault = amounts.error().what;
}

/// Identifiers whose field is present must be well formed.
void read_identifiers(TerminalRequest& r) {
    const auto fault = [&](Field f, const std::string& what) {
        if (r.format_fault.empty()) r.format_fault = "DE" + std::to_string(iso8583::number(f)) + ": " + what;
    };
    if (r.fields.has(Field::rrn)) {
        if (auto rrn = iso8583::Rrn::parse(r.fields.get(Field::rrn)))
            r.original_rrn = *rrn;
        else
            fault(Field::rrn, rrn.error().what);
    }
    if (r.fields.has(Field::authorization_code)) {
        // Blanks say "none": terminals send them when the sale had no code.
        const std::string_view code = r.fields.get(Field::authorization_code);
        if (code.find_first_not_of(' ') != std::string_view::npos) {
            if (auto authorization = iso8583::AuthorizationCode::parse(code))
                r.authorization = *authorization;
            else
                fault(Field::authorization_code, authorization.error().what);
        }
    }
    if (r.fields.has(Field::transmission_time)) {
        if (auto t = iso8583::TransmissionTime::parse(r.fields.get(Field::transmission_time)))
            r.transmission_time = *t;
        else
            fault(Field::transmission_time, t.error().what);
    }
    if (r.fields.has(Field::currency_transaction)) {
        if (auto c = iso8583::Currency::parse(r.fields.get(Field::currency_transaction)))
            r.currency = *c;
        else
            fault(Field::currency_transaction, c.error().what);
    }
}

}  // namespace

std::string_view name(RequestKind kind) {
    switch (kind) {
        case RequestKind::sale:
            return "sale";
        case RequestKind::void_sale:
            return "void";
        case RequestKind::refund:
            return "refund";
        case RequestKind::authorization:
            return "authorization";
        case RequestKind::void_authorization:
            return "void_authorization";
        case RequestKind::completion:
            return "completion";
        case RequestKind::completion_advice:
            return "completion_advice";
        case RequestKind::reversal:
            return "reversal";
        case RequestKind::sign_on:
            return "sign_on";
        case RequestKind::sign_off:
            return "sign_off";
        case RequestKind::echo:
            return "echo";
        case RequestKind::settlement:
            return "settlement";
        case RequestKind::batch_upload:
            return "batch_upload";
        case RequestKind::batch_upload_end:
            return "batch_upload_end";
        case RequestKind::unsupported:
            return "unsupported";
    }
    ENSURE(false);
}

bool is_transaction(RequestKind kind) {
    return kind == RequestKind::sale || kind == RequestKind::void_sale || kind == RequestKind::refund ||
           kind == RequestKind::authorization || is_of_authorization(kind);
}

bool is_of_authorization(RequestKind kind) {
    return kind == RequestKind::void_authorization || kind == RequestKind::completion ||
           kind == RequestKind::completion_advice;
}

std::optional<TerminalRequest> parse_terminal_request(Profile profile, FieldValues fields,
                                                      DecodeFault decode_fault,
                                                      iso8583::Currency default_currency,
                                                      const WalletWire& wallets) {
    TerminalRequest r;
    r.profile = profile;
    const auto stan = iso8583::Stan::parse(fields.get(Field::stan));
    const auto terminal = iso8583::TerminalId::parse(fields.get(Field::terminal));
    const auto merchant = iso8583::MerchantId::parse(fields.get(Field::merchant));
    if (!stan || !terminal || !merchant || !fields.mti().is_request()) return std::nullopt;
    r.stan = *stan;
    r.terminal = *terminal;
    r.merchant = *merchant;
    r.currency = default_currency;
    r.processing_code = fields.get(Field::processing_code);
    r.fields = std::move(fields);
    if (!decode_fault.is_amount_alone) r.format_fault = std::move(decode_fault.text);

    read_identifiers(r);
    read_means(r, wallets);
    if (profile == Profile::unionpay_pos) {
        read_unionpay_subfields(r);
    } else {
        r.network_code = r.fields.get(Field::network_management_code);
        read_original_data(r);
        read_replacement_amounts(r);
    }
    if (auto amount = iso8583::Amount::parse_field(r.fields.get(Field::amount_transaction), r.currency);
        amount && !decode_fault.is_amount_alone)
        r.amount = *amount;
    r.entry = r.fields.get(Field::pos_entry_mode).substr(0, 2) == "01" ? CardEntry::keyed : CardEntry::read;

    const KindOf kind = profile == Profile::unionpay_pos
                            ? unionpay_kind(r.fields.mti(), r.processing_code, r.message_type, r.network_code)
                            : iso_kind(r.fields.mti(), r.processing_code, r.network_code);
    r.kind = kind.kind;
    r.transaction = kind.transaction;
    // A wrong DE4 alone is for R19 to answer (13), where there is an amount to judge.
    const bool has_amount = is_transaction(r.kind) || r.kind == RequestKind::reversal;
    if (r.format_fault.empty() && !decode_fault.is_amount_alone)
        r.format_fault = field_fault(r);
    else if (r.format_fault.empty() && !has_amount)
        r.format_fault = std::move(decode_fault.text);
    return r;
}

std::optional<IssuerReply> parse_issuer_reply(const FieldValues& fields) {
    IssuerReply reply;
    reply.mti = fields.mti();
    const auto stan = iso8583::Stan::parse(fields.get(Field::stan));
    const auto time = iso8583::TransmissionTime::parse(fields.get(Field::transmission_time));
    if (!stan || !time || !fields.mti().is_response()) return std::nullopt;
    reply.stan = *stan;
    reply.transmission_time = *time;
    if (auto code = iso8583::ResponseCode::parse(fields.get(Field::response_code))) reply.code = *code;
    if (auto authorization = iso8583::AuthorizationCode::parse(fields.get(Field::authorization_code)))
        reply.authorization = *authorization;
    if (auto rrn = iso8583::Rrn::parse(fields.get(Field::rrn))) reply.rrn = *rrn;
    if (auto terminal = iso8583::TerminalId::parse(fields.get(Field::terminal))) reply.terminal = *terminal;
    if (fields.has(Field::amount_transaction))
        if (auto amount =
                iso8583::Amount::parse_field(fields.get(Field::amount_transaction), iso8583::Currency{}))
            reply.amount_minor = amount->minor_units();
    reply.icc_data = fields.get(Field::icc_data);
    reply.additional_amounts = fields.get(Field::additional_amounts);
    reply.additional_data = fields.get(Field::additional_data);
    return reply;
}

}  // namespace acquirer
