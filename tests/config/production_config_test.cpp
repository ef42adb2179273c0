// `production = true`: what a file may not say then; and [audit], the second place of the acknowledged turn.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

/// The smallest file, with these lines instead of `demo = true` and a real LMK, and sections behind it.
std::string problems(const std::string& top, const std::string& sections,
                     const std::string& lmk = "/etc/switch/lmk") {
    std::string file = good;
    file.replace(0, std::string("demo = true").size(), top);
    const auto loaded = load_config_text(
        "p.toml", file + "\n[hsm]\nmode = \"embedded\"\nlmk = \"" + lmk + "\"\n" + sections, surroundings());
    return loaded ? "none" : text(loaded.error());
}

const std::string places = R"([store]
acknowledged_copy = "/second/acknowledged"
[audit]
head_file = "/second/audit.head"
)";

}  // namespace

TEST_CASE("config: production refuses what only a trial may have, each with its key", "[production]") {
    struct Row {
        const char* what;
        std::string top, sections, lmk, says;
    };
    const std::string production = "production = true";
    const Row rows[] = {
        {"the published LMK", production, places, "test", "hsm.lmk: is the published test LMK"},
        {"a demonstration", "production = true\ndemo = true", places, "/lmk",
         "demo: and production exclude each other"},
        {"no second place of the turn", production, "[audit]\nhead_file = \"/second/head\"\n", "/lmk",
         "store.acknowledged_copy: is needed"},
        {"no second place of the chain", production, "[store]\nacknowledged_copy = \"/second/a\"\n", "/lmk",
         "audit.head_file: is needed"},
        {"one key for a range of terminals", production, places, "/lmk", "shared_keys: terminals "},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const std::string said = problems(row.top, row.sections, row.lmk);
        INFO(said);
        CHECK(said.find(row.says) != std::string::npos);
        CHECK(problems("demo = true", row.sections, "test") == "none");  // without it nobody minds
    }
}

TEST_CASE("config: the second places are files of their own, named from the root on", "[production]") {
    struct Row {
        std::string sections, says;
    };
    const Row rows[] = {
        {"[store]\nacknowledged_copy = \"second\"\n",
         "store.acknowledged_copy: needs the path of a file, from / on"},
        {"[store]\nacknowledged_copy = \"/second/\"\n", "store.acknowledged_copy: needs the path of a file"},
        {"[store]\nacknowledged_copy = \"\"\n", "store.acknowledged_copy: "},
        {"[store]\nacknowledged_copy_ms = 0\n", "store.acknowledged_copy_ms: is 0, 10 to 60000 is allowed"},
        {"[audit]\nhead_file = \"head\"\n", "audit.head_file: needs the path of a file"},
        {"[audit]\nhead_seconds = 0\n", "audit.head_seconds: is 0"},
        {"[audit]\nsyslog = \"log\"\n", "audit.syslog: needs the path of a file, from / on"},
        {"[audit]\nhead = \"/x\"\n", "audit.head"},
        {"[store]\nengine = \"postgres\"\nacknowledged_copy = \"/x\"\n[store.postgres]\nhosts = "
         "[\"127.0.0.1:5432\"]\n",
         "store.acknowledged_copy: belongs to [store] engine = \"rocks\""},
    };
    for (const Row& row : rows) {
        const auto loaded = load_config_text("p.toml", good + row.sections, surroundings());
        const std::string said = loaded ? "none" : text(loaded.error());
        INFO(row.sections << said);
        CHECK(said.find(row.says) != std::string::npos);
    }
    const auto loaded = load_config_text(
        "p.toml", good + places + "syslog = \"/dev/log\"\nhead_seconds = 5\n", surroundings());
    REQUIRE(loaded);
    CHECK(loaded->store.acknowledged_copy == "/second/acknowledged");
    CHECK(loaded->audit == AuditOptions{"/second/audit.head", "/dev/log", 5});
    CHECK_FALSE(loaded->production);
}
