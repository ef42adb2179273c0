#include "switch/io/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace acquirer {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr double us_per_second = 1e6;

class Page {
  public:
    void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {}) {
        metric(name, help, MetricType::Gauge, labels).gauge.value = value;
    }
    void counter(const std::string& name, const std::string& help, std::uint64_t value,
                 const Labels& labels = {}) {
        metric(name, help, MetricType::Counter, labels).counter.value = static_cast<double>(value);
    }
    void histogram(const std::string& name, const std::string& help, const DurationHistogram& durations) {
        ClientMetric::Histogram& out = metric(name, help, MetricType::Histogram, {}).histogram;
        std::uint64_t cumulative = 0;
        for (std::size_t i = 0; i < durations.counts().size(); ++i) {
            cumulative += durations.counts()[i];
            ClientMetric::Bucket bucket;
            bucket.cumulative_count = cumulative;
            bucket.upper_bound = i < DurationHistogram::bounds_us.size()
                                     ? static_cast<double>(DurationHistogram::bounds_us[i]) / us_per_second
                                     : std::numeric_limits<double>::infinity();
            out.bucket.push_back(bucket);
        }
        out.sample_count = cumulative;
        out.sample_sum = static_cast<double>(durations.sum_us()) / us_per_second;
    }
    [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

  private:
    ClientMetric& metric(const std::string& name, const std::string& help, MetricType type,
                         const Labels& labels) {
        const std::string full = "refund_switch_" + name;
        if (families_.empty() || families_.back().name != full) {
            families_.emplace_back();
            families_.back().name = full;
            families_.back().help = help;
            families_.back().type = type;
        }
        ClientMetric& out = families_.back().metric.emplace_back();
        for (const auto& [key, value] : labels) out.label.push_back({key, value});
        return out;
    }

    std::vector<MetricFamily> families_;
};

/// A counter of the core is a name and what it counts apart: "answered.refund.00" → refund and 00;
/// "answered.settlement.00.1" → and 1, how its totals compare. Nothing when it is of another name.
std::optional<std::vector<std::string>> parts_behind(std::string_view name, std::string_view label) {
    if (!label.starts_with(name) || !label.substr(name.size()).starts_with('.')) return std::nullopt;
    std::vector<std::string> parts;
    for (std::string_view rest = label.substr(name.size() + 1);;) {
        const std::size_t dot = rest.find('.');
        parts.emplace_back(rest.substr(0, dot));
        if (dot == std::string_view::npos) return parts;
        rest.remove_prefix(dot + 1);
    }
}

/// Counters that are metrics of their own: what of their name is a label. The others are events_total.
struct LabelledCounter {
    std::string_view counter;
    const char* metric;
    const char* help;
    std::vector<const char*> labels;
};

void add_counters(Page& page, const CoreStatus& core) {
    static const std::vector<LabelledCounter> labelled = {
        {"answered", "answered_total", "answers given to terminals", {"kind", "code", "totals"}},
        {"exceptions", "exceptions_total", "exceptions opened for people", {"kind"}},
        {"operator_refunds", "operator_refunds_total", "refunds that people opened", {"source"}},
        {"fraud_bounds", "fraud_bounds_total", "refunds over a bound of caution (R28)", {"bound"}},
        {"retention.purged", "retention_purged_total", "records that retention has let go", {"family"}},
        {"notices", "notices_total", "notices to customers and merchants that were written", {"kind"}},
    };
    const auto row_of = [&](std::string_view label) {
        return std::find_if(labelled.begin(), labelled.end(), [&](const LabelledCounter& row) {
            return parts_behind(row.counter, label).has_value();
        });
    };
    for (const LabelledCounter& row : labelled)
        for (const auto& [label, value] : core.counters) {
            const auto parts = parts_behind(row.counter, label);
            if (!parts) continue;
            Labels labels;
            for (std::size_t i = 0; i < std::min(parts->size(), row.labels.size()); ++i)
                labels.emplace_back(row.labels[i], (*parts)[i]);
            page.counter(row.metric, row.help, value, labels);
        }
    for (const auto& [label, value] : core.counters)
        if (row_of(label) == labelled.end())
            page.counter("events_total", "what happened, by stable label", value, {{"event", label}});
}

void add_core(Page& page, const CoreStatus& core) {
    add_counters(page, core);
    page.gauge("pending", "transactions waiting for an issuer or the HSM", core.pending);
    page.gauge("held", "refunds waiting for a checker", core.held);
    page.gauge("open_exceptions", "exceptions without a resolution", core.open_exceptions);
    page.gauge("orphans", "transactions that nothing and nobody waits for; always 0", core.orphans);
    page.gauge("notices_waiting", "notices that are not delivered yet",
               static_cast<double>(core.notices_waiting));
    page.gauge("notices_stuck", "1 while the files of notices cannot be written", core.notices_stuck ? 1 : 0);
    if (core.retention) {
        constexpr double ms_per_second = 1e3;
        page.gauge(
            "retention_run_ended_seconds", "when the last run of retention ended; 0: one is under way",
            core.retention->ended ? static_cast<double>(core.retention->ended->ms) / ms_per_second : 0);
        page.gauge("retention_waits", "1 while the daily run waits for people: days passed at once",
                   core.retention->waits_for_people ? 1 : 0);
    }
    page.gauge("vault_key", "number of the key that seals card numbers", core.vault.active);
    page.gauge(
        "vault_keys_old", "keys before it that are not wiped",
        static_cast<double>(core.vault.keys.size() - std::min<std::size_t>(core.vault.keys.size(), 1)));
    const std::int64_t due_seconds = core.vault.due.ms / 1'000;
    page.gauge("vault_key_due_seconds", "end of its cryptoperiod, since 1970; 0: not known",
               static_cast<double>(due_seconds));
    page.gauge("vault_reseal_percent", "how far the pass is that seals card numbers anew; 100: none is",
               core.vault.percent);
    page.gauge("vault_resealed", "card numbers sealed anew since the last change of the key",
               static_cast<double>(core.vault.resealed));
    page.gauge("vault_unreadable", "sealed card numbers that no key opens; always 0",
               static_cast<double>(core.vault.unreadable));
    page.gauge("accepts_new_work", "0 while new requests are refused", core.refuses_new_work.empty() ? 1 : 0);
    page.counter("turns_total", "turns of the core", core.turns);
    page.gauge("config_version", "version of the configuration decided by", core.config_version);
    for (const RouteStatus& route : core.routes)
        page.gauge("route_links_up", "signed-on connections", route.links_up, {{"route", route.name}});
    for (const RouteStatus& route : core.routes)
        page.gauge("route_in_flight", "requests awaiting the issuer", route.in_flight,
                   {{"route", route.name}});
    for (const RouteStatus& route : core.routes)
        page.gauge("route_queued_advices", "advices that are not final", route.queued_advices,
                   {{"route", route.name}});
}

void add_store(Page& page, const ledger::StoreHealth& store) {
    page.gauge("store_accepts_new_work", "0 while the disk is nearly full or writes stall",
               store.accepts_new_work ? 1 : 0);
    page.gauge("store_disk_free_bytes", "free bytes of the data directory's disk",
               static_cast<double>(store.disk_free_bytes));
    // The name is RocksDB's word for any store's log: monitors outside read it.
    page.gauge("store_wal_bytes", "bytes of the store's log, which a restart reads again",
               static_cast<double>(store.log_bytes));
    page.gauge("store_warning", "1 while something beside the ledger is amiss; the log says what",
               store.warning.empty() ? 0 : 1);
    if (store.cluster) {
        page.gauge("shard_epoch", "of this owner; rises with each takeover",
                   static_cast<double>(store.cluster->epoch));
        page.gauge("store_lease_left_ms", "until others may take the shard over; below 0: they may",
                   static_cast<double>(store.cluster->lease_left_ms));
        page.counter("store_undecided_total", "turns and renewals whose end had to be asked for",
                     store.cluster->undecided);
        page.counter("store_reconnects_total", "connections to PostgreSQL after the first",
                     store.cluster->reconnects);
        page.counter("store_fenced_total", "1 once another owner has the shard: this process ends",
                     store.failed && store.failed->kind == ledger::StoreError::Kind::fenced ? 1 : 0);
    }
}

void add_tls(Page& page, const std::vector<ShellStatus::Tls>& all) {
    const auto label = [](const ShellStatus::Tls& tls) {
        return Labels{{"tls", tls.name}, {"side", tls.side}};
    };
    for (const ShellStatus::Tls& tls : all)
        if (tls.expires)
            page.gauge("tls_expires_seconds", "when the first certificate of a [[tls]] ends, since 1970",
                       static_cast<double>(tls.expires->ms) / 1e3, label(tls));
    for (const ShellStatus::Tls& tls : all)
        if (tls.crl_expires)
            page.gauge("tls_crl_expires_seconds",
                       "when the first list of revoked certificates of a [[tls]] ends, since 1970",
                       static_cast<double>(tls.crl_expires->ms) / 1e3, label(tls));
    for (const ShellStatus::Tls& tls : all)
        page.counter("tls_handshakes_total", "handshakes that succeeded", tls.handshakes, label(tls));
    for (const ShellStatus::Tls& tls : all)
        page.counter("tls_resumed_total", "handshakes that resumed a session", tls.resumed, label(tls));
    for (const ShellStatus::Tls& tls : all)
        page.counter("tls_failures_total", "connections that TLS ended, most of them in the handshake",
                     tls.failures, label(tls));
}

}  // namespace

std::string render_metrics(const ShellStatus& shell, const CoreStatus& core,
                           const ledger::StoreHealth& store) {
    Page page;
    add_core(page, core);
    page.gauge("terminal_links", "open terminal connections", static_cast<double>(shell.terminal_links));
    page.counter("terminal_links_accepted_total", "terminal connections accepted",
                 shell.terminal_links_accepted);
    page.counter("terminal_links_rejected_total", "terminal connections above the bound",
                 shell.terminal_links_rejected);
    page.counter("terminal_links_evicted_total", "terminal connections that made room for others",
                 shell.terminal_links_evicted);
    page.counter("terminal_links_wrong_certificate_total",
                 "terminal connections whose certificate may not speak for their terminal",
                 shell.terminal_links_wrong_certificate);
    page.gauge("terminal_links_max", "places for terminal connections",
               static_cast<double>(shell.terminal_links_max));
    page.gauge("terminal_links_unverified", "terminal connections on which no MAC has verified",
               static_cast<double>(shell.terminal_links_unverified));
    page.gauge("terminal_links_of_one_address", "terminal connections of the address that has most",
               static_cast<double>(shell.terminal_links_of_one_address));
    page.gauge("terminal_links_not_read", "terminal connections not read, because the inbox is full",
               static_cast<double>(shell.terminal_links_not_read));
    page.gauge("request_inbox", "requests not stepped yet", static_cast<double>(shell.shard.request_inbox));
    page.gauge("answer_inbox", "answers not stepped yet", static_cast<double>(shell.shard.answer_inbox));
    for (const ShellStatus::Issuer& issuer : shell.issuers)
        page.gauge("issuer_connections_wanted", "connections that are kept up",
                   static_cast<double>(issuer.wanted), {{"route", issuer.route}});
    for (const ShellStatus::Issuer& issuer : shell.issuers)
        page.gauge("issuer_connections_signed_on", "connections that carry requests",
                   static_cast<double>(issuer.signed_on), {{"route", issuer.route}});
    page.gauge("hsm_available", "0 while no HSM can be asked", shell.hsm_available ? 1 : 0);
    page.gauge("hsm_waiting", "questions to the HSM without an answer",
               static_cast<double>(shell.hsm_waiting));
    page.counter("events_stepped_total", "events given to the core", shell.shard.events_stepped);
    page.counter("syncs_total", "syncs of the store", shell.shard.syncs);
    page.counter("cold_requests_total",
                 "requests whose original was read beforehand, from the disk or its cache",
                 shell.shard.cold_requests);
    page.counter("log_lines_suppressed_total", "log lines that strangers caused beyond the limit",
                 shell.log_lines_suppressed);
    page.counter("log_buffers_lost_total", "pieces of the log that nobody took in time",
                 shell.log_buffers_lost);
    page.gauge("draining", "1 while stopping", shell.draining ? 1 : 0);
    add_store(page, store);
    page.gauge("start_time_seconds", "when the process began, since 1970",
               static_cast<double>(shell.since.ms) / 1e3);
    add_tls(page, shell.tls);
    page.histogram("answer_seconds",
                   "from a terminal's request, its MAC judged, to its answer durable and handed over",
                   shell.answers);
    page.histogram("drive_seconds", "one pass: step, effects performed, bytes written", shell.drive);
    page.histogram("sync_seconds", "from the begin of a sync to its end seen", shell.shard.sync);
    if (shell.cluster)
        page.histogram("store_commit_seconds", "from a turn handed over to its acknowledgement by PostgreSQL",
                       shell.cluster->commits);
    return page.text();
}

}  // namespace acquirer
