// Opens the authorised state when both officers have shown that they know their passphrases, for a limited
// time.
//
// Thread: the engine's. Errors: sentences for the officer. Time comes in as seconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/lmk_file.hpp"
#include "hsm_sim/sim_journal.hpp"

namespace hsm {

class Officers {
  public:
    /// Within this time the second officer must follow the first.
    static constexpr std::int64_t together_seconds_max = 120;
    /// After a wrong passphrase that officer waits.
    static constexpr std::int64_t wait_after_wrong_seconds = 5;

    /// `sealed` empty: the test LMK, which has no officers.
    Officers(HsmEngine& engine, SimJournal& journal, std::optional<SealedLmk> sealed, unsigned open_seconds)
        : engine_(engine), journal_(journal), sealed_(std::move(sealed)), open_seconds_(open_seconds) {}

    /// One line of the control socket: "authorise 1 PASSPHRASE", "revoke", "status". The answer begins with
    /// ok or error.
    [[nodiscard]] std::string command(std::string_view line, std::int64_t now);
    /// Closes the state when its time is over.
    void tick(std::int64_t now);

  private:
    std::string authorise(std::size_t officer, std::string_view passphrase, std::int64_t now);
    void note(std::string_view what, std::size_t officer);

    HsmEngine& engine_;
    SimJournal& journal_;
    std::optional<SealedLmk> sealed_;
    unsigned open_seconds_;
    std::array<std::optional<std::int64_t>, officers_count> present_since_;
    std::array<std::int64_t, officers_count> may_try_at_{};
    std::optional<std::int64_t> open_until_;
};

}  // namespace hsm
