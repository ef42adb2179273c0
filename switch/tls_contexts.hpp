// TlsContexts: what the [[tls]] of the configuration became: a context for each, as the side that its ports
// or links are, read again on SIGHUP.
//
// Owner: Foundation, for as long as the shell runs. Thread: the loop's. Errors: sentences that name the
// [[tls]] and its file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "switch/config/config.hpp"
#include "switch/io/hsm_client.hpp"
#include "switch/io/log.hpp"
#include "switch/io/metrics.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/tls.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

class TlsContexts {
  public:
    /// Of all that ports and links of the configuration name.
    static iso8583::Result<TlsContexts> open(const LoadedConfig& config);

    /// The channels of every port and link; plain where none is named.
    void put_into(ShellSetup& setup, const LoadedConfig& config) const;
    void put_into(HsmClientSetup& setup, const LoadedConfig& config) const;
    /// The files as they are now; what cannot be used is an alarm and stays as it was.
    void reload(Log& log, WallClock& clock);
    /// A line for each certificate that ends within expires_soon_days, or has ended.
    void warn_of_ends(Log& log, WallClock& clock) const;
    [[nodiscard]] std::vector<ShellStatus::Tls> status() const;

    static constexpr int expires_soon_days = 30;

  private:
    using Key = std::pair<TlsContext::Side, std::string>;
    [[nodiscard]] MakeChannel channels(TlsContext::Side side, const std::string& name) const;

    std::map<Key, std::shared_ptr<TlsContext>> contexts_;
};

/// Says at the start and every day which certificates end soon.
class CertificateWatch {
  public:
    CertificateWatch(Reactor& reactor, const TlsContexts& tls, Log& log, WallClock& clock);

  private:
    static constexpr std::int64_t day_ms = 86'400'000;
    void look();

    std::unique_ptr<Alarm> alarm_;
    const TlsContexts& tls_;
    Log& log_;
    WallClock& clock_;
};

}  // namespace acquirer
