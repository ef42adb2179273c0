// Runtime: the shell around the shards: sockets, sessions, HSM, configuration, operators. One thread for all
// of it and for the only shard; several shards have a thread each (shard_thread.hpp). What sessions hear goes
// into a shard's inboxes, the shard steps and syncs it, and what the durable effects of one drive wrote
// leaves with one write per link.
//
//     sockets → sessions → Shards::take … Shard::drive → perform → sessions → one write per touched link
//
// When a sync fails no effect leaves any more, links close, one line says why, and run() returns 1 (R62).
//
// Thread: everything on the one that calls run(), but begin_to_stop(). Ownership: refers to the parts, which
// outlive it, but for the store: a sync may end as long as the store lives, so it is destroyed after run()
// and before the runtime.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/core/deadline_queue.hpp"
#include "switch/io/control_socket.hpp"
#include "switch/io/http.hpp"
#include "switch/io/issuer_links.hpp"
#include "switch/io/link_hub.hpp"
#include "switch/io/log.hpp"
#include "switch/io/metrics.hpp"
#include "switch/io/notice_files.hpp"
#include "switch/io/shard.hpp"
#include "switch/io/shards.hpp"
#include "switch/io/terminal_links.hpp"
#include "switch/io/vault_keeper.hpp"
#include "switch/io/wall_clock.hpp"
#include "switch/io/worker.hpp"

namespace acquirer {

struct RuntimeParts {
    std::vector<ShardParts> shards;  // 1, 2 or 4
    HsmAccess& hsm;
    Log& log;
    WallClock& clock;
    ControlHandler* control = nullptr;  // none: no control socket
    /// SIGHUP: reads the configuration again; nothing when it is not usable, which it has logged.
    std::function<ConfigurationPtr()> reload;
    /// Runs on a thread of its own; ends early when `stop` becomes true. None: no backups.
    std::function<BackupEnded(const MakeBackup&, const std::atomic<bool>& stop)> backup = {};
    /// Reads the configuration again under another policy; nothing when it is not usable, which it has
    /// logged.
    std::function<ConfigurationPtr(const std::string& policy)> apply_policy = {};
    /// The running file with the merchants and terminals that are stored now; nothing when they do not fit,
    /// which it has logged.
    std::function<ConfigurationPtr()> lay_parties_over = {};
    NoticeFiles* notices = nullptr;  // none: nobody is told
    /// For /metrics. None: there is no TLS.
    std::function<std::vector<ShellStatus::Tls>()> tls = {};
    /// For /role, as JSON. None: the only node there is.
    std::function<std::string()> role = {};
    /// Of a store on PostgreSQL; none of another.
    std::function<ClusterFigures()> cluster = {};
    ShardMap::Written merchants = {};  // where the ledgers of several shards say that they are
    VaultKeeper* vault = nullptr;      // none: the vault's keys stay as they are
};

/// Where the switch listens, for the ready line.
struct ListeningAt {
    std::vector<std::string> terminals;  // in the order of the setup
    std::string metrics;
    std::string control;
};

/// The process was fenced: another owns the ledger now. It may be started again as a standby.
inline constexpr int exit_fenced = 4;
/// The store's files were taken away while it worked.
inline constexpr int exit_store_gone = 5;

class Runtime final : private LinkHub, private ShardShell {
  public:
    Runtime(Reactor& reactor, const RuntimeParts& parts, ShellSetup setup, ConfigurationPtr configuration);
    ~Runtime();

    /// Rebuilds the core from the ledger and waits until what that wrote is durable and its keys are
    /// installed.
    iso8583::Result<void, ledger::StoreError> recover();
    /// Binds every address; accepting begins with run().
    iso8583::Result<ListeningAt> listen();
    /// Until stopped and drained. 0, 1 when the store failed, exit_fenced when another took the ledger over,
    /// exit_store_gone when its files are gone.
    int run();
    /// After run(), before the store goes: a backup that is still being made ends, and leaves nothing.
    void end_backup();
    /// What SIGTERM does: no new connections or requests, finish what is in flight, sync, end. Any thread.
    void begin_to_stop();

    [[nodiscard]] ShellStatus status() const;

  private:
    // LinkHub and ShardShell
    iso8583::Now now() override { return parts_.clock.now(); }
    // LinkHub
    LinkId new_link() override { return {++last_link_}; }
    void request_arrived(RequestArrived request) override { shards_.take(std::move(request)); }
    bool event_arrived(Event event) override { return shards_.take(std::move(event)); }
    bool terminals_may_speak() const override;
    std::optional<hsm::Reply> ask_hsm(const HsmAsker& asker, hsm::Request request) override;
    void touched(LinkId link) override;
    void wake_at(LinkId link, iso8583::Instant when) override;
    void forget(LinkId link) override { link_deadlines_.cancel(link); }

    // ShardShell
    void perform(ShardPort& from, const Effect& effect) override;
    void wants_drive() override { schedule_drive(); }
    void sync_ended() override;

    void hsm_replied(const HsmAsker& asker, const hsm::Reply& reply);
    void schedule_drive();
    void drive();
    void drive_if_due();
    void flush_touched();
    void deadline_due();
    void arm();
    void poll_stores();
    void reload();
    void replace_configuration(const ConfigurationPtr& fresh);
    void back_up(const MakeBackup& order);
    template <typename Done, typename Work>
    void change_vault(ShardPort& of, std::uint32_t number, Work work);
    void lay_parties_over();
    void write_notices(ShardPort& to, const WriteNotices& write);
    void command(OperatorCommanded command);
    void answered(const ShardPort& from, const AnswerOperator& answer);
    [[nodiscard]] std::vector<ShardView> views() const;
    void stop_shards();
    void drain();
    bool drained() const;
    void finish(int exit_code);
    void store_failed(const ledger::StoreError& why);
    [[nodiscard]] std::string not_ready() const;
    ControlView control_view();

    Reactor& reactor_;
    RuntimeParts parts_;
    const iso8583::Now begun_ = parts_.clock.now();
    ShellSetup setup_;
    ConfigurationPtr configuration_;
    TerminalKeyTable keys_;
    Shards shards_;
    std::uint64_t last_link_ = 0;
    TerminalLinks terminals_;
    IssuerLinks issuers_;
    std::unique_ptr<HttpServer> http_;
    std::unique_ptr<ControlSocket> control_;

    std::vector<LinkId> touched_;
    DeadlineQueue<LinkId> link_deadlines_;
    std::unique_ptr<Alarm> alarm_;
    std::optional<iso8583::Instant> armed_;
    std::unique_ptr<Alarm> store_alarm_;
    std::unique_ptr<Alarm> drain_alarm_;

    std::atomic<bool> stop_backup_{false};
    std::unique_ptr<Worker> backups_;
    std::unique_ptr<Worker> vault_changes_;

    bool drive_scheduled_ = false;
    bool listening_ = false;
    bool draining_ = false;
    /// The ledger's servers do not confirm: no answer could leave, so that nobody is asked for more.
    bool store_stalled_ = false;
    std::string store_warning_;  // as it was logged last
    bool finished_ = false;
    int exit_code_ = 0;
    DurationHistogram drive_times_;
    DurationHistogram answer_times_;
};

}  // namespace acquirer
