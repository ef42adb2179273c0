// [[tls]]: which ports and links use it, and what leaves the machine in clear.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

/// The smallest good file with changes: (text, what stands for it).
using Changes = std::vector<std::pair<std::string, std::string>>;
iso8583::Result<LoadedConfig, ConfigProblems> load(const Changes& changes, const std::string& sections) {
    std::string file = good;
    for (const auto& [from, to] : changes) {
        const std::size_t at = file.find(from);
        REQUIRE(at != std::string::npos);
        file.replace(at, from.size(), to);
    }
    ConfigSurroundings around = surroundings();
    around.folder = "/etc/switch";
    return load_config_text("t.toml", file + sections, around);
}

std::string problem_of(const Changes& changes, const std::string& sections) {
    const auto loaded = load(changes, sections);
    return loaded ? "none" : text(loaded.error());
}

const std::string fleet = R"([[tls]]
name = "fleet"
certificate = "tls/switch.pem"
key = "/keys/switch.key"
)";
const std::string bank = R"([[tls]]
name = "bank"
authority = "tls/bank-ca.pem"
crl = "tls/bank-crl.pem"
names = ["host.bank"]
)";
const std::pair<std::string, std::string> port_uses_it = {"unionpay-pos = \"127.0.0.1:8583\"\n",
                                                          "unionpay-pos = \"127.0.0.1:8583\"\n"
                                                          "unionpay-pos-tls = \"fleet\"\n"};
const std::pair<std::string, std::string> link_uses_it = {"addresses = [\"127.0.0.1:8601\"]\n",
                                                          "addresses = [\"127.0.0.1:8601\"]\n"
                                                          "tls = \"bank\"\n"};

}  // namespace

TEST_CASE("config: [[tls]] goes to the ports and links that name it, its paths begin beside the file",
          "[tls]") {
    const auto loaded = load({port_uses_it, link_uses_it}, fleet + bank);
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    CHECK(loaded->listeners.front().tls == "fleet");
    CHECK(loaded->issuers.front().tls == "bank");
    REQUIRE(loaded->tls.size() == 2);
    CHECK(loaded->tls[0].certificate == "/etc/switch/tls/switch.pem");
    CHECK(loaded->tls[0].key == "/keys/switch.key");
    CHECK(loaded->tls[1].crl == "/etc/switch/tls/bank-crl.pem");
    CHECK(loaded->tls[1].names == std::vector<std::string>{"host.bank"});
}

TEST_CASE("config: TLS on the port is the protected channel that ecb needs", "[tls]") {
    CHECK(problem_of({port_uses_it, {"protected_channel = true\n", ""}}, fleet) == "none");
}

TEST_CASE("config: what is wrong with a [[tls]] is told", "[tls]") {
    struct Row {
        const char* what;
        Changes changes;
        std::string sections;
        std::string says;
    };
    const Row rows[] = {
        {"a name that nobody has",
         {port_uses_it},
         "",
         "t.toml:7: listen.unionpay-pos-tls: no [[tls]] is called fleet\n"},
        {"used by nobody", {}, fleet, "t.toml:28: tls[1]: is used by no port and no link\n"},
        {"a port without a certificate",
         {port_uses_it},
         "[[tls]]\nname = \"fleet\"\n",
         "t.toml:29: tls[1]: needs a certificate and its key, since listen.unionpay-pos-tls uses it\n"},
        {"a link that would trust anybody",
         {link_uses_it},
         "[[tls]]\nname = \"bank\"\nauthority = \"a\"\n",
         "t.toml:29: tls[1]: needs authority and names, since issuer[1].tls uses it\n"},
        {"a certificate without its key",
         {port_uses_it},
         "[[tls]]\nname = \"fleet\"\ncertificate = \"a\"\n",
         "t.toml:29: tls[1]: certificate and key go together\n"},
        {"names that nobody signs",
         {port_uses_it},
         fleet + "names = [\"x\"]\n",
         "t.toml:29: tls[1]: names and peer_may_be_unknown need an authority that signs certificates\n"},
        {"lists that nobody signs",
         {port_uses_it},
         fleet + "crl = \"x\"\n",
         "t.toml:29: tls[1]: crl needs the authority that signs certificates and lists\n"},
        {"one name twice",
         {port_uses_it},
         fleet + fleet,
         "t.toml:34: tls[2].name: is the name of tls[1] too\n"},
        {"TLS of a port that is not there",
         {{"unionpay-pos = \"127.0.0.1:8583\"\n",
           "unionpay-pos = \"127.0.0.1:8583\"\nmetrics-tls = \"fleet\"\n"}},
         fleet,
         "t.toml:7: listen.metrics-tls: belongs to an address of metrics\n"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        CHECK(problem_of(row.changes, row.sections) == row.says);
    }
}

TEST_CASE("config: nothing leaves the machine in clear unless somebody says that the way is protected",
          "[tls]") {
    const std::string not_loopback =
        " is not on loopback: it needs tls, or protected_channel = true where you "
        "know that the way is protected\n";
    const auto listens_at = [](const std::string& address, const std::string& more) {
        return std::pair<std::string, std::string>("unionpay-pos = \"127.0.0.1:8583\"\n",
                                                   "unionpay-pos = \"" + address + "\"\n" + more);
    };
    const auto connects_to = [](const std::string& address, const std::string& more) {
        return std::pair<std::string, std::string>("addresses = [\"127.0.0.1:8601\"]\n",
                                                   "addresses = [\"" + address + "\"]\n" + more);
    };
    CHECK(problem_of({listens_at("0.0.0.0:8583", "")}, "") ==
          "t.toml:6: listen.unionpay-pos: 0.0.0.0:8583" + not_loopback);
    CHECK(problem_of({listens_at("[::]:8583", "")}, "") ==
          "t.toml:6: listen.unionpay-pos: [::]:8583" + not_loopback);
    CHECK(problem_of({listens_at("127.9.0.1:8583", "")}, "") == "none");
    CHECK(problem_of({listens_at("[::1]:8583", "")}, "") == "none");
    CHECK(problem_of({listens_at("0.0.0.0:8583", "protected_channel = true\n")}, "") == "none");
    CHECK(problem_of({listens_at("0.0.0.0:8583", "unionpay-pos-tls = \"fleet\"\n")}, fleet) == "none");
    CHECK(problem_of({connects_to("10.1.0.5:8601", "")}, "") ==
          "t.toml:12: issuer[1].addresses: 10.1.0.5:8601" + not_loopback);
    CHECK(problem_of({connects_to("10.1.0.5:8601", "protected_channel = true\n")}, "") == "none");
    CHECK(problem_of({connects_to("10.1.0.5:8601", "tls = \"bank\"\n")}, bank) == "none");
    const std::string hsm = "[hsm]\nmode = \"tcp\"\naddresses = [\"10.0.0.21:1500\"]\n";
    CHECK(problem_of({{"[limits]\n", hsm + "[limits]\n"}}, "") ==
          "t.toml:9: hsm.addresses: 10.0.0.21:1500" + not_loopback);
    CHECK(problem_of({{"[limits]\n", hsm + "tls = \"bank\"\n[limits]\n"}}, bank) == "none");
    CHECK(problem_of({{"[limits]\n", "[hsm]\nprotected_channel = true\n[limits]\n"}}, "") ==
          "t.toml:8: hsm.protected_channel: belongs to mode = \"tcp\"\n");
}
