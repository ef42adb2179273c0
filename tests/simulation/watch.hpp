// Watch: one more thing that must hold, seen from outside while the world goes on. Checkers (checkers.hpp)
// hold the invariants I1 to I11 over the books; a watch looks at what somebody was told, in what order, and
// whether at all.
//
// Each is one file in watches/, with its maker in the list of watch.cpp. It sees every event that the core is
// given, every effect that leaves, every record and exception that becomes durable; it believes nothing that
// the core says of itself. What is broken goes to the world's checkers. Owner: the world. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledger/stored_records.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"

namespace simulation {

class World;

class Watch {
  public:
    virtual ~Watch() = default;
    /// The core of that shard is given it next.
    virtual void offering(std::size_t shard, const acquirer::Event& event) { (void)shard, (void)event; }
    /// It leaves: the turn that it is of is durable, and no later one (of several shards: it may have waited
    /// for the shell).
    virtual void released(const acquirer::Effect& effect) { (void)effect; }
    /// Durable from now on; `before` is what was durable until then, null for a new one. The checkers' maps
    /// say `now` already.
    virtual void changed(const ledger::TransactionRecord* before, const ledger::TransactionRecord& now) {
        (void)before, (void)now;
    }
    virtual void changed(const ledger::ExceptionRecord* before, const ledger::ExceptionRecord& now) {
        (void)before, (void)now;
    }
    /// All that a turn of that shard wrote has been told.
    virtual void turn_durable(std::size_t shard) { (void)shard; }
    /// The process died: what was given to it and is not durable never happened.
    virtual void crashed() {}
};

[[nodiscard]] std::vector<std::unique_ptr<Watch>> make_watches(World& world);

// Their makers, each in its file.
/// What issuers answer: late, or twice, it is taken for what it is (R51, R51a, R63).
[[nodiscard]] std::unique_ptr<Watch> watch_issuer_answers(World& world);
/// Refunds of one sale leave in the order in which they were accepted (R54, R60).
[[nodiscard]] std::unique_ptr<Watch> watch_chains(World& world);
/// What terminals are told about their batches (R5).
[[nodiscard]] std::unique_ptr<Watch> watch_settlements(World& world);
/// Sign-offs end sessions (R25), and reversals are answered (R30 to R39).
[[nodiscard]] std::unique_ptr<Watch> watch_sessions(World& world);
/// Cases: of suspended merchants (R25), shared by several keys (R20b); one exception for one thing (R76).
[[nodiscard]] std::unique_ptr<Watch> watch_cases(World& world);

}  // namespace simulation
