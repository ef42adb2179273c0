// The seam under the streams: channels alone, then over real sockets through the reactor.
#include "switch/io/byte_channel.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/io/record_channel.hpp"
#include "tests/io/stack.hpp"

using namespace io_test;
using acquirer::ByteChannel;
using acquirer::MakeChannel;
using acquirer::plain_channel;
using acquirer::Reactor;
using acquirer::SocketAddress;
using acquirer::Stream;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

Bytes copy(ByteView view) { return {view.begin(), view.end()}; }
Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    return out;
}
Bytes text(std::string_view words) { return copy(iso8583::as_bytes(words)); }

/// One end of a connection as its owner hears it.
struct End final : acquirer::StreamOwner {
    void bytes_arrived(Stream& from, ByteView bytes) override {
        heard.insert(heard.end(), bytes.begin(), bytes.end());
        if (on_bytes) on_bytes(from);
    }
    void peer_finished(Stream& from) override {
        ++finished;
        if (!keeps_finished) acquirer::StreamOwner::peer_finished(from);
    }
    void stream_ended(Stream&, const std::string& why) override { ended.push_back(why); }
    void write(Bytes bytes) const { stream->write(bytes); }

    std::shared_ptr<Stream> stream;
    std::function<void(Stream&)> on_bytes;
    bool keeps_finished = true;
    Bytes heard;
    int finished = 0;
    std::vector<std::string> ended;
};

/// A listening end and the stream it accepts, on a reactor that the test turns by hand.
struct Room {
    explicit Room(MakeChannel channel) {
        auto made =
            reactor.listen({"127.0.0.1", 0}, std::move(channel), [this](std::shared_ptr<Stream> stream) {
                server.stream = std::move(stream);
                server.stream->start(server, 1, 4'096);
            });
        REQUIRE(made);
        listener = std::move(*made);
        const std::string address = listener->address();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    /// The other end, a stream of the same reactor.
    void connect(MakeChannel channel) {
        reactor.connect({"127.0.0.1", port}, 5'000, std::move(channel),
                        [this](iso8583::Result<std::shared_ptr<Stream>> result) {
                            REQUIRE(result);
                            client.stream = std::move(*result);
                            client.stream->start(client, 2, 4'096);
                        });
        run_until([&] { return client.stream && server.stream; });
    }
    void run_until(const std::function<bool()>& done) {
        int looks = 0;
        std::unique_ptr<acquirer::Alarm> watch = reactor.alarm([&] {
            if (done() || ++looks > 5'000) return reactor.stop();
            watch->set(Reactor::now().plus_ms(2));
        });
        watch->set(Reactor::now());
        reactor.run();
        REQUIRE(done());
    }

    Reactor reactor;
    End server;
    End client;
    std::unique_ptr<acquirer::Listener> listener;
    std::uint16_t port = 0;
};

struct Kind {
    const char* name;
    MakeChannel server;
    MakeChannel client;
};
const Kind kinds[] = {{"plain", plain_channel, plain_channel},
                      {"records", records(Side::server), records(Side::client)}};

const Bytes hello{RecordChannel::hello, 0, 0};
const Bytes farewell{RecordChannel::farewell, 0, 0};

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}
/// `plain` as data records, without the handshake before them.
Bytes sealed(std::string_view plain) {
    RecordChannel channel(Side::client);
    static_cast<void>(channel.begin());
    static_cast<void>(channel.feed(hello));
    return copy(channel.seal(iso8583::as_bytes(plain)));
}
/// What a client reads out of all that a server sent.
Bytes opened(std::string_view wire) {
    RecordChannel channel(Side::client);
    static_cast<void>(channel.begin());
    return copy(channel.feed(iso8583::as_bytes(wire)).plain);
}

}  // namespace

TEST_CASE("plain: the same bytes at the same place, no handshake and no farewell") {
    const auto channel = plain_channel();
    const Bytes bytes = pattern(300);
    CHECK(channel->ready());
    CHECK(channel->begin().empty());
    const ByteChannel::Fed fed = channel->feed(bytes);
    CHECK(fed.plain.data() == bytes.data());
    CHECK(fed.plain.size() == bytes.size());
    CHECK(fed.to_send.empty());
    CHECK(channel->seal(bytes).data() == bytes.data());
    CHECK(channel->held_bytes() == 0);
    CHECK(channel->finish().empty());
    CHECK_FALSE(channel->peer_finished());
    channel->wire_ended();
    CHECK(channel->peer_finished());
    CHECK(channel->failure().empty());
}

TEST_CASE("a channel without a socket: what is sealed before the handshake leaves after it, in any pieces") {
    const std::size_t piece = GENERATE(1U, 2U, 3U, 7U, 5'000U);
    RecordChannel client(Side::client);
    RecordChannel server(Side::server);
    const Bytes question = pattern(2'500);
    Bytes to_server = copy(client.begin());
    REQUIRE(server.begin().empty());
    CHECK(client.seal(question).empty());
    CHECK(client.held_bytes() == question.size());
    Bytes to_client;
    Bytes heard;
    while (!to_server.empty() || !to_client.empty()) {
        const auto pass = [piece](Bytes& from, ByteChannel& to, Bytes& back, Bytes* plain) {
            const std::size_t size = std::min(piece, from.size());
            const ByteChannel::Fed fed = to.feed(ByteView(from).first(size));
            from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
            back.insert(back.end(), fed.to_send.begin(), fed.to_send.end());
            if (plain != nullptr) plain->insert(plain->end(), fed.plain.begin(), fed.plain.end());
        };
        pass(to_server, server, to_client, &heard);
        pass(to_client, client, to_server, nullptr);
    }
    CHECK(heard == question);
    CHECK(client.held_bytes() == 0);
    static_cast<void>(server.feed(client.finish()));
    CHECK(server.peer_finished());
    server.wire_ended();
    CHECK(server.failure().empty());
    client.wire_ended();  // the server has said no farewell
    CHECK_FALSE(client.failure().empty());
}

TEST_CASE("streams carry bytes both ways over every kind of channel, more than the sockets take at once") {
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        Room room(kind.server);
        room.connect(kind.client);
        const Bytes question = pattern(3'000'000);
        const Bytes answer = pattern(2'000'000);
        room.client.write(question);  // before any handshake has ended
        room.server.write(answer);
        room.run_until([&] {
            return room.server.heard.size() >= question.size() && room.client.heard.size() >= answer.size();
        });
        CHECK(room.server.heard == question);
        CHECK(room.client.heard == answer);
        CHECK(room.client.stream->unsent_bytes() == 0);
        CHECK(room.server.stream->unsent_bytes() == 0);
        CHECK(room.server.ended.empty());
        room.client.stream->close();
        room.run_until([&] { return room.server.finished == 1; });
    }
}

TEST_CASE("what was held for the handshake still leaves after close_after_writing, then the farewell") {
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        Room room(kind.server);
        room.connect(kind.client);
        room.client.write(text("the last words"));
        room.client.stream->close_after_writing();
        room.run_until([&] { return room.server.finished == 1; });
        CHECK(room.server.heard == text("the last words"));
        CHECK(room.server.ended.empty());
        CHECK(room.client.finished == 0);  // who closed hears no more
        CHECK(room.client.ended.empty());
    }
}

TEST_CASE("a peer that sends no more is told of once, after its bytes, and still reads") {
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        const bool plain = kind.name == std::string("plain");
        Room room(kind.server);
        Socket socket = Socket::connect(room.listener->address());
        socket.send(plain ? text("question") : joined({hello, sealed("question"), farewell}));
        socket.finish_sending();
        room.run_until([&] { return room.server.finished > 0; });
        CHECK(room.server.heard == text("question"));
        const Bytes answer = pattern(100'000);
        room.server.write(answer);
        room.server.stream->close_after_writing();
        room.run_until([&] { return room.server.stream->unsent_bytes() == 0; });
        const std::string wire = socket.receive_all();
        CHECK((plain ? text(wire) : opened(wire)) == answer);
        CHECK(room.server.finished == 1);
        CHECK(room.server.ended.empty());
    }
}

TEST_CASE("an owner that says nothing to a peer that finished has its stream closed") {
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        Room room(kind.server);
        room.server.keeps_finished = false;
        room.connect(kind.client);
        room.client.write(text("bye"));
        room.client.stream->close_after_writing();
        room.run_until([&] { return !room.server.ended.empty(); });
        CHECK(room.server.ended == std::vector<std::string>{acquirer::peer_finished_reason});
        CHECK(room.server.heard == text("bye"));
    }
}

TEST_CASE("between pause and resume nothing is heard, not even that the peer has finished") {
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        Room room(kind.server);
        room.server.on_bytes = [](Stream& from) { from.pause_reading(); };
        room.connect(kind.client);
        room.client.write(text("first"));
        room.run_until([&] { return !room.server.heard.empty(); });
        const std::size_t heard = room.server.heard.size();
        const Bytes more = pattern(8'000'000);
        room.client.write(more);
        room.client.stream->close_after_writing();
        // The kernel's buffers fill; the rest waits at the sender.
        std::size_t waiting = 0;
        int looks_alike = 0;
        room.run_until([&] {
            looks_alike = room.client.stream->unsent_bytes() == waiting ? looks_alike + 1 : 0;
            waiting = room.client.stream->unsent_bytes();
            return looks_alike > 20;
        });
        CHECK(waiting > 0);
        CHECK(room.server.heard.size() == heard);
        room.server.on_bytes = nullptr;
        room.server.stream->resume_reading();
        room.run_until([&] { return room.server.finished == 1; });
        CHECK(room.server.heard.size() == text("first").size() + more.size());
    }
}

TEST_CASE("a peer that finishes in the same bytes in which it is paused is told of after resume") {
    Room room(records(Side::server));
    room.server.on_bytes = [](Stream& from) { from.pause_reading(); };
    Socket socket = Socket::connect(room.listener->address());
    socket.send(joined({hello, sealed("all at once"), farewell}));
    room.run_until([&] { return !room.server.heard.empty(); });
    int looks = 0;
    room.run_until([&] { return ++looks > 10; });
    CHECK(room.server.finished == 0);
    room.server.stream->resume_reading();
    room.run_until([&] { return room.server.finished == 1; });
}

TEST_CASE("what fails in the channel ends the stream with its reason, and the alert still leaves") {
    const struct {
        const char* what;
        Bytes sent;
        const char* heard;
        const char* why;
        bool alert;
    } rows[] = {
        {"no handshake", text("GET / HTTP/1.1\r\n\r\n"), "", "too long", true},
        {"data before the handshake", sealed("x"), "", "may come here", true},
        {"data, then nonsense", joined({hello, sealed("good"), {'?', 0, 0}}), "good", "may come here", true},
        {"cut off within a record", joined({hello, sealed("good"), {'D', 0}}), "good", "cut off", false},
        {"cut off without a farewell", joined({hello, sealed("good")}), "good", "cut off", false},
        {"the peer's alert", joined({hello, {RecordChannel::alert, 0, 0}}), "", "alert", false},
    };
    for (const auto& row : rows) {
        INFO(row.what);
        Room room(records(Side::server));
        Socket socket = Socket::connect(room.listener->address());
        socket.send(row.sent);
        socket.finish_sending();
        room.run_until([&] { return !room.server.ended.empty(); });
        CHECK(room.server.finished == 0);
        CHECK(room.server.heard == text(row.heard));
        REQUIRE(room.server.ended.size() == 1);
        CHECK(room.server.ended[0].find(row.why) != std::string::npos);
        const std::string back = socket.receive_all();
        CHECK((!back.empty() && back[back.size() - 3] == RecordChannel::alert) == row.alert);
    }
}

TEST_CASE("a handshake that does not end is given up") {
    RecordOptions hasty;
    hasty.handshake_ms_max = 30;
    Room room(records(Side::server, hasty));
    Socket socket = Socket::connect(room.listener->address());
    room.run_until([&] { return !room.server.ended.empty(); });
    CHECK(room.server.ended[0].find("handshake") != std::string::npos);
    CHECK(socket.receive_all().empty());
}

TEST_CASE("a handshake that has ended is not given up later") {
    RecordOptions hasty;
    hasty.handshake_ms_max = 30;
    Room room(records(Side::server, hasty));
    room.connect(records(Side::client, hasty));
    room.client.write(text("hello"));
    room.run_until([&] { return !room.server.heard.empty(); });
    const iso8583::Instant later = Reactor::now().plus_ms(60);
    room.run_until([&] { return Reactor::now().ms > later.ms; });
    CHECK(room.server.ended.empty());
    CHECK(room.client.ended.empty());
}

TEST_CASE("a channel that cannot seal any more ends the stream, and not from inside write()") {
    RecordOptions few;
    few.records_max = 2;
    Room room(records(Side::server));
    room.connect(records(Side::client, few));
    room.client.write(text("one"));
    room.run_until([&] { return !room.server.heard.empty(); });
    room.client.write(text("two"));
    room.client.write(text("three"));
    CHECK(room.client.ended.empty());
    room.run_until([&] { return !room.client.ended.empty(); });
    CHECK(room.client.ended == std::vector<std::string>{"no more records under this key"});
    room.run_until([&] { return !room.server.ended.empty(); });
    CHECK(room.server.heard == text("onetwo"));
}

TEST_CASE("a peer that is gone ends a stream that only writes to it") {
    Room room(plain_channel);
    Socket socket = Socket::connect(room.listener->address());
    socket.finish_sending();
    room.run_until([&] { return room.server.finished == 1; });
    socket.close();
    room.run_until([&] {
        if (room.server.ended.empty()) room.server.write(text("still there?"));
        return !room.server.ended.empty();
    });
    CHECK(room.server.ended.size() == 1);
}
