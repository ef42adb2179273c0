#include "hsm_sim/sim_metrics.hpp"

namespace hsm {
namespace {

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    out += "# HELP ";
    out += name;
    out += ' ';
    out += help;
    out += "\n# TYPE ";
    out += name;
    out += ' ';
    out += type;
    out += '\n';
}

void sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
    out += name;
    out += labels;
    out += ' ' + std::to_string(value) + '\n';
}

void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t value) {
    family(out, name, type, help);
    sample(out, name, "", value);
}

}  // namespace

std::string metrics_text(const SimFigures& f) {
    std::string out;
    family(out, "hsm_commands_total", "counter", "Host commands executed, by code.");
    for (const auto& count : f.commands.counts())
        sample(out, "hsm_commands_total", "{command=\"" + std::string(count.code) + "\"}", count.executed);
    family(out, "hsm_commands_refused_total", "counter", "Host commands that answered an error, by code.");
    for (const auto& count : f.commands.counts())
        sample(out, "hsm_commands_refused_total", "{command=\"" + std::string(count.code) + "\"}",
               count.refused);
    family(out, "hsm_refusals_total", "counter", "Refusals by error code.");
    for (const auto& [error, count] : f.journal.refusals())
        sample(out, "hsm_refusals_total", "{error=\"" + error + "\"}", count);
    single(out, "hsm_unknown_commands_total", "counter", "Commands that are unknown or disabled.",
           f.commands.unknown_commands());
    single(out, "hsm_connections", "gauge", "Connections open now.", f.connections_open);
    single(out, "hsm_connections_total", "counter", "Connections since the start.", f.connections_total);
    single(out, "hsm_busy_microseconds_total", "counter", "Time spent on commands.", f.busy_us);
    single(out, "hsm_keys_cached", "gauge", "Key blocks that are keyed now.", f.engine.keys_cached());
    single(out, "hsm_pin_failures_total", "counter", "Failed PIN verifications.", f.engine.pin_failures());
    single(out, "hsm_pin_attacks_total", "counter", "Verifications refused because of too many failures.",
           f.engine.pin_attacks());
    single(out, "hsm_authorised", "gauge", "1 while the authorised state is open.",
           f.engine.authorised() ? 1 : 0);
    single(out, "hsm_test_lmk", "gauge", "1 when the test LMK is in use.", f.engine.is_test_lmk() ? 1 : 0);
    single(out, "hsm_audit_lines", "gauge", "Lines of the audit of key operations.",
           f.journal.audit().sequence());
    return out;
}

std::string http_answer(std::string_view request, const SimFigures& figures) {
    std::string body;
    std::string status = "200 OK";
    if (request.rfind("GET /metrics ", 0) == 0) {
        body = metrics_text(figures);
    } else if (request.rfind("GET /healthz ", 0) == 0) {
        body = figures.journal.audit_failed() ? "audit failed\n" : "ok\n";
        if (figures.journal.audit_failed()) status = "503 Service Unavailable";
    } else {
        status = "404 Not Found";
        body = "/metrics or /healthz\n";
    }
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace hsm
