#include "tests/ledger/fault_file_system.hpp"

#include <rocksdb/system_clock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace ledger_test {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

std::string clean(const std::string& path) {
    std::string p = std::filesystem::path(path).lexically_normal().string();
    while (p.size() > 1 && p.back() == '/') p.pop_back();
    return p;
}
std::string parent_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    WatchedFile(FaultFileSystem& owner, std::string path, std::unique_ptr<rocksdb::FSWritableFile> target)
        : FSWritableFileOwnerWrapper(std::move(target)), owner_(owner), path_(std::move(path)) {}

    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        return watched_append(data, [&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); });
    }
    IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                    IODebugContext* debug) override {
        return watched_append(
            data, [&] { return FSWritableFileOwnerWrapper::Append(data, options, check, debug); });
    }
    IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
        IOStatus status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
        if (status.ok()) owner_.truncated(path_, size);
        return status;
    }
    IOStatus Sync(const IOOptions&, IODebugContext*) override { return watched_sync(); }
    IOStatus Fsync(const IOOptions&, IODebugContext*) override { return watched_sync(); }
    IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
        return IOStatus::OK();
    }

  private:
    template <typename Write>
    IOStatus watched_append(const Slice& data, Write write) {
        IOStatus status = owner_.before_append(path_);
        if (status.ok()) status = write();
        if (status.ok()) owner_.appended(path_, data.size());
        return status;
    }
    IOStatus watched_sync() {
        IOStatus status = owner_.before_sync(path_);
        if (status.ok()) owner_.synced(path_);
        return status;
    }
    FaultFileSystem& owner_;
    std::string path_;
};

class WatchedDirectory final : public rocksdb::FSDirectory {
  public:
    WatchedDirectory(FaultFileSystem& owner, std::string path) : owner_(owner), path_(std::move(path)) {}
    IOStatus Fsync(const IOOptions&, IODebugContext*) override { return owner_.sync_directory(path_); }
    IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

  private:
    FaultFileSystem& owner_;
    std::string path_;
};

class ClockWithoutPauses final : public rocksdb::SystemClockWrapper {
  public:
    ClockWithoutPauses() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
    const char* Name() const override { return "ClockWithoutPauses"; }
    void SleepForMicroseconds(int) override {}
};

}  // namespace

FaultEnv::FaultEnv(const std::shared_ptr<FaultFileSystem>& file_system)
    : EnvWrapper(rocksdb::NewCompositeEnv(file_system)) {
    file_system_ = file_system;
    system_clock_ = std::make_shared<ClockWithoutPauses>();
}

FaultFileSystem::FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

void FaultFileSystem::cut_power_at(std::uint64_t operation) {
    const std::lock_guard lock(mutex_);
    cut_at_ = operation;
}
std::uint64_t FaultFileSystem::operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
}
void FaultFileSystem::make_syncs_empty() {
    const std::lock_guard lock(mutex_);
    empty_syncs_ = true;
}
void FaultFileSystem::fail_appends(std::string name_end, std::optional<IOStatus> error) {
    const std::lock_guard lock(mutex_);
    append_failure_.reset();
    if (error) append_failure_ = Failure{std::move(name_end), *error};
}
void FaultFileSystem::fail_syncs(std::string name_end, std::optional<IOStatus> error) {
    const std::lock_guard lock(mutex_);
    sync_failure_.reset();
    if (error) sync_failure_ = Failure{std::move(name_end), *error};
}
void FaultFileSystem::report_free_space(std::optional<std::uint64_t> bytes) {
    const std::lock_guard lock(mutex_);
    free_space_ = bytes;
}

IOStatus FaultFileSystem::operation() {
    if (cut_at_ != 0 && operations_ + 1 >= cut_at_) return IOStatus::IOError("the power is off");
    ++operations_;
    return IOStatus::OK();
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    IOStatus status = operation();
    std::unique_ptr<rocksdb::FSWritableFile> target;
    if (status.ok()) status = target_->NewWritableFile(path, options, &target, debug);
    if (!status.ok()) return status;
    const std::string name = clean(path);
    files_[name] = {};
    changes_.push_back({name, "", std::nullopt});
    *file = std::make_unique<WatchedFile>(*this, name, std::move(target));
    return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    IOStatus status = operation();
    std::unique_ptr<rocksdb::FSWritableFile> target;
    if (status.ok()) status = target_->ReopenWritableFile(path, options, &target, debug);
    if (!status.ok()) return status;
    const std::string name = clean(path);
    if (!files_.contains(name)) {
        const std::uint64_t size = std::filesystem::file_size(name);
        files_[name] = {size, size};
    }
    *file = std::make_unique<WatchedFile>(*this, name, std::move(target));
    return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions&,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext*) {
    *directory = std::make_unique<WatchedDirectory>(*this, clean(path));
    return IOStatus::OK();
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    // A removal is taken as durable at once, which a real disk may do and which is the worse case for
    // recovery.
    IOStatus status = operation();
    if (status.ok()) status = target_->DeleteFile(path, options, debug);
    if (!status.ok()) return status;
    files_.erase(clean(path));
    std::erase_if(changes_, [name = clean(path)](const NameChange& c) { return c.path == name; });
    return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    IOStatus status = operation();
    if (!status.ok()) return status;
    NameChange change{clean(to), clean(from), std::nullopt};
    if (std::filesystem::is_regular_file(change.path)) change.replaced = read_all(change.path);
    status = target_->RenameFile(from, to, options, debug);
    if (!status.ok()) return status;
    files_.erase(change.path);
    move_paths(change.from, change.path);
    changes_.push_back(std::move(change));
    return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                       std::uint64_t* bytes, IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    if (!free_space_) return target_->GetFreeSpace(path, options, bytes, debug);
    *bytes = *free_space_;
    return IOStatus::OK();
}

IOStatus FaultFileSystem::LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock,
                                   IODebugContext*) {
    struct NoLock final : rocksdb::FileLock {};
    *lock = new NoLock;
    return IOStatus::OK();
}
IOStatus FaultFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
    delete lock;
    return IOStatus::OK();
}

IOStatus FaultFileSystem::before_append(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (append_failure_ && path.ends_with(append_failure_->name_end)) return append_failure_->error;
    return operation();
}
void FaultFileSystem::appended(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    files_[path].written += bytes;
}
void FaultFileSystem::truncated(const std::string& path, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    FileState& state = files_[path];
    state.written = size;
    state.synced = std::min(state.synced, size);
}
IOStatus FaultFileSystem::before_sync(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (sync_failure_ && path.ends_with(sync_failure_->name_end)) return sync_failure_->error;
    return operation();
}
void FaultFileSystem::synced(const std::string& path) {
    const std::lock_guard lock(mutex_);
    FileState& state = files_[path];
    if (!empty_syncs_) state.synced = state.written;
}
IOStatus FaultFileSystem::sync_directory(const std::string& path) {
    const std::lock_guard lock(mutex_);
    IOStatus status = operation();
    if (status.ok() && !empty_syncs_)
        std::erase_if(changes_, [&](const NameChange& c) { return parent_of(c.path) == path; });
    return status;
}

/// After a rename, of a file or of a directory with all that is in it.
void FaultFileSystem::move_paths(const std::string& from, const std::string& to) {
    const auto moved = [&](const std::string& path) -> std::optional<std::string> {
        if (path == from) return to;
        if (path.starts_with(from + "/")) return to + path.substr(from.size());
        return std::nullopt;
    };
    std::map<std::string, FileState> files;
    for (const auto& [path, state] : files_) files[moved(path).value_or(path)] = state;
    files_ = std::move(files);
    for (NameChange& change : changes_) {
        if (change.path == from && change.from.empty())
            continue;  // its creation stays under the name it was made with
        change.path = moved(change.path).value_or(change.path);
        if (!change.from.empty()) change.from = moved(change.from).value_or(change.from);
    }
}

void FaultFileSystem::take_back(const NameChange& change) {
    std::error_code none;
    if (change.from.empty()) {
        std::filesystem::remove(change.path, none);
        files_.erase(change.path);
        return;
    }
    std::filesystem::rename(change.path, change.from, none);
    move_paths(change.path, change.from);
    if (change.replaced) std::ofstream(change.path, std::ios::binary) << *change.replaced;
}

void FaultFileSystem::truncate_unsynced(const std::string& path, const FileState& state,
                                        std::mt19937_64& rng) {
    std::error_code none;
    if (state.written == state.synced || !std::filesystem::exists(path, none)) return;
    const std::uint64_t unsynced = state.written - state.synced;
    std::uint64_t kept = 0;
    switch (rng() % 4) {
        case 0:
            break;
        case 1:
            kept = unsynced;
            break;
        default:
            kept = rng() % (unsynced + 1);
            break;
    }
    std::filesystem::resize_file(path, state.synced + kept, none);
    if (kept == 0 || rng() % 3 != 0 || !path.ends_with(".log")) return;
    // Torn: the log has its length, but one stretch of it never arrived. Only logs: RocksDB reads any other
    // file as written front to back, which is what ext4 and XFS do, since they move a file's size after its
    // data.
    const std::uint64_t hole_at = rng() % kept;
    const std::uint64_t hole_bytes = 1 + rng() % (kept - hole_at);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(state.synced + hole_at));
    file << std::string(hole_bytes, '\0');
}

void FaultFileSystem::take_unsynced_away(std::mt19937_64& rng) {
    const std::lock_guard lock(mutex_);
    const auto files = files_;
    for (const auto& [path, state] : files) truncate_unsynced(path, state, rng);
    // Journaling file systems keep the order of names: what is durable is a prefix of the changes.
    const std::size_t kept = rng() % (changes_.size() + 1);
    while (changes_.size() > kept) {
        const NameChange change = std::move(changes_.back());
        changes_.pop_back();
        take_back(change);
    }
    changes_.clear();
    files_.clear();
}

}  // namespace ledger_test
