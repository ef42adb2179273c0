// merchants add|remove, terminals add|remove (supervisor): what operations lay over the configuration file.
// Whoever makes an AddParty has checked it together with the file and all that is stored (party_desk.hpp).
#pragma once

#include <cstdint>
#include <string>

#include "ledger/party.hpp"

namespace acquirer {

struct AddParty {
    ledger::PartyKind kind = ledger::PartyKind::merchant;
    std::string id;                    // DE42, or DE41 of the first terminal
    std::string section;               // TOML
    std::string words;                 // for the audit log: what was given, without keys
    std::uint32_t config_version = 0;  // it was checked against
};
struct RemoveParty {
    ledger::PartyKind kind = ledger::PartyKind::merchant;
    std::string id;
    std::uint32_t config_version = 0;
};

}  // namespace acquirer
