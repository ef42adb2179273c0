#include "switch/config/config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "iso8583/dialect.hpp"
#include "iso8583/specs/resident_dialects.hpp"
#include "iso8583/values/bytes.hpp"
#include "switch/config/added_sections.hpp"
#include "switch/config/config_builder.hpp"
#include "switch/config/policy.hpp"

namespace acquirer {

using iso8583::parse_error;

iso8583::Result<Endpoint> Endpoint::parse(std::string_view text) {
    const auto wrong = [] { return parse_error("needs HOST:PORT, as \"127.0.0.1:8583\" or \"[::1]:8583\""); };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return wrong();
    if (host.empty() || host.size() > 253) return wrong();
    for (const char c : host)
        if (!(iso8583::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
              c == '-' || c == ':'))
            return wrong();
    std::uint32_t port = 0;
    if (digits.empty() || digits.size() > 5 || !iso8583::all_digits(digits)) return wrong();
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (port > 65'535) return parse_error("port is over 65535");
    return Endpoint{std::string(host), static_cast<std::uint16_t>(port)};
}

std::string Endpoint::str() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Endpoint::is_loopback() const {
    return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

const OperatorAccount* LoadedConfig::find_operator(std::int64_t uid) const {
    for (const OperatorAccount& account : operators)
        if (account.uid == uid) return &account;
    return nullptr;
}

std::string ConfigProblem::str() const {
    std::string where = file;
    if (line > 0) where += ":" + std::to_string(line);
    return where + ": " + (key.empty() ? "" : key + ": ") + what;
}

std::string text(const ConfigProblems& problems) {
    std::string all;
    for (const ConfigProblem& p : problems) all += p.str() + "\n";
    return all;
}

namespace {
constexpr std::size_t zone_file_bytes_max = std::size_t{64} * 1024;  // the largest of tzdata has under 4 KiB
}  // namespace

ConfigSurroundings ConfigSurroundings::of_this_machine() {
    ConfigSurroundings around;
    around.zone_of = [](std::string_view name) -> std::optional<iso8583::TimeZone> {
        if (name == "UTC") return iso8583::TimeZone();
        std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
        std::string bytes(zone_file_bytes_max, '\0');
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        bytes.resize(static_cast<std::size_t>(file.gcount()));
        auto zone = iso8583::TimeZone::parse_tzif(bytes);
        if (!zone) return std::nullopt;
        return std::move(*zone);
    };
    around.dialects = iso8583::dialect_names();
    around.dialect_file =
        [](const std::string& path) -> iso8583::Result<const iso8583::Dialect*, std::vector<std::string>> {
        auto dialect = iso8583::specs::resident_dialect(path);
        if (dialect) return *dialect;
        std::vector<std::string> sentences;
        for (const auto& problem : dialect.error()) sentences.push_back(problem.str());
        return tl::unexpected(std::move(sentences));
    };
    return around;
}

namespace config {

std::string content_hash(std::string_view text) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
    return hex;
}

}  // namespace config

iso8583::Result<LoadedConfig, ConfigProblems> load_config_text(std::string_view file_name,
                                                               std::string_view toml,
                                                               const ConfigSurroundings& around) {
    auto document = config::parse_document(toml);
    if (!document)
        return tl::unexpected(
            ConfigProblems{{std::string(file_name), document.error().line, "", document.error().what}});
    const auto added = config::lay_added_over(*document, around.added);
    if (!added) return tl::unexpected(added.error());
    config::Node policy;
    std::vector<std::string> absent;
    if (!around.policy.empty()) {
        auto read = config::read_policy(around.policy_name, around.policy, *document);
        if (!read) return tl::unexpected(read.error());
        policy = std::move(*read);
    }
    PolicyInForce in_force = config::describe_policy(*document, policy, around.policy);
    config::Reader reader(file_name);
    const auto problems = [&] { return config::with_their_places(reader.take_problems(), *added); };
    config::RawConfig raw =
        config::read_sections(config::lay_over(std::move(*document), policy, absent), reader);
    config::check_sections(raw, around, reader);
    if (!reader.ok()) return tl::unexpected(problems());
    LoadedConfig loaded = config::build(std::move(raw), around.version, config::content_hash(toml),
                                        std::move(in_force), reader);
    if (!reader.ok()) return tl::unexpected(problems());
    loaded.source = toml;
    loaded.absent = std::move(absent);
    loaded.listen_host = around.listen_host;
    return loaded;
}

iso8583::Result<LoadedConfig, ConfigProblems> load_config(const std::string& path,
                                                          const ConfigSurroundings& around) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return tl::unexpected(ConfigProblems{{path, 0, "", "cannot be opened"}});
    std::string content;
    content.resize(config::config_bytes_max + 1);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return tl::unexpected(ConfigProblems{{path, 0, "", "cannot be read"}});
    ConfigSurroundings here = around;
    if (here.folder.empty()) here.folder = std::filesystem::path(path).parent_path().string();
    return load_config_text(path, content, here);
}

namespace {

bool same_pin_block_formats(const Configuration& running, const Configuration& wanted) {
    for (const auto& [route, keys] : running.issuer_keys) {
        const auto at = wanted.issuer_keys.find(route);
        if (at != wanted.issuer_keys.end() && at->second.pin_block_format != keys.pin_block_format)
            return false;
    }
    return true;
}

/// The MAC that the connections of a route were opened with; nothing when it has none.
std::optional<hsm::MacProfile> mac_of(const LoadedConfig& config, routing::RouteId route) {
    for (const IssuerConnections& issuer : config.issuers)
        if (issuer.route == route) return issuer.mac;
    return std::nullopt;
}

}  // namespace

ConfigurationPtr until_restart(const LoadedConfig& running, const LoadedConfig& wanted) {
    auto kept = std::make_shared<Configuration>(*wanted.configuration);
    const Configuration& now = *running.configuration;
    kept->zone = now.zone;
    kept->time_zone = now.time_zone;
    kept->demo = now.demo;
    kept->notices = now.notices;
    for (auto& [route, keys] : kept->issuer_keys) {
        const auto at = now.issuer_keys.find(route);
        if (at == now.issuer_keys.end()) continue;
        const bool same_links = mac_of(running, route) == mac_of(wanted, route) &&
                                keys.pin_block_format == at->second.pin_block_format;
        if (!same_links) keys = at->second;
    }
    return kept;
}

std::vector<std::string> restart_needed(const LoadedConfig& running, const LoadedConfig& wanted) {
    std::vector<std::string> changed;
    const auto compare = [&](bool same, const char* what) {
        if (!same)
            changed.push_back(std::string(what) + " changed in the file: takes effect at the next start");
    };
    compare(running.listeners == wanted.listeners && running.metrics == wanted.metrics &&
                running.metrics_tls == wanted.metrics_tls && running.metrics_allow == wanted.metrics_allow,
            "[listen]");
    compare(running.tls == wanted.tls, "[[tls]] (its files are read again all the same)");
    compare(running.hsm == wanted.hsm, "[hsm]");
    compare(running.data == wanted.data, "[data]");
    compare(running.store == wanted.store, "[store]");
    compare(running.shell == wanted.shell, "[shell]");
    compare(running.notices == wanted.notices, "[notices]");
    compare(running.audit == wanted.audit, "[audit]");
    compare(running.production == wanted.production, "production");
    compare(running.issuers == wanted.issuers, "addresses, connections, dialect or MAC of an [[issuer]]");
    compare(same_pin_block_formats(*running.configuration, *wanted.configuration),
            "pin_block_format of an [[issuer]]");
    compare(running.configuration->zone == wanted.configuration->zone, "switch.zone");
    compare(running.configuration->demo == wanted.configuration->demo, "demo");
    return changed;
}

}  // namespace acquirer
