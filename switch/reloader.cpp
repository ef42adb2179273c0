#include "switch/reloader.hpp"

#include "ledger/restore_records.hpp"
#include "switch/config/policy.hpp"

namespace acquirer {

namespace {
constexpr const char* stored_policy = "the stored policy";
}

ConfigSurroundings Reloader::around(std::string policy, std::string name) const {
    ConfigSurroundings out = ConfigSurroundings::of_this_machine();
    out.version = running_.configuration->version + 1;
    out.policy = std::move(policy);
    out.policy_name = std::move(name);
    return out;
}

void Reloader::tell_absent(const std::vector<std::string>& absent) {
    for (const std::string& sentence : absent)
        log_.line(Severity::warning, "policy_party_absent", {{"detail", sentence}}, clock_.now());
}

iso8583::Result<void> Reloader::begin(const ledger::StoreReader& store) {
    auto newest = ledger::newest_policy(store);
    if (!newest) return tl::unexpected(newest.error());
    if (!*newest || (*newest)->text.empty()) return {};
    ConfigSurroundings with = around((*newest)->text, stored_policy);
    with.version = running_.configuration->version;
    auto wanted = load_config_text(path_, running_.source, with);
    if (!wanted) return iso8583::parse_error(text(wanted.error()));
    policy_ = std::move((*newest)->text);
    tell_absent(wanted->absent);
    running_ = std::move(*wanted);
    return {};
}

ConfigurationPtr Reloader::take(LoadedConfig wanted) {
    tell_absent(wanted.absent);
    // What needs a restart stays as it was, so that the next reload says so again.
    running_.configuration = until_restart(running_, wanted);
    running_.operators = std::move(wanted.operators);
    running_.source = std::move(wanted.source);
    return running_.configuration;
}

ConfigurationPtr Reloader::operator()() {
    auto wanted = load_config(path_, around(policy_, stored_policy));
    if (!wanted) {
        log_.line(Severity::alarm, "configuration_rejected",
                  {{"detail", text(wanted.error())}, {"consequence", "the running configuration stays"}},
                  clock_.now());
        return nullptr;
    }
    for (const std::string& sentence : restart_needed(running_, *wanted))
        log_.line(Severity::warning, "restart_needed", {{"detail", sentence}}, clock_.now());
    if (tell_) tell_(wanted->operators);
    return take(std::move(*wanted));
}

ConfigurationPtr Reloader::apply(const std::string& policy) {
    auto wanted = load_config_text(path_, running_.source, around(policy, stored_policy));
    if (!wanted) {  // it was usable when it was proposed, over the same file: the digest says so
        log_.line(Severity::alarm, "policy_rejected",
                  {{"detail", text(wanted.error())}, {"consequence", "the running policy stays"}},
                  clock_.now());
        return nullptr;
    }
    policy_ = policy;
    return take(std::move(*wanted));
}

iso8583::Result<admin::PolicyPreview> Reloader::judge(const std::string& policy) const {
    auto wanted = load_config_text(path_, running_.source, around(policy, "policy"));
    if (!wanted) return iso8583::parse_error(text(wanted.error()));
    admin::PolicyPreview preview;
    preview.version = wanted->configuration->policy.version;
    preview.in_force = running_.configuration->policy.version;
    preview.differences = differences(running_.configuration->policy, wanted->configuration->policy);
    preview.absent = std::move(wanted->absent);
    return preview;
}

}  // namespace acquirer
