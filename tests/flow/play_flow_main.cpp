// play_flow FILE [--trace]: plays one flow in every cast and says what went otherwise. Exit 1 when something
// did.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/flow/flow_player.hpp"

int main(int argc, char** argv) {
    const bool tracing = argc == 3 && std::strcmp(argv[2], "--trace") == 0;
    if (argc < 2 || (argc > 2 && !tracing)) {
        std::fprintf(stderr, "usage: play_flow FILE [--trace]\n");
        return 2;
    }
    std::ifstream file(argv[1]);
    if (!file) {
        std::fprintf(stderr, "%s: cannot be read\n", argv[1]);
        return 2;
    }
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto script = flow::parse_script(argv[1], text);
    if (!script) {
        std::fprintf(stderr, "%s\n", script.error().what.c_str());
        return 2;
    }
    bool failed = false;
    if (flow::casts_of(*script).empty()) {
        std::fprintf(stderr, "%s: there is no such profile and route: it plays nowhere\n", argv[1]);
        return 1;
    }
    for (const flow::Cast& cast : flow::casts_of(*script)) {
        if (tracing) std::printf("== %s\n", cast.str().c_str());
        const auto trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
        const auto failures =
            flow::play(*script, cast, tracing ? std::function<void(const std::string&)>(trace) : nullptr);
        for (const std::string& failure : failures) std::printf("%s\n", failure.c_str());
        failed = failed || !failures.empty();
    }
    if (!failed) std::printf("%s: as written\n", argv[1]);
    return failed ? 1 : 0;
}
