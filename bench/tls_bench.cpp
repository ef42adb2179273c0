#include "bench/tls_bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <vector>

#include "bench/report.hpp"
#include "switch/io/tls.hpp"
#include "tests/peers/tls_identity.hpp"

namespace bench {

namespace {

using acquirer::ByteChannel;
using acquirer::TlsContext;
using iso8583::Bytes;
using iso8583::ByteView;

double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double resident_kib() {
    std::ifstream statm("/proc/self/statm");
    double size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

/// The switch's side of a connection and its peer; what the first one's calls cost is summed up.
class Pair {
  public:
    Pair(TlsContext& servers, TlsContext& clients) : server_(servers.channel()), client_(clients.channel()) {}

    bool shake_hands() {
        Bytes to_client = served([&] { return server_->begin(); });
        Bytes to_server = copy(client_->begin());
        while (!server_->ready() || !client_->ready() || !to_server.empty() || !to_client.empty()) {
            if (to_server.empty() && to_client.empty()) return false;
            to_client = served([&] { return server_->feed(to_server).to_send; });
            to_server = copy(client_->feed(to_client).to_send);
            to_client.clear();
            if (!server_->failure().empty() || !client_->failure().empty()) return false;
        }
        return true;
    }
    void request_and_answer(const Bytes& message) {
        const Bytes request = copy(client_->seal(message));
        const Bytes answer = served([&] {
            static_cast<void>(server_->feed(request));
            return server_->seal(message);
        });
        static_cast<void>(client_->feed(answer));
    }
    [[nodiscard]] double seconds() const { return seconds_; }
    std::unique_ptr<ByteChannel> take_server() { return std::move(server_); }

  private:
    static Bytes copy(ByteView view) { return {view.begin(), view.end()}; }
    template <typename Call>
    Bytes served(Call&& call) {
        const double begun = thread_seconds();
        const ByteView said = call();
        seconds_ += thread_seconds() - begun;
        return copy(said);
    }

    std::unique_ptr<ByteChannel> server_, client_;
    double seconds_ = 0;
};

/// Certificates, as files for as long as this lives, and what both sides made of them.
struct World {
    tls_peers::Identity authority{"bench authority"};
    tls_peers::Identity server{"switch.test", authority};
    tls_peers::Identity client{"terminal.test", authority};
    std::shared_ptr<TlsContext> servers, clients;

    iso8583::Result<void> open() {
        const std::string ca = authority.certificate_path();
        auto ours = TlsContext::open(TlsContext::Side::server,
                                     {server.certificate_path(), server.key_path(), ca, {}, false});
        if (!ours) return tl::unexpected(ours.error());
        auto theirs =
            TlsContext::open(TlsContext::Side::client,
                             {client.certificate_path(), client.key_path(), ca, {"switch.test"}, false});
        if (!theirs) return tl::unexpected(theirs.error());
        servers = std::move(*ours);
        clients = std::move(*theirs);
        return {};
    }
};

enum class Sessions : bool { fresh, resumed };

/// Handshakes a second of processor time. Files that are read again forget the session that was offered last.
iso8583::Result<double> handshakes_per_second(World& world, std::uint32_t count, Sessions sessions) {
    const bool resumes = sessions == Sessions::resumed;
    double seconds = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!resumes)
            if (auto renewed = world.clients->reload(); !renewed) return tl::unexpected(renewed.error());
        const std::uint64_t before = world.servers->counts().resumed;
        Pair pair(*world.servers, *world.clients);
        if (!pair.shake_hands()) return iso8583::parse_error("a handshake failed");
        if (i > 0 && (world.servers->counts().resumed != before) != resumes)
            return iso8583::parse_error(resumes ? "a session was not resumed"
                                                : "a session was resumed unasked");
        seconds += pair.seconds();
    }
    return count / seconds;
}

}  // namespace

int run_tls_bench(const TlsBenchOptions& o) {
    const auto fail = [](const std::string& why) {
        std::fprintf(stderr, "switch-bench tls: %s\n", why.c_str());
        return 1;
    };
    World world;
    if (auto opened = world.open(); !opened) return fail(opened.error().what);
    const auto fresh = handshakes_per_second(world, o.handshakes, Sessions::fresh);
    if (!fresh) return fail(fresh.error().what);
    const auto resumed = handshakes_per_second(world, o.handshakes, Sessions::resumed);
    if (!resumed) return fail(resumed.error().what);
    Pair talk(*world.servers, *world.clients);
    if (!talk.shake_hands()) return fail("a handshake failed");
    const Bytes message(o.message_bytes, 0x42);
    const double before_talk = talk.seconds();
    for (std::uint32_t i = 0; i < o.messages; ++i) talk.request_and_answer(message);
    const double message_us = (talk.seconds() - before_talk) / o.messages * 1e6;
    std::vector<std::unique_ptr<ByteChannel>> idle;
    const double before_idle = resident_kib();
    for (std::uint32_t i = 0; i < o.idle; ++i) {
        Pair pair(*world.servers, *world.clients);
        if (!pair.shake_hands()) return fail("a handshake failed");
        idle.push_back(pair.take_server());
    }
    const double idle_kib = (resident_kib() - before_idle) / o.idle;
    Report report;
    report.title = "switch-bench tls";
    report.facts = machine_facts();
    report.figures = {{"tls.handshakes_per_second", *fresh},
                      {"tls.resumed_handshakes_per_second", *resumed},
                      {"tls.us_per_request_and_answer", message_us},
                      {"tls.idle_kib", idle_kib}};
    report.passed = idle_kib <= idle_kib_max;
    if (!report.passed)
        report.findings.push_back(
            fmt::format("an idle connection holds {:.1f} KiB, {:.0f} may be", idle_kib, idle_kib_max));
    std::fputs(to_table(report).c_str(), stdout);
    if (!write_reports(report, {o.json_file, "", "", ""})) return 1;
    return report.passed ? 0 : 1;
}

}  // namespace bench
