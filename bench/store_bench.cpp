#include "bench/store_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <semaphore>

#include "hsm_sim/lmk_file.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_store.hpp"
#include "ledger/rocks_store.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;
using ledger::Batch;
using ledger::Family;

// A refund as the switch writes it: its own two records, its sale again, two rows of the index.
constexpr std::size_t refund_bytes = 280, sale_bytes = 260, index_bytes = 90;
constexpr std::size_t password_bytes_max = 1'024;

/// One way to write; what it did over all rounds.
struct Case {
    std::string engine;  // "rocks", "postgres"
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

std::string key_of(char kind, std::uint64_t number) {
    std::string key(1, kind);
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((number >> shift) & 0xFF));
    return key;
}

/// Not compressible, as sealed PANs are not.
std::string bytes_of(std::size_t size, std::uint64_t seed) {
    std::string out;
    for (std::uint64_t i = 0; out.size() < size; ++i) {
        std::uint64_t v = (seed + i) * 0x9E3779B97F4A7C15;
        v ^= v >> 29;
        out.push_back(static_cast<char>(v & 0xFF));
    }
    return out;
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
            Batch next = make(c.batch);
            next.turn_number = ++turn_;
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
    Batch make(std::uint32_t refunds) {
        Batch batch;
        for (std::uint32_t i = 0; i < refunds; ++i) {
            const std::uint64_t n = ++refund_;
            batch.put(Family::journal, key_of('r', n), bytes_of(refund_bytes, n));
            batch.put(Family::journal, key_of('h', n), bytes_of(refund_bytes, n + 1));
            batch.put(Family::journal, key_of('s', n / 2), bytes_of(sale_bytes, n + 2));
            batch.put(Family::index, key_of('t', n * 0x9E3779B97F4A7C15), bytes_of(index_bytes, n));
            batch.put(Family::index, key_of('o', n), bytes_of(index_bytes, n));
        }
        return batch;
    }

    ledger::Store& store_;
    std::uint64_t turn_;
    std::uint64_t refund_ = Clock::now().time_since_epoch().count() & 0xFFFFFFFFFF;  // other keys each time
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

Result<void> run_case(Case& c, const ledger::PostgresOptions& postgres, const std::string& folder,
                      double seconds) {
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
        for (const std::uint32_t depth : o.depths) cases.push_back({"postgres", depth, batch});
    }
    return cases;
}

double rocks_rate(const std::vector<Case>& cases, std::uint32_t batch) {
    for (const Case& c : cases)
        if (c.engine == "rocks" && c.batch == batch) return at(c.refunds_per_second, 0.5);
    return 0;
}

void report(const std::vector<Case>& cases, const std::string& json_path) {
    fmt::print("{:<10} {:>14} {:>10} {:>12} {:>9} {:>12} {:>12}\n", "engine", "refunds a turn", "under way",
               "refunds/s", "to rocks", "turn p50 us", "turn p99 us");
    std::string json;
    for (const Case& c : cases) {
        const double rate = at(c.refunds_per_second, 0.5);
        const double ratio = rate / rocks_rate(cases, c.batch);
        const double p50 = at(c.turn_us, 0.5), p99 = at(c.turn_us, 0.99);
        fmt::print("{:<10} {:>14} {:>10} {:>12.0f} {:>9.2f} {:>12.0f} {:>12.0f}\n", c.engine, c.batch,
                   c.depth, rate, ratio, p50, p99);
        json += fmt::format(
            "{}  \"{}.refunds_per_second\": {:.1f},\n  \"{}.ratio\": {:.3f},\n  \"{}.turn_us_p50\": "
            "{:.1f},\n  "
            "\"{}.turn_us_p99\": {:.1f}",
            json.empty() ? "" : ",\n", c.name(), rate, c.name(), ratio, c.name(), p50, c.name(), p99);
    }
    if (!json_path.empty()) std::ofstream(json_path) << "{\n" + json + "\n}\n";
}

Result<void> measure(const StoreBenchOptions& options, const std::string& folder) {
    const auto postgres = postgres_of(options);
    if (!postgres) return tl::unexpected(postgres.error());
    if (!options.hosts.empty())
        if (const auto made = ledger::create_cluster(*postgres, "", "", 1); !made)
            return parse_error(made.error().what);
    std::vector<Case> cases = cases_of(options);
    const double seconds = static_cast<double>(options.case_ms) / 1000.0 / std::max(1U, options.rounds);
    // In turns, so that a slow moment of the machine falls on all alike.
    for (std::uint32_t round = 0; round < options.rounds; ++round)
        for (Case& c : cases)
            if (auto done = run_case(c, *postgres, folder, seconds); !done) return done;
    report(cases, options.json_path);
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
