// EmbeddedHsm: the engine in this process. MACs by DES wait for flush() and are made together, since many
// cost little more than one; all else is answered on the spot.
//
// Thread: the core's. Ownership: the engine outlives it. Errors: the engine's.
#pragma once

#include <vector>

#include "hsm_sim/engine.hpp"
#include "switch/io/hsm_access.hpp"

namespace acquirer {

class EmbeddedHsm final : public HsmAccess {
  public:
    /// With so many the next flush() need not wait for what other sockets bring.
    static constexpr std::size_t together_max = 128;

    explicit EmbeddedHsm(hsm::HsmEngine& engine) : engine_(engine) {}
    void on_reply(OnReply call) override { on_reply_ = std::move(call); }
    std::optional<hsm::Reply> ask(const HsmAsker& asker, hsm::Request request) override;
    void flush() override;
    [[nodiscard]] bool flush_is_due() const override { return requests_.size() >= together_max; }
    [[nodiscard]] bool available() const override { return true; }
    [[nodiscard]] std::size_t waiting() const override { return requests_.size(); }

  private:
    hsm::HsmEngine& engine_;
    OnReply on_reply_;
    std::vector<HsmAsker> askers_;  // of requests_, in the same order
    std::vector<hsm::Request> requests_;
};

}  // namespace acquirer
