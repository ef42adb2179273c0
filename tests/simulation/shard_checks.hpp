// ShardChecks: what must hold of several shards beside what holds of one ledger (docs/decisions/0058). A
// merchant is in one shard for good; RRNs, STANs towards issuers and what people count are never given twice;
// an issuer's answer reaches the shard that asked; each shard keeps its part of a route's bound; keys that
// an issuer has changed are used by all; what concerns all is done in all, or answered as failed.
//
// Owner: the world, which has them when it has several shards. It believes nothing that a core says of itself
// but how many requests are in flight and by which configuration it works. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "switch/core/configuration.hpp"
#include "switch/core/status.hpp"
#include "tests/simulation/checkers.hpp"

namespace simulation {

class ShardChecks {
  public:
    ShardChecks(Checkers& checkers, std::size_t shards) : checkers_(checkers), shards_(shards) {}

    /// A ledger has said so before the first start.
    void has_merchant(std::size_t shard, const iso8583::MerchantId& merchant, iso8583::Instant at);
    void batch_durable(std::size_t shard, const ledger::Batch& batch, iso8583::Instant at);
    void offering(std::size_t shard, const acquirer::Event& event, iso8583::Instant at);
    void released(std::size_t shard, const acquirer::Effect& effect, iso8583::Instant at);
    /// A person is told what became of his command.
    void answered(std::uint64_t ticket, const acquirer::OperatorAnswer& answer, iso8583::Instant at);
    /// The routes and their bounds are these from now on, for those who have heard of it.
    void configured(const acquirer::Configuration& configuration);
    /// `all`: what each shard says.
    void check_bounds(const acquirer::Configuration& configuration,
                      const std::vector<acquirer::CoreStatus>& all, iso8583::Instant at);
    void crashed();

  private:
    struct Keys {
        hsm::KeyBlock zpk;
        /// Those before, and since when they are not to be used.
        std::vector<std::pair<hsm::KeyBlock, iso8583::Instant>> gone;
    };
    void broken(const std::string& what, iso8583::Instant at) { checkers_.broken("shards", what, at); }
    void given(std::size_t shard, const std::string& number, iso8583::Instant at);
    void check_pin_key(std::size_t shard, const acquirer::AskHsm& asked, iso8583::Instant at);
    void installed(const acquirer::InstallIssuerKeys& keys, iso8583::Instant at);

    Checkers& checkers_;
    std::size_t shards_;
    std::map<iso8583::MerchantId, std::size_t> shard_of_;
    std::map<std::string, std::size_t> given_by_;
    std::map<routing::RouteId, Keys> keys_;
    std::set<routing::RouteId> wallets_;  // which take no PIN, whatever keys they have
    /// What may be in flight of a shard to a route, by name, while its part of the bound is narrower than
    /// what was there when it came.
    std::map<std::pair<std::size_t, std::string>, std::uint32_t> allowed_;
    /// A command that concerns all.
    struct Commanded {
        std::vector<std::optional<bool>> done;  // what each shard has answered
        bool one_will_do = false;
    };
    std::map<std::uint64_t, Commanded> commanded_;  // by ticket
};

}  // namespace simulation
