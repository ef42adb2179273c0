// What may stop a refund that nothing forbids: R9 and R27–R29 beside the other checks. The stories are flows.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;

namespace {

std::function<void(acquirer::Configuration&)> policy(
    const std::function<void(acquirer::RefundPolicy&)>& change) {
    return [change](acquirer::Configuration& c) {
        for (auto& [id, merchant] : c.merchants) change(merchant.refund);
    };
}

}  // namespace

TEST_CASE("R9 a void is suggested for the whole sale from its own terminal alone", "[R9]") {
    Desk d(policy([](acquirer::RefundPolicy& p) {
        p.before_settlement = acquirer::RefundBeforeSettlement::suggest_void;
    }));
    const Answer sale = d.sale();
    const auto whole = d.ask(d.refund_of(sale, "000000010000"));
    CHECK(whole->code == "12");
    CHECK(whole->text == "VOID INSTEAD");
    Ask elsewhere = d.refund_of(sale, "000000010000");
    elsewhere.terminal = "10000002";
    CHECK(d.ask(elsewhere)->code == "00");
    CHECK(d.ask(d.refund_of(d.sale(), "000000009999"))->code == "00");
}

TEST_CASE("R27 funds stand behind what remains of the sale and before caution and approval",
          "[R27][precedence]") {
    Desk d(policy([](acquirer::RefundPolicy& p) {
        p.funding = acquirer::RefundFunding::net_sales;
        p.on_short = acquirer::OnCaution::refuse;
        p.refunds_per_card_day_max = 1;
        p.on_fraud = acquirer::OnCaution::refuse;
        p.approval_amount_above = 4'000;
    }));
    const Answer sale = d.sale();
    CHECK(d.ask(d.refund_of(sale, "000000004000"))->code == "00");
    CHECK(d.ask(d.refund_of(sale, "000000006001"))->code == "64");
    CHECK(d.ask(d.refund_of(sale, "000000005000"))->code == "59");
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    CHECK(d.ask(d.refund_of(sale, "000000005000"))->code == "51");  // nothing was sold today
}

TEST_CASE("R28 and R29: a case names the first rule that holds it, and keeps the others", "[R28][R29]") {
    Desk d(policy([](acquirer::RefundPolicy& p) {
        p.refunds_per_merchant_day_max = 1;
        p.approval_age_days = 0;
    }));
    const Answer sale = d.sale();
    CHECK(d.ask(d.refund_of(sale, "000000001000"))->code == "00");
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    const auto old = d.ask(d.refund_of(sale, "000000001000"));
    CHECK(old->code == "01");
    CHECK(d.record(old->rrn).history.front().rule == "R29");
    const auto both = d.ask(d.refund_of(sale, "000000002000"));
    CHECK(both->code == "01");
    REQUIRE(d.record(both->rrn).history.size() == 2);
    CHECK(d.record(both->rrn).history[0].rule == "R28");
    CHECK(d.record(both->rrn).history[1].rule == "R29");
}
