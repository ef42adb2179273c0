#include "switch/views/rule_words.hpp"

#include <array>
#include <utility>

namespace acquirer {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

constexpr std::array normal_work = {
    Row{"R1", "a sale goes to the issuer and is posted when the issuer approves it"},
    Row{"R2", "the issuer declined"},
    Row{"R3", "a void takes back the whole sale while its batch is open"},
    Row{"R4", "a void is the whole amount of the sale"},
    Row{"R5", "after settlement of the batch or the cut-over a refund is needed instead of a void"},
    Row{"R6", "a sale that has a refund cannot be voided"},
    Row{"R7", "a void comes from the terminal that made the sale"},
    Row{"R8", "a refund of the whole sale, to the card of the sale over the route of the sale"},
    Row{"R9", "a refund before the sale's batch is settled follows the configured policy"},
    Row{"R10", "a partial refund within what remains of the sale"},
    Row{"R11", "all refunds of a sale together never pass the sale"},
    Row{"R12", "a refund of exactly what remains of the sale"},
    Row{"R13", "of two refunds at once the first reserves its amount, and the second sees what is left"},
    Row{"R14", "a sale that is voided, reversed, declined, stuck, on hold or in progress is not refunded"},
    Row{"R15", "card, currency and merchant of a refund are those of the sale"},
    Row{"R16", "a sale can be refunded within its window of business days"},
    Row{"R17", "over a limit, keyed in or opened by operations: a checker decides"},
    Row{"R18", "what was charged back is not refunded again"},
    Row{"R19", "the amount has to be a number and more than nothing"},
    Row{"R20", "the same request again gets the stored answer"},
    Row{"R20a", "a retry of what was in doubt or reversed since is never answered 00"},
    Row{"R20b", "the same sale and amount refunded again so soon waits for a checker"},
    Row{"R21", "the same key with other content is a conflict"},
    Row{"R22", "a retry while the first is in progress joins it"},
    Row{"R23", "without exactly one sale of that reference there is no refund"},
    Row{"R24", "the merchant's rights and limits"},
    Row{"R25", "terminal and merchant have to be known, not suspended, and signed on"},
    Row{"R26", "the issuer approved a part of what was asked for, and the sale is of that part"},
    Row{"R26a", "the issuer approved a part that nobody had asked for: in doubt, reversed"},
    Row{"R27", "the merchant's sales of the day, or its reserve, have to cover a refund"},
    Row{"R28", "more refunds than usual, of the card or the merchant: a person looks, or it is refused"},
    Row{"R29", "the sale is old: a checker decides"},
};

constexpr std::array reversals = {
    Row{"R30", "a reversal goes to the issuer until its answer is final"},
    Row{"R31", "the reversal was repeated, or the switch reverses already"},
    Row{"R32", "the terminal reversed a void"},
    Row{"R33", "the terminal reversed a refund"},
    Row{"R34", "a reversal arrived while its original was with the issuer"},
    Row{"R35", "a reversal without its original leaves a tombstone"},
    Row{"R36", "the original arrived after its reversal and is declined"},
    Row{"R37", "the reversal's amount is not the original's"},
    Row{"R38", "the original's state does not allow a reversal"},
    Row{"R39", "a partial reversal lowers the sale, never below what is refunded"},
    Row{"R40", "a reversal with a bad MAC changes nothing"},
};

constexpr std::array failures = {
    Row{"R50", "the issuer did not answer in time: in doubt, reversed until final"},
    Row{"R51", "the issuer's approval came late; the reversal goes on"},
    Row{"R51a",
        "the issuer does not know the original: not final before it says so again after the quarantine"},
    Row{"R52",
        "no link to the issuer was up: an online request is declined, never sent; an advice is queued"},
    Row{"R53", "the link was lost after sending: in doubt, reversed until final"},
    Row{"R54", "an accepted refund goes to the issuer until its answer is final"},
    Row{"R55", "the issuer refused the accepted refund finally: abnormal, an operator chooses a way out"},
    Row{"R56", "the answer was lost: a retry gets the stored answer"},
    Row{"R57", "the switch stopped while the outcome was unknown: in doubt, reversed until final"},
    Row{"R57a", "a refund advice is never in doubt: it is repeated until final"},
    Row{"R58", "the switch stopped between the issuer's approval and its commit: in doubt, reversed"},
    Row{"R59", "the switch stopped after the commit: a retry gets the stored answer"},
    Row{"R60", "the advice used up its attempts or was not understood: parked, with an owner"},
    Row{"R61", "the issuer's answer had a bad MAC or another amount: in doubt, reversed, alarm"},
    Row{"R62", "too much is under way, or nothing more can be stored: no new work for now"},
    Row{"R63", "the issuer's answer fits nothing that was asked"},
    Row{"R64", "the HSM did not answer"},
    Row{"R65", "the ledger was restored from a backup and waits to be reconciled"},
};

constexpr std::array pre_authorization = {
    Row{"R90",
        "an authorization holds the amount at the issuer; nothing is posted and nothing can be refunded"},
    Row{"R91", "a void gives the whole hold back, from any terminal of the merchant"},
    Row{"R92", "a completion: once, in time, within the bound; a sale of its own with the authorization"},
    Row{"R93", "the completion was voided, and the authorization stands again"},
    Row{"R94", "a completion that was accepted goes to the issuer until its answer is final"},
    Row{"R95", "neither completed nor voided in time: it lapsed"},
};

constexpr std::array ways_out = {
    Row{"R70", "people decided about a parked advice: sent again, or settled by two"},
    Row{"R71", "people decided about a parked reversal: sent again, or settled by two"},
    Row{"R72", "two people decided whether the original of a refused reversal stands"},
    Row{"R73", "what had waited too long was sent on a person's word"},
    Row{"R74", "people decided how a refund that the issuer refused reaches the customer"},
    Row{"R75", "an approved case goes as soon as its chain and its route allow"},
    Row{"R76", "an approved case was not paid: somebody must tell the customer, or try again"},
    Row{"R77", "nobody decided on the case in its time: it expired"},
    Row{"R78", "a dispute put the sale on hold, or was closed"},
    Row{"R80", "a wallet's refund: processing until the wallet says, and in a bounded number of parts"},
    Row{"R81", "an Alipay refund: as any wallet's, paid at once as a rule"},
    Row{"R82", "a wallet of a card route: refunds as its route says"},
    Row{"R83", "the wallet's order number names the sale"},
    Row{"R100", "a line of a batch of refunds, approved with its batch"},
    Row{"R101", "the issuer's file is compared with the ledger"},
    Row{"R102", "a discount goes back as it was given: the wallet's part to it, the merchant's to nobody"},
    Row{"R103", "a fee that was charged is given back by two people, never more than was charged"},
    Row{"R104", "the merchant's reserve, kept back from its sales, pays its refunds"},
};

}  // namespace

std::string_view rule_words(std::string_view rule) {
    for (const Row& row : normal_work)
        if (row.first == rule) return row.second;
    for (const Row& row : reversals)
        if (row.first == rule) return row.second;
    for (const Row& row : failures)
        if (row.first == rule) return row.second;
    for (const Row& row : pre_authorization)
        if (row.first == rule) return row.second;
    for (const Row& row : ways_out)
        if (row.first == rule) return row.second;
    return {};
}

}  // namespace acquirer
