// Fuzz target "turn": bytes drive the whole turn. A stranger's bytes reach terminal and issuer sessions
// between the work of honest terminals; time passes, the switch crashes, the HSM goes away. Nothing may
// crash, no invariant may break, and no money may move on the word of somebody who cannot make a MAC.
//
// A frame with the MTI 9999 once ended the process, and this target had not found it in hours: its stranger
// sent bytes of the fuzzer's own, and those hardly ever became a well-formed frame, since frame length, TPDU,
// bitmap and all lengths have to fit each other before the MTI of the answer is made; and bending one byte of
// an honest message left MTI digits one XOR away from 9999 out of reach. So a play of the second mode begins
// with valid frames, every kind of message of every dialect, of terminals and issuers, and bends them where
// it hurts, half of them under a right MAC, and judges each answer by what was in its request
// (bent_traffic.hpp).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "tests/simulation/bent_traffic.hpp"
#include "tests/simulation/till.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace simulation;

constexpr std::size_t steps_max = 40;
constexpr std::size_t stranger_bytes_max = 512;

class Input : public Choices {
  public:
    using Choices::Choices;
    iso8583::Bytes bytes() {
        const std::size_t low = byte();
        return take(std::min(low + std::size_t{2} * byte(), stranger_bytes_max));
    }
};

[[noreturn]] void violated(const std::string& what) {
    std::fprintf(stderr, "violated: %s\n", what.c_str());
    std::abort();
}

/// TURN_TRACE=1 shows what happens in a play that is replayed.
WorldOptions options() {
    WorldOptions out;
    if (std::getenv("TURN_TRACE") != nullptr)
        out.trace = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    return out;
}

class Play {
  public:
    explicit Play(std::uint8_t mode) : world_(options()), issuers_are_deaf_((mode & 1) != 0) {
        for (const std::uint32_t number : {10000001U, 20000001U})
            world_.add_till(std::make_unique<Till>(world_, till_config(world_, number)));
        world_.on_released = [this](const acquirer::Effect& effect) { released(effect); };
        world_.pass(0);
        Till& unionpay = *world_.tills()[0];
        unionpay.ask(unionpay.terminal().sign_on(unionpay.utc()));
        world_.pass(0);
        if (issuers_are_deaf_)
            for (const routing::RouteId route : {route_a, route_b}) world_.issuer(route).deaf_to = 1'000'000;
        if ((mode & 2) != 0) bent_.emplace(world_, [](const std::string& what) { violated(what); });
    }

    void step(Input& in) {
        if (!bent_) return plain_step(in);
        switch (in.byte() % 16) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
            case 6:
            case 7:
                return bent_->terminal_frame(in);
            case 8:
            case 9:
                return bent_->honest_frame(in);
            case 10:
            case 11:
                // What is bent is the answer to a sale, or to what waits in the queue.
                bent_->bend_next_of_issuer(in);
                return bent_->honest_frame(in);
            case 12:
                return bent_->issuer_request(in);
            case 13:
                return world_.pass(std::int64_t{in.byte()} * 50);
            default:
                return plain_step(in);
        }
    }

    void plain_step(Input& in) {
        switch (in.byte() % 14) {
            case 0:
                return stranger(in, in.bytes());
            case 1:
                return stranger(in, framed(in, in.bytes()));
            case 2:
                return stranger(in, bent(in));
            case 3:
                return world_.issuer(route(in)).send_bytes(in.bytes());
            case 4:
                return issuer_frame(in);
            case 5:
                return sell(in);
            case 6:
                return ask(in, [](Till& t, const peers::Receipt& r, std::int64_t a) {
                    return t.terminal().refund(r, a, t.utc());
                });
            case 7:
                return ask(in, [](Till& t, const peers::Receipt& r, std::int64_t) {
                    return t.terminal().void_sale(r, t.utc());
                });
            case 8:
                return reverse(in);
            case 9:
                return world_.pass(std::int64_t{in.byte()} * 50);
            case 10:
                return world_.crash(in.byte() & 1, std::int64_t{in.byte()} * 10);
            case 11:
                world_.hsm_up = !world_.hsm_up;
                return;
            case 12:
                return world_.set_accepts_new_work((in.byte() & 1) != 0);
            default:
                return world_.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin, {});
        }
    }

    void finish() {
        world_.hsm_up = true;
        world_.pass(60'000);
        world_.checkers().check_whole_store(world_.now().instant);
        for (const Broken& b : world_.checkers().all_broken()) {
            std::fprintf(stderr, "%s broken: %s\n", b.invariant.c_str(), b.what.c_str());
            std::abort();
        }
    }
    World& world() { return world_; }

  private:
    Till& till(Input& in) { return *world_.tills()[in.byte() & 1]; }
    static routing::RouteId route(Input& in) { return (in.byte() & 1) != 0 ? route_a : route_b; }

    void released(const acquirer::Effect& effect) {
        if (bent_) bent_->released(effect);
        const auto* reply = std::get_if<acquirer::SendReply>(&effect);
        if (reply == nullptr || reply->fields.get(iso8583::Field::response_code) != "00") return;
        const int message_class = reply->fields.mti().message_class();
        if (message_class != 2 && message_class != 4 && message_class != 5) return;
        if (strangers_.contains(reply->to.link.value)) violated("a stranger was answered 00");
        // No issuer has ever heard of it, so nobody can have approved it.
        const bool is_sale =
            message_class == 2 && reply->fields.get(iso8583::Field::processing_code).substr(0, 2) == "00";
        if (issuers_are_deaf_ && is_sale) violated("a sale was answered 00 that no issuer approved");
    }

    /// Bytes on a connection of their own; one in four opens a new one.
    void stranger(Input& in, iso8583::Bytes bytes) {
        const std::uint8_t choice = in.byte();
        const std::size_t profile = choice & 1;
        if ((choice & 6) == 0 || !world_.network.is_open(stranger_[profile])) {
            const auto connection = world_.connect_terminal(
                profile == 0 ? acquirer::Profile::unionpay_pos : acquirer::Profile::iso87,
                {[](std::uint64_t, iso8583::ByteView) {}, [](std::uint64_t) {}});
            if (!connection) return;
            stranger_[profile] = *connection;
            strangers_.insert(*connection);
        }
        world_.network.write(stranger_[profile], Side::peer_side, std::move(bytes));
    }
    iso8583::Bytes framed(Input& in, iso8583::Bytes body) {
        iso8583::Frame frame;
        const iso8583::FramingSpec spec = till(in).terminal().framing();
        if (spec.tpdu) frame.tpdu = *iso8583::parse_hex("6000010002");
        frame.header.resize(spec.header_bytes, 0x60);
        frame.body = std::move(body);
        iso8583::Bytes out;
        iso8583::write_frame(spec, frame, out);
        return out;
    }
    /// An honest message with one byte changed, in front of its MAC: it cannot verify.
    iso8583::Bytes bent(Input& in) {
        Till& t = *world_.tills()[in.byte() & 1];
        const auto pan = iso8583::Pan::parse(cards_b[0]).value();
        peers::Outgoing out = t.terminal().sale(pan, 1 + in.byte(), t.utc());
        const std::size_t begin = t.profile() == acquirer::Profile::unionpay_pos ? 13 : 2, mac = 16;
        if (out.frame.size() <= begin + mac) return {};
        const std::size_t at = begin + in.byte() % (out.frame.size() - begin - mac);
        const std::uint8_t change = in.byte();
        out.frame[at] = static_cast<std::uint8_t>(out.frame[at] ^ (change == 0 ? 1 : change));
        return out.frame;
    }
    /// An issuer's answer to the newest request on that route, without a MAC that could verify.
    void issuer_frame(Input& in) {
        const routing::RouteId id = route(in);
        const iso8583::Dialect& dialect = *world_.issuer(id).model().config().dialect;
        iso8583::FieldValues fields(iso8583::Mti::of((in.byte() & 1) != 0 ? 210 : 430));
        const ledger::TransactionRecord* newest = nullptr;
        for (const auto& [rrn, r] : world_.checkers().records())
            if (routing::RouteId{r.route} == id) newest = &r;
        if (newest == nullptr) return;
        fields.set(iso8583::Field::stan, iso8583::Stan::of(newest->issuer_stan).str());
        fields.set(iso8583::Field::transmission_time,
                   iso8583::TransmissionTime::of(newest->issuer_transmission_time).str());
        fields.set(iso8583::Field::amount_transaction, newest->amount.field());
        fields.set(iso8583::Field::rrn, newest->rrn.view());
        fields.set(iso8583::Field::response_code, "00");
        std::string mac(8, '\0');
        for (char& c : mac) c = static_cast<char>(in.byte());
        if ((in.byte() & 1) != 0) fields.set(iso8583::Field::mac_primary, mac);
        auto encoded = iso8583::encode(dialect, fields);
        if (!encoded) return;
        iso8583::Frame frame;
        frame.body = std::move(encoded->body);
        iso8583::Bytes bytes;
        iso8583::write_frame(dialect.framing(), frame, bytes);
        world_.issuer(id).send_bytes(std::move(bytes));
    }

    void sell(Input& in) {
        const std::size_t who = in.byte() & 1;
        Till& t = *world_.tills()[who];
        const std::uint8_t choice = in.byte();
        const auto pan = iso8583::Pan::parse((choice & 1) != 0 ? cards_a[0] : cards_b[0]).value();
        peers::SaleOptions options;
        if ((choice & 6) == 6 && t.profile() == acquirer::Profile::iso87) options.pin = "1234";
        last_sale_[who] = &t.ask(t.terminal().sale(pan, 100 + 256 * std::int64_t{choice}, t.utc(), options));
    }
    void reverse(Input& in) {
        const std::size_t who = in.byte() & 1;
        Till& t = *world_.tills()[who];
        if (last_sale_[who] == nullptr) return;
        t.ask(t.terminal().reversal(last_sale_[who]->tries.front(), "98", t.utc()));
    }
    /// Refund or void of that terminal's last sale, when it was approved.
    template <typename Build>
    void ask(Input& in, const Build& build) {
        const std::size_t who = in.byte() & 1;
        Till& t = *world_.tills()[who];
        const std::uint8_t amount = in.byte();
        const Till::Asked* sale = last_sale_[who];
        if (sale == nullptr || sale->answers.empty() || !sale->answers.front().receipt) return;
        t.ask(build(t, *sale->answers.front().receipt, 1 + std::int64_t{amount} * 100));
    }

    World world_;
    std::optional<BentTraffic> bent_;
    bool issuers_are_deaf_;
    std::set<std::uint64_t> strangers_;
    std::uint64_t stranger_[2] = {0, 0};
    Till::Asked* last_sale_[2] = {nullptr, nullptr};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input in({data, size});
    Play play(in.byte());
    for (std::size_t step = 0; step < steps_max && !in.empty(); ++step) {
        play.step(in);
        play.world().pass(0);
    }
    play.finish();
    return 0;
}
