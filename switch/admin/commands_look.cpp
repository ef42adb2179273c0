#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

const ArgumentInfo limit{"limit", Kind::number, false, false, "at most so many lines (50)"};

}  // namespace

std::vector<CommandInfo> look_commands() {
    return {
        {"status", "viewer", "state of the switch, its routes and counters", {}},
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
          limit}},
        {"show",
         "viewer",
         "everything the ledger has of a transaction",
         {id_argument,
          {"messages", Kind::flag, false, false, "and the fields of its messages that are kept"}}},
        {"explain", "viewer", "why it was answered so, rule by rule, in words", {id_argument}},
        {"receipt", "viewer", "a slip for the customer", {id_argument}},
        {"refund list",
         "viewer",
         "refunds that wait for a person",
         {{"state", Kind::choice, false, false, "which (held)", "held cleared pending abnormal parked all"},
          limit}},
        {"refund show", "viewer", "everything the ledger has of a refund", {id_argument}},
        {"abnormal list", "viewer", "accepted refunds that the issuer refused", {limit}},
        {"abnormal show", "viewer", "everything the ledger has of one", {id_argument}},
        {"proposals list",
         "viewer",
         "everything that waits for a second person",
         {{"all", Kind::flag, false, false, "ended ones too"}, limit}},
        {"dispute list",
         "viewer",
         "holds and chargebacks",
         {{"all", Kind::flag, false, false, "closed ones too"}, limit}},
        {"saf list",
         "viewer",
         "store-and-forward: advices that are not final, parked ones too",
         {{"route", Kind::word, false, false, "of this route only"}, limit}},
        {"saf show", "viewer", "one advice of the queue", {id_argument}},
        {"exceptions show", "viewer", "one exception, with what repeated it", {exception_argument}},
        {"exceptions list",
         "viewer",
         "what a person must look at, oldest first",
         {{"all", Kind::flag, false, false, "resolved ones too"}, limit}},
        {"routes list", "viewer", "routes with their links and queues", {}},
        {"merchants list", "viewer", "merchants with their policy", {limit}},
        {"terminals list",
         "viewer",
         "ranges, and terminals that have signed on",
         {{"merchant", Kind::merchant, false, false, "of this merchant only"}, limit}},
        {"day status", "viewer", "the business day and the last cut-overs", {}},
        {"totals",
         "viewer",
         "sums of a business day",
         {{"by", Kind::choice, false, false, "what they are grouped by (route)",
           "route merchant terminal instrument"},
          {"day", Kind::date, false, false, "business day, YYYY-MM-DD (the current one)"}}},
        {"keys list",
         "viewer",
         "every key: whose, kind, check value; never more",
         {{"terminal", Kind::terminal, false, false, "the working keys of this terminal"}}},
        {"audit verify", "security_officer", "walk the whole chain of operators' changes", {}},
    };
}

}  // namespace acquirer::admin
