#include "switch/tls_contexts.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;
using Side = TlsContext::Side;

namespace {

std::string called(const std::string& name) { return "[[tls]] " + name; }

/// Lists are renewed within days: one that nobody has renewed when most of its time is over is told.
void warn_of_crl(const std::string& whose, const TlsContext::Crl& crl, Log& log, const iso8583::Now& now) {
    constexpr std::int64_t told_in_the_last_part = 4;
    const std::int64_t left_ms = crl.next.ms - now.utc.ms;
    if (left_ms > (crl.next.ms - crl.issued.ms) / told_in_the_last_part) return;
    const auto when = iso8583::civil_from_utc(crl.next, 0);
    log.line(left_ms > 0 ? Severity::warning : Severity::alarm, "tls_crl_ends",
             {{"detail",
               whose +
                   (left_ms > 0 ? ": a list of revoked certificates ends on "
                                : ": a list of revoked certificates ended, and nobody is accepted, on ") +
                   when.date.iso() + " (UTC)"}},
             now);
}

}  // namespace

Result<TlsContexts> TlsContexts::open(const LoadedConfig& config) {
    TlsContexts out;
    std::vector<Key> wanted;
    for (const TerminalListener& listener : config.listeners) wanted.emplace_back(Side::server, listener.tls);
    wanted.emplace_back(Side::server, config.metrics_tls);
    for (const IssuerConnections& issuer : config.issuers) wanted.emplace_back(Side::client, issuer.tls);
    wanted.emplace_back(Side::client, config.hsm.tls);
    for (const Key& key : wanted) {
        const Side side = key.first;
        const std::string& name = key.second;
        if (name.empty() || out.contexts_.count(key) != 0) continue;
        const auto profile = std::find_if(config.tls.begin(), config.tls.end(),
                                          [&](const TlsProfile& p) { return p.name == name; });
        ENSURE(profile != config.tls.end());
        auto context = TlsContext::open(side, {profile->certificate, profile->key, profile->authority,
                                               profile->names, profile->peer_may_be_unknown, profile->crl});
        if (!context) return parse_error(called(name) + ": " + context.error().what);
        out.contexts_.emplace(key, std::move(*context));
    }
    return out;
}

MakeChannel TlsContexts::channels(Side side, const std::string& name) const {
    if (name.empty()) return plain_channel;
    return tls_channels(contexts_.at({side, name}));
}

void TlsContexts::put_into(ShellSetup& setup, const LoadedConfig& config) const {
    for (std::size_t i = 0; i < config.listeners.size(); ++i)
        setup.terminals[i].channel = channels(Side::server, config.listeners[i].tls);
    for (std::size_t i = 0; i < config.issuers.size(); ++i)
        setup.issuers[i].channel = channels(Side::client, config.issuers[i].tls);
    setup.metrics_channel = channels(Side::server, config.metrics_tls);
}
void TlsContexts::put_into(HsmClientSetup& setup, const LoadedConfig& config) const {
    setup.channel = channels(Side::client, config.hsm.tls);
}

void TlsContexts::reload(Log& log, WallClock& clock) {
    for (const auto& [key, context] : contexts_) {
        if (const auto read = context->reload(); !read)
            log.line(Severity::alarm, "tls_files_rejected",
                     {{"detail", called(key.second) + ": " + read.error().what},
                      {"consequence", "connections go on with the files as they were"}},
                     clock.now());
    }
    warn_of_ends(log, clock);
}

void TlsContexts::warn_of_ends(Log& log, WallClock& clock) const {
    constexpr std::int64_t ms_a_day = 86'400'000;
    const iso8583::Now now = clock.now();
    for (const auto& [key, context] : contexts_) {
        if (const auto& crl = context->crl()) warn_of_crl(called(key.second), *crl, log, now);
        if (!context->expires()) continue;
        const std::int64_t left_ms = context->expires()->ms - now.utc.ms;
        if (left_ms > expires_soon_days * ms_a_day) continue;
        const std::string when = iso8583::civil_from_utc(*context->expires(), 0).date.iso();
        log.line(left_ms > 0 ? Severity::warning : Severity::alarm, "tls_certificate_ends",
                 {{"detail", called(key.second) +
                                 (left_ms > 0 ? ": a certificate ends on " : ": a certificate ended on ") +
                                 when + " (UTC)"}},
                 now);
    }
}

std::vector<ShellStatus::Tls> TlsContexts::status() const {
    std::vector<ShellStatus::Tls> all;
    for (const auto& [key, context] : contexts_) {
        const TlsContext::Counts& counts = context->counts();
        const auto& crl = context->crl();
        all.push_back({key.second, key.first == Side::server ? "port" : "link", context->expires(),
                       crl ? std::optional(crl->next) : std::nullopt, counts.handshakes, counts.resumed,
                       counts.failures});
    }
    return all;
}

CertificateWatch::CertificateWatch(Reactor& reactor, const TlsContexts& tls, Log& log, WallClock& clock)
    : alarm_(reactor.alarm([this] { look(); })), tls_(tls), log_(log), clock_(clock) {
    look();
}

void CertificateWatch::look() {
    tls_.warn_of_ends(log_, clock_);
    alarm_->set(Reactor::now().plus_ms(day_ms));
}

}  // namespace acquirer
