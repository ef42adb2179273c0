#include "iso8583/values/bytes.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <set>

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/fixed_text.hpp"
#include "iso8583/values/joined_text.hpp"
#include "iso8583/values/word_hash.hpp"
#include "tests/values/ensure_fails.hpp"

using namespace iso8583;

TEST_CASE("hex: round trip, upper-case out, both cases in") {
    Bytes all(256);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
    CHECK(to_hex({}).empty());
    CHECK(to_hex(Bytes{0x00, 0x0F, 0xA9, 0xFF}) == "000FA9FF");
    CHECK(parse_hex(to_hex(all)).value() == all);
    CHECK(parse_hex("deADbeEF").value() == Bytes{0xDE, 0xAD, 0xBE, 0xEF});
    CHECK(parse_hex("").value().empty());
}

TEST_CASE("hex: what is refused, and that the sentence names the place") {
    struct Row {
        const char* text;
        const char* says;
    };
    for (const Row& row : {Row{"0", "even number"},
                           {"012", "even number"},
                           {"0G", "offset 1"},
                           {"G0", "offset 0"},
                           {"00 0", "offset 2"},
                           {"0011x1", "offset 4"},
                           {"0x11", "offset 1"}}) {
        CAPTURE(row.text);
        const auto parsed = parse_hex(row.text);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().what.find(row.says) != std::string::npos);
    }
}

TEST_CASE("bytes: views over text and back, zeroising, digits, big-endian") {
    const std::string text = "8583";
    CHECK(as_text(as_bytes(text)) == text);

    std::array<std::uint8_t, 8> key{1, 2, 3, 4, 5, 6, 7, 8};
    zeroise(key.data(), 4);
    CHECK(key == std::array<std::uint8_t, 8>{0, 0, 0, 0, 5, 6, 7, 8});
    zeroise(nullptr, 0);

    CHECK(all_digits(""));
    CHECK(all_digits("0123456789"));
    for (const char* bad : {"12a", " 12", "1.2", "-1", "/", ":"}) CHECK_FALSE(all_digits(bad));

    std::string out;
    append_be16(out, 0x0102);
    append_be16(out, 0xFFFE);
    CHECK(as_bytes(out).size() == 4);
    CHECK(to_hex(as_bytes(out)) == "0102FFFE");
}

TEST_CASE("fixed text: equality and order are those of the content, and its bound holds") {
    CHECK(FixedText<4>().empty());
    CHECK(FixedText<4>("ab") == FixedText<4>("ab"));
    CHECK(FixedText<4>("ab") != FixedText<4>("abc"));
    CHECK(FixedText<4>("ab") < FixedText<4>("abc"));
    CHECK(FixedText<4>("b") > FixedText<4>("abc"));
    CHECK(FixedText<4>("abcd").size() == 4);
    CHECK(ensure_fails([] { (void)FixedText<4>("abcde"); }));
}

TEST_CASE("fixed text: any two order as their contents do, and equal ones have one hash") {
    // Of a word, of one more than it holds, of two words to the last character; bytes over 0x7F and zeros
    // too.
    const auto play = []<std::size_t N>(FixedText<N>) {
        std::vector<std::string> contents = {""};
        for (std::size_t size = 1; size <= N; ++size)
            for (const char c : {'\0', 'A', '\x80', '\xFF'}) {
                contents.emplace_back(size, 'A');
                contents.back().back() = c;
                contents.emplace_back(size, c);
            }
        for (const std::string& a : contents)
            for (const std::string& b : contents) {
                const FixedText<N> one(a), other(b);
                REQUIRE(one.view() == a);
                REQUIRE((one == other) == (a == b));
                REQUIRE((one < other) == (a < b));
                REQUIRE((one > other) == (a > b));
                REQUIRE((one.hash() == other.hash()) == (a == b));  // of so few
            }
    };
    play(FixedText<1>());
    play(FixedText<2>());
    play(FixedText<3>());
    play(FixedText<4>());
    play(FixedText<7>());
    play(FixedText<8>());
    play(FixedText<12>());
    play(FixedText<15>());
    play(FixedText<45>());
}

TEST_CASE("zero-padded: as many digits as asked for, or as the number has") {
    CHECK(zero_padded(0, 3) == "000");
    CHECK(zero_padded(42, 6) == "000042");
    CHECK(zero_padded(100, 4) == "0100");
    CHECK(zero_padded(999'999, 6) == "999999");
    CHECK(zero_padded(1'000'000, 6) == "1000000");
    CHECK(zero_padded(9, 1) == "9");
    CHECK(zero_padded(10, 1) == "10");
    CHECK(zero_padded(305, 3) == "305");
    CHECK(zero_padded(9'999'999'999, 10) == "9999999999");
    CHECK(zero_padded(7, 12) == "000000000007");
    CHECK(zero_padded(0, 0).empty());
    CHECK(zero_padded(~std::uint64_t{0}, 12) == "18446744073709551615");
}

TEST_CASE("joined: parts in their order, empty ones too") {
    CHECK(joined({}).empty());
    CHECK(joined({"", ""}).empty());
    CHECK(joined({"t", "632501EAEKDO"}) == "t632501EAEKDO");
    CHECK(joined({"898110157220001", "", "10000002", std::string_view("\0a", 2)}) ==
          "89811015722000110000002" + std::string("\0a", 2));
}

TEST_CASE("word hash: keys that differ in a character spread over the low bits") {
    // As keys of the ledger: the last digits count up, or a letter before them differs.
    constexpr std::size_t places = 512;
    std::set<std::size_t> taken, hashes;
    std::size_t keys = 0;
    for (const std::string front : {"t6325", "o6325", "s898110157220001100000010000010"})
        for (int n = 0; n < 80; ++n, ++keys) {
            const std::string digits = std::to_string(42'345'600 + n);
            hashes.insert(word_hash(front + digits));
            taken.insert(word_hash(front + digits) % places);
        }
    CHECK(hashes.size() == keys);
    // By chance some 191 of 240; where they lie in heaps it is a fraction.
    CHECK(taken.size() > 160);
    CHECK(word_hash("") != word_hash(std::string_view("\0", 1)));
    CHECK(word_hash("ab") != word_hash("ba"));
}
