// refund-switch: the composition root. What was asked for on the command line goes to whoever does it: a
// description, a command, or the switch itself (serve.hpp). The files of this folder alone know all
// concretes.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "switch/cluster_command.hpp"
#include "switch/config/config.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/describe.hpp"
#include "switch/exit_codes.hpp"
#include "switch/flags.hpp"
#include "switch/report_export.hpp"
#include "switch/serve.hpp"

namespace {

using namespace acquirer;

int describe(const std::string& what, const std::optional<LoadedConfig>& config) {
    std::string out;
    if (what == "states") out = describe_states();
    if (what == "rules") out = describe_rules();
    if (what == "dialects") out = describe_dialects();
    if (what == "config") out = describe_config();
    if (what == "limits") {
        LoadedConfig defaults;
        defaults.configuration = std::make_shared<Configuration>();
        out = describe_limits(config.value_or(defaults));
    }
    std::fputs(out.c_str(), stdout);
    return exit_done;
}

int wrong_usage(const std::string& why) {
    std::fputs(("refund-switch: " + why + "\n").c_str(), stderr);
    return exit_usage;
}

/// The switch itself, or whether it could be started.
int serve_or_check(LoadedConfig config, const Flags& flags) {
    if (!flags.node.empty()) config.store.node = flags.node;
    if (const auto why = why_unfit(config.store, flags); !why.empty()) return wrong_usage(why);
    if (!flags.check) return serve(std::move(config), flags);
    std::fputs((flags.config + ": usable\n").c_str(), stdout);
    return exit_done;
}

int run(LoadedConfig config, const Flags& flags) {
    switch (flags.command) {
        case Command::cluster_init:
            return cluster_init(config, flags.cluster_init);
        case Command::cluster_status:
            return cluster_status(config);
        case Command::cluster_import:
            return cluster_import(config, flags.import_from);
        case Command::cluster_move:
            return cluster_move(config, flags.cluster_move);
        case Command::cluster_export:
            return cluster_export(config, flags.export_to);
        case Command::export_postgres:
            return export_report(config, data_directory_of(config, flags), flags.report);
        case Command::serve:
            break;
    }
    return serve_or_check(std::move(config), flags);
}

}  // namespace

int main(int argc, char** argv) {
    Flags flags;
    if (const auto code = read_flags(argc, argv, flags)) return *code;
    if (flags.config.empty()) {
        if (!flags.describe.empty()) return describe(flags.describe, std::nullopt);
        return wrong_usage("--config FILE is needed (switch/config/demo.toml is the demonstration's)");
    }
    const auto around = surroundings_of(flags);
    if (!around) return wrong_usage(around.error().what);
    auto config = load_config(flags.config, *around);
    if (!config) {
        std::fputs((text(config.error()) + "\n").c_str(), stderr);
        return exit_failed;
    }
    if (!flags.describe.empty()) return describe(flags.describe, *config);
    return run(std::move(*config), flags);
}
