// ControlSocket: the operators' Unix socket: one JSON line each way, in order on each connection. What a line
// means is the ControlHandler's; changes go through the core, reads run on workers over a snapshot.
//
// Thread: the core's, but for reads. Owner: the runtime. Bounds: ShellBounds (connections, bytes of a line,
// reads, snapshots held).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "switch/io/control_port.hpp"
#include "switch/io/log.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/worker.hpp"

namespace acquirer {

class ControlSocket final : public StreamOwner {
  public:
    struct Hooks {
        std::function<void(OperatorCommanded)> command;  // into the core's inbox
        std::function<ControlView()> view;
        std::function<iso8583::Now()> now;
    };
    ControlSocket(Reactor& reactor, Log& log, const ShellSetup& setup, ControlHandler& handler, Hooks hooks);
    ~ControlSocket();

    /// The path it listens on.
    iso8583::Result<std::string> listen();
    /// The core's answer to a command, after its sync.
    void answered(std::uint64_t ticket, const OperatorAnswer& answer);
    /// Accepts nobody any more; new lines are refused with `why`.
    void stop(std::string why);

    void bytes_arrived(Stream& stream, iso8583::ByteView bytes) override;
    /// The lines it has sent are still answered; then the connection is closed.
    void peer_finished(Stream& stream) override;
    void stream_ended(Stream& stream, const std::string& why) override;

  private:
    struct Connection {
        std::shared_ptr<Stream> stream;
        Stream::Credentials peer;
        std::string input;
        bool busy = false;  // a line is being answered; the next ones wait in `input`
        bool finished = false;
        /// Of the pages of one list; null: none is held.
        std::shared_ptr<const ControlView> held;
        iso8583::Instant held_since, last_page;
        iso8583::Instant last_active;
        bool taken_back = false;  // a bound ended it: its next page is refused
    };
    struct Pending {
        std::uint64_t connection = 0;
        std::function<std::string(const OperatorAnswer&)> render;
    };

    void accepted(std::shared_ptr<Stream> stream);
    void next_line(std::uint64_t id);
    void take(std::uint64_t id, std::string line);
    void read(std::uint64_t id, ControlRead read);
    void write_line(std::uint64_t id, std::string line);
    /// The view of a read that holds one; null when it cannot, and then `why` says why.
    std::shared_ptr<const ControlView> held_view(Connection& connection, std::string& why);
    /// When a bound takes it back.
    [[nodiscard]] iso8583::Instant held_until(const Connection& connection) const;
    void take_back_held();
    void end_idle();

    Reactor& reactor_;
    Log& log_;
    const ShellSetup& setup_;
    ControlHandler& handler_;
    Hooks hooks_;
    std::unique_ptr<Listener> listener_;
    std::unordered_map<std::uint64_t, Connection> connections_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::uint64_t last_connection_ = 0;
    std::uint64_t last_ticket_ = 0;
    std::string stopping_;
    std::unique_ptr<Alarm> held_alarm_;  // set while a view is held
    std::unique_ptr<Alarm> idle_alarm_;  // set while somebody is connected
    std::unique_ptr<Worker> short_reads_;
    std::unique_ptr<Worker> long_reads_;
};

}  // namespace acquirer
