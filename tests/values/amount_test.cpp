#include "iso8583/values/amount.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/values/ensure_fails.hpp"

using namespace iso8583;

namespace {
const Currency yuan = Currency::of(156);
const Currency yen = Currency::of(392);
const Currency kuwaiti_dinar = Currency::of(414);
}  // namespace

TEST_CASE("currency: three digits, its decimals those of ISO 4217") {
    CHECK(Currency::parse("156").value() == yuan);
    CHECK(Currency::parse("036").value().str() == "036");
    for (const char* bad : {"", "15", "1560", "CNY", "1 6"}) CHECK_FALSE(Currency::parse(bad).has_value());
    CHECK(yuan.exponent() == 2);
    CHECK(yen.exponent() == 0);
    CHECK(kuwaiti_dinar.exponent() == 3);
    CHECK(ensure_fails([] { (void)Currency::of(1000); }));
}

TEST_CASE("amount of a message: exactly twelve digits") {
    CHECK(Amount::parse_field("000000010000", yuan).value().minor_units() == 10000);
    CHECK(Amount::parse_field("999999999999", yuan).value().minor_units() == Amount::minor_units_max);
    CHECK(Amount::parse_field("000000000000", yuan).value().is_zero());
    for (const char* bad : {"", "10000", "0000000010000", "00000001000A", "00000001000 ", "-00000010000"}) {
        CAPTURE(bad);
        CHECK_FALSE(Amount::parse_field(bad, yuan).has_value());
    }
    CHECK(Amount(10000, yuan).field() == "000000010000");
    CHECK(ensure_fails([] { (void)Amount(-1, yuan).field(); }));
    CHECK(ensure_fails([] { (void)Amount(Amount::minor_units_max + 1, yuan).field(); }));
}

TEST_CASE("amount as a person types it") {
    struct Row {
        const char* text;
        Currency currency;
        std::int64_t minor_units;  // -1: refused
    };
    for (const Row& row : {Row{"60", yuan, 6000},
                           {"60.00", yuan, 6000},
                           {"60.5", yuan, 6050},
                           {"0.01", yuan, 1},
                           {"0", yuan, 0},
                           {"9999999999.99", yuan, 999'999'999'999},
                           {"10000000000.00", yuan, -1},
                           {"9999999999999", yuan, -1},
                           {"60.001", yuan, -1},
                           {"60.", yuan, -1},
                           {".60", yuan, -1},
                           {"", yuan, -1},
                           {"-60.00", yuan, -1},
                           {"+60", yuan, -1},
                           {"60,00", yuan, -1},
                           {"1e3", yuan, -1},
                           {"6.0.0", yuan, -1},
                           {"60", yen, 60},
                           {"60.0", yen, -1},
                           {"1.234", kuwaiti_dinar, 1234},
                           {"1.2345", kuwaiti_dinar, -1}}) {
        CAPTURE(row.text, row.currency.str());
        const auto parsed = Amount::parse_major(row.text, row.currency);
        REQUIRE(parsed.has_value() == (row.minor_units >= 0));
        if (parsed) CHECK(parsed->minor_units() == row.minor_units);
    }
}

TEST_CASE("amount for people: the currency's decimals, also below one and below zero") {
    CHECK(Amount(6000, yuan).major() == "60.00");
    CHECK(Amount(1, yuan).major() == "0.01");
    CHECK(Amount(0, yuan).major() == "0.00");
    CHECK(Amount(-350, yuan).major() == "-3.50");
    CHECK(Amount(-5, yuan).major() == "-0.05");
    CHECK(Amount(60, yen).major() == "60");
    CHECK(Amount(7, kuwaiti_dinar).major() == "0.007");
}

TEST_CASE("typed amounts come back as they were, for every number of decimals") {
    for (const Currency currency : {yuan, yen, kuwaiti_dinar})
        for (std::int64_t minor : {0LL, 1LL, 9LL, 10LL, 99LL, 100LL, 101LL, 12345LL, 999'999'999'999LL}) {
            const Amount amount(minor, currency);
            CAPTURE(amount.major());
            CHECK(Amount::parse_major(amount.major(), currency).value() == amount);
            CHECK(Amount::parse_field(amount.field(), currency).value() == amount);
        }
}

TEST_CASE("arithmetic is checked: overflow and a second currency are our bug") {
    CHECK(Amount(100, yuan) + Amount(1, yuan) == Amount(101, yuan));
    CHECK(Amount(100, yuan) - Amount(101, yuan) == Amount(-1, yuan));
    CHECK_FALSE(Amount(100, yuan) == Amount(100, yen));
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    CHECK(ensure_fails([] { (void)(Amount(most, yuan) + Amount(1, yuan)); }));
    CHECK(ensure_fails([] { (void)(Amount(least, yuan) - Amount(1, yuan)); }));
    CHECK(ensure_fails([] { (void)(Amount(1, yuan) + Amount(1, yen)); }));
    CHECK(ensure_fails([] { (void)(Amount(1, yuan) - Amount(1, yen)); }));
}
