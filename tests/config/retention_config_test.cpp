// [retention]: how long what is finished is kept, and that a value which a rule needs for longer is refused.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

/// The smallest file with these lines, the refund policy included.
iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& retention,
                                                   const std::string& refund = "",
                                                   const std::string& limits = "") {
    std::string file = good;
    file.insert(file.find("[[issuer]]"), limits + "[refund]\n" + refund + "[retention]\n" + retention);
    return load_config_text("t.toml", file, surroundings());
}

std::string problem_of(const std::string& retention, const std::string& refund = "",
                       const std::string& limits = "") {
    const auto loaded = load(retention, refund, limits);
    return loaded ? "none" : text(loaded.error());
}

}  // namespace

TEST_CASE("retention config: without it all is kept for ever") {
    const auto loaded = load("");
    REQUIRE(loaded);
    CHECK(loaded->configuration->retention == RetentionDays{});
    CHECK(loaded->configuration->retention.transactions == 0);
}

TEST_CASE("retention config: each family has its days") {
    const auto loaded = load(
        "card_numbers_days = 400\nrequests_days = 60\ntransactions_days = 3653\nexceptions_days = 90\n"
        "proposals_days = 91\nbatches_days = 800\nreconciliation_days = 500\nnotices_days = 7\ndaily = "
        "false\n");
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const RetentionDays& r = loaded->configuration->retention;
    CHECK(r == RetentionDays{400, 60, 3653, 90, 91, 800, 500, 7, false});
}

TEST_CASE("retention config: what a rule still needs is not let go") {
    struct Case {
        const char *retention, *refund, *limits, *said;
    };
    const Case cases[] = {
        {"card_numbers_days = 365\n", "", "",
         "retention.card_numbers_days: is 365, more than refund.window_days (365 days) is needed"},
        {"transactions_days = 100\n", "window_days = 100\n", "",
         "retention.transactions_days: is 100, more than refund.window_days (100 days) is needed"},
        {"card_numbers_days = 30\n", "window_days = 10\n", "",
         "is 30, more than issuer[1].authorization_days (30"},
        {"transactions_days = 50\n", "window_days = 10\n", "case_expires_days = 60\n",
         "more than limits.case_expires_days (60 days)"},
        {"requests_days = 29\n", "", "", "retention.requests_days: is 29, at least 30 is needed"},
        {"reconciliation_days = 5\n", "", "", "recon.recon_days and the 7 days that are compared again"},
        {"batches_days = 365\n", "", "", "retention.batches_days: is 365, more than refund.window_days"},
        {"card_numbers_days = 500\ntransactions_days = 400\n", "", "",
         "retention.card_numbers_days: is 500, but retention.transactions_days (400 days) lets the whole"},
        {"card_numbers_days = -1\n", "", "", "0 to 36500 is allowed"},
        {"cards_days = 1\n", "", "", "cards_days"},
    };
    for (const Case& c : cases) {
        INFO(c.retention << problem_of(c.retention, c.refund, c.limits));
        CHECK(problem_of(c.retention, c.refund, c.limits).find(c.said) != std::string::npos);
    }
    CHECK(problem_of("card_numbers_days = 366\ntransactions_days = 366\nrequests_days = 30\n") == "none");
    CHECK(problem_of("card_numbers_days = 31\n", "window_days = 10\n") == "none");
}

TEST_CASE("retention config: the longest window of any merchant counts") {
    std::string file = good;
    file.insert(file.find("[[issuer]]"), "[refund]\nwindow_days = 10\n[retention]\ncard_numbers_days = 50\n");
    file.insert(file.find("[[terminals]]"), "[merchant.refund]\nwindow_days = 50\n");
    const auto loaded = load_config_text("t.toml", file, surroundings());
    REQUIRE(!loaded);
    CHECK(text(loaded.error()).find("merchant[1].refund.window_days (50 days)") != std::string::npos);
}
