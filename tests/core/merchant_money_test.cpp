// A merchant's own money: fees and their return, discounts, reserve, adjustments, bounds of caution. The
// stories are flows; here are the arithmetic, what a terminal does not see, and that the checkers see faults.
#include <catch2/catch.hpp>

#include "ledger/merchant_books.hpp"
#include "switch/core/discounts.hpp"
#include "switch/core/fees.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::MerchantConfig;
using ledger::FeeReturn;
using ledger::FeeTier;
using ledger::Instrument;

namespace {

const std::vector<FeeTier> sixty{{0, 60}};
constexpr std::int64_t amount_max = iso8583::Amount::minor_units_max;

std::function<void(acquirer::Configuration&)> merchants(const std::function<void(MerchantConfig&)>& change) {
    return [change](acquirer::Configuration& c) {
        for (auto& [id, merchant] : c.merchants) change(merchant);
    };
}

std::function<void(acquirer::Configuration&)> fees_of(FeeReturn fee_return,
                                                      const std::vector<FeeTier>& tiers = sixty) {
    return merchants([=](MerchantConfig& m) {
        m.fees[Instrument::card] = tiers;
        m.refund.fee_on_refund = fee_return;
    });
}

std::int64_t fee(const Desk& d, const std::string& rrn) { return d.record(rrn).charges.fee_minor; }

std::vector<ledger::MerchantEntry> entries(Desk& d, ledger::MerchantBook book) {
    std::vector<ledger::MerchantEntry> all;
    REQUIRE(ledger::visit_merchant_entries(d.overlay(), ledger::all_keys(ledger::prefix_of(book)),
                                           [&](const ledger::MerchantEntry& e) {
                                               all.push_back(e);
                                               return true;
                                           }));
    return all;
}

std::vector<std::string> faults(Desk& d) {
    ledger::Overlay overlay(d.store());
    ledger::Ledger books(overlay);
    books.recover();
    auto found = acquirer::find_merchant_money_faults(d.store(), books.totals());
    REQUIRE(found);
    return found->faults;
}

/// An even sequence that a seed gives; the same each run.
struct Draw {
    std::uint64_t state;
    std::int64_t between(std::int64_t from, std::int64_t to) {
        state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
        return from + static_cast<std::int64_t>((state >> 11) % static_cast<std::uint64_t>(to - from + 1));
    }
};

}  // namespace

TEST_CASE("fees: rounded to the nearest minor unit once, at the sale", "[fees]") {
    struct Row {
        std::int64_t amount, basis_points, fee;
    };
    const auto row =
        GENERATE(Row{10'000, 60, 60}, Row{1, 60, 0}, Row{83, 60, 0}, Row{84, 60, 1}, Row{10'000, 0, 0},
                 Row{10'000, 10'000, 10'000}, Row{12'345, 38, 47}, Row{amount_max, 10'000, amount_max});
    CHECK(acquirer::fees::fee_of({{0, static_cast<std::uint32_t>(row.basis_points)}}, row.amount) == row.fee);
}

TEST_CASE("fees: an amount belongs to the tier that ends at or above it", "[fees]") {
    const std::vector<FeeTier> tiers{{10'000, 38}, {100'000, 55}, {0, 60}};
    CHECK(acquirer::fees::basis_points_of(tiers, 10'000) == 38);
    CHECK(acquirer::fees::basis_points_of(tiers, 10'001) == 55);
    CHECK(acquirer::fees::basis_points_of(tiers, 100'001) == 60);
    CHECK(acquirer::fees::fee_of({}, 10'000) == 0);
}

TEST_CASE("fees: a refund of 33.33 of 100.00 at 60 basis points returns 19, the last part the rest",
          "[fees]") {
    const auto returned = [](std::int64_t counted) {
        return acquirer::fees::returned_of(FeeReturn::return_proportional, 60, 10'000, counted);
    };
    CHECK(returned(3'333) == 19);
    CHECK(returned(6'666) == 39);
    CHECK(returned(10'000) == 60);
    CHECK(acquirer::fees::returned_of(FeeReturn::keep, 60, 10'000, 10'000) == 0);
    CHECK(acquirer::fees::returned_of(FeeReturn::return_on_full, 60, 10'000, 9'999) == 0);
    CHECK(acquirer::fees::returned_of(FeeReturn::return_on_full, 60, 10'000, 10'000) == 60);
}

TEST_CASE("fees: any split of a refund returns in sum exactly the fee of the whole", "[fees][property]") {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        Draw draw{seed};
        const std::int64_t amount = draw.between(1, seed % 2 == 0 ? 100'000 : amount_max);
        const auto points = static_cast<std::uint32_t>(draw.between(0, 10'000));
        const std::int64_t fee = acquirer::fees::fee_of({{0, points}}, amount);
        std::int64_t counted = 0, returned = 0, sum = 0;
        while (counted < amount) {
            const std::int64_t part = draw.between(1, std::max<std::int64_t>(1, (amount - counted) / 2 + 1));
            counted += std::min(part, amount - counted);
            const std::int64_t now =
                acquirer::fees::returned_of(FeeReturn::return_proportional, fee, amount, counted);
            INFO("seed " << seed << ", " << counted << " of " << amount << ", fee " << fee);
            REQUIRE(now >= returned);  // no part takes anything
            REQUIRE(now <= fee);
            sum += now - returned;
            returned = now;
        }
        REQUIRE(sum == fee);
    }
}

TEST_CASE("R102 the parts of all refunds add up to the sale's, however it is split", "[R102][property]") {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        Draw draw{seed};
        ledger::TransactionRecord sale;
        const std::int64_t amount = draw.between(3, 1'000'000);
        sale.amount = iso8583::Amount(amount, iso8583::Currency::of(156));
        sale.charges.wallet_funded_minor = draw.between(0, amount / 2);
        sale.charges.merchant_funded_minor = draw.between(0, amount / 2);
        acquirer::discounts::Parts sum;
        for (std::int64_t counted = 0; counted < amount;) {
            const std::int64_t part = std::min(draw.between(1, amount), amount - counted);
            const auto parts = acquirer::discounts::parts_of_refund(sale, counted, part);
            INFO("seed " << seed);
            REQUIRE(parts.paid_minor + parts.wallet_funded_minor + parts.merchant_funded_minor == part);
            REQUIRE(parts.paid_minor >= 0);
            REQUIRE(parts.wallet_funded_minor >= 0);
            sum.paid_minor += parts.paid_minor;
            sum.wallet_funded_minor += parts.wallet_funded_minor;
            sum.merchant_funded_minor += parts.merchant_funded_minor;
            counted += part;
        }
        REQUIRE(sum.wallet_funded_minor == sale.charges.wallet_funded_minor);
        REQUIRE(sum.merchant_funded_minor == sale.charges.merchant_funded_minor);
    }
}

TEST_CASE("R1 R12 a fee's postings balance, and its statement tells each change", "[fees][R1][R12]") {
    Desk d(fees_of(FeeReturn::return_proportional));
    const Answer sale = d.sale();
    REQUIRE(d.ask(d.refund_of(sale, "000000003333"))->code == "00");
    REQUIRE(d.ask(d.refund_of(sale, "000000006667"))->code == "00");
    const auto all = entries(d, ledger::MerchantBook::fees);
    REQUIRE(all.size() == 3);
    CHECK(all[0].from_merchant_minor() == 60);
    CHECK(all[1].from_merchant_minor() == -19);
    CHECK(all[2].from_merchant_minor() == -41);
    CHECK(all[0].rule == "R1");
    CHECK(all[2].stands_minor == 0);
    CHECK(all[1].number == 2);
    CHECK(faults(d).empty());
}

TEST_CASE("fees: terms are those of the sale's approval, whatever the configuration says later", "[fees]") {
    Desk d(fees_of(FeeReturn::return_proportional));
    const Answer sale = d.sale();
    auto changed = std::make_shared<acquirer::Configuration>(*d.configuration);
    fees_of(FeeReturn::keep, {{0, 100}})(*changed);
    d.configuration = changed;
    d.offer(acquirer::ConfigReplaced{changed});
    REQUIRE(d.ask(d.refund_of(sale, "000000005000"))->code == "00");
    CHECK(fee(d, sale.rrn) == 30);
    const Answer later = d.sale();
    REQUIRE(d.ask(d.refund_of(later, "000000005000"))->code == "00");
    CHECK(fee(d, later.rrn) == 100);
}

TEST_CASE("fees: a merchant without a schedule for the instrument pays nothing", "[fees]") {
    Desk d(merchants([](MerchantConfig& m) { m.fees[Instrument::alipay] = sixty; }));
    const Answer sale = d.sale();
    CHECK(fee(d, sale.rrn) == 0);
    CHECK(entries(d, ledger::MerchantBook::fees).empty());
}

TEST_CASE("fees: a restart loses and doubles nothing", "[fees]") {
    Desk d(fees_of(FeeReturn::return_proportional));
    const Answer sale = d.sale();
    d.restart();
    REQUIRE(d.ask(d.refund_of(sale, "000000003333"))->code == "00");
    const auto all = entries(d, ledger::MerchantBook::fees);
    REQUIRE(all.size() == 2);
    CHECK(all[1].number == 2);  // numbered on, though the counter was only in the turns' differences
    CHECK(faults(d).empty());
}

TEST_CASE("I12 I13 a figure that is not its function is found in a ledger at rest", "[fees][I12][I13]") {
    Desk d(merchants([](MerchantConfig& m) {
        m.fees[Instrument::card] = sixty;
        m.refund.fee_on_refund = FeeReturn::return_proportional;
        m.refund.funding = acquirer::RefundFunding::reserve;
        m.refund.reserve_percent = 50;
    }));
    const Answer sale = d.sale();
    const auto refund = d.ask(d.refund_of(sale, "000000001000"));
    REQUIRE(refund->code == "00");
    REQUIRE(faults(d).empty());
    const auto tampered = [&](const std::string& rrn, const auto& change) {
        auto copy = d.back_up();
        ledger::TransactionRecord record = d.record(rrn);
        change(record);
        ledger::Overlay overlay(*copy);
        overlay.put(ledger::Family::journal, ledger::transaction_key(record.rrn), encode(record));
        ledger::Ledger books(overlay);
        books.recover();
        const auto found = acquirer::find_merchant_money_faults(overlay, books.totals());
        REQUIRE(found);
        std::string all;
        for (const std::string& fault : found->faults) all += fault + "\n";
        return all;
    };
    using Record = ledger::TransactionRecord;
    CHECK(tampered(sale.rrn, [](Record& r) { ++r.charges.fee_minor; }).find("I12") != std::string::npos);
    CHECK(tampered(refund->rrn, [](Record& r) { r.drawn_minor = 999; }).find("I13") != std::string::npos);
    CHECK(tampered(refund->rrn, [](Record& r) { r.drawn_minor = 1'001; }).find("counts 1000") !=
          std::string::npos);
}

TEST_CASE("ledger: what a merchant's money keeps reads back as it was written", "[ledger]") {
    ledger::TransactionRecord record;
    record.rrn = iso8583::Rrn::parse("632500000001").value();
    record.amount = iso8583::Amount(10'000, iso8583::Currency::of(156));
    record.charges = {FeeReturn::return_on_full, {{10'000, 38}, {0, 60}}, 60, 10, 1'000, 7, 8, 9};
    record.drawn_minor = 77;
    record.caution = {{ledger::CautionBound::operator_number, 3, 2}, {ledger::CautionBound::counters, 2, 1}};
    const auto back = ledger::decode_transaction_record(encode(record));
    REQUIRE(back);
    CHECK(*back == record);

    ledger::Adjustment charge;
    charge.merchant = iso8583::MerchantId::parse("898110157220001").value();
    charge.reference = "PROMO-1";
    charge.amount = iso8583::Amount(299, iso8583::Currency::of(156));
    charge.given_back_minor = 99;
    const auto read = ledger::decode_adjustment(encode(charge));
    REQUIRE(read);
    CHECK(read->reference == charge.reference);
    CHECK(read->amount == charge.amount);
    CHECK(read->given_back_minor == 99);
    std::string bytes = encode(charge);
    bytes.pop_back();
    CHECK_FALSE(ledger::decode_adjustment(bytes));
    CHECK_FALSE(ledger::decode_merchant_entry(encode(charge)));
}

TEST_CASE("R102 DE54 of a sale's answer splits it; a refund asks the merchant for what it was paid",
          "[R102]") {
    Desk d;
    const std::string wallet =
        "00"
        "80"
        "156"
        "C"
        "000000001000";
    const std::string merchant =
        "00"
        "81"
        "156"
        "C"
        "000000002000";
    d.issuer = [&](const Sent& s) {
        Does does;
        if (s.fields.get(iso8583::Field::processing_code) == "000000")
            does.additional_amounts = wallet + merchant;
        return does;
    };
    const Answer sale = d.sale();
    const auto charges = d.record(sale.rrn).charges;
    CHECK(charges.wallet_funded_minor == 1'000);
    CHECK(charges.merchant_funded_minor == 2'000);
    CHECK(charges.discount_minor == 2'000);
    REQUIRE(d.ask(d.refund_of(sale, "000000005000"))->code == "00");
    CHECK(d.record(sale.rrn).charges.discount_minor == 1'000);
    REQUIRE(d.ask(d.refund_of(sale, "000000005000"))->code == "00");
    CHECK(d.record(sale.rrn).charges.discount_minor == 0);
    CHECK(faults(d).empty());
}

TEST_CASE("R102 what DE54 must not say is no discount", "[R102]") {
    routing::Route route;
    const iso8583::Amount sale(10'000, iso8583::Currency::of(156));
    const auto read = [&](const std::string& text) {
        return acquirer::discounts::read_split(text, route, sale).has_value();
    };
    CHECK(read("0080156C000000001000"));
    CHECK(read(""));
    CHECK(read("0002156C000000999999"));  // a balance: of no type that matters
    CHECK_FALSE(read("0080156C00000000100"));
    CHECK_FALSE(read("0080840C000000001000"));
    CHECK_FALSE(read("0080156C00000000A000"));
    CHECK_FALSE(read("0080156C000000010001"));  // more than the sale
}

TEST_CASE("R104 a void takes back what the reserve still has", "[R104]") {
    Desk d(merchants([](MerchantConfig& m) {
        m.refund.funding = acquirer::RefundFunding::reserve;
        m.refund.reserve_percent = 10;
        m.refund.on_short = acquirer::OnCaution::refuse;
    }));
    const Answer first = d.sale();
    const Answer second = d.sale();
    REQUIRE(d.ask(d.refund_of(first, "000000001500"))->code == "00");
    CHECK(d.ask(d.refund_of(first, "000000000501"))->code == "51");
    REQUIRE(d.ask(d.void_of(second))->code == "00");
    CHECK(d.record(second.rrn).charges.withheld_minor == 0);
    const auto all = entries(d, ledger::MerchantBook::reserve);
    REQUIRE(!all.empty());
    CHECK(all.back().stands_minor == 0);
    CHECK(all.back().amount_minor == 500);  // of the 1,000 that were withheld
    CHECK(faults(d).empty());
}

TEST_CASE("R28 each hit is stored with what was counted, of refusals too, and counted on after a restart",
          "[R28]") {
    Desk d(merchants([](MerchantConfig& m) {
        m.refund.refunds_per_card_day_max = 1;
        m.refund.refunds_per_terminal_day_caution = 1;
        m.refund.on_fraud = acquirer::OnCaution::refuse;
    }));
    const Answer sale = d.sale();
    REQUIRE(d.ask(d.refund_of(sale, "000000001000"))->code == "00");
    d.restart();
    const auto refused = d.ask(d.refund_of(sale, "000000001001"));
    CHECK(refused->code == "59");
    const auto hits = d.record(refused->rrn).caution;
    REQUIRE(hits.size() == 2);
    CHECK(hits[0] == ledger::CautionHit{ledger::CautionBound::card, 2, 1});
    CHECK(hits[1] == ledger::CautionHit{ledger::CautionBound::terminal, 2, 1});
    CHECK(d.status().counters.at("fraud_bounds.card") == 1);
}

TEST_CASE("R28 a ratio is judged from so many sales on, and tells the percentage", "[R28]") {
    Desk d(merchants([](MerchantConfig& m) {
        m.refund.refund_ratio_percent_max = 20;
        m.refund.ratio_sales_min = 2;
    }));
    const Answer first = d.sale();
    REQUIRE(d.ask(d.refund_of(first, "000000009000"))->code == "00");  // one sale is too few to judge
    d.sale();
    const auto held = d.ask(d.refund_of(first, "000000000100"));
    CHECK(held->code == "01");
    REQUIRE(d.record(held->rrn).caution.size() == 1);
    CHECK(d.record(held->rrn).caution[0] == ledger::CautionHit{ledger::CautionBound::ratio, 46, 20});
}
