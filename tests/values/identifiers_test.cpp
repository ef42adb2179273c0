#include "iso8583/values/identifiers.hpp"

#include <catch2/catch.hpp>

#include "tests/values/ensure_fails.hpp"

using namespace iso8583;

namespace {
struct Row {
    const char* text;
    bool accepted;
};
template <typename T>
void check_parses(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto parsed = T::parse(row.text);
        CHECK(parsed.has_value() == row.accepted);
        if (parsed) CHECK(parsed->str() == row.text);
    }
}
}  // namespace

TEST_CASE("trace and batch numbers: six digits, leading zeros kept") {
    const std::initializer_list<Row> six_digits = {
        {"000000", true}, {"000001", true},   {"999999", true},  {"", false},
        {"12345", false}, {"1234567", false}, {"12345A", false}, {"-12345", false},
    };
    check_parses<Stan>(six_digits);
    check_parses<BatchNumber>(six_digits);
    CHECK(Stan::parse("000042").value().value() == 42);
    CHECK(Stan::of(7).str() == "000007");
    CHECK(Stan::of(7) < Stan::of(8));
    CHECK(ensure_fails([] { (void)Stan::of(1'000'000); }));
    CHECK(ensure_fails([] { (void)BatchNumber::of(1'000'000); }));
}

TEST_CASE("the batch after the last is 000001, since 000000 is no batch of ours") {
    CHECK(BatchNumber::of(0).next() == BatchNumber::of(1));
    CHECK(BatchNumber::of(41).next() == BatchNumber::of(42));
    CHECK(BatchNumber::of(BatchNumber::value_max).next() == BatchNumber::of(1));
}

TEST_CASE("identifiers: what each accepts") {
    check_parses<Rrn>({{"632600000001", true},
                       {"6326A0Z00001", true},
                       {"63260000000", false},
                       {"6326000000011", false},
                       {"6326a0000001", false},
                       {"632600000 01", false}});
    check_parses<TerminalId>({{"10000001", true},
                              {"POS-0001", true},
                              {"POS 0001", true},
                              {"1000001", false},
                              {"100000011", false},
                              {"1000000\x7f", false},
                              {"1000\n001", false}});
    check_parses<MerchantId>(
        {{"898110157220001", true}, {"89811015722000", false}, {"8981101572200011", false}});
    check_parses<AuthorizationCode>(
        {{"123456", true}, {"A1 B2C", true}, {"12345", false}, {"1234567", false}});
    check_parses<ResponseCode>({{"00", true},
                                {"A0", true},
                                {"Z9", true},
                                {"a0", false},
                                {"0", false},
                                {"000", false},
                                {" 0", false}});
    check_parses<InstitutionId>(
        {{"", true}, {"1", true}, {"01020304050", true}, {"010203040501", false}, {"12A", false}});
}

TEST_CASE("an institution of zeros means: not given") {
    CHECK(InstitutionId::parse("").value().is_zero());
    CHECK(InstitutionId::parse("00000000000").value().is_zero());
    CHECK_FALSE(InstitutionId::parse("00000000001").value().is_zero());
}

TEST_CASE("a bad literal in one of our own tables ends the process") {
    CHECK(ResponseCode::of("A0").view() == "A0");
    CHECK(ensure_fails([] { (void)ResponseCode::of("bad"); }));
}

TEST_CASE("a parse error never quotes the text, which may be a card number") {
    const char* pan = "4111111111111111";
    CHECK(Stan::parse(pan).error().what.find("4111") == std::string::npos);
    CHECK(Rrn::parse(pan).error().what.find("4111") == std::string::npos);
    CHECK(TerminalId::parse(pan).error().what.find("4111") == std::string::npos);
}
