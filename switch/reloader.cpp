#include "switch/reloader.hpp"

#include <filesystem>

#include "ledger/party_books.hpp"
#include "ledger/restore_records.hpp"
#include "switch/config/policy.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::PartyKind;

namespace {

constexpr const char* stored_policy = "the stored policy";
constexpr const char* configuration_stays = "the running configuration stays";

std::string what_it_is(const ledger::PartyRecord& party) {
    return (party.kind == PartyKind::merchant ? "merchant " : "terminals from ") + party.id + ", added by " +
           party.user;
}

/// Every problem in one sentence.
std::string in_one_line(const ConfigProblems& problems) {
    std::string all;
    for (const ConfigProblem& problem : problems) all += (all.empty() ? "" : "; ") + problem.str();
    return all;
}

}  // namespace

iso8583::Result<ConfigSurroundings> Reloader::around(std::string policy, std::string name) const {
    ConfigSurroundings out = ConfigSurroundings::of_this_machine();
    out.version = running_.configuration->version + 1;
    out.policy = std::move(policy);
    out.policy_name = std::move(name);
    out.listen_host = running_.listen_host;
    const auto parties = ledger::stored_parties(*store_.snapshot());
    if (!parties) return tl::unexpected(parties.error());
    for (const ledger::PartyRecord& party : *parties) out.added.push_back({what_it_is(party), party.section});
    out.folder = std::filesystem::path(path_).parent_path().string();
    return out;
}

void Reloader::rejected(const char* event, const std::string& why, const char* consequence) {
    log_.line(Severity::alarm, event, {{"detail", why}, {"consequence", consequence}}, clock_.now());
}

void Reloader::tell_absent(const std::vector<std::string>& absent) {
    for (const std::string& sentence : absent)
        log_.line(Severity::warning, "policy_party_absent", {{"detail", sentence}}, clock_.now());
}

iso8583::Result<void> Reloader::begin() {
    auto newest = ledger::newest_policy(store_);
    if (!newest) return tl::unexpected(newest.error());
    std::string policy = *newest ? (*newest)->text : std::string();
    auto with = around(policy, stored_policy);
    if (!with) return tl::unexpected(with.error());
    if (policy.empty() && with->added.empty()) return {};
    with->version = running_.configuration->version;
    auto wanted = load_config_text(path_, running_.source, *with);
    if (!wanted) return parse_error(text(wanted.error()));
    policy_ = std::move(policy);
    tell_absent(wanted->absent);
    running_ = std::move(*wanted);
    return {};
}

void Reloader::take_dialect(DialectTable& running, const DialectTable& now, const std::string& file,
                            const std::string& who) {
    if (running.table == now.table) return;
    running.table = now.table;
    log_.line(Severity::info, "dialect_read_again",
              {{"detail", file + ": for " + who + " when none of its connections is up"}}, clock_.now());
}

void Reloader::take_dialects(const LoadedConfig& wanted) {
    for (IssuerConnections& issuer : running_.issuers)
        for (const IssuerConnections& now : wanted.issuers)
            if (now.route == issuer.route && now.dialect == issuer.dialect)
                take_dialect(issuer.table, now.table, issuer.dialect, "issuer " + issuer.name);
    for (TerminalListener& listener : running_.listeners)
        for (const TerminalListener& now : wanted.listeners)
            if (now.profile == listener.profile && now.dialect == listener.dialect)
                take_dialect(listener.table, now.table, listener.dialect,
                             "the terminals of " + std::string(name(listener.profile)));
}

ConfigurationPtr Reloader::take(LoadedConfig wanted) {
    take_dialects(wanted);
    tell_absent(wanted.absent);
    // What needs a restart stays as it was, so that the next reload says so again.
    running_.configuration = until_restart(running_, wanted);
    running_.operators = std::move(wanted.operators);
    running_.source = std::move(wanted.source);
    return running_.configuration;
}

ConfigurationPtr Reloader::operator()() {
    constexpr const char* event = "configuration_rejected";
    const auto with = around(policy_, stored_policy);
    if (!with) return rejected(event, with.error().what, configuration_stays), nullptr;
    auto wanted = load_config(path_, *with);
    if (!wanted) return rejected(event, text(wanted.error()), configuration_stays), nullptr;
    for (const std::string& sentence : restart_needed(running_, *wanted))
        log_.line(Severity::warning, "restart_needed", {{"detail", sentence}}, clock_.now());
    if (tell_) tell_(wanted->operators);
    return take(std::move(*wanted));
}

ConfigurationPtr Reloader::apply(const std::string& policy) {
    constexpr const char* event = "policy_rejected";
    constexpr const char* policy_stays = "the running policy stays";
    const auto with = around(policy, stored_policy);
    if (!with) return rejected(event, with.error().what, policy_stays), nullptr;
    auto wanted = load_config_text(path_, running_.source, *with);
    // It was usable when it was proposed, over the same file: the digest says so.
    if (!wanted) return rejected(event, text(wanted.error()), policy_stays), nullptr;
    policy_ = policy;
    return take(std::move(*wanted));
}

ConfigurationPtr Reloader::lay_parties_over() {
    constexpr const char* event = "parties_rejected";
    const auto with = around(policy_, stored_policy);
    if (!with) return rejected(event, with.error().what, configuration_stays), nullptr;
    auto wanted = load_config_text(path_, running_.source, *with);
    if (!wanted) return rejected(event, text(wanted.error()), configuration_stays), nullptr;
    return take(std::move(*wanted));
}

iso8583::Result<std::uint32_t> Reloader::may_add(const ledger::PartyRecord& party) {
    const Configuration& now = *running_.configuration;
    if (party.kind == PartyKind::merchant) {
        const auto id = iso8583::MerchantId::parse(party.id);
        if (id && now.find_merchant(*id) != nullptr)
            return parse_error("merchant " + party.id + " is known already");
    } else if (const auto first = iso8583::TerminalId::parse(party.id)) {
        if (const TerminalRange* range = now.find_terminal(*first))
            return parse_error("terminal " + party.id + " is one of merchant " + range->merchant.str() +
                               " already");
    }
    auto with = around(policy_, stored_policy);
    if (!with) return tl::unexpected(with.error());
    with->added.push_back({"what you add", party.section});
    const auto whole = load_config_text(path_, running_.source, *with);
    if (!whole) return parse_error(in_one_line(whole.error()));
    return now.version;
}

iso8583::Result<std::uint32_t> Reloader::may_remove(PartyKind kind, const std::string& id) {
    auto with = around(policy_, stored_policy);
    if (!with) return tl::unexpected(with.error());
    const auto parties = ledger::stored_parties(*store_.snapshot());
    if (!parties) return tl::unexpected(parties.error());
    with->added.clear();
    for (const ledger::PartyRecord& party : *parties)
        if (party.kind != kind || party.id != id) with->added.push_back({what_it_is(party), party.section});
    // Others may need it: terminals their merchant, people the merchant where they stand.
    const auto whole = load_config_text(path_, running_.source, *with);
    if (!whole) return parse_error("it is needed: " + in_one_line(whole.error()));
    return running_.configuration->version;
}

iso8583::Result<admin::PolicyPreview> Reloader::judge(const std::string& policy) const {
    const auto with = around(policy, "policy");
    if (!with) return tl::unexpected(with.error());
    auto wanted = load_config_text(path_, running_.source, *with);
    if (!wanted) return parse_error(text(wanted.error()));
    admin::PolicyPreview preview;
    preview.version = wanted->configuration->policy.version;
    preview.in_force = running_.configuration->policy.version;
    preview.differences = differences(running_.configuration->policy, wanted->configuration->policy);
    preview.absent = std::move(wanted->absent);
    return preview;
}

}  // namespace acquirer
