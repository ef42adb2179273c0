// BranchWatch: counts the branches (branches.hpp) that a world takes: transitions as the core moves records,
// refusals as they are given or stored, ways out as operators are answered, and pairs as events are offered
// to the core. The state of a pair is the record's when the last turn was closed.
//
// Owner: the world. One thread; of two worlds on one thread the younger one's watch is told of transitions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "ledger/pan_vault.hpp"
#include "ledger/store.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"
#include "tests/simulation/branches.hpp"

namespace simulation {

class BranchWatch {
  public:
    explicit BranchWatch(const ledger::PanVault& vault);
    ~BranchWatch();
    BranchWatch(const BranchWatch&) = delete;
    BranchWatch& operator=(const BranchWatch&) = delete;

    /// Before the core is given it.
    void offering(const acquirer::Event& event, const acquirer::Configuration& configuration);
    /// What moves from now on moves because its time is over, or not any more.
    void deadlines_pass(bool now) { in_deadlines_ = now; }
    void released(const acquirer::Effect& effect);
    /// A turn was closed with this record in it, or with this batch of all it wrote.
    void written(ledger::TransactionRecord record);
    void written(const ledger::Batch& batch);
    /// The process died; it will start again over these.
    void crashed(const std::map<iso8583::Rrn, ledger::TransactionRecord>& durable);
    void moved(ledger::TransactionKind kind, ledger::State from, ledger::State to);

    void add_to(std::map<std::string, std::uint64_t>& reached) const;

  private:
    static constexpr std::size_t kinds = 5, states = 52;  // enumerators begin with 1

    struct KeyOwner {
        iso8583::Rrn rrn;
        bool joined = false;  // R20b: another key's case
    };
    using Numbers = std::tuple<std::uint16_t, std::uint32_t, std::uint32_t>;  // route, DE11, DE7

    void request(const acquirer::RequestArrived& event);
    void reply(const acquirer::IssuerReplyArrived& event, const acquirer::Configuration& configuration);
    void link_down(acquirer::LinkId link);
    void command(const acquirer::OperatorCommanded& event);
    void note(const acquirer::Note& note);
    void answered(const acquirer::AnswerOperator& answer);
    void sent(const acquirer::SendToIssuer& message);
    void index(const ledger::TransactionRecord& record);
    void count(const ledger::TransactionRecord& record, std::size_t event);
    void count(const ledger::TransactionRecord& record, PairEvent event) {
        count(record, static_cast<std::size_t>(event));
    }
    void count_open(PairEvent event);
    void count(acquirer::Refusal refusal) { ++refusals_[static_cast<std::uint8_t>(refusal)]; }
    [[nodiscard]] const ledger::TransactionRecord* find(const iso8583::Rrn& rrn) const;
    [[nodiscard]] const ledger::TransactionRecord* find(const Numbers& numbers) const;

    const ledger::PanVault& vault_;
    std::map<iso8583::Rrn, ledger::TransactionRecord> records_;
    std::map<std::string, KeyOwner> keys_;
    std::map<Numbers, iso8583::Rrn> numbers_;
    std::map<std::uint64_t, std::set<iso8583::Rrn>> asked_on_;  // by link: what an issuer has not answered
    std::map<std::string, ledger::Proposal> proposals_;
    std::map<std::string, ledger::Dispute> disputes_;
    std::map<std::uint64_t, std::string> commands_;  // by ticket: the way out when the answer says done
    std::map<std::string_view, acquirer::Refusal> explanations_;
    bool in_deadlines_ = false;

    std::array<std::array<std::array<std::uint64_t, states>, states>, kinds> transitions_{};
    std::array<std::array<std::uint64_t, states>, kinds> initial_{}, open_{};
    std::array<std::uint64_t, 256> refusals_{};
    std::array<std::array<std::array<std::uint64_t, pair_events>, states>, kinds> pairs_{};
    std::map<std::string, std::uint64_t> ways_out_;
};

}  // namespace simulation
