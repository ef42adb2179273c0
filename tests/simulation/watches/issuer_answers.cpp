// What issuers answer is taken for what it is, however late it comes. An answer that fits what the switch has
// sent, field by field, is never told as one that nobody asked for (R63); a refund that its issuer has paid
// waits for nobody any more (R51); and an approval after a "not found", whatever code the route says that
// with, is no contradiction of a confirmed reversal (R51a).
#include <map>
#include <optional>
#include <set>

#include "ledger/number_plan.hpp"
#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using iso8583::Field;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionRecord;

class IssuerAnswers final : public Watch {
  public:
    explicit IssuerAnswers(World& world) : world_(world) {}

    void released(const Effect& effect) override {
        const auto* message = std::get_if<SendToIssuer>(&effect);
        if (message == nullptr || message->fields.mti().message_class() == 8) return;
        const iso8583::FieldValues& f = message->fields;
        sent_[{message->route.value, f.mti().message_class(), std::string(f.get(Field::stan)),
               std::string(f.get(Field::transmission_time))}] = {
            std::string(f.get(Field::rrn)), std::string(f.get(Field::terminal)),
            std::string(f.get(Field::amount_transaction))};
    }

    void offering(std::size_t /*shard*/, const Event& event) override {
        const auto* arrived = std::get_if<IssuerReplyArrived>(&event);
        if (arrived == nullptr || arrived->mac != MacState::verified || !fits_what_was_sent(*arrived)) return;
        const IssuerReply& reply = arrived->reply;
        // The first answer to it, or that one again; another may be told as what it is, a contradiction.
        const std::string what = words(world_.configuration().routes.find(arrived->route)->name,
                                       reply.mti.str(), reply.stan.str(), reply.transmission_time.str());
        const std::string code = reply.code ? reply.code->str() : "";
        const bool says_so_again =
            fitting_.emplace(what, Fitting{code, *reply.rrn}).first->second.code == code;
        if (!says_so_again) contradicted_.insert(what);
        // What retention has let go answers nothing any more: people look at it.
        if (reply.rrn && has_gone(*reply.rrn)) contradicted_.insert(what);
        const bool of_an_advice = reply.mti.message_class() == 2 && reply.mti.function() == 3;
        if (of_an_advice && reply.code && reply.code->view() == "00") paid_.push_back({*reply.rrn, 0});
    }

    void changed(const ledger::ExceptionRecord* before, const ledger::ExceptionRecord& now) override {
        if (!now.resolution.empty()) return;
        if (now.kind == "unmatched_reply" && (before == nullptr || before->repeats < now.repeats)) {
            const std::string& text = before == nullptr ? now.text : now.last_texts.back();
            const std::string what = over(now.subject) + text.substr(0, text.find(" answers nothing"));
            const auto fitting = fitting_.find(what);
            if (fitting != fitting_.end() && !contradicted_.contains(what) &&
                !tells_of_another(text, fitting->second.rrn))
                told_.emplace_back(fitting->second.rrn, text);
        }
        if (now.kind == "late_approval" && before == nullptr) judge_late_approval(now);
    }

    void turn_durable(std::size_t shard) override {
        for (const auto& [rrn, text] : told_)
            if (!has_gone(rrn))
                broken("R63",
                       "an answer to what the switch has sent is told as one that nobody asked for: " + text);
        told_.clear();
        std::erase_if(paid_, [this, shard](Paid& paid) {
            const bool of_another = ledger::shard_of_rrn(paid.rrn.view(), world_.shards()) != shard;
            if (of_another || ++paid.turns < world_.turns_until_durable()) return false;
            judge_paid(paid.rrn);
            return true;
        });
    }
    void crashed() override { paid_.clear(); }  // told_ is empty between turns

  private:
    struct Key {
        std::uint16_t route = 0;
        int message_class = 0;
        std::string stan, time;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Sent {
        std::string rrn, terminal, amount;
    };
    struct Fitting {
        std::string code;
        Rrn rrn;
    };
    struct Paid {
        Rrn rrn;
        int turns = 0;
    };

    /// Retention has let it go, or its card number.
    [[nodiscard]] bool has_gone(const Rrn& rrn) const {
        const ledger::TransactionRecord* record = world_.checkers().record(rrn);
        return record != nullptr && (record->card_purged || world_.checkers().is_purged(rrn));
    }
    void broken(const char* rule, const std::string& what) {
        world_.checkers().broken(rule, what, world_.now().instant);
    }
    static std::string over(const std::string& route) { return route + ": "; }
    static std::string words(const std::string& route, const std::string& mti, const std::string& stan,
                             const std::string& time) {
        return over(route) + "an answer " + mti + " with STAN " + stan + " and DE7 " + time;
    }
    /// What came under the numbers of an answer that fits, with another DE37 or DE41, is told by these.
    static bool tells_of_another(const std::string& text, const Rrn& fitting) {
        constexpr std::string_view names = "its DE37 is that of ";
        const auto at = text.find(names);
        return text.find("another terminal") != std::string::npos ||
               (at != std::string::npos && text.substr(at + names.size(), Rrn::size_max) != fitting.str());
    }

    [[nodiscard]] bool fits_what_was_sent(const IssuerReplyArrived& arrived) const {
        const IssuerReply& reply = arrived.reply;
        const auto at = sent_.find({arrived.route.value, reply.mti.message_class(), reply.stan.str(),
                                    reply.transmission_time.str()});
        // What a configuration has no route for it does not read.
        if (world_.configuration().routes.find(arrived.route) == nullptr) return false;
        if (at == sent_.end() || !reply.rrn || reply.rrn->str() != at->second.rrn) return false;
        if (reply.terminal && reply.terminal->str() != at->second.terminal) return false;
        return !reply.amount_minor || at->second.amount.empty() ||
               *reply.amount_minor == std::stoll(at->second.amount);
    }

    /// The issuer has paid: it waits neither for the issuer nor for a person; what people had done meanwhile
    /// is told.
    void judge_paid(const Rrn& rrn) {
        const TransactionRecord* r = world_.checkers().record(rrn);
        if (r == nullptr || r->kind != ledger::TransactionKind::refund || has_gone(rrn)) return;
        const bool waits =
            r->state == State::advice_pending || r->state == State::parked || r->state == State::abnormal;
        const bool elsewhere = r->state == State::cancelled || r->state == State::merchant_account ||
                               r->state == State::alternative_account;
        if (waits || (elsewhere && !r->decided.paid_twice))
            broken("R51", "the issuer has paid refund " + rrn.str() + ", and it is " +
                              std::string(ledger::name(r->state)) + " all the same");
    }

    void judge_late_approval(const ledger::ExceptionRecord& x) {
        const auto rrn = Rrn::parse(x.id.substr(0, Rrn::size_max));
        const TransactionRecord* r = rrn ? world_.checkers().record(*rrn) : nullptr;
        if (r == nullptr || !r->advice.not_found_once) return;
        // Where the reversal was confirmed in the same write, what was durable before it has an older code.
        if (r->state != State::reversed) return;
        const auto* route = world_.configuration().routes.find(routing::RouteId{r->route});
        const auto last = iso8583::ResponseCode::parse(r->advice.last_code);
        if (route != nullptr && last && route->codes.reversal_not_found.contains(*last))
            broken("R51a", "the issuer had not known " + rrn->str() + " (" + last->str() +
                               ") and has approved it now: there is no new 0420");
    }

    World& world_;
    std::map<Key, Sent> sent_;
    std::map<std::string, Fitting> fitting_;  // by their words
    std::set<std::string> contradicted_;
    std::vector<Paid> paid_;
    std::vector<std::pair<Rrn, std::string>> told_;  // as unmatched, in the turn that is being looked at
};

}  // namespace

std::unique_ptr<Watch> watch_issuer_answers(World& world) { return std::make_unique<IssuerAnswers>(world); }

}  // namespace simulation
