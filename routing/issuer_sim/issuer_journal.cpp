#include "routing/issuer_sim/issuer_journal.hpp"

#include <fcntl.h>
#include <unistd.h>

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

iso8583::Result<void> IssuerJournal::open(
    const std::string& path, bool durable,
    const std::function<iso8583::Result<void>(std::string_view)>& take) {
    path_ = path;
    durable_ = durable;
    file_ = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (file_ < 0) return fault(path, "open");
    std::string text;  // from the begin of a line
    off_t whole = 0;   // bytes of whole lines
    std::uint64_t line = 0;
    std::vector<char> chunk(1 << 16);
    for (;;) {
        const ssize_t got = ::read(file_, chunk.data(), chunk.size());
        if (got < 0) return fault(path, "read");
        if (got == 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
            ++line;
            if (auto taken = take(std::string_view(text).substr(begin, end - begin)); !taken)
                return iso8583::parse_error("journal " + path + ", line " + std::to_string(line) + ": " +
                                            taken.error().what);
        }
        whole += static_cast<off_t>(begin);
        text.erase(0, begin);
    }
    if (!text.empty() && ::ftruncate(file_, whole) != 0) return fault(path, "cut off a torn line");
    return {};
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
