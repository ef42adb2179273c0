// [[fee]]: the schedules that it makes, and what a mistake in it is told; and the keys of fees, reserve and
// limits in the policy.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;
using ledger::FeeTier;
using ledger::Instrument;

namespace {

iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& sections) {
    return load_config_text("t.toml", good + sections, surroundings());
}

const MerchantConfig& merchant_of(const LoadedConfig& loaded) {
    return loaded.configuration->merchants.begin()->second;
}

std::string problem_of(const std::string& sections) {
    const auto loaded = load(sections);
    return loaded ? "none" : text(loaded.error());
}

}  // namespace

TEST_CASE("config: tiers of a merchant and instrument stand in the order of their amounts", "[fees]") {
    const auto loaded = load(R"([[fee]]
merchant = "898110157220001"
instruments = ["card"]
basis_points = 55
[[fee]]
merchant = "898110157220001"
instruments = ["card", "alipay"]
up_to = "1000.00"
basis_points = 38
[[fee]]
instruments = ["card", "alipay", "wechat"]
basis_points = 60
[[fee]]
merchant = "898110157220001"
instruments = ["alipay"]
basis_points = 70
)");
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const FeeSchedule& fees = merchant_of(*loaded).fees;
    CHECK(fees.at(Instrument::card) == std::vector<FeeTier>{{100'000, 38}, {0, 55}});
    CHECK(fees.at(Instrument::alipay) == std::vector<FeeTier>{{100'000, 38}, {0, 70}});
    CHECK(fees.at(Instrument::wechat) == std::vector<FeeTier>{{0, 60}});  // that of all
    CHECK_FALSE(fees.contains(Instrument::unionpay_qr));
    CHECK(merchant_of(*load("")).fees.empty());
}

TEST_CASE("config: each mistake in a fee is named", "[fees]") {
    struct Row {
        std::string line, problem;
    };
    const std::vector<Row> rows = {
        {"basis_points = 60\n", "instruments: is needed"},
        {"instruments = [\"card\"]\n", "basis_points: is needed"},
        {"instruments = [\"crad\"]\nbasis_points = 60\n", "entry 1 has to be one of card"},
        {"instruments = []\nbasis_points = 60\n", "instruments: needs at least one"},
        {"instruments = [\"card\", \"card\"]\nbasis_points = 60\n", "entry 2 is there twice"},
        {"instruments = [\"card\"]\nbasis_points = 10001\n", "is 10001, 0 to 10000 is allowed"},
        {"instruments = [\"card\"]\nbasis_points = 60\nup_to = \"1.00\"\n",
         "leaves larger sales without a fee"},
        {"instruments = [\"card\"]\nbasis_points = 60\nup_to = \"0.00\"\n", "has to be more than nothing"},
        {"merchant = \"898110157229999\"\ninstruments = [\"card\"]\nbasis_points = 60\n",
         "merchant: names no [[merchant]]"},
        {"instruments = [\"card\"]\nbasis_points = 60\n[[fee]]\ninstruments = [\"card\"]\nbasis_points = "
         "61\n",
         "is a second fee of this merchant, instrument and amount"},
    };
    for (const Row& row : rows) {
        INFO(row.line);
        const std::string problem = problem_of("[[fee]]\n" + row.line);
        CHECK(problem.find("fee[") != std::string::npos);
        CHECK(problem.find(row.problem) != std::string::npos);
    }
}

TEST_CASE("config: fees, reserve and limits of caution are keys of the policy", "[fees][R28][R104]") {
    const auto loaded = load(R"([refund]
fee_on_refund = "return_on_full"
funding = "reserve"
reserve_percent = 10
reserve_max = "1000.00"
refunds_per_terminal_day_caution = 20
)");
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const RefundPolicy& policy = merchant_of(*loaded).refund;
    CHECK(policy.fee_on_refund == ledger::FeeReturn::return_on_full);
    CHECK(policy.funding == RefundFunding::reserve);
    CHECK(policy.reserve_percent == 10);
    CHECK(policy.reserve_max == 100'000);
    CHECK(policy.refunds_per_terminal_day_caution == 20);
    CHECK(problem_of("[refund]\nreserve_percent = 101\n").find("0 to 100 is allowed") != std::string::npos);
    CHECK(problem_of("[refund]\nfee_on_refund = \"all\"\n").find("has to be one of keep") !=
          std::string::npos);
    CHECK(loaded->configuration->policy.version != load("")->configuration->policy.version);
}
