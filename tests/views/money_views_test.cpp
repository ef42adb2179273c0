// What `show` and `explain` say of a merchant's own money and of bounds of caution.
#include <catch2/catch.hpp>

#include "switch/views/money_views.hpp"

using namespace acquirer;
using ledger::CautionBound;
using ledger::CautionHit;

namespace {

std::string joined(const std::vector<std::string>& sentences) {
    std::string all;
    for (const std::string& sentence : sentences) all += sentence + "\n";
    return all;
}

ledger::TransactionRecord sale_of_100() {
    ledger::TransactionRecord sale;
    sale.amount = iso8583::Amount(10'000, iso8583::Currency::of(156));
    return sale;
}

}  // namespace

TEST_CASE("R28 explain tells each bound that a refund went over, with what was counted", "[R28]") {
    ledger::TransactionRecord refund = sale_of_100();
    refund.kind = ledger::TransactionKind::refund;
    refund.caution = {CautionHit{CautionBound::card, 4, 3}, CautionHit{CautionBound::ratio, 46, 20}};
    CHECK(
        joined(charges_sentences(refund, nullptr)) ==
        "It went over a bound of caution (R28): refund 4 of its card today, 3 allowed.\n"
        "It went over a bound of caution (R28): refunds would be 46% of the merchant's sales of 30 days, 20% "
        "allowed.\n");
    View shown = View::object();
    put_charges(shown, refund);
    CHECK(shown.find("over_bounds") != nullptr);
}

TEST_CASE("R102 explain tells who paid which part of a sale and of its refunds", "[R102][fees]") {
    ledger::TransactionRecord sale = sale_of_100();
    sale.charges.fee_tiers = {{0, 60}};
    sale.charges.fee_return = ledger::FeeReturn::return_proportional;
    sale.charges.fee_minor = 30;
    sale.charges.wallet_funded_minor = 1'000;
    sale.charges.merchant_funded_minor = 2'000;
    sale.refunds_minor = 5'000;
    CHECK(
        joined(charges_sentences(sale, nullptr)) ==
        "The sale's fee is 0.60, 60 basis points of 100.00; 0.30 of it stands (return_proportional).\n"
        "Of the sale's first amount the wallet paid 10.00 and the merchant gave 20.00 (R102); of its refunds "
        "35.00 is the customer's, 5.00 the wallet's, and 10.00 is asked of nobody.\n");
    CHECK(charges_sentences(sale_of_100(), nullptr).empty());
}
