// TerminalKeyTable: the working keys that terminal sessions verify and make MACs with. Filled by InstallKeys
// effects (sign-on) and from the configuration (iso87 terminals). Read by all sessions of a shard, on the
// core's thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/values/identifiers.hpp"

namespace acquirer {

/// Versions rise with every sign-on; the one that last verified a message stays valid until a newer one
/// verifies (docs/wire.md). Beside it at most so many that have not verified yet, one for each connection
/// that asked.
inline constexpr std::size_t unproven_keys_max = 32;

struct TerminalKeyVersion {
    std::uint32_t version = 0;
    hsm::KeyBlock pin_key;  // TPK
    hsm::KeyBlock mac_key;  // TAK
    /// LinkId of the connection that asked for it; 0: proven, or of an earlier life of the process.
    std::uint64_t asked_on = 0;
    friend bool operator==(const TerminalKeyVersion&, const TerminalKeyVersion&) = default;
};

/// Newest first.
struct TerminalKeySet {
    std::vector<TerminalKeyVersion> versions;
    std::uint32_t proven_version = 0;  // 0: none has verified a message yet
};

class TerminalKeyTable {
  public:
    void install(const iso8583::TerminalId& terminal, TerminalKeySet keys) {
        sets_[terminal] = std::move(keys);
    }
    [[nodiscard]] const TerminalKeySet* find(const iso8583::TerminalId& terminal) const {
        const auto at = sets_.find(terminal);
        return at == sets_.end() ? nullptr : &at->second;
    }

  private:
    std::map<iso8583::TerminalId, TerminalKeySet> sets_;
};

}  // namespace acquirer
