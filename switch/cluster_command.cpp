#include "switch/cluster_command.hpp"

#include <cstdio>

#include "hsm_sim/lmk_file.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_export.hpp"
#include "ledger/postgres_import.hpp"
#include "switch/exit_codes.hpp"
#include "switch/open_store.hpp"

namespace acquirer {

namespace {

constexpr std::size_t password_bytes_max = 1'024;
constexpr std::size_t vault_key_bytes_max = 4'096;
constexpr const char* scratch_name = "import.check";

int failed(const std::string& why) {
    std::fprintf(stderr, "refund-switch: %s\n", why.c_str());
    return exit_failed;
}

iso8583::Result<ledger::PostgresOptions> options_of(const LoadedConfig& config) {
    if (config.store.engine != StoreEngine::postgres)
        return iso8583::parse_error("the configuration has no [store] engine = \"postgres\"");
    return postgres_options_of(config.store);
}

}  // namespace

int cluster_init(const LoadedConfig& config, const ClusterInit& wanted) {
    const auto options = options_of(config);
    if (!options) return failed(options.error().what);
    std::string password;
    if (!wanted.owner_password_file.empty()) {
        const auto text = hsm::read_secret_file(wanted.owner_password_file, password_bytes_max);
        if (!text) return failed(text.error().what);
        password = text->substr(0, text->find('\n'));
    }
    const auto upgraded = ledger::upgrade_cluster(*options, wanted.owner, password);
    if (!upgraded) return failed(upgraded.error().what);
    if (*upgraded) {
        std::fprintf(stdout, "the tables of the database %s are of version %d now\n",
                     options->database.c_str(), ledger::cluster_schema_version);
        return exit_done;
    }
    const auto created = ledger::create_cluster(*options, wanted.owner, password, wanted.shards);
    if (!created && created.error().kind != ledger::StoreError::Kind::version)
        return failed(created.error().what);
    if (!created) {
        // There are tables already. What runs this again, as whatever sets up machines does, gets what it
        // wanted.
        const auto there = ledger::read_cluster(*options);
        if (!there) return failed(there.error().what);
        if (there->shards.size() != wanted.shards)
            return failed("the database " + options->database + " has the tables of a cluster of " +
                          std::to_string(there->shards.size()) + " shards, not " +
                          std::to_string(wanted.shards) + ": nothing was changed");
        std::fprintf(stdout, "the database %s has the tables of a cluster already, of version %d\n",
                     options->database.c_str(), ledger::cluster_schema_version);
        return exit_done;
    }
    std::fprintf(stdout, "the database %s has the tables of a cluster of %u %s\n", options->database.c_str(),
                 wanted.shards, wanted.shards == 1 ? "shard" : "shards");
    return exit_done;
}

int cluster_move(const LoadedConfig& config, const ClusterMove& wanted) {
    const auto options = options_of(config);
    if (!options) return failed(options.error().what);
    const auto moved = ledger::move_shard(*options, wanted.to, wanted.wait_seconds);
    if (!moved) return failed(moved.error().what);
    std::fprintf(stdout, "shard %d went from node %s to node %s under epoch %llu after %lld ms\n",
                 config.store.shard, moved->from.c_str(), wanted.to.c_str(),
                 static_cast<unsigned long long>(moved->epoch), static_cast<long long>(moved->ms));
    return exit_done;
}

int cluster_export(const LoadedConfig& config, const std::string& data) {
    const auto options = options_of(config);
    if (!options) return failed(options.error().what);
    const auto exported = ledger::export_ledger(*options, rocks_options_of(config, data), data);
    if (!exported) return failed(exported.error().what);
    std::fprintf(
        stdout,
        "%s holds the ledger of shard %d up to turn %llu: %llu keys, read back and equal. Start a switch "
        "on one of the two only\n",
        data.c_str(), config.store.shard, static_cast<unsigned long long>(exported->turn),
        static_cast<unsigned long long>(exported->keys));
    return exit_done;
}

int cluster_import(const LoadedConfig& config, const std::string& data) {
    const auto options = options_of(config);
    if (!options) return failed(options.error().what);
    const std::string key_path = data + "/" + ledger::vault_key_name;
    const auto key = ledger::read_small_file(key_path, vault_key_bytes_max);
    if (!key) return failed(key.error().what);
    if (!*key) return failed(key_path + ": the file is missing, and without it no stored PAN can be opened");
    ledger::RocksStoreOptions from = rocks_options_of(config, data);
    from.directory = data + "/" + ledger::store_name;
    const auto imported = ledger::import_ledger(*options, from, std::string(iso8583::as_text(**key)),
                                                data + "/" + scratch_name);
    if (!imported) return failed(imported.error().what);
    std::fprintf(
        stdout,
        "shard %d holds the ledger of %s up to turn %llu: %llu keys of the journal, %llu of the index, "
        "read back and equal\n",
        config.store.shard, data.c_str(), static_cast<unsigned long long>(imported->turn),
        static_cast<unsigned long long>(imported->journal_keys),
        static_cast<unsigned long long>(imported->index_keys));
    return exit_done;
}

int cluster_status(const LoadedConfig& config) {
    const auto options = options_of(config);
    if (!options) return failed(options.error().what);
    const auto status = ledger::read_cluster(*options);
    if (!status) return failed(status.error().what);
    std::fprintf(stdout, "ledger %s, written at %s, synchronous standbys: %s\n", status->ledger.c_str(),
                 status->host.c_str(),
                 status->synchronous_standby_names.empty() ? "none: nothing is replicated"
                                                           : status->synchronous_standby_names.c_str());
    for (const ledger::ShardRow& shard : status->shards) {
        const std::string owner =
            shard.owner.empty()
                ? "nobody's yet"
                : "of node " + shard.owner + (shard.address.empty() ? "" : " at " + shard.address);
        const std::string lease = shard.owner.empty() ? ""
                                  : shard.lease_left_ms > 0
                                      ? ", lease runs for " + std::to_string(shard.lease_left_ms) + " ms"
                                      : ", lease has run out";
        const std::string move = shard.move_to.empty() ? "" : ", to go to node " + shard.move_to;
        std::fprintf(stdout, "shard %u (%s): %s, epoch %llu, turn %llu%s%s\n", shard.id, shard.code.c_str(),
                     owner.c_str(), static_cast<unsigned long long>(shard.epoch),
                     static_cast<unsigned long long>(shard.turn), lease.c_str(), move.c_str());
    }
    return exit_done;
}

}  // namespace acquirer
