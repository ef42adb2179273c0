#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

const ArgumentInfo settled_argument{"id", Kind::settled_id, true, true, "RRN, or an exception's id"};
const ArgumentInfo proposal_argument{"proposal", Kind::proposal_id, true, true,
                                     "number of the proposal, or of a case"};
const ArgumentInfo outcome_argument{"outcome", Kind::choice,        true,
                                    false,     "what became of it", "done refused reversed approved voided"};

}  // namespace

std::vector<CommandInfo> way_out_commands() {
    return {
        {"saf retry", "operator", "try an advice now, a parked one too", {id_argument}},
        {"saf settle",
         "operator",
         "propose what became of a parked or stuck transaction",
         {settled_argument, outcome_argument, note_argument}},
        {"saf release",
         "supervisor",
         "send what is stale after a long outage, in order",
         {{"route", Kind::word, true, false, "name of the route"},
          {"older-than", Kind::minutes, false, false, "minutes; only what waited longer"},
          note_argument}},
        {"abnormal resolve",
         "operator",
         "end a refund that the issuer refused: one of the four ways",
         {id_argument,
          {"retry", Kind::flag, false, false, "a new attempt, with new numbers"},
          {"merchant-account", Kind::flag, false, false, "the merchant pays the customer (two people)"},
          {"alternative-account", Kind::text, false, false,
           "reference of the payout outside, never a card's number (two checkers)"},
          {"cancel", Kind::flag, false, false, "the amount can be refunded again (two people)"},
          note_argument}},
        {"exceptions settle",
         "operator",
         "as saf settle: what became of a stuck or parked transaction",
         {settled_argument, outcome_argument, note_argument}},
        {"dispute add",
         "operator",
         "a hold on a sale, or a chargeback of it (two people)",
         {{"rrn", Kind::rrn, true, false, "DE37 of the sale"},
          {"date", Kind::mmdd, true, false, "local date of the sale, MMDD"},
          {"kind", Kind::choice, true, false, "which", "chargeback hold"},
          {"amount", Kind::amount, false, false, "of a chargeback, in major units"},
          {"ref", Kind::text, false, false, "the issuer's reference"},
          note_argument}},
        {"dispute close",
         "viewer",
         "a hold (supervisor), or a chargeback that was won or lost (operator proposes)",
         {{"dispute", Kind::proposal_id, true, true, "number, as dispute list shows it"},
          {"outcome", Kind::choice, false, false, "of a chargeback", "won lost"},
          note_argument}},
        {"proposals approve", "supervisor", "carry out what another person proposed", {proposal_argument}},
        {"proposals reject",
         "supervisor",
         "refuse what another person proposed",
         {proposal_argument, note_argument}},
    };
}

}  // namespace acquirer::admin
