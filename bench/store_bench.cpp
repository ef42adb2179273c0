#include "bench/store_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <semaphore>

#include "bench/delay_relay.hpp"
#include "bench/report.hpp"
#include "bench/store_bench_libpq.hpp"
#include "bench/store_bench_turns.hpp"
#include "hsm_sim/lmk_file.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_store.hpp"
#include "ledger/rocks_store.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;

constexpr std::size_t password_bytes_max = 1'024;

/// One way to write; what it did over all rounds.
struct Case {
    std::string
        engine;  // "rocks", "postgres"; "libpq": the same statement without the store; "insert": one row
    std::uint32_t depth = 1;
    std::uint32_t batch = 1;
    std::vector<double> refunds_per_second = {};
    std::vector<double> turn_us = {};
    [[nodiscard]] std::string name() const { return fmt::format("{}_{}x{}", engine, batch, depth); }
};

double at(std::vector<double> values, double fraction) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1))];
}

/// Turns of refunds into a store, as many under way as it takes.
class Writer {
  public:
    explicit Writer(ledger::Store& store) : store_(store), turn_(store.last_turn_number()) {}

    Result<void> run(Case& c, double seconds) {
        struct UnderWay {
            Clock::time_point begun;
            std::shared_ptr<std::binary_semaphore> done;
        };
        std::deque<UnderWay> under_way;
        std::uint64_t refunds = 0;
        const auto finish_oldest = [&]() -> Result<void> {
            under_way.front().done->acquire();
            if (auto finished = store_.finish_sync(); !finished) return parse_error(finished.error().what);
            c.turn_us.push_back(
                std::chrono::duration<double, std::micro>(Clock::now() - under_way.front().begun).count());
            under_way.pop_front();
            refunds += c.batch;
            return {};
        };
        const Clock::time_point start = Clock::now();
        const auto end =
            start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        while (Clock::now() < end) {
            ledger::Batch next = turns_.next(c.batch, ++turn_);
            if (under_way.size() == std::min<std::size_t>(c.depth, store_.syncs_in_flight_max()))
                if (auto finished = finish_oldest(); !finished) return finished;
            const auto done = std::make_shared<std::binary_semaphore>(0);
            under_way.push_back({Clock::now(), done});
            store_.begin_sync(std::move(next), [done] { done->release(); });
        }
        while (!under_way.empty())
            if (auto finished = finish_oldest(); !finished) return finished;
        c.refunds_per_second.push_back(static_cast<double>(refunds) /
                                       std::chrono::duration<double>(Clock::now() - start).count());
        return {};
    }

  private:
    ledger::Store& store_;
    std::uint64_t turn_;
    RefundTurns turns_;
};

ledger::RocksStoreOptions rocks_in(const std::string& directory) {
    ledger::RocksStoreOptions options;
    options.directory = directory;
    options.disk_free_bytes_min = 0;
    return options;
}

Result<ledger::PostgresOptions> postgres_of(const StoreBenchOptions& wanted) {
    ledger::PostgresOptions out;
    for (const std::string& host : wanted.hosts) {
        const std::size_t colon = host.rfind(':');
        if (colon == std::string::npos) return parse_error("--hosts " + host + " is no HOST:PORT");
        out.hosts.push_back({host.substr(0, colon), host.substr(colon + 1)});
    }
    out.database = wanted.database;
    out.user = wanted.user;
    out.node = "bench";
    if (wanted.password_file.empty()) return out;
    const auto text = hsm::read_secret_file(wanted.password_file, password_bytes_max);
    if (!text) return tl::unexpected(text.error());
    out.password = text->substr(0, text->find('\n'));
    return out;
}

Result<void> run_libpq(Case& c, const ledger::PostgresOptions& postgres, const std::string& folder,
                       double seconds) {
    std::optional<ledger::RocksStoreOptions> copy;
    if (c.engine == "libpq+copy") copy = rocks_in(folder + "/copy");
    const auto run = c.engine == "insert" ? run_inserts(postgres, seconds)
                                          : run_bare(postgres, copy, c.batch, c.depth, seconds);
    if (!run) return tl::unexpected(run.error());
    c.turn_us.insert(c.turn_us.end(), run->turn_us.begin(), run->turn_us.end());
    c.refunds_per_second.push_back(static_cast<double>(run->turns * c.batch) / run->seconds);
    return {};
}

Result<void> run_case(Case& c, const ledger::PostgresOptions& postgres, const std::string& folder,
                      double seconds) {
    // What another engine has written meanwhile is read before the clock runs.
    if (c.engine == "postgres" || c.engine == "libpq+copy")
        if (auto ready = bring_up_to_date(postgres, rocks_in(folder + "/copy")); !ready) return ready;
    if (c.engine != "rocks" && c.engine != "postgres") return run_libpq(c, postgres, folder, seconds);
    std::unique_ptr<ledger::Store> store;
    if (c.engine == "rocks") {
        auto opened = ledger::RocksStore::open(rocks_in(folder + "/rocks"));
        if (!opened) return parse_error(opened.error().what);
        store = std::move(*opened);
    } else {
        ledger::PostgresOptions options = postgres;
        options.pipeline = c.depth;
        auto opened = ledger::PostgresStore::open(options, rocks_in(folder + "/copy"), {"", ""});
        if (!opened) return parse_error(opened.error().what);
        store = std::move(*opened);
    }
    return Writer(*store).run(c, seconds);
}

std::vector<Case> cases_of(const StoreBenchOptions& o) {
    std::vector<Case> cases;
    for (const std::uint32_t batch : o.batches) {
        cases.push_back({"rocks", 1, batch});
        if (o.hosts.empty()) continue;
        for (const std::uint32_t depth : o.depths) {
            cases.push_back({"postgres", depth, batch});
            cases.push_back({"libpq+copy", depth, batch});
            cases.push_back({"libpq", depth, batch});
        }
    }
    if (!o.hosts.empty()) cases.push_back({"insert", 1, 1});
    return cases;
}

const Case* find(const std::vector<Case>& cases, const std::string& engine, std::uint32_t depth,
                 std::uint32_t batch) {
    for (const Case& c : cases)
        if (c.engine == engine && c.depth == depth && c.batch == batch) return &c;
    return nullptr;
}

double rate_of(const Case* c) { return c == nullptr ? 0 : at(c->refunds_per_second, 0.5); }

/// What a cluster has to reach on any machine.
struct Bound {
    std::string name;
    double seen;
    bool at_least;
    double bound;
};

std::vector<Bound> bounds_of(const std::vector<Case>& cases) {
    constexpr std::uint32_t batch_compared = 64;
    constexpr double to_libpq_min = 0.9, turn_to_insert_max = 3;
    std::vector<Bound> out;
    for (const Case& c : cases) {
        if (c.engine != "postgres") continue;
        out.push_back({fmt::format("{}.to_libpq", c.name()),
                       rate_of(&c) / rate_of(find(cases, "libpq+copy", c.depth, c.batch)), true,
                       to_libpq_min});
        const double wanted = c.depth == 1 ? 0.25 : c.depth == 4 ? 0.5 : 0;
        if (c.batch == batch_compared && wanted > 0)
            out.push_back({fmt::format("{}.to_rocks", c.name()),
                           rate_of(&c) / rate_of(find(cases, "rocks", 1, c.batch)), true, wanted});
    }
    const Case* turn = find(cases, "postgres", 1, 1);
    const Case* insert = find(cases, "insert", 1, 1);
    if (turn != nullptr && insert != nullptr)
        out.push_back({"turn_to_insert.p50", at(turn->turn_us, 0.5) / at(insert->turn_us, 0.5), false,
                       turn_to_insert_max});
    return out;
}

bool report(const std::vector<Case>& cases, const std::string& json_path) {
    fmt::print("{:<10} {:>14} {:>10} {:>12} {:>9} {:>12} {:>12}\n", "engine", "refunds a turn", "under way",
               "refunds/s", "to rocks", "turn p50 us", "turn p99 us");
    std::string json;
    const auto note = [&json](const std::string& name, double value) {
        json += fmt::format("{}  \"{}\": {:.3f}", json.empty() ? "" : ",\n", name, value);
    };
    for (const Case& c : cases) {
        const double rate = rate_of(&c);
        const Case* rocks = find(cases, "rocks", 1, c.batch);
        const double ratio = rocks == nullptr ? 0 : rate / rate_of(rocks);
        const double p50 = at(c.turn_us, 0.5), p99 = at(c.turn_us, 0.99);
        fmt::print("{:<10} {:>14} {:>10} {:>12.0f} {:>9.2f} {:>12.0f} {:>12.0f}\n", c.engine, c.batch,
                   c.depth, rate, ratio, p50, p99);
        note(c.name() + ".refunds_per_second", rate);
        note(c.name() + ".ratio", ratio);
        note(c.name() + ".turn_us_p50", p50);
        note(c.name() + ".turn_us_p99", p99);
    }
    for (const Bound& b : bounds_of(cases)) {
        const bool reached = b.at_least ? b.seen >= b.bound : b.seen <= b.bound;
        fmt::print("{:<28} {:>6.2f}, at {} {:.2f}: {}\n", b.name, b.seen, b.at_least ? "least" : "most",
                   b.bound, reached ? "reached" : "not reached");
        note(b.name, b.seen);
    }
    return write_file(json_path, "{\n" + json + "\n}\n");
}

/// All servers again, each behind a relay.
Result<std::vector<std::unique_ptr<DelayRelay>>> set_apart(ledger::PostgresOptions& postgres,
                                                           double one_way_ms) {
    std::vector<std::unique_ptr<DelayRelay>> relays;
    if (one_way_ms == 0) return relays;
    for (ledger::PostgresHost& host : postgres.hosts) {
        auto relay = DelayRelay::start(
            host.name, host.port, std::chrono::microseconds(static_cast<std::int64_t>(one_way_ms * 1'000)));
        if (!relay) return tl::unexpected(relay.error());
        relays.push_back(std::move(*relay));
        host = {"127.0.0.1", std::to_string(relays.back()->port())};
    }
    return relays;
}

Result<void> measure(const StoreBenchOptions& options, const std::string& folder) {
    auto postgres = postgres_of(options);
    if (!postgres) return tl::unexpected(postgres.error());
    const auto relays = set_apart(*postgres, options.one_way_ms);
    if (!relays) return tl::unexpected(relays.error());
    if (!options.hosts.empty())
        if (const auto made = ledger::create_cluster(*postgres, "", "", 1); !made)
            return parse_error(made.error().what);
    std::vector<Case> cases = cases_of(options);
    const double seconds = static_cast<double>(options.case_ms) / 1000.0 / std::max(1U, options.rounds);
    // In turns, forwards and backwards, so that a slow moment of the machine falls on all alike, and so does
    // what the case before has left to the disk.
    std::vector<Case*> order(cases.size());
    std::transform(cases.begin(), cases.end(), order.begin(), [](Case& c) { return &c; });
    for (std::uint32_t round = 0; round < options.rounds; ++round) {
        for (Case* c : order)
            if (auto done = run_case(*c, *postgres, folder, seconds); !done) return done;
        std::reverse(order.begin(), order.end());
    }
    if (!report(cases, options.json_path)) return parse_error("its figures were lost");
    return {};
}

}  // namespace

int run_store_bench(const StoreBenchOptions& options) {
    std::string folder = options.directory + "/switch-bench-store-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
        fmt::print(stderr, "switch-bench store: {}: no folder can be made there\n", options.directory);
        return 1;
    }
    const auto done = measure(options, folder);
    std::error_code none;
    std::filesystem::remove_all(folder, none);
    if (done) return 0;
    fmt::print(stderr, "switch-bench store: {}\n", done.error().what);
    return 1;
}

}  // namespace bench
