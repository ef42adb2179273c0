#include "switch/core/case_opening.hpp"

#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

iso8583::Result<TransactionDraft, std::string> draft_case(const CoreContext& c, const TransactionRecord& sale,
                                                          iso8583::Amount amount) {
    if (sale.card_purged)
        return tl::unexpected("the card number of sale " + sale.rrn.str() + " was purged on " +
                              sale.card_purged->date.iso() + " by retention: nothing can go back to it");
    TransactionDraft draft;
    draft.sale = &sale;
    draft.merchant = c.config->find_merchant(sale.merchant);
    if (draft.merchant == nullptr)
        return tl::unexpected("merchant " + sale.merchant.str() + " of the sale is not configured any more");
    TerminalRequest& request = draft.event.request;
    request.kind = RequestKind::refund;
    request.transaction = TransactionKind::refund;
    request.profile = static_cast<Profile>(sale.profile);
    request.merchant = sale.merchant;
    request.terminal = sale.terminal;
    request.amount = amount;
    request.currency = amount.currency();
    draft.record.kind = TransactionKind::refund;
    draft.record.from_operations = true;
    MeansIdentity::of(sale).keep_in(draft.record);
    return draft;
}

TransactionRecord& hold_case(CoreContext& c, TransactionFlow& transactions, TransactionDraft& draft,
                             CaseWords words, const char* rule) {
    TransactionRecord& opened = draft.record;
    const TransactionRecord& sale = *draft.sale;
    opened.rrn = c.ledger.next_rrn(c.now);
    opened.profile = sale.profile;
    opened.merchant = sale.merchant;
    opened.terminal = sale.terminal;
    opened.batch = sale.batch;
    opened.amount = *draft.event.request.amount;
    opened.processing_code = "200000";
    PaymentMeans::of(sale, c.vault).keep_in(opened, c.vault);
    opened.policy_version = c.config->version;
    opened.created = opened.updated = c.now.utc;
    opened.local_date = c.local_now().date;
    opened.business_date = c.business_day;
    opened.route = draft.route != nullptr ? draft.route->id.value : sale.route;
    opened.reason = std::move(words.reason);
    opened.note = std::move(words.note);
    opened.proof = std::move(words.proof);
    opened.reference = std::move(words.reference);
    opened.maker = std::move(words.maker);
    opened.batch_line = std::move(words.batch_line);
    c.count(opened.batch_line.batch.empty() ? "operator_refunds.operations" : "operator_refunds.batch");
    if (!draft.hold) draft.hold_rule = rule;
    draft.hold = true;  // a refund without the customer always needs a second person
    return transactions.accept_refund(draft);
}

void clear_case(CoreContext& c, TransactionFlow& transactions, TransactionRecord& refund,
                const std::string& checker, const char* rule) {
    refund.checker = checker;
    c.end_case(refund.rrn);
    move(refund, State::cleared, rule, c.now.utc);
    transactions.release_cleared(refund);
}

}  // namespace acquirer
