#include "bench/fleet.hpp"

#include <boost/asio.hpp>
#include <chrono>
#include <deque>

namespace bench {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;

nanoseconds seconds_of(double s) { return nanoseconds(static_cast<std::int64_t>(s * 1e9)); }
std::uint64_t ns_between(Clock::time_point from, Clock::time_point to) {
    return to <= from ? 0 : static_cast<std::uint64_t>(nanoseconds(to - from).count());
}

struct Connection {
    explicit Connection(asio::io_context& io, FleetConnection c)
        : config(std::move(c)), socket(io), reader(config.framing) {}
    FleetConnection config;
    tcp::socket socket;
    iso8583::FrameReader reader;
    std::array<std::uint8_t, 1U << 16> input{};
    iso8583::Bytes outbox, writing;
    bool dirty = false, broken = false, reading = false;
};

struct Slot {
    std::size_t connection = 0;
    std::size_t kind = 0;
    Clock::time_point due, sent;
    bool busy = false;
    std::uint64_t requests = 0;
};

}  // namespace

struct Fleet::Parts {
    explicit Parts(std::vector<FleetConnection> configs);
    iso8583::Result<void> connect();
    FleetResult run(Player& p, const FleetOptions& o);

    void read(std::size_t c);
    void on_answer(std::size_t c, const iso8583::Frame& frame, Clock::time_point now);
    void release_due();
    void start(std::size_t slot, Clock::time_point due, Clock::time_point now);
    void measure(const Slot& slot, Clock::time_point now);
    void mark(std::size_t c);
    void flush();
    void write(std::size_t c);
    void break_off(std::size_t c);
    void close_seconds_before(std::size_t second);
    void tick();
    void stop_if_over();
    [[nodiscard]] bool may_start(const Slot& slot) const {
        return !over && (options.requests_per_slot_max == 0 || slot.requests < options.requests_per_slot_max);
    }

    asio::io_context io{1};
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<Slot> slots;
    asio::steady_timer arrivals{io}, second_timer{io}, end_timer{io};

    // Of the run.
    Player* player = nullptr;
    FleetOptions options;
    FleetResult result;
    Clock::time_point began, measured_from, measured_to;
    std::uint64_t arrived = 0;  // open loop: requests released so far
    std::deque<std::size_t> idle;
    std::vector<std::size_t> dirty;
    std::size_t busy = 0;
    bool over = false, flush_posted = false;
    Histogram this_second;  // of the measured time
    Histogram shown;        // since the last tick, for the progress line
};

Fleet::Fleet(std::vector<FleetConnection> connections)
    : parts_(std::make_unique<Parts>(std::move(connections))) {}
Fleet::~Fleet() = default;
iso8583::Result<void> Fleet::connect() { return parts_->connect(); }
FleetResult Fleet::run(Player& player, const FleetOptions& options) { return parts_->run(player, options); }

Fleet::Parts::Parts(std::vector<FleetConnection> configs) {
    for (FleetConnection& config : configs) {
        for (const std::size_t slot : config.slots) {
            if (slots.size() <= slot) slots.resize(slot + 1);
            slots[slot].connection = connections.size();
        }
        connections.push_back(std::make_unique<Connection>(io, std::move(config)));
    }
}

iso8583::Result<void> Fleet::Parts::connect() {
    if (connections.size() > connections_max)
        return iso8583::parse_error("connections: at most " + std::to_string(connections_max) +
                                    " are allowed");
    for (auto& c : connections) {
        error_code error;
        const auto address = asio::ip::make_address(c->config.host, error);
        if (!error) c->socket.connect({address, c->config.port}, error);
        if (!error) c->socket.set_option(tcp::no_delay(true), error);
        if (error)
            return iso8583::parse_error("cannot connect to " + c->config.host + ":" +
                                        std::to_string(c->config.port) + ": " + error.message());
    }
    return {};
}

FleetResult Fleet::Parts::run(Player& p, const FleetOptions& o) {
    player = &p;
    options = o;
    result = {};
    arrived = 0;
    this_second.clear();
    shown.clear();
    over = false;
    idle.clear();
    for (std::size_t s = 0; s < slots.size(); ++s) {
        slots[s].requests = 0;
        if (!slots[s].busy && !connections[slots[s].connection]->broken) idle.push_back(s);
    }
    began = Clock::now();
    measured_from = began + seconds_of(o.warm_up_s);
    measured_to = measured_from + seconds_of(o.duration_s);
    for (std::size_t c = 0; c < connections.size(); ++c)
        if (!connections[c]->reading && !connections[c]->broken) read(c);
    end_timer.expires_at(measured_to);
    end_timer.async_wait([this](error_code error) {
        if (error) return;
        over = true;
        arrivals.cancel();
        end_timer.expires_after(seconds_of(options.settle_s));
        end_timer.async_wait([this](error_code e) {
            if (!e) io.stop();
        });
        stop_if_over();
    });
    tick();
    if (o.rate == 0) {
        const auto now = Clock::now();
        while (!idle.empty()) {
            const std::size_t slot = idle.front();
            idle.pop_front();
            start(slot, now, now);
        }
    } else {
        release_due();
    }
    io.restart();
    io.run();
    result.unanswered += busy;
    const auto ended = std::min(Clock::now(), measured_to);
    const std::uint64_t measured_ns = ns_between(measured_from, ended);
    result.measured_s = static_cast<double>(measured_ns) / 1e9;
    const std::size_t seconds = (measured_ns + ns_per_second - 1) / ns_per_second;
    close_seconds_before(seconds);
    if (const std::uint64_t rest = measured_ns % ns_per_second; rest != 0 && !result.seconds.empty())
        result.seconds.back().length_s = static_cast<double>(rest) / static_cast<double>(ns_per_second);
    return std::move(result);
}

void Fleet::Parts::tick() {
    second_timer.expires_after(std::chrono::seconds(1));
    second_timer.async_wait([this](error_code error) {
        if (error) return;
        const auto now = Clock::now();
        if (options.progress)
            options.progress({static_cast<double>(ns_between(began, now)) / 1e9,
                              options.warm_up_s + options.duration_s, result.done,
                              static_cast<double>(shown.count()), shown.percentile_ns(0.99)});
        shown.clear();
        if (!over) tick();
    });
}

void Fleet::Parts::release_due() {
    const auto now = Clock::now();
    const double interval_ns = 1e9 / static_cast<double>(options.rate);
    const auto due_at = [&](std::uint64_t i) {
        return began + nanoseconds(static_cast<std::int64_t>(interval_ns * static_cast<double>(i)));
    };
    while (!over && due_at(arrived) <= now && !idle.empty()) {
        const std::size_t slot = idle.front();
        idle.pop_front();
        start(slot, due_at(arrived++), now);
    }
    if (over) return;
    const auto next = due_at(arrived);
    if (next <= now) {
        // All slots are busy: the next free one takes it, and its time has been running.
        const auto waiting =
            static_cast<std::uint64_t>(static_cast<double>(ns_between(next, now)) / interval_ns) + 1;
        result.backlog_max = std::max(result.backlog_max, waiting);
        return;
    }
    arrivals.expires_at(next);
    arrivals.async_wait([this](error_code error) {
        if (!error) release_due();
    });
}

void Fleet::Parts::start(std::size_t s, Clock::time_point due, Clock::time_point now) {
    Slot& slot = slots[s];
    Connection& c = *connections[slot.connection];
    if (c.broken || !may_start(slot)) return;
    slot.kind = player->begin(s, c.outbox);
    slot.due = due;
    slot.sent = now;
    slot.busy = true;
    ++slot.requests;
    ++busy;
    mark(slot.connection);
}

void Fleet::Parts::read(std::size_t index) {
    Connection& c = *connections[index];
    c.reading = true;
    c.socket.async_read_some(asio::buffer(c.input), [this, index](error_code error, std::size_t bytes) {
        Connection& conn = *connections[index];
        conn.reading = false;
        if (conn.broken) return;
        if (error) {
            break_off(index);
            return;
        }
        const auto now = Clock::now();
        conn.reader.feed({conn.input.data(), bytes});
        while (auto frame = conn.reader.next()) {
            if (!*frame) {
                break_off(index);
                return;
            }
            on_answer(index, **frame, now);
        }
        read(index);
    });
}

void Fleet::Parts::on_answer(std::size_t c, const iso8583::Frame& frame, Clock::time_point now) {
    const auto s = player->slot_of(c, frame);
    if (!s || !slots[*s].busy) {
        ++result.stray_answers;
        return;
    }
    Slot& slot = slots[*s];
    slot.busy = false;
    --busy;
    measure(slot, now);
    player->end(*s, frame);
    if (over) {
        stop_if_over();
    } else if (options.rate == 0) {
        const auto again = Clock::now();
        start(*s, again, again);
        stop_if_over();
    } else {
        const bool was_waiting = idle.empty();
        idle.push_back(*s);
        if (was_waiting) release_due();
    }
}

void Fleet::Parts::measure(const Slot& slot, Clock::time_point now) {
    const std::uint64_t latency = ns_between(slot.due, now);
    shown.record(latency);
    if (now < measured_from || now >= measured_to) return;
    close_seconds_before(ns_between(measured_from, now) / ns_per_second);
    result.latency.record(latency);
    result.service.record(ns_between(slot.sent, now));
    result.by_kind[slot.kind].record(latency);
    this_second.record(latency);
    ++result.done;
}

/// The seconds of the measured time up to this one are over, those without an answer too.
void Fleet::Parts::close_seconds_before(std::size_t second) {
    while (result.seconds.size() < second) {
        result.seconds.push_back({this_second.count(), this_second.percentile_ns(0.5),
                                  this_second.percentile_ns(0.95), this_second.percentile_ns(0.99),
                                  this_second.max_ns()});
        this_second.clear();
    }
}

void Fleet::Parts::stop_if_over() {
    // Also when every slot has had all the requests it may have.
    if (busy != 0) return;
    bool more = false;
    if (!over)
        for (const Slot& slot : slots)
            more = more || (may_start(slot) && !connections[slot.connection]->broken);
    if (!more) io.stop();
}

void Fleet::Parts::mark(std::size_t index) {
    Connection& c = *connections[index];
    if (!c.dirty) {
        c.dirty = true;
        dirty.push_back(index);
    }
    if (flush_posted) return;
    flush_posted = true;
    asio::post(io, [this] { flush(); });
}

void Fleet::Parts::flush() {
    flush_posted = false;
    std::vector<std::size_t> ready;
    ready.swap(dirty);
    for (const std::size_t index : ready) {
        connections[index]->dirty = false;
        write(index);
    }
}

void Fleet::Parts::write(std::size_t index) {
    Connection& c = *connections[index];
    if (c.broken || !c.writing.empty() || c.outbox.empty()) return;
    c.writing.swap(c.outbox);
    asio::async_write(c.socket, asio::buffer(c.writing), [this, index](error_code error, std::size_t) {
        Connection& conn = *connections[index];
        conn.writing.clear();
        if (error) {
            break_off(index);
        } else {
            write(index);
        }
    });
}

void Fleet::Parts::break_off(std::size_t index) {
    Connection& c = *connections[index];
    if (c.broken) return;
    c.broken = true;
    ++result.broken_connections;
    error_code ignored;
    c.socket.close(ignored);
    for (const std::size_t s : c.config.slots) {
        if (!slots[s].busy) continue;
        slots[s].busy = false;
        --busy;
        ++result.unanswered;
    }
    stop_if_over();
}

}  // namespace bench
