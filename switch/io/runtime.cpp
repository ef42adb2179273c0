#include "switch/io/runtime.hpp"

#include <algorithm>
#include <csignal>

#include "iso8583/values/overloaded.hpp"
#include "switch/io/service_manager.hpp"
#include "switch/io/shard_thread.hpp"

namespace acquirer {

using iso8583::Instant;
using iso8583::Now;

namespace {

// Descriptors besides the terminals': store, issuers, HSM, control, metrics.
constexpr std::size_t other_descriptors = 1'024;

/// The only one on the shell's thread, several on one each.
std::vector<std::unique_ptr<ShardPort>> shards_of(const RuntimeParts& parts, const ShellBounds& bounds,
                                                  ShardShell& shell) {
    const std::size_t count = parts.shards.size();
    const ShardBounds whole{bounds.request_inbox_max, bounds.answer_inbox_max, bounds.cold_readers};
    std::vector<std::unique_ptr<ShardPort>> shards;
    if (count == 1) {
        shards.push_back(std::make_unique<Shard>(0, parts.shards.front(), whole, shell));
        return shards;
    }
    const ShardBounds each{whole.request_inbox_max / count + 1, whole.answer_inbox_max / count + 1,
                           whole.cold_readers};
    for (std::size_t index = 0; index < count; ++index)
        shards.push_back(std::make_unique<ShardThread>(index, parts.shards[index], each, shell, parts.clock));
    return shards;
}

}  // namespace

Runtime::Runtime(Reactor& reactor, const RuntimeParts& parts, ShellSetup setup,
                 ConfigurationPtr configuration)
    : reactor_(reactor),
      parts_(parts),
      setup_(std::move(setup)),
      configuration_(std::move(configuration)),
      shards_(shards_of(parts_, setup_.bounds, *this), ShardMap(parts_.shards.size(), parts_.merchants)),
      terminals_(reactor, *this, parts_.log, setup_, keys_, configuration_),
      issuers_(reactor, *this, parts_.log, setup_, [this](routing::RouteId route, const Now& at) {
          return shards_.next_session_numbers(route, at);
      }) {
    parts_.hsm.on_reply(
        [this](const HsmAsker& asker, const hsm::Reply& reply) { hsm_replied(asker, reply); });
    alarm_ = reactor_.alarm([this] { deadline_due(); });
    store_alarm_ = reactor_.alarm([this] { poll_stores(); });
    drain_alarm_ = reactor_.alarm([this] {
        parts_.log.line(Severity::warning, "drain_timed_out",
                        {{"detail", "what is unfinished is recovered at the next start"}}, now());
        finish(0);
    });
}

Runtime::~Runtime() {
    end_backup();
    stop_shards();
    reactor_.after_each([] {});
    reactor_.on_accept_fault({});
    parts_.hsm.on_reply([](const HsmAsker&, const hsm::Reply&) {});
}

iso8583::Result<void, ledger::StoreError> Runtime::recover() {
    for (const auto& shard : shards_)
        if (auto recovered = shard->recover(); !recovered) return recovered;
    return {};
}

iso8583::Result<ListeningAt> Runtime::listen() {
    const std::size_t wanted = setup_.bounds.terminal_links_max + other_descriptors;
    if (const std::size_t may = raise_descriptor_limit(wanted); may < wanted) {
        // Terminals never take the last ones: a store that cannot open its next file ends the process (R62).
        setup_.bounds.terminal_links_max = may - std::min(other_descriptors, may / 2);
        parts_.log.line(Severity::warning, "descriptor_limit",
                        {{"wanted", std::to_string(wanted)},
                         {"allowed", std::to_string(may)},
                         {"terminals", std::to_string(setup_.bounds.terminal_links_max)},
                         {"detail", "fewer terminals than configured can be connected at once"}},
                        now());
    }
    reactor_.on_accept_fault([this](const std::string& why) {
        if (why.empty()) return parts_.log.line(Severity::info, "accepting_again", {}, now());
        parts_.log.line(Severity::alarm, "accept_failed",
                        {{"detail", why}, {"consequence", "connections wait until it works again"}}, now());
        parts_.log.flush();
    });
    ListeningAt at;
    auto addresses = terminals_.listen();
    if (!addresses) return tl::unexpected(addresses.error());
    at.terminals = std::move(*addresses);
    if (setup_.metrics) {
        http_ = std::make_unique<HttpServer>(
            reactor_, setup_.bounds,
            HttpServer::Pages{[this] {
                                  std::vector<CoreStatus> cores;
                                  std::vector<ledger::StoreHealth> stores;
                                  for (ShardView& view : views()) {
                                      cores.push_back(std::move(view.status));
                                      stores.push_back(std::move(view.store));
                                  }
                                  return render_metrics(status(), merged(cores), merged(stores));
                              },
                              [this] { return not_ready(); },
                              [this] { return parts_.role ? parts_.role() : "{\"role\": \"active\"}\n"; }});
        auto metrics = http_->listen(*setup_.metrics, setup_.metrics_channel, setup_.metrics_allow);
        if (!metrics) return tl::unexpected(metrics.error());
        at.metrics = std::move(*metrics);
    }
    if (parts_.control != nullptr && !setup_.control_path.empty()) {
        control_ = std::make_unique<ControlSocket>(
            reactor_, parts_.log, setup_, *parts_.control,
            ControlSocket::Hooks{[this](OperatorCommanded commanded) { command(std::move(commanded)); },
                                 [this] { return control_view(); }, [this] { return now(); }});
        auto path = control_->listen();
        if (!path) return tl::unexpected(path.error());
        at.control = std::move(*path);
    }
    listening_ = true;
    return at;
}

int Runtime::run() {
    reactor_.on_signal(SIGHUP, [this] { reload(); });
    reactor_.after_each([this] { drive_if_due(); });
    for (const auto& shard : shards_) shard->start();
    issuers_.connect_all();
    poll_stores();
    schedule_drive();
    notify_service_manager("READY=1");
    parts_.log.flush();
    reactor_.run();
    stop_shards();
    parts_.log.flush();
    return exit_code_;
}

void Runtime::end_backup() {
    stop_backup_ = true;
    vault_changes_.reset();  // what it has not told is asked for again at the next start
    backups_.reset();        // its last work still posts to the reactor, and is never run then
}

void Runtime::stop_shards() {
    for (const auto& shard : shards_) shard->stop();
}

void Runtime::begin_to_stop() {
    reactor_.post([this] { drain(); });
}

std::string Runtime::not_ready() const {
    if (draining_) return "stopping";
    for (const auto& shard : shards_)
        if (std::string why = shard->why_no_new_work(); !why.empty())
            return shards_.size() == 1 ? why : "shard " + std::to_string(shard->index()) + ": " + why;
    for (const auto& shard : shards_)
        if (const auto restored = shard->view().status.restored)
            return "restored from backup " + restored->backup + ": to be reconciled and accepted";
    if (std::string why = parts_.hsm.why_unfit(); !why.empty()) return why;
    if (!terminals_.has_room()) return "all places for terminal connections are taken";
    return "";
}

// ---- what links and shards ask of the shell

bool Runtime::terminals_may_speak() const { return !draining_ && !store_stalled_ && shards_.take_requests(); }

std::optional<hsm::Reply> Runtime::ask_hsm(const HsmAsker& asker, hsm::Request request) {
    auto reply = parts_.hsm.ask(asker, std::move(request));
    if (!reply) schedule_drive();  // which sends, or answers, what was asked
    return reply;
}

void Runtime::hsm_replied(const HsmAsker& asker, const hsm::Reply& reply) {
    if (asker.link.value == 0) {
        static_cast<void>(shards_.at(asker.shard).take(HsmAnswered{asker.ticket, reply}));
    } else if (terminals_.has(asker.link)) {
        terminals_.hsm_answered(asker.link, asker.ticket, reply);
    } else {
        issuers_.hsm_answered(asker.link, asker.ticket, reply);
    }
}

void Runtime::touched(LinkId link) {
    touched_.push_back(link);
    schedule_drive();
}

// ---- the loop

// Posted behind everything that is ready now, so that one pass takes what all sockets brought.
void Runtime::schedule_drive() {
    if (drive_scheduled_ || finished_) return;
    drive_scheduled_ = true;
    reactor_.post([this] {
        drive_scheduled_ = false;
        drive();
    });
}

void Runtime::drive() {
    if (finished_) return;
    const std::int64_t begun_us = steady_now_us();
    parts_.hsm.flush();  // the MACs of what came in
    for (const auto& shard : shards_) {
        shard->drive();
        if (const auto why = shard->failed()) return store_failed(*why);
    }
    parts_.hsm.flush();  // those of what leaves
    flush_touched();
    if (terminals_may_speak()) terminals_.resume_reading();
    for (const auto& shard : shards_)
        if (shard->can_go_on()) schedule_drive();
    if (!touched_.empty()) schedule_drive();
    arm();
    parts_.log.flush();
    drive_times_.add_us(steady_now_us() - begun_us);
    if (draining_ && drained()) finish(0);
}

// Wakes the reactor, when it sleeps: the drive of the only shard comes after it (drive_if_due). Another
// thread may also have a deadline or room to tell.
void Runtime::sync_ended() {
    if (shards_.size() == 1) return reactor_.post([] {});
    reactor_.post([this] { drive(); });
}

void Runtime::drive_if_due() {
    if (parts_.hsm.flush_is_due()) parts_.hsm.flush();
    const bool due =
        std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->drive_is_due(); });
    if (due) drive();
}

void Runtime::perform(ShardPort& from, const Effect& effect) {
    std::visit(iso8583::Overloaded{
                   [this](const SendReply& e) {
                       terminals_.send(e);
                       if (e.to.asked_us != 0) answer_times_.add_us(steady_now_us() - e.to.asked_us);
                   },
                   [this](const SendToIssuer& e) { issuers_.send(e); },
                   [this, &from](const AskHsm& e) {
                       const auto reply = ask_hsm({LinkId{0}, e.ticket, from.index()}, e.request);
                       if (reply) static_cast<void>(from.take(HsmAnswered{e.ticket, *reply}));
                   },
                   [this](const InstallKeys& e) { keys_.install(e.terminal, e.keys); },
                   [this](const InstallIssuerKeys& e) {
                       issuers_.install_keys(e);
                       shards_.tell_others(e);
                   },
                   [this](const CloseLink& e) {
                       terminals_.close(e.link, e.reason);
                       issuers_.close(e.link, e.reason);
                   },
                   [this](const MakeBackup& e) { back_up(e); },
                   [this, &from](const MakeVaultKey& e) {
                       change_vault<VaultKeyMade>(
                           from, e.number, [e](VaultKeeper& keeper) { return keeper.make(e.number, e.at); });
                   },
                   [this, &from](const WipeVaultKey& e) {
                       change_vault<VaultKeyWiped>(
                           from, e.number, [e](VaultKeeper& keeper) { return keeper.wipe(e.number); });
                   },
                   [this](const ApplyPolicy& e) {
                       if (parts_.apply_policy) replace_configuration(parts_.apply_policy(e.text));
                   },
                   [this, &from](const WriteNotices& e) { write_notices(from, e); },
                   [this](const PartiesChanged&) { lay_parties_over(); },
                   [this, &from](const TellShards& e) { shards_.tell(from.index(), e); },
                   [this, &from](const AnswerOperator& e) { answered(from, e); },
                   [this](const Note& e) { parts_.log.note(e, now()); }},
               effect);
}

void Runtime::flush_touched() {
    // What flush() touches anew (a link closed in it) is for the next drive.
    std::vector<LinkId> links;
    links.swap(touched_);
    for (const LinkId link : links) {
        if (terminals_.has(link)) {
            terminals_.flush(link);
        } else {
            issuers_.flush(link);
        }
    }
}

// ---- deadlines

void Runtime::wake_at(LinkId link, Instant when) {
    link_deadlines_.set(link, when);
    if (!armed_ || when < *armed_) schedule_drive();  // which arms
}

// Answers that lie in the sockets go first: two rounds of the reactor read what is there, then deadlines
// count.
void Runtime::deadline_due() {
    armed_.reset();
    reactor_.post([this] {
        reactor_.post([this] {
            if (finished_) return;
            const Now at = now();
            while (const auto link = link_deadlines_.pop_due(at.instant)) {
                if (terminals_.has(*link)) {
                    terminals_.pass_deadlines(*link);
                } else {
                    issuers_.pass_deadlines(*link);
                }
            }
            for (const auto& shard : shards_) shard->deadlines_due();
            schedule_drive();
        });
    });
}

void Runtime::arm() {
    std::optional<Instant> next = link_deadlines_.next();
    for (const auto& shard : shards_)
        if (const auto due = shard->next_deadline(); due && (!next || *due < *next)) next = due;
    if (!next || (armed_ && *armed_ <= *next)) return;
    armed_ = next;
    alarm_->set(*next);
}

void Runtime::poll_stores() {
    if (finished_) return;
    if (const std::string to = parts_.cluster && !draining_ ? parts_.cluster().wanted_by : ""; !to.empty()) {
        parts_.log.line(Severity::warning, "shard_is_moved", {{"to", to}}, now());
        drain();
    }
    store_stalled_ = false;
    for (const auto& shard : shards_) {
        const ledger::StoreHealth health = shard->look_at_store();
        if (health.failed) return store_failed(*health.failed);
        if (health.warning != store_warning_) {
            store_warning_ = health.warning;
            parts_.log.line(store_warning_.empty() ? Severity::info : Severity::alarm, "store_warning",
                            {{"detail", store_warning_.empty() ? "it is over" : store_warning_}}, now());
        }
        if (!health.cluster) continue;
        store_stalled_ = store_stalled_ || !health.accepts_new_work;
        schedule_drive();  // what waited for the lease may leave now, and terminals may be read again
    }
    parts_.log.tell_suppressed(now());
    parts_.log.flush();
    store_alarm_->set(now().instant.plus_ms(setup_.bounds.store_poll_ms));
}

// ---- reload, end

void Runtime::reload() {
    if (draining_ || !parts_.reload) return;
    replace_configuration(parts_.reload());
    parts_.log.flush();
}

void Runtime::replace_configuration(const ConfigurationPtr& fresh) {
    if (!fresh) return;
    // Sessions and core change over in one step: both are on this thread, and the event is stepped before any
    // request that a session reads from now on.
    configuration_ = fresh;
    static_cast<void>(event_arrived(ConfigReplaced{fresh}));
}

void Runtime::back_up(const MakeBackup& order) {
    const auto ended = [this](BackupEnded event) { static_cast<void>(event_arrived(std::move(event))); };
    if (!parts_.backup) return ended({false, "this switch makes no backups", {}});
    if (!backups_) backups_ = std::make_unique<Worker>(1);
    const bool taken = backups_->submit([this, order, ended] {
        BackupEnded event = parts_.backup(order, stop_backup_);
        reactor_.post([ended, event = std::move(event)]() mutable { ended(std::move(event)); });
    });
    if (!taken) ended({false, "another backup is being made", {}});
}

// Kept durably on a thread beside the turns, known to the vault, and only then told to the core.
template <typename Done, typename Work>
void Runtime::change_vault(ShardPort& of, std::uint32_t number, Work work) {
    constexpr std::size_t changes_waiting_max = 4;
    const auto done = [&of, number](std::string fault) {
        static_cast<void>(of.take(Done{number, std::move(fault)}));
    };
    if (parts_.vault == nullptr) return done("this switch keeps no vault keys");
    if (!vault_changes_) vault_changes_ = std::make_unique<Worker>(changes_waiting_max);
    const bool taken = vault_changes_->submit([this, work, done] {
        auto keys = work(*parts_.vault);
        reactor_.post([this, keys = std::move(keys), done] {
            if (finished_) return;
            // All seal with the same keys.
            for (const auto& shard : shards_)
                if (keys) shard->ask([&] { parts_.vault->adopt(shard->index(), *keys); });
            done(keys ? std::string() : keys.error().what);
        });
    });
    if (!taken) done("another change of the vault's keys is being made");
}

// Durable by now: what is laid over the file is what a start would find.
void Runtime::lay_parties_over() {
    const ConfigurationPtr fresh = parts_.lay_parties_over ? parts_.lay_parties_over() : nullptr;
    if (fresh) configuration_ = fresh;
    static_cast<void>(event_arrived(ConfigReplaced{configuration_}));
}

void Runtime::write_notices(ShardPort& to, const WriteNotices& write) {
    if (parts_.notices == nullptr) {
        static_cast<void>(to.take(NoticesWritten{0, "no directory is configured"}));
        return;
    }
    parts_.notices->write(write.notices, [this, &to](NoticesWritten written) {
        reactor_.post([this, &to, written = std::move(written)] {
            if (!finished_) static_cast<void>(to.take(written));
        });
    });
}

void Runtime::drain() {
    if (draining_ || finished_) return;
    draining_ = true;
    notify_service_manager("STOPPING=1");
    parts_.log.line(Severity::info, "draining", {}, now());
    terminals_.stop_accepting();
    if (control_) control_->stop("the switch is stopping");
    drain_alarm_->set(now().instant.plus_ms(setup_.bounds.drain_ms_max));
    schedule_drive();
}

bool Runtime::drained() const {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->quiet(); }) &&
           parts_.hsm.waiting() == 0 && touched_.empty() && terminals_.all_sent() && issuers_.all_sent();
}

void Runtime::finish(int exit_code) {
    if (finished_) return;
    finished_ = true;
    exit_code_ = exit_code;
    issuers_.stop();
    parts_.log.line(Severity::info, "stopped", {}, now());
    parts_.log.flush();
    reactor_.stop();
}

namespace {

int exit_code_of(ledger::StoreError::Kind kind) {
    if (kind == ledger::StoreError::Kind::fenced) return exit_fenced;
    if (kind == ledger::StoreError::Kind::gone) return exit_store_gone;
    return 1;
}

}  // namespace

void Runtime::store_failed(const ledger::StoreError& why) {
    // Not one effect of this or a later turn may leave: nothing is flushed, the process ends (R62).
    finished_ = true;
    exit_code_ = exit_code_of(why.kind);
    parts_.log.line(Severity::alarm, "store_failed", {{"detail", why.what}, {"rule", "R62"}}, now());
    parts_.log.flush();
    reactor_.stop();
}

ShellStatus Runtime::status() const {
    ShellStatus s;
    if (parts_.cluster) s.cluster = parts_.cluster();
    s.terminal_links = terminals_.size();
    s.terminal_links_accepted = terminals_.accepted();
    s.terminal_links_rejected = terminals_.rejected();
    s.terminal_links_not_read = terminals_.not_read();
    s.terminal_links_evicted = terminals_.evicted();
    s.terminal_links_wrong_certificate = terminals_.wrong_certificates();
    s.terminal_links_max = terminals_.places().bounds().links_max;
    s.terminal_links_unverified = terminals_.places().unverified();
    s.terminal_links_of_one_address = terminals_.places().most_of_one_address();
    s.hsm_available = parts_.hsm.available();
    s.hsm_waiting = parts_.hsm.waiting();
    s.log_lines_suppressed = parts_.log.suppressed();
    s.log_buffers_lost = parts_.log.lost();
    s.draining = draining_;
    s.since = begun_.utc;
    s.answers = answer_times_;
    s.drive = drive_times_;
    std::vector<ShardCounters> counters;
    for (const ShardView& view : views()) counters.push_back(view.counters);
    s.shard = merged(counters);
    for (const IssuerLinks::Status& issuer : issuers_.status())
        s.issuers.push_back({issuer.route, issuer.wanted, issuer.signed_on});
    if (parts_.tls) s.tls = parts_.tls();
    return s;
}

}  // namespace acquirer
