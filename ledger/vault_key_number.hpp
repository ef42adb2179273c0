// Numbers of a vault's sealing keys, for records that say which one sealed them (pan_vault.hpp).
#pragma once

#include <cstdint>

namespace ledger {

/// Sealing keys are counted from here; what says no number is sealed under this one. Stored: do not change.
inline constexpr std::uint32_t first_vault_key = 1;

}  // namespace ledger
