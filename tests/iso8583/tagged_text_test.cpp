// What wallets' data elements hold, and what nobody may see of it.
#include <catch2/catch.hpp>

#include "iso8583/masking.hpp"
#include "iso8583/tagged_text.hpp"

using namespace iso8583;

TEST_CASE("tagged text: elements one after the other, found by their tag", "[R80]") {
    const std::string text = tagged_text("A3", "134567890123456789") + tagged_text("A4", "W-1");
    CHECK(text == "A3018134567890123456789A4003W-1");
    CHECK(tagged_value(text, "A3").value() == "134567890123456789");
    CHECK(tagged_value(text, "A4").value() == "W-1");
    CHECK(tagged_value(text, "A5").value().empty());
    CHECK(tagged_value("", "A3").value().empty());
    CHECK(tagged_value("A3000", "A3").value().empty());
    CHECK(tagged_value("A3001xA3001y", "A3").value() == "x");  // the first
    CHECK(tagged_value(tagged_text("A4", std::string(999, 'x')), "A4").value().size() == 999);
}

TEST_CASE("tagged text: what does not consist of elements is refused with its offset, not its content") {
    for (const char* bad : {"A", "A3", "A301", "A30X8134", "A3018134", "W", "A3-01x"}) {
        INFO(bad);
        const auto value = tagged_value(bad, "A3");
        REQUIRE_FALSE(value);
        CHECK(value.error().what.starts_with("offset 0: "));
    }
    const auto second = tagged_value("A4003W-1A3018134", "A4");
    REQUIRE_FALSE(second);
    CHECK(second.error().what.starts_with("offset 8: "));
    CHECK(second.error().what.find("134") == std::string::npos);
}

TEST_CASE("tagged text: a payment code is stars wherever a text is shown", "[I10][R80]") {
    CHECK(mask_payment_codes("A3018134567890123456789A4003W-1") == "A3018******************A4003W-1");
    CHECK(mask_payment_codes("before A3018134567890123456789") == "before A3018******************");
    CHECK(mask_payment_codes("A301813456") == "A3018*****");  // cut off
    CHECK(mask_payment_codes("A3 018 and other words") == "A3 018 and other words");
    struct Row {
        const char *text, *shown;
    };
    for (const Row& row : {
             // Another tag, by configuration: nobody here knows it.
             Row{"B7018134567890123456789A4003W-1", "B7018******************A4003W-1"},
             {"A4003W-1030192876543210987654321", "A4003W-103019*******************"},
             {"B700513456A4001x", "B700513456A4001x"},      // shorter than any code
             {"B7011CODE-123456", "B7011CODE-123456"},      // no digits alone
             {"A40144200001234567", "A40144200001234567"},  // an order number, cut off
             {"A4028420000123420261130123456789", "A4028420000123420261130123456789"},
             {"B7018134567", "B7018******"},  // cut off
             {"A4003W-1B7018134567", "A4003W-1B7018******"},
             {"898110157220001", "898110157220001"},  // DE42
             {"10000001", "10000001"},                // DE41
             {"120123456789012", "120123456789012"},  // digits alone are no element that is cut off
             {"VOUCHER 1234567890", "VOUCHER 1234567890"},
         }) {
        INFO(row.text);
        CHECK(mask_payment_codes(row.text) == row.shown);
    }
    for (const Content content : {Content::ans, Content::ansg})
        CHECK(masked_content(content, Secret::none, "A3018134567890123456789") == "A3018******************");
}
