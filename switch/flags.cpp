#include "switch/flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>
#include <vector>

#include "iso8583/command_line/program.hpp"
#include "ledger/postgres_cluster.hpp"
#include "switch/config/config_keys.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

command_line::Manual manual() {
    return {
        8,
        {"refund-switch takes sales, refunds, voids and reversals from terminals, decides on them by rules "
         "that anyone can read, sends them to the issuers and keeps its ledger right through time-outs, "
         "retries and crashes: what it has answered is durable.",
         "It logs JSON lines to standard error. Standard output carries one line when it listens: `ready` "
         "with its addresses and its control socket. SIGTERM stops it: it takes no new work, finishes what "
         "is in flight, syncs and exits 0. SIGHUP reloads the configuration; what needs a restart is said "
         "in the log. It never asks a question but for a sealed LMK, whose officers type at its terminal."},
        {{"0", "ended as asked, or checked and found good"},
         {"1", "did not start, or failed; the log's last line says why"},
         {"2", "usage"},
         {"4", "another node has taken the shard over: start it again as its standby"},
         {"5", "the data directory's files were taken away while it ran"}},
        {},
        {{"switch/config/demo.toml", "the demonstration's configuration, with every section explained."},
         {"DATA/control.sock", "the socket that refundctl asks."},
         {"DATA/store", "the ledger."},
         {"DATA/shards", "how many shards there are, when they are several: DATA/shard_00/store …"},
         {"DATA/vault.key", "the keys of the PAN vault, sealed under the LMK or under --vault-key-file."}},
        {{"refund-switch --config switch.toml --check", "is the configuration usable?"},
         {"refund-switch --config switch.toml --data /var/lib/refund-switch", "runs it."},
         {"refund-switch --config switch.toml --verify",
          "looks through the ledger of a switch that does not run."},
         {"refund-switch --describe rules", "every refusal with its rule."}},
        {"refundctl(1)", "issuer-sim(1)", "hsm-sim(1)"}};
}

void add_flags(CLI::App& app, Flags& flags) {
    app.add_option("--config", flags.config, "the configuration file (TOML; --describe config explains it)")
        ->type_name("FILE");
    app.add_option("--data", flags.data, "the data directory (wins over the configuration's)")
        ->type_name("DIR");
    app.add_option("--lmk-key-file", flags.lmk_key_file,
                   "opens a sealed LMK without its officers (embedded HSM)")
        ->type_name("FILE");
    app.add_option("--vault-key-file", flags.vault_key_file,
                   "seals the PAN vault's key when the HSM is reached over TCP")
        ->type_name("FILE");
    app.add_option("--describe", flags.describe, "print what the program decides by, and exit")
        ->check(CLI::IsMember({"states", "rules", "dialects", "limits", "config"}));
    app.add_flag("--check", flags.check, "check the configuration and exit");
    app.add_flag("--verify", flags.verify,
                 "look through the ledger of a switch that does not run for transactions that nothing and "
                 "nobody waits for, and exit: 0 when there are none");
    app.add_flag(
        "--as-restored", flags.as_restored,
        "start although the ledger lies behind what was acknowledged: as one that was restored from a "
        "backup, which takes no new work before two people have reconciled and accepted it (R65)");
    app.add_flag("--allow-root", flags.allow_root,
                 "run as root although the configuration says production = true");
    app.add_flag("--standby", flags.standby,
                 "follow the node that serves, and take over when its lease is over ([store] engine = "
                 "\"postgres\")");
    app.add_option("--node", flags.node, "this node's name (wins over the configuration's)")
        ->type_name("NAME");
    app.add_option("--listen-host", flags.listen_host,
                   "this node's address, where [listen] has the ports (wins over the hosts there)")
        ->type_name("HOST");
}

/// Each with what it is for; at most one of them is called.
using Commands = std::vector<std::pair<const CLI::App*, Command>>;

void add_cluster_commands(CLI::App& app, Flags& flags, Commands& commands) {
    CLI::App* cluster = app.add_subcommand("cluster", "the tables of a ledger that lies on PostgreSQL");
    cluster->require_subcommand(1)->fallthrough();
    const auto add = [&](Command command, const char* word, const char* what) {
        CLI::App* added = cluster->add_subcommand(word, what);
        added->fallthrough();
        commands.emplace_back(added, command);
        return added;
    };
    CLI::App* init = add(Command::cluster_init, "init", "make them in an empty database");
    init->add_option("--shards", flags.cluster_init.shards, "how many")
        ->check(CLI::Range(1U, ledger::cluster_shards_max))
        ->type_name("N");
    init->add_option("--owner", flags.cluster_init.owner,
                     "the role that makes and owns them (the configuration's user works on them)")
        ->type_name("ROLE");
    init->add_option("--owner-password-file", flags.cluster_init.owner_password_file, "its password")
        ->type_name("FILE");
    add(Command::cluster_status, "status", "who owns which shard, until when, at which turn");
    add(Command::cluster_import, "import",
        "move the ledger of one machine, whose switch is stopped, into a new shard")
        ->add_option("--from", flags.import_from, "its data directory")
        ->type_name("DIR")
        ->required();
    CLI::App* move = add(Command::cluster_move, "move",
                         "let the shard go to another node, which stands by, in an orderly way");
    move->add_option("--to", flags.cluster_move.to, "the node's name")->type_name("NODE")->required();
    move->add_option("--wait", flags.cluster_move.wait_seconds, "how long for it (120)")
        ->check(CLI::Range(1U, 3'600U))
        ->type_name("SECONDS");
    add(Command::cluster_export, "export", "move a shard, whose switches are stopped, out to one machine")
        ->add_option("--to", flags.export_to, "a data directory without a ledger")
        ->type_name("DIR")
        ->required();
}

void add_export_command(CLI::App& app, ReportTarget& to, Commands& commands) {
    CLI::App* all = app.add_subcommand("export", "the ledger for programs of others");
    all->require_subcommand(1)->fallthrough();
    CLI::App* postgres = all->add_subcommand(
        "postgres",
        "into the schema report of a database, for people's SQL: from a switch that is stopped, from a "
        "backup, or from a copy of the shard of its own (--data)");
    postgres->fallthrough();
    commands.emplace_back(postgres, Command::export_postgres);
    postgres->add_option("--hosts", to.hosts, "servers; whichever may be written is used")
        ->delimiter(',')
        ->required()
        ->type_name("NODES");
    postgres->add_option("--database", to.database, "(report)")->type_name("NAME");
    postgres->add_option("--user", to.user, "(report)")->type_name("NAME");
    postgres->add_option("--password-file", to.password_file, "its first line is the password")
        ->type_name("FILE");
    postgres->add_option("--tls-ca", to.tls_ca, "who signs the servers' certificates")->type_name("FILE");
}

}  // namespace

std::optional<int> read_flags(int argc, char** argv, Flags& flags) {
    CLI::App app{"an acquirer's switch for sales, refunds, voids and reversals over ISO 8583",
                 "refund-switch"};
    add_flags(app, flags);
    Commands commands;
    add_cluster_commands(app, flags, commands);
    add_export_command(app, flags.report, commands);
    if (const auto code = command_line::Program(app, manual()).parse(argc, argv)) return code;
    const auto called = std::find_if(commands.begin(), commands.end(),
                                     [](const auto& command) { return command.first->parsed(); });
    if (called != commands.end()) flags.command = called->second;
    return std::nullopt;
}

std::string data_directory_of(const LoadedConfig& config, const Flags& flags) {
    return flags.data.empty() ? config.data.directory : flags.data;
}

Result<ConfigSurroundings> surroundings_of(const Flags& flags) {
    ConfigSurroundings around = ConfigSurroundings::of_this_machine();
    if (flags.listen_host.empty()) return around;
    const bool v6 = flags.listen_host.find(':') != std::string::npos && flags.listen_host.front() != '[';
    const auto at = Endpoint::parse((v6 ? "[" + flags.listen_host + "]" : flags.listen_host) + ":0");
    if (!at) return parse_error("--listen-host " + flags.listen_host + " is no address and no name");
    around.listen_host = at->host;
    return around;
}

std::string why_unfit(const StoreOptions& store, const Flags& flags) {
    if (store.engine == StoreEngine::rocks)
        return flags.standby || !flags.node.empty()
                   ? "--standby and --node belong to [store] engine = \"postgres\""
               : flags.as_restored && flags.verify ? "--as-restored starts the switch, --verify only looks"
                                                   : "";
    if (flags.as_restored) return "--as-restored belongs to [store] engine = \"rocks\"";
    if (store.node.empty())
        return "[store.postgres] node or --node is needed: each switch has a name of its own";
    const auto word = config::word(store.node);
    return word ? "" : "--node " + word.error().what;
}

}  // namespace acquirer
