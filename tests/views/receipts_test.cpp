// Slips for customers: a golden of each kind in both languages.
#include <catch2/catch.hpp>
#include <sstream>

#include "iso8583/values/currency_letters.hpp"
#include "switch/admin/receipt_text.hpp"
#include "switch/admin/text_view.hpp"
#include "tests/views/golden_text.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using acquirer::admin::receipt_text;
using acquirer::admin::width_of;
using ledger::State;
using ledger::TransactionKind;
using sample::World;

namespace {

std::string slip(const World& world, std::string_view id, SlipLanguage language) {
    const auto view = view_receipt(world.context(), id, language);
    REQUIRE(view);
    return receipt_text(*view);
}

/// Beside what the sample has: a case that was approved, a void and its sale, a sale that was reversed.
void fill_more(ledger::MemoryStore& store) {
    auto approved = sample::record("632500000011", TransactionKind::refund, State::approved, 1'200'000, "01");
    approved.original = sample::rrn("632500000001");
    approved.from_operations = true;
    approved.reference = "T-2041";
    approved.reason = "quality";
    approved.maker = "maker1";
    approved.checker = "checker1";
    approved.history = {{sample::noon, State::held, "R17"},
                        {sample::noon.plus_ms(3'600'000), State::cleared, "R17"},
                        {sample::noon.plus_ms(3'600'000), State::advice_pending, "R8"},
                        {sample::noon.plus_ms(3'601'500), State::approved, "R8"}};
    sample::keep(store, approved);

    auto voided = sample::record("632500000012", TransactionKind::sale, State::voided, 7'700, "00");
    voided.answer->authorization = iso8583::AuthorizationCode::parse("Z9Y8X7").value();
    voided.voided_by = sample::rrn("632500000013");
    sample::keep(store, voided);
    auto its_void = sample::record("632500000013", TransactionKind::void_sale, State::voided, 7'700, "00");
    its_void.original = voided.rrn;
    sample::keep(store, its_void);

    sample::keep(store, sample::record("632500000014", TransactionKind::sale, State::reversed, 5'000, "00"));
    auto silent = sample::record("632500000015", TransactionKind::sale, State::reversed, 9'968, "98");
    silent.refusal = static_cast<std::uint8_t>(Refusal::issuer_silent);
    sample::keep(store, silent);
}

}  // namespace

TEST_CASE("receipts: every kind in both languages") {
    World world;
    fill_more(world.store);
    struct Row {
        const char* golden;
        const char* id;
    };
    const Row rows[] = {
        {"sale", "632500000001"},        {"refund", "632500000002"},    {"refused", "632500000003"},
        {"held", "632500000004"},        {"pending", "632500000006"},   {"approved_case", "632500000011"},
        {"voided_sale", "632500000012"}, {"void", "632500000013"},      {"reversed", "632500000014"},
        {"silent", "632500000015"},      {"reversing", "632500000005"},
    };
    for (const Row& row : rows) {
        golden::check(std::string("receipt_") + row.golden, slip(world, row.id, SlipLanguage::english));
        golden::check(std::string("receipt_") + row.golden + "_zh",
                      slip(world, row.id, SlipLanguage::chinese));
    }
}

TEST_CASE("receipts: a refused refund's slip says so at its head, and why") {
    const World world;
    const std::string english = slip(world, "632500000003", SlipLanguage::english);
    CHECK(english.find("*** REFUSED ***") < english.find("Merchant"));
    CHECK(english.find("more than what remains of the sale\n") != std::string::npos);
    const std::string chinese = slip(world, "632500000003", SlipLanguage::chinese);
    CHECK(chinese.find("*** 拒绝 ***") < chinese.find("商户号"));
    CHECK(chinese.find("金额超过原交易可退余额\n") != std::string::npos);
}

TEST_CASE(
    "receipts: of every state and every refusal there are words of both languages, and they fit the slip") {
    for (const SlipLanguage language : {SlipLanguage::english, SlipLanguage::chinese}) {
        for (const RefusalInfo& refusal : all_refusals())
            CHECK(slip_refusal(refusal.refusal, language).empty() ==
                  (refusal.refusal == Refusal::none && language == SlipLanguage::chinese));
        for (int value = static_cast<int>(State::intent); value <= static_cast<int>(State::merchant_account);
             ++value) {
            World world;
            const auto state = static_cast<State>(value);
            auto record = sample::record("632500000020", TransactionKind::refund, state, 100, "00");
            record.refusal = static_cast<std::uint8_t>(Refusal::issuer_answer_invalid);
            sample::keep(world.store, record);
            const std::string text = slip(world, "632500000020", language);
            INFO(text);
            CHECK(text.find(slip_head(state, language)) != std::string::npos);
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);) CHECK(width_of(line) <= 40);
        }
    }
}

TEST_CASE("receipts: a reason of the operator's own stands as it is") {
    CHECK(slip_reason("quality", SlipLanguage::english) == "the goods are faulty");
    CHECK(slip_reason("quality", SlipLanguage::chinese) == "商品质量问题");
    CHECK(slip_reason("campaign-7", SlipLanguage::english) == "campaign-7");
    CHECK(slip_reason("campaign-7", SlipLanguage::chinese) == "campaign-7");
}

TEST_CASE("receipts: a currency has its letters, a number of none its digits") {
    const std::pair<std::uint16_t, std::string> rows[] = {{156, "CNY"}, {8, "ALL"},   {986, "BRL"},
                                                          {978, "EUR"}, {344, "HKD"}, {999, "999"},
                                                          {0, "000"},   {157, "157"}};
    for (const auto& [number, letters] : rows)
        CHECK(iso8583::currency_letters(iso8583::Currency::of(number)) == letters);
}
