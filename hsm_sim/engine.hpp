// The HSM's engine: every function that takes a key block under the LMK and gives back anything but a clear
// key. The switch embeds it; hsm-sim serves it over TCP.
//
// Ownership: owns its LMK and its keyed ciphers; the random source and the observer outlive it. Thread: one
// at a time; a server has one engine, or one per thread with state of its own. Errors: HsmFault, and a
// sentence without secrets to the observer for every refusal. Deterministic for a given random source.
// Source: docs/hsm.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hsm_sim/lmk.hpp"
#include "hsm_sim/port.hpp"
#include "iso8583/values/random_source.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

/// Hears why the engine refused and which key operations it did. Never gets a key, a PIN or a PAN.
class HsmObserver {
  public:
    virtual ~HsmObserver() = default;
    virtual void refused(HsmFault fault, std::string_view why) = 0;
};

struct HsmOptions {
    HsmObserver* observer = nullptr;  // none: nobody listens
};

class HsmEngine {
  public:
    HsmEngine(Lmk lmk, iso8583::RandomSource& random, HsmOptions options = {});
    ~HsmEngine();
    HsmEngine(HsmEngine&&) noexcept;
    HsmEngine& operator=(HsmEngine&&) noexcept;

    /// Known-answer tests of every algorithm. Nothing may be served before this has said yes.
    [[nodiscard]] iso8583::Result<void> self_test();

    /// What the switch asks (hsm_sim/port.hpp).
    [[nodiscard]] Reply perform(const Request& request);

    [[nodiscard]] bool is_test_lmk() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace hsm
