#include "switch/core/terminals.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/terminal_replies.hpp"

namespace acquirer {

using iso8583::Field;

void Terminals::recover() {
    c_.ledger.scan(ledger::Family::index, "k", [&](std::string_view, std::string_view value) {
        auto record = ledger::decode_terminal(value);
        if (!record) return false;  // found again, and reported, when the terminal asks
        c_.emit(InstallKeys{record->terminal, key_set(*record)});
        records_.emplace(record->terminal, std::move(*record));
        return true;
    });
    c_.ledger.scan(ledger::Family::index, "m", [&](std::string_view key, std::string_view value) {
        auto stored = ledger::decode_override(value);
        if (!stored || key.size() < 2) return false;
        const std::string_view id = key.substr(2);
        if (key[1] == 'T') {
            if (auto terminal = iso8583::TerminalId::parse(id))
                set_terminal_override(*terminal, stored->state);
        } else if (key[1] == 'M' || key[1] == 'F') {
            if (auto merchant = iso8583::MerchantId::parse(id))
                set_merchant_override(*merchant, stored->state);
        } else if (key[1] == 'R') {
            if (const auto* route = c_.config->routes.find(id))
                c_.route_modes[route->id] = stored->state == "down"    ? RouteMode::down
                                            : stored->state == "drain" ? RouteMode::drain
                                                                       : RouteMode::up;
        }
        return true;
    });
}

TerminalKeySet Terminals::key_set(const ledger::TerminalRecord& record) const {
    TerminalKeySet set;
    set.proven_version = record.proven_key_version;
    for (const auto& k : record.keys) {
        auto pin_key = hsm::KeyBlock::parse(k.pin_key);
        auto mac_key = hsm::KeyBlock::parse(k.mac_key);
        if (pin_key && mac_key) set.versions.push_back({k.version, *pin_key, *mac_key});
    }
    return set;
}

ledger::TerminalRecord Terminals::record(const iso8583::TerminalId& terminal) {
    const auto cached = records_.find(terminal);
    if (cached != records_.end()) return cached->second;
    auto stored = c_.ledger.terminal(terminal);
    if (!stored) {
        stored.emplace();
        stored->terminal = terminal;
    }
    records_.emplace(terminal, *stored);
    return *stored;
}

void Terminals::save(const ledger::TerminalRecord& record) {
    records_[record.terminal] = record;
    c_.ledger.save(record);
}

void Terminals::on_sign_on(const RequestArrived& event) {
    const Asker asker{event.from, event.request};
    const TerminalRange* range = c_.config->find_terminal(event.request.terminal);
    ENSURE(range != nullptr);
    if (range->profile == Profile::iso87) {
        // Terminals of this profile have configured keys; a sign-on is a greeting.
        ReplyContent content;
        content.code = iso8583::ResponseCode::of("00");
        answer(c_, asker, content);
        return;
    }
    const hsm::Ticket ticket = ++c_.last_ticket;
    hsm::GenerateTerminalKeys ask;
    ask.tmk = range->tmk;
    ask.single_length = event.request.network_code == "001";
    ask.with_track_key = event.request.network_code == "004";
    signing_on_.emplace(ticket, event);
    c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
    c_.emit(AskHsm{ticket, std::move(ask)});
}

void Terminals::on_keys_generated(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = signing_on_.find(ticket);
    if (at == signing_on_.end()) return;
    const RequestArrived event = std::move(at->second);
    signing_on_.erase(at);
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});
    const Asker asker{event.from, event.request};
    const auto* keys = reply ? std::get_if<hsm::TerminalKeysGenerated>(&*reply) : nullptr;
    if (keys == nullptr) {
        Note n;
        n.severity = Severity::warning;
        n.kind = NoteKind::hsm_fault;
        n.terminal = event.request.terminal.str();
        n.rule = "R64";
        n.detail = "sign-on: the HSM gave no keys: " +
                   std::string(reply ? "an answer to another question" : hsm::name(reply.error()));
        c_.note(std::move(n));
        answer_refusal(c_, asker, Refusal::hsm_unavailable);
        return;
    }
    ledger::TerminalRecord record = this->record(event.request.terminal);
    const std::uint32_t version = record.next_key_version++;
    record.keys.insert(record.keys.begin(),
                       {version, keys->pin_key.under_lmk.text(), keys->mac_key.under_lmk.text()});
    // The proven version stays however many sign-ons come; of those that never verified, the newest few.
    std::size_t unproven = 0;
    std::erase_if(record.keys, [&](const auto& k) {
        return k.version != record.proven_key_version && ++unproven > unproven_keys_max;
    });
    save(record);
    c_.emit(InstallKeys{record.terminal, key_set(record)});

    ReplyContent content;
    content.code = iso8583::ResponseCode::of("00");
    iso8583::FieldValues fields = make_reply(c_, event.request, content);
    std::string f60(event.request.fields.get(Field::reserved_private_60));
    f60.replace(2, 6, record.batch.str());
    fields.set(Field::reserved_private_60, f60);
    std::string f62;
    const auto add_key = [&](const hsm::WorkingKey& key) {
        f62 += iso8583::as_text(key.under_tmk);
        f62 += iso8583::as_text(key.kcv);
    };
    add_key(keys->pin_key);
    add_key(keys->mac_key);
    if (keys->track_key) add_key(*keys->track_key);
    fields.set(Field::reserved_private_62, f62);
    c_.count("answered.sign_on.00");
    c_.emit(SendReply{event.from, std::move(fields), false});
    Note n;
    n.kind = NoteKind::signed_on;
    n.terminal = record.terminal.str();
    n.merchant = event.request.merchant.str();
    n.detail = "key version " + std::to_string(version) + ", open batch " + record.batch.str();
    c_.note(std::move(n));
}

void Terminals::on_simple_request(const RequestArrived& event) {
    ReplyContent content;
    content.code = iso8583::ResponseCode::of("00");
    answer(c_, Asker{event.from, event.request}, content);
}

void Terminals::prove(const iso8583::TerminalId& terminal, std::uint32_t version) {
    if (version == 0) return;
    const auto cached = records_.find(terminal);
    if (cached != records_.end() && cached->second.proven_key_version == version) return;
    ledger::TerminalRecord record = this->record(terminal);
    if (record.proven_key_version == version) return;
    // An older key than the proven one verifies nothing: sessions do not try it. A newer one ends all before
    // it.
    std::erase_if(record.keys, [&](const auto& k) { return k.version < version; });
    record.proven_key_version = version;
    save(record);
    c_.emit(InstallKeys{terminal, key_set(record)});
}

bool Terminals::is_suspended(const MerchantConfig& merchant) const {
    const auto at = merchant_overrides_.find(merchant.id);
    if (at != merchant_overrides_.end() && at->second == "suspended") return true;
    return merchant.suspended;
}

bool Terminals::may_refund(const MerchantConfig& merchant) const {
    const auto at = refund_overrides_.find(merchant.id);
    return at == refund_overrides_.end() ? merchant.refund_enabled : at->second == "refund_enabled";
}

void Terminals::set_terminal_override(const iso8583::TerminalId& id, const std::string& state) {
    if (state == "suspended")
        suspended_terminals_.insert(id);
    else
        suspended_terminals_.erase(id);
}
void Terminals::set_merchant_override(const iso8583::MerchantId& id, const std::string& state) {
    // Suspension and the right to refund are two things; each has its own override.
    (state.starts_with("refund_") ? refund_overrides_ : merchant_overrides_)[id] = state;
}

}  // namespace acquirer
