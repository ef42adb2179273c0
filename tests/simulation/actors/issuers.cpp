// Issuers: what the other end does that nobody imagined. Links go down, messages are lost before they arrive;
// answers have every code there is, are late, partial, doubled, contradict what was said before, or were
// never asked for; books are forgotten; keys are changed by either side.
#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/actor.hpp"
#include "tests/simulation/flow_words.hpp"

namespace simulation {
namespace {

using iso8583::Field;

constexpr std::int64_t event_ms_min = 100;
constexpr std::int64_t event_ms_max = 1'500;
constexpr std::int64_t outage_ms_max = 20'000;
constexpr std::int64_t contradiction_ms_max = 15'000;
constexpr std::size_t remembered_max = 64;
constexpr std::uint32_t processing_polls_max = 6;
constexpr const char* kinds[] = {"sale", "refund", "void", "reversal", "any"};

class Issuer {
  public:
    Issuer(Scene& scene, routing::RouteId route)
        : world_(scene.world),
          node_(scene.world.issuer(route)),
          route_(route),
          ticks_(scene, node_.model().config().name) {
        const std::string name = node_.model().config().name + " ";
        Swarm& s = scene.swarm;
        routing::IssuerFaults f;
        if (s.has(name + "latency", 500)) f.latency_ms_max = s.rate(name + "slow", 1'000, 300);
        f.silent_permille = s.rate(name + "silent", 400, 60);
        f.late_permille = s.rate(name + "late", 400, 60);
        f.twice_permille = s.rate(name + "twice", 400, 60);
        f.bad_mac_permille = s.rate(name + "bad MAC", 400, 30);
        f.another_amount_permille = s.rate(name + "another amount", 400, 30);
        f.close_permille = s.rate(name + "closes", 400, 20);
        f.decline_permille = s.rate(name + "declines", 400, 100);
        node_.model().set_faults(f);
        codes_ = s.has(name + "codes", 500);
        odd_ = s.has(name + "odd answers", 500);
        goes_ = s.has(name + "outages", 500);
        contradicts_ = s.has(name + "contradictions", 250);
        restarts_ = s.has(name + "restarts", 300);
        forgets_ = s.has(name + "forgets", 100);
        keys_ = s.has(name + "key changes", 300);
        if (node_.model().config().kind == routing::IssuerKind::wallet) {
            processes_ = s.has(name + "processing", 500);
            closes_accounts_ = s.has(name + "closed accounts", 300);
            discounts_ = s.has(name + "discounts", 400);
        }
        if (codes_ || contradicts_) world_.issuers_are_odd = true;
        if (codes_) node_.on_leaving = [this](iso8583::Bytes& frame) { look_for_lies(frame); };
        if (contradicts_)
            node_.on_arrived = [this](const iso8583::Message& m) {
                if (m.mti().message_class() == 8 || !m.has(Field::rrn)) return;
                if (asked_.size() == remembered_max) asked_.erase(asked_.begin());
                asked_.push_back(m.values());
            };
    }
    ~Issuer() {
        node_.on_arrived = {};
        node_.on_leaving = {};
    }
    Issuer(const Issuer&) = delete;
    Issuer& operator=(const Issuer&) = delete;

    void start() {
        ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    void calm() {
        ticks_.stop();
        node_.control("faults off");
        node_.model().set_faults({});
        node_.deaf_to = 0;
        node_.up = true;
    }

  private:
    void happen(Chance& chance) {
        switch (chance.below(12)) {
            case 0:
            case 1:
            case 2:
                if (codes_) command(chance, "decline " + any_code(chance));
                return;
            case 3:
            case 4:
                if (odd_) odd_answer(chance);
                return;
            case 5:
                if (goes_ && chance.permille(250)) go_down(chance);
                return;
            case 6:
                if (goes_ && chance.permille(300)) {
                    ticks_.did("link lost");
                    world_.checkers().reached("issuer link lost");
                    node_.drop_all();
                }
                return;
            case 7:
            case 8:
                if (contradicts_ && !asked_.empty()) contradict(chance);
                return;
            case 9:
                if (restarts_ && chance.permille(200)) {
                    const bool forgets = forgets_ && chance.permille(500);
                    ticks_.did();
                    world_.checkers().reached(forgets ? "issuer without its books" : "issuer restarted");
                    node_.restart(!forgets);
                }
                return;
            case 10:
                if (keys_ && chance.permille(200)) change_a_key(chance);
                return;
            default:
                if (processes_ && chance.permille(500)) {
                    // In the calm all of them end, by so many questions.
                    node_.control("processing " + std::to_string(chance.below(processing_polls_max + 1)));
                    ticks_.did();
                }
                if (discounts_ && chance.permille(500)) change_discounts(chance);
                if (closes_accounts_) close_an_account(chance);
                return;
        }
    }
    /// R102: what later sales are given, by the wallet and by their merchant; at times nothing.
    void change_discounts(Chance& chance) {
        constexpr std::uint32_t percent_max = 60;
        const auto percent = [&chance] { return chance.permille(300) ? 0 : chance.below(percent_max + 1); };
        const std::uint32_t by_wallet = percent();
        const std::uint32_t by_merchant = std::min(percent(), routing::discount_percent_bound - by_wallet);
        const std::string line = fmt::format("discount {} {}", by_wallet, by_merchant);
        if (node_.control(line) == "ok") ticks_.did("issuer " + line);
    }
    void command(Chance& chance, const std::string& what) {
        const std::string line = std::string("next ") + kinds[chance.below(std::size(kinds))] + " " + what;
        if (node_.control(line) == "ok") ticks_.did("issuer " + line);
    }
    /// Mostly those that mean something, and any two characters besides.
    static std::string any_code(Chance& chance) {
        static constexpr const char* telling[] = {"09", "11", "12", "25", "40", "51", "68", "76", "79", "90",
                                                  "91", "92", "94", "96", "98", "A0", "A2", "A6", "32", "87"};
        if (chance.permille(600)) return telling[chance.below(std::size(telling))];
        const std::uint32_t n = chance.below(110);
        if (n >= 100) return std::string("A") + static_cast<char>('0' + n % 10);
        const std::string two = std::to_string(100 + n).substr(1);
        return two == "00" || two == "10" ? "05" : two;
    }
    void odd_answer(Chance& chance) {
        switch (chance.below(6)) {
            case 0:
                return command(chance, "partial");
            case 1:
                return command(chance, "late");
            case 2:
                return command(chance, "silent");
            case 3:
                return command(chance, "twice");
            case 4:
                return command(chance, "delay " + std::to_string(chance.between(1, 60)));
            default:  // never arrives: the issuer will not know it
                ticks_.did();
                node_.deaf_to = 1 + chance.below(2);
        }
    }
    /// The model declines with any code that it is told: those that approve are not in its books.
    void look_for_lies(const iso8583::Bytes& frame) {
        const iso8583::Dialect& dialect = *node_.model().config().dialect;
        iso8583::FrameReader reader(dialect.framing());
        reader.feed(frame);
        auto next = reader.next();
        if (!next || !*next) return;
        const auto message = iso8583::decode(dialect, std::move((*next)->body));
        if (!message) return;
        const std::string code = message->get(Field::response_code);
        const bool of_a_reversal = message->mti().message_class() == 4;
        const bool telling = of_a_reversal ? code == "14" || code == "25" || code == "76" || code == "79"
                                           : code == "11" || code[0] == 'A';
        const auto rrn = iso8583::Rrn::parse(message->get(Field::rrn));
        if (!telling || !rrn) return;
        if (stands(*rrn) == of_a_reversal) world_.checkers().lied_about(*rrn);
    }
    [[nodiscard]] bool stands(const iso8583::Rrn& rrn) const {
        const auto standing = node_.books().standing_by_rrn();
        // The void of an authorization is no booking: it stands where the hold does not any more.
        const ledger::TransactionRecord* r = world_.checkers().record(rrn);
        const bool lifts_a_hold = r != nullptr && r->of_authorization && r->original;
        const auto booked = standing.find(lifts_a_hold ? r->original->str() : rrn.str());
        const bool is_booked =
            booked != standing.end() && !(booked->second == routing::IssuerBooks::Standing{});
        return is_booked != lifts_a_hold;
    }
    void go_down(Chance& chance) {
        ticks_.did("link down");
        world_.checkers().reached("issuer down");
        world_.set_issuer_up(route_, false);
        if (chance.permille(300)) node_.deaf_to = chance.below(4);
        world_.at(chance.between(500, outage_ms_max), [this] {
            ticks_.did("link up");
            world_.set_issuer_up(route_, true);
        });
    }
    /// An answer that it makes up: to what it has answered already, or is about to.
    void contradict(Chance& chance) {
        iso8583::FieldValues request = asked_[chance.below(static_cast<std::uint32_t>(asked_.size()))];
        std::string code = chance.permille(400) ? "00" : any_code(chance);
        // A late approval of what was given up makes a new 0420 (R51a); that one it does not take.
        std::vector<const iso8583::FieldValues*> of;
        for (const auto& r : asked_)
            if (given_up(r)) of.push_back(&r);
        if (!of.empty() && chance.permille(500)) {
            request = *chance.pick(of);
            code = "00";
            node_.control("next reversal decline 05");
        }
        ticks_.did();
        world_.at(chance.permille(500) ? 0 : chance.between(0, contradiction_ms_max), [this, request, code] {
            iso8583::FieldValues answer(*request.mti().response());
            for (const Field f :
                 {Field::processing_code, Field::amount_transaction, Field::transmission_time, Field::stan,
                  Field::rrn, Field::terminal, Field::merchant, Field::currency_transaction})
                if (request.has(f)) answer.set(f, request.get(f));
            answer.set(Field::response_code, code);
            if (const auto rrn = iso8583::Rrn::parse(request.get(Field::rrn)))
                world_.checkers().lied_about(*rrn);
            world_.checkers().reached("issuer contradicts itself");
            node_.send(std::move(answer));
        });
    }
    /// The switch has been told twice that the issuer does not know it.
    [[nodiscard]] bool given_up(const iso8583::FieldValues& request) const {
        const auto rrn = iso8583::Rrn::parse(request.get(Field::rrn));
        const ledger::TransactionRecord* r = rrn ? world_.checkers().record(*rrn) : nullptr;
        return r != nullptr && (r->state == ledger::State::reversed || r->state == ledger::State::declined) &&
               std::any_of(r->history.begin(), r->history.end(),
                           [](const ledger::HistoryEntry& h) { return h.rule == "R51a"; });
    }
    /// The customer's of some sale: refused finally, while it is processed or at once (54).
    void close_an_account(Chance& chance) {
        std::vector<const ledger::TransactionRecord*> of;
        for (const auto& [rrn, r] : world_.checkers().records())
            if (r.kind == ledger::TransactionKind::sale && !r.wallet.order_number.empty()) of.push_back(&r);
        if (of.empty()) return;
        const std::string& order = chance.pick(of)->wallet.order_number;
        if (node_.control("account close " + std::string(order)) != "ok") return;
        ticks_.did();
        world_.checkers().reached("account of a wallet closed");
    }
    void change_a_key(Chance& chance) {
        const bool zak = chance.permille(500);
        const std::uint32_t who = chance.below(10);
        if (who < 6) {
            ticks_.did(std::string("issuer key-change ") + (zak ? "zak" : "zpk"));
            node_.control(zak ? "key-change zak" : "key-change zpk");
        }
        if (who <= 3) return;
        ticks_.did(std::string("operator security1 rotate ") + (zak ? "zak" : "zpk"));
        world_.operate(
            acquirer::RotateIssuerKey{node_.model().config().name,
                                      zak ? hsm::KeyKind::zak : hsm::KeyKind::zpk, chance.permille(100)},
            "security1", acquirer::Role::security_officer, {});
    }

    World& world_;
    IssuerNode& node_;
    routing::RouteId route_;
    Ticks ticks_;
    std::vector<iso8583::FieldValues> asked_;
    bool codes_ = false, odd_ = false, goes_ = false, contradicts_ = false, restarts_ = false,
         forgets_ = false, keys_ = false, processes_ = false, closes_accounts_ = false, discounts_ = false;
};

class Issuers final : public Actor {
  public:
    explicit Issuers(Scene& scene) {
        for (const routing::RouteId route : all_routes)
            issuers_.push_back(std::make_unique<Issuer>(scene, route));
    }
    void start() override {
        for (const auto& issuer : issuers_) issuer->start();
    }
    void calm() override {
        for (const auto& issuer : issuers_) issuer->calm();
    }

  private:
    std::vector<std::unique_ptr<Issuer>> issuers_;
};

const ActorKind here("issuers", make<Issuers>);

}  // namespace
}  // namespace simulation
