// The policy over a configuration: which keys it may have, what wins, where a value comes from, what differs.
#include <catch2/catch.hpp>

#include <algorithm>

#include "switch/config/policy.hpp"
#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& policy, std::string file = good) {
    ConfigSurroundings around = surroundings();
    around.policy = policy;
    around.policy_name = "p.toml";
    return load_config_text("t.toml", file, around);
}

std::string problems_of(const std::string& policy) {
    const auto loaded = load(policy);
    return loaded ? "" : text(loaded.error());
}

PolicyValue value_of(const PolicyInForce& policy, const std::string& key) {
    for (const PolicyValue& v : policy.general)
        if (v.key == key) return v;
    FAIL("no key " << key);
    return {};
}

const std::string merchant = "898110157220001";
const std::string of_merchant = "[[merchant]]\nid = \"" + merchant + "\"\n[merchant.refund]\n";

}  // namespace

TEST_CASE("policy: what is laid over the file wins, for all and for one merchant") {
    const auto plain = load("");
    const auto laid =
        load("[refund]\nwindow_days = 30\n[limits]\ncase_expires_days = 7\n" + of_merchant +
             "refund_amount_max = \"400.00\"\n[[issuer]]\nname = \"a\"\nadvice_attempts_max = 9\n");
    REQUIRE(plain);
    INFO((laid ? "" : text(laid.error())));
    REQUIRE(laid);
    const MerchantConfig& m = laid->configuration->merchants.begin()->second;
    CHECK(m.refund.window_days == 30);
    CHECK(m.refund.refund_amount_max == 40'000);
    CHECK(laid->configuration->limits.case_expires_days == 7);
    CHECK(laid->configuration->routes.routes().front().advice_attempts_max == 9);
    CHECK(laid->configuration->hash == plain->configuration->hash);  // of the file

    const PolicyInForce& policy = laid->configuration->policy;
    CHECK(value_of(policy, "refund.window_days") ==
          PolicyValue{"refund.window_days", "30", PolicyOrigin::stored});
    CHECK(value_of(policy, "refund.before_settlement").origin == PolicyOrigin::default_value);
    CHECK(value_of(policy, "refund.before_settlement").value == "allow");
    CHECK(policy.merchants.begin()->second ==
          std::vector<PolicyValue>{{"refund.refund_amount_max", "400.00", PolicyOrigin::stored}});
    CHECK(policy.version != plain->configuration->policy.version);
    CHECK(load("")->configuration->policy.version == plain->configuration->policy.version);

    const auto lines = differences(plain->configuration->policy, policy);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == "refund.window_days: 365 -> 30");
    CHECK(lines[1].substr(0, 25) == "limits.case_expires_days:");
    CHECK(lines[2] == "merchant " + merchant + " refund.refund_amount_max: as for all -> 400.00");
    CHECK(lines[3].substr(0, 29) == "issuer a advice_attempts_max:");
    CHECK(differences(policy, plain->configuration->policy)[2].find("window_days") == std::string::npos);
    CHECK(differences(policy, policy).empty());
}

TEST_CASE("policy: a value of the file is its own until it is laid over") {
    std::string file = good;
    file += "\n[refund]\nwindow_days = 90\n";
    const auto own = load("", file);
    INFO((own ? "" : text(own.error())));
    REQUIRE(own);
    CHECK(value_of(own->configuration->policy, "refund.window_days").origin == PolicyOrigin::file);
    const auto laid = load("[refund]\nwindow_days = 90\n", file);
    REQUIRE(laid);
    CHECK(value_of(laid->configuration->policy, "refund.window_days").origin == PolicyOrigin::stored);
    // The same values are the same version, whoever says them.
    CHECK(laid->configuration->policy.version == own->configuration->policy.version);
}

TEST_CASE("policy: every mistake is named with its line, and what is no policy is no key of it") {
    const struct {
        std::string policy, says;
    } rows[] = {
        {"[refund]\nwindow_dayz = 3\n",
         "p.toml:2: refund.window_dayz: is no key of this section; did you mean window_days?"},
        {"[refund]\nwindow_days = \"3\"\n", "p.toml:2: refund.window_days: is a text"},
        {"[refund]\n\nwindow_days = 99999\n", "p.toml:3: refund.window_days:"},
        {"[refund\n", "p.toml:1:"},
        {"[hsm]\nlmk = \"test\"\n", "p.toml:1: hsm: is no key of the file"},
        {"[limits]\npending_max = 3\n", "p.toml:2: limits.pending_max: is no key of this section"},
        {"[[issuer]]\nname = \"a\"\nzak = \"U0\"\n", "p.toml:3: issuer[1].zak: is no key of this section"},
        {"[[merchant]]\n[merchant.refund]\nwindow_days = 3\n", "p.toml:1: merchant[1].id: is needed"},
        {"[[merchant]]\nid = \"898110157220001\"\nsuspended = true\n",
         "p.toml:3: merchant[1].suspended: is no key"},
    };
    for (const auto& row : rows) {
        INFO(row.policy);
        const std::string said = problems_of(row.policy);
        INFO(said);
        CHECK(said.find(row.says) == 0);
    }
}

TEST_CASE("policy: parties that are not configured are left out, and named") {
    const auto laid = load(
        "[[merchant]]\nid = \"898110157229999\"\n[merchant.refund]\nwindow_days = 1\n"
        "[[issuer]]\nname = \"nobody\"\nwindow_days = 1\n");
    REQUIRE(laid);
    REQUIRE(laid->absent.size() == 2);
    CHECK(laid->absent[0] == "merchant 898110157229999 is in the policy and not in the configuration");
    CHECK(laid->absent[1].find("issuer nobody") == 0);
}

TEST_CASE("policy: its keys are those that the documents list") {
    const auto names = policy_key_names();
    CHECK(std::find(names.begin(), names.end(), "[limits] not_found_quarantine_ms") != names.end());
    CHECK(std::find(names.begin(), names.end(), "[[issuer]] blind_reversal") != names.end());
    CHECK(names.size() > 30);
}
