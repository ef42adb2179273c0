#include <set>
#include <string>

#include "switch/admin/command_groups.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

/// The words of an enum's values, in its order.
template <typename Enum>
std::string words_of(const std::set<Enum>& values) {
    std::string words;
    for (const Enum value : values) words += (words.empty() ? "" : " ") + std::string(ledger::name(value));
    return words;
}

/// Every state that a transaction of any kind can have, by the table of states.
const std::string& transaction_states() {
    static const std::string words = [] {
        std::set<ledger::State> states;
        for (const auto& first : state_table::initial) states.insert(first.state);
        for (const auto& row : state_table::transitions) states.insert(row.to);
        return words_of(states);
    }();
    return words;
}

const std::string& transaction_kinds() {
    static const std::string words = [] {
        std::string all;
        for (const std::string_view word : kind_words) all += (all.empty() ? "" : " ") + std::string(word);
        return all;
    }();
    return words;
}

std::vector<CommandInfo> transaction_lists() {
    const ListInfo transactions{"transactions", true, true, transaction_states(), transaction_kinds()};
    return {
        {"find",
         "viewer",
         "transactions that fit all that is given",
         {{"rrn", Kind::rrn, false, false, "DE37"},
          {"auth", Kind::authorization, false, false, "authorization code"},
          {"terminal", Kind::terminal, false, false, "DE41"},
          {"batch", Kind::batch, false, false, "batch number"},
          {"trace", Kind::trace, false, false, "DE11"},
          {"pan-last4", Kind::last4, false, false, "last four digits of the card"},
          {"amount", Kind::amount, false, false, "in major units"},
          {"date", Kind::date, false, false, "local date of the transaction, YYYY-MM-DD"},
          {"reference", Kind::text, false, false, "operations' reference of a refund"},
          {"order", Kind::text, false, false, "a wallet's order number: its sale and refunds"},
          {"instrument", Kind::word, false, false, "card, or the name of a wallet"}},
         transactions},
        {"list",
         "viewer",
         "transactions of business days, newest first",
         {{"instrument", Kind::word, false, false, "card, or the name of a wallet"}},
         transactions},
        {"refund list",
         "viewer",
         "refunds that wait for a person",
         {{"state", Kind::choice, false, false, "which (held)", "held cleared pending abnormal parked all"}},
         {"transactions", true, true}},
        {"abnormal list",
         "viewer",
         "accepted refunds that the issuer refused",
         {},
         {"transactions", true, true}},
    };
}

std::vector<CommandInfo> other_lists() {
    return {
        {"proposals list",
         "viewer",
         "everything that waits for a second person",
         {{"all", Kind::flag, false, false, "ended ones too"},
          {"kind", Kind::word, false, false, "what is proposed: the column ACTION"}},
         {"proposals", true, true, "open approved rejected lapsed"}},
        {"dispute list",
         "viewer",
         "holds and chargebacks",
         {{"all", Kind::flag, false, false, "closed ones too"}},
         {"disputes", true, true, "open won lost closed", "chargeback hold"}},
        {"saf list",
         "viewer",
         "store-and-forward: advices that are not final, parked ones too",
         {},
         {"advices", true, true, "waiting in_flight parked", "refund reversal"}},
        {"exceptions list",
         "viewer",
         "what a person must look at, oldest first",
         {{"all", Kind::flag, false, false, "resolved ones too"},
          {"kind", Kind::word, false, false, "of this kind: the column KIND"},
          {"owner", Kind::word, false, false, "of this owner"}},
         {"exceptions", true, true, "open resolved"}},
        {"routes list",
         "viewer",
         "routes with their links and queues",
         {},
         {"routes", false, false, "up down drain"}},
        {"merchants list",
         "viewer",
         "merchants with their policy",
         {},
         {"merchants", false, false, "active suspended"}},
        {"terminals list",
         "viewer",
         "ranges, and terminals that have signed on",
         {{"merchant", Kind::merchant, false, false, "of this merchant only"},
          {"terminal", Kind::terminal, false, false, "this one alone"}},
         {"terminals", false, false, "active suspended"}},
        {"audit list",
         "security_officer",
         "what operators changed, newest first: who, what, when",
         {{"user", Kind::word, false, false, "by this operator"},
          {"command", Kind::text, false, false, "of this action, or group of actions: refund.open, refund"}},
         {"entries", true}},
        {"audit export",
         "security_officer",
         "the chain itself, oldest first, with its hashes; JSON lines to stdout unless a file is named",
         {{"shard", Kind::line, false, false, "of a switch with several shards: whose chain"}},
         {"entries", true, false, "", "", true}},
    };
}

}  // namespace

std::vector<CommandInfo> list_commands() {
    std::vector<CommandInfo> all = transaction_lists();
    for (CommandInfo& list : other_lists()) all.push_back(std::move(list));
    return all;
}

}  // namespace acquirer::admin
