#include "switch/admin/row_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using iso8583::Result;

namespace {

bool is_plain_number(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
    const std::size_t dot = digits.find('.');
    const auto all_digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    };
    return all_digits(digits.substr(0, dot)) &&
           (dot == std::string_view::npos || all_digits(digits.substr(dot + 1)));
}

std::string cell_of(std::string text) {
    constexpr std::string_view formula_begins = "=+-@\t\r";
    if (!text.empty() && formula_begins.find(text.front()) != std::string_view::npos &&
        !is_plain_number(text))
        text.insert(0, 1, '\'');
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string reason() { return std::strerror(errno); }

}  // namespace

std::string csv_cell(const View& value) {
    if (const auto* text = value.text()) return cell_of(*text);
    if (const auto* flag = value.flag()) return *flag ? "true" : "false";
    if (const auto* number = value.number()) return std::to_string(*number);
    return value.is_null() ? std::string() : cell_of(write_json(value));
}

std::string csv_head(const View& row) {
    std::string line;
    if (const auto* members = row.members())
        for (const auto& [name, value] : *members) line += (line.empty() ? "" : ",") + cell_of(name);
    return line + "\r\n";
}

Result<std::string> csv_line(const std::vector<std::string>& columns, const View& row) {
    const View::Members* members = row.members();
    if (members == nullptr || members->size() != columns.size())
        return parse_error("a row of the list has other columns than the first");
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto& [name, value] = (*members)[i];
        if (name != columns[i])
            return parse_error("a row of the list has the column " + name + " for " + columns[i]);
        if (i != 0) line += ',';
        line += csv_cell(value);
    }
    return line + "\r\n";
}

Result<RowFile> RowFile::create(const std::string& path, RowFormat format) {
    if (path == "-") return RowFile(path, format, stdout);
    RowFile made(path, format, nullptr);
    const std::string part = made.part_path();
    constexpr int owner_alone = 0600;
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, owner_alone);
    if (fd < 0) return parse_error(part + " cannot be written: " + reason());
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::ftruncate(fd, 0) != 0) {
        auto fault = parse_error(part + " is being written by another, or cannot be: " + reason());
        ::close(fd);
        return fault;
    }
    made.file_ = ::fdopen(fd, "wb");
    if (made.file_ == nullptr) {
        ::close(fd);
        return parse_error(part + " cannot be written: " + reason());
    }
    return made;
}

RowFile::RowFile(RowFile&& other) noexcept
    : path_(std::move(other.path_)),
      format_(other.format_),
      file_(std::exchange(other.file_, nullptr)),
      columns_(std::move(other.columns_)) {}

RowFile::~RowFile() {
    if (file_ == nullptr || is_stdout()) return;
    ::unlink(part_path().c_str());
    std::fclose(file_);
}

Result<void> RowFile::write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return {};
    return parse_error(path_ + " cannot be written: " + reason());
}

Result<void> RowFile::add(const View& row) {
    if (format_ == RowFormat::json_lines) return write(write_json(row) + "\n");
    if (columns_.empty()) {
        if (const auto* members = row.members())
            for (const auto& [name, value] : *members) columns_.push_back(name);
        if (auto written = write(csv_head(row)); !written) return written;
    }
    auto line = csv_line(columns_, row);
    if (!line) return tl::unexpected(line.error());
    return write(*line);
}

Result<void> RowFile::finish() {
    if (std::fflush(file_) != 0) return parse_error(path_ + " cannot be written: " + reason());
    if (is_stdout()) return {};
    if (::fsync(::fileno(file_)) != 0 || ::rename(part_path().c_str(), path_.c_str()) != 0)
        return parse_error(path_ + " cannot be written: " + reason());
    std::fclose(std::exchange(file_, nullptr));
    return {};
}

}  // namespace acquirer::admin
