#include "switch/vault_file_keeper.hpp"

#include <utility>

#include "ledger/backup_directory.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/vault_books.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;
using ledger::VaultKeys;

namespace {

constexpr const char* of_the_cluster = "of the cluster";

std::string path_in(const std::string& data) { return data + "/" + ledger::vault_key_name; }

/// A key of the old form has no date; it is at least as old as what it sealed first.
Result<bool> date_undated(VaultKeys& keys, const ledger::Store& store, iso8583::UtcTime now) {
    bool dated = false;
    for (VaultKeys::Sealing& key : keys.sealing) {
        if (key.made.ms != 0) continue;
        const auto oldest = ledger::oldest_transaction(store);
        if (!oldest) return tl::unexpected(oldest.error());
        key.made = oldest->value_or(now);
        dated = true;
    }
    return dated;
}

Result<VaultKeys> keys_of_file(const ledger::Store& store, const std::string& path,
                               const ledger::KeyEncryption& kek, iso8583::RandomSource& random,
                               iso8583::UtcTime now, bool only_looks) {
    auto keys = store.last_turn_number() == 0 && !only_looks
                    ? ledger::load_or_create_vault_keys(path, kek, random, now)
                    : ledger::load_vault_keys(path, kek);
    if (!keys) return keys;
    const auto dated = date_undated(*keys, store, now);
    if (!dated) return tl::unexpected(dated.error());
    if (*dated && !only_looks)
        if (auto kept = ledger::replace_vault_keys(path, kek, *keys); !kept)
            return tl::unexpected(kept.error());
    return keys;
}

Result<VaultKeys> keys_of_cluster(const ledger::PostgresOptions& options, const ledger::Store& store,
                                  const ledger::KeyEncryption& kek, iso8583::RandomSource& random,
                                  iso8583::UtcTime now) {
    auto sealed = ledger::read_vault_secret(options);
    if (!sealed) return parse_error(sealed.error().what);
    if (!*sealed) {
        if (store.last_turn_number() != 0)
            return parse_error(std::string("cluster.secret has no ") + ledger::vault_key_name +
                               ", and without it no stored PAN can be opened");
        const auto made = ledger::seal_vault_keys(kek, ledger::new_vault_keys(random, now));
        if (!made) return tl::unexpected(made.error());
        auto kept = ledger::keep_secret(options, ledger::vault_key_name, *made);
        if (!kept) return parse_error(kept.error().what);
        *sealed = std::move(*kept);
    }
    auto keys = ledger::open_vault_keys(**sealed, of_the_cluster, kek);
    if (!keys) return keys;
    if (const auto dated = date_undated(*keys, store, now); !dated) return tl::unexpected(dated.error());
    const auto own = ledger::seal_vault_keys(kek, *keys);
    if (!own) return tl::unexpected(own.error());
    const auto kept = ledger::keep_secret(options, ledger::vault_secret_name(options.shard), *own);
    if (!kept) return parse_error(kept.error().what);
    return ledger::open_vault_keys(*kept, of_the_cluster, kek);
}

}  // namespace

Result<VaultKeys> vault_keys_of(const LoadedConfig& config, const ledger::Store& store,
                                const std::string& data, const ledger::KeyEncryption& kek,
                                iso8583::RandomSource& random, iso8583::UtcTime now, bool only_looks) {
    if (config.store.engine == StoreEngine::rocks)
        return keys_of_file(store, path_in(data), kek, random, now, only_looks);
    const auto options = postgres_options_of(config.store);
    if (!options) return tl::unexpected(options.error());
    return keys_of_cluster(*options, store, kek, random, now);
}

Result<VaultKeys> VaultFileKeeper::make(std::uint32_t number, iso8583::UtcTime now) {
    return change(
        [&](VaultKeys keys) { return ledger::with_new_key(std::move(keys), number, random_, now); });
}

Result<VaultKeys> VaultFileKeeper::wipe(std::uint32_t number) {
    return change([&](VaultKeys keys) { return ledger::without_key(std::move(keys), number); });
}

/// What is kept is read anew: it is the truth, also after a change that failed half-way.
Result<VaultKeys> VaultFileKeeper::change(const Change& change) {
    if (store_.engine != StoreEngine::rocks) return change_secret(change);
    auto kept = ledger::load_vault_keys(path_in(data_), kek_);
    if (!kept) return kept;
    auto keys = change(std::move(*kept));
    if (!keys) return keys;
    if (auto replaced = ledger::replace_vault_keys(path_in(data_), kek_, *keys); !replaced)
        return tl::unexpected(replaced.error());
    return keys;
}

Result<VaultKeys> VaultFileKeeper::change_secret(const Change& change) {
    const auto options = postgres_options_of(store_);
    if (!options) return tl::unexpected(options.error());
    const auto sealed = ledger::read_vault_secret(*options);
    if (!sealed) return parse_error(sealed.error().what);
    if (!*sealed) return parse_error(std::string("cluster.secret has no ") + ledger::vault_key_name);
    auto kept = ledger::open_vault_keys(**sealed, of_the_cluster, kek_);
    if (!kept) return kept;
    auto keys = change(std::move(*kept));
    if (!keys) return keys;
    const auto fresh = ledger::seal_vault_keys(kek_, *keys);
    if (!fresh) return tl::unexpected(fresh.error());
    if (auto replaced = ledger::replace_vault_secret(*options, epoch_, **sealed, *fresh); !replaced)
        return parse_error(replaced.error().what);
    return keys;
}

}  // namespace acquirer
