// PostgresCommitter: who writes an owner's turns to PostgreSQL and says when each is durable there. With
// `pipeline` 1 a turn is one fenced statement whose own end, written on the primary and a standby, is its
// acknowledgement. With more, one connection writes turns without waiting for the standby, and another one's
// small commit behind them says that all of them are there: the log has one order. Whatever ends otherwise,
// or with a WARNING, is undecided: both connections are given up, and the number of the turn that the shard
// stands at under our epoch decides (docs/decisions/0038 and 0053).
//
// An acknowledged turn ends when the copy has it: with more than one under way a third thread writes it there
// while the next are confirmed (turn_applier.hpp, docs/decisions/0067).
//
// Three threads inside, one with pipeline 1. Owner: PostgresStore. begin() and finish() on one thread; `done`
// is called on the copier's, or on the committer's. Destroyed only when every turn has ended; it lets the
// lease go.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ledger/new_keys.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/store.hpp"
#include "ledger/turn_applier.hpp"

namespace ledger {

class PostgresCommitter {
  public:
    using Clock = std::chrono::steady_clock;
    /// The shard was taken: under which epoch, and when that was asked for.
    struct Taken {
        std::uint64_t epoch = 0;
        Clock::time_point sent;
    };
    /// `connection` waits by `interrupt`; the one after it goes to the host at `next_host`. `copy` outlives
    /// it and gets each turn before it ends.
    /// `on_commit`: how long each turn took, from handed over to acknowledged; on the committer's thread; may
    /// be empty.
    PostgresCommitter(const PostgresOptions& options, Taken taken,
                      std::function<void(std::int64_t us)> on_commit, PostgresCopy& copy,
                      std::unique_ptr<PostgresInterrupt> interrupt,
                      std::unique_ptr<PostgresConnection> connection, std::size_t next_host);
    ~PostgresCommitter();
    PostgresCommitter(const PostgresCommitter&) = delete;
    PostgresCommitter& operator=(const PostgresCommitter&) = delete;

    /// As Store::begin_sync and finish_sync; options.pipeline of them at once.
    void begin(Batch batch, std::function<void()> done);
    iso8583::Result<void, StoreError> finish();

    /// In the copy.
    [[nodiscard]] std::uint64_t last_turn() const { return copied_turn_.load(); }
    /// By this machine's clock, counted from when the last acknowledged renewal was sent.
    [[nodiscard]] bool lease_runs() const;
    /// What `health` of the copy becomes by what is undecided, failed, or late.
    [[nodiscard]] StoreHealth look(StoreHealth health) const;
    /// As PostgresStore's.
    void runs_by(const std::string& config_hash);
    [[nodiscard]] std::string wanted_by() const;

  private:
    struct Turn {
        Batch batch;
        std::function<void()> done;
        Clock::time_point begun;
        Clock::time_point sent = {};
    };
    using Lock = std::unique_lock<std::mutex>;

    [[nodiscard]] PostgresParams of_shard() const;
    [[nodiscard]] StoreError lost_work(const std::string& stands_at, const std::string& acknowledged) const;
    [[nodiscard]] StoreError lost_turns(std::uint64_t stands_at) const;
    [[nodiscard]] Clock::time_point renewal_due() const;
    [[nodiscard]] std::size_t confirmable() const;  // under the mutex
    void acknowledged_at(Clock::time_point sent);
    void is_undecided(const PostgresError& why);
    void pause();
    iso8583::Result<std::unique_ptr<PostgresConnection>, PostgresError> connect();
    iso8583::Result<void, PostgresError> connect_writer();
    iso8583::Result<std::uint64_t, StoreError> ask_turn();
    std::optional<StoreError> read_why_not_ours();
    PostgresConnection::Rows write(PostgresConnection& by, const Batch& batch);
    [[nodiscard]] StoreError refused(std::uint64_t turn, const PostgresError& why) const;

    // The committer's thread. Each is called with the lock and returns with it.
    void run_committer();
    void confirm(Lock& lock);
    void acknowledge(Lock& lock, std::size_t turns);
    void is_copied(std::uint64_t turn, const iso8583::Result<void, StoreError>& copied,
                   const std::function<void()>& done);
    /// The node that stands by for the shard and shall have it, as a statement of ours said.
    void is_wanted_by(const std::optional<std::string>& node);  // under the mutex
    void renew(Lock& lock);
    void resolve(Lock& lock);
    void end_failed(Lock& lock);
    /// The writer's.
    void run_writer();

    const PostgresOptions options_;
    const std::uint64_t epoch_;
    const std::string commit_text_;
    const std::function<void(std::int64_t us)> on_commit_;
    PostgresCopy& copy_;
    NewKeys new_keys_;  // whoever writes a turn has it

    // The connections wait by the interrupt, which is older than the first of them. `writer_` is the writer's
    // while `writing_`, else the committer's like all else here.
    const std::unique_ptr<PostgresInterrupt> interrupt_;
    std::unique_ptr<PostgresConnection> connection_;
    std::unique_ptr<PostgresConnection> writer_;
    std::size_t next_host_;
    Clock::time_point renewed_at_;

    mutable std::mutex mutex_;  // guards all to the next empty line
    std::condition_variable wake_;
    std::deque<Turn> turns_;   // handed over and not acknowledged, the oldest first
    std::size_t written_ = 0;  // so many of them by the writer, and not known to be on a standby
    std::size_t copying_ = 0;  // acknowledged, and not in the copy yet
    std::deque<std::optional<StoreError>> ended_;  // for finish()
    std::optional<StoreError> failed_;
    std::string why_undecided_;
    std::string wanted_by_;
    std::optional<std::string> config_hash_;  // to be written with the next renewal
    bool writing_ = false;
    bool broken_ = false;  // something is undecided: nothing is written before it is resolved
    bool stopping_ = false;
    bool writer_stopping_ = false;

    std::uint64_t handed_over_;  // the last turn that was, on the caller's thread
    std::atomic<std::uint64_t> acknowledged_turn_;
    std::atomic<std::uint64_t> copied_turn_;
    std::atomic<std::int64_t> lease_until_ms_{0};    // of the steady clock
    std::atomic<std::int64_t> waiting_since_ms_{0};  // the oldest turn under way does; 0: none
    std::atomic<std::int64_t> undecided_since_ms_{0};
    std::atomic<std::uint64_t> undecided_count_{0};
    std::atomic<std::uint64_t> reconnects_{0};

    std::optional<TurnApplier> copier_;  // with pipeline > 1; ends before what it ends turns in
    std::thread committer_;
    std::thread writer_thread_;
};

}  // namespace ledger
