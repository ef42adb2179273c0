// The messages other implementations publish, with the fields they say are in them, and the ones that must be
// refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "tests/test_paths.hpp"

namespace {

using namespace iso8583;
using nlohmann::json;

std::vector<json> read_vectors(const std::string& name) {
    std::ifstream in(source_path("../shared/vectors/") + name);
    std::vector<json> out;
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) out.push_back(json::parse(line));
    if (out.empty()) std::printf("SKIPPED: no test vectors %s beside the project\n", name.c_str());
    return out;
}

/// The vectors are Latin-1; JSON has them as UTF-8.
std::string latin1(const std::string& utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if (c < 0x80) {
            out.push_back(utf8[i]);
        } else {
            const auto next = static_cast<unsigned char>(utf8[++i]);
            out.push_back(static_cast<char>((c & 0x1F) << 6 | (next & 0x3F)));
        }
    }
    return out;
}

/// What a vector writes for a field, as canonical content.
std::string canonical(const FieldSpec& spec, std::string text) {
    const bool hex_in_vector = spec.content == Content::b;
    if (hex_in_vector) {
        const auto bytes = parse_hex(text);
        REQUIRE(bytes.has_value());
        return std::string(as_text(*bytes));
    }
    if (spec.content == Content::z && spec.encoding == Encoding::bcd) {
        // Raw nibbles there, the characters they stand for here.
        std::replace(text.begin(), text.end(), 'B', ';');
        std::replace(text.begin(), text.end(), 'D', '=');
        std::replace(text.begin(), text.end(), 'F', '?');
    }
    return text;
}

/// Messages with content outside its field's class. Their senders are laxer than the standard; the strict
/// decoder names the field, and the fields still decode when that is only a warning.
const std::map<int, const char*> lax_fields{
    {28, "the sign is the digit 0 instead of C or D"},
    {29, "the same"},
    {30, "the same"},
    {31, "the same"},
    {34, "letters in the extended PAN (ns)"},
    {35, "EBCDIC bytes in an ASCII message"},
    {36, "words as track 3 (z)"},
    {42, "EBCDIC bytes in an ASCII message"},
    {56, "letters in 93's original data elements (n)"},
    {97, "no sign"},
};

}  // namespace

TEST_CASE("published messages decode to the fields they are said to have") {
    for (const json& v : read_vectors("iso8583_messages.jsonl")) {
        const std::string source = v["source"];
        INFO(source);
        const std::string dialect_name = v["dialect"];
        const Dialect* dialect = find_dialect(dialect_name);
        REQUIRE(dialect != nullptr);
        // One vector packs letters into digits (EFGH → 56 78), so that the letters cannot come back.
        const bool letters_packed = dialect_name == "93-bcd-binbmp";
        const Bytes body = *parse_hex(v["hex"].get<std::string>());
        std::vector<CodecError> warnings;
        const auto message = decode(*dialect, body, {.content_warnings = true, .warnings = &warnings});
        INFO((message ? "" : message.error().str()));
        REQUIRE(message.has_value());
        CHECK(message->mti().str() == v["mti"].get<std::string>());
        std::size_t fields = 0;
        for (const auto& [key, value] : v["fields"].items()) {
            const int n = std::stoi(key);
            INFO("DE" << n);
            ++fields;
            REQUIRE(message->has(field(n)));
            if (letters_packed && n == 56) continue;
            CHECK(message->get(field(n)) ==
                  canonical(*dialect->field_spec(n), latin1(value.get<std::string>())));
        }
        std::size_t present = 0;
        message->present().for_each([&](int) { ++present; });
        CHECK(present == fields);
        for (const CodecError& w : warnings) {
            INFO(w.str());
            CHECK(lax_fields.count(w.field) == 1);
        }
        // Strict decoding differs only by those.
        const auto strict = decode(*dialect, body);
        CHECK(strict.has_value() == warnings.empty());
        if (!strict) CHECK(strict.error().kind == CodecError::Kind::bad_character);
    }
}

TEST_CASE("published messages that are strict and canonical encode to the same bytes") {
    std::size_t same = 0;
    std::size_t lax = 0;
    for (const json& v : read_vectors("iso8583_messages.jsonl")) {
        INFO(v["source"].get<std::string>());
        const Dialect* dialect = find_dialect(v["dialect"].get<std::string>());
        REQUIRE(dialect != nullptr);
        const auto message = decode(*dialect, *parse_hex(v["hex"].get<std::string>()));
        if (!message) {
            ++lax;
            continue;
        }
        const auto encoded = encode(*dialect, message->values());
        INFO((encoded ? "" : encoded.error().str()));
        REQUIRE(encoded.has_value());
        CHECK(to_hex(encoded->body) == v["hex"].get<std::string>());
        ++same;
    }
    std::printf("published messages: %zu encode to the same bytes, %zu have content their standard forbids\n",
                same, lax);
}

TEST_CASE("published malformed messages are refused, also when content is only warned about") {
    for (const json& v : read_vectors("iso8583_malformed.jsonl")) {
        INFO(v["source"].get<std::string>() << ": " << v["why"].get<std::string>());
        const Dialect* dialect = find_dialect(v["dialect"].get<std::string>());
        REQUIRE(dialect != nullptr);
        const Bytes body = *parse_hex(v["hex"].get<std::string>());
        CHECK_FALSE(decode(*dialect, body).has_value());
        CHECK_FALSE(decode(*dialect, body, {.content_warnings = true}).has_value());
    }
}
