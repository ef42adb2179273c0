// Vault office: what two people do with the vault's keys, for tests.
#pragma once

#include <utility>

#include "tests/core/desk.hpp"

namespace desk {

inline constexpr const char* vault_note = "its year is over";

/// A security officer proposes it, a supervisor approves; what the first of them that is refused was told.
inline acquirer::OperatorAnswer by_two(Desk& d, acquirer::OperatorCommand command) {
    using acquirer::DecideProposal;
    const acquirer::OperatorAnswer proposed =
        d.operate(std::move(command), "officer1", acquirer::Role::security_officer);
    if (!proposed.done) return proposed;
    return d.operate(DecideProposal{proposed.values.front().second, DecideProposal::To::approve, vault_note},
                     "checker1", acquirer::Role::supervisor);
}
inline acquirer::OperatorAnswer rotate(Desk& d) { return by_two(d, acquirer::RotateVaultKey{vault_note}); }
inline acquirer::OperatorAnswer retire(Desk& d, std::uint32_t key) {
    return by_two(d, acquirer::RetireVaultKey{key, vault_note});
}

}  // namespace desk
