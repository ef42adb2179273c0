// LoadStack: three issuer-sims and a refund-switch for a load run, started beside this program on free ports
// of loopback, with the demo's configuration and a data directory of their own that is removed afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <memory>

#include "bench/child_process.hpp"
#include "bench/tls_front.hpp"
#include "iso8583/values/result.hpp"

namespace bench {

/// Where the parts are that a load run talks to; of a stack of our own or of a running one.
struct LoadTargets {
    std::string unionpay;  // ADDRESS:PORT; empty: no terminals of that profile
    std::string iso;
    std::string control;                // refund-switch's control socket; may be empty
    std::string metrics;                // ADDRESS:PORT of its /metrics; may be empty
    std::vector<std::string> journals;  // issuer-a's, issuer-b's, issuer-w's; may be empty
};

struct StackOptions {
    std::string programs;   // directory of refund-switch and issuer-sim
    std::string config;     // directory of demo.toml, issuer-a.toml, issuer-b.toml, issuer-w.toml
    std::string directory;  // made for the run
    bool keep = false;      // leave it there afterwards
    std::vector<std::string> issuer_flags;
    std::vector<std::string> shell;  // lines of the switch's [shell]
    std::uint32_t shards = 1;
    bool tls = false;  // terminals' ports speak TLS 1.3 with certificates, behind fronts in clear
};

class LoadStack {
  public:
    LoadStack();
    ~LoadStack();
    LoadStack(const LoadStack&) = delete;
    LoadStack& operator=(const LoadStack&) = delete;

    iso8583::Result<void> start(const StackOptions& options);
    /// Stops the switch, then the issuers; what did not end with exit status 0, in words (empty: all did).
    std::string stop();
    [[nodiscard]] const LoadTargets& targets() const { return targets_; }
    /// 0 when none of ours runs.
    [[nodiscard]] pid_t switch_pid() const { return switch_.running() ? switch_.pid() : 0; }
    /// Processor seconds used so far.
    struct Cpu {
        double refund_switch = 0, issuers = 0;
    };
    [[nodiscard]] Cpu cpu() const;

  private:
    iso8583::Result<void> start_issuers();
    iso8583::Result<void> start_switch();
    /// What the configuration says of TLS; makes the certificates.
    std::string tls_sections();
    iso8583::Result<void> put_fronts();

    StackOptions options_;
    LoadTargets targets_;
    std::vector<ChildProcess> issuers_;
    std::vector<std::string> issuer_addresses_;
    ChildProcess switch_;
    struct Certificates;
    std::unique_ptr<Certificates> certificates_;
    std::vector<std::unique_ptr<TlsFront>> fronts_;
    bool started_ = false;
};

/// "switch/config" of the source tree: of the working directory, or above the programs (build/<preset>/bin).
std::string find_config_directory(const std::string& programs);
/// The directory of this program.
std::string own_directory();
/// The word after `key=` in a ready line; empty when there is none.
std::string ready_word(const std::string& line, const std::string& key);

}  // namespace bench
