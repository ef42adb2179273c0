#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

const ArgumentInfo route_argument{"route", Kind::word, true, true, "name of the route"};
const ArgumentInfo merchant_argument{"merchant", Kind::merchant, true, true, "DE42"};
const ArgumentInfo terminal_argument{"terminal", Kind::terminal, true, true, "DE41"};

}  // namespace

std::vector<CommandInfo> changing_commands() {
    return {
        {"exceptions assign",
         "supervisor",
         "give it an owner",
         {exception_argument, {"owner", Kind::word, true, true, "who"}}},
        {"exceptions resolve",
         "supervisor",
         "close it, or all open ones of a kind (two people)",
         {{"exception", Kind::exception_id, false, true, "id, as exceptions list shows it"},
          {"all-of", Kind::word, false, false, "all that are open of this kind: the column KIND"},
          {"note", Kind::text, true, false, "what was done"}}},
        {"routes up", "supervisor", "use the route again", {route_argument}},
        {"routes down", "supervisor", "use it for nothing; advices queue", {route_argument}},
        {"routes drain", "supervisor", "take no new sale; refunds and reversals go on", {route_argument}},
        {"merchants suspend", "supervisor", "refuse its new transactions (03)", {merchant_argument}},
        {"merchants resume", "supervisor", "take them again", {merchant_argument}},
        {"merchants enable-refund", "supervisor", "let it refund", {merchant_argument}},
        {"merchants disable-refund", "supervisor", "refuse its refunds (58)", {merchant_argument}},
        {"terminals suspend", "supervisor", "refuse its new transactions (97)", {terminal_argument}},
        {"terminals resume", "supervisor", "take them again", {terminal_argument}},
        {"terminals close-batch", "supervisor", "settle its open batch by hand", {terminal_argument}},
        {"keys rotate",
         "security_officer",
         "hand a new ZAK or ZPK over to an issuer (0800, DE70 161)",
         {{"issuer", Kind::word, true, true, "name of the issuer"},
          {"kind", Kind::choice, true, true, "which key", "zak zpk"},
          {"new", Kind::flag, false, false,
           "give up a key that was offered and not answered; the issuer must not have it"}}},
        {"day cutover",
         "admin",
         "close the business day now",
         {{"force", Kind::flag, false, false, "though the day becomes later than tomorrow (two people)"}}},
    };
}

}  // namespace acquirer::admin
