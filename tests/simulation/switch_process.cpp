#include "tests/simulation/switch_process.hpp"

#include <algorithm>
#include <numeric>

#include "iso8583/values/overloaded.hpp"
#include "ledger/audit_hash.hpp"

namespace simulation {

using namespace acquirer;

const ledger::AuditKey& simulated_audit_key() {
    static const ledger::HmacAuditKey key(iso8583::Bytes(ledger::HmacAuditKey::size, 0x5A));
    return key;
}

namespace {

std::vector<std::unique_ptr<ledger::PanVault>> vaults_of(std::size_t shards, const ledger::VaultKeys& keys) {
    std::vector<std::unique_ptr<ledger::PanVault>> vaults;
    while (vaults.size() < shards) vaults.push_back(std::make_unique<ledger::PanVault>(keys));
    return vaults;
}

std::vector<std::unique_ptr<SimulatedShard>> shards_over(
    const std::vector<ledger::Store*>& stores, const ConfigurationPtr& configuration,
    const std::vector<std::unique_ptr<ledger::PanVault>>& vaults, Surroundings& around) {
    std::vector<std::unique_ptr<SimulatedShard>> shards;
    for (ledger::Store* store : stores)
        shards.push_back(std::make_unique<SimulatedShard>(shards.size(), stores.size(), configuration, *store,
                                                          *vaults[shards.size()], around));
    return shards;
}

std::vector<ShardInbox*> inboxes_of(const std::vector<std::unique_ptr<SimulatedShard>>& shards) {
    std::vector<ShardInbox*> inboxes;
    for (const auto& shard : shards) inboxes.push_back(shard.get());
    return inboxes;
}

}  // namespace

SwitchProcess::SwitchProcess(ConfigurationPtr configuration, const std::vector<ledger::Store*>& stores,
                             ShardMap::Written merchants, const ledger::VaultKeys& vault,
                             Surroundings& surroundings)
    : configuration_(std::move(configuration)),
      around_(surroundings),
      vaults_(vaults_of(stores.size(), vault)),
      shards_(shards_over(stores, configuration_, vaults_, surroundings)),
      router_(inboxes_of(shards_), ShardMap(shards_.size(), std::move(merchants))),
      pauses_(shards_.size()),
      perform_first_([this](const Effect& effect) { perform(0, effect); }) {}

bool SwitchProcess::recover() {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->recover(); });
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
        return router_.next_session_numbers(route, now);
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

void SwitchProcess::hsm_answered(const HsmAsker& asker, hsm::Ticket ticket, const hsm::Reply& reply) {
    if (asker.link.value == 0) {
        event_arrived(asker.shard, HsmAnswered{ticket, reply});
    } else if (const auto at = terminals_.find(asker.link); at != terminals_.end()) {
        at->second->hsm_answered(ticket, reply, around_.now());
        settle(*at->second);
    } else if (const auto issuer = issuers_.find(asker.link); issuer != issuers_.end()) {
        issuer->second->hsm_answered(ticket, reply, around_.now());
        settle(*issuer->second);
    }
}

void SwitchProcess::event_arrived(Event event) {
    if (auto* commanded = std::get_if<OperatorCommanded>(&event))
        return router_.command(std::move(*commanded), *configuration_);
    if (const auto* replaced = std::get_if<ConfigReplaced>(&event)) configuration_ = replaced->configuration;
    static_cast<void>(router_.take(std::move(event)));
}

template <typename Session>
void SwitchProcess::answer_asks(Session& session) {
    while (session.has_asks())
        for (const HsmAsk& ask : session.take_asks())
            if (const auto reply = around_.ask_hsm({session.link()}, ask.ticket, ask.request))
                session.hsm_answered(ask.ticket, *reply, around_.now());
}

void SwitchProcess::settle(TerminalSession& session) {
    answer_asks(session);
    for (RequestArrived& request : session.take_requests()) router_.take(std::move(request));
}

void SwitchProcess::settle(IssuerSession& session) {
    answer_asks(session);
    for (Event& event : session.take_events()) static_cast<void>(router_.take(std::move(event)));
    for (const std::string& complaint : session.take_complaints()) around_.logged(complaint);
}

void SwitchProcess::drive() {
    if (shards_.size() == 1)
        drive_only();
    else
        drive_several();
}

void SwitchProcess::drive_only() {
    SimulatedShard& shard = *shards_.front();
    while (!dead_ && !shard.failed()) {
        shard.work(perform_first_);
        if (shard.failed()) return;
        flush();  // of a process that died just now: what it had handed to the system leaves
        if (!shard.has_work()) return;
    }
}

void SwitchProcess::drive_several() {
    bool again = true;
    while (again && !dead_ && failed() == nullptr) {
        for (const std::size_t index : any_order())
            if (goes_on(pauses_[index].work, shards_[index]->has_work())) shards_[index]->work_apart();
        for (const std::size_t index : any_order()) {
            if (goes_on(pauses_[index].effects, shards_[index]->has_effects()))
                for (const Effect& effect : shards_[index]->take_effects()) perform(index, effect);
            if (shards_[index]->failed()) return;
        }
        flush();
        again = false;
        for (std::size_t index = 0; index < shards_.size(); ++index)
            again = again || (shards_[index]->has_work() && !pauses_[index].work) ||
                    (shards_[index]->has_effects() && !pauses_[index].effects);
    }
}

const std::vector<std::size_t>& SwitchProcess::any_order() {
    order_.resize(shards_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    for (std::size_t taken = 0; taken + 1 < order_.size(); ++taken)
        std::swap(order_[taken], order_[taken + around_.next_of(order_.size() - taken)]);
    return order_;
}

bool SwitchProcess::goes_on(std::optional<iso8583::Instant>& pause, bool has_something) {
    const iso8583::Instant now = around_.now().instant;
    if (pause) {
        if (now < *pause) return false;
        pause.reset();
        return true;
    }
    if (const std::int64_t ms = has_something ? around_.pause_ms() : 0; ms > 0) pause = now.plus_ms(ms);
    return !pause;
}

const ledger::StoreError* SwitchProcess::failed() const {
    for (const auto& shard : shards_)
        if (shard->failed()) return &*shard->failed();
    return nullptr;
}

CoreStatus SwitchProcess::status() const {
    if (shards_.size() == 1) return shards_.front()->core().status();
    std::vector<CoreStatus> all;
    for (const auto& shard : shards_) all.push_back(shard->core().status());
    return merged(all);
}

bool SwitchProcess::idle() const {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->idle(); });
}

void SwitchProcess::perform(std::size_t shard, const Effect& effect) {
    if (dead_) return;
    if (effects_to_live_ && *effects_to_live_ == 0) {
        dead_ = true;
        return;
    }
    if (effects_to_live_) --*effects_to_live_;
    around_.released(shard, effect);
    std::visit(
        iso8583::Overloaded{[this](const SendReply& e) {
                                const auto at = terminals_.find(e.to.link);
                                if (at == terminals_.end())
                                    return;  // the terminal is gone: its retry gets the stored answer
                                at->second->send(e, around_.now());
                                settle(*at->second);
                            },
                            [this](const SendToIssuer& e) {
                                const auto at = issuers_.find(e.link);
                                if (at == issuers_.end()) return;  // its IssuerLinkDown is in the inbox
                                at->second->send(e, around_.now());
                                settle(*at->second);
                            },
                            [this, shard](const AskHsm& e) {
                                const auto reply = around_.ask_hsm({LinkId{0}, shard}, e.ticket, e.request);
                                if (reply) event_arrived(shard, HsmAnswered{e.ticket, *reply});
                            },
                            [this](const InstallKeys& e) { keys_.install(e.terminal, e.keys); },
                            [this](const InstallIssuerKeys& e) {
                                issuer_keys_[e.route] = e.zaks;
                                for (auto& [link, session] : issuers_)
                                    if (session->route() == e.route) session->install_keys(e.zaks);
                                router_.tell_others(e);
                            },
                            [this](const CloseLink& e) { peer_closed(e.link); },
                            [this, shard](const WriteNotices& e) {
                                // In their file and synced with the effect, unless the crash is here.
                                around_.notices_written(e.notices);
                                event_arrived(shard, NoticesWritten{e.notices.back().number, ""});
                            },
                            [this, shard](const MakeVaultKey& e) { around_.make_vault_key(shard, e); },
                            [this, shard](const WipeVaultKey& e) { around_.wipe_vault_key(shard, e); },
                            [this, shard](const AnswerOperator& e) {
                                if (const auto told = router_.answered(shard, e))
                                    around_.answered(e.ticket, *told);
                            },
                            [this, shard](const TellShards& e) { router_.tell(shard, e); },
                            [](const PartiesChanged&) {}, [](const MakeBackup&) {}, [](const ApplyPolicy&) {},
                            [](const Note&) {}},
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
        static_cast<void>(router_.take(Event(TerminalLinkClosed{link})));
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
    for (const auto& shard : shards_) shard->deadlines_due();
}

std::optional<iso8583::Instant> SwitchProcess::next_deadline() const {
    std::optional<iso8583::Instant> first;
    const auto consider = [&first](std::optional<iso8583::Instant> when) {
        if (when && (!first || *when < *first)) first = when;
    };
    for (std::size_t index = 0; index < shards_.size(); ++index) {
        consider(pauses_[index].work ? pauses_[index].work : shards_[index]->next_deadline());
        consider(pauses_[index].effects);
    }
    for (const auto& [link, session] : terminals_) consider(session->next_deadline());
    for (const auto& [link, session] : issuers_) consider(session->next_deadline());
    return first;
}

}  // namespace simulation
