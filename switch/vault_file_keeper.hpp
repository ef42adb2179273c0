// VaultFileKeeper: keeps the vault's keys where the ledger lies: in the file vault.key of the data directory,
// or in the row of cluster.secret that belongs to the shard.
//
// On PostgreSQL the shards of a cluster begin with one row of keys, `vault.key`; each has a row of its own
// from its first start on, because each ledger changes its key when it is asked to. The row of the beginning
// goes when no shard needs it any more and a key is wiped.
//
// Ownership: refers to key encryption, random source and vault, which outlive it. Thread: make() and wipe()
// one at a time on any, adopt() that of the shard's core. Errors: sentences. Source: docs/decisions/0054.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "iso8583/values/random_source.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/io/vault_keeper.hpp"
#include "switch/open_store.hpp"

namespace acquirer {

/// The keys of a store; made for a new one. A store that holds records must find them: new ones could never
/// open its cards. Keys of the old form get a date, that of the first transaction, and are kept in the new
/// form, except where somebody only looks.
iso8583::Result<ledger::VaultKeys> vault_keys_of(const LoadedConfig& config, const ledger::Store& store,
                                                 const std::string& data, const ledger::KeyEncryption& kek,
                                                 iso8583::RandomSource& random, iso8583::UtcTime now,
                                                 bool only_looks);

class VaultFileKeeper final : public VaultKeeper {
  public:
    /// `epoch` of the shard's owner, where there is one. `vaults`: one for each shard, of the same keys.
    VaultFileKeeper(const StoreOptions& store, const std::string& data, std::uint64_t epoch,
                    const ledger::KeyEncryption& kek, iso8583::RandomSource& random,
                    std::vector<ledger::PanVault*> vaults)
        : store_(store), data_(data), epoch_(epoch), kek_(kek), random_(random), vaults_(std::move(vaults)) {}

    iso8583::Result<ledger::VaultKeys> make(std::uint32_t number, iso8583::UtcTime now) override;
    iso8583::Result<ledger::VaultKeys> wipe(std::uint32_t number) override;
    void adopt(std::size_t shard, const ledger::VaultKeys& keys) override { vaults_.at(shard)->hold(keys); }

  private:
    using Change = std::function<iso8583::Result<ledger::VaultKeys>(ledger::VaultKeys)>;
    iso8583::Result<ledger::VaultKeys> change(const Change& change);
    iso8583::Result<ledger::VaultKeys> change_secret(const Change& change);

    const StoreOptions store_;
    const std::string data_;
    const std::uint64_t epoch_;
    const ledger::KeyEncryption& kek_;
    iso8583::RandomSource& random_;
    const std::vector<ledger::PanVault*> vaults_;
};

}  // namespace acquirer
