// SwitchProcess: what lives between a start and a crash: the core, its turn, the sessions, the inboxes. It
// stands where switch/io stands in production and keeps the same order: answers, then deadlines, then new
// requests; effects leave when Turn hands them out.
//
// Owner: the world, which destroys it to make a crash. Store, vault and surroundings outlive it. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ledger/overlay.hpp"
#include "ledger/pan_vault.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"
#include "switch/sessions/issuer_session.hpp"
#include "switch/sessions/terminal_session.hpp"

namespace simulation {

/// What the process needs of the world.
class Surroundings {
  public:
    virtual ~Surroundings() = default;
    [[nodiscard]] virtual iso8583::Now now() const = 0;
    virtual void to_peer(acquirer::LinkId link, iso8583::Bytes bytes) = 0;
    /// The process has dropped the link.
    virtual void link_dropped(acquirer::LinkId link, const std::string& why) = 0;
    /// The answer, or nothing when it will come by hsm_answered(). `asker` 0 is the core.
    virtual std::optional<hsm::Reply> ask_hsm(acquirer::LinkId asker, hsm::Ticket ticket,
                                              const hsm::Request& request) = 0;
    /// The core is given this event next, or (begin) what is due by its deadlines, until it says so (end).
    virtual void offering(const acquirer::Event& event) = 0;
    virtual void deadlines_pass(bool begin) = 0;
    /// An effect that Turn lets out now, before it is carried out.
    virtual void released(const acquirer::Effect& effect) = 0;
    /// They are in their files, which outlive crashes.
    virtual void notices_written(const std::vector<ledger::Notice>& notices) = 0;
    /// The vault's file gets a key, or loses it; the event that says so comes later.
    virtual void make_vault_key(const acquirer::MakeVaultKey& wanted) = 0;
    virtual void wipe_vault_key(const acquirer::WipeVaultKey& wanted) = 0;
    /// A session's complaint or reason to close, as the log would have it.
    virtual void logged(const std::string& text) = 0;
};

/// Of every simulated audit chain.
const ledger::AuditKey& simulated_audit_key();

class SwitchProcess {
  public:
    SwitchProcess(acquirer::ConfigurationPtr configuration, ledger::Store& store, ledger::PanVault& vault,
                  Surroundings& surroundings);

    /// False when the ledger cannot be read.
    [[nodiscard]] bool recover();

    void terminal_connected(acquirer::LinkId link, acquirer::Profile profile,
                            const acquirer::PeerAddress& address);
    void issuer_connected(acquirer::IssuerSessionSetup setup);
    void bytes_arrived(acquirer::LinkId link, iso8583::ByteView bytes);
    void peer_closed(acquirer::LinkId link);
    void hsm_answered(acquirer::LinkId asker, hsm::Ticket ticket, const hsm::Reply& reply);
    /// Operators' commands, store health, a new configuration.
    void event_arrived(acquirer::Event event);
    /// The store's done has been called.
    void sync_has_ended() { turn_.sync_has_ended(); }

    /// Steps what lies in the inboxes and lets out what may leave.
    void drive();
    void pass_deadlines();
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;

    /// After `effects` more effects the process is as good as dead: nothing it does is seen (dead() is true).
    void die_after(std::uint32_t effects) { effects_to_live_ = effects; }
    [[nodiscard]] bool dead() const { return dead_; }
    /// R62: the store failed; the process ends with exit code 1.
    [[nodiscard]] const std::optional<ledger::StoreError>& failed() const { return turn_.failed(); }
    [[nodiscard]] acquirer::SwitchCore& core() { return core_; }
    /// I6a over everything that is stored or about to be; after a turn was closed.
    [[nodiscard]] iso8583::Result<acquirer::OrphanReport> find_orphans() const {
        return acquirer::find_orphans(overlay_, *core_.live_work());
    }
    [[nodiscard]] bool idle() const { return answers_.empty() && requests_.empty() && turn_.idle(); }

  private:
    void offer();
    void pump();
    void perform(const acquirer::Effect& effect);
    void flush();
    template <typename Session>
    void answer_asks(Session& session);
    void settle(acquirer::TerminalSession& session);
    void settle(acquirer::IssuerSession& session);

    acquirer::ConfigurationPtr configuration_;
    Surroundings& around_;
    acquirer::TerminalKeyTable keys_;
    ledger::Overlay overlay_;
    acquirer::SwitchCore core_;
    acquirer::Turn turn_;
    std::map<acquirer::LinkId, std::unique_ptr<acquirer::TerminalSession>> terminals_;
    std::map<acquirer::LinkId, std::unique_ptr<acquirer::IssuerSession>> issuers_;
    std::map<routing::RouteId, std::vector<hsm::KeyBlock>> issuer_keys_;  // as installed
    std::deque<acquirer::Event> answers_;
    std::deque<acquirer::Event> requests_;
    bool deadlines_due_ = false;
    std::optional<std::uint32_t> effects_to_live_;
    bool dead_ = false;
};

}  // namespace simulation
