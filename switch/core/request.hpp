// TerminalRequest and IssuerReply: messages as typed values, the form in which they reach the core. Parsing
// is pure and depends on FieldValues only, so that any dialect of a profile ends in the same request. Source:
// docs/wire.md, tables of both profiles.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "iso8583/field_values.hpp"
#include "iso8583/values/amount.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/payment_means.hpp"

namespace acquirer {

enum class RequestKind : std::uint8_t {
    sale,
    void_sale,
    refund,
    authorization,
    void_authorization,
    completion,
    completion_advice,
    reversal,
    sign_on,
    sign_off,
    echo,
    settlement,
    batch_upload,
    batch_upload_end,
    unsupported
};
std::string_view name(RequestKind kind);
/// Moves or holds money: what the flow of a transaction is for.
bool is_transaction(RequestKind kind);
/// Names an authorization as its original (ruling 35).
bool is_of_authorization(RequestKind kind);

/// DE90 of a terminal or towards an issuer.
struct OriginalData {
    iso8583::Mti mti;
    iso8583::Stan stan;
    iso8583::TransmissionTime transmission_time;
    iso8583::InstitutionId acquirer;
};

/// How the card's number came into the terminal: keyed in (DE22 01x), or read from the card itself.
enum class CardEntry : std::uint8_t { read, keyed };

struct TerminalRequest {
    Profile profile = Profile::unionpay_pos;
    RequestKind kind = RequestKind::unsupported;
    /// For a reversal: the kind of what it reverses, by DE3 and 60.1.
    ledger::TransactionKind transaction = ledger::TransactionKind::sale;
    iso8583::FieldValues fields;  // as decoded; what a reply echoes is taken from here

    iso8583::Stan stan;
    iso8583::TerminalId terminal;
    iso8583::MerchantId merchant;
    std::string processing_code;            // DE3, six digits
    std::optional<iso8583::Amount> amount;  // nothing when absent or not numeric (R19)
    iso8583::Currency currency;
    PaymentMeans means;                        // what the terminal read; empty when nothing names one
    std::optional<iso8583::Rrn> original_rrn;  // DE37
    std::optional<iso8583::AuthorizationCode> authorization;  // DE38
    std::optional<iso8583::BatchNumber> original_batch;       // 61.1
    std::optional<iso8583::Stan> original_stan;               // 61.2
    std::string original_date;                                // 61.3, MMDD, may be empty
    std::optional<OriginalData> original_data;                // DE90
    std::optional<std::int64_t> left_minor;                   // DE95: what a partial reversal leaves (R39)
    CardEntry entry = CardEntry::read;                        // DE22
    bool takes_partial = false;                               // 60.6 = 1: a partial approval (R26)
    iso8583::BatchNumber batch;                               // 60.2; 0 in the ISO profile
    std::string message_type;                                 // 60.1, two digits; empty in the ISO profile
    std::string network_code;                                 // 60.3, or DE70 in the ISO profile
    iso8583::TransmissionTime transmission_time;              // DE7; 0 in unionpay-pos
    /// Why it is answered 30: names field and offset, never content. Empty: well formed.
    std::string format_fault;
};

/// What the decoder found wrong; then the fields hold what decoded anyway.
struct DecodeFault {
    std::string text;              // empty: nothing
    bool is_amount_alone = false;  // DE4's content was all that was wrong (R19)
};
/// Builds the request from what decoded. Returns nothing when DE11, DE41 and DE42 are not all there or the
/// MTI is no request's: such a message cannot be answered and its connection is closed.
std::optional<TerminalRequest> parse_terminal_request(Profile profile, iso8583::FieldValues fields,
                                                      DecodeFault decode_fault,
                                                      iso8583::Currency default_currency,
                                                      const WalletWire& wallets = {});

/// An issuer's 0210, 0230, 0410, 0430 (or 0110, 0130 on a dual-message route).
struct IssuerReply {
    iso8583::Mti mti;
    iso8583::Stan stan;
    iso8583::TransmissionTime transmission_time;
    std::optional<iso8583::ResponseCode> code;
    std::optional<iso8583::AuthorizationCode> authorization;
    std::optional<iso8583::Rrn> rrn;
    std::optional<iso8583::TerminalId> terminal;  // DE41
    std::optional<std::int64_t> amount_minor;
    std::string icc_data;
    std::string additional_amounts;  // DE54: how a wallet splits a sale's amount (R102)
    std::string additional_data;     // DE48: a key's check value (0810), a wallet's order number
};
/// Nothing when MTI, DE7 or DE11 are missing: it cannot be matched (R63).
std::optional<IssuerReply> parse_issuer_reply(const iso8583::FieldValues& fields);

}  // namespace acquirer
