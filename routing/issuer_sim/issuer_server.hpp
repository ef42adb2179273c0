// The I/O of issuer-sim: one thread, connections from switches, a control socket, a journal. The model
// decides; this only carries out its actions, journal before answers. Reads and answers go in batches: one
// write of the journal (and one sync) for all frames that were there, and only then their answers.
//
// Thread: run() takes the calling one. Errors: start-up and journal faults are reported by run()'s result; a
// fault of a connection closes that connection.
#pragma once

#include <memory>
#include <string>

#include "hsm_sim/engine.hpp"
#include "iso8583/values/result.hpp"
#include "routing/issuer_sim/issuer_config.hpp"

namespace routing {

class IssuerServer {
  public:
    static constexpr std::size_t links_max = 1'024;
    static constexpr std::size_t control_links_max = 16;
    static constexpr std::size_t control_line_bytes_max = 1'024;
    static constexpr std::size_t outbox_bytes_max = 16U << 20;     // of one link; beyond it the link closes
    static constexpr std::size_t delayed_answers_max = 1'000'000;  // beyond it the link closes

    IssuerServer(IssuerSimOptions options, hsm::HsmEngine& engine);
    ~IssuerServer();

    /// Opens journal, listener and control socket; the text of the ready line, or why not.
    iso8583::Result<std::string> open();
    /// Until SIGTERM or SIGINT (nothing) or until the journal cannot be written (why).
    iso8583::Result<void> run();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace routing
