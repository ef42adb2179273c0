// The part of TransactionFlow that has PINs translated: from the terminal's key to the issuer's ZPK, before
// anything is durable or sent. Decided again with the HSM's answer, because the world may have changed. R64.
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/terminals.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

using iso8583::Field;
using ledger::TransactionKind;

/// The PIN of a sale or void goes to the issuer under its ZPK. The checks run again with the HSM's answer,
/// because the world may have changed meanwhile; until then nothing is durable and nothing is sent.
bool TransactionFlow::ask_pin_translation(TransactionDraft& d, std::vector<Asker>& askers) {
    const TerminalRequest& r = d.event.request;
    if (d.pin_is_translated || !r.fields.has(Field::pin_data) || r.transaction == TransactionKind::refund)
        return false;
    const auto keys = c_.config->issuer_keys.find(d.route->id);
    const TerminalRange* range = c_.config->find_terminal(r.terminal);
    if (keys == c_.config->issuer_keys.end() || keys->second.zpk.empty() || range == nullptr) return false;
    hsm::TranslatePin ask;
    ask.source_kind = hsm::KeyKind::tpk;
    ask.source = range->tpk;
    if (range->profile == Profile::unionpay_pos) {
        const ledger::TerminalRecord terminal = terminals_.record(r.terminal);
        for (const auto& k : terminal.keys)
            if (k.version == d.event.key_version)
                if (auto key = hsm::KeyBlock::parse(k.pin_key)) ask.source = *key;
    }
    ask.destination = key_exchange_.zpk(d.route->id);
    if (ask.destination.empty()) {
        refuse(d, askers, Refusal::hsm_unavailable);
        return true;
    }
    ask.source_format = hsm::PinBlockFormat::iso0;
    ask.destination_format = keys->second.pin_block_format;
    const std::string_view block = r.fields.get(Field::pin_data);
    ask.pin_block.assign(block.begin(), block.end());
    ask.pan = r.means.pin_account();

    const hsm::Ticket ticket = ++c_.last_ticket;
    const std::string key = wire_key(r);
    translating_[ticket] = {d.event, std::move(askers), key, d.record.digest};
    translating_by_key_[key] = ticket;
    c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
    c_.emit(AskHsm{ticket, std::move(ask)});
    return true;
}

namespace {

/// What the HSM says about the terminal's PIN block and account; every other fault is ours, of keys or of the
/// HSM (R64).
bool is_fault_of_the_pin_block(hsm::HsmFault fault) {
    return fault == hsm::HsmFault::pin_block_content || fault == hsm::HsmFault::pin_block_format ||
           fault == hsm::HsmFault::pin_length || fault == hsm::HsmFault::account_number ||
           fault == hsm::HsmFault::fraud_detected;
}

}  // namespace

void TransactionFlow::on_pin_translated(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = translating_.find(ticket);
    if (at == translating_.end()) return;
    Translating waiting = std::move(at->second);
    translating_.erase(at);
    translating_by_key_.erase(waiting.key);
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});

    TransactionDraft draft;
    draft.event = waiting.event;
    if (answer_duplicate(waiting.event, draft)) return;
    const auto* translated = reply ? std::get_if<hsm::PinTranslated>(&*reply) : nullptr;
    if (translated == nullptr) {
        const bool of_the_block = !reply && is_fault_of_the_pin_block(reply.error());
        Note n;
        const bool guessed = !reply && reply.error() == hsm::HsmFault::fraud_detected;
        n.severity = of_the_block && !guessed ? Severity::info : Severity::warning;
        n.kind = NoteKind::hsm_fault;
        n.terminal = waiting.event.request.terminal.str();
        n.rule = "R64";
        n.detail = "PIN translation: " +
                   std::string(reply ? "an answer to another question" : hsm::name(reply.error()));
        c_.note(std::move(n));
        draft.merchant = c_.config->find_merchant(waiting.event.request.merchant);
        if (!of_the_block) return refuse(draft, waiting.askers, Refusal::hsm_unavailable);
        // It is recorded under its batch, or, when that was settled meanwhile, not at all.
        draft.record.batch = terminals_.record(waiting.event.request.terminal).batch;
        const TerminalRequest& request = waiting.event.request;
        const bool settled = request.profile == Profile::unionpay_pos && request.batch != draft.record.batch;
        return refuse(draft, waiting.askers, settled ? Refusal::batch_closed : Refusal::pin_block_wrong);
    }
    draft.pin_block = translated->pin_block;
    draft.pin_is_translated = true;
    decide(draft, std::move(waiting.askers));
}

}  // namespace acquirer
