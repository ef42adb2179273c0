#include "tests/simulation/actors/adversary.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "tests/simulation/actors/forged_frames.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {

using acquirer::Profile;
using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;
using peers::Outgoing;

namespace {

constexpr std::size_t remembered_max = 128;  // of each kind
constexpr std::size_t recent_max = 12;       // records from which he picks
constexpr std::uint32_t burst = 12;          // of a flood, an act
constexpr std::uint32_t operator_number_permille = 500;
constexpr const char* operator_number = "66 ";
constexpr const char* key_of_nobody = "6B6B6B6B6B6B6B6B9D9D9D9D9D9D9D9D";

template <typename T>
void remember(std::deque<T>& where, T what) {
    if (where.size() == remembered_max) where.pop_front();
    where.push_back(std::move(what));
}

class Adversary final : public Actor {
  public:
    Adversary(Scene& scene, const AdversaryMeans& means)
        : world_(scene.world), means_(means), acts_(scene.acts("adversary")) {
        for (Till* till : scene.tills) {
            peers::TerminalConfig config = till->terminal().config();
            (config.profile == peers::TerminalProfile::unionpay_pos ? config.tmk_hex : config.tak_hex) =
                key_of_nobody;
            targets_.push_back({till, peers::Terminal(config), {}});
        }
    }

    void start() override {
        if (targets_.empty()) return;
        world_.on_terminal_traffic = [this](Till& till, Side from, iso8583::ByteView bytes) {
            overhear(till, from, bytes);
        };
        world_.at_work(means_.tick_ms, [this] { tick(); });
    }
    void calm() override {
        over_ = true;
        world_.on_terminal_traffic = {};
        for (const Link& link : std::exchange(links_, {}))
            world_.network.close(link.connection, Side::peer_side);
    }
    [[nodiscard]] bool quiet() const override { return links_.empty(); }

  private:
    struct Target {
        Till* till;
        peers::Terminal shadow;       // as it would ask, under a key of nobody
        std::deque<SeenFrame> heard;  // its requests
    };
    struct Link {
        std::uint64_t connection = 0;
        Profile profile = Profile::unionpay_pos;
        iso8583::FrameReader reader;
    };

    // ---- What he sees
    void overhear(Till& till, Side from, iso8583::ByteView bytes) {
        const auto& terminal = till.terminal();
        const auto* range = world_.configuration().find_terminal(terminal.config().terminal);
        if (range == nullptr || range->mac.algorithm == hsm::MacAlgorithm::unionpay_ecb) return;
        auto seen = read_frame(terminal.dialect(), bytes);
        if (!seen) return;
        if (seen->mac) remember(macs_, *seen);
        for (Target& target : targets_)
            if (from == Side::peer_side && target.till == &till) remember(target.heard, std::move(*seen));
    }
    void answered(std::uint64_t connection, iso8583::ByteView bytes) {
        const auto link = std::find_if(links_.begin(), links_.end(),
                                       [&](const Link& l) { return l.connection == connection; });
        if (link == links_.end()) return;
        link->reader.feed(bytes);
        const iso8583::Dialect& dialect = *iso8583::find_dialect(acquirer::name(link->profile));
        for (auto next = link->reader.next(); next && *next; next = link->reader.next()) {
            auto seen = read_frame(dialect, written(dialect, **next));
            if (seen && seen->mac) remember(macs_, std::move(*seen));
        }
    }

    // ---- His connections
    Link* open(Profile profile, Chance& chance) {
        if (links_.size() >= means_.links_max) close(chance.below(static_cast<std::uint32_t>(links_.size())));
        Network::End end;
        end.bytes = [this](std::uint64_t connection, iso8583::ByteView bytes) {
            answered(connection, bytes);
        };
        end.closed = [this](std::uint64_t connection) {
            std::erase_if(links_, [&](const Link& l) { return l.connection == connection; });
        };
        const auto address = chance.below(static_cast<std::uint32_t>(means_.addresses));
        const auto connection = world_.connect_terminal(
            profile, std::move(end), acquirer::PeerAddress("203.0.113." + std::to_string(address + 1)));
        if (!connection) return nullptr;
        links_.push_back({*connection, profile, iso8583::FrameReader(dialect_of(profile).framing())});
        return &links_.back();
    }
    Link* any_link(Profile profile, Chance& chance) {
        std::vector<Link*> fit;
        for (Link& link : links_)
            if (link.profile == profile) fit.push_back(&link);
        return fit.empty() || chance.permille(150) ? open(profile, chance) : chance.pick(fit);
    }
    void close(std::size_t index) {
        const std::uint64_t connection = links_[index].connection;
        links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(index));
        world_.network.close(connection, Side::peer_side);
    }
    void send(Link* link, const Bytes& bytes) {
        if (link == nullptr) return;
        world_.honest().stranger_sent(link->connection, dialect_of(link->profile), bytes);
        world_.network.write(link->connection, Side::peer_side, bytes);
    }
    void send_half(Link* link, const Bytes& bytes, Chance& chance) {
        if (link == nullptr) return;
        const std::uint64_t connection = link->connection;
        const auto size = 1 + chance.below(static_cast<std::uint32_t>(bytes.size() - 1));
        send(link, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
        std::erase_if(links_, [&](const Link& l) { return l.connection == connection; });
        world_.network.close(connection, Side::peer_side);
    }
    static const iso8583::Dialect& dialect_of(Profile profile) {
        return *iso8583::find_dialect(acquirer::name(profile));
    }

    // ---- His acts
    void tick() {
        if (over_) return;
        world_.at_work(means_.tick_ms, [this] { tick(); });
        auto chance = acts_.next();
        if (!chance || !world_.up()) return;
        Target& target = targets_[chance->below(static_cast<std::uint32_t>(targets_.size()))];
        const std::uint32_t what = chance->below(100);
        bool did = true;
        if (what < 35)
            did = means_.composes && compose_one(target, *chance);
        else if (what < 45)
            did = means_.forges && forge_one(target, *chance);
        else if (what < 75)
            did = means_.replays && replay(target, *chance);
        else if (what < 83)
            did = means_.signs_on && flood_sign_ons(target, *chance);
        else if (what < 89)
            did = means_.signs_off && sign_off(target, *chance);
        else if (what < 94)
            did = means_.sends_bad_macs && flood_bad_macs(target, *chance);
        else
            did = means_.cuts && cut(target, *chance);
        if (did) acts_.did();
    }

    /// What a terminal of this number might ask, as far as he can know.
    Outgoing request_of(Target& target, Chance& chance) {
        peers::Terminal& t = target.shadow;
        const iso8583::UtcTime utc = world_.now().utc;
        const peers::Receipt receipt = receipt_of(target, chance);
        const std::int64_t amount = receipt.amount == 0 ? 500 : receipt.amount;
        Outgoing original = t.sale(receipt.pan, amount, utc);
        switch (chance.below(10)) {
            case 0:
                return t.sign_on(utc);
            case 1:
                return t.echo(utc);
            case 2:
                return chance.permille(500) ? t.settlement(target.till->terminal().totals(), utc)
                                            : t.settlement({}, utc);
            case 3:
                return t.batch_upload_end(1, utc);
            case 4:
                return t.refund(receipt, chance.permille(500) ? amount : 1, utc);
            case 5:
                return t.void_sale(receipt, utc);
            case 6:
            case 7:
                original.stan = receipt.stan;
                original.fields.set(Field::stan, receipt.stan.str());
                if (t.config().profile == peers::TerminalProfile::iso87_ascii)
                    original.fields.set(Field::transmission_time, receipt.transmission.str());
                return t.config().profile == peers::TerminalProfile::iso87_ascii && chance.permille(400)
                           ? t.partial_reversal(original, 1, utc)
                           : t.reversal(original, "98", utc);
            default:
                return original;
        }
    }
    /// Of a sale that he saw a receipt of, with a number that is right or next to right.
    peers::Receipt receipt_of(Target& target, Chance& chance) {
        peers::Receipt receipt;
        receipt.pan =
            iso8583::Pan::parse(chance.permille(500) ? cards_a[chance.below(3)] : cards_b[chance.below(3)])
                .value();
        receipt.stan = iso8583::Stan::of(1 + chance.below(50));
        receipt.batch = target.till->terminal().batch();
        receipt.terminal = target.till->terminal().config().terminal;
        receipt.rrn = iso8583::Rrn::parse("632500000001").value();
        receipt.transmission = iso8583::TransmissionTime::from_utc(world_.now().utc);
        receipt.date = "1121";
        const auto& records = world_.checkers().records();
        if (records.empty()) return receipt;
        auto at = records.rbegin();
        std::advance(at, chance.below(static_cast<std::uint32_t>(std::min(records.size(), recent_max))));
        const ledger::TransactionRecord& r = at->second;
        receipt.amount = r.amount.minor_units();
        receipt.rrn = r.rrn;
        receipt.stan = r.stan;
        receipt.batch = r.batch;
        receipt.date = r.local_date.mmdd();
        receipt.transmission = r.transmission_time;
        receipt.authorization = r.issuer_authorization.str();
        return receipt;
    }
    /// Its trace numbers and its batch, not those of the shadow.
    FieldValues disguised(Target& target, const Outgoing& out, Chance& chance) {
        FieldValues fields = out.fields;
        const peers::Terminal& honest = target.till->terminal();
        std::string content(fields.get(Field::reserved_private_60));
        constexpr std::size_t batch_at = 2, batch_digits = 6;
        if (content.size() >= batch_at + batch_digits) {
            content.replace(batch_at, batch_digits, honest.batch().str());
            fields.set(Field::reserved_private_60, content);
        }
        if (fields.has(Field::reserved_private_63) && chance.permille(operator_number_permille))
            fields.set(Field::reserved_private_63, operator_number);
        if (out.transaction != peers::Transaction::reversal && chance.permille(600))
            fields.set(Field::stan, iso8583::Stan::of(1 + chance.below(60)).str());
        return fields;
    }
    static iso8583::Frame envelope(const Target& target, const Outgoing& out) {
        iso8583::FrameReader reader(target.shadow.framing());
        reader.feed(out.frame);
        auto frame = reader.next();
        ENSURE(frame && *frame);
        return std::move(**frame);
    }
    std::optional<hsm::Mac> any_mac(Chance& chance) {
        if (chance.permille(250)) return std::nullopt;
        if (!macs_.empty() && chance.permille(700)) return seen_mac(chance).mac;
        hsm::Mac mac{};
        for (std::uint8_t& byte : mac) byte = static_cast<std::uint8_t>(chance.next() >> 24);
        return mac;
    }
    const SeenFrame& seen_mac(Chance& chance) {
        return macs_[chance.below(static_cast<std::uint32_t>(macs_.size()))];
    }
    bool compose_one(Target& target, Chance& chance) {
        const Outgoing out = request_of(target, chance);
        const auto frame = forge(target.shadow.dialect(), envelope(target, out),
                                 disguised(target, out, chance), any_mac(chance));
        if (!frame) return false;
        send(any_link(target.till->profile(), chance), *frame);
        return true;
    }
    /// The answer of the switch as an oracle: a MAC of its over fields that he chose fits others.
    bool forge_one(Target& target, Chance& chance) {
        if (macs_.empty() || target.till->profile() != Profile::unionpay_pos) return false;
        const Outgoing out = request_of(target, chance);
        const auto frame = fit_to_mac(target.shadow.dialect(), envelope(target, out),
                                      disguised(target, out, chance), seen_mac(chance));
        if (!frame) return false;
        send(any_link(target.till->profile(), chance), *frame);
        return true;
    }

    bool replay(Target& target, Chance& chance) {
        if (target.heard.empty()) return false;
        const iso8583::Dialect& dialect = target.shadow.dialect();
        const SeenFrame& seen = heard(target, chance);
        const Bytes whole = written(dialect, seen.frame);
        std::optional<Bytes> changed;
        FieldValues fields = seen.fields;
        const std::uint32_t how = chance.below(10);
        Link* link = any_link(target.till->profile(), chance);
        switch (how) {
            case 0:  // as a repeat
                fields.set_mti(fields.mti().repeat());
                changed = forge(dialect, seen.frame, fields, seen.mac);
                break;
            case 1:
                fields.set(Field::stan, iso8583::Stan::of(1 + chance.below(900)).str());
                changed = forge(dialect, seen.frame, fields, seen.mac);
                break;
            case 2: {  // the fields of one, some of them of another, the MAC of either
                const SeenFrame& other = heard(target, chance);
                other.fields.for_each([&](Field f, std::string_view content) {
                    if (chance.permille(300)) fields.set(f, content);
                });
                changed = forge(dialect, seen.frame, fields, chance.permille(500) ? seen.mac : other.mac);
                break;
            }
            case 3:  // another card under this MAC
                if (fields.has(Field::pan)) fields.set(Field::pan, cards_b[chance.below(3)]);
                changed = forge(dialect, seen.frame, fields, seen.mac);
                break;
            case 4:  // another amount
                if (fields.has(Field::amount_transaction))
                    fields.set(Field::amount_transaction, "000000000001");
                changed = forge(dialect, seen.frame, fields, seen.mac);
                break;
            case 5:  // two at once, in an order that was not theirs
                changed = written(dialect, heard(target, chance).frame);
                changed->insert(changed->end(), whole.begin(), whole.end());
                break;
            default:
                changed = whole;
                break;
        }
        if (changed) send(link, *changed);
        return changed.has_value();
    }
    /// An older one now and then, the newest ones mostly.
    static const SeenFrame& heard(const Target& target, Chance& chance) {
        const auto size = static_cast<std::uint32_t>(target.heard.size());
        const std::uint32_t back =
            chance.permille(500) ? chance.below(std::min(size, 4U)) : chance.below(size);
        return target.heard[size - 1 - back];
    }

    /// Each on a connection of its own: a connection has one set of keys that have not verified yet.
    bool flood_sign_ons(Target& target, Chance& chance) {
        if (target.till->profile() != Profile::unionpay_pos) return false;
        for (std::uint32_t n = 0; n < burst; ++n) {
            const Outgoing out = target.shadow.sign_on(world_.now().utc);
            const auto frame =
                forge(target.shadow.dialect(), envelope(target, out), disguised(target, out, chance), {});
            Link* link = chance.permille(800) ? open(target.till->profile(), chance)
                                              : any_link(target.till->profile(), chance);
            if (frame) send(link, *frame);
        }
        return true;
    }
    bool sign_off(Target& target, Chance& chance) {
        Link* link = any_link(target.till->profile(), chance);
        if (!target.heard.empty()) send(link, written(target.shadow.dialect(), heard(target, chance).frame));
        const Outgoing out = target.shadow.sign_off(world_.now().utc);
        const auto frame = forge(target.shadow.dialect(), envelope(target, out), out.fields, {});
        if (frame) send(link, *frame);
        return frame.has_value();
    }
    bool flood_bad_macs(Target& target, Chance& chance) {
        Link* link = any_link(target.till->profile(), chance);
        for (std::uint32_t n = 0; n < burst; ++n) {
            const Outgoing out = target.shadow.sale(receipt_of(target, chance).pan, 100, world_.now().utc);
            hsm::Mac wrong{};
            wrong[0] = static_cast<std::uint8_t>(n);
            const auto frame =
                forge(target.shadow.dialect(), envelope(target, out), disguised(target, out, chance), wrong);
            if (frame) send(link, *frame);
        }
        return true;
    }
    bool cut(Target& target, Chance& chance) {
        const Outgoing out = request_of(target, chance);
        send_half(any_link(target.till->profile(), chance),
                  target.heard.empty() || chance.permille(300)
                      ? out.frame
                      : written(target.shadow.dialect(), heard(target, chance).frame),
                  chance);
        return true;
    }

    World& world_;
    AdversaryMeans means_;
    Acts acts_;
    std::vector<Target> targets_;
    std::vector<Link> links_;
    std::deque<SeenFrame> macs_;
    bool over_ = false;
};

class Nobody final : public Actor {
  public:
    void start() override {}
};

std::unique_ptr<Actor> by_swarm(Scene& scene) {
    if (!scene.swarm.has("adversary", 400)) return std::make_unique<Nobody>();
    return make_adversary(scene, adversary_means(scene.swarm));
}

const ActorKind here("adversary", by_swarm);

}  // namespace

std::unique_ptr<Actor> make_adversary(Scene& scene, const AdversaryMeans& means) {
    return std::make_unique<Adversary>(scene, means);
}

AdversaryMeans adversary_means(Swarm& swarm) {
    AdversaryMeans means;
    means.composes = swarm.has("adversary.composes", 600);
    means.forges = swarm.has("adversary.forges", 500);
    means.replays = swarm.has("adversary.replays", 700);
    means.signs_on = swarm.has("adversary.sign_ons", 400);
    means.signs_off = swarm.has("adversary.sign_offs", 400);
    means.sends_bad_macs = swarm.has("adversary.bad_macs", 400);
    means.cuts = swarm.has("adversary.cuts", 500);
    means.addresses = swarm.has("adversary.many_addresses", 300) ? 64 : 1;
    return means;
}

}  // namespace simulation
