// issuer-sim as a program: ready line, frames, journal before answer, control socket, orderly end, refused
// settings.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "bench/child_process.hpp"
#include "bench/load_books.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/test_keys.hpp"
#include "iso8583/codec.hpp"
#include "tests/test_paths.hpp"

namespace fs = std::filesystem;
using iso8583::Field;
using iso8583::FieldValues;

namespace {

constexpr int wait_s = 20;

class Client {
  public:
    explicit Client(std::uint16_t port) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        patience();
    }
    explicit Client(const std::string& path) {
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        patience();
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view bytes) const {
        REQUIRE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    /// Exactly so many bytes; fewer when the other side closes.
    [[nodiscard]] std::string receive(std::size_t count) const {
        std::string all(count, '\0');
        std::size_t have = 0;
        while (have < count) {
            const ssize_t got = ::recv(socket_, all.data() + have, count - have, 0);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        all.resize(have);
        return all;
    }
    [[nodiscard]] std::string line() const {
        std::string text;
        for (std::string c = receive(1); !c.empty() && c != "\n"; c = receive(1)) text += c;
        return text;
    }

  private:
    void patience() const {
        const timeval limit{wait_s, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    int socket_ = -1;
};

struct Program {
    explicit Program(std::vector<std::string> more = {}) {
        std::string pattern = (fs::temp_directory_path() / "issuer-sim-test-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
        arguments = {program_path("issuer-sim"),
                     "--config",
                     source_path("switch/config/issuer-a.toml"),
                     "--listen",
                     "127.0.0.1:0",
                     "--journal",
                     directory + "/journal",
                     "--control",
                     directory + "/control"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        start();
    }
    ~Program() {
        child.stop();
        fs::remove_all(directory);
    }
    void start() {
        const auto ready = child.start(arguments, directory + "/log");
        REQUIRE(ready.has_value());
        const std::string prefix = "ready issuer=127.0.0.1:";
        REQUIRE(ready->rfind(prefix, 0) == 0);
        CHECK(ready->find(" control=" + directory + "/control") != std::string::npos);
        port = static_cast<std::uint16_t>(std::stoi(ready->substr(prefix.size())));
    }
    [[nodiscard]] std::vector<bench::JournalEntry> journal() const {
        std::vector<bench::JournalEntry> entries;
        std::ifstream in(directory + "/journal");
        bench::JournalEntry entry;
        for (std::string line; std::getline(in, line);)
            if (bench::parse_journal_line(line, entry)) entries.push_back(entry);
        return entries;
    }
    std::string directory;
    std::vector<std::string> arguments;
    bench::ChildProcess child;
    std::uint16_t port = 0;
};

/// Of 12.34.
FieldValues sale_fields(int number) {
    const std::string stan = std::to_string(1'000'000 + number).substr(1);
    FieldValues f(iso8583::Mti::of(200));
    f.set(Field::pan, "6212345678900000003");
    f.set(Field::processing_code, "000000");
    f.set(Field::amount_transaction, "000000001234");
    f.set(Field::transmission_time, "1121214752");
    f.set(Field::stan, stan);
    f.set(Field::rrn, "632500" + stan);
    f.set(Field::terminal, "10000001");
    f.set(Field::merchant, "898110157220001");
    f.set(Field::currency_transaction, "156");
    return f;
}

/// With a MAC under issuer-a's ZAK.
std::string framed(FieldValues f) {
    static hsm::OpensslRandom random;
    static hsm::HsmEngine engine(hsm::Lmk::test(), random);
    const iso8583::Dialect& dialect = *iso8583::find_dialect("iso87-ascii");
    f.set(f.has(Field::original_data) ? Field::mac_secondary : Field::mac_primary, std::string(8, '\0'));
    auto message = iso8583::encode(dialect, f);
    REQUIRE(message.has_value());
    const auto covered = message->mac_input();
    const hsm::Reply reply =
        engine.perform(hsm::GenerateMac{hsm::KeyKind::zak,
                                        *hsm::KeyBlock::parse(hsm::test_keys::zak),
                                        {hsm::MacAlgorithm::retail, hsm::MacPadding::zeros},
                                        {covered.begin(), covered.end()}});
    iso8583::write_mac(dialect, *message, std::get<hsm::MacGenerated>(*reply).mac);
    std::string frame;
    iso8583::append_be16(frame, static_cast<std::uint16_t>(message->body.size()));
    return frame + std::string(iso8583::as_text(message->body));
}

std::string sale(int number) { return framed(sale_fields(number)); }

iso8583::Message answer(const Client& client) {
    const std::string length = client.receive(2);
    REQUIRE(length.size() == 2);
    const auto bytes = static_cast<std::size_t>(static_cast<unsigned char>(length[0]) * 256 +
                                                static_cast<unsigned char>(length[1]));
    const std::string body = client.receive(bytes);
    auto message = iso8583::decode(*iso8583::find_dialect("iso87-ascii"), {body.begin(), body.end()});
    REQUIRE(message.has_value());
    return std::move(*message);
}

}  // namespace

TEST_CASE("issuer-sim answers, journals before it answers, takes commands and ends with 0") {
    Program program({"--durable"});
    const Client link(program.port);
    // Many in one write: one batch of journal lines, all answers.
    std::string burst;
    for (int n = 1; n <= 50; ++n) burst += sale(n);
    link.send(burst);
    std::set<std::string> authorizations;
    for (int n = 1; n <= 50; ++n) {
        const iso8583::Message a = answer(link);
        CHECK(a.get(Field::response_code) == "00");
        authorizations.insert(a.get(Field::authorization_code));
    }
    CHECK(program.journal().size() == 50);

    const Client control(program.directory + "/control");
    control.send("next sale decline 05\nbooks\n");
    CHECK(control.line() == "ok");
    CHECK(control.line().find(R"("sale":{"count":50,"amount":61700})") != std::string::npos);
    link.send(sale(51));
    CHECK(answer(link).get(Field::response_code) == "05");
    control.send("next sale silent 1\n");
    CHECK(control.line() == "ok");
    link.send(sale(52));
    link.send(sale(53));
    CHECK(answer(link).get(Field::stan) == "000053");  // overtakes the silent one
    CHECK(answer(link).get(Field::stan) == "000052");
    control.send("what\nlink drop\n");
    CHECK(control.line().rfind("error: ", 0) == 0);
    CHECK(control.line() == "ok");
    CHECK(link.receive(1).empty());
    CHECK(program.child.stop() == 0);
    CHECK_FALSE(fs::exists(program.directory + "/control"));

    // Another run on the same journal gives out other authorization codes.
    program.start();
    const Client again(program.port);
    for (int n = 60; n < 110; ++n) {
        again.send(sale(n));
        authorizations.insert(answer(again).get(Field::authorization_code));
    }
    CHECK(authorizations.size() == 100);
    CHECK(program.journal().size() == 102);
}

TEST_CASE(
    "issuer-sim goes on with the books of its journal: what was booked is known again, and booked once") {
    Program program;
    const auto original = [](const FieldValues& of) {
        return of.mti().str() + std::string(of.get(Field::stan)) +
               std::string(of.get(Field::transmission_time)) + std::string(22, '0');
    };
    const FieldValues first = sale_fields(1);
    FieldValues refund = sale_fields(2);
    refund.set_mti(iso8583::Mti::of(220));
    refund.set(Field::processing_code, "200000");
    refund.set(Field::original_data, original(first));
    std::string authorization;
    {
        const Client link(program.port);
        link.send(framed(first));
        authorization = answer(link).get(Field::authorization_code);
        link.send(framed(refund));
        CHECK(answer(link).get(Field::response_code) == "00");
    }
    CHECK(program.child.stop() == 0);
    REQUIRE(program.journal().size() == 2);

    program.start();
    {
        const Client link(program.port);
        link.send(framed(first));
        const auto repeated = answer(link);
        CHECK(repeated.get(Field::response_code) == "00");
        CHECK(repeated.get(Field::authorization_code) == authorization);
        refund.set_mti(refund.mti().repeat());
        link.send(framed(refund));
        CHECK(answer(link).get(Field::response_code) == "00");
        CHECK(program.journal().size() == 2);  // nothing was booked again
        FieldValues undo = sale_fields(3);
        undo.set_mti(iso8583::Mti::of(420));
        undo.set(Field::original_data, original(first));
        undo.set(Field::rrn, std::string(first.get(Field::rrn)));
        link.send(framed(undo));
        CHECK(answer(link).get(Field::response_code) == "00");
        const Client control(program.directory + "/control");
        control.send("books\n");
        CHECK(control.line().find("\"reversal_of_refunded\":1") != std::string::npos);
    }
    CHECK(program.child.stop() == 0);

    // A line that cannot be read back is no journal of ours: nothing is served over it.
    std::ofstream(program.directory + "/journal", std::ios::app) << "{\"kind\":\"sale\"}\n";
    const auto ready = program.child.start(program.arguments, program.directory + "/log");
    CHECK_FALSE(ready.has_value());
    std::ifstream log(program.directory + "/log");
    const std::string said((std::istreambuf_iterator<char>(log)), {});
    CHECK(said.find("journal, line 4: amount: a number of at most 12 digits is needed") != std::string::npos);
}

TEST_CASE("issuer-sim cuts a torn journal line off and survives hostile bytes") {
    Program program;
    CHECK(program.child.stop() == 0);
    {
        std::ofstream torn(program.directory + "/journal", std::ios::app);
        torn << R"({"time":"2026-11-21T21:47)";
    }
    program.start();
    {
        const Client hostile(program.port);
        hostile.send(std::string("\xFF\xFF", 2) + std::string(70'000, 'x'));
        CHECK(hostile.receive(1).empty());
        const Client nonsense(program.port);
        nonsense.send(std::string("\x00\x04zzzz", 6));
        CHECK(nonsense.receive(1).empty());
    }
    const Client link(program.port);
    link.send(sale(1));
    CHECK(answer(link).get(Field::response_code) == "00");
    CHECK(program.journal().size() == 1);
}

TEST_CASE("issuer-sim says what is wrong with its settings") {
    std::string directory = (fs::temp_directory_path() / "issuer-sim-test-XXXXXX").string();
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    struct Row {
        const char* content;
        std::vector<std::string> flags;
        const char* complaint;
    };
    const std::string good = "[keys]\nzak = \"U98B550821E6A515877C9CC26E163BF48\"\n";
    const Row rows[] = {
        {"name = 3\n", {}, "name (line 1): text is needed"},
        {"nmae = \"x\"\n", {}, "nmae (line 1): no such setting"},
        {"[keys]\n", {}, "keys.zak: a key block under the LMK is needed"},
        {"[keys\n", {}, "line 1"},
        {"dialect = \"latin\"\n", {}, "dialect (line 1): latin: is neither a file nor a dialect"},
        {"[keys]\nzak = \"U98B550821E6A515877C9CC26E163BF48\"\n[mac]\nalgorithm = \"md5\"\n",
         {},
         "mac.algorithm (line 4): one of retail, aes_cmac is needed"},
        {"[keys]\nzak = \"U98B550821E6A515877C9CC26E163BF48\"\n[faults]\nsilent = 1001\n",
         {},
         "faults.silent (line 4): a whole number from 0 to 1000 is needed"},
        {nullptr, {"--fault", "silent"}, "--fault: NAME=PERMILLE is needed"},
        {nullptr, {"--fault", "sleepy=5"}, "--fault: silent, late, twice"},
        {nullptr, {"--listen", "nowhere"}, "listen: ADDRESS:PORT is needed"},
        {nullptr, {"--dialect", "latin"}, "--dialect: latin: is neither a file nor a dialect"},
    };
    for (const Row& row : rows) {
        const std::string file = directory + "/issuer.toml";
        std::ofstream(file) << (row.content == nullptr ? good : row.content);
        std::vector<std::string> arguments = {program_path("issuer-sim"), "--config", file};
        arguments.insert(arguments.end(), row.flags.begin(), row.flags.end());
        bench::ChildProcess child;
        CHECK_FALSE(child.start(arguments, directory + "/log").has_value());
        std::ifstream log(directory + "/log");
        const std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
        INFO(text);
        CHECK(text.find(row.complaint) != std::string::npos);
    }
    fs::remove_all(directory);
}
