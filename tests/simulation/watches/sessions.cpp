// A terminal's sign-off ends its session: what arrives behind it is not answered 00 before the terminal has
// signed on again (R25). A reversal whose MAC is right is answered, whatever became of its original (R30 to
// R39). And who asked under a key is answered about the amount that he named, not about another's under the
// same key (R21).
#include <map>
#include <set>

#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using iso8583::Field;

class Sessions final : public Watch {
  public:
    explicit Sessions(World& world) : world_(world) {}

    void offering(std::size_t shard, const Event& event) override {
        if (const auto* closed = std::get_if<TerminalLinkClosed>(&event)) {
            std::erase_if(reversals_, [&](const auto& r) { return r.first.link == closed->link.value; });
            std::erase_if(amounts_, [&](const auto& r) { return r.first.link == closed->link.value; });
            return;
        }
        const auto* arrived = std::get_if<RequestArrived>(&event);
        if (arrived == nullptr) return;
        const TerminalRequest& r = arrived->request;
        const Asked asked{arrived->from.link.value, r.terminal, r.stan, r.fields.mti().message_class()};
        if (r.kind == RequestKind::sign_off && r.profile == Profile::unionpay_pos) {
            if (arrived->mac == MacState::verified) signed_off_.insert(r.terminal);
            // One without a MAC, as most are, has effect where its terminal is known: what comes behind it
            // shows when the keys go.
            if (arrived->mac == MacState::missing || arrived->mac == MacState::not_needed)
                behind_one_without_mac_.try_emplace(r.terminal);
        }
        if (arrived->mac != MacState::verified) return;
        if (r.kind == RequestKind::reversal && r.left_minor.value_or(0) == 0) reversals_[asked] = {shard, 0};
        if (asked.message_class == 2)
            amounts_[asked].insert(r.takes_partial ? ""
                                                   : std::string(r.fields.get(Field::amount_transaction)));
        const bool asks_for_work =
            asked.message_class == 1 || asked.message_class == 2 || asked.message_class == 4;
        if (!asks_for_work) return;
        if (signed_off_.contains(r.terminal)) behind_.insert(asked);
        const auto maybe = behind_one_without_mac_.find(r.terminal);
        if (maybe != behind_one_without_mac_.end()) maybe->second.insert(asked);
    }

    void released(const Effect& effect) override {
        if (const auto* install = std::get_if<InstallKeys>(&effect);
            install != nullptr && install->keys.versions.empty()) {
            const auto maybe = behind_one_without_mac_.find(install->terminal);
            if (maybe != behind_one_without_mac_.end()) {
                signed_off_.insert(install->terminal);
                behind_.merge(maybe->second);
                behind_one_without_mac_.erase(maybe);
            }
        }
        const auto* reply = std::get_if<SendReply>(&effect);
        if (reply == nullptr) return;
        const auto terminal = iso8583::TerminalId::parse(reply->fields.get(Field::terminal));
        const auto stan = iso8583::Stan::parse(reply->fields.get(Field::stan));
        if (!terminal || !stan) return;
        const Asked asked{reply->to.link.value, *terminal, *stan, reply->fields.mti().message_class()};
        reversals_.erase(asked);
        const bool approved = reply->fields.get(Field::response_code) == "00";
        if (asked.message_class == 8) {
            if (approved && reply->fields.get(Field::reserved_private_62).size() > 0)
                signed_off_.erase(*terminal);
            // Its sign-off is answered, and its keys are there: it had no effect.
            behind_one_without_mac_.erase(*terminal);
            return;
        }
        if (const auto named = amounts_.find(asked); named != amounts_.end() && approved) {
            const std::string amount(reply->fields.get(Field::amount_transaction));
            if (const auto one = named->second.find(amount); one != named->second.end())
                named->second.erase(one);
            else if (!named->second.contains(""))
                broken("R21", "terminal " + terminal->str() + ", DE11 " + stan->str() + ": " + amount +
                                  " is approved, which nobody waits for there");
        }
        if (behind_.erase(asked) > 0 && approved)
            broken("R25", "terminal " + terminal->str() + " had signed off, and DE11 " + stan->str() +
                              " behind that is answered 00");
    }

    void turn_durable(std::size_t shard) override {
        // An answer may be among what the shell has not come to.
        if (world_.waits_for_the_shell(shard)) return;
        for (auto at = reversals_.begin(); at != reversals_.end();) {
            if (at->second.shard != shard || ++at->second.turns <= world_.turns_until_durable()) {
                ++at;
                continue;
            }
            // R65: a switch that waits for its reconciliation says nothing to reversals.
            if (!world_.was_restored())
                broken("R30", "a reversal of terminal " + at->first.terminal.str() + ", DE11 " +
                                  at->first.stan.str() + ", is not answered");
            at = reversals_.erase(at);
        }
    }
    void crashed() override {
        signed_off_.clear();
        behind_.clear();
        behind_one_without_mac_.clear();
        amounts_.clear();
        reversals_.clear();
    }

  private:
    struct Asked {
        std::uint64_t link = 0;
        iso8583::TerminalId terminal;
        iso8583::Stan stan;
        int message_class = 0;
        friend auto operator<=>(const Asked&, const Asked&) = default;
    };
    void broken(const char* rule, const std::string& what) {
        world_.checkers().broken(rule, what, world_.now().instant);
    }

    World& world_;
    std::set<iso8583::TerminalId> signed_off_;
    std::set<Asked> behind_;
    /// What arrived behind a sign-off of which it is not known yet whether it has effect.
    std::map<iso8583::TerminalId, std::set<Asked>> behind_one_without_mac_;
    /// Of requests that wait for an answer; empty: one that takes less (R26).
    std::map<Asked, std::multiset<std::string>> amounts_;
    struct Waits {
        std::size_t shard = 0;
        int turns = 0;  // of the shard, since
    };
    std::map<Asked, Waits> reversals_;  // not answered yet
};

}  // namespace

std::unique_ptr<Watch> watch_sessions(World& world) { return std::make_unique<Sessions>(world); }

}  // namespace simulation
