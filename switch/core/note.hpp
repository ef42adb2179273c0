// Note: what the core wants logged, as values: enum, ids, masked text. Rendered as a JSON line by switch/io
// after the sync of its turn. Never holds a PAN, PIN, key or message bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace acquirer {

enum class Severity : std::uint8_t { debug, info, warning, alarm };

enum class NoteKind : std::uint8_t {
    started,
    configuration_replaced,
    link_opened,
    link_closed,
    link_rejected,
    signed_on,
    sign_on_failed,
    request_answered,
    request_refused,
    reversal_accepted,
    tombstone_set,
    in_doubt,
    reversal_sent,
    reversal_final,
    advice_sent,
    advice_final,
    late_reply,
    unmatched_reply,
    bad_issuer_mac,
    mac_guessing,
    exception_opened,
    hsm_fault,
    store_refuses_work,
    operator_change,
    case_waits,
    batch_settled,
    day_cut_over,
    recovered,
    key_change,
    reconciled,
    restored,
    backup_failed,
    vault_key,
    policy_in_force,
    notices,
    discount_not_read,
    fraud_bound
};
std::string_view name(NoteKind kind);
/// Others can cause as many of them as they like; the log limits them (switch/io/log_limits.hpp).
bool is_caused_by_others(NoteKind kind);

struct Note {
    Severity severity = Severity::info;
    NoteKind kind = NoteKind::started;
    std::string rrn;
    std::string terminal;
    std::string merchant;
    std::string route;
    std::string rule;  // "R50"
    std::string code;  // DE39
    std::uint64_t link = 0;
    std::string source;  // the address that caused it
    std::string detail;  // a sentence without content of messages
};

}  // namespace acquirer
