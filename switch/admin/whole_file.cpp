#include "switch/admin/whole_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace acquirer::admin {

using iso8583::parse_error;
using iso8583::Result;

namespace {
namespace fs = std::filesystem;

constexpr int owner_alone = 0600;

std::string reason() { return std::strerror(errno); }

/// What a link leads to; the path itself when it is none.
Result<std::string> behind_links(const std::string& path) {
    std::error_code error;
    if (!fs::is_symlink(path, error)) return path;
    const fs::path target = fs::canonical(path, error);
    if (error) return parse_error(path + " cannot be written: it is a link that leads nowhere");
    return target.string();
}

}  // namespace

Result<WholeFile> WholeFile::create(const std::string& path) {
    if (path == "-") return WholeFile(path, Kind::standard_output, stdout);
    auto target = behind_links(path);
    if (!target) return tl::unexpected(target.error());
    std::error_code error;
    const fs::file_status there = fs::status(*target, error);
    const bool takes_its_place = !fs::exists(there) || fs::is_regular_file(there) || fs::is_directory(there);
    WholeFile made(std::move(*target), takes_its_place ? Kind::appears_whole : Kind::as_it_comes, nullptr);
    const std::string opened = takes_its_place ? made.part_path() : made.path_;
    const int fd =
        ::open(opened.c_str(), O_WRONLY | O_CLOEXEC | (takes_its_place ? O_CREAT : 0), owner_alone);
    if (fd < 0) return parse_error(opened + " cannot be written: " + reason());
    if (takes_its_place && (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::ftruncate(fd, 0) != 0)) {
        auto fault = parse_error(opened + " is being written by another, or cannot be: " + reason());
        ::close(fd);
        return fault;
    }
    made.file_ = ::fdopen(fd, "wb");
    if (made.file_ == nullptr) {
        ::close(fd);
        return parse_error(opened + " cannot be written: " + reason());
    }
    return made;
}

WholeFile::WholeFile(WholeFile&& other) noexcept
    : path_(std::move(other.path_)), kind_(other.kind_), file_(std::exchange(other.file_, nullptr)) {}

WholeFile::~WholeFile() {
    if (file_ == nullptr || kind_ == Kind::standard_output) return;
    if (kind_ == Kind::appears_whole) ::unlink(part_path().c_str());
    std::fclose(file_);
}

tl::unexpected<iso8583::ParseError> WholeFile::not_written() const {
    return parse_error(path_ + " cannot be written: " + reason());
}

Result<void> WholeFile::write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return {};
    return not_written();
}

Result<void> WholeFile::finish() {
    if (std::fflush(file_) != 0) return not_written();
    if (kind_ == Kind::standard_output) return {};
    if (kind_ == Kind::appears_whole &&
        (::fsync(::fileno(file_)) != 0 || ::rename(part_path().c_str(), path_.c_str()) != 0))
        return not_written();
    if (std::fclose(std::exchange(file_, nullptr)) != 0) return not_written();
    return {};
}

Result<void> write_page(const std::string& path, std::string_view page) {
    auto file = WholeFile::create(path);
    if (!file) return tl::unexpected(file.error());
    if (auto written = file->write(page); !written) return written;
    return file->finish();
}

}  // namespace acquirer::admin
