// The configuration as people change it while the switch runs: the file again (SIGHUP), the policy that two
// people laid over it (refundctl policy apply), and the merchants and terminals that operations added to it.
// All are read by the one loader; what is not usable leaves the running configuration as it is.
//
// Owner: Foundation; the running configuration is its too. Thread: the loop's.
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

class Reloader final : public admin::PartyCheck {
  public:
    Reloader(std::string path, LoadedConfig& running, const ledger::Store& store, Log& log, WallClock& clock)
        : path_(std::move(path)), running_(running), store_(store), log_(log), clock_(clock) {}
    void tell_operators(std::function<void(std::vector<OperatorAccount>)> tell) { tell_ = std::move(tell); }

    /// At the start: the policy that is in force in the ledger and what was added there are laid over the
    /// file.
    iso8583::Result<void> begin();
    /// SIGHUP. Nothing: not usable, which is logged.
    ConfigurationPtr operator()();
    /// policy apply, once two people have said so.
    ConfigurationPtr apply(const std::string& policy);
    /// The file as it was read, under what is stored now.
    ConfigurationPtr lay_parties_over();
    // PartyCheck
    iso8583::Result<std::uint32_t> may_add(const ledger::PartyRecord& party) override;
    iso8583::Result<std::uint32_t> may_remove(ledger::PartyKind kind, const std::string& id) override;
    /// policy check: what it would change.
    [[nodiscard]] iso8583::Result<admin::PolicyPreview> judge(const std::string& policy) const;

  private:
    /// With what is stored now.
    [[nodiscard]] iso8583::Result<ConfigSurroundings> around(std::string policy, std::string name) const;
    void rejected(const char* event, const std::string& why, const char* consequence);
    ConfigurationPtr take(LoadedConfig wanted);
    /// Files of dialects as they are now: links find them in the running configuration when they connect.
    void take_dialects(const LoadedConfig& wanted);
    void take_dialect(DialectTable& running, const DialectTable& now, const std::string& file,
                      const std::string& who);
    void tell_absent(const std::vector<std::string>& absent);

    std::string path_;
    std::string policy_;
    LoadedConfig& running_;
    const ledger::Store& store_;
    Log& log_;
    WallClock& clock_;
    std::function<void(std::vector<OperatorAccount>)> tell_;
};

}  // namespace acquirer
