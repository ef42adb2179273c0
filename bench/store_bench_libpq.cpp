#include "bench/store_bench_libpq.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "bench/store_bench_turns.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;
using ledger::PostgresConnection;
using ledger::PostgresInterrupt;
using ledger::PostgresOptions;
using ledger::PostgresParams;

constexpr std::size_t row_bytes = 280;

double us_since(Clock::time_point begun) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
}

Clock::time_point after(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Result<std::unique_ptr<PostgresConnection>> connected(const PostgresOptions& options,
                                                      const PostgresInterrupt& never) {
    std::size_t first = 0;
    auto opened = PostgresConnection::open(options, first, never);
    if (!opened) return parse_error(opened.error().what);
    return std::move(*opened);
}

/// The statement of a turn, one after the other.
class BareWriter {
  public:
    static Result<BareWriter> open(const PostgresOptions& options, const PostgresInterrupt& never) {
        auto connection = connected(options, never);
        if (!connection) return tl::unexpected(connection.error());
        const auto taken = (*connection)
                               ->run(
                                   "update cluster.shard set epoch = epoch + 1, owner = 'bench', "
                                   "lease_until = '-infinity' where id = 0 returning epoch, turn",
                                   {}, options.reply_ms);
        if (!taken) return parse_error(taken.error().what);
        if (taken->empty()) return parse_error("the cluster has no shard 0");
        return BareWriter(options, std::move(*connection),
                          static_cast<std::uint64_t>(ledger::integer_of(taken->front()[0])),
                          static_cast<std::uint64_t>(ledger::integer_of(taken->front()[1])));
    }
    Result<void> set(const char* setting) {
        if (auto done = connection_->run_script(setting, options_.reply_ms); !done)
            return parse_error(done.error().what);
        return {};
    }
    ledger::Batch next(std::uint32_t refunds) { return turns_.next(refunds, ++turn_); }
    Result<void> write(const ledger::Batch& batch) {
        const auto rows = connection_->run_prepared(
            "commit", statement_, ledger::commit_params(batch, epoch_, options_, RefundTurns::is_new),
            options_.reply_ms);
        if (!rows) return parse_error(rows.error().what);
        if (rows->empty() || ledger::integer_of(rows->front().front()) != 1)
            return parse_error("somebody else took the shard");
        return {};
    }
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    [[nodiscard]] PostgresConnection& connection() { return *connection_; }

  private:
    BareWriter(const PostgresOptions& options, std::unique_ptr<PostgresConnection> connection,
               std::uint64_t epoch, std::uint64_t turn)
        : options_(options),
          connection_(std::move(connection)),
          statement_(ledger::commit_sql(0)),
          epoch_(epoch),
          turn_(turn) {}
    PostgresOptions options_;
    std::unique_ptr<PostgresConnection> connection_;
    std::string statement_;
    std::uint64_t epoch_, turn_;
    RefundTurns turns_;
};

/// The copy of the shard, or none.
class BareCopy {
  public:
    static Result<BareCopy> open(const std::optional<ledger::RocksStoreOptions>& where,
                                 const PostgresOptions& options, BareWriter& writer) {
        BareCopy out;
        if (!where) return out;
        auto opened = ledger::PostgresCopy::open(*where, options);
        if (!opened) return parse_error(opened.error().what);
        if (auto followed = (*opened)->follow(writer.connection()); !followed)
            return parse_error(followed.error().what);
        out.copy_ = std::move(*opened);
        out.epoch_ = writer.epoch();
        return out;
    }
    Result<void> apply(const ledger::Batch& batch) {
        if (!copy_) return {};
        if (auto applied = copy_->apply(batch, epoch_); !applied) return parse_error(applied.error().what);
        return {};
    }

  private:
    std::unique_ptr<ledger::PostgresCopy> copy_;
    std::uint64_t epoch_ = 0;
};

/// Confirms what a writer has written, on a connection and a thread of its own, and copies it.
class Confirmer {
  public:
    Confirmer(PostgresConnection& connection, BareCopy& copy, std::uint32_t depth, std::uint32_t reply_ms,
              BareRun& out)
        : connection_(connection),
          copy_(copy),
          depth_(depth),
          reply_ms_(reply_ms),
          out_(out),
          thread_([this] { run(); }) {}
    ~Confirmer() {
        if (thread_.joinable()) end();
    }
    /// Before a turn: waits until there is room for it. False: confirming failed.
    bool begin(const ledger::Batch& batch) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return under_way_.size() < depth_ || problem_; });
        under_way_.push_back({batch, Clock::now()});
        return !problem_;
    }
    void written() {
        const std::lock_guard lock(mutex_);
        ++written_;
        wake_.notify_all();
    }
    Result<void> end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_all();
        thread_.join();
        if (problem_) return parse_error(*problem_);
        return {};
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return written_ > 0 || ended_; });
            if (written_ == 0) return;
            const std::size_t turns = written_;
            lock.unlock();
            auto done = confirm(turns);
            lock.lock();
            if (!done) {
                problem_ = done.error().what;
                wake_.notify_all();
                return;
            }
            for (std::size_t i = 0; i < turns; ++i, under_way_.pop_front()) {
                out_.turn_us.push_back(us_since(under_way_.front().begun));
                ++out_.turns;
            }
            written_ -= turns;
            wake_.notify_all();
        }
    }

    /// The first ones stay where they are meanwhile: turns are added behind them.
    Result<void> confirm(std::size_t turns) {
        if (const auto done = connection_.run_prepared("marker", ledger::marker_sql, {}, reply_ms_); !done)
            return parse_error(done.error().what);
        for (std::size_t i = 0; i < turns; ++i) {
            const ledger::Batch* batch = nullptr;
            {
                const std::lock_guard lock(mutex_);
                batch = &under_way_[i].batch;
            }
            if (auto copied = copy_.apply(*batch); !copied) return copied;
        }
        return {};
    }

    PostgresConnection& connection_;
    BareCopy& copy_;
    const std::uint32_t depth_, reply_ms_;
    BareRun& out_;
    std::mutex mutex_;
    std::condition_variable wake_;
    struct UnderWay {
        ledger::Batch batch;
        Clock::time_point begun;
    };
    std::deque<UnderWay> under_way_;
    std::size_t written_ = 0;
    bool ended_ = false;
    std::optional<std::string> problem_;
    std::thread thread_;
};

}  // namespace

Result<void> bring_up_to_date(const PostgresOptions& options, const ledger::RocksStoreOptions& where) {
    const PostgresInterrupt never;
    auto writer = BareWriter::open(options, never);
    if (!writer) return tl::unexpected(writer.error());
    if (auto copy = BareCopy::open(where, options, *writer); !copy) return tl::unexpected(copy.error());
    return {};
}

Result<BareRun> run_bare(const PostgresOptions& options,
                         const std::optional<ledger::RocksStoreOptions>& where, std::uint32_t batch,
                         std::uint32_t depth, double seconds) {
    const PostgresInterrupt never;
    auto writer = BareWriter::open(options, never);
    if (!writer) return tl::unexpected(writer.error());
    auto copy = BareCopy::open(where, options, *writer);
    if (!copy) return tl::unexpected(copy.error());
    BareRun out;
    if (depth == 1) {
        const auto start = Clock::now(), end = after(seconds);
        while (Clock::now() < end) {
            const auto begun = Clock::now();
            const ledger::Batch turn = writer->next(batch);
            if (auto written = writer->write(turn); !written) return tl::unexpected(written.error());
            if (auto copied = copy->apply(turn); !copied) return tl::unexpected(copied.error());
            out.turn_us.push_back(us_since(begun));
            ++out.turns;
        }
        out.seconds = us_since(start) / 1e6;
        return out;
    }
    const auto confirming = connected(options, never);
    if (!confirming) return tl::unexpected(confirming.error());
    if (auto set = writer->set("set synchronous_commit = off"); !set) return tl::unexpected(set.error());
    const auto start = Clock::now(), end = after(seconds);
    Confirmer confirmer(**confirming, *copy, depth, options.reply_ms, out);
    while (Clock::now() < end) {
        const ledger::Batch turn = writer->next(batch);
        if (!confirmer.begin(turn)) break;
        if (auto written = writer->write(turn); !written) return tl::unexpected(written.error());
        confirmer.written();
    }
    if (auto ended = confirmer.end(); !ended) return tl::unexpected(ended.error());
    out.seconds = us_since(start) / 1e6;
    return out;
}

Result<BareRun> run_inserts(const PostgresOptions& options, double seconds) {
    const PostgresInterrupt never;
    const auto connection = connected(options, never);
    if (!connection) return tl::unexpected(connection.error());
    if (auto made = (*connection)
                        ->run_script("create table if not exists public.bench_row(id bigint primary key, "
                                     "value bytea not null); truncate public.bench_row",
                                     options.reply_ms);
        !made)
        return parse_error(made.error().what);
    BareRun out;
    const auto start = Clock::now(), end = after(seconds);
    while (Clock::now() < end) {
        const auto begun = Clock::now();
        PostgresParams params;
        ++out.turns;
        params.int8(out.turns).bytes(bytes_of(row_bytes, out.turns));
        if (auto done =
                (*connection)
                    ->run_prepared("insert", "insert into public.bench_row values ($1::bigint, $2::bytea)",
                                   params, options.reply_ms);
            !done)
            return parse_error(done.error().what);
        out.turn_us.push_back(us_since(begun));
    }
    out.seconds = us_since(start) / 1e6;
    return out;
}

}  // namespace bench
