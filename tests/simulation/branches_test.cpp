// The registration itself: what has to be reached, and how a campaign that did not reach it says so.
#include "tests/simulation/branches.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "switch/core/transaction_state.hpp"
#include "tests/simulation/run.hpp"
#include "tests/test_paths.hpp"

namespace {

using namespace simulation;
using ledger::State;
using ledger::TransactionKind;

std::vector<Branch> all_of(BranchGroup group) {
    std::vector<Branch> found;
    for (const Branch& branch : fixed_branches())
        if (branch.group == group) found.push_back(branch);
    return found;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A campaign that reached all of these once in each of its seeds.
Campaign campaign_of(const std::vector<Branch>& branches, std::uint64_t seeds) {
    Campaign campaign;
    campaign.seeds = seeds;
    for (const Branch& branch : branches)
        campaign.times[branch.name] = campaign.seeds_of[branch.name] = seeds;
    return campaign;
}

/// A folder of lists, with the lines of one of them.
struct ListFolder {
    explicit ListFolder(const std::string& file = "", const std::string& lines = "") {
        std::filesystem::create_directories(path);
        for (const char* each : {"pairs.txt", "rare.txt", "unreachable.txt", "not_yet.txt"})
            std::ofstream(path + "/" + each) << (each == file ? lines : "");
    }
    ~ListFolder() { std::filesystem::remove_all(path); }
    ListFolder(const ListFolder&) = delete;
    ListFolder& operator=(const ListFolder&) = delete;
    const std::string path = (std::filesystem::temp_directory_path() / "branch_lists_of_a_test").string();
};

std::string fault_of(const std::string& file, const std::string& lines) {
    const ListFolder folder(file, lines);
    const auto lists = read_branch_lists(folder.path);
    return lists ? "" : lists.error().substr(folder.path.size() + 1);
}

}  // namespace

TEST_CASE("Every row of the state table, every refusal and every way out is registered once", "[branches]") {
    std::set<std::string> names;
    for (const Branch& branch : fixed_branches()) {
        INFO(branch.name);
        CHECK(names.insert(branch.name).second);
    }
    CHECK(all_of(BranchGroup::transition).size() ==
          acquirer::state_table::transitions.size() + acquirer::state_table::initial.size());
    CHECK(all_of(BranchGroup::refusal).size() == acquirer::all_refusals().size() - 1);  // none is none
    CHECK(names.contains("transition refund parked -> approved"));
    CHECK(names.contains("transition sale begins -> tombstone"));
    CHECK(names.contains("refusal amount_against_original"));
    for (const char* way :
         {"settle refund parked as done", "settle void reversal_stuck as voided",
          "approve proposal settle done", "approve proposal day_cutover", "reject proposal dispute_close",
          "resolve abnormal by alternative_account", "retry refund advice", "retry sale reversal",
          "cut over day by force", "close chargeback as won", "route drain", "approve refund"}) {
        INFO(way);
        CHECK(names.contains(std::string("way out ") + way));
    }
}

TEST_CASE("A refusal is told from all others by the sentence that its note carries", "[branches]") {
    std::set<std::string_view> explanations;
    for (const acquirer::RefusalInfo& row : acquirer::all_refusals()) {
        INFO(row.name);
        CHECK(explanations.insert(row.explanation).second);
    }
}

TEST_CASE("A transition that nobody takes is named", "[branches]") {
    const std::string row = transition_branch(TransactionKind::refund, State::parked, State::approved);
    Campaign campaign = campaign_of(fixed_branches(), 3);
    CHECK(judge_branches(fixed_branches(), {}, campaign).missing.empty());
    campaign.times.erase(row);
    const BranchReport report = judge_branches(fixed_branches(), {}, campaign);
    CHECK(report.missing == std::vector<std::string>{row});
    CHECK(report.found == report.asked - 1);
    CHECK(report.words().ends_with("branches reached (not: " + row + ")"));
}

TEST_CASE("A branch that was made up is not reached by any seed", "[branches]") {
    std::vector<Branch> registered = fixed_branches();
    registered.push_back({BranchGroup::world, "an issuer pays with shells"});
    RunOptions options;
    options.bad_weather_ms = 10'000;
    Campaign campaign;
    campaign.add(run_seed(options).reached);
    const BranchReport report = judge_branches(registered, {}, campaign);
    CHECK(contains(report.missing, "an issuer pays with shells"));
    // And what each seed does is found.
    CHECK(!contains(report.missing, "transition sale intent -> sent"));
    CHECK(!contains(report.missing, "transition sale begins -> intent"));
    CHECK(campaign.times.contains("pair sale sent: issuer approves"));
    CHECK(report.unregistered.empty());
}

TEST_CASE("Excuses: rare ones are asked for in a long campaign, others never", "[branches]") {
    const std::string row = "transition refund parked -> approved", other = "refusal case_full";
    Campaign campaign = campaign_of(fixed_branches(), ci_campaign_seeds);
    campaign.times.erase(row);
    BranchLists lists;
    SECTION("rare") {
        lists.rare[row] = "needs an issuer that answers after its advice was parked";
        CHECK(judge_branches(fixed_branches(), lists, campaign).words().ends_with("(1 rare ones not asked)"));
        campaign.seeds = long_campaign_seeds;
        CHECK(judge_branches(fixed_branches(), lists, campaign).missing == std::vector<std::string>{row});
    }
    SECTION("not yet, and one that has no need of the excuse") {
        lists.not_yet[row] = lists.not_yet[other] = "nobody does";
        const BranchReport report = judge_branches(fixed_branches(), lists, campaign);
        CHECK(report.missing.empty());
        CHECK(report.not_needed == std::vector<std::string>{other});
        CHECK(report.words().ends_with("(2 not yet asked)"));
    }
    SECTION("unreachable, and one that was reached") {
        lists.unreachable[row] = lists.unreachable[other] = "the shell's";
        const BranchReport report = judge_branches(fixed_branches(), lists, campaign);
        CHECK(report.missing.empty());
        CHECK(report.impossible == std::vector<std::string>{other});
    }
}

TEST_CASE("A pair in no list is new, one in the list is asked for", "[branches]") {
    BranchLists lists;
    lists.pairs["pair sale sent: crash"] = BranchLists::Often::always;
    lists.pairs["pair sale sent: reversal"] = BranchLists::Often::rare;
    lists.pairs["pair sale sent: cut-over"] = BranchLists::Often::seldom;
    Campaign campaign = campaign_of(fixed_branches(), 10);
    campaign.times["pair sale approved: retry"] = 1;
    const BranchReport report = judge_branches(registered_branches(lists), lists, campaign);
    CHECK(report.new_pairs == std::vector<std::string>{"pair sale approved: retry"});
    CHECK(report.missing == std::vector<std::string>{"pair sale sent: crash"});
    CHECK(report.rare_not_asked == 1);
}

TEST_CASE("Pairs are written as they are read, with how often they are met", "[branches]") {
    Campaign campaign;
    campaign.seeds = 200'000;
    campaign.seeds_of = {{"pair sale sent: crash", 200'000},
                         {"pair sale sent: cut-over", 3},
                         {"pair sale sent: reversal", 500},
                         {"R50", 200'000}};
    const ListFolder folder("pairs.txt", pairs_text(campaign));
    const auto lists = read_branch_lists(folder.path);
    REQUIRE(lists.has_value());
    using Often = BranchLists::Often;
    CHECK(lists->pairs == std::map<std::string, Often>{{"pair sale sent: crash", Often::always},
                                                       {"pair sale sent: cut-over", Often::seldom},
                                                       {"pair sale sent: reversal", Often::rare}});
}

TEST_CASE("A list that cannot be right is refused with its line", "[branches]") {
    CHECK(fault_of("rare.txt", "# remark\nrefusal case_full # seventeen keys\n") == "");
    CHECK(fault_of("rare.txt", "\nrefusal case_empty # why\n") ==
          "rare.txt line 2: no branch is named refusal case_empty");
    CHECK(fault_of("not_yet.txt", "refusal case_full\n") ==
          "not_yet.txt line 1: a reason has to stand behind '#'");
    CHECK(fault_of("unreachable.txt", "refusal case_full # why\nrefusal case_full # why\n") ==
          "unreachable.txt line 2: refusal case_full stands here twice");
    CHECK(fault_of("pairs.txt", "pair b\npair a\n") == "pairs.txt line 2: lines are sorted");
    CHECK(fault_of("pairs.txt", "pair a # often\n") == "pairs.txt line 1: behind '#' stands rare or seldom");
    CHECK(fault_of("pairs.txt", "R50\n") == "pairs.txt line 1: a line begins with 'pair '");
}

TEST_CASE("A table has a line for each branch, in Markdown a heading for each group", "[branches]") {
    BranchLists lists;
    lists.unreachable["refusal case_full"] = "why";
    Campaign campaign;
    campaign.add({{"crash mid-sync", 3}, {"refusal mac_wrong", 7}});
    const std::string text = branch_table(fixed_branches(), lists, campaign, false);
    CHECK(text.find("         3  world crash mid-sync\n") != std::string::npos);
    CHECK(text.find("         7  refusal mac_wrong\n") != std::string::npos);
    CHECK(text.find("         0  refusal case_full  # unreachable: why\n") != std::string::npos);
    const std::string tables = branch_table(fixed_branches(), lists, campaign, true);
    CHECK(tables.find("| refusal | times | |\n|---|---:|---|\n") != std::string::npos);
    CHECK(tables.find("| mac_wrong | 7 |  |\n") != std::string::npos);
    CHECK(tables.find("| case_full | 0 | unreachable: why |\n") != std::string::npos);
}
