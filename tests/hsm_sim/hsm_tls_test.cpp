// Host commands over TLS: a client with a certificate of the right authority is served, nobody else is.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <memory>
#include <vector>

#include "hsm_sim/payshield.hpp"
#include "tests/hsm_sim/hsm_process.hpp"
#include "tests/peers/tls_identity.hpp"

using namespace hsm;
using hsm::testing::HsmProcess;
using tls_peers::Identity;

namespace {

/// One command over a fresh TLS connection; empty when the server would have none of it.
std::string ask(std::uint16_t port, const Identity& authority, const Identity* client, int newest_version) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_file(context, authority.certificate_path().c_str());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_max_proto_version(context, newest_version);
    SSL_CTX_set_security_level(context, 0);
    if (client != nullptr) {
        SSL_CTX_use_certificate(context, client->certificate());
        SSL_CTX_use_PrivateKey(context, client->key());
    }
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{10, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, socket);
    std::string answer;
    const std::string frame = make_frame("0001", "B20003abc");
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, frame.data(), static_cast<int>(frame.size())) > 0) {
        std::array<char, 256> part{};
        const int got = SSL_read(ssl, part.data(), part.size());
        if (got > 0) answer.assign(part.data(), static_cast<std::size_t>(got));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ::close(socket);
    return answer;
}

}  // namespace

TEST_CASE("TLS with client certificates") {
    std::signal(SIGPIPE, SIG_IGN);
    const Identity authority("test authority");
    const Identity other_authority("another authority");
    const Identity server("hsm", authority);
    const Identity client("switch", authority);
    const Identity stranger("stranger", other_authority);
    HsmProcess hsm({"--tls-cert", server.certificate_path(), "--tls-key", server.key_path(),
                    "--tls-client-ca", authority.certificate_path()});
    const std::string right = make_frame("0001", "B300abc");
    CHECK(ask(hsm.port(), authority, &client, TLS1_3_VERSION) == right);
    CHECK(ask(hsm.port(), authority, &client, TLS1_2_VERSION) == right);
    CHECK(ask(hsm.port(), authority, nullptr, TLS1_3_VERSION).empty());
    CHECK(ask(hsm.port(), authority, &stranger, TLS1_3_VERSION).empty());
    CHECK(ask(hsm.port(), authority, &client, TLS1_1_VERSION).empty());
    {
        // Host commands in clear are no handshake.
        const hsm::testing::Connection clear(hsm.port());
        clear.send(make_frame("0001", "NC"));
        std::string said;
        for (std::string more = clear.receive(); !more.empty(); more = clear.receive()) said += more;
        CHECK(said.find("ND00") == std::string::npos);
    }
    CHECK(ask(hsm.port(), authority, &client, TLS1_3_VERSION) == right);
    hsm.signal(SIGTERM);
    CHECK(hsm.wait() == 0);
    CHECK(hsm.log().find("CN=switch") != std::string::npos);
}

TEST_CASE("64 half handshakes do not block hsm-sim") {
    std::signal(SIGPIPE, SIG_IGN);
    const Identity authority("test authority");
    const Identity server("hsm", authority);
    const Identity client("switch", authority);
    HsmProcess hsm({"--tls-cert", server.certificate_path(), "--tls-key", server.key_path(),
                    "--tls-client-ca", authority.certificate_path(), "--connections", "64",
                    "--handshake-seconds", "3600"});
    const std::string right = make_frame("0001", "B300abc");
    // Half of them say nothing, half the first bytes of a hello; none ends it.
    std::vector<std::unique_ptr<hsm::testing::Connection>> half;
    for (int i = 0; i < 64; ++i) {
        half.push_back(std::make_unique<hsm::testing::Connection>(hsm.port()));
        if (i % 2 == 0) half.back()->send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    }
    for (int i = 0; i < 20; ++i) CHECK(ask(hsm.port(), authority, &client, TLS1_3_VERSION) == right);
    CHECK(hsm.log().find("makes room") != std::string::npos);
}

TEST_CASE("a handshake that does not end is closed in time") {
    const Identity authority("test authority");
    const Identity server("hsm", authority);
    HsmProcess hsm({"--tls-cert", server.certificate_path(), "--tls-key", server.key_path(),
                    "--tls-client-ca", authority.certificate_path(), "--handshake-seconds", "1"});
    const hsm::testing::Connection half(hsm.port());
    CHECK(half.receive().empty());
    CHECK(hsm.log().find("the TLS handshake was not completed in time") != std::string::npos);
}

TEST_CASE("hsm-sim does not start with a certificate that it cannot read") {
    CHECK_THROWS(HsmProcess(
        {"--tls-cert", "/nonexistent", "--tls-key", "/nonexistent", "--tls-client-ca", "/nonexistent"}));
}
