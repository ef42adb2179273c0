#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

std::vector<CommandInfo> money_commands() {
    const ArgumentInfo merchant{"merchant", Kind::merchant, true, false, "DE42"};
    const ArgumentInfo one_merchant{"merchant", Kind::merchant, false, false, "of this merchant only"};
    const ArgumentInfo amount{"amount", Kind::amount, true, false, "major units, 60.00"};
    const ListInfo entries_of_days{"entries", true, false};
    return {
        {"fees show",
         "viewer",
         "what merchants paid in fees, charges and discounts, entry by entry",
         {one_merchant},
         entries_of_days,
         true},
        {"fees schedule",
         "viewer",
         "what merchants pay for a sale, by instrument and amount",
         {one_merchant},
         {"schedule"}},
        {"reserve show",
         "viewer",
         "what a merchant's reserve holds, and how it came there; without --merchant of all",
         {one_merchant},
         entries_of_days},
        {"reserve add",
         "operator",
         "propose that a part of what a merchant is owed goes into its reserve",
         {merchant, amount, note_argument}},
        {"adjustment charge",
         "operator",
         "propose a fee beside those of the merchant's sales",
         {merchant,
          amount,
          {"ref", Kind::text, true, false, "reference of the charge, once per merchant"},
          {"text", Kind::text, true, false, "what it is for"}}},
        {"adjustment open",
         "operator",
         "propose to give back a charge, or a part of it",
         {merchant,
          amount,
          {"charge", Kind::text, true, false, "reference of the charge"},
          {"reason", Kind::word, true, false, "a code, as reasons list shows them"},
          {"ref", Kind::text, true, false, "reference of the adjustment, once per merchant"}}},
        {"adjustment list",
         "viewer",
         "charges with what is left of them, and what was given back",
         {one_merchant},
         {"adjustments", true, false, "", "charge adjustment"}},
    };
}

}  // namespace acquirer::admin
