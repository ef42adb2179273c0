// Cases. While its merchant is suspended none is opened (R25). One that several keys share is left to the
// others by the reversal of one (R20b). And one thing that happens again and again is one exception (R37,
// R63).
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "ledger/number_plan.hpp"
#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionRecord;

class Cases final : public Watch {
  public:
    explicit Cases(World& world) : world_(world) {}

    void offering(std::size_t /*shard*/, const Event& event) override {
        const auto* asked = std::get_if<OperatorCommanded>(&event);
        if (asked == nullptr) return;
        if (const auto* change = std::get_if<ChangeMerchant>(&asked->command)) {
            if (change->to == ChangeMerchant::To::resume) {
                suspended_.erase(change->merchant);
                std::erase_if(suspends_, [&](const auto& s) { return s.second == change->merchant; });
            }
            if (change->to == ChangeMerchant::To::suspend) suspends_[asked->ticket] = change->merchant;
        }
        if (const auto* open = std::get_if<OpenRefund>(&asked->command)) {
            const auto rrn = Rrn::parse(open->rrn);
            const TransactionRecord* sale = rrn ? world_.checkers().record(*rrn) : nullptr;
            // The same reference once more is answered with the case that there is.
            const bool is_new = references_.insert(open->reference).second;
            if (sale != nullptr && is_new && suspended_.contains(sale->merchant.str()))
                opens_.insert(asked->ticket);
        }
    }

    void released(const Effect& effect) override {
        const auto* answer = std::get_if<AnswerOperator>(&effect);
        if (answer == nullptr) return;
        if (const auto at = suspends_.find(answer->ticket); at != suspends_.end()) {
            if (answer->answer.done) suspended_.insert(at->second);
            suspends_.erase(at);
        }
        if (opens_.erase(answer->ticket) > 0 && answer->answer.done)
            broken("R25", "a case was opened while its merchant is suspended: " + answer->answer.text);
    }

    void changed(const TransactionRecord* before, const TransactionRecord& now) override {
        if (before == nullptr || now.kind != ledger::TransactionKind::refund) return;
        judge_shared(*before, now);
    }

    void changed(const ledger::ExceptionRecord* before, const ledger::ExceptionRecord& now) override {
        std::string about = now.id.substr(0, Rrn::size_max);
        // What is of no transaction each shard counts for itself.
        if (about.find_first_not_of('0') == std::string::npos)
            about +=
                " of shard " + std::to_string(ledger::shard_of_number(now.id, world_.shards()).value_or(0));
        if (!now.resolution.empty()) {
            const auto at = open_.find({about, now.kind, now.subject});
            if (at != open_.end() && at->second == now.id) open_.erase(at);
            return;
        }
        if (before != nullptr) return;
        const auto [known, is_new] = open_.emplace(std::tuple{about, now.kind, now.subject}, now.id);
        if (!is_new)
            broken("R76",
                   "exception " + now.id + " is of what " + known->second + " is open for: " + now.text);
    }
    void turn_durable(std::size_t /*shard*/) override {
        // The reversal of its sale ends it for all of them, whichever of the two has the lower number: a
        // clock may have come back between them.
        for (const Ended& it : ended_) {
            const TransactionRecord* sale = world_.checkers().record(it.sale);
            if (sale == nullptr || sale->reversal_digest != 0) continue;
            broken("R20b", "the reversal of one key has ended case " + it.refund.str() + ", for which " +
                               std::to_string(it.asking) + " asked");
        }
        ended_.clear();
    }
    void crashed() override {
        ended_.clear();
        suspends_.clear();
        opens_.clear();
    }

  private:
    void broken(const char* rule, const std::string& what) {
        world_.checkers().broken(rule, what, world_.now().instant);
    }
    /// R20b. Of its keys, how many ask for it still?
    static std::size_t asking(const TransactionRecord& r) {
        const auto& joined = r.shared.joined;
        const auto left =
            std::count_if(joined.begin(), joined.end(), [](const auto& k) { return k.reversal_digest == 0; });
        return static_cast<std::size_t>(left) +
               (r.shared.own_reversal_digest == 0 && !r.from_operations ? 1U : 0U);
    }
    void judge_shared(const TransactionRecord& before, const TransactionRecord& now) {
        if (before.state != State::held || before.reversal_digest != 0 || now.reversal_digest == 0) return;
        if (now.original && asking(before) > 1) ended_.push_back({now.rrn, *now.original, asking(before)});
    }

    struct Ended {
        Rrn refund, sale;
        std::size_t asking = 0;  // before
    };
    std::vector<Ended> ended_;  // by a reversal, in the turn that is told
    World& world_;
    std::map<std::uint64_t, std::string> suspends_;  // by ticket
    std::set<std::string> suspended_;                // merchants
    std::set<std::uint64_t> opens_;                  // tickets, while the merchant was suspended
    std::set<std::string> references_;               // of all that were asked for
    std::map<std::tuple<std::string, std::string, std::string>, std::string> open_;  // subject → exception
};

}  // namespace

std::unique_ptr<Watch> watch_cases(World& world) { return std::make_unique<Cases>(world); }

}  // namespace simulation
