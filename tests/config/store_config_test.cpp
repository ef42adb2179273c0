// [store] and [store.postgres]: who keeps the ledger.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

const std::string postgres = R"([store]
engine = "postgres"
[store.postgres]
hosts = ["127.0.0.1:5432", "[::1]:5433"]
node = "a"
)";

iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& sections, bool demo = true) {
    ConfigSurroundings around = surroundings();
    around.folder = "/etc/switch";
    std::string file = good;
    if (!demo) file.replace(0, std::string("demo = true").size(), "demo = false");
    return load_config_text("s.toml", file + sections, around);
}

std::string problem_of(const std::string& sections, bool demo = true) {
    const auto loaded = load(sections, demo);
    return loaded ? "none" : text(loaded.error());
}

}  // namespace

TEST_CASE("config: the ledger lies in RocksDB unless the file says otherwise", "[store]") {
    const auto usual = load("");
    REQUIRE(usual);
    CHECK(usual->store == StoreOptions{});
    CHECK(usual->store.engine == StoreEngine::rocks);

    const auto cluster = load(postgres + "password_file = \"pg\"\ntls_ca = \"/ca.pem\"\nlease_ms = 900\n");
    INFO((cluster ? "" : text(cluster.error())));
    REQUIRE(cluster);
    CHECK(cluster->store.engine == StoreEngine::postgres);
    REQUIRE(cluster->store.hosts.size() == 2);
    CHECK(cluster->store.hosts[1].str() == "[::1]:5433");
    CHECK(cluster->store.password_file == "/etc/switch/pg");
    CHECK(cluster->store.tls_ca == "/ca.pem");
    CHECK(cluster->store.lease_ms == 900);
    CHECK(cluster->store.reply_ms == 2'500);
    CHECK(restart_needed(*usual, *cluster) ==
          std::vector<std::string>{"[store] changed in the file: takes effect at the next start"});
}

TEST_CASE("config: what is wrong with [store] is told", "[store]") {
    struct Row {
        const char* what;
        std::string sections;
        std::string says;
    };
    const Row rows[] = {
        {"an engine that there is not", "[store]\nengine = \"oracle\"\n",
         "store.engine: has to be one of rocks, postgres"},
        {"no servers", "[store]\nengine = \"postgres\"\n[store.postgres]\nnode = \"a\"\n",
         "store.postgres.hosts: is needed with [store] engine = \"postgres\""},
        {"a server without a port", "[store]\nengine = \"postgres\"\n[store.postgres]\nhosts = [\"db1\"]\n",
         "store.postgres.hosts: entry 1: "},
        {"PostgreSQL's keys with RocksDB", "[store.postgres]\nnode = \"a\"\n",
         "store.postgres.node: belongs to [store] engine = \"postgres\""},
        {"in clear to another machine",
         "[store]\nengine = \"postgres\"\n[store.postgres]\nnode = \"a\"\nhosts = [\"10.0.0.1:5432\"]\n",
         "10.0.0.1:5432 is on another machine"},
        {"a lease that nobody could keep", postgres + "lease_ms = 10\n",
         "store.postgres.lease_ms: is 10, 300 to 600000 is allowed"},
        {"three shards", "[store]\nshards = 3\n", "store.shards: has to be 1, 2 or 4"},
        {"more shards than there are", "[store]\nshards = 5\n", "store.shards: is 5, 1 to 4 is allowed"},
        {"shards of a process on PostgreSQL",
         "[store]\nshards = 2\nengine = \"postgres\"\n" + postgres.substr(postgres.find("[store.p")),
         "store.shards: belongs to [store] engine = \"rocks\""},
        {"a key that there is not", postgres + "pipelines = 2\n", "store.postgres.pipelines"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const std::string problem = problem_of(row.sections);
        INFO(problem);
        CHECK(problem.find(row.says) != std::string::npos);
    }
    CHECK(problem_of(postgres + "allow_unreplicated = true\n") == "none");
    CHECK(problem_of(postgres + "allow_unreplicated = true\n", false)
              .find("store.postgres.allow_unreplicated: is for demo = true only") != std::string::npos);
}

TEST_CASE("config: shards share an issuer's bounds, so that each needs one at least", "[store]") {
    ConfigSurroundings around = surroundings();
    const std::string issuer = "[[issuer]]\n";
    const auto problem_with = [&](const std::string& bound, const std::string& shards) {
        std::string file = good;
        REQUIRE(file.find(issuer) != std::string::npos);
        file.insert(file.find(issuer) + issuer.size(), bound + "\n");
        const auto loaded = load_config_text("s.toml", file + "[store]\nshards = " + shards + "\n", around);
        return loaded ? std::string("none") : text(loaded.error());
    };
    const std::string of_each = " is shared by 4 shards ([store] shards): at least 1 each is needed";
    CHECK(problem_with("in_flight_max = 16", "4") == "none");
    CHECK(
        problem_with("in_flight_max = 3\nadvices_in_flight_max = 3", "4").find("in_flight_max:" + of_each) !=
        std::string::npos);
    CHECK(problem_with("advices_in_flight_max = 3", "4").find("advices_in_flight_max:" + of_each) !=
          std::string::npos);
    CHECK(problem_with("advices_in_flight_max = 3", "2") == "none");
}
