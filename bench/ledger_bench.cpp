#include "bench/ledger_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <semaphore>
#include <string_view>
#include <vector>

#include "ledger/rocks_store.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using ledger::Batch;
using ledger::Family;
using ledger::RocksStore;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One way to write; its rates and sync times over all rounds.
struct Case {
    const char* name;            // in JSON too
    std::uint32_t group;         // records of one sync
    std::uint32_t journal_puts;  // of a record
    std::uint32_t index_puts;
    std::vector<double> records_per_second = {};
    std::vector<double> sync_us = {};
};

double median(std::vector<double> values) {
    return values.empty() ? 0 : (std::sort(values.begin(), values.end()), values[values.size() / 2]);
}
double percentile(std::vector<double> values, double p) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

std::string be64(char prefix, std::uint64_t v) {
    std::string key(1, prefix);
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((v >> shift) & 0xFF));
    return key;
}
/// Spreads consecutive numbers over the whole key space (splitmix64).
std::uint64_t scattered(std::uint64_t v) {
    v += 0x9E3779B97F4A7C15;
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EB;
    return v ^ (v >> 31);
}

class Writer {
  public:
    Writer(RocksStore& store, std::uint32_t record_bytes) : store_(store), turn_(store.last_turn_number()) {
        // Not compressible, as sealed PANs are not.
        for (std::uint32_t i = 0; i < record_bytes; ++i) value_.push_back(static_cast<char>(scattered(i)));
    }

    /// Writes for `seconds`; while a sync runs the next batch is made, as the switch's turns do. False on
    /// failure.
    bool run(Case& c, double seconds) {
        const std::uint64_t first = record_;
        const Clock::time_point start = Clock::now();
        Batch next = make(c);
        while (seconds_since(start) < seconds) {
            std::binary_semaphore done(0);
            const Clock::time_point begun = Clock::now();
            Clock::time_point ended;
            next.turn_number = ++turn_;
            store_.begin_sync(std::move(next), [&] {
                ended = Clock::now();
                done.release();
            });
            next = make(c);
            done.acquire();
            if (auto finished = store_.finish_sync(); !finished) {
                fmt::print(stderr, "switch-bench ledger: {}\n", finished.error().what);
                return false;
            }
            c.sync_us.push_back(std::chrono::duration<double, std::micro>(ended - begun).count());
        }
        const auto written = static_cast<double>(record_ - first - c.group);  // the last batch was only made
        c.records_per_second.push_back(written / seconds_since(start));
        return true;
    }

    [[nodiscard]] std::uint64_t records() const { return record_; }
    static std::string index_key(std::uint64_t n) { return be64('i', scattered(n)) + be64('k', n).substr(1); }

  private:
    Batch make(const Case& c) {
        Batch batch;
        for (std::uint32_t i = 0; i < c.group; ++i) {
            ++record_;
            for (std::uint32_t j = 0; j < c.journal_puts; ++j)
                batch.put(Family::journal, be64('t', record_) + std::string(3, static_cast<char>('a' + j)),
                          value_);
            for (std::uint32_t j = 0; j < c.index_puts; ++j)
                batch.put(Family::index, index_key(record_ * 4 + j), be64('t', record_));
        }
        return batch;
    }

    RocksStore& store_;
    std::uint64_t turn_;
    std::uint64_t record_ = 0;
    std::string value_;
};

struct Reads {
    double hit_ns = 0;
    double miss_ns = 0;
};

Reads measure_reads(const RocksStore& store, std::uint64_t records) {
    constexpr std::uint64_t gets = 100'000;
    Reads reads;
    const auto each = [&](bool existing) {
        const Clock::time_point start = Clock::now();
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < gets; ++i) {
            const std::uint64_t n = scattered(i) % (records + 1);
            // Records of the case without an index put are misses as well: the figure is of the mix that is
            // there.
            const auto value = store.get(Family::index, Writer::index_key(existing ? n * 4 : n * 4 + 3));
            if (value && *value) ++found;
        }
        (void)found;
        return seconds_since(start) * 1e9 / static_cast<double>(gets);
    };
    reads.hit_ns = each(true);
    reads.miss_ns = each(false);
    return reads;
}

void print_table(const std::vector<Case>& cases, const Reads& reads) {
    const double base = median(cases[0].records_per_second);
    fmt::print("{:<28} {:>8} {:>14} {:>8} {:>12} {:>12}\n", "case", "a sync", "records/s", "ratio",
               "sync p50 us", "sync p99 us");
    for (const Case& c : cases)
        fmt::print("{:<28} {:>8} {:>14.0f} {:>7.1f}x {:>12.0f} {:>12.0f}\n", c.name, c.group,
                   median(c.records_per_second), median(c.records_per_second) / base,
                   percentile(c.sync_us, 0.5), percentile(c.sync_us, 0.99));
    fmt::print("index reads: {:.0f} ns for keys written here, {:.0f} ns for absent ones\n", reads.hit_ns,
               reads.miss_ns);
}

bool write_json(const std::string& path, const std::vector<Case>& cases, const Reads& reads) {
    std::string json = "{\n";
    const double base = median(cases[0].records_per_second);
    for (const Case& c : cases) {
        const double rate = median(c.records_per_second);
        json += fmt::format(
            "  \"{0}.records_per_second\": {1:.1f},\n  \"{0}.ratio\": {2:.3f},\n  \"{0}.sync_us_p50\": "
            "{3:.1f},\n"
            "  \"{0}.sync_us_p99\": {4:.1f},\n",
            c.name, rate, rate / base, percentile(c.sync_us, 0.5), percentile(c.sync_us, 0.99));
    }
    json += fmt::format("  \"index_get_hit.ns\": {:.1f},\n  \"index_get_miss.ns\": {:.1f}\n}}\n",
                        reads.hit_ns, reads.miss_ns);
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return false;
    const bool written = std::fwrite(json.data(), 1, json.size(), file) == json.size();
    return std::fclose(file) == 0 && written;
}

int measure(const LedgerBenchOptions& options, const std::string& directory) {
    ledger::RocksStoreOptions store_options;
    store_options.directory = directory;
    auto store = RocksStore::open(store_options);
    if (!store) {
        fmt::print(stderr, "switch-bench ledger: {}\n", store.error().what);
        return 1;
    }
    std::vector<Case> cases = {
        {"sync_per_record", 1, 1, 0},
        {"group_16", 16, 1, 0},
        {"group_64", 64, 1, 0},
        {"group_256", 256, 1, 0},
        {"group_64_hash_ordered", 64, 0, 1},
        {"refund_alone", 1, 3, 2},
        {"refunds_64", 64, 3, 2},
    };
    Writer writer(**store, options.record_bytes);
    const double seconds = static_cast<double>(options.case_ms) / 1000.0 / std::max(1U, options.rounds);
    // In turns, so that a slow moment of the machine falls on all alike.
    for (std::uint32_t round = 0; round < options.rounds; ++round)
        for (Case& c : cases)
            if (!writer.run(c, seconds)) return 1;
    const Reads reads = measure_reads(**store, writer.records());
    print_table(cases, reads);
    if (!options.json_path.empty() && !write_json(options.json_path, cases, reads)) {
        fmt::print(stderr, "switch-bench ledger: {} cannot be written\n", options.json_path);
        return 1;
    }
    return 0;
}

}  // namespace

int run_ledger_bench(const LedgerBenchOptions& options) {
    std::string directory = options.directory + "/ledger-bench-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) {
        fmt::print(stderr, "switch-bench ledger: no folder can be made in {}\n", options.directory);
        return 1;
    }
    const int result = measure(options, directory);
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
    return result;
}

}  // namespace bench
