#include "bench/turn_bench.hpp"

#include <fmt/core.h>
#include <gnu/libc-version.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/callgrind.hpp"
#include "bench/core_bench.hpp"
#include "bench/report.hpp"
#include "ledger/memory_store.hpp"

// jemalloc's own; null when the program was linked without it.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));

namespace bench {
namespace {

using namespace acquirer;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t echoes_counted = 200;

RequestArrived request(std::uint32_t trace, const std::string& rrn, std::uint32_t terminal = first_terminal) {
    return rrn.empty() ? core_bench_sale(trace, terminal, core_bench_card)
                       : core_bench_refund(trace, terminal, core_bench_card, rrn, core_bench_amount);
}

/// `crowd` terminals have a sale with the issuer and a settlement that waits for it; then one more terminal
/// sends echoes. 0, or 1 when something was answered that should wait, or the other way round.
int run_crowd(std::uint32_t crowd) {
    ledger::MemoryStore store;
    CoreBench bench(store, routing::RefundMode::advice);
    std::size_t too_early = 0, echoes = 0;
    for (std::uint32_t i = 1; i <= crowd; ++i) {
        too_early += bench.offer_for_later(request(1, "", first_terminal + i));
        too_early += bench.offer_for_later(core_bench_batch_request(500, "00000001201", first_terminal + i));
    }
    const RequestArrived echo = core_bench_batch_request(820, "00000001301", first_terminal);
    for (std::uint32_t i = 0; i < echoes_counted; ++i) echoes += bench.offer_alone(echo);
    if (too_early == 0 && echoes == echoes_counted && bench.all_approved()) return 0;
    std::fprintf(stderr, "switch-bench turn: %zu answers came early, %zu echoes of %u were answered\n",
                 too_early, echoes, echoes_counted);
    return 1;
}

/// What a transaction costs in the core: these run one after another, never inside each other.
const std::vector<std::string> counted_functions = {
    "acquirer::SwitchCore::step(*", "acquirer::SwitchCore::close_turn(unsigned long)",
    "ledger::Overlay::take_batch()", "ledger::Overlay::in_flight_done()"};
constexpr std::uint32_t refunds_counted = 1'000;
/// And between the bytes of a request and those of its answer, the HSM's part included.
const std::vector<std::string> counted_of_sessions = {"simulation::SwitchProcess::bytes_arrived(*",
                                                      "simulation::SwitchProcess::drive()"};
constexpr std::uint32_t session_terminals = 50, session_transactions = 1'000;
constexpr std::uint32_t crowd_counted = 900;

/// The allocator's version and the first word of it: "jemalloc 5.3.0".
std::string allocator() {
    const char* version = nullptr;
    std::size_t size = sizeof version;
    if (mallctl == nullptr || mallctl("version", &version, &size, nullptr, 0) != 0) return "libc";
    const std::string text = version;
    return "jemalloc " + text.substr(0, text.find('-'));
}

nlohmann::json built_with() {
    nlohmann::json place;
    place["compiler"] = __VERSION__;
    place["build"] = BENCH_BUILD;
    place["libstdc++"] = __GLIBCXX__;
    place["libc"] = gnu_get_libc_version();
    place["allocator"] = allocator();
    place["fmt"] = FMT_VERSION;
    place["valgrind"] = valgrind_version();
    return place;
}

struct SessionCount {
    double sale = 0, refund = 0;
};
SessionCount count_session(const std::string& profile) {
    const auto run = [&](const std::string& what) {
        return count_instructions("session --terminals " + std::to_string(session_terminals) +
                                      " --transactions " + std::to_string(session_transactions) + " --only " +
                                      profile + what,
                                  counted_of_sessions) /
               session_transactions;
    };
    const double signed_on = run(" --sign-on-only"), sold = run(" --sales-only");
    return {sold - signed_on, run("") - sold};
}

double count_echo(std::uint32_t crowd) {
    return count_instructions("turn --crowd " + std::to_string(crowd), {"*::CoreBench::offer_alone(*"}) /
           echoes_counted;
}

int count_turns(const TurnBenchOptions& options) {
    const auto run = [&](const std::string& what) {
        return count_instructions("turn --refunds " + std::to_string(refunds_counted) + " --events-a-turn " +
                                      std::to_string(options.events_a_turn) + " --only " + what,
                                  counted_functions) /
               refunds_counted;
    };
    const double sale = run("online --sales-only"), online = run("online") - sale,
                 advice = run("advice") - sale;
    const SessionCount unionpay = count_session("unionpay-pos"), iso = count_session("iso87-ascii");
    const double echo = count_echo(0), echo_in_crowd = count_echo(crowd_counted);
    if (sale <= 0 || online <= 0 || advice <= 0 || unionpay.sale <= 0 || unionpay.refund <= 0 ||
        iso.sale <= 0 || iso.refund <= 0 || echo <= 0 || echo_in_crowd <= 0) {
        std::fputs("switch-bench turn: nothing was counted; is valgrind installed?\n", stderr);
        return 1;
    }
    const nlohmann::json found = {{"built_with", built_with()},
                                  {"instructions",
                                   {{"sale", std::llround(sale)},
                                    {"refund_online", std::llround(online)},
                                    {"refund_advice", std::llround(advice)},
                                    {"session_unionpay_sale", std::llround(unionpay.sale)},
                                    {"session_unionpay_refund", std::llround(unionpay.refund)},
                                    {"session_iso_sale", std::llround(iso.sale)},
                                    {"session_iso_refund", std::llround(iso.refund)}}},
                                  {"echo",
                                   {{"alone", std::llround(echo)},
                                    {"in_crowd", std::llround(echo_in_crowd)},
                                    {"crowd", crowd_counted}}}};
    std::printf("%s\n", found.dump(2).c_str());
    return write_file(options.json_file, found.dump(2) + "\n") ? 0 : 1;
}

}  // namespace

bool write_figures(const std::map<std::string, double>& figures, const std::string& file) {
    return write_file(file, nlohmann::json(figures).dump(2) + "\n");
}

int run_turn_bench(const TurnBenchOptions& options) {
    if (options.count) return count_turns(options);
    if (options.crowd) return run_crowd(*options.crowd);
    std::map<std::string, double> figures;
    bool approved = true;
    for (const auto mode : {routing::RefundMode::online, routing::RefundMode::advice}) {
        const std::string name(routing::name(mode));
        if (!options.only.empty() && options.only != name) continue;
        ledger::MemoryStore store;
        CoreBench bench(store, mode);
        std::vector<RequestArrived> sales;
        for (std::uint32_t i = 1; i <= options.refunds; ++i) sales.push_back(request(i, ""));
        const auto start = Clock::now();
        const std::vector<std::string> rrns = bench.run(sales, options.events_a_turn);
        const auto sold = Clock::now();
        std::vector<RequestArrived> refunds;
        for (std::uint32_t i = 0; i < rrns.size(); ++i)
            if (!options.sales_only) refunds.push_back(request(options.refunds + 1 + i, rrns[i]));
        const auto ready = Clock::now();
        bench.run(refunds, options.events_a_turn);
        const auto done = Clock::now();
        approved = approved && bench.all_approved() && rrns.size() == options.refunds;
        const auto per = [&](auto span) {
            return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(span).count()) /
                   options.refunds;
        };
        figures["turn.sale." + name + ".ns"] = per(sold - start);
        figures["turn.refund." + name + ".ns"] = per(done - ready);
        std::printf("%-8s sale %8.0f ns   refund %8.0f ns\n", name.c_str(), per(sold - start),
                    per(done - ready));
    }
    const bool written = write_figures(figures, options.json_file);
    if (!approved) std::fputs("switch-bench turn: an answer was not 00\n", stderr);
    return approved && written ? 0 : 1;
}

}  // namespace bench
