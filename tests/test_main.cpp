// Catch's main, compiled once for all test programs, and a count of the transitions of the state table that
// they take.
#define CATCH_CONFIG_MAIN
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "switch/core/transaction_state.hpp"
#include "tests/test_paths.hpp"

namespace {

// By the row of the table. Tests with threads run cores on several.
std::array<std::atomic<std::uint64_t>, acquirer::state_table::transitions.size()> taken;

void count(ledger::TransactionKind kind, ledger::State from, ledger::State to) {
    const auto& rows = acquirer::state_table::transitions;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].kind == kind && rows[i].from == from && rows[i].to == to)
            taken[i].fetch_add(1, std::memory_order_relaxed);
}

/// Writes "KIND FROM TO TIMES" a line, in numbers, when the whole program has run: a run of some cases tells
/// nothing about what no case takes. tests/transitions reads it.
class TransitionsTaken : public Catch::TestEventListenerBase {
  public:
    using TestEventListenerBase::TestEventListenerBase;

    void testRunStarting(const Catch::TestRunInfo&) override { acquirer::transition_observer = &count; }

    void testRunEnded(const Catch::TestRunStats& stats) override {
        if (m_config->hasTestFilters()) return;
        const std::filesystem::path path = transitions_path(stats.runInfo.name);
        std::filesystem::create_directories(path.parent_path());
        std::ofstream file(path);
        for (std::size_t i = 0; i < taken.size(); ++i) {
            const acquirer::Transition& row = acquirer::state_table::transitions[i];
            if (const std::uint64_t times = taken[i]; times > 0)
                file << int(row.kind) << ' ' << int(row.from) << ' ' << int(row.to) << ' ' << times << '\n';
        }
    }
};
CATCH_REGISTER_LISTENER(TransitionsTaken)

}  // namespace
