// The HSM as the switch asks it, embedded or over TCP, and what seals the keys of the vault and of the audit
// chain beside it: the LMK of an embedded one, else a key file.
//
// Owner: whoever serves; the reactor, log, clock and random source outlive it. Thread: start-up's opens it,
// the loop's asks it. Errors: sentences that name the file, never what is in it. Source: docs/security.md.
#pragma once

#include <memory>
#include <string>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/config/config.hpp"
#include "switch/io/hsm_access.hpp"
#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/wall_clock.hpp"
#include "switch/tls_contexts.hpp"

namespace acquirer {

/// As the command line names them; empty: it does not.
struct KeyFiles {
    std::string lmk;    // opens a sealed LMK
    std::string vault;  // seals the vault's key where the HSM is reached over TCP
};

struct OpenedHsm {
    std::unique_ptr<hsm::HsmObserver> observer;  // of the engine
    std::unique_ptr<hsm::HsmEngine> engine;      // none: over TCP
    std::unique_ptr<HsmAccess> access;
    std::unique_ptr<ledger::KeyEncryption> vault_kek;
    std::unique_ptr<ledger::KeyEncryption> audit_kek;
};

/// `data`: where the demo's key file is made.
iso8583::Result<OpenedHsm> open_hsm(const LoadedConfig& config, const TlsContexts& tls, const KeyFiles& files,
                                    const std::string& data, Reactor& reactor, Log& log, WallClock& clock,
                                    hsm::OpensslRandom& random);

}  // namespace acquirer
