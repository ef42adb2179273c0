#include "iso8583/values/pan.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <new>

using namespace iso8583;

TEST_CASE("PAN: 8 to 19 digits; no Luhn check, since issuers number cards as they like") {
    for (const char* good : {"12345678", "4111111111111111", "4111111111111112", "6212345678900000003"})
        CHECK(Pan::parse(good).value().reveal() == good);
    for (const char* bad :
         {"", "1234567", "62123456789000000031", "411111111111111X", "4111 1111 1111 1111"}) {
        CAPTURE(bad);
        CHECK_FALSE(Pan::parse(bad).has_value());
    }
    CHECK(Pan().empty());
    CHECK(Pan::parse("41111111111111119999").error().what.find("4111") == std::string::npos);
}

TEST_CASE("PAN masked: first six and last four, all stars when that would leave too little hidden") {
    struct Row {
        const char* digits;
        const char* masked;
        const char* last4;
    };
    for (const Row& row : {Row{"6212345678900000003", "621234*********0003", "0003"},
                           {"4111111111111111", "411111******1111", "1111"},
                           {"4000000000006", "400000***0006", "0006"},
                           {"400000000006", "************", "****"},
                           {"12345678", "********", "****"}}) {
        const Pan pan = Pan::parse(row.digits).value();
        CHECK(pan.masked() == row.masked);
        CHECK(pan.last4() == row.last4);
        CHECK(mask_pan_text(row.digits) == row.masked);
    }
}

TEST_CASE("text that should be a PAN and is none is hidden whole") {
    CHECK(mask_pan_text("4111111111111X11") == "****************");
    CHECK(mask_pan_text("41111111111111111111") == std::string(20, '*'));
    CHECK(mask_pan_text("").empty());
}

TEST_CASE("PANs are compared by their digits") {
    const Pan a = Pan::parse("4111111111111111").value();
    const Pan same = Pan::parse("4111111111111111").value();
    const Pan longer = Pan::parse("41111111111111110").value();
    CHECK(a == same);
    CHECK_FALSE(a == longer);
    CHECK_FALSE(a == Pan());
}

TEST_CASE("a PAN leaves no digits behind when it ends") {
    alignas(Pan) unsigned char room[sizeof(Pan)];
    Pan* pan = new (room) Pan(Pan::parse("4111111111111111").value());
    const auto holds_digits = [&room] {
        static constexpr char digits[] = "41111111";
        return std::search(std::begin(room), std::end(room), digits, digits + 8) != std::end(room);
    };
    REQUIRE(holds_digits());
    pan->~Pan();
    CHECK_FALSE(holds_digits());
}
