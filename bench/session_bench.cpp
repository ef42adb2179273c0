#include "bench/session_bench.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "bench/turn_bench.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "iso8583/specs/resident_dialects.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/memory_store.hpp"
#include "routing/issuer_sim/issuer_model.hpp"
#include "tests/peers/terminal_model.hpp"
#include "tests/simulation/switch_process.hpp"
#include "tests/simulation/world_configuration.hpp"

namespace bench {
namespace {

using namespace acquirer;
using Clock = std::chrono::steady_clock;

constexpr LinkId issuer_link{1'000'000};
constexpr std::int64_t sale_minor = 10'000, refund_minor = 1'000;

struct Pair {  // whose terminals meet which issuer
    const char* name;
    Profile profile;
    std::uint32_t first_terminal;
    routing::RouteId route;
    const char* card;
};
constexpr Pair pairs[] = {
    {"unionpay-pos", Profile::unionpay_pos, 10'000'001, simulation::route_b, simulation::cards_b[0]},
    {"iso87-ascii", Profile::iso87, 20'000'001, simulation::route_a, simulation::cards_a[0]},
};

ConfigurationPtr configuration() {
    auto c = simulation::world_configuration();
    for (auto& [id, merchant] : c->merchants) merchant.refund.repeat_refund_seconds = 0;
    return c;
}

class SessionBench final : public simulation::Surroundings {
  public:
    SessionBench(const Pair& pair, std::uint32_t terminals)
        : pair_(pair),
          route_(*configuration_->routes.find(pair.route)),
          dialect_(*iso8583::specs::resident_dialect(route_.dialect).value()),
          issuer_(issuer_config(), engine_),
          issuer_reader_(dialect_.framing()),
          process_(configuration_, {&store_}, {}, vault_, *this) {
        ENSURE(process_.recover());
        connect_issuer();
        for (std::uint32_t i = 0; i < terminals; ++i) {
            terminals_.emplace_back(terminal_config(i));
            process_.terminal_connected(link_of(i), pair.profile, PeerAddress{});
        }
        run_until_quiet();
    }

    /// Of all terminals at once; what is wrong with an answer ends the program.
    void sign_on() {
        each([this](peers::Terminal& terminal, std::size_t) { return terminal.sign_on(now_.utc); });
    }
    void sell(std::size_t round) {
        each([&](peers::Terminal& terminal, std::size_t i) {
            auto sent = terminal.sale(iso8583::Pan::parse(pair_.card).value(), sale_minor, now_.utc);
            if (receipts_.size() <= round) receipts_.emplace_back(terminals_.size());
            static_cast<void>(i);
            return sent;
        });
        for (std::size_t i = 0; i < terminals_.size(); ++i) receipts_[round][i] = *outcomes_[i].receipt;
    }
    void refund(std::size_t round) {
        each([&](peers::Terminal& terminal, std::size_t i) {
            return terminal.refund(receipts_[round][i], refund_minor, now_.utc);
        });
    }

    // Surroundings
    [[nodiscard]] iso8583::Now now() const override { return now_; }
    void to_peer(LinkId link, iso8583::Bytes bytes) override { sent_.emplace_back(link, std::move(bytes)); }
    void link_dropped(LinkId, const std::string& why) override {
        std::fprintf(stderr, "switch-bench session: a connection was closed: %s\n", why.c_str());
        ENSURE(false);
    }
    std::optional<hsm::Reply> ask_hsm(const simulation::HsmAsker&, hsm::Ticket,
                                      const hsm::Request& request) override {
        return engine_.perform(request);
    }
    void offering(std::size_t, const Event&) override {}
    void deadlines_pass(bool) override {}
    void released(std::size_t, const Effect&) override {}
    void answered(std::uint64_t, const OperatorAnswer&) override {}
    void notices_written(const std::vector<ledger::Notice>&) override {}
    void make_vault_key(std::size_t, const MakeVaultKey&) override {}
    void wipe_vault_key(std::size_t, const WipeVaultKey&) override {}
    void logged(const std::string&) override {}
    std::size_t next_of(std::size_t) override { return 0; }
    std::int64_t pause_ms() override { return 0; }

  private:
    [[nodiscard]] static LinkId link_of(std::size_t terminal) { return {terminal + 1}; }

    [[nodiscard]] routing::IssuerConfig issuer_config() const {
        const IssuerKeys& keys = configuration_->issuer_keys.at(pair_.route);
        routing::IssuerConfig c;
        c.name = route_.name;
        c.dialect = &dialect_;
        c.zak = keys.zak;
        c.zpk = keys.zpk;
        c.pin_block_format = keys.pin_block_format;
        c.mac = mac();
        return c;
    }
    [[nodiscard]] hsm::MacProfile mac() const {
        const bool cmac = route_.mac == routing::RouteMac::aes_cmac;
        return {cmac ? hsm::MacAlgorithm::aes_cmac : hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};
    }
    [[nodiscard]] peers::TerminalConfig terminal_config(std::uint32_t i) const {
        peers::TerminalConfig c;
        c.terminal = iso8583::TerminalId::parse(std::to_string(pair_.first_terminal + i)).value();
        const TerminalRange* range = configuration_->find_terminal(c.terminal);
        ENSURE(range != nullptr);
        c.merchant = range->merchant;
        c.mac = range->mac;
        c.profile = pair_.profile == Profile::unionpay_pos ? peers::TerminalProfile::unionpay_pos
                                                           : peers::TerminalProfile::iso87_ascii;
        // TEST KEYS of docs/interfaces.md, as a terminal holds them.
        c.tmk_hex = "0123456789ABCDEFFEDCBA9876543210";
        c.tak_hex = "10101010101010102323232323232323";
        return c;
    }
    void connect_issuer() {
        IssuerSessionSetup setup;
        setup.link = issuer_link;
        setup.route = pair_.route;
        setup.dialect = &dialect_;
        setup.framing = dialect_.framing();
        setup.mac = mac();
        setup.zaks = {configuration_->issuer_keys.at(pair_.route).zak};
        process_.issuer_connected(std::move(setup));
    }

    /// What the request's model makes of it; every answer has to be in order and approved.
    void each(const std::function<peers::Outgoing(peers::Terminal&, std::size_t)>& ask) {
        std::vector<peers::Outgoing> asked;
        for (std::size_t i = 0; i < terminals_.size(); ++i) asked.push_back(ask(terminals_[i], i));
        answers_.clear();
        for (std::size_t i = 0; i < asked.size(); ++i) process_.bytes_arrived(link_of(i), asked[i].frame);
        run_until_quiet();
        outcomes_.clear();
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const auto frame = answers_.find(link_of(i));
            ENSURE(frame != answers_.end());
            auto outcome = terminals_[i].receive(asked[i], frame->second);
            if (!outcome || !outcome->approved()) {
                std::fprintf(stderr, "switch-bench session: %s\n",
                             outcome ? outcome->code.str().c_str() : outcome.error().what.c_str());
                ENSURE(false);
            }
            outcomes_.push_back(std::move(*outcome));
        }
        ++now_.instant.ms;
        ++now_.utc.ms;
    }

    void run_until_quiet() {
        do {
            process_.drive();
            std::vector<std::pair<LinkId, iso8583::Bytes>> sent;
            sent.swap(sent_);
            for (auto& [link, bytes] : sent)
                if (link == issuer_link)
                    to_issuer(bytes);
                else
                    to_terminal(link, bytes);
        } while (!process_.idle() || !sent_.empty());
    }
    void to_issuer(const iso8583::Bytes& bytes) {
        issuer_reader_.feed(bytes);
        iso8583::Bytes back;
        for (auto frame = issuer_reader_.next(); frame; frame = issuer_reader_.next()) {
            ENSURE(frame->has_value());
            std::vector<routing::IssuerAction> actions;
            issuer_.on_frame((*frame)->body, now_.utc, actions);
            for (routing::IssuerAction& action : actions)
                if (auto* answer = std::get_if<routing::SendAnswer>(&action)) {
                    iso8583::Frame reply;
                    reply.body = std::move(answer->body);
                    iso8583::write_frame(dialect_.framing(), reply, back);
                }
        }
        if (!back.empty()) process_.bytes_arrived(issuer_link, back);
    }
    void to_terminal(LinkId link, const iso8583::Bytes& bytes) {
        iso8583::FrameReader reader(terminals_.at(link.value - 1).framing());
        reader.feed(bytes);
        auto frame = reader.next();
        ENSURE(frame && frame->has_value());
        answers_.insert_or_assign(link, std::move(**frame));
    }

    const Pair pair_;
    const ConfigurationPtr configuration_ = bench::configuration();
    const routing::Route& route_;
    const iso8583::Dialect& dialect_;
    hsm::OpensslRandom random_;
    hsm::HsmEngine engine_{hsm::Lmk::test(), random_, hsm::HsmOptions{}};
    routing::IssuerModel issuer_;
    iso8583::FrameReader issuer_reader_;
    ledger::MemoryStore store_;
    ledger::VaultKeys vault_ = ledger::VaultKeys::of(
        ledger::PanVaultKey(std::array<std::uint8_t, ledger::PanVaultKey::size>{1, 2, 3}));
    iso8583::Now now_{{1'000'000}, {1'795'233'600'000}, 8 * 3'600};
    simulation::SwitchProcess process_;
    std::vector<peers::Terminal> terminals_;
    std::vector<std::pair<LinkId, iso8583::Bytes>> sent_;  // by the process, not taken yet
    std::map<LinkId, iso8583::Frame> answers_;
    std::vector<peers::Outcome> outcomes_;               // of the last round, by terminal
    std::vector<std::vector<peers::Receipt>> receipts_;  // of sales, by round and terminal
};

}  // namespace

int run_session_bench(const SessionBenchOptions& options) {
    std::map<std::string, double> figures;
    for (const Pair& pair : pairs) {
        if (!options.only.empty() && options.only != pair.name) continue;
        SessionBench bench(pair, options.terminals);
        if (pair.profile == Profile::unionpay_pos) bench.sign_on();
        const std::size_t rounds =
            options.sign_on_only ? 0 : std::max<std::uint32_t>(1, options.transactions / options.terminals);
        const auto start = Clock::now();
        for (std::size_t round = 0; round < rounds; ++round) bench.sell(round);
        const auto sold = Clock::now();
        for (std::size_t round = 0; round < rounds && !options.sales_only; ++round) bench.refund(round);
        const auto done = Clock::now();
        if (rounds == 0) continue;
        const auto per = [&](auto span) {
            return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(span).count()) /
                   static_cast<double>(rounds * options.terminals);
        };
        const std::string name = std::string("session.") + pair.name;
        figures[name + ".sale.ns"] = per(sold - start);
        if (!options.sales_only) figures[name + ".refund.ns"] = per(done - sold);
        std::printf("%-13s sale %8.0f ns   refund %8.0f ns   (peers' models included)\n", pair.name,
                    per(sold - start), per(done - sold));
    }
    return write_figures(figures, options.json_file) ? 0 : 1;
}

}  // namespace bench
