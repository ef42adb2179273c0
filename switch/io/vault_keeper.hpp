// VaultKeeper: who keeps the vault's keys where they outlive the process, as the shell needs it. Making and
// wiping block and run on a thread of the shell's; adopt() is the thread's that steps the shard's core,
// before the core hears of it.
#pragma once

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/pan_vault.hpp"

namespace acquirer {

class VaultKeeper {
  public:
    virtual ~VaultKeeper() = default;
    /// All keys as they are kept now, durably, with one of that number; an error: nothing that is needed was
    /// lost, and the key may be there or not.
    virtual iso8583::Result<ledger::VaultKeys> make(std::uint32_t number, iso8583::UtcTime now) = 0;
    /// The same without it.
    virtual iso8583::Result<ledger::VaultKeys> wipe(std::uint32_t number) = 0;
    virtual void adopt(std::size_t shard, const ledger::VaultKeys& keys) = 0;
};

}  // namespace acquirer
