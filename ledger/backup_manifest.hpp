// What a backup says of itself: the manifest beside its files, and the mark in its store by which a switch
// that starts on it knows that it does. Text, a word and its value a line, so that people can read them.
//
// Bytes: docs/ledger_format.md, "Backups". Do not change. Values; no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/durable_file.hpp"

namespace ledger {

inline constexpr const char* manifest_name = "manifest";
/// In the store's directory.
inline constexpr const char* backup_mark_name = "from_backup";
inline constexpr std::size_t manifest_bytes_max = std::size_t{16} << 20;

/// Which backup a store comes from.
struct BackupMark {
    std::string id;  // when it was made, and the beginning of a digest over its files
    iso8583::UtcTime made;
    iso8583::BusinessDate business_day;  // the open one
    std::uint64_t turn = 0;              // the last one in it; a manifest's: the sum of all shards'
    friend bool operator==(const BackupMark&, const BackupMark&) = default;
};
std::string encode(const BackupMark& mark);
iso8583::Result<BackupMark> parse_backup_mark(std::string_view text);

struct BackupManifest {
    struct File {
        std::string path;  // below the backup's directory; names and '/', never ".."
        FileContent content;
        friend bool operator==(const File&, const File&) = default;
    };
    BackupMark mark;
    std::uint32_t ledger_format = 0;
    std::string configuration;  // hash of the file that was in force
    std::string by;             // who asked for it
    std::string sealed_under;   // what opens vault.key: "LMK", "key file"; it is not in the backup
    std::uint32_t shards = 1;   // of the switch; each of several lies in a directory of its own
    std::vector<File> files;
    static constexpr std::size_t files_max = 100'000;
    [[nodiscard]] std::uint64_t bytes() const;
    friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};
/// Ends with a digest of itself.
std::string encode(const BackupManifest& manifest);
/// Errors name the line.
iso8583::Result<BackupManifest> parse_backup_manifest(std::string_view text);
/// The id of a backup that was made then and holds these files.
std::string backup_id(iso8583::UtcTime made, const std::vector<BackupManifest::File>& files);

}  // namespace ledger
