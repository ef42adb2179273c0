#include "bench/relay.hpp"

#include <boost/asio.hpp>
#include <deque>
#include <thread>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "ledger/store.hpp"

namespace bench {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using iso8583::Bytes;

namespace {

constexpr std::size_t read_bytes = 1U << 16;

/// One direction of one socket: collects, and writes what has collected in one go.
struct Pipe : std::enable_shared_from_this<Pipe> {
    explicit Pipe(tcp::socket s) : socket(std::move(s)), input(read_bytes) {}
    void write() {
        if (writing_now || outbox.empty()) return;
        writing_now = true;
        writing.clear();
        writing.swap(outbox);
        asio::async_write(socket, asio::buffer(writing),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              self->writing_now = false;
                              if (!error) self->write();
                          });
    }
    /// Calls `each` with every whole frame (prefix included) that has arrived, and keeps the rest.
    template <typename Each>
    void cut(std::size_t bytes, Each&& each) {
        pending.insert(pending.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(bytes));
        std::size_t at = 0;
        while (pending.size() - at >= 2) {
            const std::size_t length = 2 + (std::size_t{pending[at]} << 8 | pending[at + 1]);
            if (pending.size() - at < length) break;
            each(iso8583::ByteView(pending).subspan(at, length));
            at += length;
        }
        pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(at));
    }

    tcp::socket socket;
    Bytes input, pending, outbox, writing;
    bool writing_now = false, dirty = false;
};
using PipePtr = std::shared_ptr<Pipe>;

}  // namespace

struct EchoIssuer::Parts {
    asio::io_context io{1};
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread;

    void accept() {
        acceptor.async_accept([this](error_code error, tcp::socket socket) {
            if (error) return;
            socket.set_option(tcp::no_delay(true), error);
            echo(std::make_shared<Pipe>(std::move(socket)));
            accept();
        });
    }
    void echo(const PipePtr& pipe) {
        pipe->socket.async_read_some(
            asio::buffer(pipe->input), [this, pipe](error_code error, std::size_t bytes) {
                if (error) return;
                pipe->outbox.insert(pipe->outbox.end(), pipe->input.begin(),
                                    pipe->input.begin() + static_cast<std::ptrdiff_t>(bytes));
                pipe->write();
                echo(pipe);
            });
    }
};

EchoIssuer::EchoIssuer() : parts_(std::make_unique<Parts>()) {
    parts_->accept();
    parts_->thread = std::thread([p = parts_.get()] { p->io.run(); });
}
EchoIssuer::~EchoIssuer() {
    parts_->io.stop();
    parts_->thread.join();
}
std::uint16_t EchoIssuer::port() const { return parts_->acceptor.local_endpoint().port(); }

struct RelayServer::Parts {
    struct Upstream {
        PipePtr pipe;
        std::deque<PipePtr> owners;  // the issuer answers in the order it was asked
    };
    struct Waiting {
        std::size_t upstream;
        PipePtr owner;
        Bytes frame;
    };

    asio::io_context io{1};
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    std::vector<Upstream> upstreams;
    std::size_t next_upstream = 0;
    std::vector<PipePtr> dirty;
    bool flush_posted = false;
    std::thread thread;

    ledger::Store* store = nullptr;
    std::deque<Waiting> waiting;   // not recorded yet
    std::vector<Waiting> syncing;  // recorded in the batch that is being synced
    std::uint64_t turn = 0, record = 0;
    bool sync_under_way = false, collect_posted = false;
    std::string value = std::string(300, 'r');  // as large as a refund's record

    void accept() {
        acceptor.async_accept([this](error_code error, tcp::socket socket) {
            if (error) return;
            socket.set_option(tcp::no_delay(true), error);
            read_terminal(std::make_shared<Pipe>(std::move(socket)), next_upstream++ % issuer_connections);
            accept();
        });
    }
    void read_terminal(const PipePtr& pipe, std::size_t upstream) {
        pipe->socket.async_read_some(
            asio::buffer(pipe->input), [this, pipe, upstream](error_code error, std::size_t n) {
                if (error) return;
                pipe->cut(n, [&](iso8583::ByteView frame) {
                    if (store == nullptr) {
                        pass_on(upstream, pipe, frame);
                    } else {
                        waiting.push_back({upstream, pipe, Bytes(frame.begin(), frame.end())});
                    }
                });
                if (store != nullptr) post_collect();
                read_terminal(pipe, upstream);
            });
    }
    void read_issuer(std::size_t upstream) {
        Upstream& u = upstreams[upstream];
        u.pipe->socket.async_read_some(
            asio::buffer(u.pipe->input), [this, upstream](error_code error, std::size_t n) {
                if (error) return;
                Upstream& from = upstreams[upstream];
                from.pipe->cut(n, [&](iso8583::ByteView frame) {
                    if (from.owners.empty()) return;
                    const PipePtr owner = std::move(from.owners.front());
                    from.owners.pop_front();
                    owner->outbox.insert(owner->outbox.end(), frame.begin(), frame.end());
                    mark(owner);
                });
                read_issuer(upstream);
            });
    }
    void pass_on(std::size_t upstream, const PipePtr& owner, iso8583::ByteView frame) {
        Upstream& u = upstreams[upstream];
        u.owners.push_back(owner);
        u.pipe->outbox.insert(u.pipe->outbox.end(), frame.begin(), frame.end());
        mark(u.pipe);
    }
    void mark(const PipePtr& pipe) {
        if (!pipe->dirty) {
            pipe->dirty = true;
            dirty.push_back(pipe);
        }
        if (flush_posted) return;
        flush_posted = true;
        asio::post(io, [this] {
            flush_posted = false;
            std::vector<PipePtr> ready;
            ready.swap(dirty);
            for (const PipePtr& p : ready) {
                p->dirty = false;
                p->write();
            }
        });
    }
    /// Behind all reads that are ready, so that they share the sync.
    void post_collect() {
        if (collect_posted) return;
        collect_posted = true;
        asio::post(io, [this] {
            collect_posted = false;
            begin_sync();
        });
    }
    void begin_sync() {
        if (sync_under_way || waiting.empty()) return;
        sync_under_way = true;
        ledger::Batch batch;
        batch.turn_number = ++turn;
        while (!waiting.empty() && syncing.size() < turn_frames_max) {
            add_records(batch);
            syncing.push_back(std::move(waiting.front()));
            waiting.pop_front();
        }
        store->begin_sync(std::move(batch), [this] { asio::post(io, [this] { finish_sync(); }); });
    }
    /// Transaction record and posting in time order, the idempotency key in hash order.
    void add_records(ledger::Batch& batch) {
        ++record;
        const auto key = [](char kind, std::uint64_t number) {
            std::string k(1, kind);
            for (int shift = 56; shift >= 0; shift -= 8)
                k.push_back(static_cast<char>(number >> shift & 0xFF));
            return k;
        };
        // An odd multiplier scatters the numbers over the whole range, each once.
        batch.put(ledger::Family::journal, key('t', record), value);
        batch.put(ledger::Family::journal, key('p', record), value.substr(0, 100));
        batch.put(ledger::Family::index, key('k', record * 0x9E3779B97F4A7C15ULL), value.substr(0, 12));
    }
    void finish_sync() {
        if (!store->finish_sync()) {
            io.stop();
            return;
        }
        for (const Waiting& w : syncing) pass_on(w.upstream, w.owner, w.frame);
        syncing.clear();
        sync_under_way = false;
        begin_sync();
    }
};

RelayServer::RelayServer() : parts_(std::make_unique<Parts>()) {}

iso8583::Result<std::unique_ptr<RelayServer>> RelayServer::start(std::uint16_t issuer_port,
                                                                 ledger::Store* store) {
    std::unique_ptr<RelayServer> server(new RelayServer());
    Parts& p = *server->parts_;
    p.store = store;
    if (store != nullptr) p.turn = store->last_turn_number();
    for (std::size_t i = 0; i < issuer_connections; ++i) {
        tcp::socket socket(p.io);
        error_code error;
        socket.connect({asio::ip::address_v4::loopback(), issuer_port}, error);
        if (!error) socket.set_option(tcp::no_delay(true), error);
        if (error) return iso8583::parse_error("relay: cannot connect to its issuer: " + error.message());
        p.upstreams.push_back({std::make_shared<Pipe>(std::move(socket)), {}});
    }
    for (std::size_t i = 0; i < issuer_connections; ++i) p.read_issuer(i);
    p.accept();
    p.thread = std::thread([&p] { p.io.run(); });
    return server;
}

RelayServer::~RelayServer() {
    parts_->io.stop();
    if (parts_->thread.joinable()) parts_->thread.join();
    // The store calls back into this io_context until its sync is finished.
    if (parts_->sync_under_way) static_cast<void>(parts_->store->finish_sync());
}

std::uint16_t RelayServer::port() const { return parts_->acceptor.local_endpoint().port(); }

}  // namespace bench
