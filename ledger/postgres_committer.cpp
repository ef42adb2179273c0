#include "ledger/postgres_committer.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;
using std::chrono::milliseconds;

namespace {

// Between two tries to reach a server.
constexpr milliseconds retry_pause{100};

/// The fence as a read that is itself replicated: what it says, no later failure takes back.
constexpr const char* fence_sql =
    "update cluster.shard set owner = owner where id = $1::int and epoch = $2::bigint returning turn";
constexpr const char* renew_sql =
    "update cluster.shard set lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond' "
    "where id = $1::int and epoch = $2::bigint returning turn, case when move_ready then move_to end";
constexpr const char* renew_and_tell_sql =
    "update cluster.shard set lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond', "
    "config_hash = $4::text where id = $1::int and epoch = $2::bigint "
    "returning turn, case when move_ready then move_to end";
constexpr const char* let_go_sql =
    "update cluster.shard set lease_until = clock_timestamp() where id = $1::int and epoch = $2::bigint";

std::int64_t steady_ms(PostgresCommitter::Clock::time_point at) {
    return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

}  // namespace

PostgresCommitter::PostgresCommitter(const PostgresOptions& options, Taken taken,
                                     std::function<void(std::int64_t us)> on_commit, PostgresCopy& copy,
                                     std::unique_ptr<PostgresInterrupt> interrupt,
                                     std::unique_ptr<PostgresConnection> connection, std::size_t next_host)
    : options_(options),
      epoch_(taken.epoch),
      commit_text_(commit_sql(options.shard)),
      on_commit_(std::move(on_commit)),
      copy_(copy),
      new_keys_(copy.tables()),
      interrupt_(std::move(interrupt)),
      connection_(std::move(connection)),
      next_host_(next_host),
      broken_(options.pipeline > 1),  // the writer has to be connected first
      handed_over_(copy.mark().turn),
      acknowledged_turn_(copy.mark().turn),
      copied_turn_(copy.mark().turn) {
    acknowledged_at(taken.sent);
    if (options_.pipeline > 1)
        copier_.emplace(options_.pipeline, [this](const Batch& batch) { return copy_.apply(batch, epoch_); });
    committer_ = std::thread([this] { run_committer(); });
    if (options_.pipeline > 1) writer_thread_ = std::thread([this] { run_writer(); });
}

PostgresCommitter::~PostgresCommitter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    // Ends the waits of a turn that cannot be decided; nobody waits for it any more.
    if (undecided_since_ms_.load() != 0) interrupt_->raise();
    committer_.join();
    if (writer_thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            writer_stopping_ = true;
        }
        wake_.notify_all();
        writer_thread_.join();
    }
    // As an orderly stop: whoever stands by need not wait for the lease.
    if (connection_ && !failed_ && !interrupt_->raised())
        static_cast<void>(connection_->run(let_go_sql, of_shard(), options_.reply_ms));
}

void PostgresCommitter::begin(Batch batch, std::function<void()> done) {
    {
        const std::lock_guard lock(mutex_);
        ENSURE(turns_.size() + copying_ + ended_.size() < options_.pipeline);
        ENSURE(failed_ || batch.turn_number == handed_over_ + 1);
        handed_over_ = batch.turn_number;
        turns_.push_back({std::move(batch), std::move(done), Clock::now()});
        if (turns_.size() == 1) waiting_since_ms_.store(steady_ms(turns_.front().begun));
    }
    wake_.notify_all();
}

Result<void, StoreError> PostgresCommitter::finish() {
    const std::lock_guard lock(mutex_);
    ENSURE(!ended_.empty());
    const std::optional<StoreError> error = std::move(ended_.front());
    ended_.pop_front();
    if (error) return tl::unexpected(*error);
    return {};
}

bool PostgresCommitter::lease_runs() const { return steady_ms(Clock::now()) < lease_until_ms_.load(); }

StoreHealth PostgresCommitter::look(StoreHealth health) const {
    health.log_bytes = 0;  // a restart reads PostgreSQL's last turns, not the copy's log
    const std::int64_t now = steady_ms(Clock::now());
    const auto refuse = [&health](std::string why) {
        health.accepts_new_work = false;
        health.reason = std::move(why);
    };
    const std::int64_t since = waiting_since_ms_.load();
    const std::int64_t undecided = undecided_since_ms_.load();
    const std::int64_t longest = std::max(since == 0 ? 0 : now - since, undecided == 0 ? 0 : now - undecided);
    if (const auto behind = copier_ ? copier_->oldest() : std::nullopt)
        if (const std::int64_t waited = now - steady_ms(behind->since); waited > options_.stall_ms)
            refuse("the copy on this machine has not taken turn " + std::to_string(behind->turn) + " for " +
                   std::to_string(waited) + " ms");
    const std::lock_guard lock(mutex_);
    if (longest > options_.stall_ms)
        refuse("PostgreSQL has not confirmed for " + std::to_string(longest) +
               " ms: " + (why_undecided_.empty() || undecided == 0 ? "no answer yet" : why_undecided_));
    if (failed_) {
        refuse(failed_->what);
        health.failed = failed_;
    }
    health.cluster =
        ClusterHealth{epoch_, lease_until_ms_.load() - now, undecided_count_.load(), reconnects_.load()};
    return health;
}

void PostgresCommitter::runs_by(const std::string& config_hash) {
    {
        const std::lock_guard lock(mutex_);
        config_hash_ = config_hash;
    }
    wake_.notify_all();
}

std::string PostgresCommitter::wanted_by() const {
    const std::lock_guard lock(mutex_);
    return wanted_by_;
}

void PostgresCommitter::is_wanted_by(const std::optional<std::string>& node) {
    if (node && *node != options_.node) wanted_by_ = *node;
}

PostgresParams PostgresCommitter::of_shard() const {
    PostgresParams params;
    params.int4(static_cast<std::int32_t>(options_.shard)).int8(epoch_);
    return params;
}

StoreError PostgresCommitter::lost_work(const std::string& stands_at, const std::string& acknowledged) const {
    return {StoreError::Kind::corruption, "acknowledged work was lost on PostgreSQL: shard " +
                                              std::to_string(options_.shard) + " stands at " + stands_at +
                                              ", " + acknowledged + " was acknowledged"};
}

StoreError PostgresCommitter::lost_turns(std::uint64_t stands_at) const {
    return lost_work("turn " + std::to_string(stands_at),
                     "turn " + std::to_string(acknowledged_turn_.load()));
}

PostgresCommitter::Clock::time_point PostgresCommitter::renewal_due() const {
    return renewed_at_ + milliseconds(options_.lease_ms / 3);
}

std::size_t PostgresCommitter::confirmable() const {
    return options_.pipeline == 1 ? std::min<std::size_t>(turns_.size(), 1) : written_;
}

void PostgresCommitter::acknowledged_at(Clock::time_point sent) {
    renewed_at_ = sent;
    lease_until_ms_.store(steady_ms(sent) + options_.lease_ms);
}

void PostgresCommitter::is_undecided(const PostgresError& why) {
    // Whoever has just been silent is asked last.
    if (connection_) next_host_ = (next_host_ + 1) % options_.hosts.size();
    connection_.reset();
    if (undecided_since_ms_.load() == 0) {
        undecided_since_ms_.store(steady_ms(Clock::now()));
        ++undecided_count_;
    }
    const std::lock_guard lock(mutex_);
    why_undecided_ = why.what;
    if (stopping_) interrupt_->raise();
}

void PostgresCommitter::pause() {
    Lock lock(mutex_);
    wake_.wait_for(lock, retry_pause, [this] { return stopping_; });
    if (stopping_) interrupt_->raise();
}

/// To the server that may be written and is replicated.
Result<std::unique_ptr<PostgresConnection>, PostgresError> PostgresCommitter::connect() {
    auto opened = PostgresConnection::open(options_, next_host_, *interrupt_);
    if (!opened) return opened;
    if (auto checked = check_replication(**opened, options_); !checked)
        return tl::unexpected(PostgresError{PostgresError::Outcome::undecided, checked.error().what});
    return opened;
}

Result<void, PostgresError> PostgresCommitter::connect_writer() {
    auto opened = connect();
    if (!opened) return tl::unexpected(opened.error());
    if (auto set = (*opened)->run_script("set synchronous_commit = off", options_.reply_ms); !set) return set;
    writer_ = std::move(*opened);
    return {};
}

/// The turn that the shard stands at under our epoch: asked until somebody knows.
Result<std::uint64_t, StoreError> PostgresCommitter::ask_turn() {
    for (;;) {
        if (interrupt_->raised()) {
            const std::lock_guard lock(mutex_);
            return tl::unexpected(
                StoreError{StoreError::Kind::io, "stopped while a turn was undecided: " + why_undecided_});
        }
        if (!connection_) {
            ++reconnects_;
            if (auto connected = connect()) {
                connection_ = std::move(*connected);
            } else {
                is_undecided(connected.error());
                pause();
                continue;
            }
        }
        const auto rows = connection_->run(fence_sql, of_shard(), options_.reply_ms);
        if (rows && !rows->empty()) return static_cast<std::uint64_t>(integer_of(rows->front().front()));
        if (rows)
            if (auto why = read_why_not_ours()) return tl::unexpected(std::move(*why));
        if (!rows) is_undecided(rows.error());
        pause();
    }
}

/// The shard's row is not of our epoch: another took it after us, or the server is one from before us, whose
/// taking was acknowledged. Nothing: it could not be read.
std::optional<StoreError> PostgresCommitter::read_why_not_ours() {
    const auto shards = read_shards(*connection_, options_.shard, options_.reply_ms);
    if (!shards) {
        is_undecided({PostgresError::Outcome::undecided, shards.error().what});
        return std::nullopt;
    }
    if (shards->empty() || shards->front().epoch >= epoch_) return fenced_error(options_);
    return lost_work("epoch " + std::to_string(shards->front().epoch), "epoch " + std::to_string(epoch_));
}

PostgresConnection::Rows PostgresCommitter::write(PostgresConnection& by, const Batch& batch) {
    const PostgresParams params =
        commit_params(batch, epoch_, options_, [this](const Key& key) { return new_keys_.is_new(key); });
    new_keys_.remember(batch);
    return by.run_prepared("commit", commit_text_, params, options_.reply_ms);
}

StoreError PostgresCommitter::refused(std::uint64_t turn, const PostgresError& why) const {
    if (why.sqlstate != unique_violation) return refused_error(turn, why);
    return {StoreError::Kind::corruption,
            "turn " + std::to_string(turn) + " has a key that shard " + std::to_string(options_.shard) +
                " holds and the copy in " + copy_.tables().options().directory +
                " does not: the copy is damaged; remove it, and it is filled anew (" + why.what + ")"};
}

void PostgresCommitter::run_committer() {
    Lock lock(mutex_);
    const auto has_something = [this] {
        if (failed_) return stopping_ || !turns_.empty();
        return broken_ || config_hash_ || confirmable() > 0 || (stopping_ && turns_.empty());
    };
    for (;;) {
        // While turns are under way they renew the lease.
        if (failed_ || !turns_.empty())
            wake_.wait(lock, has_something);
        else
            wake_.wait_until(lock, renewal_due(), has_something);
        if (failed_) {
            end_failed(lock);
            if (stopping_) return;
        } else if (broken_) {
            resolve(lock);
        } else if (config_hash_) {
            renew(lock);
        } else if (confirmable() > 0) {
            confirm(lock);
        } else if (turns_.empty()) {
            if (stopping_) return;
            if (Clock::now() >= renewal_due()) renew(lock);
        }
    }
}

void PostgresCommitter::run_writer() {
    Lock lock(mutex_);
    for (;;) {
        wake_.wait(lock,
                   [this] { return writer_stopping_ || (!failed_ && !broken_ && written_ < turns_.size()); });
        if (writer_stopping_) return;
        const Turn& turn = turns_[written_];  // stays where it is: the committer ends those before it alone
        writing_ = true;
        lock.unlock();
        const auto sent = Clock::now();
        const auto rows = write(*writer_, turn.batch);
        lock.lock();
        writing_ = false;
        if (rows && !rows->empty() && integer_of(rows->front().front()) == 1) {
            is_wanted_by(rows->front()[1]);
            turns_[written_].sent = sent;
            ++written_;
        } else if (!rows && rows.error().outcome == PostgresError::Outcome::refused) {
            failed_ = refused(turns_[written_].batch.turn_number, rows.error());
        } else {
            if (!rows) why_undecided_ = rows.error().what;
            broken_ = true;
        }
        wake_.notify_all();
    }
}

void PostgresCommitter::confirm(Lock& lock) {
    const std::size_t turns = confirmable();
    Turn& first = turns_.front();
    const bool alone = options_.pipeline == 1;
    lock.unlock();
    const auto sent = Clock::now();
    const auto rows =
        alone ? write(*connection_, first.batch)
              : connection_->run_prepared("marker", marker_sql, PostgresParams{}, options_.reply_ms);
    if (!rows && rows.error().outcome == PostgresError::Outcome::undecided) is_undecided(rows.error());
    lock.lock();
    if (!rows) {
        if (rows.error().outcome == PostgresError::Outcome::refused)
            failed_ = refused(turns_.front().batch.turn_number, rows.error());
        else
            broken_ = true;
        return;
    }
    // No row of ours: it may be that the statement came in late over a connection that was given up.
    if (alone && (rows->empty() || integer_of(rows->front().front()) != 1)) {
        broken_ = true;
        return;
    }
    if (alone) is_wanted_by(rows->front()[1]);
    if (alone) first.sent = sent;
    acknowledge(lock, turns);
}

void PostgresCommitter::acknowledge(Lock& lock, std::size_t turns) {
    for (; turns > 0 && !failed_; --turns) {
        Turn turn = std::move(turns_.front());
        turns_.pop_front();
        if (written_ > 0) --written_;
        ++copying_;
        const std::uint64_t number = turn.batch.turn_number;
        acknowledged_turn_.store(number);
        waiting_since_ms_.store(turns_.empty() ? 0 : steady_ms(turns_.front().begun));
        lock.unlock();
        if (turn.sent != Clock::time_point{}) acknowledged_at(turn.sent);
        if (on_commit_)
            on_commit_(
                std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - turn.begun).count());
        if (copier_)
            copier_->take(std::move(turn.batch),
                          [this, number, done = std::move(turn.done)](
                              const Result<void, StoreError>& copied) { is_copied(number, copied, done); });
        else
            is_copied(number, copy_.apply(turn.batch, epoch_), turn.done);
        lock.lock();
    }
    if (!broken_) undecided_since_ms_.store(0);
}

void PostgresCommitter::is_copied(std::uint64_t turn, const Result<void, StoreError>& copied,
                                  const std::function<void()>& done) {
    {
        const std::lock_guard lock(mutex_);
        --copying_;
        if (copied) {
            copied_turn_.store(turn);
            ended_.emplace_back();
        } else {
            if (!failed_) failed_ = copied.error();
            ended_.emplace_back(copied.error());
        }
        if (failed_) wake_.notify_all();  // those that are not acknowledged end behind it
    }
    if (done) done();
}

void PostgresCommitter::renew(Lock& lock) {
    const std::optional<std::string> hash = config_hash_;
    lock.unlock();
    const auto sent = Clock::now();
    PostgresParams params = of_shard();
    params.int8(options_.lease_ms);
    if (hash) params.text(*hash);
    const auto rows = hash ? connection_->run(renew_and_tell_sql, params, options_.reply_ms)
                           : connection_->run_prepared("renew", renew_sql, params, options_.reply_ms);
    if (!rows) is_undecided(rows.error());
    lock.lock();
    if (!rows || rows->empty()) {
        broken_ = true;  // not ours: whose it is decides what that means
    } else if (const auto stands_at = static_cast<std::uint64_t>(integer_of(rows->front().front()));
               stands_at < acknowledged_turn_.load()) {
        failed_ = lost_turns(stands_at);
    } else {
        is_wanted_by(rows->front()[1]);
        if (config_hash_ == hash) config_hash_.reset();
        acknowledged_at(sent);
    }
}

void PostgresCommitter::resolve(Lock& lock) {
    wake_.wait(lock, [this] { return !writing_; });
    if (failed_) return;
    const std::uint64_t first = acknowledged_turn_.load(), last = first + turns_.size();
    lock.unlock();
    writer_.reset();
    const auto stands_at = ask_turn();
    auto writer = stands_at && options_.pipeline > 1 ? connect_writer() : Result<void, PostgresError>{};
    if (!writer) {
        is_undecided(writer.error());
        pause();
    }
    lock.lock();
    written_ = 0;
    if (!stands_at) {
        // Nobody waits for a renewal that an orderly stop has cut short.
        if (!stopping_ || !turns_.empty() || stands_at.error().kind != StoreError::Kind::io)
            failed_ = stands_at.error();
        else
            broken_ = false;
        return;
    }
    // Turns that were handed over meanwhile were not written by anybody.
    if (*stands_at < first || *stands_at > last) {
        failed_ = lost_turns(*stands_at);
        return;
    }
    broken_ = !writer;
    acknowledge(lock, *stands_at - first);
    wake_.notify_all();
}

void PostgresCommitter::end_failed(Lock& lock) {
    wake_.wait(lock, [this] { return !writing_ && copying_ == 0; });
    while (!turns_.empty()) {
        const Turn turn = std::move(turns_.front());
        turns_.pop_front();
        ended_.emplace_back(failed_);
        waiting_since_ms_.store(0);
        lock.unlock();
        if (turn.done) turn.done();
        lock.lock();
    }
    written_ = 0;
}

}  // namespace ledger
