// SwitchProcess: what lives between a start and a crash: the shards, each a core with its turn and inboxes,
// and the sessions. It stands where switch/io stands in production: whose an event is says the product's own
// ShardRouter. Several shards take turns in an order of chance, as threads do: one may wait while another
// goes on, and what has become durable waits until the shell comes to it.
//
// Owner: the world, which destroys it to make a crash. Store, vault and surroundings outlive it. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/pan_vault.hpp"
#include "switch/io/shards.hpp"
#include "switch/sessions/issuer_session.hpp"
#include "switch/sessions/terminal_session.hpp"
#include "tests/simulation/simulated_shard.hpp"

namespace simulation {

/// Who asks the HSM: a session by its link, or (link 0) the core of a shard.
struct HsmAsker {
    acquirer::LinkId link;
    std::size_t shard = 0;
};

/// What the process needs of the world. A shard is named by its place, from 0.
class Surroundings {
  public:
    virtual ~Surroundings() = default;
    [[nodiscard]] virtual iso8583::Now now() const = 0;
    virtual void to_peer(acquirer::LinkId link, iso8583::Bytes bytes) = 0;
    /// The process has dropped the link.
    virtual void link_dropped(acquirer::LinkId link, const std::string& why) = 0;
    /// The answer, or nothing when it will come by hsm_answered().
    virtual std::optional<hsm::Reply> ask_hsm(const HsmAsker& asker, hsm::Ticket ticket,
                                              const hsm::Request& request) = 0;
    /// A core is given this event next, or (begin) what is due by its deadlines, until it says so (end).
    virtual void offering(std::size_t shard, const acquirer::Event& event) = 0;
    virtual void deadlines_pass(bool begin) = 0;
    /// An effect that Turn has let out, before the shell carries it out.
    virtual void released(std::size_t shard, const acquirer::Effect& effect) = 0;
    /// A person is told what became of his command.
    virtual void answered(std::uint64_t ticket, const acquirer::OperatorAnswer& answer) = 0;
    /// They are in their files, which outlive crashes.
    virtual void notices_written(const std::vector<ledger::Notice>& notices) = 0;
    /// The vault's file gets a key, or loses it; the event that says so comes later.
    virtual void make_vault_key(std::size_t shard, const acquirer::MakeVaultKey& wanted) = 0;
    virtual void wipe_vault_key(std::size_t shard, const acquirer::WipeVaultKey& wanted) = 0;
    /// A session's complaint or reason to close, as the log would have it.
    virtual void logged(const std::string& text) = 0;
    /// Of several shards: which of so many goes on next, and how long one waits now that could go on.
    virtual std::size_t next_of(std::size_t waiting) = 0;
    virtual std::int64_t pause_ms() = 0;
};

/// Of every simulated audit chain.
const ledger::AuditKey& simulated_audit_key();

class SwitchProcess {
  public:
    /// A store for each shard: 1, 2 or 4. `merchants`: what they say of theirs. `vault`: the keys in the
    /// vault's file, of which each shard has a vault of its own.
    SwitchProcess(acquirer::ConfigurationPtr configuration, const std::vector<ledger::Store*>& stores,
                  acquirer::ShardMap::Written merchants, const ledger::VaultKeys& vault,
                  Surroundings& surroundings);

    /// False when a ledger cannot be read.
    [[nodiscard]] bool recover();

    void terminal_connected(acquirer::LinkId link, acquirer::Profile profile,
                            const acquirer::PeerAddress& address);
    void issuer_connected(acquirer::IssuerSessionSetup setup);
    void bytes_arrived(acquirer::LinkId link, iso8583::ByteView bytes);
    void peer_closed(acquirer::LinkId link);
    void hsm_answered(const HsmAsker& asker, hsm::Ticket ticket, const hsm::Reply& reply);
    /// Operators' commands, store health, a new configuration.
    void event_arrived(acquirer::Event event);
    /// What a shard has asked for has been done.
    void event_arrived(std::size_t shard, acquirer::Event event) {
        static_cast<void>(shards_.at(shard)->take(std::move(event)));
    }

    /// The vault's file has these now.
    void hold(const ledger::VaultKeys& vault) {
        for (const auto& of_shard : vaults_) of_shard->hold(vault);
    }

    /// Steps what lies in the inboxes and lets out what may leave.
    void drive();
    void pass_deadlines();
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;

    /// After `effects` more effects the process is as good as dead: nothing it does is seen (dead() is true).
    void die_after(std::uint32_t effects) { effects_to_live_ = effects; }
    [[nodiscard]] bool dead() const { return dead_; }
    /// R62: the store of a shard failed; the process ends with exit code 1.
    [[nodiscard]] const ledger::StoreError* failed() const;
    [[nodiscard]] std::size_t shards() const { return shards_.size(); }
    [[nodiscard]] SimulatedShard& shard(std::size_t index) { return *shards_.at(index); }
    /// Of all shards.
    [[nodiscard]] acquirer::CoreStatus status() const;
    [[nodiscard]] bool idle() const;

  private:
    /// Until when a shard does not go on, and the shell does not come to what it has let out.
    struct Pauses {
        std::optional<iso8583::Instant> work, effects;
    };

    void drive_only();
    void drive_several();
    /// The places of all shards, in an order of chance.
    const std::vector<std::size_t>& any_order();
    bool goes_on(std::optional<iso8583::Instant>& pause, bool has_something);
    void perform(std::size_t shard, const acquirer::Effect& effect);
    void flush();
    template <typename Session>
    void answer_asks(Session& session);
    void settle(acquirer::TerminalSession& session);
    void settle(acquirer::IssuerSession& session);

    acquirer::ConfigurationPtr configuration_;
    Surroundings& around_;
    acquirer::TerminalKeyTable keys_;
    std::vector<std::unique_ptr<ledger::PanVault>> vaults_;
    std::vector<std::unique_ptr<SimulatedShard>> shards_;
    acquirer::ShardRouter router_;
    std::vector<Pauses> pauses_;
    std::vector<std::size_t> order_;
    SimulatedShard::Perform perform_first_;
    std::map<acquirer::LinkId, std::unique_ptr<acquirer::TerminalSession>> terminals_;
    std::map<acquirer::LinkId, std::unique_ptr<acquirer::IssuerSession>> issuers_;
    std::map<routing::RouteId, std::vector<hsm::KeyBlock>> issuer_keys_;  // as installed
    std::optional<std::uint32_t> effects_to_live_;
    bool dead_ = false;
};

}  // namespace simulation
