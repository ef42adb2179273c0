// Terminals: what the switch knows of each: working keys and which of them is proven, the open batch,
// suspension by operations; sign-on and echo. Source: docs/wire.md, sign-on and the paragraph on keys that
// stay valid.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/source_limits.hpp"

namespace acquirer {

class Terminals {
  public:
    Terminals(CoreContext& context, SourceLimits& limits) : c_(context), limits_(limits) {}

    void recover();
    void on_sign_on(const RequestArrived& event);
    void on_keys_generated(hsm::Ticket ticket, const hsm::Reply& reply);
    [[nodiscard]] bool owns(hsm::Ticket ticket) const { return signing_on_.contains(ticket); }
    void on_echo(const RequestArrived& event);
    /// Ends the terminal's session: its keys are dropped, so that whatever comes next is told to sign on.
    /// Only when the terminal itself asks, which its MAC says, or a MAC of its that verified on this
    /// connection.
    void on_sign_off(const RequestArrived& event);

    /// Its session was ended after the keys that verified this message had been given: what was on its way
    /// then counts no more. Sign-ons and sign-offs go on.
    [[nodiscard]] bool has_signed_off(const RequestArrived& event);
    /// A message verified: keys older than the one that did it are dropped, durably.
    void verified(const RequestArrived& event);
    /// The terminal's record; a first one (batch 000001) when it has none yet.
    [[nodiscard]] ledger::TerminalRecord record(const iso8583::TerminalId& terminal);
    void save(const ledger::TerminalRecord& record);

    [[nodiscard]] bool is_suspended(const iso8583::TerminalId& id) const {
        return suspended_terminals_.contains(id);
    }
    [[nodiscard]] bool is_suspended(const MerchantConfig& merchant) const;
    [[nodiscard]] bool may_refund(const MerchantConfig& merchant) const;
    void set_terminal_override(const iso8583::TerminalId& id, const std::string& state);
    void set_merchant_override(const iso8583::MerchantId& id, const std::string& state);

  private:
    /// Who asked for keys that have not verified a message yet.
    struct KeyOwner {
        LinkId link;
        PeerAddress peer;
        iso8583::Stan stan;      // of the sign-on …
        std::string private_62;  // … and the keys it was answered with: the same sign-on again gets the same
    };
    /// What is in the ledger, and what is known of the terminal since the process began.
    struct Known {
        ledger::TerminalRecord record;
        std::map<std::uint32_t, KeyOwner> owners;  // by key version
        PeerAddress home;                          // asked for the keys that verified last
    };
    void recover(const ledger::OverrideKey& of, const ledger::OverrideRecord& stored);
    Known& known(const iso8583::TerminalId& terminal);
    [[nodiscard]] static TerminalKeySet key_set(const Known& terminal);
    static void bound_unproven(Known& terminal);
    void save(Known& terminal);
    [[nodiscard]] bool is_repeated_sign_on(const RequestArrived& event);
    void answer_sign_on(const RequestArrived& event, const std::string& private_62);
    [[nodiscard]] bool may_have_keys(const RequestArrived& event, const TerminalRange& range);

    CoreContext& c_;
    SourceLimits& limits_;
    std::map<hsm::Ticket, std::vector<RequestArrived>> signing_on_;  // the same sign-on, once or repeated
    std::map<iso8583::TerminalId, Known> known_;
    std::set<iso8583::TerminalId> suspended_terminals_;
    std::map<iso8583::MerchantId, std::string> merchant_overrides_;  // "suspended" or "resumed"
    std::map<iso8583::MerchantId, std::string> refund_overrides_;    // "refund_enabled" or "refund_disabled"
};

}  // namespace acquirer
