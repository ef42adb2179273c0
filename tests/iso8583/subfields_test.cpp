// Fields inside fields: DE60, DE61, DE90, DE95, DE48 and DE55 by path and as structs.
#include "iso8583/subfields.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/original_data_elements.hpp"
#include "iso8583/processing_code.hpp"
#include "iso8583/response_code.hpp"
#include "iso8583/unionpay_fields.hpp"

using namespace iso8583;

namespace {

Message message_of(const char* dialect, int n, const std::string& content) {
    FieldValues v(Mti::of(200));
    v.set(field(n), content);
    const auto encoded = encode(*find_dialect(dialect), v);
    REQUIRE(encoded.has_value());
    auto message = decode(*find_dialect(dialect), encoded->body);
    REQUIRE(message.has_value());
    return std::move(*message);
}

}  // namespace

TEST_CASE("a path reaches into a field") {
    struct Row {
        const char* dialect;
        int number;
        std::string content;
        const char* path;
        std::string at_path;
    };
    const std::string icc = *parse_hex(
                                 "9F0206000000001000"
                                 "7103860100")
                                 .map([](const Bytes& b) { return std::string(as_text(b)); });
    const std::string de90 =
        "0200"
        "000123"
        "1121214752"
        "00000012345"
        "00000000000";
    const std::vector<Row> rows{
        {"unionpay-pos", 60, "22000001000500", "60.1", "22"},
        {"unionpay-pos", 60, "22000001000500", "60.2", "000001"},
        {"unionpay-pos", 60, "22000001", "60.2", "000001"},
        {"unionpay-pos", 61, "0000010001231121", "61.3", "1121"},
        {"unionpay-pos", 61, "0000010001", "61.2", "0001"},
        {"unionpay-pos", 48, std::string(61, '0') + "1", "48.10", "1"},
        {"unionpay-pos", 55, icc, "55.9F02", std::string("\0\0\0\0\x10\0", 6)},
        {"unionpay-pos", 55, icc, "55.71.86", std::string(1, '\0')},
        {"iso87-ascii", 55, icc, "55.71.86", std::string(1, '\0')},
        {"iso87-ascii", 90, de90, "90.3", "1121214752"},
        {"iso87-bcd", 90, de90, "90.4", "00000012345"},
        {"iso87-ascii", 95, "000000006000000000000000C00000000C00000000", "95.1", "000000006000"},
        {"unionpay-pos", 3, "200000", "3", "200000"},
    };
    for (const Row& row : rows) {
        INFO(row.dialect << " " << row.path);
        const Message m = message_of(row.dialect, row.number, row.content);
        const auto got = get_path(m, row.path);
        INFO((got ? "" : got.error().str()));
        REQUIRE(got.has_value());
        CHECK(*got == row.at_path);
        FieldValues v = m.values();
        REQUIRE(set_path(m.dialect(), v, row.path, row.at_path).has_value());
        CHECK(v.get(field(row.number)) == row.content);
    }
}

TEST_CASE("a path that leads nowhere says so") {
    const Message m = message_of("unionpay-pos", 60, "22000001000500");
    FieldValues v = m.values();
    for (const char* path : {"60.9", "60.1.1", "3.1", "55.9F02", "200", "x", "", "60."}) {
        INFO(path);
        CHECK_FALSE(get_path(m, path).has_value());
    }
    for (const char* path : {"60.9", "3.1", "200", "x", "55.9F", "55.70.82"}) {
        INFO(path);
        CHECK_FALSE(set_path(m.dialect(), v, path, "00").has_value());
    }
    CHECK_FALSE(set_path(m.dialect(), v, "60.2", "1").has_value());
    CHECK_FALSE(set_path(m.dialect(), v, "60.2", "00000A").has_value());
    CHECK(v.get(Field::reserved_private_60) == "22000001000500");
}

TEST_CASE("setting by path builds a field from nothing and keeps the rest") {
    const Dialect& d = *find_dialect("unionpay-pos");
    FieldValues v(Mti::of(200));
    REQUIRE(set_path(d, v, "60.1", "25").has_value());
    REQUIRE(set_path(d, v, "60.2", "000007").has_value());
    CHECK(v.get(Field::reserved_private_60) == "25000007");
    // 60.4 without 60.3 has no place to stand.
    CHECK_FALSE(set_path(d, v, "60.4", "5").has_value());
    REQUIRE(set_path(d, v, "55.9F02", std::string(6, '\0')).has_value());
    REQUIRE(set_path(d, v, "55.DF7F", "x").has_value());
    REQUIRE(set_path(d, v, "55.9F02", "\x01").has_value());
    CHECK(to_hex(as_bytes(v.get(Field::icc_data))) == "9F020101DF7F0178");
}

TEST_CASE("an error inside a field has the whole path and the offset in the message") {
    const Message m = message_of("unionpay-pos", 55, std::string("\x9F\x02\x06\x00\x00", 5));
    const auto got = subfields_of(m, Field::icc_data);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().field == 55);
    CHECK(got.error().path == "55.9F02");
    CHECK(got.error().offset == m.offset(Field::icc_data) + 3);
    CHECK(got.error().needed == 6);
    CHECK(got.error().found == 2);
    CHECK(got.error().str() ==
          "DE55.9F02 integrated circuit card system related data at offset 15: the length says 6 bytes, 2 "
          "there");
}

TEST_CASE("tagged, bitmapped and nested subfields read what they write") {
    const auto text = [](const char* name, std::uint16_t min, std::uint16_t max, Prefix prefix,
                         std::uint8_t size) {
        FieldSpec f;
        f.name = name;
        f.min = min;
        f.max = max;
        f.prefix = prefix;
        f.prefix_size = size;
        return f;
    };
    auto inner = std::make_shared<SubfieldSet>();
    inner->kind = SubfieldSet::Kind::tagged;
    inner->tag_size = 2;
    inner->fields = {{"01", text("first", 0, 99, Prefix::ascii, 2)},
                     {"02", text("second", 3, 3, Prefix::none, 0)}};
    auto outer = std::make_shared<SubfieldSet>();
    outer->kind = SubfieldSet::Kind::bitmap;
    outer->bitmap_bytes = 1;
    FieldSpec holds = text("holder", 0, 999, Prefix::ascii, 3);
    holds.subfields = inner;
    outer->fields = {{"2", text("two", 2, 2, Prefix::none, 0)}, {"7", holds}};
    REQUIRE(check_subfields(*outer, 127).has_value());

    const std::string wire = std::string("\x42", 1) + "ab" + "012" + "0103xyz" + "02123";
    const auto values = parse_subfields(*outer, wire);
    INFO((values ? "" : values.error().str()));
    REQUIRE(values.has_value());
    REQUIRE(values->size() == 2);
    CHECK((*values)[0].content == "ab");
    REQUIRE((*values)[1].inside.size() == 2);
    CHECK((*values)[1].inside[0].content == "xyz");
    CHECK((*values)[1].inside[1].content == "123");
    CHECK(format_subfields(*outer, *values) == wire);

    struct Row {
        const char* why;
        std::string wire;
        CodecError::Kind kind;
        std::string path;
        std::size_t offset;
    };
    const std::vector<Row> rows{
        {"a bit without a subfield", std::string("\x80", 1), CodecError::Kind::lying_bitmap, "1", 0},
        {"a tag that is not known", std::string("\x02", 1) + "002" + "99", CodecError::Kind::unknown_field,
         "7.99", 4},
        {"a value cut off", std::string("\x02", 1) + "005" + "0103x", CodecError::Kind::lying_length, "7.01",
         8},
        {"bytes left over", std::string("\x40", 1) + "abc", CodecError::Kind::trailing_bytes, "", 3},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const auto bad = parse_subfields(*outer, row.wire);
        REQUIRE_FALSE(bad.has_value());
        CHECK(bad.error().kind == row.kind);
        CHECK(bad.error().path == row.path);
        CHECK(bad.error().offset == row.offset);
    }
}

TEST_CASE("original data elements, DE90") {
    const std::string content =
        "0200"
        "000123"
        "1121214752"
        "00000012345"
        "00000000000";
    const auto parsed = OriginalDataElements::parse(content);
    REQUIRE(parsed.has_value());
    CHECK(parsed->mti == Mti::of(200));
    CHECK(parsed->stan == Stan::of(123));
    CHECK(parsed->transmission_time->str() == "1121214752");
    CHECK_FALSE(parsed->acquirer.is_zero());
    CHECK(parsed->forwarder.is_zero());
    CHECK(parsed->str() == content);
    const std::string zeros(42, '0');
    CHECK(OriginalDataElements::parse(zeros)->str() == zeros);
    for (const std::string& bad : {std::string(41, '0'), std::string(43, '0'), "A" + std::string(41, '0'),
                                   "0200000123"
                                   "1321214752" +
                                       std::string(22, '0')}) {
        INFO(bad);
        CHECK_FALSE(OriginalDataElements::parse(bad).has_value());
    }
}

TEST_CASE("replacement amounts, DE95") {
    const std::string content =
        "000000006000"
        "000000000000"
        "C00000010"
        "D00000020";
    const auto parsed = ReplacementAmounts::parse(content);
    REQUIRE(parsed.has_value());
    CHECK(parsed->transaction == 6000);
    CHECK(parsed->transaction_fee == 10);
    CHECK(parsed->settlement_fee == -20);
    CHECK(parsed->str() == content);
    CHECK(ReplacementAmounts::parse(std::string(42, '0'))->transaction == 0);
    CHECK_FALSE(ReplacementAmounts::parse("").has_value());
    CHECK_FALSE(
        ReplacementAmounts::parse(std::string(24, '0') + "X00000010" + std::string(9, '0')).has_value());
}

TEST_CASE("the private fields of unionpay-pos as structs") {
    for (const char* digits : {"22000001", "22000001000", "220000010005", "2200000100050", "22000001000500",
                               "22000001000500123", "2200000100050012345"}) {
        INFO(digits);
        const auto parsed = unionpay::ReservedPrivate60::parse(digits);
        REQUIRE(parsed.has_value());
        CHECK(parsed->message_type.view() == "22");
        CHECK(parsed->batch == BatchNumber::of(1));
        CHECK(parsed->str() == digits);
    }
    for (const char* bad :
         {"2200000", "220000010", "2200000100", "220000010005001", "22000001A00", "22000001000500123456"}) {
        INFO(bad);
        CHECK_FALSE(unionpay::ReservedPrivate60::parse(bad).has_value());
    }
    for (const char* digits : {"0000010001", "000001000123", "0000010001231121", "000001000123112101",
                               "00000100012311210112345678901", "00000100012311", "000001000123112101123"}) {
        INFO(digits);
        const auto parsed = unionpay::OriginalMessage61::parse(digits);
        REQUIRE(parsed.has_value());
        CHECK(parsed->batch == BatchNumber::of(1));
        CHECK(parsed->trace.has_value() == (std::string_view(digits).size() >= 12));
        CHECK(parsed->date_mmdd.view() == (std::string_view(digits).size() >= 16 ? "1121" : ""));
        CHECK(parsed->str() == digits);
    }
    CHECK_FALSE(unionpay::OriginalMessage61::parse("000001000").has_value());
    CHECK_FALSE(unionpay::OriginalMessage61::parse("00000100012X").has_value());
    unionpay::SettlementTotals totals;
    totals.domestic = {12345, 2, 100, 1, 1};
    totals.foreign.debit_count = 999;
    CHECK(totals.str() ==
          "000000012345"
          "002"
          "000000000100"
          "001"
          "1"
          "000000000000"
          "999"
          "000000000000"
          "000"
          "0");
    CHECK(*unionpay::SettlementTotals::parse(totals.str()) == totals);
    CHECK_FALSE(unionpay::SettlementTotals::parse(std::string(61, '0')).has_value());
}

TEST_CASE("processing codes and response codes in words") {
    CHECK(ProcessingCode::parse("200000")->kind() == TransactionKind::refund);
    CHECK(ProcessingCode::parse("003000")->from_account() == 30);
    CHECK(ProcessingCode::parse("020000")->kind() == TransactionKind::void_of_sale);
    CHECK(ProcessingCode::parse("310000")->kind() == TransactionKind::balance_inquiry);
    CHECK(ProcessingCode::parse("003000")->str() == "003000");
    CHECK_FALSE(ProcessingCode::parse("20000").has_value());
    CHECK(response_code_text("51") == "insufficient funds");
    CHECK(response_code_text("A0") == "MAC verification failed");
    CHECK(response_code_text("ZZ").empty());
}
