// Runtime: the shell around the core. One thread for sockets and core: events are collected into two bounded
// inboxes, stepped in turns (answers first, then deadlines, new requests last), synced as one batch, and only
// then performed; what the effects of one pass wrote leaves with one write per link.
//
//     sockets → sessions → inboxes → Turn::offer … pump → effects → sessions → one write per touched link
//
// When a sync fails no effect leaves any more, links close, one line says why, and run() returns 1 (R62).
//
// Thread: everything on the one that calls run(), but begin_to_stop(). Ownership: refers to the parts, which
// outlive it, but for the store: a sync may end as long as the store lives, so it is destroyed after run()
// and before the runtime.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/core/deadline_queue.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"
#include "switch/io/control_socket.hpp"
#include "switch/io/http.hpp"
#include "switch/io/issuer_links.hpp"
#include "switch/io/link_hub.hpp"
#include "switch/io/log.hpp"
#include "switch/io/metrics.hpp"
#include "switch/io/terminal_links.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

struct RuntimeParts {
    SwitchCore& core;
    ledger::Overlay& overlay;
    ledger::Store& store;
    HsmAccess& hsm;
    Log& log;
    WallClock& clock;
    ControlHandler* control = nullptr;  // none: no control socket
    /// SIGHUP: reads the configuration again; nothing when it is not usable, which it has logged.
    std::function<ConfigurationPtr()> reload;
};

/// Where the switch listens, for the ready line.
struct ListeningAt {
    std::vector<std::string> terminals;  // in the order of the setup
    std::string metrics;
    std::string control;
};

class Runtime final : private LinkHub {
  public:
    Runtime(Reactor& reactor, const RuntimeParts& parts, ShellSetup setup, ConfigurationPtr configuration);
    ~Runtime();

    /// Rebuilds the core from the ledger and waits until what that wrote is durable and its keys are
    /// installed.
    iso8583::Result<void, ledger::StoreError> recover();
    /// Binds every address; accepting begins with run().
    iso8583::Result<ListeningAt> listen();
    /// Until stopped and drained. 0, or 1 when the store failed.
    int run();
    /// What SIGTERM does: no new connections or requests, finish what is in flight, sync, end. Any thread.
    void begin_to_stop();

    [[nodiscard]] ShellStatus status() const;

  private:
    // LinkHub
    LinkId new_link() override { return {++last_link_}; }
    iso8583::Now now() override { return parts_.clock.now(); }
    void request_arrived(RequestArrived request) override;
    bool event_arrived(Event event) override;
    bool terminals_may_speak() const override;
    std::optional<hsm::Reply> ask_hsm(const HsmAsker& asker, const hsm::Request& request) override;
    void touched(LinkId link) override;
    void wake_at(LinkId link, iso8583::Instant when) override;
    void forget(LinkId link) override { link_deadlines_.cancel(link); }

    void hsm_replied(const HsmAsker& asker, const hsm::Reply& reply);
    void schedule_drive();
    void drive();
    void offer(const iso8583::Now& now);
    void pump();
    void perform(const Effect& effect);
    void flush_touched();
    void deadline_due();
    void arm();
    void poll_store();
    void reload();
    void drain();
    bool drained() const;
    void finish(int exit_code);
    void store_failed();
    ControlView control_view();

    Reactor& reactor_;
    RuntimeParts parts_;
    ShellSetup setup_;
    ConfigurationPtr configuration_;
    TerminalKeyTable keys_;
    std::atomic<bool> sync_ended_{false};
    Turn turn_;
    std::uint64_t last_link_ = 0;
    TerminalLinks terminals_;
    IssuerLinks issuers_;
    std::unique_ptr<HttpServer> http_;
    std::unique_ptr<ControlSocket> control_;

    std::deque<Event> answers_;
    std::deque<Event> requests_;
    std::vector<LinkId> touched_;
    DeadlineQueue<LinkId> link_deadlines_;
    std::unique_ptr<Alarm> alarm_;
    std::optional<iso8583::Instant> armed_;
    std::unique_ptr<Alarm> store_alarm_;
    std::unique_ptr<Alarm> drain_alarm_;
    const std::function<void(const Effect&)> perform_;

    bool drive_scheduled_ = false;
    bool deadlines_due_ = false;
    bool listening_ = false;
    bool draining_ = false;
    bool finished_ = false;
    int exit_code_ = 0;
    bool store_accepts_ = true;
    std::uint64_t events_stepped_ = 0;
    std::uint64_t syncs_ = 0;
    std::int64_t sync_begun_us_ = 0;
    DurationHistogram drive_times_;
    DurationHistogram sync_times_;
};

}  // namespace acquirer
