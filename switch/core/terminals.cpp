#include "switch/core/terminals.hpp"

#include <algorithm>
#include <tuple>

#include "iso8583/values/ensure.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/till_operators.hpp"

namespace acquirer {

using iso8583::Field;

void Terminals::recover() {
    c_.ledger.visit_terminals([&](ledger::TerminalRecord&& record) {
        const iso8583::TerminalId id = record.terminal;
        Known terminal;
        terminal.record = std::move(record);
        c_.emit(InstallKeys{id, key_set(terminal)});
        known_.emplace(id, std::move(terminal));
    });
    c_.ledger.visit_overrides(
        [&](const ledger::OverrideKey& of, const ledger::OverrideRecord& stored) { recover(of, stored); });
}

void Terminals::recover(const ledger::OverrideKey& of, const ledger::OverrideRecord& stored) {
    switch (of.kind) {
        case ledger::OverrideKind::terminal:
            if (auto terminal = iso8583::TerminalId::parse(of.id))
                set_terminal_override(*terminal, stored.state);
            return;
        case ledger::OverrideKind::merchant:
        case ledger::OverrideKind::refunds_of_merchant:
            if (auto merchant = iso8583::MerchantId::parse(of.id))
                set_merchant_override(*merchant, stored.state);
            return;
        case ledger::OverrideKind::route:
            if (const auto* route = c_.config->routes.find(of.id))
                c_.links.set_mode(route->id, stored.state == "down"    ? RouteMode::down
                                             : stored.state == "drain" ? RouteMode::drain
                                                                       : RouteMode::up);
            return;
    }
}

TerminalKeySet Terminals::key_set(const Known& terminal) {
    TerminalKeySet set;
    set.proven_version = terminal.record.proven_key_version;
    for (const auto& k : terminal.record.keys) {
        auto pin_key = hsm::KeyBlock::parse(k.pin_key);
        auto mac_key = hsm::KeyBlock::parse(k.mac_key);
        if (!pin_key || !mac_key) continue;
        const auto owner = terminal.owners.find(k.version);
        const std::uint64_t asked_on = owner == terminal.owners.end() ? 0 : owner->second.link.value;
        set.versions.push_back({k.version, *pin_key, *mac_key, asked_on});
    }
    return set;
}

Terminals::Known& Terminals::known(const iso8583::TerminalId& terminal) {
    const auto cached = known_.find(terminal);
    if (cached != known_.end()) return cached->second;
    Known& fresh = known_[terminal];
    if (auto stored = c_.ledger.terminal(terminal))
        fresh.record = std::move(*stored);
    else
        fresh.record.terminal = terminal;
    return fresh;
}

ledger::TerminalRecord Terminals::record(const iso8583::TerminalId& terminal) {
    return known(terminal).record;
}

void Terminals::save(const ledger::TerminalRecord& record) {
    known(record.terminal).record = record;
    c_.ledger.save(record);
}

void Terminals::save(Known& terminal) {
    c_.ledger.save(terminal.record);
    c_.emit(InstallKeys{terminal.record.terminal, key_set(terminal)});
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
    if (!may_have_keys(event, *range) || is_repeated_sign_on(event)) return;
    const hsm::Ticket ticket = ++c_.last_ticket;
    hsm::GenerateTerminalKeys ask;
    ask.tmk = range->tmk;
    ask.mac = range->mac.algorithm;
    ask.single_length = event.request.network_code == "001";
    ask.with_track_key = event.request.network_code == "004";
    signing_on_[ticket].push_back(event);
    c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
    c_.emit(AskHsm{ticket, std::move(ask)});
}

/// The same sign-on on the same connection, while its keys have not verified a message: the terminal may go
/// on with either answer, so both bring the same keys.
bool Terminals::is_repeated_sign_on(const RequestArrived& event) {
    const auto is_same = [&](const RequestArrived& other) {
        return other.from.link == event.from.link && other.request.terminal == event.request.terminal &&
               other.request.stan == event.request.stan;
    };
    for (auto& [ticket, asked] : signing_on_)
        if (is_same(asked.front())) {
            if (asked.size() < c_.config->limits.askers_max) asked.push_back(event);
            return true;
        }
    for (const auto& [version, owner] : known(event.request.terminal).owners)
        if (owner.link == event.from.link && owner.stan == event.request.stan) {
            answer_sign_on(event, owner.private_62);
            return true;
        }
    return false;
}

/// Of a sign-on: single-length keys only where the range allows them by name, and no more than the limits.
bool Terminals::may_have_keys(const RequestArrived& event, const TerminalRange& range) {
    const Asker asker{event.from, event.request};
    if (event.request.network_code == "001" && !range.single_length_keys) {
        answer_refusal(c_, asker, Refusal::function_not_supported);
        return false;
    }
    const auto at = known_.find(event.request.terminal);
    const bool home = at != known_.end() && !at->second.home.empty() && at->second.home == event.from.peer;
    const auto address = home ? SourceLimits::Address::home : SourceLimits::Address::other;
    if (limits_.sign_on_allowed(event.request.terminal, event.from.peer, address)) return true;
    c_.count("sign_ons_limited");
    answer_refusal(c_, asker, Refusal::sign_on_limited);
    return false;
}

static_assert(1 + unproven_keys_max <= ledger::TerminalRecord::keys_max,
              "a stranger's sign-ons must not make a record that is not read again");

/// Keeps unproven_keys_max: the oldest set of the address that has most of them goes, the terminal's home
/// last of all. Of addresses that have as many, the one whose set is the oldest: what was just given is not
/// taken.
void Terminals::bound_unproven(Known& terminal) {
    struct Sets {
        std::size_t count = 0;
        std::uint32_t oldest = 0;  // version
    };
    const auto address = [&](std::uint32_t version) {
        const auto owner = terminal.owners.find(version);
        return owner == terminal.owners.end() ? PeerAddress() : owner->second.peer;
    };
    for (;;) {
        std::map<PeerAddress, Sets> sets;
        std::size_t unproven = 0;
        for (const auto& k : terminal.record.keys) {
            if (k.version == terminal.record.proven_key_version) continue;
            ++unproven;
            Sets& of_address = sets[address(k.version)];
            ++of_address.count;
            of_address.oldest = k.version;  // newest first
        }
        if (unproven <= unproven_keys_max) return;
        const auto is_home = [&](const PeerAddress& a) {
            return !terminal.home.empty() && a == terminal.home;
        };
        const auto stays_longer = [&](const auto& a, const auto& b) {
            return std::tuple(!is_home(a.first), a.second.count, b.second.oldest) <
                   std::tuple(!is_home(b.first), b.second.count, a.second.oldest);
        };
        const std::uint32_t oldest = std::max_element(sets.begin(), sets.end(), stays_longer)->second.oldest;
        terminal.owners.erase(oldest);
        std::erase_if(terminal.record.keys, [&](const auto& k) { return k.version == oldest; });
    }
}

void Terminals::on_keys_generated(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = signing_on_.find(ticket);
    if (at == signing_on_.end()) return;
    const std::vector<RequestArrived> asked = std::move(at->second);
    const RequestArrived& event = asked.front();
    signing_on_.erase(at);
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});
    const auto* keys = reply ? std::get_if<hsm::TerminalKeysGenerated>(&*reply) : nullptr;
    if (keys == nullptr) {
        Note n;
        n.severity = Severity::warning;
        n.kind = NoteKind::hsm_fault;
        n.terminal = event.request.terminal.str();
        n.source = event.from.peer.view();
        n.rule = "R64";
        n.detail = "sign-on: the HSM gave no keys: " +
                   std::string(reply ? "an answer to another question" : hsm::name(reply.error()));
        c_.note(std::move(n));
        for (const RequestArrived& asker : asked)
            answer_refusal(c_, Asker{asker.from, asker.request}, Refusal::hsm_unavailable);
        return;
    }
    Known& terminal = known(event.request.terminal);
    ledger::TerminalRecord& record = terminal.record;
    // One unproven set a connection: what it asked for before is forgotten, what others asked for is not.
    std::erase_if(record.keys, [&](const auto& k) {
        const auto owner = terminal.owners.find(k.version);
        return k.version != record.proven_key_version && owner != terminal.owners.end() &&
               owner->second.link == event.from.link;
    });
    std::erase_if(terminal.owners, [&](const auto& o) { return o.second.link == event.from.link; });
    const std::uint32_t version = record.next_key_version++;
    const std::string number = till_operator_number(event.request.fields.get(Field::reserved_private_63));
    record.keys.insert(record.keys.begin(),
                       {version, keys->pin_key.under_lmk.text(), keys->mac_key.under_lmk.text(), number});
    if (record.proven_key_version == 0) record.operator_number = number;
    std::string private_62;
    const auto add_key = [&](const hsm::WorkingKey& key) {
        private_62 += iso8583::as_text(key.under_tmk);
        private_62 += iso8583::as_text(key.kcv);
    };
    add_key(keys->pin_key);
    add_key(keys->mac_key);
    if (keys->track_key) add_key(*keys->track_key);
    terminal.owners[version] = {event.from.link, event.from.peer, event.request.stan, private_62};
    bound_unproven(terminal);
    save(terminal);
    for (const RequestArrived& asker : asked) answer_sign_on(asker, private_62);
    Note n;
    n.kind = NoteKind::signed_on;
    n.terminal = record.terminal.str();
    n.merchant = event.request.merchant.str();
    n.source = event.from.peer.view();
    n.detail = "key version " + std::to_string(version) + ", open batch " + record.batch.str();
    c_.note(std::move(n));
}

void Terminals::answer_sign_on(const RequestArrived& event, const std::string& private_62) {
    ReplyContent content;
    content.code = iso8583::ResponseCode::of("00");
    iso8583::FieldValues fields = make_reply(c_, event.request, content);
    std::string f60(event.request.fields.get(Field::reserved_private_60));
    f60.replace(2, 6, known(event.request.terminal).record.batch.str());
    fields.set(Field::reserved_private_60, f60);
    fields.set(Field::reserved_private_62, private_62);
    c_.count("answered.sign_on.00");
    c_.emit(SendReply{event.from, std::move(fields), false});
}

void Terminals::on_echo(const RequestArrived& event) {
    ReplyContent content;
    content.code = iso8583::ResponseCode::of("00");
    answer(c_, Asker{event.from, event.request}, content);
}

void Terminals::on_sign_off(const RequestArrived& event) {
    // Terminals of the ISO profile have configured keys: they have no session to end.
    const bool its_own = event.mac == MacState::verified || event.verified_here;
    if (its_own && event.request.profile == Profile::unionpay_pos) {
        Known& terminal = known(event.request.terminal);
        if (!terminal.record.keys.empty()) {
            terminal.record.keys.clear();
            terminal.record.proven_key_version = 0;
            terminal.owners.clear();
            save(terminal);
        }
    }
    on_echo(event);
}

bool Terminals::has_signed_off(const RequestArrived& event) {
    const RequestKind kind = event.request.kind;
    if (kind == RequestKind::sign_on || kind == RequestKind::sign_off || kind == RequestKind::echo)
        return false;
    if (event.mac != MacState::verified || event.key_version == 0) return false;
    const ledger::TerminalRecord& record = known(event.request.terminal).record;
    return record.keys.empty() && event.key_version < record.next_key_version;
}

void Terminals::verified(const RequestArrived& event) {
    const std::uint32_t version = event.key_version;
    if (version == 0) return;
    Known& terminal = known(event.request.terminal);
    ledger::TerminalRecord& record = terminal.record;
    if (record.proven_key_version == version) return;
    const auto proven = std::find_if(record.keys.begin(), record.keys.end(),
                                     [&](const auto& k) { return k.version == version; });
    // It signed off, or proved a newer one, while this message was being verified.
    if (proven == record.keys.end() || version < record.proven_key_version) return;
    record.operator_number = proven->operator_number;
    // Who asked for these keys could read them. Where the message came from says less: anybody may send it
    // once more.
    if (const auto owner = terminal.owners.find(version); owner != terminal.owners.end())
        terminal.home = owner->second.peer;
    std::erase_if(record.keys, [&](const auto& k) { return k.version < version; });
    std::erase_if(terminal.owners, [&](const auto& o) { return o.first <= version; });
    record.proven_key_version = version;
    save(terminal);
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
