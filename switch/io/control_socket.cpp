#include "switch/io/control_socket.hpp"

#include <algorithm>

namespace acquirer {

namespace {

constexpr std::size_t control_read_bytes = 65'536;

}  // namespace

ControlSocket::ControlSocket(Reactor& reactor, Log& log, const ShellSetup& setup, ControlHandler& handler,
                             Hooks hooks)
    : reactor_(reactor),
      log_(log),
      setup_(setup),
      handler_(handler),
      hooks_(std::move(hooks)),
      held_alarm_(reactor.alarm([this] { take_back_held(); })),
      idle_alarm_(reactor.alarm([this] { end_idle(); })),
      short_reads_(std::make_unique<Worker>(setup.bounds.control_reads_waiting_max)),
      long_reads_(std::make_unique<Worker>(setup.bounds.control_reads_waiting_max, Worker::Pace::resting)) {}

ControlSocket::~ControlSocket() {
    short_reads_.reset();  // first: their last work still posts to us, and is never run then
    long_reads_.reset();
    for (auto& [id, connection] : connections_) connection.stream->close();
}

iso8583::Result<std::string> ControlSocket::listen() {
    auto listener =
        reactor_.listen_unix(setup_.control_path, setup_.control_gid,
                             [this](std::shared_ptr<Stream> stream) { accepted(std::move(stream)); });
    if (!listener) return tl::unexpected(listener.error());
    listener_ = std::move(*listener);
    return listener_->address();
}

void ControlSocket::accepted(std::shared_ptr<Stream> stream) {
    const auto peer = stream->credentials();
    if (!peer || connections_.size() >= setup_.bounds.control_connections_max) {
        log_.stranger_line(
            "control_rejected", "local",
            {{"detail", peer ? "as many operators' connections as allowed" : peer.error().what}},
            hooks_.now());
        return stream->close();
    }
    const std::uint64_t id = ++last_connection_;
    Connection& connection = connections_[id];
    connection.stream = std::move(stream);
    connection.peer = *peer;
    connection.last_active = hooks_.now().instant;
    connection.stream->start(*this, id, control_read_bytes);
    if (connections_.size() == 1) end_idle();
}

void ControlSocket::bytes_arrived(Stream& stream, iso8583::ByteView bytes) {
    const std::uint64_t id = stream.tag();
    Connection& connection = connections_.at(id);
    connection.last_active = hooks_.now().instant;
    connection.input += iso8583::as_text(bytes);
    if (connection.input.size() > setup_.bounds.control_line_bytes_max) {
        std::string refusal =
            handler_.refuse("a line of at most " + std::to_string(setup_.bounds.control_line_bytes_max) +
                            " bytes is accepted");
        connection.busy = true;
        write_line(id, std::move(refusal));
        if (const auto at = connections_.find(id); at != connections_.end()) {
            at->second.stream->close_after_writing();
            connections_.erase(at);
        }
        return;
    }
    next_line(id);
}

void ControlSocket::peer_finished(Stream& stream) {
    connections_.at(stream.tag()).finished = true;
    next_line(stream.tag());
}

void ControlSocket::stream_ended(Stream& stream, const std::string&) { connections_.erase(stream.tag()); }

void ControlSocket::next_line(std::uint64_t id) {
    for (;;) {
        const auto at = connections_.find(id);
        if (at == connections_.end() || at->second.busy) return;
        const std::size_t end = at->second.input.find('\n');
        if (end == std::string::npos) {
            if (!at->second.finished) return;
            at->second.stream->close_after_writing();
            connections_.erase(at);
            return;
        }
        std::string line = at->second.input.substr(0, end);
        at->second.input.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.empty()) continue;
        at->second.busy = true;
        take(id, std::move(line));
    }
}

void ControlSocket::take(std::uint64_t id, std::string line) {
    if (!stopping_.empty()) return write_line(id, handler_.refuse(stopping_));
    const Stream::Credentials peer = connections_.at(id).peer;
    ControlDecision decision = handler_.decide(ControlRequest{std::move(line), peer.uid, peer.gid});
    if (auto* answer = std::get_if<ControlAnswer>(&decision)) return write_line(id, std::move(answer->line));
    if (auto* change = std::get_if<ControlChange>(&decision)) {
        change->event.ticket = ++last_ticket_;
        pending_[last_ticket_] = {id, std::move(change->render)};
        return hooks_.command(std::move(change->event));
    }
    read(id, std::move(std::get<ControlRead>(decision)));
}

void ControlSocket::read(std::uint64_t id, ControlRead read) {
    std::string why;
    auto view = read.hold_view ? held_view(connections_.at(id), why)
                               : std::make_shared<const ControlView>(hooks_.view());
    if (!view) return write_line(id, handler_.refuse(why));
    Worker& worker = read.takes_long ? *long_reads_ : *short_reads_;
    auto work = [this, id, read = std::move(read), view = std::move(view)] {
        std::string line;
        try {
            line = read.read(*view);
        } catch (const std::exception& e) {
            // A library's exception (JSON, memory) ends here and not the process; the operator sees its
            // words.
            line = handler_.refuse(e.what());
        }
        reactor_.post([this, id, line = std::move(line)]() mutable { write_line(id, std::move(line)); });
    };
    if (!worker.submit(std::move(work))) write_line(id, handler_.refuse("too many reads at once"));
}

std::shared_ptr<const ControlView> ControlSocket::held_view(Connection& connection, std::string& why) {
    const ShellBounds& bounds = setup_.bounds;
    if (connection.taken_back) {
        constexpr std::int32_t ms_a_second = 1'000;
        why = "the snapshot of this list was taken back: no page was asked for within " +
              std::to_string(bounds.control_snapshot_idle_ms_max / ms_a_second) +
              " s, or it was older than " + std::to_string(bounds.control_snapshot_ms_max / ms_a_second) +
              " s";
        return nullptr;
    }
    const iso8583::Instant now = hooks_.now().instant;
    if (!connection.held) {
        const auto held = std::count_if(connections_.begin(), connections_.end(),
                                        [](const auto& entry) { return entry.second.held != nullptr; });
        if (static_cast<std::size_t>(held) >= bounds.control_snapshots_max) {
            why = "as many long lists as allowed (" + std::to_string(bounds.control_snapshots_max) +
                  ") are being read: try again later";
            return nullptr;
        }
        connection.held = std::make_shared<const ControlView>(hooks_.view());
        connection.held_since = now;
    }
    connection.last_page = now;
    take_back_held();
    return connection.held;
}

iso8583::Instant ControlSocket::held_until(const Connection& connection) const {
    return std::min(connection.last_page.plus_ms(setup_.bounds.control_snapshot_idle_ms_max),
                    connection.held_since.plus_ms(setup_.bounds.control_snapshot_ms_max));
}

// A page that is being made keeps its view until it is answered.
void ControlSocket::take_back_held() {
    const iso8583::Instant now = hooks_.now().instant;
    std::optional<iso8583::Instant> next;
    for (auto& [id, connection] : connections_) {
        if (!connection.held) continue;
        if (!connection.busy && held_until(connection) <= now) {
            connection.held.reset();
            connection.taken_back = true;
            continue;
        }
        constexpr std::int64_t look_again_ms = 100;
        const iso8583::Instant due = std::max(held_until(connection), now.plus_ms(look_again_ms));
        next = next ? std::min(*next, due) : due;
    }
    if (next) held_alarm_->set(*next);
}

/// Who asks nothing for long is closed; whoever waits for an answer does not count as idle.
void ControlSocket::end_idle() {
    const iso8583::Instant now = hooks_.now().instant;
    std::optional<iso8583::Instant> next;
    for (auto at = connections_.begin(); at != connections_.end();) {
        const iso8583::Instant until = at->second.last_active.plus_ms(setup_.bounds.control_idle_ms_max);
        if (!at->second.busy && until <= now) {
            at->second.stream->close();
            at = connections_.erase(at);
            continue;
        }
        const iso8583::Instant due = at->second.busy ? now.plus_ms(setup_.bounds.control_idle_ms_max) : until;
        next = next ? std::min(*next, due) : due;
        ++at;
    }
    if (next) idle_alarm_->set(*next);
}

void ControlSocket::answered(std::uint64_t ticket, const OperatorAnswer& answer) {
    const auto at = pending_.find(ticket);
    if (at == pending_.end()) return;
    const Pending pending = std::move(at->second);
    pending_.erase(at);
    write_line(pending.connection, pending.render(answer));
}

void ControlSocket::write_line(std::uint64_t id, std::string line) {
    const auto at = connections_.find(id);
    if (at == connections_.end()) return;  // the operator has gone; a change was made all the same
    line.push_back('\n');
    const iso8583::ByteView view = iso8583::as_bytes(line);
    iso8583::Bytes bytes(view.begin(), view.end());
    at->second.stream->write(bytes);
    at->second.busy = false;
    at->second.last_active = hooks_.now().instant;
    // Later, so that a long row of lines that are answered at once is no recursion.
    if (!at->second.input.empty() || at->second.finished) reactor_.post([this, id] { next_line(id); });
}

void ControlSocket::stop(std::string why) {
    stopping_ = std::move(why);
    listener_.reset();
}

}  // namespace acquirer
