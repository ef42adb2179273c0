// Branches: what a campaign of the simulator has to reach: every row of the state table, every refusal, every
// way out that operators have, every pair of a record's state and an event that the story handles, and what
// may happen to a world. What is reached is counted by branch_watch.hpp and Checkers::reached, under the same
// names.
//
// State table, refusals and commands are the product's own; pairs and excuses are lists of text beside this
// file, a line each:
//   pairs.txt        "NAME", "NAME # rare" or "NAME # seldom", written by `simulate --write-pairs`
//   rare.txt         "NAME # why": needs more than a campaign of CI
//   unreachable.txt  "NAME # why": cannot happen in a simulated world
//   not_yet.txt      "NAME # why": nobody in the worlds does it yet
// Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/core/refusal.hpp"

namespace simulation {

enum class BranchGroup : std::uint8_t { world, transition, refusal, way_out, pair };
std::string_view name(BranchGroup group);

struct Branch {
    BranchGroup group = BranchGroup::world;
    std::string name;
};

// ---- Names

std::string transition_branch(ledger::TransactionKind kind, ledger::State from, ledger::State to);
/// How a record begins.
std::string initial_branch(ledger::TransactionKind kind, ledger::State state);
std::string refusal_branch(acquirer::Refusal refusal);

/// What happens to a record, or concerns it. Commands of operators come behind these, by their kinds.
enum class PairEvent : std::uint8_t {
    retry,
    conflict,          // the same key with other content
    original_arrives,  // after its reversal
    reversal,
    partial_reversal,
    refund_of_it,
    void_of_it,
    completion_of_it,
    issuer_approves,
    issuer_partly_approves,
    issuer_declines,
    issuer_answers_unknown_outcome,  // a code of the list `unknown`
    issuer_answers_unknown_code,     // a code of no list, or none
    advice_approved,
    advice_refused,
    advice_to_be_repeated,
    advice_unclear,
    reversal_done,
    reversal_not_found,
    reversal_refused,
    reversal_to_be_repeated,
    reversal_unclear,
    late_approval,
    late_answer,
    answer_with_bad_mac,
    answer_without_hsm,
    link_lost,
    time_out,
    advice_repeated,
    cut_over,
    crash,
    end
};
inline constexpr std::size_t pair_events =
    static_cast<std::size_t>(PairEvent::end) + std::variant_size_v<acquirer::OperatorCommand>;
/// The event of a command, as an index below pair_events.
std::size_t pair_event(const acquirer::OperatorCommand& command);
std::string pair_branch(ledger::TransactionKind kind, ledger::State state, std::size_t event);

/// A command, and what it is about, before it is carried out. Empty when a done answer to it leads nowhere
/// new (reads).
struct CommandSubject {
    const ledger::TransactionRecord* record = nullptr;
    std::optional<ledger::Proposal> proposal;
    std::optional<ledger::Dispute::Kind> dispute;
};
std::string way_out_branch(const acquirer::OperatorCommand& command, const CommandSubject& about);

// ---- What is registered

struct BranchLists {
    enum class Often : std::uint8_t {
        always,  // each campaign of CI meets it
        rare,    // asked for from long_campaign_seeds on
        seldom   // known, never asked for
    };
    std::map<std::string, Often> pairs;
    std::map<std::string, std::string> rare, unreachable, not_yet;  // name → why
};
/// From the folder tests/simulation; the error names file and line.
iso8583::Result<BranchLists, std::string> read_branch_lists(const std::string& folder);

/// All but pairs: world, transitions, refusals, ways out.
const std::vector<Branch>& fixed_branches();
/// With the pairs of the list; sorted by group, in the order of the tables.
std::vector<Branch> registered_branches(const BranchLists& lists);

// ---- What a campaign reached

/// Of what so many seeds together must meet, a campaign of CI meets each; so much longer ones ask for all.
inline constexpr std::uint64_t ci_campaign_seeds = 4'000;
inline constexpr std::uint64_t long_campaign_seeds = 100'000;

struct Campaign {
    std::uint64_t seeds = 0;
    std::map<std::string, std::uint64_t> times;     // by branch
    std::map<std::string, std::uint64_t> seeds_of;  // in how many seeds it was reached
    void add(const std::map<std::string, std::uint64_t>& reached);
};

struct BranchReport {
    std::size_t asked = 0, found = 0;
    std::vector<std::string> missing;       // asked for and not reached
    std::vector<std::string> impossible;    // reached though the list says that it cannot be
    std::vector<std::string> not_needed;    // reached, and still excused as not yet reached
    std::vector<std::string> new_pairs;     // reached and in no list
    std::vector<std::string> unregistered;  // ways out that no table has
    std::size_t rare_not_asked = 0, not_yet = 0;
    /// "412 of 415 branches reached (not: …; 3 rare ones not asked)"
    [[nodiscard]] std::string words() const;
};
BranchReport judge_branches(const std::vector<Branch>& registered, const BranchLists& lists,
                            const Campaign& campaign);

/// Lines of group, name, times; or Markdown, a table for each group.
std::string branch_table(const std::vector<Branch>& registered, const BranchLists& lists,
                         const Campaign& campaign, bool markdown);
/// The text of pairs.txt.
std::string pairs_text(const Campaign& campaign);

}  // namespace simulation
