// Refunds of one sale that go by advice leave in the order in which they were accepted, over restarts and
// whatever RRN they were given (R54, R60): none leaves for the first time while an earlier one waits for its
// turn.
#include <map>

#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using iso8583::Field;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionRecord;

class Chains final : public Watch {
  public:
    explicit Chains(World& world) : world_(world) {}

    void changed(const TransactionRecord* before, const TransactionRecord& now) override {
        const auto is_queued = [](const TransactionRecord& r) {
            return r.state == State::advice_pending && r.advice.kind == ledger::QueuedAdvice::Kind::refund;
        };
        if (is_queued(now) && (before == nullptr || !is_queued(*before))) queued_in_turn_[now.rrn] = turn_;
    }
    void turn_durable(std::size_t /*shard*/) override { ++turn_; }

    void released(const Effect& effect) override {
        const auto* message = std::get_if<SendToIssuer>(&effect);
        if (message == nullptr) return;
        const iso8583::Mti mti = message->fields.mti();
        if (mti.message_class() != 2 || !mti.is_advice() || mti.is_repeat()) return;
        const auto rrn = Rrn::parse(message->fields.get(Field::rrn));
        const Checkers& books = world_.checkers();
        const TransactionRecord* refund = rrn ? books.record(*rrn) : nullptr;
        if (refund == nullptr) return;  // told by I4
        for (auto at = refund->last_refund; at;) {
            const TransactionRecord* earlier = books.record(*at);
            if (earlier == nullptr) return;
            if (earlier->state == State::advice_pending &&
                earlier->advice.kind == ledger::QueuedAdvice::Kind::refund &&
                earlier->advice.status == ledger::QueuedAdvice::Status::waiting &&
                earlier->advice.attempts == 0 && queued_in_turn_[*at] < queued_in_turn_[*rrn])
                world_.checkers().broken("R54",
                                         "refund " + rrn->str() + " has left before " + at->str() +
                                             ", which was accepted before it",
                                         world_.now().instant);
            at = earlier->last_refund;
        }
    }

  private:
    World& world_;
    std::uint64_t turn_ = 1;
    /// A case that was opened before a refund may be approved after it: it is not held against that one.
    std::map<Rrn, std::uint64_t> queued_in_turn_;
};

}  // namespace

std::unique_ptr<Watch> watch_chains(World& world) { return std::make_unique<Chains>(world); }

}  // namespace simulation
