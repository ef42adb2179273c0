#include "ledger/acknowledged_turn.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "ledger/record_codec.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t file_bytes = 16;  // version, turn, three bytes of zero, checksum

std::string encode(std::uint64_t turn_number) {
    RecordWriter w(record_version);
    w.u64(turn_number);
    w.u8(0);
    w.u16(0);
    return w.finish();
}

std::uint64_t decode(std::string_view record) {
    RecordReader r(record, record_version, "acknowledged turn");
    const std::uint64_t turn_number = r.u64("turn number");
    (void)r.u8("padding");
    (void)r.u16("padding");
    return r.done() ? turn_number : 0;
}

tl::unexpected<StoreError> file_error(const char* doing, const std::string& path) {
    const int code = errno;
    return tl::unexpected(
        StoreError{code == ENOSPC ? StoreError::Kind::disk_full : StoreError::Kind::io,
                   std::string(doing) + " " + path + ": " + std::generic_category().message(code)});
}

}  // namespace

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::open(const std::string& path) {
    return open_as(path, O_RDWR | O_CREAT | O_CLOEXEC);
}

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::look(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return AcknowledgedTurn(path, -1);
    return open_as(path, O_RDONLY | O_CLOEXEC);
}

Result<AcknowledgedTurn, StoreError> AcknowledgedTurn::open_as(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags, S_IRUSR | S_IWUSR);
    if (fd < 0) return file_error("opening", path);
    AcknowledgedTurn file(path, fd);
    std::array<char, file_bytes> bytes{};
    const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), 0);
    if (n < 0) return file_error("reading", path);
    file.found_ = decode({bytes.data(), static_cast<std::size_t>(n)});
    return file;
}

AcknowledgedTurn::~AcknowledgedTurn() {
    if (fd_ >= 0) ::close(fd_);
}
AcknowledgedTurn::AcknowledgedTurn(AcknowledgedTurn&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), found_(other.found_) {}
AcknowledgedTurn& AcknowledgedTurn::operator=(AcknowledgedTurn&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    std::swap(found_, other.found_);
    return *this;
}

Result<void, StoreError> AcknowledgedTurn::record(std::uint64_t turn_number) {
    const std::string bytes = encode(turn_number);
    ssize_t n = 0;
    do {
        n = ::pwrite(fd_, bytes.data(), bytes.size(), 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return file_error("writing", path_);
    if (static_cast<std::size_t>(n) != bytes.size()) {
        errno = ENOSPC;
        return file_error("writing", path_);
    }
    return {};
}

}  // namespace ledger
