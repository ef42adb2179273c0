// Operators' reads about a merchant's own money: fees, reserve, charges and adjustments
// (docs/merchant_money.md). As operator_views.hpp.
#pragma once

#include <string>
#include <vector>

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// The statement of fees, charges and discounts, merchant by merchant, oldest first.
ViewResult view_fees(const ViewContext& context, const ListQuery& query);
/// What merchants pay, by instrument and amount, as it is configured now.
ViewResult view_fee_schedule(const ViewContext& context, const ListQuery& query);
/// How reserves came to what they hold, merchant by merchant; of one merchant what that is, and its terms.
ViewResult view_reserve(const ViewContext& context, const ListQuery& query);
/// Charges with what is left of them, and what was given back; kind: "charge", "adjustment".
ViewResult view_adjustments(const ViewContext& context, const ListQuery& query);

/// What `show` says of a transaction's fee, reserve, discount and bounds of caution.
void put_charges(View& view, const ledger::TransactionRecord& record);
/// The same as sentences, for `explain`; `sale` of a refund or void, or nothing.
std::vector<std::string> charges_sentences(const ledger::TransactionRecord& record,
                                           const ledger::TransactionRecord* sale);
/// One bound of R28 that a refund went over, as a sentence without its end.
std::string caution_words(const ledger::CautionHit& hit);

}  // namespace acquirer
