// Lines of issuers' files (R101): what each column may hold, and what a bad one is told.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "switch/core/issuer_line.hpp"
#include "switch/core/issuer_values.hpp"

using namespace acquirer;
using ledger::IssuerEffect;

namespace {

const iso8583::Currency cny = iso8583::Currency::of(156);
const iso8583::TimeZone shanghai = iso8583::TimeZone::fixed(8 * 3'600);

/// The last line of `lines`, read behind the others; "" when it is empty or a header.
iso8583::Result<std::optional<IssuerLine>> read(const IssuerFileFormat& format,
                                                const std::vector<std::string>& lines) {
    IssuerFileReader reader(format, cny, shanghai);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) REQUIRE(reader.read(lines[i]));
    return reader.read(lines.back());
}
std::string fault(const IssuerFileFormat& format, const std::vector<std::string>& lines) {
    const auto line = read(format, lines);
    return line ? "read" : line.error().what;
}

const std::string journal_line =
    R"({"time":"2026-11-21T02:03:04.567Z","kind":"sale","amount":10000,"currency":"156","rrn":"632500000001",)"
    R"("stan":"000007","pan_last4":"0003","terminal":"10000001","merchant":"898110157220001"})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

const std::string header = "rrn,kind,of,amount,time,pan_last4";

}  // namespace

TEST_CASE("R101 a line of the journal", "[recon]") {
    const auto line = parse_journal_line(journal_line);
    REQUIRE(line);
    CHECK(line->effect == IssuerEffect::sale);
    CHECK_FALSE(line->is_reversal);
    CHECK(line->amount == iso8583::Amount(10'000, cny));
    CHECK(line->rrn == iso8583::Rrn::parse("632500000001").value());
    CHECK(line->card_last4 == "0003");
    CHECK(line->merchant == iso8583::MerchantId::parse("898110157220001").value());
    CHECK(line->time == iso8583::UtcTime{1'795'226'584'567});
    const auto reversal =
        parse_journal_line(replaced(journal_line, R"("kind":"sale")", R"("kind":"reversal","of":"refund")"));
    REQUIRE(reversal);
    CHECK(reversal->is_reversal);
    CHECK(reversal->effect == IssuerEffect::refund);
    CHECK(reversal->identity() != line->identity());
    const auto other_amount = parse_journal_line(replaced(journal_line, "10000", "10001"));
    REQUIRE(other_amount);
    CHECK(other_amount->identity() == line->identity());
}

TEST_CASE("R101 each bad line of a journal is told by its column, and never by its content", "[recon]") {
    struct Row {
        std::string what, by, fault;
    };
    const std::vector<Row> rows = {
        {R"("sale")", R"("loan")", "kind: a word that is not known, here or in the route's `kinds`"},
        {R"("kind":"sale",)", "", "kind: is missing"},
        {R"("kind":"sale")", R"("kind":"reversal")", "of: is missing: what the reversal takes back"},
        {R"("kind":"sale")", R"("kind":"reversal","of":"loan")", "of: has to be sale, refund or void"},
        {R"("amount":10000,)", "", "amount: is missing"},
        {"10000", "0", "amount: is zero"},
        {"10000", "100.00", "a member is neither a text nor a whole number"},
        {"10000", R"("ten")", "amount: 1 to 12 digits are needed, in minor units"},
        {"10000", "1000000000000", "amount: 1 to 12 digits are needed, in minor units"},
        {R"("currency":"156",)", "", "currency: is missing"},
        {R"("time":"2026-11-21T02:03:04.567Z",)", "", "time: is missing"},
        {"2026-11-21T", "2026-02-30T", "time: a date as 2026-11-21 or 2026-11-21T10:00:00 is needed"},
        {R"("rrn":"632500000001",)", "",
         "rrn: is missing, and so is one of stan, transmission_time and terminal"},
        {R"("pan_last4":"0003")", R"("pan_last4":"6212345678900000003")",
         "pan_last4: holds a card's number in clear: only its first six and last four digits may be there"},
        {R"("pan_last4":"0003")", R"("pan_last4":"03")",
         "pan_last4: the last four digits of the card are needed"},
        {R"("stan":"000007")", R"("stan":{"a":1})", "a member is neither a text nor a whole number"},
        {R"("stan":"000007")", R"("stan":true)", "a member is neither a text nor a whole number"},
        {R"("stan":"000007")", R"("kind":"sale")", "two members have one name"},
        {R"("stan":"000007",)", R"("stan":"000007")", "a comma or the end of the JSON object is needed"},
        {R"(220001"})", R"(220001"}x)", "something stands behind the JSON object"},
        {R"(220001"})", R"(220001)", "a text has no end"},
        {R"("000007")", R"("\q")", "an escape in a text that is not understood"},
        {R"({"time")", R"(["time")", "a JSON object is needed"},
    };
    for (const Row& row : rows) {
        INFO(row.what << " → " << row.by);
        const auto line = parse_journal_line(replaced(journal_line, row.what, row.by));
        REQUIRE_FALSE(line);
        CHECK(line.error().what == row.fault);
    }
    CHECK(parse_journal_line(replaced(journal_line, R"("stan")", R"("trace":12,"stan")")));
    CHECK(parse_journal_line(replaced(journal_line, R"(000007)", R"(\u0030\u0030000\u0037)")));
}

TEST_CASE("R101 a CSV by its header, its route's words and forms", "[recon]") {
    IssuerFileFormat format;
    auto line = read(format, {header, "632500000001,sale,,100.00,2026-11-21 10:03:04,621234******0003"});
    REQUIRE(line);
    REQUIRE(*line);
    CHECK((*line)->amount.minor_units() == 10'000);
    CHECK((*line)->time == iso8583::UtcTime{1'795'226'584'000});
    CHECK((*line)->card_last4 == "0003");
    line = read(format, {header, "632500000001,reversal,sale,100,2026-11-21,\r"});
    REQUIRE(line);
    CHECK((*line)->is_reversal);
    CHECK((*line)->date == iso8583::Date{2026, 11, 21});
    CHECK_FALSE((*line)->time);

    format.separator = ';';
    format.amounts = IssuerAmounts::major_comma;
    format.dates = IssuerDates::day_first;
    format.headers = {{IssuerColumn::rrn, "Ref"},
                      {IssuerColumn::kind, "Art"},
                      {IssuerColumn::amount, "Sum"},
                      {IssuerColumn::time, "Tag"}};
    format.kinds.emplace("G", IssuerKind{IssuerEffect::refund, false, true});
    line = read(format, {"\xEF\xBB\xBF"
                         "Tag;Art;Sum;Ref;Bemerkung",
                         R"(21.11.2026;G;60,50;632500000002;"a;""b""")"});
    REQUIRE(line);
    REQUIRE(*line);
    CHECK((*line)->effect == IssuerEffect::refund);
    CHECK((*line)->amount.minor_units() == 6'050);
    CHECK((*line)->date == iso8583::Date{2026, 11, 21});
    CHECK(read(format, {"Tag;Art;Sum;Ref", ""}).value() == std::nullopt);
}

TEST_CASE("R101 each bad line of a CSV is told by its column", "[recon]") {
    const IssuerFileFormat format;
    CHECK(fault(format, {"rrn,amount"}) == "header: no column is kind");
    CHECK(fault(format, {"rrn,kind"}) == "header: no column is amount");
    CHECK(fault(format, {"kind,amount"}) ==
          "header: no column is rrn, nor are there stan, transmission_time and terminal");
    CHECK(fault(format, {"rrn,kind,amount,kind"}) == "header: two columns are kind");
    CHECK(fault(format, {std::string(64, ',') + "rrn"}) == "header: more than 64 columns");
    CHECK(fault(format, {header, "632500000001,sale,,100.00"}) == "has 4 columns, the header has 6");
    CHECK(fault(format, {header, R"("632500000001,sale)"}) == "a quote is not closed");
    CHECK(fault(format, {header, R"("632500000001"x,sale)"}) ==
          "something stands between a quote and the next column");
    CHECK(fault(format, {header, R"(6325"0000001,sale)"}) == "a quote stands inside of a column");
    CHECK(fault(format, {header, "63250000\t0001,sale"}) == "a control character");
    CHECK(fault(format, {header, "632500000001,sale,,100.001,2026-11-21,"}) ==
          "amount: currency 156 has 2 decimals");
    CHECK(fault(format, {header, "632500000001,sale,,-1.00,2026-11-21,"}) ==
          "amount: digits with at most one decimal point are needed, as in 60.00");
    CHECK(fault(format, {header, "632500000001,sale,,1.00,21.11.2026,"}) ==
          "time: a date as 2026-11-21 or 2026-11-21T10:00:00 is needed");
    CHECK(fault(format, {header, "63250000000,sale,,1.00,2026-11-21,"}).substr(0, 5) == "rrn: ");
    IssuerFileReader reader(format, cny, shanghai);
    CHECK_FALSE(reader.read("nothing,known"));
    CHECK(reader.header_is_bad());
    CHECK_FALSE(reader.read("632500000001,sale"));
}

TEST_CASE("R101 dates and amounts in their forms", "[recon]") {
    const auto at = [](std::string_view text, IssuerDates form) {
        return parse_issuer_time(text, form, shanghai);
    };
    const iso8583::UtcTime noon{1'795'233'600'000};  // 2026-11-21T04:00:00Z
    CHECK(at("2026-11-21T12:00", IssuerDates::iso)->time == noon);
    CHECK(at("2026-11-21T04:00:00Z", IssuerDates::iso)->time == noon);
    CHECK(at("2026-11-21T05:00:00.000+01:00", IssuerDates::iso)->time == noon);
    CHECK(at("2026-11-20 23:30:00,0-0430", IssuerDates::iso)->time == noon);
    CHECK(at("20261121120000", IssuerDates::compact)->time == noon);
    CHECK(at("20261121", IssuerDates::compact)->date == iso8583::Date{2026, 11, 21});
    CHECK(at("11/21/2026 12:00:00", IssuerDates::month_first)->time == noon);
    CHECK(at("21-11-2026", IssuerDates::day_first)->date == iso8583::Date{2026, 11, 21});
    for (const char* bad : {"", "2026-11-2", "2026-13-01", "0000-01-01", "2026-11-21T", "2026-11-21T24:00",
                            "2026-11-21T12:00:00.", "2026-11-21T12:00:00+15:00", "2026-11-21T12:00:00Zx"}) {
        INFO(bad);
        CHECK_FALSE(at(bad, IssuerDates::iso));
    }
    CHECK(parse_issuer_amount("6050", IssuerAmounts::minor, cny)->minor_units() == 6'050);
    CHECK(parse_issuer_amount("60,5", IssuerAmounts::major_comma, cny)->minor_units() == 6'050);
    CHECK_FALSE(parse_issuer_amount("60.5", IssuerAmounts::major_comma, cny));
    CHECK_FALSE(parse_issuer_amount("60.5", IssuerAmounts::minor, cny));
    CHECK_FALSE(parse_issuer_amount("", IssuerAmounts::minor, cny));
}
