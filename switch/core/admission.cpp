#include "switch/core/admission.hpp"

#include "switch/core/terminal_replies.hpp"

namespace acquirer {

bool Admission::admit(const RequestArrived& event) {
    const TerminalRequest& r = event.request;
    const auto refused = [&](Refusal why) {
        answer_refusal(c_, Asker{event.from, r}, why);
        return false;
    };
    const bool reversal = r.kind == RequestKind::reversal;
    if (!r.format_fault.empty()) return refused(Refusal::format_error);
    const TerminalRange* range = c_.config->find_terminal(r.terminal);
    if (range == nullptr || range->merchant != r.merchant || range->profile != r.profile)
        return refused(Refusal::terminal_unknown);
    if (c_.config->find_merchant(r.merchant) == nullptr) return refused(Refusal::merchant_unknown);
    // A sign-off is always answered 00; without a good MAC it has effect only where its terminal is known.
    if (r.kind == RequestKind::sign_off && r.profile == Profile::unionpay_pos &&
        event.mac != MacState::verified) {
        if (event.mac == MacState::wrong) c_.count("mac_wrong");
        return true;
    }
    switch (event.mac) {
        case MacState::verified:
        case MacState::not_needed:
            break;
        case MacState::no_key:
            return refused(Refusal::sign_on_required);
        case MacState::wrong:
        case MacState::missing:
            limits_.answer_wrong_mac(refusal_reply(c_, Asker{event.from, r}, Refusal::mac_wrong), r.terminal);
            return false;
        case MacState::hsm_down:
            // R64: says nothing about the MAC. A reversal gets no answer and is repeated by the terminal.
            return reversal ? false : refused(Refusal::hsm_unavailable);
    }
    if (terminals_.has_signed_off(event)) return refused(Refusal::sign_on_required);
    terminals_.verified(event);
    c_.ledger.keep_merchant(r.merchant);
    return restored_.lets_through(event);
}

}  // namespace acquirer
