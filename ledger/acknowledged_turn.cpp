#include "ledger/acknowledged_turn.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "ledger/durable_file.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t file_bytes = 16;  // version, turn, three bytes of zero, checksum
constexpr std::size_t copy_bytes = 1 + 8 + 1 + AcknowledgedCopy::backup_bytes_max + 4;

std::string encode(std::uint64_t turn_number) {
    RecordWriter w(record_version);
    w.u64(turn_number);
    w.u8(0);
    w.u16(0);
    return w.finish();
}

std::optional<std::uint64_t> decode(std::string_view record) {
    RecordReader r(record, record_version, "acknowledged turn");
    const std::uint64_t turn_number = r.u64("turn number");
    (void)r.u8("padding");
    (void)r.u16("padding");
    if (!r.done()) return std::nullopt;
    return turn_number;
}

std::string encode(const AcknowledgedCopy::Content& content) {
    RecordWriter w(record_version);
    w.u64(content.turn);
    w.padded_text(content.backup, AcknowledgedCopy::backup_bytes_max);
    return w.finish();
}

std::optional<AcknowledgedCopy::Content> decode_copy(std::string_view record) {
    RecordReader r(record, record_version, "copy of the acknowledged turn");
    AcknowledgedCopy::Content content;
    content.turn = r.u64("turn number");
    content.backup = r.padded_text("backup", AcknowledgedCopy::backup_bytes_max);
    if (!r.done()) return std::nullopt;
    return content;
}

tl::unexpected<StoreError> file_error(const char* doing, const std::string& path) {
    const int code = errno;
    return tl::unexpected(
        StoreError{code == ENOSPC ? StoreError::Kind::disk_full : StoreError::Kind::io,
                   std::string(doing) + " " + path + ": " + std::generic_category().message(code)});
}

Result<void, StoreError> write_over(int fd, const std::string& bytes, const std::string& path) {
    ssize_t n = 0;
    do {
        n = ::pwrite(fd, bytes.data(), bytes.size(), 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return file_error("writing", path);
    if (static_cast<std::size_t>(n) != bytes.size()) {
        errno = ENOSPC;
        return file_error("writing", path);
    }
    return {};
}

Result<void, StoreError> write_durably(int fd, const std::string& bytes, const std::string& path) {
    if (auto written = write_over(fd, bytes, path); !written) return written;
    if (::fdatasync(fd) != 0) return file_error("syncing", path);
    return {};
}

/// What stands at the file's beginning, as far as there is anything.
template <std::size_t size>
Result<std::string, StoreError> read_start(int fd, const std::string& path) {
    std::array<char, size> bytes{};
    const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), 0);
    if (n < 0) return file_error("reading", path);
    return std::string(bytes.data(), static_cast<std::size_t>(n));
}

bool is_there(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 || errno != ENOENT;
}

Result<void, StoreError> sync_folder_of(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    return sync_directory(parent.empty() ? "." : parent.string());
}

}  // namespace

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::open(const std::string& path) {
    return open_as(path, O_RDWR | O_CREAT | O_CLOEXEC);
}

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::look(const std::string& path) {
    if (!is_there(path)) return AcknowledgedTurn(path, -1);
    return open_as(path, O_RDONLY | O_CLOEXEC);
}

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::open_as(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags, S_IRUSR | S_IWUSR);
    if (fd < 0) return file_error("opening", path);
    AcknowledgedTurn file(path, fd);
    const auto bytes = read_start<file_bytes>(fd, path);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto turn = decode(*bytes);
    file.found_ = turn ? Found::turn : Found::damaged;
    file.turn_ = turn.value_or(0);
    return file;
}

AcknowledgedTurn::~AcknowledgedTurn() {
    if (fd_ >= 0) ::close(fd_);
}
AcknowledgedTurn::AcknowledgedTurn(AcknowledgedTurn&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      found_(other.found_),
      turn_(other.turn_) {}
AcknowledgedTurn& AcknowledgedTurn::operator=(AcknowledgedTurn&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    std::swap(found_, other.found_);
    std::swap(turn_, other.turn_);
    return *this;
}

Result<void, StoreError> AcknowledgedTurn::record(std::uint64_t turn_number) {
    if (auto written = write_over(fd_, encode(turn_number), path_); !written) return written;
    struct stat status {};
    if (::fstat(fd_, &status) == 0 && status.st_nlink == 0)
        return tl::unexpected(StoreError{StoreError::Kind::gone, path_ + " was removed while it was in use"});
    return {};
}

Result<void, StoreError> AcknowledgedTurn::record_durably(std::uint64_t turn_number) {
    if (auto written = write_durably(fd_, encode(turn_number), path_); !written) return written;
    return sync_folder_of(path_);
}

Result<AcknowledgedCopy, StoreError> AcknowledgedCopy::open(const std::string& path) {
    const bool is_new = !is_there(path);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0) return file_error("opening", path);
    AcknowledgedCopy copy(path, fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
        return tl::unexpected(StoreError{StoreError::Kind::locked, path + " is another process's"});
    if (is_new) {
        if (auto synced = sync_folder_of(path); !synced) return tl::unexpected(synced.error());
        return copy;
    }
    const auto bytes = read_start<copy_bytes>(fd, path);
    if (!bytes) return tl::unexpected(bytes.error());
    auto content = decode_copy(*bytes);
    using Found = AcknowledgedTurn::Found;
    // Empty: it was made, and the process died before it said anything.
    copy.found_ = content ? Found::turn : bytes->empty() ? Found::absent : Found::damaged;
    if (content) copy.content_ = std::move(*content);
    return copy;
}

AcknowledgedCopy::~AcknowledgedCopy() {
    if (fd_ >= 0) ::close(fd_);
}
AcknowledgedCopy::AcknowledgedCopy(AcknowledgedCopy&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      found_(other.found_),
      content_(std::move(other.content_)) {}
AcknowledgedCopy& AcknowledgedCopy::operator=(AcknowledgedCopy&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    std::swap(found_, other.found_);
    std::swap(content_, other.content_);
    return *this;
}

Result<void, StoreError> AcknowledgedCopy::record(const Content& content) {
    return write_durably(fd_, encode(content), path_);
}

}  // namespace ledger
