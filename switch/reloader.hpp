// The configuration as people change it while the switch runs: the file again (SIGHUP), and the policy that
// two people laid over it (refundctl policy apply). Both are read by the one loader; what is not usable
// leaves the running configuration as it is.
//
// Owner: main; the running configuration is main's too. Thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledger/store.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/config/config.hpp"
#include "switch/io/log.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

class Reloader {
  public:
    Reloader(std::string path, LoadedConfig& running, Log& log, WallClock& clock)
        : path_(std::move(path)), running_(running), log_(log), clock_(clock) {}
    void tell_operators(std::function<void(std::vector<OperatorAccount>)> tell) { tell_ = std::move(tell); }

    /// At the start: the policy that is in force in the ledger is laid over the file.
    iso8583::Result<void> begin(const ledger::StoreReader& store);
    /// SIGHUP. Nothing: not usable, which is logged.
    ConfigurationPtr operator()();
    /// policy apply, once two people have said so.
    ConfigurationPtr apply(const std::string& policy);
    /// policy check: what it would change.
    [[nodiscard]] iso8583::Result<admin::PolicyPreview> judge(const std::string& policy) const;

  private:
    [[nodiscard]] ConfigSurroundings around(std::string policy, std::string name) const;
    ConfigurationPtr take(LoadedConfig wanted);
    void tell_absent(const std::vector<std::string>& absent);

    std::string path_;
    std::string policy_;
    LoadedConfig& running_;
    Log& log_;
    WallClock& clock_;
    std::function<void(std::vector<OperatorAccount>)> tell_;
};

}  // namespace acquirer
