// Terminals: what the switch knows of each: working keys and which of them is proven, the open batch,
// suspension by operations; sign-on and echo. Source: docs/wire.md, sign-on and the paragraph on keys that
// stay valid.
#pragma once

#include <map>
#include <set>

#include "switch/core/core_context.hpp"

namespace acquirer {

class Terminals {
  public:
    explicit Terminals(CoreContext& context) : c_(context) {}

    void recover();
    void on_sign_on(const RequestArrived& event);
    void on_keys_generated(hsm::Ticket ticket, const hsm::Reply& reply);
    [[nodiscard]] bool owns(hsm::Ticket ticket) const { return signing_on_.contains(ticket); }
    /// Sign-off and echo.
    void on_simple_request(const RequestArrived& event);

    /// A message verified under this version: older ones are dropped, durably.
    void prove(const iso8583::TerminalId& terminal, std::uint32_t version);
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
    [[nodiscard]] TerminalKeySet key_set(const ledger::TerminalRecord& record) const;

    CoreContext& c_;
    std::map<hsm::Ticket, RequestArrived> signing_on_;
    std::map<iso8583::TerminalId, ledger::TerminalRecord> records_;  // cache of what is in the ledger
    std::set<iso8583::TerminalId> suspended_terminals_;
    std::map<iso8583::MerchantId, std::string> merchant_overrides_;  // "suspended" or "resumed"
    std::map<iso8583::MerchantId, std::string> refund_overrides_;    // "refund_enabled" or "refund_disabled"
};

}  // namespace acquirer
