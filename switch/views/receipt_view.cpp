// receipt: what a slip for the customer says of one record.
#include <algorithm>

#include "iso8583/values/currency_letters.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/views/operator_views.hpp"
#include "switch/views/people_words.hpp"
#include "switch/views/slip_words.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionRecord;

namespace {

/// When somebody approved a case; nothing for what was never one.
std::optional<iso8583::UtcTime> case_approved_at(const TransactionRecord& r) {
    const auto entered = [&](State state) {
        return std::find_if(r.history.begin(), r.history.end(),
                            [state](const ledger::HistoryEntry& h) { return h.state == state; });
    };
    const auto cleared = entered(State::cleared);
    if (entered(State::held) == r.history.end() || cleared == r.history.end()) return std::nullopt;
    return cleared->at;
}

/// Did the switch say no, and does it stand? Of an issuer's no there is the code alone.
bool was_refused(const TransactionRecord& r) {
    return r.refusal != 0 &&
           (r.state == State::refused || r.state == State::declined || r.state == State::in_doubt ||
            r.state == State::reversing || r.state == State::reversed);
}

}  // namespace

ViewResult view_receipt(const ViewContext& context, std::string_view id, SlipLanguage language) {
    auto found = find_record(context, id);
    if (!found) return tl::unexpected(found.error());
    const TransactionRecord& r = *found;
    const MerchantConfig* merchant = context.configuration.find_merchant(r.merchant);
    View view = View::object();
    view.put("lang", slip_language_word(language));
    view.put("merchant_name", merchant != nullptr ? merchant->name : r.merchant.str());
    view.put("merchant", r.merchant.view()).put("terminal", r.terminal.view());
    view.put("kind", kind_word(r))
        .put("amount", r.amount.major())
        .put("currency", r.amount.currency().str())
        .put("currency_letters", iso8583::currency_letters(r.amount.currency()));
    view.put(std::string(payment_kind(r.instrument).noun), masked_means(r)).put("rrn", r.rrn.view());
    view.put_if("order", r.wallet.order_number);
    if (r.batch != iso8583::BatchNumber{}) view.put("batch", r.batch.str()).put("trace", r.stan.str());
    view.put_if("authorization", r.answer ? r.answer->authorization.view() : "");
    view.put("time", local_time(context, r.created)).put("business_date", r.business_date.date.iso());
    if (const auto approved = case_approved_at(r)) view.put("case_approved", local_time(context, *approved));
    if (r.state == State::processing)
        view.put("processing_since", local_time(context, r.advice.processing_since));
    if (r.original) view.put("original", r.original->view());
    view.put_if("case", r.state == State::held && r.answer ? r.answer->text : "");
    view.put_if("reference", r.reference);
    put_reason(view, r);
    if (!r.reason.empty()) view.put("reason_words", slip_reason(r.reason, language));
    // The 01 of a case that was decided since says nothing any more.
    if (!case_approved_at(r)) view.put_if("code", answered_code(r));
    if (was_refused(r)) view.put("why", slip_refusal(static_cast<Refusal>(r.refusal), language));
    view.put("status", ledger::name(r.state)).put("head", slip_head(r.state, language));
    view.put("status_words", slip_words(r.state, language));
    return view;
}

}  // namespace acquirer
