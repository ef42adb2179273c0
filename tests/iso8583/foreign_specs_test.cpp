// Spec files the way others write them: what their formats allow beside the plain tables of specs_test.cpp.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/specs/spec_file.hpp"
#include "iso8583/subfields.hpp"
#include "tests/iso8583/spec_round_trip.hpp"
#include "tests/test_paths.hpp"

using namespace iso8583;
using namespace iso8583::specs;

namespace {

LoadedSpec loaded(const char* file) {
    auto spec = load_spec_file(source_path("tests/iso8583/specs/") + file);
    for (const SpecProblem& p : spec ? SpecProblems{} : spec.error()) UNSCOPED_INFO(p.str());
    REQUIRE(spec.has_value());
    return std::move(*spec);
}

bool notes_say(const LoadedSpec& spec, const std::string& where, const std::string& what) {
    for (const SpecProblem& n : spec.notes)
        if (n.where.find(where) != std::string::npos && n.what.find(what) != std::string::npos) return true;
    return false;
}

/// … in hex.
std::string there_and_back(const Dialect& d, const Paths& paths) {
    return to_hex(encoded_and_back(d, paths));
}

std::string chars(std::string_view text) { return to_hex(as_bytes(text)); }

}  // namespace

TEST_CASE("an XML table of a host with private fields") {
    const LoadedSpec spec = loaded("host_private.xml");
    CHECK(notes_say(spec, "field 34", "9999 is taken"));
    CHECK(notes_say(spec, "field 48", "tagMapper com.example.Tags"));
    CHECK(notes_say(spec, "field 54", "trim"));
    CHECK(notes_say(spec, "field 1", "BER-TLV"));
    CHECK(notes_say(spec, "field 127", "32767 is taken"));
    const Dialect d = *Dialect::make(spec.spec);
    CHECK(there_and_back(d, {{"3", "200000"}}) ==
          "0200"
          "2000000000000000" +
              chars("200000"));
    CHECK(there_and_back(d, {{"4", "9782000000001000"}}) ==
          "0200"
          "1000000000000000"
          "9782000000001000");
    CHECK(there_and_back(d, {{"21.0", "1"}, {"21.1", "TRACE0000000001"}, {"21.2", "07"}, {"21.3", "1234"}}) ==
          "0200"
          "0000080000000000" +
              chars("1TRACE0000000001") +
              "07"
              "1234");
    CHECK(there_and_back(d, {{"43.2", "Shop"}, {"43.5", "NRW"}}) ==
          "0200"
          "0000000000200000"
          "0016"
          "4800000000000000"
          "04" +
              chars("ShopNRW"));
    CHECK(there_and_back(d, {{"48.01", "Street 1"}, {"48.02", "Y"}}) ==
          "0200"
          "0000000000010000" +
              chars("0170108Street 10201Y"));
    CHECK(there_and_back(d, {{"54", "twelve chars"}}) ==
          "0200"
          "0000000000000400" +
              chars("12twelve chars"));
    CHECK(there_and_back(d, {{"55.9F02", std::string("\x00\x10", 2)}}) ==
          "0200"
          "0000000000000200"
          "05"
          "9F02020010");
    CHECK(there_and_back(d, {{"56.9F02", std::string("\x00\x10", 2)}}) ==
          "0200"
          "0000000000000100" +
              chars("0109F02020010"));
    CHECK(there_and_back(d, {{"127.2", "key"}, {"127.25.2", "000000001000"}}) ==
          "0200"
          "8000000000000000"
          "0000000000000002" +
              chars("000037") + "4000008000000000" + chars("03key") + chars("0020") + "4000000000000000" +
              chars("000000001000"));
    CHECK(there_and_back(d, {{"62.1", "A"}, {"62.2", "123456789012345"}}) ==
          "0200"
          "0000000000000004"
          "11"
          "C000000000000000"
          "C1"
          "0123456789012345");
    // Always the whole length, though there is a prefix.
    FieldValues v(Mti::of(200));
    v.set(field(54), "short");
    const auto refused = encode(d, v);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == CodecError::Kind::under_long);
}

TEST_CASE("a JSON spec of a host with tags") {
    const LoadedSpec spec = loaded("host_tags.json");
    CHECK(spec.spec.name == "test host with tags");
    CHECK(notes_say(spec, "fields.2.length", "99 is taken"));
    CHECK(notes_say(spec, "fields.36", "not filled up"));
    CHECK(notes_say(spec, "fields.48", "unknown tags are kept"));
    CHECK(notes_say(spec, "fields.120", "32767 is taken"));
    const Dialect d = *Dialect::make(spec.spec);
    CHECK(there_and_back(d, {{"3.1", "20"}, {"3.2", "00"}, {"3.3", "30"}}) == chars("0200"
                                                                                    "2000000000000000"
                                                                                    "200030"));
    CHECK(there_and_back(d, {{"48.01", "A1"}, {"48.77", "zz"}, {"48.02", "B"}}) == chars("0200"
                                                                                         "0000000000010000"
                                                                                         "017"
                                                                                         "0102A1"
                                                                                         "7702zz"
                                                                                         "0201B"));
    CHECK(there_and_back(d, {{"120", std::string(12000, 'x')}}).size() == 2 * (4 + 32 + 5 + 12000));
    CHECK(there_and_back(d, {{"125.56.01", "\xF1\xF2"}, {"125.60", "\x07"}}) == chars("0200"
                                                                                      "8000000000000000"
                                                                                      "0000000000000008") +
                                                                                    "0B"
                                                                                    "56"
                                                                                    "0004"
                                                                                    "0102F1F2"
                                                                                    "60"
                                                                                    "0001"
                                                                                    "07");
    CHECK(there_and_back(d, {{"126.1", "ab"}, {"126.10", "11 456"}}) == chars("0200"
                                                                              "8000000000000000"
                                                                              "0000000000000004") +
                                                                            "10"
                                                                            "8040000000000000" +
                                                                            chars("ab11 456"));
}

TEST_CASE("a tag that is not in the table stays where it is, and a tag that repeats is there twice") {
    const Dialect d = *Dialect::make(loaded("host_tags.json").spec);
    const std::string wire =
        "02000000000000010000"
        "027"
        "7701x"
        "0102A1"
        "9903abc"
        "0101B"
        "0200";
    const auto m = decode(d, Bytes(wire.begin(), wire.end()));
    REQUIRE(m.has_value());
    FieldValues v = m->values();
    // Another one is changed: all others stay, in their order.
    REQUIRE(set_path(d, v, "48.02", "C").has_value());
    CHECK(v.get(field(48)) ==
          "7701x"
          "0102A1"
          "9903abc"
          "0101B"
          "0201C");
    // The lying length of an unknown tag is an error with its path.
    const std::string cut =
        "02000000000000010000"
        "006"
        "7709ab";
    const auto bad = decode(d, Bytes(cut.begin(), cut.end()));
    REQUIRE(bad.has_value());
    const auto inside = get_path(*bad, "48.77");
    REQUIRE_FALSE(inside.has_value());
    CHECK(inside.error().kind == CodecError::Kind::lying_length);
    CHECK(inside.error().path == "48.77");
}

TEST_CASE("what was read from others is the same after our own form") {
    for (const char* file : {"host_private.xml", "host_tags.json"}) {
        INFO(file);
        const LoadedSpec spec = loaded(file);
        const auto written = write_spec(spec.spec, SpecFormat::toml);
        REQUIRE(written.has_value());
        const auto again = read_spec(written->text, SpecFormat::toml, "again.toml");
        for (const SpecProblem& p : again ? SpecProblems{} : again.error()) UNSCOPED_INFO(p.str());
        REQUIRE(again.has_value());
        CHECK(write_spec(again->spec, SpecFormat::toml)->text == written->text);
    }
    // And back into the format it came from.
    DialectSpec tags = loaded("host_tags.json").spec;
    const auto long_length = write_spec(tags, SpecFormat::json);
    REQUIRE_FALSE(long_length.has_value());
    CHECK(long_length.error()[0].str() == "fields.120: a length prefix of 5 cannot be said, at most 4 can");
    tags.fields.erase(std::find_if(tags.fields.begin(), tags.fields.end(),
                                   [](const FieldSpec& f) { return f.number == 120; }));
    const auto json = write_spec(tags, SpecFormat::json);
    REQUIRE(json.has_value());
    const auto again = read_spec(json->text, SpecFormat::json, "again.json");
    REQUIRE(again.has_value());
    const Dialect d = *Dialect::make(again->spec);
    CHECK(there_and_back(d, {{"125.56.01", "\xF1\xF2"}, {"125.60", "\x07"}, {"48.01", "A"}, {"48.77", "z"}})
              .size() > 0);
    const auto xml = write_spec(loaded("host_private.xml").spec, SpecFormat::xml);
    for (const SpecProblem& p : xml ? SpecProblems{} : xml.error()) UNSCOPED_INFO(p.str());
    REQUIRE(xml.has_value());
    const auto xml_again = read_spec(xml->text, SpecFormat::xml, "again.xml");
    for (const SpecProblem& p : xml_again ? SpecProblems{} : xml_again.error()) UNSCOPED_INFO(p.str());
    REQUIRE(xml_again.has_value());
    there_and_back(*Dialect::make(xml_again->spec), {{"127.2", "key"}, {"127.25.2", "000000001000"}});
}

TEST_CASE("members of JSON deeper than any spec do no harm") {
    std::string text = R"({"name":"x","fields":)";
    for (int i = 0; i < 100000; ++i) text += R"({"a":)";
    text += "1" + std::string(100000, '}') + "}";
    CHECK_FALSE(read_spec(text, SpecFormat::json, "deep.json").has_value());
}
