// ISO 8583:1987, and the two profiles of it that the switch speaks.
#include <array>

#include "iso8583/dialects/tables.hpp"

namespace iso8583::tables {

namespace {

using enum Content;

constexpr std::string_view source_1987 = "ISO 8583:1987 table 2";

// clang-format off
constexpr std::array rows{
    Row{2, n, LL, 19, "primary account number", Secret::pan},
    Row{3, n, fixed, 6, "processing code"},
    Row{4, n, fixed, 12, "amount, transaction"},
    Row{5, n, fixed, 12, "amount, settlement"},
    Row{6, n, fixed, 12, "amount, cardholder billing"},
    Row{7, n, fixed, 10, "transmission date and time"},
    Row{8, n, fixed, 8, "amount, cardholder billing fee"},
    Row{9, n, fixed, 8, "conversion rate, settlement"},
    Row{10, n, fixed, 8, "conversion rate, cardholder billing"},
    Row{11, n, fixed, 6, "system trace audit number"},
    Row{12, n, fixed, 6, "time, local transaction"},
    Row{13, n, fixed, 4, "date, local transaction"},
    Row{14, n, fixed, 4, "date, expiration"},
    Row{15, n, fixed, 4, "date, settlement"},
    Row{16, n, fixed, 4, "date, conversion"},
    Row{17, n, fixed, 4, "date, capture"},
    Row{18, n, fixed, 4, "merchant type"},
    Row{19, n, fixed, 3, "acquiring institution country code"},
    Row{20, n, fixed, 3, "PAN extended, country code"},
    Row{21, n, fixed, 3, "forwarding institution country code"},
    Row{22, n, fixed, 3, "point of service entry mode"},
    Row{23, n, fixed, 3, "card sequence number"},
    Row{24, n, fixed, 3, "network international identifier"},
    Row{25, n, fixed, 2, "point of service condition code"},
    Row{26, n, fixed, 2, "point of service PIN capture code"},
    Row{27, n, fixed, 1, "authorization identification response length"},
    Row{28, xn, fixed, 9, "amount, transaction fee"},
    Row{29, xn, fixed, 9, "amount, settlement fee"},
    Row{30, xn, fixed, 9, "amount, transaction processing fee"},
    Row{31, xn, fixed, 9, "amount, settlement processing fee"},
    Row{32, n, LL, 11, "acquiring institution identification code"},
    Row{33, n, LL, 11, "forwarding institution identification code"},
    Row{34, ns, LL, 28, "primary account number, extended", Secret::pan},
    Row{35, z, LL, 37, "track 2 data", Secret::track},
    Row{36, z, LLL, 104, "track 3 data", Secret::track},
    Row{37, an, fixed, 12, "retrieval reference number"},
    Row{38, an, fixed, 6, "authorization identification response"},
    Row{39, an, fixed, 2, "response code"},
    Row{40, an, fixed, 3, "service restriction code"},
    Row{41, ans, fixed, 8, "card acceptor terminal identification"},
    Row{42, ans, fixed, 15, "card acceptor identification code"},
    Row{43, ans, fixed, 40, "card acceptor name/location"},
    Row{44, ans, LL, 25, "additional response data"},
    Row{45, ans, LL, 76, "track 1 data", Secret::track},
    Row{46, ans, LLL, 999, "additional data - ISO"},
    Row{47, ans, LLL, 999, "additional data - national"},
    Row{48, ans, LLL, 999, "additional data - private"},
    Row{49, an, fixed, 3, "currency code, transaction"},
    Row{50, an, fixed, 3, "currency code, settlement"},
    Row{51, an, fixed, 3, "currency code, cardholder billing"},
    Row{52, b, fixed, 8, "PIN data", Secret::pin},
    Row{53, n, fixed, 16, "security related control information"},
    Row{54, an, LLL, 120, "additional amounts"},
    Row{55, ans, LLL, 999, "reserved ISO"},
    Row{56, ans, LLL, 999, "reserved ISO"},
    Row{57, ans, LLL, 999, "reserved national"},
    Row{58, ans, LLL, 999, "reserved national"},
    Row{59, ans, LLL, 999, "reserved national"},
    Row{60, ans, LLL, 999, "reserved private"},
    Row{61, ans, LLL, 999, "reserved private"},
    Row{62, ans, LLL, 999, "reserved private"},
    Row{63, ans, LLL, 999, "reserved private"},
    Row{64, b, fixed, 8, "message authentication code"},
    Row{66, n, fixed, 1, "settlement code"},
    Row{67, n, fixed, 2, "extended payment code"},
    Row{68, n, fixed, 3, "receiving institution country code"},
    Row{69, n, fixed, 3, "settlement institution country code"},
    Row{70, n, fixed, 3, "network management information code"},
    Row{71, n, fixed, 4, "message number"},
    Row{72, n, fixed, 4, "message number, last"},
    Row{73, n, fixed, 6, "date, action"},
    Row{74, n, fixed, 10, "credits, number"},
    Row{75, n, fixed, 10, "credits, reversal number"},
    Row{76, n, fixed, 10, "debits, number"},
    Row{77, n, fixed, 10, "debits, reversal number"},
    Row{78, n, fixed, 10, "transfer, number"},
    Row{79, n, fixed, 10, "transfer, reversal number"},
    Row{80, n, fixed, 10, "inquiries, number"},
    Row{81, n, fixed, 10, "authorizations, number"},
    Row{82, n, fixed, 12, "credits, processing fee amount"},
    Row{83, n, fixed, 12, "credits, transaction fee amount"},
    Row{84, n, fixed, 12, "debits, processing fee amount"},
    Row{85, n, fixed, 12, "debits, transaction fee amount"},
    Row{86, n, fixed, 16, "credits, amount"},
    Row{87, n, fixed, 16, "credits, reversal amount"},
    Row{88, n, fixed, 16, "debits, amount"},
    Row{89, n, fixed, 16, "debits, reversal amount"},
    Row{90, n, fixed, 42, "original data elements"},
    Row{91, an, fixed, 1, "file update code"},
    Row{92, an, fixed, 2, "file security code"},
    Row{93, an, fixed, 5, "response indicator"},
    Row{94, an, fixed, 7, "service indicator"},
    Row{95, an, fixed, 42, "replacement amounts"},
    Row{96, b, fixed, 8, "message security code", Secret::key},
    Row{97, xn, fixed, 17, "amount, net settlement"},
    Row{98, ans, fixed, 25, "payee"},
    Row{99, n, LL, 11, "settlement institution identification code"},
    Row{100, n, LL, 11, "receiving institution identification code"},
    Row{101, ans, LL, 17, "file name"},
    Row{102, ans, LL, 28, "account identification 1", Secret::pan},
    Row{103, ans, LL, 28, "account identification 2", Secret::pan},
    Row{104, ans, LLL, 100, "transaction description"},
    Row{105, ans, LLL, 999, "reserved ISO"},
    Row{106, ans, LLL, 999, "reserved ISO"},
    Row{107, ans, LLL, 999, "reserved ISO"},
    Row{108, ans, LLL, 999, "reserved ISO"},
    Row{109, ans, LLL, 999, "reserved ISO"},
    Row{110, ans, LLL, 999, "reserved ISO"},
    Row{111, ans, LLL, 999, "reserved ISO"},
    Row{112, ans, LLL, 999, "reserved national"},
    Row{113, ans, LLL, 999, "reserved national"},
    Row{114, ans, LLL, 999, "reserved national"},
    Row{115, ans, LLL, 999, "reserved national"},
    Row{116, ans, LLL, 999, "reserved national"},
    Row{117, ans, LLL, 999, "reserved national"},
    Row{118, ans, LLL, 999, "reserved national"},
    Row{119, ans, LLL, 999, "reserved national"},
    Row{120, ans, LLL, 999, "reserved private"},
    Row{121, ans, LLL, 999, "reserved private"},
    Row{122, ans, LLL, 999, "reserved private"},
    Row{123, ans, LLL, 999, "reserved private"},
    Row{124, ans, LLL, 999, "reserved private"},
    Row{125, ans, LLL, 999, "reserved private"},
    Row{126, ans, LLL, 999, "reserved private"},
    Row{127, ans, LLL, 999, "reserved private"},
    Row{128, b, fixed, 8, "message authentication code"},
};

// The switch's own profiles carry EMV data in DE55 (docs/wire.md).
constexpr Row icc_data{55, b, LLL, 255, "ICC data"};
constexpr std::array original_data{
    Part{"1", n, 4, "original message type"},
    Part{"2", n, 6, "original system trace audit number"},
    Part{"3", n, 10, "original transmission date and time"},
    Part{"4", n, 11, "original acquiring institution"},
    Part{"5", n, 11, "original forwarding institution"},
};
constexpr std::array replacement_amounts{
    Part{"1", n, 12, "actual amount, transaction"},
    Part{"2", n, 12, "actual amount, settlement"},
    Part{"3", an, 9, "actual amount, transaction fee"},
    Part{"4", an, 9, "actual amount, settlement fee"},
};
constexpr Row pan{2, n, LL, 19, "primary account number", Secret::pan, 1};
// clang-format on
static_assert(rows_ok(rows));

DialectSpec profile(std::string name, const Representation& how) {
    DialectSpec spec;
    spec.name = std::move(name);
    spec.source = "ISO 8583:1987; docs/wire.md";
    for (const Row& row : rows) spec.fields.push_back(field_of(row, how, source_1987));
    put(spec, field_of(pan, how, source_1987));
    FieldSpec icc = field_of(icc_data, how, "EMV 4.3 book 3; docs/wire.md");
    // As hex, its length counts the characters that follow, as common analysers read it.
    if (icc.encoding == Encoding::hex) icc.counts = Counts::wire;
    put(spec, std::move(icc));
    divide_1987(spec);
    divide(spec, 55, icc_tags());
    return spec;
}

}  // namespace

std::span<const Row> edition_1987() { return rows; }

void divide_1987(DialectSpec& spec) {
    divide(spec, 90, parts_of(original_data));
    divide(spec, 95, parts_of(replacement_amounts));
}

DialectSpec make_iso87_ascii() { return profile("iso87-ascii", {}); }

DialectSpec with_pin_block_bytes(DialectSpec spec, std::uint16_t bytes) {
    spec.name += "-pin" + std::to_string(bytes);
    for (FieldSpec& field : spec.fields)
        if (field.number == number(Field::pin_data)) field.min = field.max = bytes;
    return spec;
}

DialectSpec make_iso87_bcd() {
    DialectSpec spec = profile("iso87-bcd", {.text = Text::bcd,
                                             .odd_variable = Align::left,
                                             .odd_fixed = Align::right,
                                             .fixed_bytes = Encoding::binary,
                                             .variable_bytes = Encoding::binary});
    spec.mti = Encoding::bcd;
    spec.bitmap = BitmapEncoding::binary;
    return spec;
}

}  // namespace iso8583::tables
