#include "bench/load_books.hpp"

#include <catch2/catch.hpp>

using namespace bench;

namespace {
JournalEntry line(const char* kind, const char* rrn, std::int64_t amount, const char* of = "") {
    return {kind, of, rrn, amount};
}
}  // namespace

TEST_CASE("A journal line is read, anything else is not") {
    JournalEntry e;
    REQUIRE(parse_journal_line(
        R"({"time":"2026-11-21T21:47:52.123Z","kind":"reversal","of":"sale","amount":900,"currency":"156","rrn":"632500000005","stan":"000006","pan_last4":"0003","terminal":"10000001","merchant":"898110157220001"})",
        e));
    CHECK(e.kind == "reversal");
    CHECK(e.of == "sale");
    CHECK(e.rrn == "632500000005");
    CHECK(e.amount == 900);
    for (const char* wrong :
         {"", "{}", R"({"kind":"sale","rrn":"1","amount":"x"})", R"({"kind":"sale","amount":1})",
          R"({"kind":"sale","rrn":"1","amount":12)", R"({"kind":"reversal","rrn":"1","amount":1})"})
        CHECK_FALSE(parse_journal_line(wrong, e));
}

TEST_CASE("Books that agree, with voids as each issuer has them") {
    LoadBooks books;
    for (std::size_t issuer : {0U, 1U}) {
        books.sold(issuer, "S1", 1'000);
        books.refunded(issuer, "R1", 400);
        books.sold(issuer, "S2", 700);
        books.voided(issuer, "V2", "S2", 700);
        books.sold(issuer, "S3", 300);
        books.sale_reversed(issuer, "S3", 300);
    }
    std::vector<JournalEntry> journal = {line("sale", "S1", 1'000), line("refund", "R1", 400),
                                         line("sale", "S2", 700), line("sale", "S3", 300),
                                         line("reversal", "S3", 300, "sale")};
    std::vector<JournalEntry> a = journal, b = journal;
    a.push_back(line("reversal", "S2", 700, "sale"));
    b.push_back(line("void", "V2", 700));
    for (std::size_t issuer : {0U, 1U}) {
        const auto result = books.compare(issuer, issuer == 0 ? a : b);
        CHECK(result.agrees());
        CHECK(result.journal == books.expected_of_issuer(issuer));
        CHECK(result.journal.net() == 600);
    }
    CHECK_FALSE(books.compare(0, b).agrees());
}

TEST_CASE("Every difference is found and named") {
    LoadBooks books;
    books.sold(0, "S1", 1'000);
    books.refunded(0, "R1", 400);
    struct Row {
        std::vector<JournalEntry> journal;
        const char* words;
    };
    for (const Row& row :
         {Row{{line("sale", "S1", 1'000)}, "RRN R1: terminals were told -400, the issuer has 0"},
          {{line("sale", "S1", 1'001), line("refund", "R1", 400)},
           "RRN S1: terminals were told 1000, the issuer has 1001"},
          {{line("sale", "S1", 1'000), line("refund", "R1", 400), line("refund", "R1", 400)},
           "RRN R1: terminals were told -400, the issuer has -800"},
          {{line("sale", "S1", 1'000), line("refund", "R1", 400), line("sale", "S9", 5)},
           "RRN S9: terminals were told 0, the issuer has 5"}}) {
        const auto result = books.compare(0, row.journal);
        CHECK(result.differences == 1);
        REQUIRE(result.first_differences.size() == 1);
        CHECK(result.first_differences[0] == row.words);
    }
    // What was sold, never told and reversed by the switch leaves nothing to compare.
    CHECK(books
              .compare(0, {line("sale", "S1", 1'000), line("refund", "R1", 400), line("sale", "S9", 5),
                           line("reversal", "S9", 5, "sale")})
              .agrees());
    books.uncertain("R1");
    CHECK(books.compare(0, {line("sale", "S1", 1'000)}).agrees());
}

TEST_CASE("Holds are compared by what was authorized and not voided, and are no money") {
    LoadBooks books;
    for (const char* rrn : {"A1", "A2"}) books.held(issuer_b, rrn, 1'000);
    books.hold_lifted(issuer_b, "A2", 1'000);
    books.sold(issuer_b, "C1", 1'150);  // completes A1
    const std::vector<JournalEntry> journal = {
        line("authorization", "A1", 1'000), line("authorization", "A2", 1'000),
        line("reversal", "A2", 1'000, "authorization"), line("sale", "C1", 1'150)};
    const auto result = books.compare(issuer_b, journal);
    CHECK(result.agrees());
    CHECK(result.journal == books.expected_of_issuer(issuer_b));
    CHECK(result.journal.net() == 1'150);

    auto lifts_nothing = journal;
    lifts_nothing.erase(lifts_nothing.begin() + 2);
    auto holds_more = journal;
    holds_more.push_back(line("authorization", "A9", 5));
    struct Row {
        std::vector<JournalEntry> journal;
        const char* words;
    };
    for (const Row& row : {Row{lifts_nothing, "RRN A2 (held): terminals were told 0, the issuer has 1000"},
                           {holds_more, "RRN A9 (held): terminals were told 0, the issuer has 5"}}) {
        const auto differing = books.compare(issuer_b, row.journal);
        REQUIRE(differing.first_differences.size() == 1);
        CHECK(differing.first_differences[0] == row.words);
    }
}
