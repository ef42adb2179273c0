// The control socket as the operators' protocol sees it (switch/admin/control_protocol implements it, the
// control socket calls it): one line in, one line out, and where the work is done in between.
//
// Thread: `decide` and `render` on the core's thread, so they must be quick; a ControlRead runs on a worker's
// thread, over an immutable view, and may take its time: short reads on one, long ones on another. Errors: a
// line that is no command is answered, not thrown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "iso8583/values/time_fields.hpp"
#include "ledger/merged_reader.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/event.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

/// A line from the socket, and who sent it by the kernel's word (SO_PEERCRED).
struct ControlRequest {
    std::string line;  // one JSON object, without the newline
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// What a read may look at: what is durable now, the core's counters, the configuration, the clock, and the
/// shell's own figures.
struct ControlView {
    std::shared_ptr<const ledger::StoreReader> store;
    CoreStatus status;
    ConfigurationPtr configuration;
    iso8583::Now now;
    ShellFigures shell{};
    ledger::ShardReaders shards{};  // each one's own, of several
};

/// Answered at once: the whole answer line.
struct ControlAnswer {
    std::string line;
};
/// Stepped by the core; `render` makes the line of its answer. The socket fills in the event's ticket.
struct ControlChange {
    OperatorCommanded event;
    std::function<std::string(const OperatorAnswer&)> render;
};
/// Run on the worker; returns the answer line. The first read of a connection that holds takes the view, and
/// its later ones that hold are given the same, until the connection ends or a bound takes it back.
struct ControlRead {
    std::function<std::string(const ControlView&)> read;
    bool hold_view = false;
    bool takes_long = false;  // run beside the short ones, which never wait for it
};
using ControlDecision = std::variant<ControlAnswer, ControlChange, ControlRead>;

class ControlHandler {
  public:
    virtual ~ControlHandler() = default;
    virtual ControlDecision decide(const ControlRequest& request) = 0;
    /// The answer to a line that could not even be taken: too long, too many at once, the switch is stopping.
    virtual std::string refuse(const std::string& why) = 0;
};

}  // namespace acquirer
