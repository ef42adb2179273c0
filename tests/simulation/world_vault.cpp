// The world's part of the vault: its file, which outlives crashes, and what must hold of it.
#include "ledger/vault_key_file.hpp"
#include "tests/ledger/key_of_number.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

using namespace acquirer;

template <typename Done>
void World::change_vault_file(std::size_t shard, std::uint32_t number,
                              iso8583::Result<ledger::VaultKeys> changed) {
    const bool fails = chance_.permille(faults.vault_file_fails_permille);
    std::string fault = !changed ? changed.error().what : fails ? "the disk is full" : "";
    if (fails) checkers_.reached("vault file not written");
    if (changed && !fails) vault_file_ = std::move(*changed);
    const std::uint64_t generation = generation_;
    at(chance_.between(0, 2'000), [this, generation, shard, number, fault = std::move(fault)] {
        if (generation != generation_ || !process_) return;
        process_->hold(vault_file_);
        process_->event_arrived(shard, Done{number, fault});
        after_step();
    });
}

void World::make_vault_key(std::size_t shard, const MakeVaultKey& wanted) {
    ledger_test::KeyOfNumber random(wanted.number);
    if (vault_file_.find(wanted.number) != nullptr) checkers_.reached("vault key asked for again");
    change_vault_file<VaultKeyMade>(shard, wanted.number,
                                    ledger::with_new_key(vault_file_, wanted.number, random, wanted.at));
}

void World::wipe_vault_key(std::size_t shard, const WipeVaultKey& wanted) {
    if (vault_file_.find(wanted.number) == nullptr) checkers_.reached("vault key wiped again");
    change_vault_file<VaultKeyWiped>(shard, wanted.number, ledger::without_key(vault_file_, wanted.number));
}

/// What is about to be durable can be opened by the keys that are.
void World::check_seals(const ledger::Batch& batch) {
    if (vault_file_.active == ledger::first_vault_key) return;  // what most worlds have costs nothing
    for (const ledger::Mutation& m : batch.mutations) {
        if (m.key.family != ledger::Family::journal || !m.value ||
            m.key.bytes.front() != static_cast<char>(ledger::KeyPrefix::transaction))
            continue;
        const auto record = ledger::decode_transaction_record(*m.value);
        if (!record || record->sealed_card.empty()) continue;
        if (vault_file_.find(record->sealed_under) == nullptr)
            checkers_.broken("vault",
                             record->rrn.str() + " is sealed under key " +
                                 std::to_string(record->sealed_under) + ", which the file has not",
                             clock_);
    }
}

}  // namespace simulation
