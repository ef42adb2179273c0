// A route with PIN block format 4 needs 16 bytes in DE52; the standard's 8 stay the standard dialect's.
#include <catch2/catch.hpp>

#include "iso8583/codec.hpp"

using namespace iso8583;

TEST_CASE("an AES PIN block of 16 bytes fits the -pin16 variant of a dialect and no other", "[codec]") {
    for (const char* name : {"iso87-ascii", "iso87-bcd"}) {
        const Dialect& standard = *find_dialect(name);
        const Dialect& wider = with_aes_pin_block(standard);
        CHECK(wider.name() == std::string(name) + "-pin16");
        FieldValues values(Mti::of(200));
        values.set(Field::stan, "000001");
        values.set(Field::pin_data, std::string(16, '\x5A'));
        CHECK(!encode(standard, values));
        auto encoded = encode(wider, values);
        REQUIRE(encoded);
        auto decoded = decode(wider, encoded->body);
        REQUIRE(decoded);
        CHECK(decoded->get(Field::pin_data) == std::string(16, '\x5A'));
    }
    const Dialect& terminal = *find_dialect("unionpay-pos");
    CHECK(&with_aes_pin_block(terminal) == &terminal);
}
