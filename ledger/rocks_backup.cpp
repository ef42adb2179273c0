#include "ledger/rocks_backup.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <memory>
#include <vector>

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
    /// The last turn of a store that is copied whole.
    Result<void> acknowledge(const std::string& place, std::uint64_t turn) {
        const std::string store = place + store_name;
        auto acknowledged = AcknowledgedTurn::open(acknowledged_path(partial_ + "/" + store));
        if (!acknowledged) return parse_error(acknowledged.error().what);
        if (auto recorded = acknowledged->record_durably(turn); !recorded)
            return parse_error(recorded.error().what);
        stores_.push_back({store, turn});
        return note(store + "/acknowledged");
    }
    /// The marks, the manifest, and every directory synced: it is whole.
    Result<BackupManifest> finish() {
        const std::string id = backup_id(order_.made, manifest_.files);
        manifest_.mark = {id, order_.made, order_.business_day, 0};
        for (const Store& store : stores_) {
            const BackupMark mark{id, order_.made, order_.business_day, store.turn};
            manifest_.mark.turn += store.turn;
            if (auto marked = write(store.path + "/" + backup_mark_name, encode(mark)); !marked)
                return tl::unexpected(marked.error());
        }
        manifest_.ledger_format = format_version;
        manifest_.configuration = order_.configuration;
        manifest_.by = order_.by;
        manifest_.sealed_under = order_.sealed_under;
        manifest_.shards = static_cast<std::uint32_t>(stores_.size());
        for (const Store& store : stores_) {
            const std::string path = partial_ + "/" + store.path;
            for (const std::string& directory :
                 {path + "/rocks", path, fs::path(path).parent_path().string()})
                if (auto synced = ledger::sync_directory(directory); !synced)
                    return parse_error(synced.error().what);
        }
        if (auto synced = ledger::sync_directory(partial_); !synced) return parse_error(synced.error().what);
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
    struct Store {
        std::string path;  // below the backup's directory
        std::uint64_t turn = 0;
    };
    std::vector<Store> stores_;
    BackupManifest manifest_;
};

/// A store as it was at one moment, beside it.
struct Moment {
    std::string place;  // below the data directory, with its '/'; empty: it is the only one
    std::unique_ptr<Temporary> checkpoint;
    std::vector<std::string> files;
    std::uint64_t turn = 0;
    std::uint64_t bytes = 0;
};

Result<Moment> moment_of(const BackedUpStore& of, const std::string& data) {
    Moment out;
    out.place = of.place.empty() ? "" : of.place + "/";
    out.checkpoint = std::make_unique<Temporary>(data + "/" + out.place + checkpoint_name);
    const std::string& path = out.checkpoint->path();
    std::error_code error;
    fs::remove_all(path, error);  // of a process that died meanwhile
    if (auto made = of.store->checkpoint(path); !made) return parse_error(made.error().what);
    auto files = files_below(path);
    if (!files) return tl::unexpected(files.error());
    out.files = std::move(*files);
    const auto turn = turn_of(path);
    if (!turn) return tl::unexpected(turn.error());
    out.turn = *turn;
    for (const std::string& file : out.files) out.bytes += fs::file_size(path + "/" + file, error);
    return out;
}

/// An empty directory for each store, below one that is there under the backup's name only when it is whole.
Result<void> make_directories(const std::string& partial, const std::vector<Moment>& moments) {
    std::vector<std::string> wanted = {partial};
    for (const Moment& moment : moments) {
        if (!moment.place.empty()) wanted.push_back(partial + "/" + moment.place);
        wanted.push_back(partial + "/" + moment.place + store_name);
    }
    for (const std::string& directory : wanted)
        if (::mkdir(directory.c_str(), S_IRWXU) != 0)
            return parse_error(partial + ": cannot be made: " + std::generic_category().message(errno));
    return {};
}

}  // namespace

Result<BackupManifest> make_backup(const std::vector<BackedUpStore>& stores, const BackupOrder& given,
                                   const std::atomic<bool>& stop) {
    BackupOrder order = given;
    order.directory = without_slash(order.directory);
    if (auto good = check_destination(order); !good) return tl::unexpected(good.error());
    std::error_code error;
    std::vector<Moment> moments(stores.size());
    std::uint64_t bytes = 0;
    for (std::size_t index = stores.size(); index-- > 0;) {
        auto moment = moment_of(stores[index], order.data);
        if (!moment) return tl::unexpected(moment.error());
        bytes += moment->bytes;
        moments[index] = std::move(*moment);
    }
    const std::string parent = fs::path(order.directory).parent_path().string();
    if (auto room = check_room(order, parent, bytes); !room) return tl::unexpected(room.error());

    Temporary partial(order.directory + partial_suffix);
    const std::string first = partial.path() + "/" + moments.front().place + store_name;
    if (fs::exists(partial.path(), error) && !fs::is_empty(partial.path(), error) &&
        !fs::exists(first, error)) {
        partial.keep();
        return parse_error(partial.path() + ": is in the way, and is no backup that was cut short");
    }
    fs::remove_all(partial.path(), error);
    if (auto made = make_directories(partial.path(), moments); !made) return tl::unexpected(made.error());
    Maker maker(order, partial.path(), stop);
    for (const Moment& moment : moments)
        for (const std::string& path : moment.files)
            if (auto copied = maker.copy(moment.checkpoint->path() + "/" + path,
                                         moment.place + store_name + "/" + path);
                !copied)
                return tl::unexpected(copied.error());
    if (auto copied = maker.copy(order.data + "/" + vault_key_name, vault_key_name); !copied)
        return tl::unexpected(copied.error());
    if (moments.size() > 1)
        if (auto written = maker.write(shards_name, std::to_string(moments.size()) + "\n"); !written)
            return tl::unexpected(written.error());
    for (const Moment& moment : moments)
        if (auto acknowledged = maker.acknowledge(moment.place, moment.turn); !acknowledged)
            return tl::unexpected(acknowledged.error());
    auto manifest = maker.finish();
    if (!manifest) return manifest;
    fs::rename(partial.path(), order.directory, error);
    if (error) return parse_error(order.directory + ": " + error.message());
    partial.keep();
    if (auto synced = ledger::sync_directory(parent); !synced) return parse_error(synced.error().what);
    return manifest;
}

}  // namespace ledger
