// Operators: makers, checkers and an admin at work on everything that waits, and on what does not: they open,
// approve, reject, cancel, reopen and edit refunds, settle, retry, release, resolve, dispute, agree and
// disagree, move routes, suspend and resume, whenever they like, and sometimes as the wrong person.
#include <algorithm>
#include <map>
#include <set>

#include "switch/core/ways_out.hpp"
#include "tests/simulation/actor.hpp"
#include "tests/simulation/flow_words.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::int64_t event_ms_min = 150;
constexpr std::int64_t event_ms_max = 3'000;
constexpr std::int64_t away_ms_max = 20'000;
constexpr std::int64_t answered_by_then_ms = 10'000;  // by an issuer that answers
constexpr std::size_t remembered_max = 16;
// Persons who have had no part in anything before.
constexpr const char *ender_proposes = "maker9", *ender_agrees = "checker9";
constexpr const char* note = "as the issuer's file of yesterday says";

Role role_of(const std::string& user) {
    if (user.rfind("maker", 0) == 0) return Role::operator_;
    return user.rfind("admin", 0) == 0 ? Role::admin : Role::supervisor;
}

bool waits_for_people(const TransactionRecord& r) {
    switch (r.state) {
        case State::held:
        case State::parked:
        case State::reversal_stuck:
        case State::abnormal:
        case State::advice_pending:
        case State::processing:
        case State::cleared:
            return true;
        default:
            return false;
    }
}

class Operators final : public Actor {
  public:
    explicit Operators(Scene& scene)
        : world_(scene.world), story_(scene.story), ticks_(scene, "operators"), tills_(scene.tills) {
        cases_ = scene.swarm.has("cases", 800);
        ways_out_ = scene.swarm.has("ways out", 700);
        disputes_ = scene.swarm.has("disputes", 400);
        routes_ = scene.swarm.has("moved routes", 400);
        suspends_ = scene.swarm.has("suspensions", 400);
        busy_ = scene.swarm.has("busy operators", 300);
    }
    void start() override {
        ticks_.start(event_ms_min, busy_ ? event_ms_max / 4 : event_ms_max,
                     [this](Chance& chance) { happen(chance); });
    }
    void calm() override {
        ticks_.stop();
        // The switch may just be down; what was planned for later still comes.
        world_.at(2 * away_ms_max, [this] { resume_all(); });
    }

    /// I6a says of it all that it waits for people: then people can end it.
    void end_what_waits() override {
        for (const auto& [rrn, r] : world_.checkers().records())
            if (r.state == State::abnormal)
                end_it(rrn, ResolveAbnormal{rrn.str(), ResolveAbnormal::Way::merchant_account, "", note});
            else
                settle(r);
    }
    void judge() override {
        for (const auto& [rrn, what] : to_end_) {
            const TransactionRecord* r = world_.checkers().record(rrn);
            if (r->state == State::abnormal || !outcomes_of(*r).empty())
                world_.checkers().broken("I6a",
                                         "people cannot end " + name_of(*r) + " (" +
                                             std::string(ledger::name(r->state)) + "): " + what,
                                         world_.now().instant);
        }
    }

  private:
    void settle(const TransactionRecord& r) {
        if (const auto outcomes = outcomes_of(r); !outcomes.empty())
            end_it(r.rrn,
                   SettleTransaction{r.rrn.str(), std::string(outcomes.substr(0, outcomes.find('|'))), note});
    }
    /// One proposes, another agrees; to_end_ has the last word of the switch. A proposal that is open already
    /// is rejected first.
    void end_it(const iso8583::Rrn& rrn, const OperatorCommand& command, bool again = false) {
        to_end_[rrn] = "no answer";
        world_.operate(
            command, ender_proposes, Role::operator_,
            [this, rrn, command, again](const OperatorAnswer& answer) {
                to_end_[rrn] = answer.text;
                const std::size_t in_the_way =
                    answer.done ? std::string::npos : answer.text.find("proposal P");
                if (in_the_way != std::string::npos && !again) {
                    const std::string id = answer.text.substr(
                        in_the_way + 9, answer.text.find(' ', in_the_way + 9) - in_the_way - 9);
                    world_.operate(
                        DecideProposal{id, DecideProposal::To::reject, note}, ender_agrees, Role::supervisor,
                        [this, rrn, command](const OperatorAnswer&) { end_it(rrn, command, true); });
                }
                for (const std::string& proposal : proposals_in(answer)) agree_to(rrn, proposal);
            });
    }
    void agree_to(const iso8583::Rrn& rrn, const std::string& proposal) {
        world_.operate(DecideProposal{proposal, DecideProposal::To::approve, note}, ender_agrees,
                       Role::supervisor, [this, rrn](const OperatorAnswer& agreed) {
                           to_end_[rrn] = agreed.text;
                           // A part of it came to its end, and the whole behind that has gone to its issuer,
                           // who may refuse that too.
                           if (agreed.text.ends_with("is now reversing") && sent_on_.insert(rrn).second)
                               world_.at(answered_by_then_ms,
                                         [this, rrn] { settle(*world_.checkers().record(rrn)); });
                       });
    }

    void happen(Chance& chance) {
        const std::uint32_t what = chance.below(100);
        if (what < 10) return open(chance);
        if (what < 14) return money(chance);
        if (what < 62) return work(chance);
        if (what < 80) return decide(chance);
        if (what < 85) return move_route(chance);
        if (what < 94) return suspend(chance);
        return look_at_an_exception(chance);
    }

    /// `words` is the flow's line after the user's name.
    void command(const std::string& user, OperatorCommand command, const std::string& words) {
        const std::size_t place = ticks_.did("operator " + user + " " + words);
        world_.operate(std::move(command), user, role_of(user), [this, place](const OperatorAnswer& answer) {
            story_.acts[place].line += answer.done ? " -> done" : " -> refused";
            for (const std::string& proposal : proposals_in(answer)) {
                if (proposals_.size() == remembered_max) proposals_.erase(proposals_.begin());
                proposals_.push_back(proposal);
            }
        });
    }
    std::string maker(Chance& chance) { return chance.permille(900) ? "maker1" : "checker1"; }
    std::string checker(Chance& chance) {
        return chance.permille(900) ? (chance.permille(700) ? "checker1" : "checker2") : "maker1";
    }
    const TransactionRecord* any(Chance& chance,
                                 const std::function<bool(const TransactionRecord&)>& wanted) {
        std::vector<iso8583::Rrn> all;
        for (const auto& [rrn, r] : world_.checkers().records())
            if (wanted(r)) all.push_back(rrn);
        return all.empty() ? nullptr : world_.checkers().record(chance.pick(all));
    }

    void open(Chance& chance) {
        if (!cases_) return;
        const TransactionRecord* sale = any(chance, [](const TransactionRecord& r) {
            return r.kind == TransactionKind::sale && r.state == State::approved;
        });
        if (sale == nullptr) return;
        const std::int64_t minor = chance.between(1, sale->amount.minor_units());
        const std::string reference =
            "case-" + std::to_string(chance.permille(800) ? ++references_ : references_);
        const std::string amount = iso8583::Amount(minor, sale->amount.currency()).major();
        command("maker1", OpenRefund{sale->rrn.str(), "", amount, "quality", reference},
                "open " + name_of(*sale) + " " + amount + " as=" + reference + " ref=" + reference);
    }

    /// By its state, or by the exception that somebody works on (of a second 0420, whatever the state); now
    /// and then anything.
    const TransactionRecord* what_waits(Chance& chance) {
        const std::uint32_t which = chance.below(100);
        if (which < 65) return any(chance, waits_for_people);
        if (which < 75) return any(chance, [](const auto&) { return true; });
        std::vector<iso8583::Rrn> all;
        for (const auto& [id, x] : world_.checkers().exceptions())
            if (const auto rrn = iso8583::Rrn::parse(id.substr(0, iso8583::Rrn::size_max));
                rrn && x.resolution.empty())
                all.push_back(*rrn);
        return all.empty() ? nullptr : world_.checkers().record(chance.pick(all));
    }

    /// Of a late approval: its original has its end, and its 0420 waits for people all the same (R51a).
    const TransactionRecord* second_reversal(Chance& chance) {
        std::vector<iso8583::Rrn> all;
        for (const auto& [id, x] : world_.checkers().exceptions()) {
            const auto rrn = iso8583::Rrn::parse(id.substr(0, iso8583::Rrn::size_max));
            const TransactionRecord* r = rrn && x.resolution.empty() && x.kind == "advice_parked"
                                             ? world_.checkers().record(*rrn)
                                             : nullptr;
            if (r != nullptr && (r->state == State::reversed || r->state == State::declined))
                all.push_back(*rrn);
        }
        return all.empty() ? nullptr : world_.checkers().record(chance.pick(all));
    }

    void work(Chance& chance) {
        if (const TransactionRecord* r = ways_out_ ? second_reversal(chance) : nullptr;
            r != nullptr && chance.permille(300)) {
            const std::string outcome = chance.permille(500) ? "reversed" : "approved";
            return command(maker(chance), SettleTransaction{r->rrn.str(), outcome, note},
                           "settle " + name_of(*r) + " " + outcome);
        }
        const TransactionRecord* r = what_waits(chance);
        if (r == nullptr) return;
        const std::string id = r->rrn.str(), name = name_of(*r);
        if (r->state == State::held && chance.permille(850)) return work_on_a_case(chance, *r);
        if (disputes_ && r->kind == TransactionKind::sale && r->amount.minor_units() > 0 &&
            chance.permille(400))
            return dispute(chance, *r);
        if (r->from_operations && chance.permille(500))
            return command(maker(chance), ReopenRefund{id, note}, "reopen " + name + " as=" + name + "+");
        if (!ways_out_) return;
        if (r->state == State::abnormal && chance.permille(850)) {
            using Way = ResolveAbnormal::Way;
            static constexpr Way ways[] = {Way::retry, Way::merchant_account, Way::alternative_account,
                                           Way::cancel};
            static constexpr const char* words[] = {"retry", "merchant-account", "alternative-account",
                                                    "cancel"};
            const std::uint32_t which = chance.below(4);
            return command(
                maker(chance),
                ResolveAbnormal{id, ways[which], ways[which] == Way::alternative_account ? "TRANSFER-77" : "",
                                note},
                "abnormal " + name + " " + words[which]);
        }
        if (chance.permille(400)) return command(maker(chance), RetryAdvice{id}, "retry " + name);
        static constexpr const char* outcomes[] = {"done", "refused", "reversed", "approved", "voided"};
        const char* outcome = outcomes[chance.below(std::size(outcomes))];
        command(maker(chance), SettleTransaction{id, outcome, note}, "settle " + name + " " + outcome);
    }

    void work_on_a_case(Chance& chance, const TransactionRecord& r) {
        const std::string id = r.rrn.str(), name = name_of(r);
        world_.checkers().reached("case decided");
        const std::uint32_t how = chance.below(10);
        if (how < 5) return command(checker(chance), ApproveRefund{id}, "approve " + name);
        if (how < 7) return command(checker(chance), RejectRefund{id, "no proof"}, "reject " + name);
        if (how < 9) return command(maker(chance), CancelRefund{id, "mistake"}, "cancel " + name);
        const std::string amount =
            iso8583::Amount(chance.between(1, r.amount.minor_units()), r.amount.currency()).major();
        command(maker(chance), EditRefund{id, amount, "mistake"}, "edit " + name + " " + amount);
    }

    void dispute(Chance& chance, const TransactionRecord& sale) {
        if (chance.permille(400)) {
            // Their numbers are given out in order; those of chargebacks when the second person agrees.
            static constexpr const char* outcomes[] = {"won", "lost", ""};
            const std::string id = "D0000000" + std::to_string(chance.between(1, 9));
            const std::string outcome = outcomes[chance.below(3)];
            return command(outcome.empty() ? checker(chance) : maker(chance), CloseDispute{id, outcome, note},
                           "close-dispute " + id + " " + outcome);
        }
        if (chance.permille(500))
            return command(maker(chance), AddDispute{sale.rrn.str(), "", "", "hold", "CB-1", note},
                           "dispute " + name_of(sale) + " hold");
        const std::string amount =
            iso8583::Amount(chance.between(1, sale.amount.minor_units()), sale.amount.currency()).major();
        command(maker(chance), AddDispute{sale.rrn.str(), "", amount, "chargeback", "CB-1", note},
                "dispute " + name_of(sale) + " chargeback " + amount);
    }

    /// The reserve of a merchant, a charge or what is given back of one; of the merchant of any sale.
    void money(Chance& chance) {
        const TransactionRecord* sale =
            any(chance, [](const TransactionRecord& r) { return r.kind == TransactionKind::sale; });
        if (sale == nullptr) return;
        const std::string merchant = sale->merchant.str();
        const std::string amount =
            iso8583::Amount(chance.between(1, 20'000), sale->amount.currency()).major();
        const std::string reference = "charge-" + std::to_string(chance.between(1, 2));
        switch (chance.below(4)) {
            case 0:
                return command(maker(chance), ChargeMerchant{merchant, amount, reference, note},
                               "charge " + merchant + " " + amount + " ref=" + reference);
            case 1:
            case 2: {
                const std::string own = "back-" + std::to_string(chance.between(1, 9));
                return command(maker(chance), OpenAdjustment{merchant, amount, reference, "mistake", own},
                               "adjust " + merchant + " " + amount + " charge=" + reference + " ref=" + own);
            }
            default:
                return command(maker(chance), AddReserve{merchant, amount, note},
                               "reserve-add " + merchant + " " + amount);
        }
    }

    void decide(Chance& chance) {
        if (chance.permille(150)) {
            const char* route = chance.permille(500) ? "issuer-a" : "issuer-b";
            return command(checker(chance), ReleaseStale{route, chance.below(2), note}, "release");
        }
        if (proposals_.empty()) return;
        const std::string id = chance.permille(700) ? proposals_.back() : chance.pick(proposals_);
        const bool agrees = chance.permille(800);
        command(checker(chance),
                DecideProposal{id, agrees ? DecideProposal::To::approve : DecideProposal::To::reject, note},
                agrees ? "agree" : "disagree");
    }

    void move_route(Chance& chance) {
        if (!routes_) return;
        const std::string name = chance.permille(500) ? "issuer-a" : "issuer-b";
        const bool down = chance.permille(500);
        command("checker1", MoveRoute{name, down ? MoveRoute::To::down : MoveRoute::To::drain},
                down ? "route down" : "route drain");
        world_.at(chance.between(0, away_ms_max), [this, name] {
            command("checker1", MoveRoute{name, MoveRoute::To::up}, "route up");
        });
    }

    void suspend(Chance& chance) {
        if (!suspends_ || tills_.empty()) return;
        const auto& config = chance.pick(tills_)->terminal().config();
        const std::string terminal = config.terminal.str(), merchant = config.merchant.str();
        const std::string till = till_word(config.terminal);
        if (chance.permille(300))
            return command("checker1", ChangeTerminal{terminal, ChangeTerminal::To::close_batch},
                           "close-batch " + till);
        if (chance.permille(500)) {
            command("checker1", ChangeTerminal{terminal, ChangeTerminal::To::suspend}, "suspend " + till);
            return world_.at(chance.between(0, away_ms_max), [this, terminal, till] {
                command("checker1", ChangeTerminal{terminal, ChangeTerminal::To::resume}, "resume " + till);
            });
        }
        const bool refunds = chance.permille(300);
        command("checker1",
                ChangeMerchant{merchant,
                               refunds ? ChangeMerchant::To::disable_refund : ChangeMerchant::To::suspend},
                "suspend merchant");
        world_.at(chance.between(0, away_ms_max), [this, merchant, refunds] {
            command("checker1",
                    ChangeMerchant{merchant,
                                   refunds ? ChangeMerchant::To::enable_refund : ChangeMerchant::To::resume},
                    "resume merchant");
        });
    }

    void look_at_an_exception(Chance& chance) {
        std::vector<std::string> open;
        for (const auto& [id, x] : world_.checkers().exceptions())
            if (x.resolution.empty()) open.push_back(id);
        if (open.empty()) return;
        const std::string id = chance.pick(open);
        const std::string kind = world_.checkers().exceptions().at(id).kind;
        constexpr std::uint32_t assigned = 300, resolved = 900;  // of 1,000
        const std::uint32_t what = chance.below(1'000);
        if (what < assigned)
            return command("checker1", ChangeException{id, ChangeException::To::assign, "maker2"},
                           "assign " + kind);
        if (what >= resolved)
            return command("checker1", ChangeException{kind, ChangeException::To::resolve_all, "all alike"},
                           "resolve-all " + kind);
        command("checker1", ChangeException{id, ChangeException::To::resolve, "looked at"},
                "resolve " + kind);
    }

    void resume_all() {
        const auto say = [this](OperatorCommand command) {
            world_.operate(std::move(command), "checker1", Role::supervisor, {});
        };
        for (const char* name : {"issuer-a", "issuer-b"}) say(MoveRoute{name, MoveRoute::To::up});
        for (Till* till : tills_) {
            const auto& config = till->terminal().config();
            say(ChangeTerminal{config.terminal.str(), ChangeTerminal::To::resume});
            say(ChangeMerchant{config.merchant.str(), ChangeMerchant::To::resume});
            say(ChangeMerchant{config.merchant.str(), ChangeMerchant::To::enable_refund});
        }
    }

    World& world_;
    Story& story_;
    Ticks ticks_;
    std::vector<Till*> tills_;
    std::vector<std::string> proposals_;
    std::map<iso8583::Rrn, std::string> to_end_;
    std::set<iso8583::Rrn> sent_on_;  // whose end has sent something
    std::uint32_t references_ = 0;
    bool cases_ = false, ways_out_ = false, disputes_ = false, routes_ = false, suspends_ = false,
         busy_ = false;
};

const ActorKind here("operators", make<Operators>);

}  // namespace
}  // namespace simulation
