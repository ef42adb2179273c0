#include <sstream>

#include "switch/config/config_schema.hpp"

namespace acquirer {
namespace {

template <typename T>
void print(std::ostringstream& out, std::string_view heading, std::string_view meaning,
           const config::Keys<T>& keys) {
    out << heading << "  " << meaning << "\n";
    for (const auto& key : keys) {
        out << "  " << key.name << "\n      " << key.meaning << "\n      " << key.type;
        if (!key.unit.empty()) out << ", " << key.unit;
        out << "; " << (key.required ? "required" : "default " + key.default_value) << "\n";
    }
    out << "\n";
}

template <typename T>
void print_bounds(std::ostringstream& out, std::string_view section, const config::Keys<T>& keys,
                  const std::vector<std::pair<std::string, std::int64_t>>& values) {
    for (const auto& [name, value] : values)
        for (const auto& key : keys)
            if (key.name == name)
                out << section << "." << name << " = " << value << (key.unit.empty() ? "" : " " + key.unit)
                    << "\n    " << key.meaning << "\n";
}

}  // namespace

std::string describe_config() {
    using namespace config;
    std::ostringstream out;
    print(out, "(top)", "Stands before any section.", top_keys());
    print(out, "[switch]", "Required.", switch_keys());
    print(out, "[listen]", "Where terminals and monitoring connect; at least one profile.", listen_keys());
    print(out, "[[tls]]", "Certificates for ports and links, which name it.", tls_keys());
    print(out, "[data]", "Where the ledger lies.", data_keys());
    print(out, "[store]", "Who keeps the ledger.", store_keys());
    print(out, "[store.postgres]", "PostgreSQL with synchronous standbys (docs/cluster.md).",
          store_postgres_keys());
    print(out, "[notices]", "What customers and merchants are told of refunds.", notice_keys());
    print(out, "[audit]", "Where the head of the audit chain is noted beside the ledger.", audit_keys());
    print(out, "[retention]", "How long what is finished is kept (docs/operations.md).", retention_keys());
    print(out, "[hsm]", "Who holds the keys.", hsm_keys());
    print(out, "[limits]", "Time-outs and bounds of transactions.", limits_keys());
    print(out, "[shell]", "Bounds of connections and queues.", shell_keys());
    print(out, "[refund]", "The refund policy of every merchant.", refund_keys());
    print(out, "[[issuer]]", "One issuer or network; at least one.", issuer_keys());
    print(out, "[issuer.codes]", "What its DE39 means; each list replaces the default.", code_keys());
    print(out, "[issuer.recon]",
          "How its files for reconciliation look (R101); issuer-sim's journal needs none.", recon_keys());
    print(out, "[[iin]]", "Which cards go to which issuers.", iin_keys());
    print(out, "[[wallet]]", "Which payment codes are of which wallet, and go to which issuers.",
          wallet_keys());
    print(out, "[wallet_wire]", "Where terminals have payment code and order number.", wallet_wire_keys());
    print(out, "[[merchant]]", "One merchant; [merchant.refund] lays its own values over [refund].",
          merchant_keys());
    print(out, "[[terminals]]", "A range of terminals of one merchant.", terminals_keys());
    print(out, "[[fee]]", "What merchants pay for sales, by instrument and amount.", fee_keys());
    print(out, "[[operator]]", "A person on the control socket; required without demo = true.",
          operator_keys());
    return out.str();
}

std::string describe_limits(const LoadedConfig& loaded) {
    std::ostringstream out;
    const Limits& l = loaded.configuration->limits;
    print_bounds(out, "limits", config::limits_keys(),
                 {{"issuer_reply_timeout_ms", l.issuer_reply_timeout_ms},
                  {"not_found_quarantine_ms", l.not_found_quarantine_ms},
                  {"advice_retry_first_ms", l.advice_retry_first_ms},
                  {"advice_retry_longest_ms", l.advice_retry_longest_ms},
                  {"case_expires_days", l.case_expires_days},
                  {"proposal_expires_hours", l.proposal_expires_hours},
                  {"vault_key_days", l.vault_key_days},
                  {"vault_key_warn_days", l.vault_key_warn_days},
                  {"tombstone_hours", l.tombstone_hours},
                  {"hsm_reply_timeout_ms", l.hsm_reply_timeout_ms},
                  {"key_change_grace_seconds", l.key_change_grace_seconds},
                  {"sign_on_burst", l.sign_on_burst},
                  {"sign_on_refill_ms", l.sign_on_refill_ms},
                  {"sign_ons_per_address_second_max", l.sign_ons_per_address_second_max},
                  {"bad_macs_per_minute_max", l.bad_macs_per_minute_max},
                  {"pending_max", l.pending_max},
                  {"terminal_pending_max", l.terminal_pending_max},
                  {"askers_max", l.askers_max}});
    const ShellLimits& s = loaded.shell;
    print_bounds(out, "shell", config::shell_keys(),
                 {{"terminal_links_max", s.terminal_links_max},
                  {"idle_link_seconds", s.idle_link_seconds},
                  {"links_per_address_percent_max", s.links_per_address_percent_max},
                  {"unverified_link_seconds", s.unverified_link_seconds},
                  {"bad_links_per_address_minute_max", s.bad_links_per_address_minute_max},
                  {"control_idle_seconds", s.control_idle_seconds},
                  {"peer_user_timeout_ms", s.peer_user_timeout_ms},
                  {"link_timeouts_max", s.link_timeouts_max},
                  {"link_probe_ms", s.link_probe_ms},
                  {"outbox_kib_max", s.outbox_kib_max},
                  {"keepalives_per_minute_max", s.keepalives_per_minute_max},
                  {"request_inbox_max", s.request_inbox_max},
                  {"drain_seconds_max", s.drain_seconds_max}});
    for (const routing::Route& r : loaded.configuration->routes.routes())
        print_bounds(out, "issuer." + r.name, config::issuer_keys(),
                     {{"reply_timeout_ms", r.reply_timeout_ms},
                      {"in_flight_max", r.in_flight_max},
                      {"advices_in_flight_max", r.advices_in_flight_max}});
    return out.str();
}

}  // namespace acquirer
