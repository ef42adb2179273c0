#include "switch/io/embedded_hsm.hpp"

namespace acquirer {

std::optional<hsm::Reply> EmbeddedHsm::ask(const HsmAsker& asker, hsm::Request request) {
    if (!hsm::HsmEngine::gains_together(request)) return engine_.perform(request);
    askers_.push_back(asker);
    requests_.push_back(std::move(request));
    return std::nullopt;
}

// A reply may lead to another question, which is answered in the same call.
void EmbeddedHsm::flush() {
    while (!requests_.empty()) {
        const std::vector<HsmAsker> askers = std::exchange(askers_, {});
        const std::vector<hsm::Request> requests = std::exchange(requests_, {});
        const std::vector<hsm::Reply> replies = engine_.perform(requests);
        for (std::size_t i = 0; i < replies.size(); ++i) on_reply_(askers[i], replies[i]);
    }
}

}  // namespace acquirer
