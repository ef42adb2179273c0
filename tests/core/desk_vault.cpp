// The desk's vault: its file, which outlives restarts.
#include "ledger/vault_key_file.hpp"
#include "tests/core/desk.hpp"
#include "tests/ledger/key_of_number.hpp"

namespace desk {

using namespace acquirer;

ledger::VaultKeys Desk::first_vault_keys() {
    std::array<std::uint8_t, ledger::PanVaultKey::size> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    return ledger::VaultKeys::of(ledger::PanVaultKey(bytes));
}

template <typename Done>
void Desk::change_vault(std::uint32_t number, iso8583::Result<ledger::VaultKeys> changed) {
    std::string fault = changed ? vault_fault : changed.error().what;
    if (fault.empty()) vault_file = std::move(*changed);
    if (vault_is_slow) return;
    vault_.hold(vault_file);
    inbox_.push_back(Done{number, std::move(fault)});
}

void Desk::take_vault_file(const ledger::VaultKeys& changed) {
    vault_file = changed;
    vault_.hold(vault_file);
}

void Desk::make_vault_key(const MakeVaultKey& wanted) {
    ledger_test::KeyOfNumber random(wanted.number);
    change_vault<VaultKeyMade>(wanted.number,
                               ledger::with_new_key(vault_file, wanted.number, random, wanted.at));
}

void Desk::wipe_vault_key(const WipeVaultKey& wanted) {
    change_vault<VaultKeyWiped>(wanted.number, ledger::without_key(vault_file, wanted.number));
}

}  // namespace desk
