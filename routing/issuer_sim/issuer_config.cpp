#include "routing/issuer_sim/issuer_config.hpp"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <utility>

#include "iso8583/specs/resident_dialects.hpp"

namespace routing {

using iso8583::parse_error;
using iso8583::Result;

namespace {

struct FaultName {
    std::string_view name;
    std::uint32_t IssuerFaults::*permille;
};
constexpr std::array fault_names{
    FaultName{"silent", &IssuerFaults::silent_permille},
    FaultName{"late", &IssuerFaults::late_permille},
    FaultName{"twice", &IssuerFaults::twice_permille},
    FaultName{"bad-mac", &IssuerFaults::bad_mac_permille},
    FaultName{"another-amount", &IssuerFaults::another_amount_permille},
    FaultName{"close", &IssuerFaults::close_permille},
    FaultName{"decline", &IssuerFaults::decline_permille},
};

/// Reads one table and remembers the first thing that is wrong, with file, key and line.
class TableReader {
  public:
    TableReader(const toml::table& table, std::string where, std::optional<std::string>& problem)
        : table_(table), where_(std::move(where)), problem_(problem) {}

    void only(std::initializer_list<std::string_view> keys) {
        for (const auto& [key, value] : table_)
            if (std::find(keys.begin(), keys.end(), std::string_view(key)) == keys.end())
                report(std::string_view(key), "no such setting", &value);
    }
    std::string text(std::string_view key, std::string fallback = {}) {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return fallback;
        if (const auto value = node->value_exact<std::string>()) return *value;
        report(key, "text is needed", node);
        return fallback;
    }
    bool flag(std::string_view key) {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return false;
        if (const auto value = node->value_exact<bool>()) return *value;
        report(key, "true or false is needed", node);
        return false;
    }
    std::uint32_t number(std::string_view key, std::uint32_t fallback, std::uint32_t max) {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return fallback;
        const auto value = node->value_exact<std::int64_t>();
        if (value && *value >= 0 && *value <= max) return static_cast<std::uint32_t>(*value);
        report(key, "a whole number from 0 to " + std::to_string(max) + " is needed", node);
        return fallback;
    }
    void report(std::string_view key, const std::string& what, const toml::node* node = nullptr) {
        if (problem_) return;
        if (node == nullptr) node = table_.get(key);
        const std::string line =
            node != nullptr ? " (line " + std::to_string(node->source().begin.line) + ")" : "";
        problem_ = where_ + std::string(key) + line + ": " + what;
    }

  private:
    const toml::table& table_;
    std::string where_;
    std::optional<std::string>& problem_;
};

hsm::KeyBlock read_key(TableReader& keys, std::string_view name, bool required) {
    const std::string text = keys.text(name);
    if (text.empty()) {
        if (required) keys.report(name, "a key block under the LMK is needed");
        return {};
    }
    auto block = hsm::KeyBlock::parse(text);
    if (block) return *block;
    keys.report(name, block.error().what);
    return {};
}

template <typename Value>
Value read_choice(TableReader& table, std::string_view key, std::string_view fallback,
                  std::initializer_list<std::pair<std::string_view, Value>> choices) {
    const std::string text = table.text(key, std::string(fallback));
    std::string known;
    for (const auto& [name, value] : choices) {
        if (text == name) return value;
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    table.report(key, "one of " + known + " is needed");
    return choices.begin()->second;
}

/// A dialect's file lies beside the configuration that names it, as the switch's do.
std::string beside(const std::string& folder, const std::string& dialect) {
    const std::string file = folder + dialect;
    return !dialect.starts_with('/') && ::access(file.c_str(), R_OK) == 0 ? file : dialect;
}

/// `folder` of its file: empty, or with a slash at its end.
void read_issuer(const toml::table& root, const std::string& folder, IssuerSimOptions& options,
                 std::optional<std::string>& problem) {
    static const toml::table none;
    const auto sub_table = [&root](std::string_view key) -> const toml::table& {
        const toml::table* found = root[key].as_table();
        return found != nullptr ? *found : none;
    };
    IssuerConfig& issuer = options.issuer;
    TableReader top(root, "", problem);
    top.only({"name", "kind", "listen", "dialect", "journal", "control", "durable", "seed",
              "switch_time_out_ms", "keys", "mac", "faults", "wallet"});
    issuer.name = top.text("name", "issuer");
    issuer.kind = read_choice<IssuerKind>(top, "kind", "card",
                                          {{"card", IssuerKind::card}, {"wallet", IssuerKind::wallet}});
    if (issuer.kind != IssuerKind::wallet && root.contains("wallet"))
        top.report("wallet", "only a kind = \"wallet\" has this section");
    TableReader wallet(sub_table("wallet"), "wallet.", problem);
    wallet.only({"processing_polls", "parts_max", "wallet_funded_percent", "merchant_funded_percent",
                 "wallet_funded_type", "merchant_funded_type"});
    issuer.wallet.processing_polls = wallet.number("processing_polls", 0, processing_polls_bound);
    issuer.wallet.parts_max = wallet.number("parts_max", issuer.wallet.parts_max, wallet_parts_bound);
    issuer.wallet.discount = {wallet.number("wallet_funded_percent", 0, discount_percent_bound),
                              wallet.number("merchant_funded_percent", 0, discount_percent_bound)};
    issuer.wallet.wallet_funded_type = wallet.text("wallet_funded_type", issuer.wallet.wallet_funded_type);
    issuer.wallet.merchant_funded_type =
        wallet.text("merchant_funded_type", issuer.wallet.merchant_funded_type);
    options.listen = top.text("listen", options.listen);
    options.journal = top.text("journal");
    options.control = top.text("control");
    options.durable = top.flag("durable");
    issuer.seed = top.number("seed", 1, 0x7FFFFFFF);
    issuer.switch_time_out_ms = top.number("switch_time_out_ms", 5'000, 1'000 * command_seconds_max);
    if (auto found = set_dialect(issuer, beside(folder, top.text("dialect", "iso87-ascii"))); !found)
        top.report("dialect", found.error().what);

    TableReader keys(sub_table("keys"), "keys.", problem);
    keys.only({"zak", "zpk", "zmk", "pin_block_format"});
    issuer.zak = read_key(keys, "zak", true);
    issuer.zpk = read_key(keys, "zpk", false);
    issuer.zmk = read_key(keys, "zmk", false);
    issuer.pin_block_format = read_choice<hsm::PinBlockFormat>(keys, "pin_block_format", "iso0",
                                                               {{"iso0", hsm::PinBlockFormat::iso0},
                                                                {"iso1", hsm::PinBlockFormat::iso1},
                                                                {"iso3", hsm::PinBlockFormat::iso3},
                                                                {"iso4", hsm::PinBlockFormat::iso4}});
    TableReader mac(sub_table("mac"), "mac.", problem);
    mac.only({"algorithm", "padding"});
    issuer.mac.algorithm = read_choice<hsm::MacAlgorithm>(
        mac, "algorithm", "retail",
        {{"retail", hsm::MacAlgorithm::retail}, {"aes_cmac", hsm::MacAlgorithm::aes_cmac}});
    issuer.mac.padding = read_choice<hsm::MacPadding>(
        mac, "padding", "zeros", {{"zeros", hsm::MacPadding::zeros}, {"bit", hsm::MacPadding::bit}});

    TableReader faults(sub_table("faults"), "faults.", problem);
    faults.only({"latency_ms_min", "latency_ms_max", "silent", "late", "twice", "bad-mac", "another-amount",
                 "close", "decline"});
    issuer.faults.latency_ms_min = faults.number("latency_ms_min", 0, 1'000 * command_seconds_max);
    issuer.faults.latency_ms_max =
        faults.number("latency_ms_max", issuer.faults.latency_ms_min, 1'000 * command_seconds_max);
    for (const FaultName& fault : fault_names)
        issuer.faults.*fault.permille = faults.number(fault.name, 0, 1'000);
}

}  // namespace

Result<IssuerSimOptions> read_issuer_config(const std::string& path) {
    IssuerSimOptions options;
    std::optional<std::string> problem;
    if (::access(path.c_str(), R_OK) != 0) return parse_error(path + ": " + std::strerror(errno));
    try {
        const toml::table root = toml::parse_file(path);
        read_issuer(root, path.substr(0, path.rfind('/') + 1), options, problem);
    } catch (const toml::parse_error& error) {
        return parse_error(path + ", line " + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
    }
    if (!problem) problem = check_issuer(options.issuer);
    if (problem) return parse_error(path + ": " + *problem);
    return options;
}

Result<void> set_fault(IssuerFaults& faults, std::string_view text) {
    const auto equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string digits = equals == std::string_view::npos ? "" : std::string(text.substr(equals + 1));
    if (digits.empty() || digits.size() > 4 || !iso8583::all_digits(digits))
        return parse_error("--fault: NAME=PERMILLE is needed, as in silent=5");
    for (const FaultName& fault : fault_names)
        if (fault.name == name) {
            faults.*fault.permille = static_cast<std::uint32_t>(std::stoul(digits));
            if (auto wrong = check_faults(faults)) return parse_error("--fault: " + *wrong);
            return {};
        }
    return parse_error("--fault: silent, late, twice, bad-mac, another-amount, close or decline is needed");
}

Result<void> set_dialect(IssuerConfig& config, std::string_view dialect_name) {
    auto dialect = iso8583::specs::resident_dialect(std::string(dialect_name));
    if (dialect && ((*dialect)->framing().tpdu || (*dialect)->framing().header_bytes != 0))
        return parse_error("its frames have a TPDU or a header, which issuers' connections do not have");
    if (dialect) {
        config.dialect = *dialect;
        return {};
    }
    std::string problems;
    for (const auto& problem : dialect.error()) problems += (problems.empty() ? "" : "; ") + problem.str();
    return parse_error(problems);
}

}  // namespace routing
