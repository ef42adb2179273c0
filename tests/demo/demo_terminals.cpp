// demo-terminals: the demo itself. Starts the stack, plays the scenes, prints what was expected and what was
// seen, and ends everything that it started. scripts/demo builds and calls it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/demo/demo_stack.hpp"
#include "tests/demo/scenes.hpp"

namespace {

/// The table at the end; the number of rows that differ.
int print_table(const std::vector<demo::Expectation>& rows) {
    std::size_t scene_width = 5, what_width = 4;
    for (const auto& row : rows) {
        scene_width = std::max(scene_width, row.scene.size());
        what_width = std::max(what_width, row.what.size());
    }
    int differ = 0;
    std::string last;
    fmt::print("\n{:<{}}  {:<{}}  {:<36}  seen\n", "scene", scene_width, "what", what_width, "expected");
    for (const auto& row : rows) {
        fmt::print("{:<{}}  {:<{}}  {:<36}  {}{}\n", row.scene == last ? "" : row.scene, scene_width,
                   row.what, what_width, row.expected, row.seen, row.held() ? "" : "   <<< DIFFERS");
        last = row.scene;
        differ += row.held() ? 0 : 1;
    }
    fmt::print("\n{} of {} as expected\n", rows.size() - static_cast<std::size_t>(differ), rows.size());
    return differ;
}

std::string temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "refund-switch-demo-XXXXXX").string();
    return mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
}

}  // namespace

int main(int argc, char** argv) {
    demo::StackOptions options;
    std::string hsm = "embedded", profile, attach;
    CLI::App app("demo-terminals: a small terminal fleet against the whole stack on loopback");
    app.add_option("--bin", options.bin, "folder of the programs")->required();
    app.add_option("--config", options.config, "folder of demo.toml and the issuers' files")->required();
    app.add_option("--hsm", hsm, "embedded, or tcp: starts hsm-sim and uses that")
        ->check(CLI::IsMember({"embedded", "tcp"}));
    app.add_option("--profile", profile, "terminals of this profile alone: half the demo")
        ->check(CLI::IsMember({"unionpay-pos", "iso87-ascii"}));
    app.add_flag("--tls", options.tls, "every link speaks TLS, with certificates on both sides");
    app.add_flag("--free-ports", options.free_ports, "listen on free ports instead of the demo's own");
    CLI::Option* keep = app.add_flag("--keep", options.keep,
                                     "leave the stack running and say how to connect and how to end it");
    app.add_option("--attach", attach, "play against the stack of this folder, which runs already")
        ->check(CLI::ExistingDirectory)
        ->excludes(keep);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    options.hsm_over_tcp = hsm == "tcp";
    options.attached = !attach.empty();
    options.folder = options.attached ? attach : temporary_folder();
    // Lines of the demo and of a pipe's reader come in order.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    demo::DemoStack stack(options);
    if (auto started = stack.start(); !started) {
        fmt::print(stderr, "demo: {}\n", started.error().what);
        return 1;
    }
    demo::Scenes scenes(stack);
    scenes.play_all(profile);
    auto rows = scenes.expectations();
    const bool own = !options.attached;
    if (own && !options.keep) {
        const int code = stack.stop();
        rows.push_back({"stop", "SIGTERM drains and ends", "0", std::to_string(code)});
    }
    const int differ = print_table(rows);
    if (options.keep)
        stack.keep();
    else if (own && differ == 0)
        std::filesystem::remove_all(options.folder);
    else if (own)
        fmt::print("logs, journals and data: {}\n", options.folder);
    return differ == 0 ? 0 : 1;
}
