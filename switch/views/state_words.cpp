#include "switch/views/state_words.hpp"

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using ledger::State;

std::string_view state_words(State state) {
    switch (state) {
        case State::intent:
            return "recorded, about to be sent to the issuer";
        case State::sent:
            return "with the issuer, whose answer is awaited";
        case State::approved:
            return "approved, the money is posted";
        case State::declined:
            return "declined; no money moved";
        case State::in_doubt:
            return "in doubt: the issuer's word is missing, a reversal follows";
        case State::reverse_on_answer:
            return "with the issuer; as soon as its answer is known it is reversed";
        case State::reversing:
            return "being reversed; the issuer is told until its answer is final";
        case State::reversed:
            return "reversed; no money remains moved";
        case State::reversal_stuck:
            return "stuck: the issuer refuses the reversal, a person has to settle it";
        case State::voiding:
            return "a void of it is with the issuer";
        case State::voided:
            return "voided; the whole amount was taken back";
        case State::void_reversing:
            return "its void is being reversed";
        case State::tombstone:
            return "a reversal that came before its original, remembered so that the original is declined";
        case State::refused:
            return "refused by the switch; nothing was sent and nothing counts";
        case State::held:
            return "held until a checker decides; it counts in what remains of the sale already";
        case State::cleared:
            return "cleared by a checker, about to be sent";
        case State::rejected:
            return "rejected by a checker; it no longer counts";
        case State::expired:
            return "expired before a checker decided; it no longer counts";
        case State::cancelled:
            return "cancelled; it no longer counts";
        case State::advice_pending:
            return "accepted; the issuer is told until its answer is final";
        case State::processing:
            return "processing: the wallet has accepted it and works at it; it is asked until it says";
        case State::abnormal:
            return "abnormal: accepted, but the issuer refused it finally; it counts until a person decides";
        case State::parked:
            return "parked: the issuer's outcome is unknown; it counts until a person decides";
        case State::alternative_account:
            return "paid to another account of the customer";
        case State::merchant_account:
            return "returned to the merchant's account";
        case State::authorized:
            return "authorized: the amount is held at the issuer, nothing is posted";
        case State::auth_voiding:
            return "its void is with the issuer";
        case State::auth_voided:
            return "voided; the issuer holds nothing any more";
        case State::completing:
            return "its completion is under way";
        case State::completed:
            return "completed by a sale of its own";
        case State::lapsed:
            return "lapsed: it was neither completed nor voided in time";
        case State::not_collected:
            return "not collected: the issuer refused to complete the sale; two people settle it";
    }
    ENSURE(false);
}

std::string_view kind_word(const ledger::TransactionRecord& record) {
    if (record.is_completion()) return "completion";
    return record.of_authorization ? "authorization_void" : ledger::name(record.kind);
}

std::string_view account_word(ledger::Account account) {
    switch (account) {
        case ledger::Account::issuer_receivable:
            return "issuer_receivable";
        case ledger::Account::merchant_payable:
            return "merchant_payable";
        case ledger::Account::refund_in_transit:
            return "refund_in_transit";
        case ledger::Account::refund_suspense:
            return "refund_suspense";
        case ledger::Account::paid_outside:
            return "paid_outside";
        case ledger::Account::chargebacks:
            return "chargebacks";
        case ledger::Account::merchant_reserve:
            return "merchant_reserve";
        case ledger::Account::fee_income:
            return "fee_income";
    }
    return "?";
}

}  // namespace acquirer
