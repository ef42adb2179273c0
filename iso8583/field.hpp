// Data elements by their 1987 names; the value is the number. Tables of dialects say how each looks on the
// wire. Source: ISO 8583:1987 table 2.
#pragma once

#include <cstdint>
#include <string_view>

namespace iso8583 {

inline constexpr int field_number_max = 192;  // with a third bitmap; 128 without

enum class Field : std::uint8_t {
    secondary_bitmap = 1,
    pan = 2,
    processing_code = 3,
    amount_transaction = 4,
    amount_settlement = 5,
    amount_cardholder_billing = 6,
    transmission_time = 7,
    stan = 11,
    local_time = 12,
    local_date = 13,
    expiration_date = 14,
    settlement_date = 15,
    merchant_type = 18,
    pos_entry_mode = 22,
    card_sequence_number = 23,
    pos_condition_code = 25,
    pin_capture_code = 26,
    acquirer_institution = 32,
    forwarding_institution = 33,
    track2 = 35,
    track3 = 36,
    rrn = 37,
    authorization_code = 38,
    response_code = 39,
    terminal = 41,
    merchant = 42,
    acceptor_name = 43,
    additional_response_data = 44,
    track1 = 45,
    additional_data = 48,
    currency_transaction = 49,
    pin_data = 52,
    security_control = 53,
    additional_amounts = 54,
    icc_data = 55,
    reserved_private_60 = 60,
    reserved_private_61 = 61,
    reserved_private_62 = 62,
    reserved_private_63 = 63,
    mac_primary = 64,
    tertiary_bitmap = 65,
    settlement_code = 66,
    network_management_code = 70,
    credits_number = 74,
    credits_reversal_number = 75,
    debits_number = 76,
    debits_reversal_number = 77,
    credits_amount = 86,
    credits_reversal_amount = 87,
    debits_amount = 88,
    debits_reversal_amount = 89,
    original_data = 90,
    replacement_amounts = 95,
    net_settlement_amount = 97,
    mac_secondary = 128
};

constexpr Field field(int number) { return static_cast<Field>(number); }
constexpr int number(Field f) { return static_cast<int>(f); }

}  // namespace iso8583
