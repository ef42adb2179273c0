#include "ledger/backup_directory.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "ledger/number_plan.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t mark_bytes_max = 1'024;

Result<void> make_private_directories(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return parse_error(path + ": " + error.message());
    ::chmod(path.c_str(), S_IRWXU);
    return {};
}

/// What is wrong with one file; nothing when it is as the manifest says.
std::optional<std::string> fault_of(const BackupManifest::File& wanted,
                                    const Result<FileContent, StoreError>& seen) {
    if (!seen) return wanted.path + ": " + seen.error().what;
    if (seen->bytes != wanted.content.bytes)
        return wanted.path + ": it has " + std::to_string(seen->bytes) + " bytes, the manifest says " +
               std::to_string(wanted.content.bytes);
    if (seen->sha256 != wanted.content.sha256)
        return wanted.path + ": its SHA-256 is not the manifest's: it was changed, or the disk damaged it";
    return std::nullopt;
}

/// May a ledger be made there?
Result<void> check_target(const std::string& data) {
    std::error_code error;
    std::vector<std::string> ledgers = {store_name, shards_name};
    for (std::size_t index = 0; index < shards_max; ++index) ledgers.push_back(shard_directory_name(index));
    for (const std::string& name : ledgers)
        if (fs::exists(data + "/" + name, error))
            return parse_error(data + "/" + name +
                               ": a ledger is there already, and none is written over: move it away first");
    if (fs::exists(data + "/" + vault_key_name, error))
        return parse_error(data + "/" + vault_key_name +
                           ": a vault key is there already, of another ledger perhaps: move it away first");
    return {};
}

}  // namespace

std::string shard_directory_name(std::size_t index) { return "shard_0" + std::to_string(index); }

bool is_backup(const std::string& directory) {
    std::error_code error;
    return fs::is_regular_file(directory + "/" + manifest_name, error);
}

Result<BackupManifest> read_manifest(const std::string& directory) {
    const std::string path = directory + "/" + manifest_name;
    const auto bytes = read_small_file(path, manifest_bytes_max);
    if (!bytes) return parse_error(bytes.error().what);
    if (!*bytes)
        return parse_error(directory +
                           ": there is no manifest in it: it is no backup, or one that was never whole");
    auto manifest = parse_backup_manifest(iso8583::as_text(**bytes));
    if (!manifest) return parse_error(path + ": " + manifest.error().what);
    return manifest;
}

Result<std::vector<std::string>> files_below(const std::string& directory) {
    std::vector<std::string> files;
    std::error_code error;
    fs::recursive_directory_iterator at(directory, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error))
        if (!at->is_directory()) files.push_back(fs::relative(at->path(), directory).string());
    if (error) return parse_error(directory + ": " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<std::string> compare_with_manifest(const std::string& directory, const BackupManifest& manifest,
                                               const std::atomic<bool>& stop) {
    std::vector<std::string> faults;
    for (const BackupManifest::File& file : manifest.files)
        if (auto fault = fault_of(file, content_of_file(directory + "/" + file.path, stop)))
            faults.push_back(std::move(*fault));
    const auto there = files_below(directory);
    if (!there) {
        faults.push_back(there.error().what);
        return faults;
    }
    for (const std::string& path : *there) {
        const bool known = path == manifest_name ||
                           std::any_of(manifest.files.begin(), manifest.files.end(),
                                       [&](const BackupManifest::File& file) { return file.path == path; });
        if (!known) faults.push_back(path + ": the manifest does not know it");
    }
    return faults;
}

Result<BackupManifest> restore_backup(const std::string& directory, const std::string& data,
                                      const std::atomic<bool>& stop) {
    auto manifest = read_manifest(directory);
    if (!manifest) return manifest;
    if (auto free = check_target(data); !free) return tl::unexpected(free.error());
    if (auto made = make_private_directories(data); !made) return tl::unexpected(made.error());
    const std::string restoring = data + "/" + restoring_name;
    std::error_code error;
    fs::remove_all(restoring, error);  // of a restore that was cut short
    for (const BackupManifest::File& file : manifest->files) {
        const std::string to = restoring + "/" + file.path;
        if (auto made = make_private_directories(fs::path(to).parent_path().string()); !made)
            return tl::unexpected(made.error());
        if (const auto fault = fault_of(file, copy_file_durably(directory + "/" + file.path, to, stop)))
            return parse_error(*fault);
        if (auto synced = sync_directory(fs::path(to).parent_path().string()); !synced)
            return parse_error(synced.error().what);
    }
    // The key first: a store without its key is of no use, a key without a store does no harm.
    const auto move_up = [&](const std::string& name) -> Result<void> {
        fs::rename(restoring + "/" + name, data + "/" + name, error);
        if (error) return parse_error(data + "/" + name + ": " + error.message());
        if (auto synced = sync_directory(data); !synced) return parse_error(synced.error().what);
        return {};
    };
    std::vector<std::string> names = {vault_key_name};
    if (manifest->shards == 1) {
        names.emplace_back(store_name);
    } else {
        names.emplace_back(shards_name);
        for (std::size_t index = manifest->shards; index-- > 0;) names.push_back(shard_directory_name(index));
    }
    for (const std::string& name : names)
        if (auto moved = move_up(name); !moved) return tl::unexpected(moved.error());
    fs::remove_all(restoring, error);
    return manifest;
}

Result<std::optional<BackupMark>> backup_mark_of(const std::string& data) {
    const std::string path = data + "/" + store_name + "/" + backup_mark_name;
    const auto bytes = read_small_file(path, mark_bytes_max);
    if (!bytes) return parse_error(bytes.error().what);
    if (!*bytes) return std::optional<BackupMark>();
    auto mark = parse_backup_mark(iso8583::as_text(**bytes));
    if (!mark) return parse_error(path + ": " + mark.error().what);
    return std::optional(std::move(*mark));
}

}  // namespace ledger
