#include "switch/io/notice_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/currency_letters.hpp"
#include "switch/io/log.hpp"

namespace acquirer {

namespace {

constexpr mode_t file_mode = S_IRUSR | S_IWUSR | S_IRGRP;
constexpr std::size_t piece_bytes = 4'096;  // read at once, from the end

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  private:
    int fd_;
};

std::string fault(const std::string& path, const char* what) {
    return path + ": " + what + ": " + std::strerror(errno);
}

void member(std::string& line, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    line += ",\"";
    line += name;
    line += "\":\"";
    append_json_escaped(line, value);
    line += '"';
}

std::string local_time_text(const ledger::Notice& n) {
    const iso8583::CivilTime t = iso8583::civil_from_utc(n.at, n.local_offset_s);
    const std::int32_t minutes = n.local_offset_s / 60;
    const std::int32_t size = minutes < 0 ? -minutes : minutes;
    const std::string hms = t.hhmmss();
    char offset[16];
    std::snprintf(offset, sizeof offset, "%c%02d:%02d", minutes < 0 ? '-' : '+', static_cast<int>(size / 60),
                  static_cast<int>(size % 60));
    return t.date.iso() + "T" + hms.substr(0, 2) + ":" + hms.substr(2, 2) + ":" + hms.substr(4, 2) + offset;
}

/// What a crash or a full disk left of a line is cut off: its notice comes again.
bool cut_torn_line(int fd) {
    off_t end = ::lseek(fd, 0, SEEK_END);
    if (end < 0) return false;
    for (const off_t size = end; end > 0;) {
        const off_t from = end > static_cast<off_t>(piece_bytes) ? end - static_cast<off_t>(piece_bytes) : 0;
        std::string piece(static_cast<std::size_t>(end - from), '\0');
        if (::pread(fd, piece.data(), piece.size(), from) != static_cast<ssize_t>(piece.size())) return false;
        const std::size_t newline = piece.rfind('\n');
        if (newline == std::string::npos) {
            end = from;
            continue;
        }
        const off_t whole = from + static_cast<off_t>(newline) + 1;
        return whole == size || ::ftruncate(fd, whole) == 0;
    }
    return ::ftruncate(fd, 0) == 0;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string sync_directory(const std::string& directory) {
    const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open()) return fault(directory, "cannot be opened");
    return ::fsync(folder.get()) == 0 ? "" : fault(directory, "cannot be synced");
}

std::string append(const std::string& directory, const std::string& path, std::string_view lines) {
    bool is_new = false;
    int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        is_new = true;
        fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
    }
    const Descriptor file(fd);
    if (!file.is_open()) return fault(path, "cannot be opened");
    if (!cut_torn_line(file.get())) return fault(path, "its end cannot be read");
    if (!write_all(file.get(), lines)) {
        std::string why = fault(path, "cannot be written");
        static_cast<void>(cut_torn_line(file.get()));  // the next part does it else
        return why;
    }
    if (::fsync(file.get()) != 0) return fault(path, "cannot be synced");
    return is_new ? sync_directory(directory) : "";
}

}  // namespace

std::string notice_line(const ledger::Notice& n) {
    const iso8583::Currency currency = iso8583::Currency::of(n.currency);
    std::string line = "{\"notice\":" + std::to_string(n.number);
    member(line, "kind", ledger::name(n.kind));
    member(line, "time", local_time_text(n));
    member(line, "refund", n.rrn.view());
    member(line, "original", n.original.view());
    member(line, "merchant", n.merchant.view());
    member(line, "terminal", n.terminal.view());
    member(line, "amount", iso8583::Amount(n.amount_minor, currency).major());
    member(line, "currency", iso8583::currency_letters(currency));
    member(line, "card", n.card);
    member(line, "reference", n.reference);
    member(line, "state", n.state);
    return line + "}";
}

std::string notice_file_name(const ledger::Notice& n) {
    return "notices-" + iso8583::civil_from_utc(n.at, n.local_offset_s).date.iso() + ".jsonl";
}

std::string append_notices(const std::string& directory, const std::vector<ledger::Notice>& notices) {
    std::map<std::string, std::string> by_file;
    for (const ledger::Notice& n : notices) by_file[notice_file_name(n)] += notice_line(n) + "\n";
    if (::mkdir(directory.c_str(), S_IRWXU | S_IRGRP | S_IXGRP) != 0 && errno != EEXIST)
        return fault(directory, "cannot be made");
    for (const auto& [name, lines] : by_file)
        if (std::string why = append(directory, directory + "/" + name, lines); !why.empty()) return why;
    return "";
}

void NoticeFiles::write(std::vector<ledger::Notice> notices, std::function<void(NoticesWritten)> done) {
    auto part = std::make_shared<std::vector<ledger::Notice>>(std::move(notices));
    const bool taken = worker_.submit([this, part, done] {
        NoticesWritten written{part->back().number, append_notices(directory_, *part)};
        done(std::move(written));
    });
    if (!taken) done({0, "the thread that writes notices does not come after"});
}

}  // namespace acquirer
