// A file system for RocksDB that knows what a power cut would take: bytes appended since the last sync of a
// file, and names made or changed since the last sync of their directory. It can cut the power at any
// operation, make syncs empty on purpose, and fail writes with any error. kill -9 keeps the page cache; this
// does not.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace ledger_test {

class FaultFileSystem final : public rocksdb::FileSystemWrapper {
  public:
    FaultFileSystem();
    static const char* kClassName() { return "FaultFileSystem"; }
    const char* Name() const override { return kClassName(); }

    /// From the operation with this number on (counted from 1) nothing reaches the disk any more.
    void cut_power_at(std::uint64_t operation);
    [[nodiscard]] std::uint64_t operations() const;
    /// sync() says yes and does nothing.
    void make_syncs_empty();
    /// Appends, syncs, of files whose name ends so; nullopt ends it.
    void fail_appends(std::string name_end, std::optional<rocksdb::IOStatus> error);
    void fail_syncs(std::string name_end, std::optional<rocksdb::IOStatus> error);
    void report_free_space(std::optional<std::uint64_t> bytes);

    /// After the store is destroyed: brings the disk to a state that it could be found in. Of what was not
    /// synced, chance keeps none, a part or all, of a log also a part with torn bytes.
    void take_unsynced_away(std::mt19937_64& rng);

    rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file,
                                         rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                   rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                                 const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                   std::uint64_t* bytes, rocksdb::IODebugContext* debug) override;

    // A store that met an error is given up without being unlocked; here that must not keep the next one out.
    rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;

    // Of the files and directories made here
    rocksdb::IOStatus before_append(const std::string& path);
    void appended(const std::string& path, std::uint64_t bytes);
    void truncated(const std::string& path, std::uint64_t size);
    rocksdb::IOStatus before_sync(const std::string& path);
    void synced(const std::string& path);
    rocksdb::IOStatus sync_directory(const std::string& path);

  private:
    struct FileState {
        std::uint64_t written = 0;
        std::uint64_t synced = 0;
    };
    /// A name that its directory does not hold for certain.
    struct NameChange {
        std::string path;
        std::string from;                     // empty: created, else renamed from this
        std::optional<std::string> replaced;  // contents of the file that the renamed one replaced
    };
    struct Failure {
        std::string name_end;
        rocksdb::IOStatus error;
    };

    rocksdb::IOStatus operation();  // mutex held
    void move_paths(const std::string& from, const std::string& to);
    void take_back(const NameChange& change);
    void truncate_unsynced(const std::string& path, const FileState& state, std::mt19937_64& rng);

    mutable std::mutex mutex_;
    std::uint64_t operations_ = 0;
    std::uint64_t cut_at_ = 0;
    bool empty_syncs_ = false;
    std::optional<Failure> append_failure_;
    std::optional<Failure> sync_failure_;
    std::optional<std::uint64_t> free_space_;
    std::map<std::string, FileState> files_;
    std::vector<NameChange> changes_;
};

/// An Env over that file system, in which RocksDB's pause of a second after a failed flush takes no time.
class FaultEnv final : public rocksdb::EnvWrapper {
  public:
    explicit FaultEnv(const std::shared_ptr<FaultFileSystem>& file_system);
};

}  // namespace ledger_test
