// Decode and encode of the three dialects the switch speaks: fields, errors, what is left after an error.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"

namespace {

using namespace iso8583;
using Kind = CodecError::Kind;

const Dialect& unionpay() { return *find_dialect("unionpay-pos"); }
const Dialect& ascii() { return *find_dialect("iso87-ascii"); }
const Dialect& bcd() { return *find_dialect("iso87-bcd"); }

/// A refund as a terminal sends it; every dialect the switch speaks can write it.
FieldValues refund() {
    FieldValues v(Mti::of(220));
    v.set(Field::pan, "6212345678900000003");
    v.set(Field::processing_code, "200000");
    v.set(Field::amount_transaction, "000000001000");
    v.set(Field::stan, "000123");
    v.set(Field::pos_entry_mode, "021");
    v.set(Field::card_sequence_number, "001");
    v.set(Field::pos_condition_code, "00");
    v.set(Field::track2, "6212345678900000003=301210100000");
    v.set(Field::rrn, "632500000001");
    v.set(Field::terminal, "10000001");
    v.set(Field::merchant, "898110157220001");
    v.set(Field::currency_transaction, "156");
    v.set(Field::pin_data, std::string("\x12\x34\x56\x78\x9A\xBC\xDE\xF0", 8));
    v.set(Field::icc_data, std::string("\x9F\x26\x02\x01\x00", 5));
    v.set(Field::reserved_private_60, "25000001000600");
    v.set(Field::mac_primary, std::string(8, '\0'));
    return v;
}

std::string bytes_hex(const Bytes& b) { return to_hex(b); }

}  // namespace

TEST_CASE("a response MTI exists for a request MTI alone, and is one of four digits") {
    int requests = 0;
    for (int value = 0; value <= 9999; ++value) {
        const Mti mti = Mti::of(value);
        const auto response = mti.response();
        CHECK(response.has_value() == mti.is_request());
        if (!response) continue;
        ++requests;
        CHECK(response->value() <= 9999);
        CHECK(response->is_response());
        CHECK_FALSE(response->is_repeat());
        CHECK(response->message_class() == mti.message_class());
        CHECK(response->version() == mti.version());
    }
    CHECK(requests == 5 * 8 * 2 * 6);  // versions, classes, functions, origins of the standard
    for (const auto& [request, response] :
         {std::pair{200, 210}, {201, 210}, {420, 430}, {421, 430}, {202, 212}, {1200, 1210}, {800, 810}})
        CHECK(Mti::of(request).response() == Mti::of(response));
    for (const int value : {9999, 0, 210, 430, 900, 299, 206, 3200, 240})
        CHECK_FALSE(Mti::of(value).response());
}

TEST_CASE("a message is the same after encode and decode in every dialect of the switch") {
    for (const Dialect* d : {&unionpay(), &ascii(), &bcd()}) {
        INFO(d->name());
        const FieldValues values = refund();
        const auto encoded = encode(*d, values);
        INFO((encoded ? "" : encoded.error().str()));
        REQUIRE(encoded.has_value());
        const auto message = decode(*d, encoded->body);
        INFO((message ? "" : message.error().str()));
        REQUIRE(message.has_value());
        CHECK(message->mti() == values.mti());
        CHECK(message->present() == values.present());
        values.for_each([&](Field f, std::string_view content) {
            INFO("DE" << number(f));
            CHECK(message->get(f) == content);
        });
        const auto again = encode(*d, message->values());
        REQUIRE(again.has_value());
        CHECK(again->body == encoded->body);
    }
}

TEST_CASE("unionpay-pos on the wire: where odd digits stand, and what the lengths count") {
    FieldValues v(Mti::of(200));
    v.set(Field::pan, "6212345678900000003");
    v.set(Field::pos_entry_mode, "021");
    v.set(Field::card_sequence_number, "001");
    v.set(Field::reserved_private_60, "22000001000");
    v.set(Field::track2, "621234567890000=30121");
    const auto encoded = encode(unionpay(), v);
    REQUIRE(encoded.has_value());
    CHECK(bytes_hex(encoded->body) ==
          "0200"
          "4000060020000010"
          "1962123456789000000030"
          "0210"
          "0001"
          "21621234567890000D301210"
          "0011220000010000");
}

TEST_CASE("the wire form of bytes, signs and lengths") {
    struct Row {
        const char* dialect;
        int number;
        std::string content;
        const char* wire;
    };
    const std::vector<Row> rows{
        {"iso87-ascii", 55, "\x9F\x26", "30303439463236"},
        {"iso87-bcd", 55, "\x9F\x26", "00029F26"},
        {"unionpay-pos", 62, "\x01\x02\x03", "0003010203"},
        {"iso87-ascii", 52, "ABCDEFGH", "34313432343334343435343634373438"},
        {"iso87-bcd", 28, "C00000011", "4300000011"},
        {"87-ebcdic-binbmp", 28, "D00000011", "C4F0F0F0F0F0F0F1F1"},
        {"87-ebcdic-hexbmp", 52, "ABCDEFGH", "F4F1F4F2F4F3F4F4F4F5F4F6F4F7F4F8"},
        {"iso87-bcd", 32, "12345", "05123450"},
        {"87-bcdl-binbmp", 32, "12345", "05012345"},
        {"iso87-bcd", 19, "567", "0567"},
        {"unionpay-pos", 60, "2200000100060", "001322000001000600"},
    };
    for (const Row& row : rows) {
        INFO(row.dialect << " DE" << row.number);
        FieldValues v(Mti::of(200));
        v.set(field(row.number), row.content);
        const Dialect& d = *find_dialect(row.dialect);
        const auto encoded = encode(d, v);
        REQUIRE(encoded.has_value());
        const std::size_t head = (d.spec().mti == Encoding::bcd ? 2U : 4U) +
                                 (d.spec().bitmap == BitmapEncoding::binary ? 8U : 16U);
        CHECK(to_hex(ByteView(encoded->body).subspan(head)) == row.wire);
        CHECK(decode(d, encoded->body)->get(field(row.number)) == row.content);
    }
}

TEST_CASE("a broken message is refused with field, offset, need and finding") {
    struct Row {
        const char* why;
        const char* dialect;
        std::string hex;
        Kind kind;
        int field;
        std::size_t offset, needed, found;
    };
    const std::string mti_bitmap_de3 = "02002000000000000000";
    const std::vector<Row> rows{
        {"empty", "unionpay-pos", "", Kind::truncated, 0, 0, 2, 0},
        {"letters as MTI", "iso87-ascii", "3032414130303030303030303030303030303030", Kind::bad_mti, 0, 2, 4,
         0},
        {"nibble A in the MTI", "unionpay-pos", "0A002000000000000000000000", Kind::bad_mti, 0, 0, 4, 0},
        {"half a bitmap", "unionpay-pos", "020020000000", Kind::truncated, 1, 2, 8, 4},
        {"no hex bitmap", "iso87-ascii", "303230305A30303030303030303030303030303030", Kind::bad_bitmap, 1, 4,
         0, 0},
        {"a field the dialect has not", "unionpay-pos", "02000400000000000000000000", Kind::lying_bitmap, 1,
         2, 0, 0},
        {"fixed field cut", "unionpay-pos", mti_bitmap_de3 + "0000", Kind::truncated, 3, 10, 3, 2},
        {"bytes left over", "unionpay-pos", mti_bitmap_de3 + "00000000", Kind::trailing_bytes, 0, 13, 0, 1},
        {"nibble A in a number", "unionpay-pos", mti_bitmap_de3 + "000A00", Kind::bad_character, 3, 11, 0, 0},
        {"nibble A as a length", "unionpay-pos", "020040000000000000001A", Kind::bad_length, 2, 10, 1, 0},
        {"a length beyond the field", "unionpay-pos", "02004000000000000000201111111111111111111100",
         Kind::over_long, 2, 10, 19, 20},
        {"a length below the field", "unionpay-pos", "0200000000000000001000041234", Kind::under_long, 60, 10,
         8, 4},
        {"a length beyond the message", "unionpay-pos", "02004000000000000000191111", Kind::lying_length, 2,
         11, 10, 2},
        {"an odd digit's filler", "unionpay-pos",
         "0200000004000000000002"
         "11",
         Kind::bad_character, 22, 11, 0, 0},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const auto message = decode(*find_dialect(row.dialect), *parse_hex(row.hex));
        REQUIRE_FALSE(message.has_value());
        const CodecError& e = message.error();
        INFO(e.str());
        CHECK(e.kind == row.kind);
        CHECK(e.field == row.field);
        CHECK(e.offset == row.offset);
        CHECK(e.needed == row.needed);
        CHECK(e.found == row.found);
    }
}

TEST_CASE("encode refuses what decode would refuse") {
    struct Row {
        const char* why;
        int number;
        std::string content;
        Kind kind;
    };
    const std::vector<Row> rows{
        {"short fixed number", 3, "2000", Kind::under_long},
        {"long fixed number", 3, "2000000", Kind::over_long},
        {"letter in a number", 4, "00000000100O", Kind::bad_character},
        {"PAN too long", 2, "62123456789000000030", Kind::over_long},
        {"track separator D is not canonical", 35, "6212345678900000003D3012", Kind::bad_character},
        {"control character in text", 41, "1000000\x01", Kind::bad_character},
        {"PIN block of 7 bytes", 52, "1234567", Kind::under_long},
        {"no such field", 5, "000000001000", Kind::unknown_field},
        {"DE60 too short", 60, "2200000", Kind::under_long},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        FieldValues v(Mti::of(200));
        v.set(field(row.number), row.content);
        const auto encoded = encode(unionpay(), v);
        REQUIRE_FALSE(encoded.has_value());
        INFO(encoded.error().str());
        CHECK(encoded.error().kind == row.kind);
        CHECK(encoded.error().field == row.number);
    }
}

TEST_CASE("an error of content says which characters are needed and of which sort one is there") {
    struct Row {
        const char* dialect;
        int number;
        std::string good, bad;  // what is encoded; what is then put in its place on the wire, as hex
        const char* said;
    };
    const std::vector<Row> rows{
        {"87-ascii-hexbmp", 4, "000000001000", "303030303030303031303041",
         "offset 31: digits needed, a letter there"},
        {"87-ascii-hexbmp", 38, "123456", "313233343521",
         "offset 25: letters or digits needed, a special character there"},
        {"87-ascii-hexbmp", 41, "10000001", "3130303030300731",
         "offset 26: printable characters needed, a control character there"},
        {"87-ascii-hexbmp", 41, "10000001", "31303030303030E9",
         "offset 27: printable characters needed, a byte above 7F there"},
        {"87-ascii-hexbmp", 28, "C00001000", "583030303031303030",
         "offset 20: C or D and digits needed, a letter there"},
        {"iso87-ascii", 64, "12345678", "31323334353637383132333435363758",
         "offset 35: hex digits needed, a letter there"},
        {"87-ebcdic-hexbmp", 4, "000000001000", "F0F0F0F0F0F0F0F0F1F0F0C1",
         "offset 31: digits needed, a letter there"},
        {"iso87-bcd", 4, "000000001000", "0000000010B0", "offset 15: digits needed, a nibble above 9 there"},
        {"unionpay-pos", 22, "021", "0211", "offset 11: digits needed, a wrong filler there"},
    };
    for (const Row& row : rows) {
        INFO(row.said);
        const Dialect& d = *find_dialect(row.dialect);
        FieldValues v(Mti::of(200));
        v.set(field(row.number), row.good);
        auto encoded = encode(d, v);
        REQUIRE(encoded.has_value());
        const Bytes wire = *parse_hex(row.bad);
        const auto good = decode(d, encoded->body);
        std::copy(wire.begin(), wire.end(),
                  encoded->body.begin() + static_cast<std::ptrdiff_t>(good->offset(field(row.number))));
        const auto bad = decode(d, encoded->body);
        REQUIRE_FALSE(bad.has_value());
        const std::string said = bad.error().str();
        INFO(said);
        CHECK(said.find(row.said) != std::string::npos);
        CHECK(bad.error().kind == Kind::bad_character);
    }
    // Lengths are said with their unit.
    FieldValues long_pan(Mti::of(200));
    long_pan.set(Field::pan, "62123456789000000030");
    CHECK(encode(unionpay(), long_pan).error().str().find("length 20 digits, at most 19 allowed") !=
          std::string::npos);
    FieldValues short_pin(Mti::of(200));
    short_pin.set(Field::pin_data, "1234567");
    CHECK(encode(unionpay(), short_pin).error().str().find("length 7 bytes, at least 8 needed") !=
          std::string::npos);
    // The same words when encoding.
    FieldValues v(Mti::of(200));
    v.set(Field::amount_transaction, "00000000100O");
    CHECK(encode(unionpay(), v).error().str().find("digits needed, a letter there") != std::string::npos);
    v.set(Field::amount_transaction, "000000001000");
    v.set(Field::track2, "6212345678900000003D3012");
    CHECK(encode(unionpay(), v).error().str().find("track characters needed, a letter there") !=
          std::string::npos);
}

TEST_CASE("each kind of error has a name of its own") {
    std::set<std::string_view> names;
    for (int k = 0; k <= static_cast<int>(Kind::message_too_long); ++k)
        names.insert(name_of(static_cast<Kind>(k)));
    CHECK(names.size() == static_cast<std::size_t>(Kind::message_too_long) + 1);
    CHECK(names.count("") == 0);
    CHECK(name_of(Kind::lying_length) == "lying-length");
}

TEST_CASE("after a content error the rest of the message is still there") {
    FieldValues v = refund();
    auto encoded = encode(unionpay(), v);
    REQUIRE(encoded.has_value());
    const auto good = decode(unionpay(), encoded->body);
    encoded->body[good->offset(Field::amount_transaction)] = 0xAA;
    encoded->body[good->offset(Field::rrn)] = 0x07;
    Message partial;
    const auto message = decode(unionpay(), encoded->body, &partial);
    REQUIRE_FALSE(message.has_value());
    CHECK(message.error().kind == Kind::bad_character);
    CHECK(message.error().field == 4);
    CHECK(partial.mti() == Mti::of(220));
    CHECK_FALSE(partial.has(Field::amount_transaction));
    CHECK_FALSE(partial.has(Field::rrn));
    CHECK(partial.get(Field::stan) == "000123");
    CHECK(partial.get(Field::terminal) == "10000001");
    CHECK(partial.get(Field::merchant) == "898110157220001");
    CHECK(partial.get(Field::reserved_private_60) == "25000001000600");
}

TEST_CASE("after a lost place the fields before it are still there") {
    auto encoded = encode(unionpay(), refund());
    REQUIRE(encoded.has_value());
    const auto good = decode(unionpay(), encoded->body);
    encoded->body[good->offset(Field::icc_data) - 1] = 0xFF;
    Message partial;
    const auto message = decode(unionpay(), encoded->body, &partial);
    REQUIRE_FALSE(message.has_value());
    CHECK(message.error().kind == Kind::bad_length);
    CHECK(message.error().field == 55);
    CHECK(partial.get(Field::merchant) == "898110157220001");
    CHECK_FALSE(partial.has(Field::reserved_private_60));
}

TEST_CASE("content outside its class is a warning when asked for, and the field stays") {
    auto encoded = encode(unionpay(), refund());
    const auto good = decode(unionpay(), encoded->body);
    encoded->body[good->offset(Field::terminal) + 2] = 0x01;
    std::vector<CodecError> warnings;
    const auto message = decode(unionpay(), encoded->body, {.content_warnings = true, .warnings = &warnings});
    REQUIRE(message.has_value());
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].field == 41);
    CHECK(warnings[0].offset == good->offset(Field::terminal) + 2);
    CHECK(message->has(Field::terminal));
}

TEST_CASE("a MAC is written where it belongs, raw or as hex") {
    const Bytes mac{0x72, 0x48, 0x9C, 0xAC, 0, 0, 0, 1};
    for (const Dialect* d : {&unionpay(), &ascii(), &bcd()}) {
        INFO(d->name());
        auto encoded = encode(*d, refund());
        REQUIRE(encoded.has_value());
        REQUIRE(encoded->mac_offset.has_value());
        const Bytes before(encoded->mac_input().begin(), encoded->mac_input().end());
        write_mac(*d, *encoded, mac);
        const auto message = decode(*d, encoded->body);
        REQUIRE(message.has_value());
        CHECK(message->mac_field() == Field::mac_primary);
        CHECK(message->get(Field::mac_primary) == as_text(mac));
        CHECK(Bytes(message->mac_input().begin(), message->mac_input().end()) == before);
    }
    SECTION("DE128 of a message with a secondary bitmap") {
        FieldValues v(Mti::of(420));
        v.set(Field::original_data, std::string(42, '0'));
        v.set(Field::mac_secondary, std::string(8, '\0'));
        auto encoded = encode(ascii(), v);
        REQUIRE(encoded.has_value());
        CHECK(*encoded->mac_offset == encoded->body.size() - 16);
        write_mac(ascii(), *encoded, mac);
        const auto message = decode(ascii(), encoded->body);
        REQUIRE(message.has_value());
        CHECK(message->mac_field() == Field::mac_secondary);
        CHECK(message->get(Field::mac_secondary) == as_text(mac));
    }
}

TEST_CASE("a reused message and buffer forget what was in them") {
    Message message;
    Bytes body = encode(unionpay(), refund())->body;
    REQUIRE_FALSE(decode_into(unionpay(), body, message).has_value());
    CHECK(message.has(Field::icc_data));
    FieldValues small(Mti::of(800));
    small.set(Field::stan, "000001");
    body = encode(unionpay(), small)->body;
    REQUIRE_FALSE(decode_into(unionpay(), body, message).has_value());
    CHECK(message.present() == small.present());
    EncodedMessage out;
    REQUIRE_FALSE(encode_into(unionpay(), refund(), out).has_value());
    REQUIRE_FALSE(encode_into(unionpay(), small, out).has_value());
    CHECK(out.body == encode(unionpay(), small)->body);
    CHECK_FALSE(out.mac_offset.has_value());
}

TEST_CASE("a third bitmap stands with the others or as field 65") {
    struct Row {
        const char* why;
        TertiaryBitmap tertiary;
        BitmapEncoding bitmap;
        std::string wire;  // of MTI, DE11, DE64 … and DE130
    };
    const std::string first = "8020000000000001";
    const std::string second = "C000000000000000";
    const std::string third = "4000000000000000";
    const std::string mac = "4142434445464748";
    const auto hex_text = [](const std::string& text) { return to_hex(as_bytes(text)); };
    const std::vector<Row> rows{
        {"contiguous", TertiaryBitmap::contiguous, BitmapEncoding::hex,
         hex_text("0200" + first + second + third + "000123" + mac + "9" + "77")},
        {"at field 65", TertiaryBitmap::at_field, BitmapEncoding::hex,
         hex_text("0200" + first + second + "000123" + mac + third + "9" + "77")},
        {"binary, at field 65", TertiaryBitmap::at_field, BitmapEncoding::binary,
         hex_text("0200") + first + second + hex_text("000123" + mac) + third +
             hex_text("9"
                      "77")},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        DialectSpec spec = find_dialect("87-ascii-hexbmp")->spec();
        spec.tertiary = row.tertiary;
        spec.bitmap = row.bitmap;
        FieldSpec f;
        f.number = 130;
        f.content = Content::n;
        f.min = f.max = 2;
        spec.fields.push_back(f);
        const auto dialect = Dialect::make(spec);
        REQUIRE(dialect.has_value());
        FieldValues v(Mti::of(200));
        v.set(Field::stan, "000123");
        v.set(Field::mac_primary, "ABCDEFGH");
        v.set(Field::settlement_code, "9");
        v.set(field(130), "77");
        const auto encoded = encode(*dialect, v);
        REQUIRE(encoded.has_value());
        CHECK(to_hex(encoded->body) == row.wire);
        const auto m = decode(*dialect, encoded->body);
        INFO((m ? "" : m.error().str()));
        REQUIRE(m.has_value());
        CHECK(m->present() == v.present());
        CHECK(m->get(field(130)) == "77");
        // A bit of the third bitmap for a field that is not there.
        FieldValues other = v;
        DialectSpec wider = spec;
        f.number = 131;
        wider.fields.push_back(f);
        other.set(field(131), "88");
        Message partial;
        const auto bad = decode(*dialect, encode(*Dialect::make(wider), other)->body, &partial);
        REQUIRE_FALSE(bad.has_value());
        CHECK(bad.error().kind == Kind::lying_bitmap);
        CHECK(bad.error().path == "131");
        CHECK(partial.get(Field::stan) == "000123");
    }
}

TEST_CASE("values and messages that were moved from are empty, and what they went to is whole") {
    FieldValues a = refund();
    a.set(Field::additional_response_data, std::string(2000, 'x'));
    FieldValues b = std::move(a);
    CHECK(a.present().size() == 0);  // NOLINT(bugprone-use-after-move): that is the question
    CHECK(a.get(Field::pan).empty());
    CHECK(b.get(Field::pan) == "6212345678900000003");
    a = b;
    b = std::move(a);
    CHECK(b.get(Field::additional_response_data).size() == 2000);
    CHECK(a.present().size() == 0);  // NOLINT(bugprone-use-after-move)
    a.set(Field::stan, "000001");
    CHECK(a.get(Field::stan) == "000001");
    b = *&b;
    CHECK(b.get(Field::stan) == "000123");

    Message m = *decode(unionpay(), encode(unionpay(), refund())->body);
    Message n = std::move(m);
    CHECK_FALSE(m.has(Field::pan));  // NOLINT(bugprone-use-after-move)
    CHECK(m.get(Field::pan).empty());
    CHECK(m.raw(Field::pan).empty());
    m = n;
    CHECK(m.get(Field::pan) == n.get(Field::pan));
    n = std::move(m);
    CHECK(n.get(Field::pan) == "6212345678900000003");
}
