// Records of what people did to the switch as a whole: restores of a backup (R65), versions of the policy.
// Bytes: docs/ledger_format.md, "Other records". Both stand in the index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/backup_manifest.hpp"
#include "ledger/ledger.hpp"

namespace ledger {

/// The ledger comes from a backup. What happened after it was made is not known here, until two people say
/// that it is reconciled.
struct RestoreRecord {
    BackupMark mark;
    iso8583::UtcTime began;   // the first start on it
    std::string accepted_by;  // empty: it still waits
    iso8583::UtcTime accepted;
    std::string note;
    std::string unknown_properties = {};
    [[nodiscard]] bool waits() const { return accepted_by.empty(); }
};
std::string encode(const RestoreRecord& restore);
iso8583::Result<RestoreRecord> decode_restore(std::string_view bytes);

/// A policy that came into force.
struct PolicyRecord {
    std::uint64_t sequence = 0;  // from 1
    std::string version;
    iso8583::UtcTime since;
    std::string by;    // names, or "configuration"
    std::string text;  // what is laid over the files, as TOML; empty: nothing
    static constexpr std::size_t text_bytes_max = std::size_t{32} * 1024;
    std::string unknown_properties = {};
};
std::string encode(const PolicyRecord& policy);
iso8583::Result<PolicyRecord> decode_policy(std::string_view bytes);

/// All of the ledger's restores, by their ids.
iso8583::Result<std::vector<RestoreRecord>> read_restores(const StoreReader& store);
/// The policy in force; nothing while the ledger has had none.
iso8583::Result<std::optional<PolicyRecord>> newest_policy(const StoreReader& store);
void save(Overlay& overlay, const RestoreRecord& restore);
void save(Overlay& overlay, const PolicyRecord& policy);
/// A policy that waits for its second person, by the proposal's number.
iso8583::Result<std::string> proposed_policy(const StoreReader& store, std::string_view proposal);
void save_proposed_policy(Overlay& overlay, std::string_view proposal, const std::string& text);

}  // namespace ledger
