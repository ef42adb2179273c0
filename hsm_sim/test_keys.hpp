// TEST KEYS under the test LMK: the demo's and the tests' keys as configuration carries them. They protect
// nothing, their clear values are published in the interface description. `hsm-sim wrap-key` makes more of
// them.
//
// The S blocks are TR-31 D under the test AES LMK with a fixed fill, so that they are the same on every
// machine. A test unwraps each and compares the check values.
#pragma once

#include <string_view>

namespace hsm::test_keys {

/// Every unionpay-pos terminal's TMK: 0123456789ABCDEFFEDCBA9876543210.
inline constexpr std::string_view tmk = "U1750CDFB0757D3B3994430636DBB281B";
/// iso87-ascii terminals' TAK: 10101010101010102323232323232323.
inline constexpr std::string_view tak = "UE3DD4DA58E9B5D651FBBA3BA20F708D2";
/// iso87-ascii terminals' TPK: 32323232323232324545454545454545.
inline constexpr std::string_view tpk = "UD4EA607DF7B0087DF61E91AFDB5BF58D";
/// issuer-a's ZAK (retail MAC): 54545454545454546767676767676767.
inline constexpr std::string_view zak = "U98B550821E6A515877C9CC26E163BF48";
/// issuer-a's ZPK: 76767676767676768989898989898989.
inline constexpr std::string_view zpk = "U22EB30F2EA59A1A842FB5D1DF393237F";
/// issuer-a's ZMK, which new keys travel under: 13131313131313139898989898989898.
inline constexpr std::string_view zmk = "U89E6662074CF1800E71C3E6CFC034CE4";
/// issuer-b's ZMK: 202122232425262728292A2B2C2D2E2F.
inline constexpr std::string_view aes_zmk =
    "SD0128K0AN00N0200LB07ZMKPB0900000D232D0D8ECF1943C34F3EFF7F19A9D2B5BF3D8706EB321F67DDC322B29488613452"
    "4B90AE580DB4AA2BACF230D89A4F4";
/// issuer-b's ZAK (AES-CMAC): 000102030405060708090A0B0C0D0E0F.
inline constexpr std::string_view aes_zak =
    "SD0128M6AC00N0200LB07ZAKPB09000001E7A49044F17D1D2317CDED220DE3E6723FFC65E526EFA663A42FE636BB641BCC18D90C"
    "0AEC09"
    "EC655FF1C34ACF1B7CC";
/// issuer-b's ZPK (PIN block format 4): 101112131415161718191A1B1C1D1E1F.
inline constexpr std::string_view aes_zpk =
    "SD0128P0AB00N0200LB07ZPKPB0900000C3655F4B528B4780A73CACDFC0A3CB2E0F6E72DD01C84729A4D8E1F393D5912C0BA299A"
    "71CED6"
    "22B603531DE942A147C";

}  // namespace hsm::test_keys
