// KeyInventory: the list of keys that people compare with those of issuers and terminals: whose, kind, check
// value, and never more of a key. Check values are the HSM's word; they are asked for a few at a time and
// remembered while the process lives.
//
// Ownership: member of SwitchCore. Thread: the core's. Bounds: keys_listed_max rows, checks_at_once_max asks.
// Errors: a key that the HSM refuses is listed with the HSM's word instead of a check value.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "switch/core/core_context.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/terminals.hpp"

namespace acquirer {

class KeyInventory {
  public:
    static constexpr std::size_t keys_listed_max = 2'000;
    static constexpr std::size_t checks_at_once_max = 16;
    static constexpr std::size_t lists_at_once_max = 8;

    KeyInventory(CoreContext& context, Terminals& terminals, const KeyExchange& exchange)
        : c_(context), terminals_(terminals), exchange_(exchange) {}

    /// Answers the operator when the HSM has named every check value.
    void list(const OperatorCommanded& event);
    [[nodiscard]] bool owns(hsm::Ticket ticket) const { return checking_.contains(ticket); }
    void on_checked(hsm::Ticket ticket, const hsm::Reply& reply);

  private:
    struct Row {
        std::string owner;
        hsm::KeyKind kind = hsm::KeyKind::zak;
        hsm::KeyBlock key;
        std::string state, since, by;
    };
    using Checked = std::pair<hsm::KeyKind, hsm::KeyBlock>;
    struct Listing {
        std::uint64_t operator_ticket = 0;
        std::vector<Row> rows;
        bool cut_short = false;
    };

    void add_issuers(Listing& listing) const;
    void add_terminals(Listing& listing) const;
    void add_terminal(Listing& listing, const iso8583::TerminalId& terminal);
    void add(Listing& listing, Row row) const;
    void ask_more();
    void answer_finished();

    CoreContext& c_;
    Terminals& terminals_;
    const KeyExchange& exchange_;
    std::map<Checked, std::string> known_;  // KCV, or the HSM's refusal
    std::deque<Checked> to_ask_;
    std::map<hsm::Ticket, Checked> checking_;
    std::deque<Listing> listings_;
};

}  // namespace acquirer
