#include "tests/simulation/switch_process.hpp"

#include <algorithm>

#include "iso8583/values/overloaded.hpp"
#include "ledger/audit_hash.hpp"

namespace simulation {

using namespace acquirer;

const ledger::AuditKey& simulated_audit_key() {
    static const ledger::HmacAuditKey key(iso8583::Bytes(ledger::HmacAuditKey::size, 0x5A));
    return key;
}

SwitchProcess::SwitchProcess(ConfigurationPtr configuration, ledger::Store& store, ledger::PanVault& vault,
                             Surroundings& surroundings)
    : configuration_(std::move(configuration)),
      around_(surroundings),
      overlay_(store),
      core_(configuration_, overlay_, vault, &ledger::audit_sha256),
      turn_(core_, overlay_, store, [this] { turn_.sync_has_ended(); }) {}

bool SwitchProcess::recover() {
    const auto sealed = ledger::sealed_audit_key(overlay_);
    if (!sealed) return false;
    core_.keys_audit_with(simulated_audit_key(), *sealed ? "" : "the key of this world's audit chain");
    auto effects = core_.recover(around_.now());
    if (!effects) return false;
    turn_.offer_recovered(std::move(*effects));
    return true;
}

void SwitchProcess::terminal_connected(LinkId link, Profile profile, const PeerAddress& address) {
    TerminalSessionSetup setup;
    setup.link = link;
    setup.peer = address;
    setup.profile = profile;
    setup.dialect = iso8583::find_dialect(name(profile));
    ENSURE(setup.dialect != nullptr);
    setup.framing = setup.dialect->framing();
    terminals_[link] = std::make_unique<TerminalSession>(setup, keys_, configuration_, around_.now());
}

void SwitchProcess::issuer_connected(IssuerSessionSetup setup) {
    const LinkId link = setup.link;
    const routing::RouteId route = setup.route;
    // Before recovery's effects are out only a sign-on leaves, which carries no MAC.
    if (const auto keys = issuer_keys_.find(route); keys != issuer_keys_.end()) setup.zaks = keys->second;
    auto session = std::make_unique<IssuerSession>(std::move(setup), [this, route](const iso8583::Now& now) {
        return core_.next_issuer_numbers(route, now);
    });
    session->connected(around_.now());
    settle(*session);
    issuers_[link] = std::move(session);
}

void SwitchProcess::bytes_arrived(LinkId link, iso8583::ByteView bytes) {
    if (const auto at = terminals_.find(link); at != terminals_.end()) {
        at->second->bytes_arrived(bytes, around_.now());
        settle(*at->second);
    } else if (const auto issuer = issuers_.find(link); issuer != issuers_.end()) {
        issuer->second->bytes_arrived(bytes, around_.now());
        settle(*issuer->second);
    }
}

void SwitchProcess::peer_closed(LinkId link) {
    if (const auto at = terminals_.find(link); at != terminals_.end()) at->second->close("the peer closed");
    if (const auto at = issuers_.find(link); at != issuers_.end()) at->second->close("the peer closed");
}

void SwitchProcess::hsm_answered(LinkId asker, hsm::Ticket ticket, const hsm::Reply& reply) {
    if (asker.value == 0) {
        answers_.push_back(HsmAnswered{ticket, reply});
    } else if (const auto at = terminals_.find(asker); at != terminals_.end()) {
        at->second->hsm_answered(ticket, reply, around_.now());
        settle(*at->second);
    } else if (const auto issuer = issuers_.find(asker); issuer != issuers_.end()) {
        issuer->second->hsm_answered(ticket, reply, around_.now());
        settle(*issuer->second);
    }
}

void SwitchProcess::event_arrived(Event event) {
    if (const auto* replaced = std::get_if<ConfigReplaced>(&event)) configuration_ = replaced->configuration;
    answers_.push_back(std::move(event));
}

template <typename Session>
void SwitchProcess::answer_asks(Session& session) {
    while (session.has_asks())
        for (const HsmAsk& ask : session.take_asks())
            if (const auto reply = around_.ask_hsm(session.link(), ask.ticket, ask.request))
                session.hsm_answered(ask.ticket, *reply, around_.now());
}

void SwitchProcess::settle(TerminalSession& session) {
    answer_asks(session);
    for (RequestArrived& request : session.take_requests()) requests_.emplace_back(std::move(request));
}

void SwitchProcess::settle(IssuerSession& session) {
    answer_asks(session);
    for (Event& event : session.take_events()) answers_.push_back(std::move(event));
    for (const std::string& complaint : session.take_complaints()) around_.logged(complaint);
}

void SwitchProcess::drive() {
    while (!dead_ && !turn_.failed()) {
        offer();
        pump();
        if (turn_.failed()) return;
        flush();  // of a process that died just now: what it had handed to the system leaves
        if ((answers_.empty() && requests_.empty() && !deadlines_due_) || turn_.is_full()) return;
    }
}

void SwitchProcess::offer() {
    const iso8583::Now now = around_.now();
    const auto offer_all = [&](std::deque<Event>& inbox) {
        for (; !inbox.empty() && !turn_.is_full(); inbox.pop_front()) {
            around_.offering(inbox.front());
            turn_.offer(inbox.front(), now);
        }
    };
    offer_all(answers_);
    if (deadlines_due_ && answers_.empty()) {
        deadlines_due_ = false;
        around_.deadlines_pass(true);
        turn_.pass_deadlines(now);
        around_.deadlines_pass(false);
    }
    offer_all(requests_);
}

void SwitchProcess::pump() {
    turn_.pump(around_.now(), [this](const Effect& effect) { perform(effect); });
}

void SwitchProcess::perform(const Effect& effect) {
    if (dead_) return;
    if (effects_to_live_ && *effects_to_live_ == 0) {
        dead_ = true;
        return;
    }
    if (effects_to_live_) --*effects_to_live_;
    around_.released(effect);
    std::visit(iso8583::Overloaded{[this](const SendReply& e) {
                                       const auto at = terminals_.find(e.to.link);
                                       if (at == terminals_.end())
                                           return;  // the terminal is gone: its retry gets the stored answer
                                       at->second->send(e, around_.now());
                                       settle(*at->second);
                                   },
                                   [this](const SendToIssuer& e) {
                                       const auto at = issuers_.find(e.link);
                                       if (at == issuers_.end())
                                           return;  // its IssuerLinkDown is in the inbox
                                       at->second->send(e, around_.now());
                                       settle(*at->second);
                                   },
                                   [this](const AskHsm& e) {
                                       if (const auto reply = around_.ask_hsm(LinkId{0}, e.ticket, e.request))
                                           answers_.push_back(HsmAnswered{e.ticket, *reply});
                                   },
                                   [this](const InstallKeys& e) { keys_.install(e.terminal, e.keys); },
                                   [this](const InstallIssuerKeys& e) {
                                       issuer_keys_[e.route] = e.zaks;
                                       for (auto& [link, session] : issuers_)
                                           if (session->route() == e.route) session->install_keys(e.zaks);
                                   },
                                   [this](const CloseLink& e) { peer_closed(e.link); },
                                   [this](const WriteNotices& e) {
                                       // In their file and synced with the effect, unless the crash is here.
                                       around_.notices_written(e.notices);
                                       answers_.push_back(NoticesWritten{e.notices.back().number, ""});
                                   },
                                   [this](const MakeVaultKey& e) { around_.make_vault_key(e); },
                                   [this](const WipeVaultKey& e) { around_.wipe_vault_key(e); },
                                   // There are no others.
                                   [](const TellShards&) { ENSURE(false); }, [](const PartiesChanged&) {},
                                   [](const AnswerOperator&) {}, [](const MakeBackup&) {},
                                   [](const ApplyPolicy&) {}, [](const Note&) {}},
               effect);
}

void SwitchProcess::flush() {
    for (auto at = terminals_.begin(); at != terminals_.end();) {
        TerminalSession& session = *at->second;
        const LinkId link = at->first;
        if (!session.outbox().empty()) around_.to_peer(link, std::exchange(session.outbox(), {}));
        if (!session.closed()) {
            ++at;
            continue;
        }
        around_.link_dropped(link, *session.closed());
        at = terminals_.erase(at);
        answers_.push_back(TerminalLinkClosed{link});
    }
    for (auto at = issuers_.begin(); at != issuers_.end();) {
        IssuerSession& session = *at->second;
        const LinkId link = at->first;
        if (!session.outbox().empty()) around_.to_peer(link, std::exchange(session.outbox(), {}));
        if (!session.closed()) {
            ++at;
            continue;
        }
        settle(session);  // what close() said
        around_.link_dropped(link, *session.closed());
        at = issuers_.erase(at);
    }
}

void SwitchProcess::pass_deadlines() {
    const iso8583::Now now = around_.now();
    for (auto& [link, session] : terminals_) {
        session->pass_deadlines(now);
        settle(*session);
    }
    for (auto& [link, session] : issuers_) {
        session->pass_deadlines(now);
        settle(*session);
    }
    deadlines_due_ = true;
}

std::optional<iso8583::Instant> SwitchProcess::next_deadline() const {
    // What is due already waits for the inbox, not for the clock.
    std::optional<iso8583::Instant> first = deadlines_due_ ? std::nullopt : turn_.next_deadline();
    const auto consider = [&first](std::optional<iso8583::Instant> when) {
        if (when && (!first || *when < *first)) first = when;
    };
    for (const auto& [link, session] : terminals_) consider(session->next_deadline());
    for (const auto& [link, session] : issuers_) consider(session->next_deadline());
    return first;
}

}  // namespace simulation
