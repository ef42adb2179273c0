#include "ledger/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace ledger {

using iso8583::Result;

namespace {

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

tl::unexpected<StoreError> system_error(const char* doing, const std::string& path) {
    const int code = errno;
    const auto kind = code == ENOSPC || code == EDQUOT ? StoreError::Kind::disk_full : StoreError::Kind::io;
    return tl::unexpected(
        StoreError{kind, std::string(doing) + " " + path + ": " + std::generic_category().message(code)});
}

bool write_all(int fd, iso8583::ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::uint64_t pieces_per_sync = 8;

/// The file in pieces of whole SHA-256 blocks; `take` says what to do with each.
template <typename Take>
Result<FileContent, StoreError> read_in_pieces(const std::string& path, const std::atomic<bool>& stop,
                                               const Take& take) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return system_error("opening", path);
    iso8583::Bytes piece(piece_bytes);
    Sha256 sha;
    FileContent content;
    for (;;) {
        if (stop) return tl::unexpected(StoreError{StoreError::Kind::io, "it was told to stop"});
        std::size_t size = 0;
        while (size < piece.size()) {
            const ssize_t n = ::read(file.get(), piece.data() + size, piece.size() - size);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return system_error("reading", path);
            if (n == 0) break;
            size += static_cast<std::size_t>(n);
        }
        const iso8583::ByteView view(piece.data(), size);
        content.bytes += size;
        if (auto taken = take(view); !taken) return tl::unexpected(taken.error());
        if (size < piece.size()) {
            const std::size_t whole = size - size % Sha256::block_bytes;
            sha.add_blocks(view.first(whole));
            content.sha256 = digest_text(sha.finish(view.subspan(whole)));
            return content;
        }
        sha.add_blocks(view);
    }
}

}  // namespace

Result<FileContent, StoreError> content_of_file(const std::string& path, const std::atomic<bool>& stop) {
    return read_in_pieces(path, stop, [](iso8583::ByteView) { return Result<void, StoreError>{}; });
}

Result<FileContent, StoreError> copy_file_durably(const std::string& from, const std::string& to,
                                                  const std::atomic<bool>& stop) {
    const Descriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (copy.get() < 0) return system_error("creating", to);
    std::uint64_t pieces = 0;
    auto content = read_in_pieces(from, stop, [&](iso8583::ByteView piece) -> Result<void, StoreError> {
        if (!write_all(copy.get(), piece)) return system_error("writing", to);
        if (++pieces % pieces_per_sync == 0 && ::fdatasync(copy.get()) != 0)
            return system_error("syncing", to);
        return {};
    });
    if (content && ::fsync(copy.get()) != 0) return system_error("syncing", to);
    return content;
}

Result<void, StoreError> sync_directory(const std::string& directory) {
    const Descriptor dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.get() < 0) return system_error("opening directory", directory);
    if (::fsync(dir.get()) != 0) return system_error("syncing directory", directory);
    return {};
}

Result<void, StoreError> write_file_durably(const std::string& path, iso8583::ByteView bytes) {
    const std::string beside = path + ".new";
    {
        // A leftover of an earlier crash is thrown away, so that its mode cannot be inherited.
        ::unlink(beside.c_str());
        const Descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (file.get() < 0) return system_error("creating", beside);
        if (!write_all(file.get(), bytes)) return system_error("writing", beside);
        if (::fsync(file.get()) != 0) return system_error("syncing", beside);
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("renaming to", path);
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    return sync_directory(parent.empty() ? "." : parent.string());
}

Result<void, StoreError> replace_file_wiping(const std::string& path, iso8583::ByteView bytes) {
    const Descriptor before(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (auto written = write_file_durably(path, bytes); !written) return written;
    struct stat status {};
    if (before.get() < 0 || ::fstat(before.get(), &status) != 0 || status.st_nlink != 0) return {};
    const iso8583::Bytes zeros(static_cast<std::size_t>(status.st_size), 0);
    if (!write_all(before.get(), zeros) || ::fsync(before.get()) != 0)
        return system_error("writing over what was before in", path);
    return {};
}

Result<std::optional<iso8583::Bytes>, StoreError> read_small_file(const std::string& path,
                                                                  std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        if (errno == ENOENT) return std::optional<iso8583::Bytes>{};
        return system_error("opening", path);
    }
    iso8583::Bytes bytes(bytes_max + 1);
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("reading", path);
        if (n == 0) break;
        size += static_cast<std::size_t>(n);
    }
    if (size > bytes_max) {
        iso8583::zeroise(bytes.data(), bytes.size());
        return tl::unexpected(StoreError{StoreError::Kind::version,
                                         path + " is longer than " + std::to_string(bytes_max) + " bytes"});
    }
    bytes.resize(size);
    return std::optional(std::move(bytes));
}

}  // namespace ledger
