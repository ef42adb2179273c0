#include "bench/limit.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "bench/load_stack.hpp"
#include "bench/relay.hpp"
#include "ledger/rocks_store.hpp"

namespace bench {

namespace {

constexpr std::size_t body_bytes = 200;  // about a refund of unionpay-pos with its MAC

/// Sends the same body over and over; its first four bytes are the slot's number, by which the echo finds
/// home.
class LimitPlayer final : public Player {
  public:
    explicit LimitPlayer(std::size_t per_connection)
        : per_connection_(per_connection), body_(body_bytes, 0x42) {}

    std::size_t begin(std::size_t slot, iso8583::Bytes& out) override {
        for (std::size_t i = 0; i < 4; ++i) body_[i] = static_cast<std::uint8_t>(slot >> (24 - 8 * i) & 0xFF);
        out.push_back(static_cast<std::uint8_t>(body_bytes >> 8));
        out.push_back(static_cast<std::uint8_t>(body_bytes & 0xFF));
        out.insert(out.end(), body_.begin(), body_.end());
        return 0;
    }
    std::optional<std::size_t> slot_of(std::size_t connection, const iso8583::Frame& frame) override {
        if (frame.body.size() != body_bytes) return std::nullopt;
        std::size_t slot = 0;
        for (std::size_t i = 0; i < 4; ++i) slot = slot << 8 | frame.body[i];
        if (slot / per_connection_ != connection) return std::nullopt;
        return slot;
    }
    void end(std::size_t, const iso8583::Frame&) override {}

  private:
    std::size_t per_connection_;
    iso8583::Bytes body_;
};

int complain(const std::string& what, int code) {
    std::fprintf(stderr, "switch-bench limit: %s\n", what.c_str());
    return code;
}

std::string rung_name(const RelayRun& run) {
    return fmt::format("{} {} x {}", run.relay == Relay::bare ? "relay" : "relay and records",
                       run.connections, run.per_connection);
}

}  // namespace

iso8583::Result<Measured> run_relay(const RelayRun& run) {
    std::unique_ptr<ledger::RocksStore> store;
    if (run.relay == Relay::with_records) {
        ledger::RocksStoreOptions options;
        options.directory = run.directory;
        auto opened = ledger::RocksStore::open(options);
        if (!opened) return iso8583::parse_error(opened.error().what);
        store = std::move(*opened);
    }
    iso8583::Result<Measured> measured = iso8583::parse_error("");
    {
        EchoIssuer issuer;
        auto relay = RelayServer::start(issuer.port(), store.get());
        if (!relay) return tl::unexpected(relay.error());
        std::vector<FleetConnection> connections(run.connections);
        for (std::size_t c = 0; c < run.connections; ++c) {
            connections[c].port = (*relay)->port();
            for (std::size_t i = 0; i < run.per_connection; ++i)
                connections[c].slots.push_back(c * run.per_connection + i);
        }
        Fleet fleet(std::move(connections));
        if (auto connected = fleet.connect(); !connected) return tl::unexpected(connected.error());
        LimitPlayer player(run.per_connection);
        FleetOptions options;
        options.rate = run.rate;
        options.warm_up_s = run.warm_up_s;
        options.duration_s = run.duration_s;
        options.settle_s = 5;
        const std::string name = rung_name(run);
        options.progress = [&name](const Progress& p) { show_progress(name, p); };
        measured = Measured{name, fleet.run(player, options), {}};
        end_progress();
    }
    store.reset();
    std::error_code ignored;
    if (!run.directory.empty()) std::filesystem::remove_all(run.directory, ignored);
    return measured;
}

int run_limit(const LimitOptions& o) {
    std::uint64_t rate = 0;
    if (o.rate != "max") {
        if (o.rate.empty() || o.rate.size() > 8 || !iso8583::all_digits(o.rate) || std::stoull(o.rate) == 0)
            return complain("--rate: requests a second, or max", 2);
        rate = std::stoull(o.rate);
    }
    if (o.connections == 0 || o.per_connection == 0 || o.connections > 1'024 || o.per_connection > 1'024)
        return complain("--connections and --per-connection: 1 to 1024", 2);
    Report report;
    report.title = "switch-bench limit";
    report.facts = machine_facts();
    std::vector<std::size_t> depths = {1};
    if (o.per_connection > 1) depths.push_back(o.per_connection);
    for (const std::size_t depth : depths) {
        double bare = 0;
        for (const Relay relay : {Relay::bare, Relay::with_records}) {
            RelayRun run{relay, o.connections, depth, rate, 1, o.duration_s, {}};
            if (relay == Relay::with_records)
                run.directory = o.directory.empty()
                                    ? fmt::format("{}/../bench-limit-{}", own_directory(), ::getpid())
                                    : o.directory;
            auto measured = run_relay(run);
            if (!measured) return complain(measured.error().what, 1);
            const double reached = measured->fleet.per_second();
            const std::string shape = fmt::format("{}x{}", o.connections, depth);
            report.figures.emplace_back(
                (relay == Relay::bare ? "relay." : "relay_records.") + shape + ".per_second", reached);
            if (relay == Relay::bare) bare = reached;
            if (relay == Relay::with_records && bare > 0)
                report.figures.emplace_back("ratio.relay_records.relay." + shape, reached / bare);
            report.runs.push_back(std::move(*measured));
        }
    }
    const bool written = write_reports(report, o.files);
    std::fputs(to_table(report).c_str(), stdout);
    return written ? 0 : 1;
}

}  // namespace bench
