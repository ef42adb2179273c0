// docs/wire.md is true: its check value of a MAC is computed from the page, and its widths are the tables'.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "hsm_sim/mac.hpp"
#include "iso8583/codec.hpp"
#include "tests/test_paths.hpp"

using namespace iso8583;

namespace {

std::string page() {
    std::ifstream in(source_path("docs/wire.md"));
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("the check value of an iso87-ascii message is computed from the page") {
    const std::string text = page();
    std::smatch m;
    REQUIRE(std::regex_search(
        text, m,
        std::regex("Check value: key ([0-9A-F]{32}), [^`]*message `([0-9A-Z]+)`[^;]*; retail "
                   "MAC ([0-9A-F]{16}); the whole message ends in `([0-9A-F]{16})`")));
    const std::string message = m[2];
    const Bytes key = *parse_hex(m[1].str());
    const hsm::Block8 mac = hsm::retail_mac(hsm::TdesCipher(key), as_bytes(message), hsm::MacPadding::zeros);
    CHECK(to_hex(mac) == m[3]);
    // The message with its MAC decodes, and what the MAC covers is all that precedes it.
    const std::string whole = message + m[4].str();
    const auto decoded = decode(*find_dialect("iso87-ascii"), Bytes(whole.begin(), whole.end()));
    INFO((decoded ? "" : decoded.error().str()));
    REQUIRE(decoded.has_value());
    CHECK(decoded->mti() == Mti::of(200));
    CHECK(decoded->get(Field::amount_transaction) == "000000001000");
    CHECK(as_text(decoded->mac_input()) == message);
    CHECK(decoded->get(Field::mac_primary) == as_text(mac));
    // One digit more to pay is another MAC.
    std::string other = message;
    other.replace(other.find("000000001000"), 12, "000000001001");
    CHECK(to_hex(hsm::retail_mac(hsm::TdesCipher(key), as_bytes(other), hsm::MacPadding::zeros)) != m[3]);
}

TEST_CASE("the widths of DE66 to DE99 are those of the tables") {
    const std::string text = page();
    const std::regex width("\\| DE([0-9]+) (x\\+n|ans|an|n|b)(\\.\\.)?([0-9]+) (?=\\|)");
    int found = 0;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), width); at != std::sregex_iterator();
         ++at) {
        const int number = std::stoi((*at)[1]);
        INFO("DE" << number);
        for (const char* name : {"iso87-ascii", "iso87-bcd"}) {
            const FieldSpec* spec = find_dialect(name)->field_spec(number);
            REQUIRE(spec != nullptr);
            CHECK(name_of(spec->content) == (*at)[2].str());
            CHECK(spec->fixed() == !(*at)[3].matched);
            CHECK(spec->max == std::stoi((*at)[4]));
        }
        ++found;
    }
    CHECK(found == 34);
}

TEST_CASE("DE54 holds six amounts in both profiles") {
    std::string amounts;
    for (int i = 0; i < 6; ++i) amounts += "0002156C00000000100" + std::to_string(i);
    REQUIRE(amounts.size() == 120);
    for (const char* name : {"unionpay-pos", "iso87-ascii", "iso87-bcd"}) {
        INFO(name);
        FieldValues v(Mti::of(210));
        v.set(Field::additional_amounts, amounts);
        const auto encoded = encode(*find_dialect(name), v);
        REQUIRE(encoded.has_value());
        CHECK(decode(*find_dialect(name), encoded->body)->get(Field::additional_amounts) == amounts);
        v.set(Field::additional_amounts, amounts + "1");
        CHECK_FALSE(encode(*find_dialect(name), v).has_value());
    }
}
