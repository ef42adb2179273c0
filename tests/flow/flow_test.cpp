// Every flow of this folder, in every cast it asks for. The sections carry the rules: [R50].
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/flow/flow_player.hpp"
#include "tests/test_paths.hpp"

namespace {

std::vector<std::filesystem::path> flow_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(source_path("tests/flow"))))
        if (entry.path().extension() == ".flow") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

flow::Script read_flow(const std::filesystem::path& path) {
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto script = flow::parse_script(path.filename().string(), text);
    if (!script) FAIL(script.error().what);
    return std::move(*script);
}

}  // namespace

TEST_CASE("Flows go as they are written", "[flow]") {
    for (const auto& path : flow_files()) {
        const flow::Script script = read_flow(path);
        std::string rules;
        for (const std::string& rule : script.rules) rules += " [" + rule + "]";
        DYNAMIC_SECTION(script.name << rules) {
            INFO(script.title);
            REQUIRE_FALSE(flow::casts_of(script).empty());
            for (const flow::Cast& cast : flow::casts_of(script)) {
                const auto failures = flow::play(script, cast);
                for (const std::string& failure : failures)
                    UNSCOPED_INFO(failure << "\n  repeat it: play_flow tests/flow/" << script.name
                                          << " --trace");
                CHECK(failures.empty());
            }
        }
    }
}

TEST_CASE("A script that is not one says where", "[flow]") {
    struct Row {
        const char* text;
        const char* what;
    };
    for (const Row& row :
         {Row{"# t\nrules R1\nteminal sale", "x.flow:3: no line begins with \"teminal\""},
          Row{"# t\nrules R1\nterminal sale -> 00 as=S1",
              "x.flow:3: after -> one answer stands, and nothing else"},
          Row{"# t\nrules R1\nterminal sale -> 00\nissuer declines 51",
              "x.flow:3: the issuer's line below decides the answer: the arrow stands there"},
          Row{"# t\nrules R1\nterminal sale together=yes -> 00\nterminal sale",
              "x.flow:3: with together= the next request comes first: the arrow would not be looked at"},
          Row{"# t\nrules R1\nterminal T1 hangs-up -> 00",
              "x.flow:3: hanging up has no answer: the arrow would not be looked at"},
          Row{"# t\nrules R1\npass 1s -> 00",
              "x.flow:3: no arrow is looked at here: only terminal, issuer and operator lines have answers"},
          Row{"# t\nrules R1\nissuer declines 51\nterminal sale -> 51",
              "x.flow:3: what the issuer does with a request stands right after its terminal line"},
          Row{"# t\nrules R1\nterminal sale\npass 1s\nissuer silent 31s",
              "x.flow:5: what the issuer does with a request stands right after its terminal line"},
          Row{"# t\nterminal sale", "x.flow: a line \"rules R…\" is needed"},
          Row{"rules R1\nterminal sale", "x.flow: the first line is a comment that says what is told"}}) {
        const auto script = flow::parse_script("x.flow", row.text);
        REQUIRE_FALSE(script.has_value());
        CHECK(script.error().what == row.what);
    }
}

TEST_CASE("What does not go as written is found", "[flow]") {
    // A player that never fails would make every flow worthless.
    struct Row {
        const char* line;
        const char* what;
    };
    for (const Row& row :
         {Row{"terminal sale as=S1 -> 51", "answered 00"},
          Row{"terminal sale as=S1 -> 51\nissuer key-change zak", "answered 00"},
          Row{"terminal sale as=S1\nexpect ledger S1 state=declined", "has state approved"},
          Row{"terminal sale as=S1\nexpect ledger S1 remaining=1.00", "has remaining 100.00"},
          Row{"terminal sale as=S1\nexpect issuer 0420", "received no 0420"},
          Row{"terminal sale as=S1\nexpect exception abnormal", "open exceptions: none"},
          Row{"terminal sale as=S1\nexpect books S1 sale=1.00", "books have sale 100.00"},
          Row{"terminal sale as=S1 mac=bad -> nothing", "no answer was expected"},
          Row{"terminal sale as=S1\nexpect records S1 2", "has 1 entries"}}) {
        const auto script = flow::parse_script("x.flow", std::string("# t\nrules R1\n") + row.line);
        REQUIRE(script.has_value());
        const auto failures = flow::play(*script, {acquirer::Profile::unionpay_pos, routing::RouteId{2}});
        REQUIRE_FALSE(failures.empty());
        INFO(failures.front());
        CHECK(failures.front().find(row.what) != std::string::npos);
    }
}
