#include "switch/admin/command_groups.hpp"
#include "switch/views/slip_words.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

std::vector<CommandInfo> look_commands() {
    return {
        {"status",
         "viewer",
         "state of the switch, its routes, and counters since it began",
         {{"steps", Kind::flag, false, false, "with the histogram of its answers' times"}}},
        {"show",
         "viewer",
         "everything the ledger has of a transaction",
         {id_argument,
          {"messages", Kind::flag, false, false, "and the fields of its messages that are kept"}}},
        {"whoami", "viewer", "who you are to this switch, and in which roles", {}},
        {"explain", "viewer", "why it was answered so, rule by rule, in words", {id_argument}},
        {"receipt",
         "viewer",
         "a slip for the customer",
         {id_argument, {"lang", Kind::choice, false, false, "in which language (en)", slip_languages}}},
        {"refund show", "viewer", "everything the ledger has of a refund", {id_argument}},
        {"abnormal show", "viewer", "everything the ledger has of one", {id_argument}},
        {"saf show", "viewer", "one advice of the queue", {id_argument}},
        {"exceptions show", "viewer", "one exception, with what repeated it", {exception_argument}},
        {"day status", "viewer", "the business day and the last cut-overs", {}},
        {"totals",
         "viewer",
         "sums of a business day",
         {{"by", Kind::choice, false, false, "what they are grouped by (route)",
           "route merchant terminal instrument reason"},
          {"day", Kind::date, false, false, "business day, YYYY-MM-DD (the current one)"}},
         {},
         true},
        {"keys list",
         "viewer",
         "every key: whose, kind, check value; never more",
         {{"terminal", Kind::terminal, false, false, "the working keys of this terminal"}},
         {"keys"}},
        {"audit verify", "security_officer", "walk the whole chain of operators' changes", {}, {}, true},
    };
}

}  // namespace acquirer::admin
