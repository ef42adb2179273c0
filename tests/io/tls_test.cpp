// TLS channels without a socket: two of them, and a wire between that the test cuts, delays and damages.
#include "switch/io/tls.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "tests/peers/tls_identity.hpp"

using namespace acquirer;
using iso8583::Bytes;
using iso8583::ByteView;
using tls_peers::Identity;
using tls_peers::RevocationList;

namespace {

Bytes copy(ByteView view) { return {view.begin(), view.end()}; }
Bytes text(std::string_view words) { return copy(iso8583::as_bytes(words)); }
void append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

/// One end: its channel, what it has heard, what is on its way to the other.
struct End {
    std::unique_ptr<ByteChannel> channel;
    Bytes heard;
    Bytes sent;

    explicit End(std::unique_ptr<ByteChannel> c) : channel(std::move(c)) {}
    void hear(ByteView wire) {
        const ByteChannel::Fed fed = channel->feed(wire);
        append(heard, fed.plain);
        append(sent, fed.to_send);
    }
    void say(std::string_view words) { append(sent, channel->seal(text(words))); }
};

struct Pair {
    End client, server;
    std::size_t piece = 100'000;  // bytes of the wire that arrive at once

    Pair(TlsContext& client_side, TlsContext& server_side)
        : client(client_side.channel()), server(server_side.channel()) {
        append(client.sent, client.channel->begin());
        append(server.sent, server.channel->begin());
    }
    /// Until nothing is on its way any more.
    void carry() {
        while (!client.sent.empty() || !server.sent.empty()) {
            pass(client, server);
            pass(server, client);
        }
    }
    void pass(End& from, End& to) const {
        const Bytes wire = std::exchange(from.sent, {});
        for (std::size_t at = 0; at < wire.size(); at += piece)
            to.hear(ByteView(wire).subspan(at, std::min(piece, wire.size() - at)));
    }
};

struct World {
    Identity authority{"test authority"};
    Identity other_authority{"another authority"};
    Identity server{"switch.test", authority};
    Identity client{"terminal-1", authority};

    [[nodiscard]] TlsSetup server_setup() const {
        return {server.certificate_path(), server.key_path(), authority.certificate_path(), {}, false};
    }
    [[nodiscard]] TlsSetup client_setup() const {
        return {client.certificate_path(),
                client.key_path(),
                authority.certificate_path(),
                {"switch.test"},
                false};
    }
};

std::shared_ptr<TlsContext> context(TlsContext::Side side, const TlsSetup& setup) {
    auto made = TlsContext::open(side, setup);
    if (!made) FAIL(made.error().what);
    return *made;
}
std::shared_ptr<TlsContext> server_of(const TlsSetup& setup) {
    return context(TlsContext::Side::server, setup);
}
std::shared_ptr<TlsContext> client_of(const TlsSetup& setup) {
    return context(TlsContext::Side::client, setup);
}

bool contains(const Bytes& wire, std::string_view words) {
    const Bytes wanted = text(words);
    return std::search(wire.begin(), wire.end(), wanted.begin(), wanted.end()) != wire.end();
}

}  // namespace

TEST_CASE("TLS: what one says the other hears, in pieces of any size, and the wire does not show it") {
    const World world;
    const auto server = server_of(world.server_setup());
    const auto client = client_of(world.client_setup());
    for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
        Pair pair(*client, *server);
        pair.piece = piece;
        pair.carry();
        REQUIRE(pair.client.channel->ready());
        REQUIRE(pair.server.channel->ready());
        pair.client.say("0200 a sale");
        CHECK_FALSE(contains(pair.client.sent, "sale"));
        pair.carry();
        CHECK(pair.server.heard == text("0200 a sale"));
        pair.server.say(std::string(100'000, 'x'));
        pair.carry();
        CHECK(pair.client.heard == text(std::string(100'000, 'x')));
    }
    CHECK(server->counts().handshakes == 3);
    CHECK(server->counts().failures == 0);
}

TEST_CASE("TLS: what is written before the handshake waits for its end") {
    const World world;
    const auto server = server_of(world.server_setup());
    const auto client = client_of(world.client_setup());
    Pair pair(*client, *server);
    pair.client.say("early");
    CHECK(pair.client.channel->held_bytes() == 5);
    pair.carry();
    CHECK(pair.client.channel->held_bytes() == 0);
    CHECK(pair.server.heard == text("early"));
    // And not without a bound.
    Pair greedy(*client, *server);
    greedy.client.say(std::string(2'000'000, 'x'));
    CHECK(greedy.client.channel->failure().find("wait for the TLS handshake") != std::string::npos);
}

TEST_CASE("TLS: a farewell is told from a wire that was cut") {
    const World world;
    const auto server = server_of(world.server_setup());
    const auto client = client_of(world.client_setup());
    Pair pair(*client, *server);
    pair.carry();
    append(pair.client.sent, pair.client.channel->finish());
    CHECK(pair.client.channel->finish().empty());
    pair.carry();
    CHECK(pair.server.channel->peer_finished());
    pair.server.channel->wire_ended();
    CHECK(pair.server.channel->failure().empty());

    Pair cut(*client, *server);
    cut.carry();
    cut.server.channel->wire_ended();
    CHECK(cut.server.channel->failure() == "the connection was cut off without TLS's farewell");
    Pair early(*client, *server);
    early.server.channel->wire_ended();
    CHECK(early.server.channel->failure() == "the connection was closed within the TLS handshake");
}

TEST_CASE("TLS: who is not accepted") {
    const World world;
    const auto failure = [](const TlsSetup& client, const TlsSetup& server) {
        const auto server_side = server_of(server);
        const auto client_side = client_of(client);
        Pair pair(*client_side, *server_side);
        pair.client.say("a secret");
        pair.carry();
        CHECK(pair.server.heard.empty());
        const std::string& of_client = pair.client.channel->failure();
        return "client: " + of_client + " / server: " + pair.server.channel->failure();
    };
    const auto says = [](const std::string& all, const std::string& words) {
        INFO(all);
        return all.find(words) != std::string::npos;
    };
    const std::string refused = "the peer's certificate is not accepted: ";

    TlsSetup client = world.client_setup();
    client.names = {"another.test"};
    CHECK(says(failure(client, world.server_setup()), "client: " + refused + "hostname mismatch"));

    client = world.client_setup();
    client.authority = world.other_authority.certificate_path();
    CHECK(says(failure(client, world.server_setup()), "client: " + refused));

    const Identity late("switch.test", world.authority, -60);
    TlsSetup server = world.server_setup();
    server.certificate = late.certificate_path();
    server.key = late.key_path();
    CHECK(says(failure(world.client_setup(), server), "client: " + refused + "certificate has expired"));

    const Identity stranger("terminal-1", world.other_authority);
    client = world.client_setup();
    client.certificate = stranger.certificate_path();
    client.key = stranger.key_path();
    CHECK(says(failure(client, world.server_setup()), "server: " + refused));

    client = world.client_setup();
    client.certificate.clear();
    client.key.clear();
    CHECK(says(failure(client, world.server_setup()),
               "server: TLS handshake: peer did not return a certificate"));

    server = world.server_setup();
    server.names = {"terminal-2", "terminal-3"};
    CHECK(says(failure(world.client_setup(), server),
               "server: the client's certificate is of \"terminal-1\", who is not expected here"));
}

TEST_CASE("TLS: clients without a certificate where that is said, and where no authority is") {
    const World world;
    TlsSetup client = world.client_setup();
    client.certificate.clear();
    client.key.clear();
    TlsSetup server = world.server_setup();
    SECTION("said") { server.peer_may_be_unknown = true; }
    SECTION("no authority") { server.authority.clear(); }
    const auto server_side = server_of(server);
    const auto client_side = client_of(client);
    Pair pair(*client_side, *server_side);
    pair.client.say("hello");
    pair.carry();
    CHECK(pair.server.heard == text("hello"));
}

TEST_CASE("TLS: bytes that are none are a failure, and never plain bytes") {
    const World world;
    const auto server = server_of(world.server_setup());
    const auto client = client_of(world.client_setup());
    End clear(server->channel());
    clear.hear(text("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(clear.heard.empty());
    CHECK(clear.channel->failure().find("TLS handshake: ") == 0);

    Pair pair(*client, *server);
    pair.carry();
    pair.client.say("0200 a sale");
    pair.client.sent.back() ^= 1;
    pair.carry();
    CHECK(pair.server.heard.empty());
    CHECK(pair.server.channel->failure().find("TLS: ") == 0);
    // What comes after it is not looked at.
    const Bytes more = copy(pair.client.channel->seal(text("more")));
    pair.server.hear(more);
    CHECK(pair.server.heard.empty());
    CHECK(server->counts().failures == 2);
}

TEST_CASE("TLS: a second connection of a client resumes the first one's session") {
    const World world;
    const auto server = server_of(world.server_setup());
    const auto client = client_of(world.client_setup());
    for (int connection = 0; connection < 3; ++connection) {
        Pair pair(*client, *server);
        pair.client.say("hello");
        pair.carry();
        CHECK(pair.server.heard == text("hello"));
        append(pair.client.sent, pair.client.channel->finish());
        pair.carry();
    }
    CHECK(server->counts().handshakes == 3);
    CHECK(server->counts().resumed == 2);
}

TEST_CASE("TLS: files that are read again are for later connections; those that are wrong change nothing") {
    const World world;
    const Identity other("other.test", world.authority);
    const Identity copy_of_files("copy", world.authority);  // its paths are what the context reads
    TlsSetup setup = world.server_setup();
    setup.certificate = copy_of_files.certificate_path();
    setup.key = copy_of_files.key_path();
    const auto put = [](const std::string& from, const std::string& to) {
        std::ifstream in(from, std::ios::binary);
        std::ofstream(to, std::ios::binary | std::ios::trunc) << in.rdbuf();
    };
    put(world.server.certificate_path(), setup.certificate);
    put(world.server.key_path(), setup.key);
    const auto server = server_of(setup);
    const auto client = client_of(world.client_setup());
    Pair before(*client, *server);
    before.carry();

    put(other.certificate_path(), setup.certificate);
    const auto torn = server->reload();
    REQUIRE_FALSE(torn);
    CHECK(torn.error().what.find(setup.key) == 0);
    Pair meanwhile(*client, *server);
    meanwhile.carry();
    CHECK(meanwhile.client.channel->ready());

    put(other.key_path(), setup.key);
    REQUIRE(server->reload());
    Pair after(*client_of(world.client_setup()), *server);
    after.carry();
    CHECK(after.client.channel->failure().find("hostname mismatch") != std::string::npos);
    before.client.say("still here");
    before.carry();
    CHECK(before.server.heard == text("still here"));
}

TEST_CASE("TLS: whose certificate was taken back is not accepted, on a port and on a link") {
    const World world;
    const RevocationList list(world.authority);
    constexpr long day = 86'400;
    const Identity other("terminal-2", world.authority);
    TlsSetup server = world.server_setup(), client = world.client_setup();
    const auto failure = [](TlsContext& from, TlsContext& to) {
        Pair pair(from, to);
        pair.client.say("a secret");
        pair.carry();
        CHECK((pair.client.channel->failure() + pair.server.channel->failure()).empty() ==
              (pair.server.heard == text("a secret")));
        return "client: " + pair.client.channel->failure() + " / server: " + pair.server.channel->failure();
    };
    const auto says = [](const std::string& all, const std::string& words) {
        INFO(all);
        return all.find(words) != std::string::npos;
    };
    const std::string accepted = "client:  / server: ";
    const std::string refused = "the peer's certificate is not accepted: ";

    SECTION("a terminal's") {
        server.crl = list.path();
        list.write({&other}, day);
        const auto port = server_of(server);
        const auto terminal = client_of(client);
        CHECK(failure(*terminal, *port) == accepted);
        list.write({&other, &world.client}, day);
        REQUIRE(port->reload());
        // The session that the terminal has from before opens nothing.
        CHECK(says(failure(*terminal, *port), "server: " + refused + "certificate revoked"));
    }
    SECTION("a bank's") {
        client.crl = list.path();
        list.write({&world.server}, day);
        CHECK(says(failure(*client_of(client), *server_of(server)),
                   "client: " + refused + "certificate revoked"));
    }
    SECTION("a list that has ended says nothing any more, so that nobody is accepted") {
        server.crl = list.path();
        list.write({}, -60);
        const auto port = server_of(server);
        CHECK(says(failure(*client_of(client), *port), "server: " + refused + "CRL has expired"));
        REQUIRE(port->crl());
        const iso8583::UtcTime ended = port->crl()->next;
        list.write({}, day);
        REQUIRE(port->reload());
        CHECK(failure(*client_of(client), *port) == accepted);
        CHECK(port->crl()->next.ms > ended.ms);
        CHECK(port->crl()->issued.ms < ended.ms);
    }
    SECTION("a list of another authority is none of ours") {
        const RevocationList foreign(world.other_authority);
        foreign.write({}, day);
        server.crl = foreign.path();
        CHECK(says(failure(*client_of(client), *server_of(server)),
                   "server: " + refused + "unable to get certificate CRL"));
    }
    SECTION("a file that has none changes nothing") {
        server.crl = list.path();
        list.write({&world.client}, day);
        const auto port = server_of(server);
        std::ofstream(list.path(), std::ios::trunc) << "torn";
        const auto torn = port->reload();
        REQUIRE_FALSE(torn);
        CHECK(torn.error().what.find(list.path() + ": has no list of revoked certificates") == 0);
        CHECK(says(failure(*client_of(client), *port), "certificate revoked"));
    }
    CHECK_FALSE(server_of(world.server_setup())->crl());
}

TEST_CASE("TLS: the first certificate to end is told") {
    const World world;
    const Identity soon("switch.test", world.authority, 3'600);
    TlsSetup setup = world.server_setup();
    const auto later = server_of(setup)->expires();
    setup.certificate = soon.certificate_path();
    setup.key = soon.key_path();
    const auto sooner = server_of(setup)->expires();
    REQUIRE((later && sooner));
    CHECK(sooner->ms < later->ms);
}

TEST_CASE("TLS: what does not fit together is an error that names the file") {
    const World world;
    struct Row {
        const char* what;
        TlsContext::Side side;
        TlsSetup setup;
        std::string says;
    };
    const TlsSetup good = world.server_setup();
    const std::string& none = "/nonexistent.pem";
    const Row rows[] = {
        {"no certificate",
         TlsContext::Side::server,
         {"", "", good.authority, {}, false},
         "a server needs a certificate"},
        {"no key",
         TlsContext::Side::server,
         {good.certificate, "", "", {}, false},
         "a certificate and its key go together"},
        {"a file that is not there",
         TlsContext::Side::server,
         {none, good.key, "", {}, false},
         none + ": is no certificate chain"},
        {"another's key",
         TlsContext::Side::server,
         {good.certificate, world.client.key_path(), "", {}, false},
         world.client.key_path() + ": is no private key of the certificate"},
        {"an authority that is not there",
         TlsContext::Side::server,
         {good.certificate, good.key, none, {}, false},
         none + ": has no certificate of an authority"},
        {"names without an authority",
         TlsContext::Side::server,
         {good.certificate, good.key, "", {"x"}, false},
         "names of clients need an authority"},
        {"lists without an authority",
         TlsContext::Side::server,
         {good.certificate, good.key, "", {}, false, "x"},
         "lists of revoked certificates need the authority"},
        {"a client that trusts nobody",
         TlsContext::Side::client,
         {"", "", "", {"x"}, false},
         "a client needs an authority"},
        {"a client that would take anybody",
         TlsContext::Side::client,
         {"", "", good.authority, {}, false},
         "a client needs an authority and the name"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const auto made = TlsContext::open(row.side, row.setup);
        REQUIRE_FALSE(made);
        CHECK(made.error().what.find(row.says) == 0);
    }
    TlsSetup lists = good;
    lists.crl = none;
    const auto gone = TlsContext::open(TlsContext::Side::server, lists);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().what == none + ": has no list of revoked certificates: No such file or directory");
}

TEST_CASE("TLS: versions and suites that can be read later are not spoken") {
    const World world;
    const auto server = server_of(world.server_setup());
    struct Row {
        int newest;
        const char* suites;
        bool spoken;
    };
    const Row rows[] = {
        {TLS1_3_VERSION, nullptr, true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false},  // CBC
        {TLS1_1_VERSION, nullptr, false},
    };
    for (const Row& row : rows) {
        INFO(row.newest << ' ' << (row.suites == nullptr ? "" : row.suites));
        SSL_CTX* context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_max_proto_version(context, row.newest);
        if (row.suites != nullptr) REQUIRE(SSL_CTX_set_cipher_list(context, row.suites) == 1);
        SSL_CTX_use_certificate(context, world.client.certificate());
        SSL_CTX_use_PrivateKey(context, world.client.key());
        SSL* ssl = SSL_new(context);
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl);
        End end(server->channel());
        for (int round = 0; round < 4; ++round) {
            SSL_do_handshake(ssl);
            char* data = nullptr;
            const long size = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
            const Bytes wire(data, data + size);
            BIO_reset(SSL_get_wbio(ssl));
            end.hear(wire);
            BIO_write(SSL_get_rbio(ssl), end.sent.data(), static_cast<int>(end.sent.size()));
            end.sent.clear();
        }
        CHECK(end.channel->ready() == row.spoken);
        SSL_free(ssl);
        SSL_CTX_free(context);
    }
}
