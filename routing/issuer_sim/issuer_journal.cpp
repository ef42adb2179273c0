#include "routing/issuer_sim/issuer_journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace routing {

namespace {
tl::unexpected<iso8583::ParseError> fault(const std::string& path, const char* doing) {
    return iso8583::parse_error("journal " + path + ": cannot " + doing + ": " + std::strerror(errno));
}
}  // namespace

IssuerJournal::~IssuerJournal() {
    if (file_ >= 0) ::close(file_);
}

iso8583::Result<std::uint32_t> IssuerJournal::open(const std::string& path, bool durable) {
    path_ = path;
    durable_ = durable;
    file_ = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (file_ < 0) return fault(path, "open");
    std::uint32_t lines = 0;
    char last = '\n';
    std::vector<char> chunk(1 << 16);
    for (;;) {
        const ssize_t got = ::read(file_, chunk.data(), chunk.size());
        if (got < 0) return fault(path, "read");
        if (got == 0) break;
        lines += static_cast<std::uint32_t>(std::count(chunk.begin(), chunk.begin() + got, '\n'));
        last = chunk[static_cast<std::size_t>(got) - 1];
    }
    if (last != '\n') {
        buffer_ = "\n";
        ++lines;
        if (auto flushed = flush(); !flushed) return tl::unexpected(flushed.error());
    }
    return lines;
}

iso8583::Result<void> IssuerJournal::flush() {
    std::size_t written = 0;
    while (written < buffer_.size()) {
        const ssize_t n = ::write(file_, buffer_.data() + written, buffer_.size() - written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fault(path_, "write");
        written += static_cast<std::size_t>(n);
    }
    if (durable_ && !buffer_.empty() && ::fdatasync(file_) != 0) return fault(path_, "sync");
    buffer_.clear();
    return {};
}

}  // namespace routing
