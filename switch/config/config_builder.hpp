// From sections to a LoadedConfig: reads every section, then holds them against each other
// (config_check.cpp).
#pragma once

#include <map>

#include "switch/config/config_reader.hpp"

namespace acquirer::config {

/// A section with its path in errors: "issuer[2]".
template <typename T>
struct Placed {
    std::string path;
    T value;
};

/// All sections as read.
struct RawConfig {
    RawTop top;
    RawSwitch general;
    RawListen listen;
    DataOptions data;
    StoreOptions store;
    HsmOptions hsm;
    Limits limits;
    ShellLimits shell;
    NoticeOptions notices;
    AuditOptions audit;
    RetentionDays retention;
    RefundPolicy refund;
    std::vector<Placed<RawIssuer>> issuers;
    std::vector<Placed<RawIin>> iins;
    std::vector<Placed<RawWallet>> wallets;
    WalletWire wallet_wire;
    std::vector<Placed<MerchantConfig>> merchants;
    std::vector<Placed<RawTerminals>> terminals;
    std::vector<Placed<RawFee>> fees;
    std::vector<Placed<OperatorAccount>> operators;
    std::vector<Placed<TlsProfile>> tls;
};

RawConfig read_sections(const Node& document, Reader& reader);
/// Everything that concerns two values or the surroundings; adds problems to the reader. Fills in what
/// follows from other sections (names to ids, MAC profiles, terminal numbers).
void check_sections(RawConfig& raw, const ConfigSurroundings& around, Reader& reader);
/// Which [[tls]] each port and link uses, and that none leaves the machine in clear (config_tls.cpp).
void check_tls(RawConfig& raw, const ConfigSurroundings& around, Reader& reader);
/// What [store] and [store.postgres] say together (config_schema_store.cpp).
void check_store(RawConfig& raw, const ConfigSurroundings& around, Reader& reader);
/// That nothing goes while a rule needs it (config_schema_retention.cpp).
void check_retention(const RawConfig& raw, Reader& reader);
/// What `production` does not allow (config_production.cpp).
void check_production(const RawConfig& raw, Reader& reader);
/// The schedules that [[fee]] make, into the merchants (config_fees.cpp).
void check_fees(RawConfig& raw, Reader& reader);
/// Only of sections without problems.
LoadedConfig build(RawConfig raw, std::uint32_t version, std::string hash, PolicyInForce policy,
                   Reader& reader);

}  // namespace acquirer::config
