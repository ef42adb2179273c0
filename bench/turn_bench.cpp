#include "bench/turn_bench.hpp"

#include <fmt/core.h>
#include <gnu/libc-version.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/callgrind.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/memory_store.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"

// jemalloc's own; null when the program was linked without it.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));

namespace bench {
namespace {

using namespace acquirer;
using iso8583::Field;
using Clock = std::chrono::steady_clock;

constexpr const char* merchant = "898110157220001";
constexpr std::uint32_t first_terminal = 10'000'001;
constexpr std::uint32_t echoes_counted = 200;

ConfigurationPtr configuration(routing::RefundMode mode) {
    auto c = std::make_shared<Configuration>();
    c->currency = iso8583::Currency::of(156);
    MerchantConfig m;
    m.id = iso8583::MerchantId::parse(merchant).value();
    m.refund.repeat_refund_seconds = 0;
    c->merchants.emplace(m.id, m);
    TerminalRange range;
    range.first = first_terminal;
    range.last = first_terminal + 10'000;
    range.merchant = m.id;
    c->terminals.push_back(range);
    routing::Route route;
    route.id = {1};
    route.name = route.link_group = "issuer";
    route.refund_mode = mode;
    route.in_flight_max = 65'536;
    route.advices_in_flight_max = 4096;
    c->routes = routing::RouteTable::build({route}, {{"400000", "499999", {route.id}}}).value();
    return c;
}

/// A core with an issuer that approves at once and a terminal that asks.
class Bench {
  public:
    explicit Bench(routing::RefundMode mode)
        : vault_(ledger::PanVaultKey(std::array<std::uint8_t, ledger::PanVaultKey::size>{1, 2, 3})),
          overlay_(store_),
          core_(configuration(mode), overlay_, vault_, &ledger::audit_sha256),
          turn_(core_, overlay_, store_, [this] { turn_.sync_has_ended(); }) {
        now_.utc = {1'795'233'600'000};
        turn_.offer_recovered(core_.recover(now_).value());
        pump();
        turn_.offer(IssuerLinkUp{{1}, {9}}, now_);
        pump();
    }

    /// Offers the requests in turns, answers what reaches the issuer, and returns the RRNs of the answers.
    std::vector<std::string> run(const std::vector<RequestArrived>& requests, std::uint32_t events_a_turn) {
        rrns_.clear();
        for (std::size_t i = 0; i < requests.size(); i += events_a_turn) {
            for (std::size_t k = i; k < std::min<std::size_t>(requests.size(), i + events_a_turn); ++k)
                turn_.offer(requests[k], now_);
            pump();
            while (!replies_.empty()) {
                std::vector<IssuerReplyArrived> due;
                due.swap(replies_);
                for (const IssuerReplyArrived& reply : due) turn_.offer(reply, now_);
                pump();
            }
            now_.utc.ms += 1;
            now_.instant.ms += 1;
        }
        return rrns_;
    }
    [[nodiscard]] bool all_approved() const { return all_approved_; }

    /// One event and its turn; the issuer stays silent. How many answers left.
    std::size_t offer_for_later(const RequestArrived& event) {
        rrns_.clear();
        turn_.offer(event, now_);
        pump();
        replies_.clear();
        return rrns_.size();
    }
    /// The same, whose instructions are counted by the name.
    [[gnu::noinline]] std::size_t offer_alone(const RequestArrived& event) { return offer_for_later(event); }

  private:
    void pump() {
        const auto perform = [this](const Effect& effect) {
            if (const auto* reply = std::get_if<SendReply>(&effect)) {
                all_approved_ = all_approved_ && reply->fields.get(Field::response_code) == "00";
                rrns_.emplace_back(reply->fields.get(Field::rrn));
            } else if (const auto* message = std::get_if<SendToIssuer>(&effect)) {
                iso8583::FieldValues back(*message->fields.mti().response());
                for (Field f : {Field::amount_transaction, Field::transmission_time, Field::stan, Field::rrn})
                    back.set(f, message->fields.get(f));
                back.set(Field::response_code, "00");
                back.set(Field::authorization_code, "123456");
                replies_.push_back(
                    {message->route, message->link, parse_issuer_reply(back).value(), MacState::verified});
            }
        };
        do turn_.pump(now_, perform);
        while (!turn_.idle());
    }

    ledger::MemoryStore store_;
    ledger::PanVault vault_;
    ledger::Overlay overlay_;
    SwitchCore core_;
    Turn turn_;
    iso8583::Now now_;
    std::vector<IssuerReplyArrived> replies_;
    std::vector<std::string> rrns_;
    bool all_approved_ = true;
};

std::string six(std::uint32_t v) {
    const std::string s = std::to_string(v);
    return std::string(6 - s.size(), '0') + s;
}

RequestArrived arrived(iso8583::FieldValues f, std::uint64_t link) {
    RequestArrived event;
    event.from.link = {link};
    event.mac = MacState::verified;
    event.key_version = 1;
    event.request =
        parse_terminal_request(Profile::unionpay_pos, std::move(f), {}, iso8583::Currency::of(156)).value();
    return event;
}

RequestArrived request(std::uint32_t trace, const std::string& rrn, std::uint32_t terminal = first_terminal) {
    const bool sale = rrn.empty();
    iso8583::FieldValues f(iso8583::Mti::of(sale ? 200 : 220));
    f.set(Field::pan, "4111111111111111");
    f.set(Field::processing_code, sale ? "000000" : "200000");
    f.set(Field::amount_transaction, "000000010000");
    f.set(Field::stan, six(trace));
    f.set(Field::pos_entry_mode, "051");
    f.set(Field::pos_condition_code, "00");
    if (!sale) f.set(Field::rrn, rrn);
    f.set(Field::terminal, std::to_string(terminal));
    f.set(Field::merchant, merchant);
    f.set(Field::currency_transaction, "156");
    f.set(Field::reserved_private_60, sale ? "22000001000" : "25000001000");
    if (!sale) f.set(Field::reserved_private_61, "0000000000001121");
    return arrived(std::move(f), terminal);
}

/// Of a terminal whose settlement (0500) or echo (0820) it is.
RequestArrived batch_request(std::uint16_t mti, const char* private_60, std::uint32_t terminal) {
    iso8583::FieldValues f(iso8583::Mti::of(mti));
    f.set(Field::stan, "000002");
    f.set(Field::terminal, std::to_string(terminal));
    f.set(Field::merchant, merchant);
    f.set(Field::reserved_private_60, private_60);
    if (mti == 500) {
        f.set(Field::additional_data, std::string(62, '0'));
        f.set(Field::currency_transaction, "156");
    }
    return arrived(std::move(f), terminal);
}

/// `crowd` terminals have a sale with the issuer and a settlement that waits for it; then one more terminal
/// sends echoes. 0, or 1 when something was answered that should wait, or the other way round.
int run_crowd(std::uint32_t crowd) {
    Bench bench(routing::RefundMode::advice);
    std::size_t too_early = 0, echoes = 0;
    for (std::uint32_t i = 1; i <= crowd; ++i) {
        too_early += bench.offer_for_later(request(1, "", first_terminal + i));
        too_early += bench.offer_for_later(batch_request(500, "00000001201", first_terminal + i));
    }
    const RequestArrived echo = batch_request(820, "00000001301", first_terminal);
    for (std::uint32_t i = 0; i < echoes_counted; ++i) echoes += bench.offer_alone(echo);
    if (too_early == 0 && echoes == echoes_counted && bench.all_approved()) return 0;
    std::fprintf(stderr, "switch-bench turn: %zu answers came early, %zu echoes of %u were answered\n",
                 too_early, echoes, echoes_counted);
    return 1;
}

/// What a transaction costs in the core: these run one after another, never inside each other.
const std::vector<std::string> counted_functions = {
    "acquirer::SwitchCore::step(*", "acquirer::SwitchCore::close_turn()", "ledger::Overlay::take_batch()",
    "ledger::Overlay::in_flight_done()"};
constexpr std::uint32_t refunds_counted = 1'000;
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

double count_echo(std::uint32_t crowd) {
    return count_instructions("turn --crowd " + std::to_string(crowd), {"*::Bench::offer_alone(*"}) /
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
    const double echo = count_echo(0), echo_in_crowd = count_echo(crowd_counted);
    if (sale <= 0 || online <= 0 || advice <= 0 || echo <= 0 || echo_in_crowd <= 0) {
        std::fputs("switch-bench turn: nothing was counted; is valgrind installed?\n", stderr);
        return 1;
    }
    const nlohmann::json found = {{"built_with", built_with()},
                                  {"instructions",
                                   {{"sale", std::llround(sale)},
                                    {"refund_online", std::llround(online)},
                                    {"refund_advice", std::llround(advice)}}},
                                  {"echo",
                                   {{"alone", std::llround(echo)},
                                    {"in_crowd", std::llround(echo_in_crowd)},
                                    {"crowd", crowd_counted}}}};
    std::printf("%s\n", found.dump(2).c_str());
    if (!options.json_file.empty()) std::ofstream(options.json_file) << found.dump(2) << '\n';
    return 0;
}

}  // namespace

int run_turn_bench(const TurnBenchOptions& options) {
    if (options.count) return count_turns(options);
    if (options.crowd) return run_crowd(*options.crowd);
    nlohmann::json figures;
    bool approved = true;
    for (const auto mode : {routing::RefundMode::online, routing::RefundMode::advice}) {
        const std::string name(routing::name(mode));
        if (!options.only.empty() && options.only != name) continue;
        Bench bench(mode);
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
    if (!options.json_file.empty()) std::ofstream(options.json_file) << figures.dump(2) << '\n';
    if (!approved) std::fputs("switch-bench turn: an answer was not 00\n", stderr);
    return approved ? 0 : 1;
}

}  // namespace bench
