// The policy as the core has it: proposed by one, approved by another, a record for each version.
#include <catch2/catch.hpp>

#include "ledger/restore_records.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;
using To = acquirer::DecideProposal::To;

namespace {

const std::string text = "[refund]\nwindow_days = 30\n";

void in_force(Desk& d, const std::string& version, const std::string& stored, int window_days) {
    auto changed = std::make_shared<acquirer::Configuration>(*d.configuration);
    changed->policy.version = version;
    changed->policy.stored = stored;
    for (auto& [id, merchant] : changed->merchants) merchant.refund.window_days = window_days;
    d.configuration = changed;
    d.offer(acquirer::ConfigReplaced{changed});
}

ledger::PolicyRecord newest(Desk& d) {
    auto record = ledger::newest_policy(d.overlay());
    REQUIRE(record);
    REQUIRE(*record);
    return **record;
}

}  // namespace

TEST_CASE("a policy is proposed by an admin and comes into force by another person's word", "[policy]") {
    Desk d([](acquirer::Configuration& c) { c.policy.version = "one"; });
    CHECK(newest(d).version == "one");
    CHECK(newest(d).by == "configuration");
    const acquirer::ProposePolicy proposal{text, "two", "one", "refund.window_days: 365 -> 30", "season"};
    CHECK(!d.operate(proposal, "checker1", Role::supervisor).done);
    const auto proposed = d.operate(proposal, "admin1", Role::admin);
    REQUIRE(proposed.done);
    CHECK(d.policies_wanted.empty());
    const std::string id = proposed.values.front().second;
    CHECK(!d.operate(acquirer::DecideProposal{id, To::approve, ""}, "admin1", Role::supervisor).done);
    d.restart();
    REQUIRE(d.operate(acquirer::DecideProposal{id, To::approve, ""}, "checker1", Role::supervisor).done);
    REQUIRE(d.policies_wanted.size() == 1);
    CHECK(d.policies_wanted.front().text == text);
    CHECK(newest(d).by == "admin1, checker1");
    CHECK(newest(d).text == text);
    // The shell has read it; what is recorded already is not recorded again.
    in_force(d, "two", text, 30);
    CHECK(newest(d).sequence == 2);
    // A file that changes a value makes a version too.
    in_force(d, "three", text, 31);
    CHECK(newest(d).sequence == 3);
    CHECK(newest(d).by == "configuration");
    CHECK(newest(d).text == text);
    d.restart();
    CHECK(newest(d).sequence == 3);
}

TEST_CASE("a proposed policy lapses when another came into force meanwhile", "[policy]") {
    Desk d([](acquirer::Configuration& c) { c.policy.version = "one"; });
    CHECK(!d.operate(acquirer::ProposePolicy{text, "two", "zero", "", "season"}, "admin1", Role::admin).done);
    CHECK(!d.operate(acquirer::ProposePolicy{text, "two", "one", "", ""}, "admin1", Role::admin).done);
    CHECK(!d.operate(acquirer::ProposePolicy{"", "one", "one", "", "none"}, "admin1", Role::admin).done);
    const auto proposed =
        d.operate(acquirer::ProposePolicy{text, "two", "one", "", "season"}, "admin1", Role::admin);
    REQUIRE(proposed.done);
    in_force(d, "other", "", 10);
    const auto decided = d.operate(acquirer::DecideProposal{proposed.values.front().second, To::approve, ""},
                                   "checker1", Role::supervisor);
    CHECK(!decided.done);
    CHECK(decided.text.find("another policy came into force") != std::string::npos);
    CHECK(d.policies_wanted.empty());
}
