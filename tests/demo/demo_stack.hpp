// DemoStack: the processes of the demo (two issuer-sims, the switch, hsm-sim when asked for), what they say
// of themselves (ready lines, issuers' journals and control sockets, refundctl), and a data directory for
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "tests/demo/child_process.hpp"
#include "tests/demo/demo_tls.hpp"

namespace demo {

struct StackOptions {
    std::string bin;     // folder of the programs
    std::string config;  // folder of demo.toml, issuer-a.toml, issuer-b.toml
    std::string folder;  // logs, journals, data: a temporary one
    /// The stack runs already, and this is its folder: issuers' journals and control sockets as here, and
    /// cluster.sock, which says `where` the switch is, may `kill` it and `start` another.
    bool attached = false;
    bool hsm_over_tcp = false;
    bool tls = false;   // every link: terminals, issuers, monitoring, and the HSM over TCP
    bool keep = false;  // the programs may outlive the demo: keep() can be called
    bool free_ports =
        false;  // ports that are free instead of the demo's own, for several demos on one machine
};

/// One line of an issuer's journal.
struct Effect {
    std::string kind, of, rrn, terminal;
    std::int64_t amount = 0;
    /// "sale", "refund", "void", "reversal of sale" …
    [[nodiscard]] std::string what() const { return kind == "reversal" ? "reversal of " + of : kind; }
};

class DemoStack {
  public:
    explicit DemoStack(StackOptions options) : options_(std::move(options)) {}

    iso8583::Result<bool> start();
    iso8583::Result<bool> start_switch();
    void kill_switch();
    /// SIGTERM to the switch and its exit code; then the others.
    int stop();
    /// Leaves everything running and says how to connect and how to end it.
    void keep();

    /// What terminals connect under.
    [[nodiscard]] const acquirer::MakeChannel& terminal_channel() const { return terminal_channel_; }
    /// Address of "unionpay-pos" or "iso87-ascii", from the ready line.
    [[nodiscard]] std::string address(const std::string& profile) const;
    [[nodiscard]] Finished refundctl(const std::string& user, std::vector<std::string> words) const;

    [[nodiscard]] std::vector<Effect> journal(const std::string& issuer) const;
    /// Waits until an effect is in the issuer's journal, woken by the file's changes; false after `wait_ms`.
    bool await_effect(const std::string& issuer, const std::function<bool(const Effect&)>& wanted,
                      int wait_ms) const;
    /// One command on the issuer's control socket; its reply.
    [[nodiscard]] std::string tell(const std::string& issuer, const std::string& command) const;

  private:
    [[nodiscard]] std::string path(const std::string& name) const { return options_.folder + "/" + name; }
    [[nodiscard]] std::string program(const std::string& name) const { return options_.bin + "/" + name; }
    [[nodiscard]] WhenParentEnds when_demo_ends() const {
        return options_.keep ? WhenParentEnds::lives_on : WhenParentEnds::ends_too;
    }
    iso8583::Result<bool> make_tls();
    iso8583::Result<bool> ask_the_cluster(const std::string& command);
    iso8583::Result<bool> write_switch_config();
    iso8583::Result<bool> await_connections() const;

    StackOptions options_;
    std::optional<DemoTls> tls_;
    acquirer::MakeChannel terminal_channel_ = acquirer::plain_channel;
    acquirer::MakeChannel monitor_channel_ = acquirer::plain_channel;
    std::map<std::string, ChildProcess> issuers_;
    std::optional<ChildProcess> hsm_, switch_;
    std::string switch_ready_;  // the switch's ready line
};

}  // namespace demo
