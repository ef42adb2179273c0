#include "switch/core/note.hpp"

#include "iso8583/values/ensure.hpp"

namespace acquirer {

std::string_view name(NoteKind kind) {
    switch (kind) {
        case NoteKind::started:
            return "started";
        case NoteKind::configuration_replaced:
            return "configuration_replaced";
        case NoteKind::link_opened:
            return "link_opened";
        case NoteKind::link_closed:
            return "link_closed";
        case NoteKind::link_rejected:
            return "link_rejected";
        case NoteKind::signed_on:
            return "signed_on";
        case NoteKind::sign_on_failed:
            return "sign_on_failed";
        case NoteKind::request_answered:
            return "request_answered";
        case NoteKind::request_refused:
            return "request_refused";
        case NoteKind::reversal_accepted:
            return "reversal_accepted";
        case NoteKind::tombstone_set:
            return "tombstone_set";
        case NoteKind::in_doubt:
            return "in_doubt";
        case NoteKind::reversal_sent:
            return "reversal_sent";
        case NoteKind::reversal_final:
            return "reversal_final";
        case NoteKind::advice_sent:
            return "advice_sent";
        case NoteKind::advice_final:
            return "advice_final";
        case NoteKind::late_reply:
            return "late_reply";
        case NoteKind::unmatched_reply:
            return "unmatched_reply";
        case NoteKind::bad_issuer_mac:
            return "bad_issuer_mac";
        case NoteKind::mac_guessing:
            return "mac_guessing";
        case NoteKind::exception_opened:
            return "exception_opened";
        case NoteKind::hsm_fault:
            return "hsm_fault";
        case NoteKind::store_refuses_work:
            return "store_refuses_work";
        case NoteKind::case_waits:
            return "case_waits";
        case NoteKind::operator_change:
            return "operator_change";
        case NoteKind::restored:
            return "restored";
        case NoteKind::backup_failed:
            return "backup_failed";
        case NoteKind::vault_key:
            return "vault_key";
        case NoteKind::policy_in_force:
            return "policy_in_force";
        case NoteKind::batch_settled:
            return "batch_settled";
        case NoteKind::day_cut_over:
            return "day_cut_over";
        case NoteKind::recovered:
            return "recovered";
        case NoteKind::key_change:
            return "key_change";
        case NoteKind::notices:
            return "notices";
        case NoteKind::reconciled:
            return "reconciled";
        case NoteKind::discount_not_read:
            return "discount_not_read";
        case NoteKind::fraud_bound:
            return "fraud_bound";
    }
    ENSURE(false);
}

bool is_caused_by_others(NoteKind kind) {
    switch (kind) {
        case NoteKind::link_opened:
        case NoteKind::link_closed:
        case NoteKind::link_rejected:
        case NoteKind::signed_on:
        case NoteKind::sign_on_failed:
        case NoteKind::request_answered:
        case NoteKind::request_refused:
        case NoteKind::reversal_accepted:
        case NoteKind::tombstone_set:
        case NoteKind::late_reply:
        case NoteKind::unmatched_reply:
        case NoteKind::bad_issuer_mac:
        case NoteKind::exception_opened:
        case NoteKind::hsm_fault:
        case NoteKind::discount_not_read:
        case NoteKind::fraud_bound:
            return true;
        case NoteKind::started:
        case NoteKind::configuration_replaced:
        case NoteKind::in_doubt:
        case NoteKind::reversal_sent:
        case NoteKind::reversal_final:
        case NoteKind::advice_sent:
        case NoteKind::advice_final:
        case NoteKind::mac_guessing:
        case NoteKind::store_refuses_work:
        case NoteKind::operator_change:
        case NoteKind::case_waits:
        case NoteKind::batch_settled:
        case NoteKind::day_cut_over:
        case NoteKind::recovered:
        case NoteKind::key_change:
        case NoteKind::reconciled:
        case NoteKind::restored:
        case NoteKind::backup_failed:
        case NoteKind::vault_key:
        case NoteKind::policy_in_force:
        case NoteKind::notices:
            return false;
    }
    ENSURE(false);
}

}  // namespace acquirer
