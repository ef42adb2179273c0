// What people see of a message, and above all what they do not.
#include "iso8583/describe.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/masking.hpp"
#include "iso8583/subfields.hpp"
#include "iso8583/tagged_text.hpp"

using namespace iso8583;

namespace {

constexpr const char* test_pan = "6212345678900000003";

std::string bytes(const char* hex) {
    const auto b = parse_hex(hex);
    REQUIRE(b.has_value());
    return std::string(as_text(*b));
}

FieldValues sale() {
    FieldValues v(Mti::of(200));
    v.set(Field::pan, test_pan);
    v.set(Field::processing_code, "000000");
    v.set(Field::amount_transaction, "000000001000");
    v.set(Field::stan, "000123");
    v.set(Field::track2, std::string(test_pan) + "=30121010000");
    v.set(Field::terminal, "10000001");
    v.set(Field::pin_data, bytes("1122334455667788"));
    v.set(Field::icc_data, bytes("9F0206000000001000"
                                 "5A0A6212345678900000003F"
                                 "57136212345678900000003D301210100000000000"
                                 "5F340101"));
    return v;
}

Message decoded(const Dialect& d, FieldValues v) {
    // Variants with AES PIN blocks have twice the bytes.
    if (d.field_spec(52) != nullptr && d.field_spec(52)->min == 16)
        v.set(Field::pin_data, bytes("11223344556677881122334455667788"));
    const auto encoded = encode(d, v);
    INFO((encoded ? "" : encoded.error().str()));
    REQUIRE(encoded.has_value());
    auto m = decode(d, encoded->body);
    REQUIRE(m.has_value());
    return std::move(*m);
}

/// No form of the PAN's middle, the track, or the PIN block.
void check_hides(const std::string& text) {
    INFO(text);
    CHECK(text.find("345678900") == std::string::npos);
    CHECK(text.find("3334353637383930") == std::string::npos);
    CHECK(text.find("34 56 78") == std::string::npos);
    CHECK(text.find("34 35 36 37 38 39") == std::string::npos);
    CHECK(text.find("30121") == std::string::npos);
    CHECK(text.find("22334455") == std::string::npos);
    CHECK(text.find("22 33 44") == std::string::npos);
}

}  // namespace

TEST_CASE("describe shows each field on a line, masked, in every dialect") {
    for (const char* name : {"unionpay-pos", "iso87-ascii", "iso87-bcd"}) {
        INFO(name);
        const Message m = decoded(*find_dialect(name), sale());
        const std::string text = describe(m);
        check_hides(text);
        CHECK(text.find("MTI 0200 financial request\n") == 0);
        CHECK(text.find("621234*********0003") != std::string::npos);
        CHECK(text.find("purchase") != std::string::npos);
        CHECK(text.find("55.9F02") != std::string::npos);
        CHECK(text.find("000000001000") != std::string::npos);
        check_hides(describe_bytes(m));
        check_hides(describe_json(m));
        DescribeOptions reveal;
        reveal.reveal = true;
        CHECK(describe(m, reveal).find(test_pan) != std::string::npos);
        CHECK(describe_json(m, reveal).find("1122334455667788") != std::string::npos);
    }
}

TEST_CASE("describe as JSON has the canonical contents") {
    const Message m = decoded(*find_dialect("unionpay-pos"), sale());
    const auto json = nlohmann::json::parse(describe_json(m));
    CHECK(json["mti"] == "0200");
    CHECK(json["dialect"] == "unionpay-pos");
    CHECK(json["fields"]["2"] == "621234*********0003");
    CHECK(json["fields"]["4"] == "000000001000");
    CHECK(json["fields"]["52"] == "****************");
    CHECK(json["fields"]["55"]["9F02"] == "000000001000");
    CHECK(json["fields"]["55"]["5A"] == "621234*********0003*");
    CHECK(json["fields"]["55"]["5F34"] == "01");
}

TEST_CASE("what cannot be read as what it should be is hidden whole") {
    struct Row {
        const char* why;
        Content content;
        Secret secret;
        std::string canonical;
        std::string shown;
    };
    const std::vector<Row> rows{
        {"a PAN", Content::n, Secret::pan, "4111111111111111", "411111******1111"},
        {"a PAN of 13", Content::n, Secret::pan, "4222222222222", "422222***2222"},
        {"a PAN of 12 hides all", Content::n, Secret::pan, "411111111111", "************"},
        {"a PAN with a letter hides all", Content::n, Secret::pan, "41111111111111A1", "****************"},
        {"an empty PAN", Content::n, Secret::pan, "", ""},
        {"a packed PAN with filler", Content::b, Secret::pan, bytes("4111111111111111FF"),
         "411111******1111**"},
        {"track 2", Content::z, Secret::track, "4111111111111111=3012", "*********************"},
        {"a PIN block", Content::b, Secret::pin, bytes("0412AC89ABCDEF67"), "****************"},
        {"a card number in free text", Content::ans, Secret::none, "card 4111111111111111 ok",
         "card 411111******1111 ok"},
        {"another number in free text", Content::ans, Secret::none, "4111111111111112", "4111111111111112"},
        {"a card number in groups", Content::ans, Secret::none, "4111 1111 1111 1111 and 4111-1111-1111-1111",
         "4111 11** **** 1111 and 4111-11**-****-1111"},
        {"a card number behind its length, in one run of digits", Content::ans, Secret::none,
         "01164111111111111111", "0116411111******1111"},
        {"a long number without a card number", Content::ans, Secret::none, "000000001000000000002000156",
         "000000001000000000002000156"},
        {"a card number as characters among bytes", Content::b, Secret::none,
         "\x01\x10"
         "4111111111111111\x7F",
         "0110"
         "343131313131"
         "************"
         "313131317F"},
        {"a packed card number among bytes", Content::b, Secret::none, bytes("DF0108411111111111111199"),
         "DF0108411111******111199"},
        {"a MAC as characters", Content::b, Secret::none, "72489CAC", "3732343839434143"},
        {"zeros", Content::ans, Secret::none, "0000000000000000", "0000000000000000"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(masked_content(row.content, row.secret, row.canonical) == row.shown);
    }
}

TEST_CASE("a DE55 that is no TLV is hex, without what could be a card number") {
    FieldValues v(Mti::of(200));
    v.set(Field::icc_data, bytes("5A084111111111111111"
                                 "9F02060000"));
    const Message m = decoded(*find_dialect("unionpay-pos"), v);
    const auto json = nlohmann::json::parse(describe_json(m));
    const std::string shown = json["fields"]["55"];
    INFO(shown);
    CHECK(shown.size() == 2 * 15);
    CHECK(shown.substr(0, 4) == "5A08");
    CHECK(shown.find("11111111111") == std::string::npos);
    CHECK(describe_bytes(m).find("11 11 11 11 11") == std::string::npos);
}

TEST_CASE("a partial message is described as far as it goes, and the rest is hidden") {
    auto encoded = encode(*find_dialect("iso87-ascii"), sale());
    REQUIRE(encoded.has_value());
    const auto good = decode(*find_dialect("iso87-ascii"), encoded->body);
    encoded->body[good->offset(Field::pan) + 3] = 'x';
    encoded->body.resize(good->offset(Field::track2) + 10);
    Message partial;
    REQUIRE_FALSE(decode(*find_dialect("iso87-ascii"), encoded->body, &partial).has_value());
    const std::string text = describe(partial);
    CHECK(text.find("DE11") != std::string::npos);
    CHECK(text.find("DE2 ") == std::string::npos);
    const std::string view = describe_bytes(partial);
    CHECK(view.find("not decoded") != std::string::npos);
    check_hides(view);
    CHECK(view.find("34 35 36") == std::string::npos);
    Message empty;
    REQUIRE_FALSE(decode(*find_dialect("iso87-ascii"), Bytes{}, &empty).has_value());
    CHECK(describe_bytes(empty).empty());
    CHECK(describe(empty).find("MTI 0000") == 0);
}

TEST_CASE("the byte view accounts for every byte") {
    for (std::string_view name : dialect_names()) {
        INFO(name);
        FieldValues v = sale();
        v.erase(Field::icc_data);
        const Message m = decoded(*find_dialect(name), name.substr(0, 2) == "93" ? [] {
            FieldValues w(Mti::of(1200));
            w.set(Field::pan, test_pan);
            w.set(Field::amount_transaction, "000000001000");
            w.set(Field::mac_secondary, std::string(8, 'm'));
            return w;
        }() : v);
        const std::string view = describe_bytes(m);
        std::size_t seen = 0;
        for (std::size_t at = 0; at < view.size(); at = view.find('\n', at) + 1) {
            CHECK(view.substr(at, 4) == fmt::format("{:04X}", seen));
            for (std::size_t i = at + 6; i < at + 6 + 48 && view[i] != ' '; i += 3) ++seen;
        }
        CHECK(seen == m.body().size());
    }
}

TEST_CASE("two messages differ where they differ") {
    const Dialect& d = *find_dialect("unionpay-pos");
    FieldValues a = sale();
    FieldValues b = sale();
    b.set(Field::amount_transaction, "000000002000");
    b.erase(Field::terminal);
    b.set(Field::pin_data, bytes("1122334455667799"));
    b.set(Field::icc_data, bytes("9F0206000000002000"));
    const std::string diff = describe_difference(decoded(d, a), decoded(d, b));
    INFO(diff);
    CHECK(diff.find("- 000000001000\n        + 000000002000") != std::string::npos);
    CHECK(diff.find("(absent)") != std::string::npos);
    CHECK(diff.find("DE52    PIN data: differs where it is hidden") != std::string::npos);
    CHECK(diff.find("+ 55.9F02") != std::string::npos);
    CHECK(diff.find("DE11") == std::string::npos);
    check_hides(diff);
    CHECK(describe_difference(decoded(d, a), decoded(d, a)).empty());
}

TEST_CASE("text that is no text is escaped, in lines and in JSON") {
    FieldValues v(Mti::of(210));
    v.set(Field::additional_response_data, "\xB2\"\\");
    const Message m = decoded(*find_dialect("unionpay-pos"), v);
    CHECK(describe(m).find("\\xB2\"\\") != std::string::npos);
    CHECK(nlohmann::json::parse(describe_json(m))["fields"]["44"] == "\uf7b2\"\\");
}

TEST_CASE("national text is shown as what it is: of GBK, of UTF-8, or a character a byte") {
    struct Row {
        TextEncoding text;
        std::string bytes;
        std::string shown;
        std::string line;
    };
    for (const Row& row : {Row{TextEncoding::gbk, "\xBD\xF0\xB6\xEE 1", "金额 1", "金额 1"},
                           Row{TextEncoding::utf8, "金额 1", "金额 1", "金额 1"},
                           Row{TextEncoding::latin1, "n\xFAmero", "número", "n\\xFAmero"},
                           Row{TextEncoding::utf8, "\xBD\xF0", "\uf7bd\uf7f0", "\\xBD\\xF0"}}) {
        DialectSpec spec = find_dialect("unionpay-pos")->spec();
        spec.text = row.text;
        const auto dialect = Dialect::make(std::move(spec));
        FieldValues v(Mti::of(210));
        v.set(Field::reserved_private_63, row.bytes);
        const Message m = decoded(*dialect, v);
        CHECK(nlohmann::json::parse(describe_json(m))["fields"]["63"] == row.shown);
        CHECK(describe(m).find(row.line) != std::string::npos);
        CHECK(bytes_of_text(row.shown, row.text) == row.bytes);
    }
}

TEST_CASE("parts that do not decode are named with path and offset") {
    FieldValues v(Mti::of(200));
    v.set(Field::icc_data, bytes("9F0206000000001000"
                                 "9F3605"));
    v.set(Field::stan, "000001");
    const Message m = decoded(*find_dialect("iso87-bcd"), v);
    const auto errors = part_errors(m);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].path == "55.9F36");
    CHECK(errors[0].str().find("the length says 5 bytes, 0 there") != std::string::npos);
    CHECK(errors[0].offset == m.offset(Field::icc_data) + 12);
}

TEST_CASE("a payment code is hidden whatever tag a configuration gives it; the order number is shown",
          "[I10][R80]") {
    const std::string code = "134567890123456789";
    struct Row {
        const char* dialect;
        int number;
    };
    for (const Row& row : {Row{"unionpay-pos", 59}, {"iso87-ascii", 48}, {"iso87-bcd", 48}})
        for (const char* tag : {"A3", "B7", "01"}) {
            FieldValues v = sale();
            v.erase(Field::pan);
            v.erase(Field::track2);
            v.set(field(row.number), tagged_text("A4", "ORD00000000017") + tagged_text(tag, code));
            const Message m = decoded(*find_dialect(row.dialect), v);
            for (const std::string& text : {describe(m), describe_json(m), describe_bytes(m)}) {
                INFO(row.dialect << " " << tag << "\n" << text);
                CHECK(text.find("3456789") == std::string::npos);
                CHECK(text.find("33 34 35 36 37") == std::string::npos);
                CHECK(text.find("3334353637") == std::string::npos);
            }
            CHECK(describe(m).find("ORD00000000017") != std::string::npos);
            CHECK(describe(m, {.reveal = true}).find(code) != std::string::npos);
        }
}

TEST_CASE("a tag that a table does not explain shows no value that may be a payment code", "[I10][R80]") {
    SubfieldSet tags;
    tags.kind = SubfieldSet::Kind::tagged;
    tags.tag_size = 2;
    tags.unknown_prefix = Prefix::ascii;
    tags.unknown_prefix_size = 3;
    tags.fields = {{"01", {}}};
    tags.fields[0].spec.max = 99;
    tags.fields[0].spec.prefix = Prefix::ascii;
    tags.fields[0].spec.prefix_size = 3;
    REQUIRE(check_subfields(tags, 48));
    const auto values = parse_subfields(tags, "01018134567890123456789B7018134567890123456789B8004ABCD");
    REQUIRE(values);
    REQUIRE(values->size() == 3);
    CHECK((*values)[0].secret == Secret::none);  // the table says what it is
    CHECK((*values)[1].secret == Secret::key);
    CHECK((*values)[2].secret == Secret::none);
}
