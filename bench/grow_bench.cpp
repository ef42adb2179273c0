#include "bench/grow_bench.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "bench/core_bench.hpp"
#include "bench/load_session.hpp"
#include "bench/load_stack.hpp"
#include "bench/process_watch.hpp"
#include "ledger/rocks_store.hpp"

namespace bench {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::uint32_t events_a_turn = 256;
constexpr std::uint32_t sales_a_step = 25'600;
constexpr std::uint64_t cards = 1'000'000;
constexpr std::uint32_t traces = 499'000;       // of a terminal: sales below, refunds above
constexpr std::int64_t refund_amount = 1;       // so that a sale can have many
constexpr const char* rrn_file = "/sales.rrn";  // 12 digits each, in the order of the sales
constexpr const char* refunds_file = "/refunds.count";

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// User and system time of all threads of this process.
double own_cpu_seconds() {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

/// splitmix64
std::uint64_t scattered(std::uint64_t v) {
    v += 0x9E3779B97F4A7C15ULL;
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9ULL;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EBULL;
    return v ^ (v >> 31);
}

std::uint32_t terminal_of(std::uint64_t sale) {
    return first_terminal + static_cast<std::uint32_t>(sale % core_bench_terminals);
}
std::uint32_t trace_of(std::uint64_t sale) {
    return 1 + static_cast<std::uint32_t>(sale / core_bench_terminals % traces);
}
/// Numbers of the range that is published for tests.
std::string card_of(std::uint64_t sale) { return fmt::format("411111{:010}", scattered(sale) % cards); }

/// The ledger that grows; sales are numbered from 0 in the order in which they were made.
class Growing {
  public:
    Growing(std::string directory, std::uint64_t cache_mib)
        : directory_(std::move(directory)), cache_bytes_(cache_mib << 20) {}

    Result<double> open() {
        const auto start = Clock::now();
        ledger::RocksStoreOptions options;
        options.directory = directory_ + "/ledger";
        options.block_cache_bytes = cache_bytes_;
        auto opened = ledger::RocksStore::open(options);
        if (!opened) return parse_error(opened.error().what);
        store_ = std::move(*opened);
        bench_ = std::make_unique<CoreBench>(*store_, routing::RefundMode::advice);
        return seconds_since(start);
    }
    void close() {
        bench_.reset();
        store_.reset();
    }
    /// What an earlier run left.
    void take_over() {
        std::ifstream in(directory_ + rrn_file);
        for (std::string rrn; std::getline(in, rrn);)
            if (rrn.size() == iso8583::Rrn::size_max) rrns_.push_back(std::stoull(rrn));
        std::ifstream(directory_ + refunds_file) >> refunds_made_;
    }
    [[nodiscard]] std::uint64_t sales() const { return rrns_.size(); }

    Result<void> sell_up_to(std::uint64_t wanted) {
        std::ofstream out(directory_ + rrn_file, std::ios::app);
        while (rrns_.size() < wanted) {
            std::vector<acquirer::RequestArrived> requests;
            const std::uint64_t count = std::min<std::uint64_t>(sales_a_step, wanted - rrns_.size());
            for (std::uint64_t i = rrns_.size(); i < rrns_.size() + count; ++i)
                requests.push_back(core_bench_sale(trace_of(i), terminal_of(i), card_of(i)));
            const auto made = bench_->run(requests, events_a_turn);
            if (made.size() != count || !bench_->all_approved())
                return parse_error("a sale was not approved");
            for (const std::string& rrn : made) {
                rrns_.push_back(std::stoull(rrn));
                out << rrn << '\n';
            }
        }
        out.flush();
        if (!out) return parse_error("cannot write " + directory_ + rrn_file);
        return {};
    }

    struct Cost {
        double cpu_us = 0, wall_us = 0;
    };
    Result<Cost> refund(std::uint32_t count) {
        std::vector<acquirer::RequestArrived> requests;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint64_t n = refunds_made_ + i;
            const std::uint64_t sale = scattered(n * 2 + 1) % rrns_.size();
            requests.push_back(core_bench_refund(traces + trace_of(n), terminal_of(n), card_of(sale),
                                                 fmt::format("{:012}", rrns_[sale]), refund_amount));
        }
        const double cpu = own_cpu_seconds();
        const auto start = Clock::now();
        const auto answers = bench_->run(requests, events_a_turn);
        const Cost cost{(own_cpu_seconds() - cpu) * 1e6 / count, seconds_since(start) * 1e6 / count};
        if (answers.size() != count || !bench_->all_approved())
            return parse_error("a refund was not approved");
        refunds_made_ += count;
        std::ofstream(directory_ + refunds_file) << refunds_made_ << '\n';
        return cost;
    }

    /// Of the store with everything flushed.
    Result<std::uint64_t> bytes() const {
        const std::string copy = directory_ + "/flushed";
        std::error_code ignored;
        fs::remove_all(copy, ignored);
        if (auto flushed = store_->checkpoint(copy); !flushed) return parse_error(flushed.error().what);
        const std::uint64_t size = bytes_below(copy.c_str());
        fs::remove_all(copy, ignored);
        return size;
    }

  private:
    std::string directory_;
    std::uint64_t cache_bytes_;
    std::unique_ptr<ledger::RocksStore> store_;
    std::unique_ptr<CoreBench> bench_;
    std::vector<std::uint64_t> rrns_;
    std::uint64_t refunds_made_ = 0;
};

Result<void> measure(Growing& ledger, std::uint64_t size, std::uint32_t refunds, double& first_us,
                     Sheet& sheet, Report& report) {
    const auto start = Clock::now();
    const std::uint64_t before = ledger.sales();
    if (auto sold = ledger.sell_up_to(size); !sold) return sold;
    const double filling_s = seconds_since(start);
    const auto bytes = ledger.bytes();
    if (!bytes) return tl::unexpected(bytes.error());
    ledger.close();
    const auto start_s = ledger.open();
    if (!start_s) return tl::unexpected(start_s.error());
    const auto cost = ledger.refund(static_cast<std::uint32_t>(std::min<std::uint64_t>(refunds, size)));
    if (!cost) return tl::unexpected(cost.error());
    if (first_us == 0) first_us = cost->cpu_us;
    const std::string name = fmt::format("grow.{}.", size);
    const double bytes_a_sale = static_cast<double>(*bytes) / static_cast<double>(size);
    const double memory_mib = static_cast<double>(resident_kib(::getpid())) / 1'024;
    report.figures.insert(report.figures.end(), {{name + "us_per_refund", cost->cpu_us},
                                                 {name + "wall_us_per_refund", cost->wall_us},
                                                 {name + "bytes_per_sale", bytes_a_sale},
                                                 {name + "start_seconds", *start_s},
                                                 {name + "resident_mib", memory_mib}});
    report.figures.emplace_back("ratio." + name + "us_per_refund", cost->cpu_us / first_us);
    sheet.rows.push_back(
        {std::to_string(size), fmt::format("{:.1f}", cost->cpu_us),
         fmt::format("{:.2f}", cost->cpu_us / first_us), fmt::format("{:.1f}", cost->wall_us),
         fmt::format("{:.0f}", bytes_a_sale), fmt::format("{:.2f}", *start_s),
         fmt::format("{:.0f}", memory_mib),
         filling_s > 0 ? fmt::format("{:.0f}", static_cast<double>(size - before) / filling_s) : "–"});
    return {};
}

}  // namespace

Result<std::vector<std::uint64_t>> parse_sizes(const std::string& text) {
    std::vector<std::uint64_t> sizes;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (word.empty() || word.size() > 9 || !iso8583::all_digits(word) || std::stoull(word) == 0 ||
            std::stoull(word) > grow_sales_max)
            return parse_error(fmt::format("'{}' is no number of sales from 1 to {}", word, grow_sales_max));
        if (!sizes.empty() && std::stoull(word) <= sizes.back())
            return parse_error(fmt::format("{} after {}: a ledger only grows", word, sizes.back()));
        sizes.push_back(std::stoull(word));
        at = end + 1;
    }
    return sizes;
}

int run_grow_bench(const GrowOptions& o) {
    const bool keep = !o.directory.empty();
    const std::string directory =
        keep ? o.directory : fmt::format("{}/../bench-grow-{}", own_directory(), ::getpid());
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) return complain("grow", "cannot make " + directory + ": " + error.message(), 1);
    Report report;
    report.title = "switch-bench grow";
    report.facts = machine_facts();
    report.facts.emplace_back(
        "refunds", fmt::format("{} at each size, of sales old and recent, {} events a turn; {} MiB of cache",
                               o.refunds, events_a_turn, o.cache_mib));
    Sheet sheet{"As the ledger grows",
                {"sales", "CPU µs a refund", "× the first", "µs a refund", "bytes a sale", "start s",
                 "resident MiB", "sales/s while filling"},
                {}};
    int code = 0;
    {
        Growing ledger(directory, o.cache_mib);
        ledger.take_over();
        if (ledger.sales() > o.sales.front())
            code = complain("grow",
                            fmt::format("{} has {} sales already, more than {}", directory, ledger.sales(),
                                        o.sales.front()),
                            1);
        if (code == 0) {
            if (auto opened = ledger.open(); !opened) code = complain("grow", opened.error().what, 1);
        }
        double first_us = 0;
        for (const std::uint64_t size : o.sales) {
            if (code != 0) break;
            if (auto measured = measure(ledger, size, o.refunds, first_us, sheet, report); !measured)
                code = complain("grow", measured.error().what, 1);
        }
    }
    if (!keep) fs::remove_all(directory, error);
    if (code != 0) return code;
    report.sheets.push_back(std::move(sheet));
    const bool written = write_reports(report, o.files);
    std::fputs(to_table(report).c_str(), stdout);
    return written ? 0 : 1;
}

}  // namespace bench
