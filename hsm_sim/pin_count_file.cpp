#include "hsm_sim/pin_count_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "hsm_sim/lmk_file.hpp"

namespace hsm {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::string_view first_line = "hsm-sim failed PINs 1";

std::string text_of(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) {
        out += line;
        out += '\n';
    }
    return out;
}

}  // namespace

Result<PinCountFile> PinCountFile::open(const std::string& path) {
    PinCountFile out;
    out.path_ = path;
    if (::access(path.c_str(), F_OK) != 0) {
        out.is_new_ = true;
        const auto made = write_secret_file(path, std::string(first_line) + "\n");
        if (!made) return tl::unexpected(made.error());
    }
    const auto text = read_secret_file(path, bytes_max);
    if (!text) return tl::unexpected(text.error());
    std::string_view rest = *text;
    std::size_t number = 0;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (++number > 1)
            out.lines_.emplace_back(line);
        else if (line != first_line)
            return parse_error(path + ": line 1 must be '" + std::string(first_line) + "'");
    }
    if (number == 0) return parse_error(path + ": line 1 must be '" + std::string(first_line) + "'");
    if (!out.open_to_append()) return parse_error(path + ": " + std::strerror(errno));
    return out;
}

PinCountFile::~PinCountFile() {
    if (file_ >= 0) ::close(file_);
}

PinCountFile::PinCountFile(PinCountFile&& other) noexcept
    : path_(std::move(other.path_)),
      lines_(std::move(other.lines_)),
      is_new_(other.is_new_),
      file_(std::exchange(other.file_, -1)) {}

bool PinCountFile::open_to_append() {
    if (file_ >= 0) ::close(file_);
    file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    return file_ >= 0;
}

bool PinCountFile::append(const std::vector<std::string>& lines) {
    const std::string text = text_of(lines);
    return file_ >= 0 && ::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fdatasync(file_) == 0;
}

bool PinCountFile::rewrite(const std::vector<std::string>& lines) {
    ::unlink((path_ + ".new").c_str());  // of a writing that was cut short
    return write_secret_file(path_, std::string(first_line) + "\n" + text_of(lines)).has_value() &&
           open_to_append();
}

}  // namespace hsm
