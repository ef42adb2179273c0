// unionpay-pos: terminals, binary and BCD. Facts from public descriptions; see docs/wire.md for what is
// uncertain.
#include <array>

#include "iso8583/dialects/tables.hpp"

namespace iso8583::tables {

namespace {

using enum Content;

// clang-format off
constexpr std::array rows{
    Row{2, n, LL, 19, "primary account number", Secret::pan, 1},
    Row{3, n, fixed, 6, "processing code"},
    Row{4, n, fixed, 12, "amount of transactions"},
    Row{11, n, fixed, 6, "system trace audit number"},
    Row{12, n, fixed, 6, "local time of transaction"},
    Row{13, n, fixed, 4, "local date of transaction"},
    Row{14, n, fixed, 4, "date of expired"},
    Row{15, n, fixed, 4, "date of settlement"},
    Row{22, n, fixed, 3, "point of service entry mode"},
    Row{23, n, fixed, 3, "card sequence number"},
    Row{25, n, fixed, 2, "point of service condition mode"},
    Row{26, n, fixed, 2, "point of service PIN capture code"},
    Row{32, n, LL, 11, "acquiring institution identification code"},
    Row{35, z, LL, 37, "track 2 data", Secret::track},
    Row{36, z, LLL, 104, "track 3 data", Secret::track},
    Row{37, an, fixed, 12, "retrieval reference number"},
    Row{38, an, fixed, 6, "authorization identification response code"},
    Row{39, an, fixed, 2, "response code"},
    Row{41, ans, fixed, 8, "card acceptor terminal identification"},
    Row{42, ans, fixed, 15, "card acceptor identification code"},
    Row{44, ansg, LL, 25, "additional response data"},
    Row{48, n, LLL, 322, "additional data - private"},
    Row{49, an, fixed, 3, "currency code of transaction"},
    Row{52, b, fixed, 8, "PIN data", Secret::pin},
    Row{53, n, fixed, 16, "security related control information"},
    Row{54, an, LLL, 120, "balance amounts, six at most"},
    Row{55, b, LLL, 255, "integrated circuit card system related data"},
    Row{57, ansg, LLL, 100, "additional transaction data"},
    Row{58, ansg, LLL, 100, "PBOC electronic data"},
    Row{59, ansg, LLL, 600, "reserved national"},
    Row{60, n, LLL, 19, "reserved private: type, batch, network code", Secret::none, 8},
    Row{61, n, LLL, 29, "original message: batch, trace, date"},
    Row{62, b, LLL, 512, "reserved private: working keys, totals", Secret::key},
    Row{63, ansg, LLL, 163, "reserved private: organisation, text"},
    Row{64, b, fixed, 8, "message authentication code"},
};
constexpr std::array parts_60{
    Part{"1", n, 2, "message type"},
    Part{"2", n, 6, "batch number"},
    Part{"3", n, 3, "network management code"},
    Part{"4", n, 1, "terminal reader capability"},
    Part{"5", n, 1, "ICC condition code"},
    Part{"6", n, 1, "partial approval"},
    Part{"7", n, 3, "account type"},
    Part{"8", n, 2, "further digits", true},
};
constexpr std::array parts_61{
    Part{"1", n, 6, "original batch number"},
    Part{"2", n, 6, "original trace number", true},
    Part{"3", n, 4, "original date"},
    Part{"4", n, 2, "authorization mode"},
    Part{"5", n, 11, "authorizing institution", true},
};
constexpr std::array settlement_totals{
    Part{"1", n, 12, "domestic debit amount"},
    Part{"2", n, 3, "domestic debit count"},
    Part{"3", n, 12, "domestic credit amount"},
    Part{"4", n, 3, "domestic credit count"},
    Part{"5", n, 1, "domestic result"},
    Part{"6", n, 12, "foreign debit amount"},
    Part{"7", n, 3, "foreign debit count"},
    Part{"8", n, 12, "foreign credit amount"},
    Part{"9", n, 3, "foreign credit count"},
    Part{"10", n, 1, "foreign result"},
};
// clang-format on
static_assert(rows_ok(rows));

}  // namespace

DialectSpec make_unionpay_pos() {
    constexpr std::string_view source = "UnionPay POS application, public descriptions; docs/wire.md";
    constexpr Representation how{.text = Text::bcd,
                                 .odd_variable = Align::left,
                                 .odd_fixed = Align::left,
                                 .fixed_bytes = Encoding::binary,
                                 .variable_bytes = Encoding::binary};
    DialectSpec spec;
    spec.name = "unionpay-pos";
    spec.source = source;
    spec.mti = Encoding::bcd;
    spec.bitmap = BitmapEncoding::binary;
    spec.text = TextEncoding::gbk;
    spec.framing = {.length = FrameLength::binary2, .tpdu = true, .header_bytes = 6};
    for (const Row& row : rows) {
        FieldSpec field = field_of(row, how, source);
        // DE22 "021" is 02 10, but DE23 "001" is 00 01.
        if (row.number == 23) field.odd = Align::right;
        put(spec, std::move(field));
    }
    divide(spec, 48, parts_of(settlement_totals, 62));
    divide(spec, 55, icc_tags());
    divide(spec, 60, parts_of(parts_60));
    divide(spec, 61, parts_of(parts_61));
    return spec;
}

}  // namespace iso8583::tables
