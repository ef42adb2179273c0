#include "ledger/rocks_backup.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "ledger/acknowledged_turn.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/ledger_format.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;
namespace fs = std::filesystem;

namespace {

constexpr const char* partial_suffix = ".partial";

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

/// Gone with its directory on every way out but keep().
class Temporary {
  public:
    explicit Temporary(std::string path) : path_(std::move(path)) {}
    ~Temporary() {
        std::error_code error;
        if (!kept_) fs::remove_all(path_, error);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    void keep() { kept_ = true; }

  private:
    std::string path_;
    bool kept_ = false;
};

Result<void> check_destination(const BackupOrder& order) {
    const fs::path directory(order.directory);
    std::error_code error;
    if (!directory.is_absolute()) return parse_error(order.directory + ": a path from / on is needed");
    if (fs::exists(directory, error)) {
        if (!fs::is_directory(directory, error)) return parse_error(order.directory + ": is no directory");
        const bool empty = fs::is_empty(directory, error);
        if (error) return parse_error(order.directory + ": " + error.message());
        if (!empty)
            return parse_error(order.directory +
                               ": is not empty, and a backup is never written over anything");
    }
    const fs::path parent = directory.parent_path();
    if (!fs::is_directory(parent, error))
        return parse_error(parent.string() + ": there is no such directory to make the backup in");
    const fs::path data = fs::weakly_canonical(order.data, error);
    const fs::path wanted = fs::weakly_canonical(directory, error);
    if (std::mismatch(data.begin(), data.end(), wanted.begin(), wanted.end()).first == data.end())
        return parse_error(order.directory + ": lies in the data directory, which it is to survive");
    return {};
}

/// A name that a trailing '/' would hide.
std::string without_slash(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

Result<void> check_room(const BackupOrder& order, const std::string& there, std::uint64_t bytes) {
    struct statvfs disk {};
    if (::statvfs(there.c_str(), &disk) != 0) return parse_error(there + ": its free space cannot be read");
    struct stat a {
    }, b{};
    const bool same_disk =
        ::stat(there.c_str(), &a) == 0 && ::stat(order.data.c_str(), &b) == 0 && a.st_dev == b.st_dev;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const std::uint64_t needed = bytes + (same_disk ? order.disk_free_bytes_min : 0);
    if (free >= needed) return {};
    return parse_error(
        there + ": " + mib(free) + " are free, the backup has " + mib(bytes) +
        (same_disk ? " and the ledger on the same disk keeps " + mib(order.disk_free_bytes_min) + " free"
                   : ""));
}

/// The last turn in it, which opening it found whole.
Result<std::uint64_t> turn_of(const std::string& store) {
    RocksStoreOptions options;
    options.directory = store;
    options.read_only = true;
    options.create_if_missing = false;
    options.take_as_is = true;  // a checkpoint has no acknowledged turn of its own
    options.block_cache_bytes = 8U << 20;
    auto opened = RocksStore::open(options);
    if (!opened) return parse_error(opened.error().what);
    return (*opened)->last_turn_number();
}

class Maker {
  public:
    Maker(const BackupOrder& order, std::string partial, const std::atomic<bool>& stop)
        : order_(order), partial_(std::move(partial)), stop_(stop) {}

    Result<void> copy(const std::string& from, const std::string& path) {
        const std::string to = partial_ + "/" + path;
        std::error_code error;
        fs::create_directories(fs::path(to).parent_path(), error);
        if (error) return parse_error(to + ": " + error.message());
        auto content = copy_file_durably(from, to, stop_);
        if (!content) return parse_error(content.error().what);
        manifest_.files.push_back({path, *content});
        return {};
    }
    /// A small file of the backup's own.
    Result<void> write(const std::string& path, const std::string& text) {
        const std::string to = partial_ + "/" + path;
        if (auto written = write_file_durably(to, iso8583::as_bytes(text)); !written)
            return parse_error(written.error().what);
        return note(path);
    }
    Result<void> note(const std::string& path) {
        auto content = content_of_file(partial_ + "/" + path, stop_);
        if (!content) return parse_error(content.error().what);
        manifest_.files.push_back({path, *content});
        return {};
    }
    /// The mark, the manifest, and every directory synced: it is whole.
    Result<BackupManifest> finish(std::uint64_t turn) {
        const std::string store = std::string(store_name) + "/";
        auto acknowledged = AcknowledgedTurn::open(acknowledged_path(partial_ + "/" + store_name));
        if (!acknowledged) return parse_error(acknowledged.error().what);
        if (auto recorded = acknowledged->record_durably(turn); !recorded)
            return parse_error(recorded.error().what);
        if (auto noted = note(store + "acknowledged"); !noted) return tl::unexpected(noted.error());
        manifest_.mark = {backup_id(order_.made, manifest_.files), order_.made, order_.business_day, turn};
        if (auto marked = write(store + backup_mark_name, encode(manifest_.mark)); !marked)
            return tl::unexpected(marked.error());
        manifest_.ledger_format = format_version;
        manifest_.configuration = order_.configuration;
        manifest_.by = order_.by;
        manifest_.sealed_under = order_.sealed_under;
        for (const std::string& directory :
             {partial_ + "/" + store_name + "/rocks", partial_ + "/" + store_name, partial_})
            if (auto synced = ledger::sync_directory(directory); !synced)
                return parse_error(synced.error().what);
        const std::string text = encode(manifest_);
        if (auto written = write_file_durably(partial_ + "/" + manifest_name, iso8583::as_bytes(text));
            !written)
            return parse_error(written.error().what);
        return std::move(manifest_);
    }

  private:
    const BackupOrder& order_;
    const std::string partial_;
    const std::atomic<bool>& stop_;
    BackupManifest manifest_;
};

}  // namespace

Result<BackupManifest> make_backup(const RocksStore& store, const BackupOrder& given,
                                   const std::atomic<bool>& stop) {
    BackupOrder order = given;
    order.directory = without_slash(order.directory);
    if (auto good = check_destination(order); !good) return tl::unexpected(good.error());
    std::error_code error;
    const Temporary checkpoint(order.data + "/" + checkpoint_name);
    fs::remove_all(checkpoint.path(), error);  // of a process that died meanwhile
    if (auto made = store.checkpoint(checkpoint.path()); !made) return parse_error(made.error().what);
    const auto files = files_below(checkpoint.path());
    if (!files) return tl::unexpected(files.error());
    const auto turn = turn_of(checkpoint.path());
    if (!turn) return tl::unexpected(turn.error());

    std::uint64_t bytes = 0;
    for (const std::string& path : *files) bytes += fs::file_size(checkpoint.path() + "/" + path, error);
    const std::string parent = fs::path(order.directory).parent_path().string();
    if (auto room = check_room(order, parent, bytes); !room) return tl::unexpected(room.error());

    Temporary partial(order.directory + partial_suffix);
    if (fs::exists(partial.path(), error) && !fs::is_empty(partial.path(), error) &&
        !fs::exists(partial.path() + "/" + store_name, error)) {
        partial.keep();
        return parse_error(partial.path() + ": is in the way, and is no backup that was cut short");
    }
    fs::remove_all(partial.path(), error);
    if (::mkdir(partial.path().c_str(), S_IRWXU) != 0 ||
        ::mkdir((partial.path() + "/" + store_name).c_str(), S_IRWXU) != 0)
        return parse_error(partial.path() + ": cannot be made: " + std::generic_category().message(errno));
    Maker maker(order, partial.path(), stop);
    for (const std::string& path : *files)
        if (auto copied = maker.copy(checkpoint.path() + "/" + path, std::string(store_name) + "/" + path);
            !copied)
            return tl::unexpected(copied.error());
    if (auto copied = maker.copy(order.data + "/" + vault_key_name, vault_key_name); !copied)
        return tl::unexpected(copied.error());
    auto manifest = maker.finish(*turn);
    if (!manifest) return manifest;
    fs::rename(partial.path(), order.directory, error);
    if (error) return parse_error(order.directory + ": " + error.message());
    partial.keep();
    if (auto synced = ledger::sync_directory(parent); !synced) return parse_error(synced.error().what);
    return manifest;
}

}  // namespace ledger
