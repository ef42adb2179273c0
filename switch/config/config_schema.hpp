// Every section and key of the configuration file, once: the reader fills the raw values below by these
// tables and
// `--describe config` prints them. A default shown is taken from the value itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/config/config.hpp"
#include "switch/config/config_document.hpp"

namespace acquirer::config {

/// What a key's text may need of keys read before it.
struct Context {
    iso8583::Currency currency;
};

template <typename T>
struct Key {
    std::string name;
    Node::Kind kind = Node::Kind::text;
    std::string type;           // for people: "number 1 to 59000", "text", "one of advice, online"
    std::string default_value;  // for people; empty with `required`
    std::string unit;
    std::string meaning;
    bool required = false;
    /// Nothing, or what is wrong. Never the text itself: it may be key material.
    std::function<std::optional<std::string>(T&, const Node&, const Context&)> set;
};
template <typename T>
using Keys = std::vector<Key<T>>;

// The file as it stands, section by section, before the parts are held against each other.
struct RawTop {
    bool demo = false;
    bool production = false;
};
struct RawSwitch {
    std::string zone;
    iso8583::TimeZone time_zone;  // what follows from its name
    iso8583::Currency currency;
    iso8583::InstitutionId acquirer;
    bool refund_reversal_allowed = true;
    std::optional<std::int32_t> cutover_at_minute;
    std::vector<std::string> refund_reasons = Configuration{}.refund_reasons;
};
struct RawListen {
    std::optional<Endpoint> unionpay_pos, iso87_ascii, metrics;
    std::string unionpay_dialect, iso87_dialect;  // empty: the profile's own
    DialectTable unionpay_table, iso87_table;
    std::string unionpay_tls, iso87_tls, metrics_tls;
    std::vector<iso8583::IpRange> unionpay_allow, iso87_allow, metrics_allow;
    bool protected_channel = false;
};
struct RawIssuer {
    routing::Route route;
    IssuerConnections connections;
    IssuerKeys keys;
    IssuerFileFormat files;  // for reconciliation
    std::string successor;
    std::string mac_padding = "zeros";
};
struct RawIin {
    routing::IinRange range;
    std::vector<std::string> routes;
};
struct RawFee {
    std::string merchant;  // empty: all that have none of their own
    std::vector<ledger::Instrument> instruments;
    std::optional<std::int64_t> up_to;  // minor units
    std::uint32_t basis_points = 0;
};
struct RawWallet {
    routing::WalletRange range;
    std::vector<std::string> routes;
};
struct RawTerminals {
    TerminalRange range;
    std::string first, last, merchant;
    std::optional<hsm::MacAlgorithm> mac;
    bool shared_keys = false;
};

const Keys<RawTop>& top_keys();
const Keys<RawSwitch>& switch_keys();
const Keys<RawListen>& listen_keys();
const Keys<DataOptions>& data_keys();
const Keys<StoreOptions>& store_keys();
const Keys<AuditOptions>& audit_keys();
const Keys<StoreOptions>& store_postgres_keys();
const Keys<HsmOptions>& hsm_keys();
const Keys<Limits>& limits_keys();
const Keys<ShellLimits>& shell_keys();
const Keys<RefundPolicy>& refund_keys();
const Keys<RawIssuer>& issuer_keys();
const Keys<routing::ResponseCodeLists>& code_keys();
const Keys<IssuerFileFormat>& recon_keys();
const Keys<RawIin>& iin_keys();
const Keys<RawWallet>& wallet_keys();
const Keys<WalletWire>& wallet_wire_keys();
const Keys<MerchantConfig>& merchant_keys();
const Keys<RawTerminals>& terminals_keys();
const Keys<RawFee>& fee_keys();
const Keys<TlsProfile>& tls_keys();
/// What is wrong with a list of certificates' names; nothing when it is usable.
std::optional<std::string> fault_of_names(const std::vector<std::string>& names);
const Keys<NoticeOptions>& notice_keys();
const Keys<RetentionDays>& retention_keys();
const Keys<OperatorAccount>& operator_keys();

/// A section as `--describe config` shows it.
struct SectionInfo {
    std::string heading;  // "[limits]", "[[issuer]]"
    std::string meaning;
};
inline constexpr std::size_t merchants_max = 100'000;
inline constexpr std::size_t terminal_ranges_max = 100'000;
inline constexpr std::size_t fees_max = 400'000;
inline constexpr std::size_t operators_max = 1'000;
inline constexpr std::size_t tls_profiles_max = 256;
inline constexpr std::size_t tls_names_max = 10'000;  // of one [[tls]]

}  // namespace acquirer::config
