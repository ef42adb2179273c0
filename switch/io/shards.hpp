// Shards: all shards of the process, and whose an event is. A merchant's work is in one shard for good: where
// its ledger says so, else where shard_of() puts it, which the ledger then writes down
// (Ledger::keep_merchant). An issuer has one row of connections, keys and numbers for all shards: its answers
// are told apart by their STAN, key changes are the first shard's.
//
// ShardRouter knows no thread and no store: a simulated process (tests/simulation) has the same.
//
// Thread: the shell's. Ownership: Shards owns the shards. Errors: none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/core/effect.hpp"
#include "switch/io/shard_port.hpp"

namespace acquirer {

/// Where a merchant begins that no ledger knows: of `shards`, from 0. Assigned once, so it may change.
std::size_t shard_of(const iso8583::MerchantId& merchant, std::size_t shards);

class ShardMap {
  public:
    using Written = std::map<iso8583::MerchantId, std::size_t>;
    /// `written`: what the ledgers said at the start. What is begun later is where shard_of() puts it, every
    /// time.
    explicit ShardMap(std::size_t shards, Written written = {})
        : shards_(shards), written_(std::move(written)) {}
    [[nodiscard]] std::size_t size() const { return shards_; }
    [[nodiscard]] std::size_t of(const iso8583::MerchantId& merchant) const;

  private:
    std::size_t shards_;
    Written written_;
};
/// Adds the merchants that the shard's ledger says are its; refused when another has them, or when the ledger
/// is another shard's.
iso8583::Result<void> add_merchants(ShardMap::Written& written, const ledger::StoreReader& store,
                                    std::size_t index, std::size_t of);

/// Where an operator's command is carried out.
struct CommandPlace {
    /// who_can: by all, of whom those that have nothing of it refuse. others_first: by those beside the
    /// first, and by it once none of them has anything against it.
    enum class Where : std::uint8_t { one, all, who_can, others_first };
    Where where = Where::one;
    std::size_t shard = 0;
};
CommandPlace place_of(const OperatorCommand& command, const ShardMap& map,
                      const Configuration& configuration);
/// Of a command that all shards carried out: done when all have done it, or one of those who can. A value
/// that they said differently is all of theirs, with ", " between them: each made a proposal, say.
OperatorAnswer merged(const std::vector<OperatorAnswer>& answers, CommandPlace::Where where);

/// The switch's, of its shards': counts are sums; the day, the clock's and the configuration's are the
/// first's.
CoreStatus merged(const std::vector<CoreStatus>& all);
ShardCounters merged(const std::vector<ShardCounters>& all);
/// The first that takes no work, else the one with the least room.
ledger::StoreHealth merged(const std::vector<ledger::StoreHealth>& all);

/// Sends each event where it belongs, and puts together what all have answered.
class ShardRouter {
  public:
    /// At least one, which outlive it; the n-th is the shard with index n.
    ShardRouter(std::vector<ShardInbox*> shards, ShardMap map);

    void take(RequestArrived request);
    /// Connections and configuration are told to all shards, an issuer's messages to the one that they are
    /// for. False as ShardInbox::take.
    [[nodiscard]] bool take(Event event);
    /// What the first says is for all the others, what another says is for the first.
    void tell(std::size_t from, const TellShards& told);
    /// To the shards that carry it out, by place_of().
    void command(OperatorCommanded commanded, const Configuration& configuration);
    /// A shard has answered a command. What the person is told, once no other is to answer it.
    std::optional<OperatorAnswer> answered(std::size_t shard, const AnswerOperator& answer);
    /// The first has changed keys with an issuer, or found them at its start: the others hear of it.
    void tell_others(const InstallIssuerKeys& keys);
    [[nodiscard]] bool take_requests() const;
    /// DE11 and DE7 of a session's 08xx: of several shards none gives them, so that no thread is waited for.
    std::pair<iso8583::Stan, iso8583::TransmissionTime> next_session_numbers(routing::RouteId route,
                                                                             const iso8583::Now& now);
    [[nodiscard]] std::size_t size() const { return inboxes_.size(); }
    [[nodiscard]] const ShardMap& map() const { return map_; }

  private:
    /// Whose an issuer's message is.
    [[nodiscard]] ShardInbox& asked_by(const Event& event) const;

    std::vector<ShardInbox*> inboxes_;
    ShardMap map_;
    /// What several shards carry out, until the last of them has answered.
    struct Commanded {
        std::vector<std::optional<OperatorAnswer>> answers;  // by shard
        std::optional<OperatorCommanded> then_first;         // asked when the others have done it
        CommandPlace::Where where = CommandPlace::Where::all;
    };
    std::map<std::uint64_t, Commanded> commanded_;  // by ticket
    std::uint32_t session_stan_ = 0;                // the last one given
    std::int64_t session_time_ms_ = 0;
};

class Shards final : public ShardRouter {
  public:
    Shards(std::vector<std::unique_ptr<ShardPort>> shards, ShardMap map)
        : ShardRouter(inboxes_of(shards), std::move(map)), shards_(std::move(shards)) {}

    [[nodiscard]] ShardPort& at(std::size_t index) const { return *shards_.at(index); }
    [[nodiscard]] auto begin() const { return shards_.begin(); }
    [[nodiscard]] auto end() const { return shards_.end(); }

  private:
    static std::vector<ShardInbox*> inboxes_of(const std::vector<std::unique_ptr<ShardPort>>& shards) {
        std::vector<ShardInbox*> inboxes;
        inboxes.reserve(shards.size());
        for (const auto& shard : shards) inboxes.push_back(shard.get());
        return inboxes;
    }

    std::vector<std::unique_ptr<ShardPort>> shards_;
};

}  // namespace acquirer
