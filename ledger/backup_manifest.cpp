#include "ledger/backup_manifest.hpp"

#include <charconv>
#include <numeric>

#include "ledger/number_plan.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::string_view mark_heading = "refund-switch backup mark 1";
constexpr std::string_view manifest_heading = "refund-switch backup 1";
constexpr std::size_t id_digest_characters = 8;
constexpr std::size_t value_characters_max = 1'024;

std::string sha256_text(std::string_view text) {
    const iso8583::ByteView bytes = iso8583::as_bytes(text);
    const std::size_t whole = bytes.size() - bytes.size() % Sha256::block_bytes;
    Sha256 sha;
    sha.add_blocks(bytes.first(whole));
    return digest_text(sha.finish(bytes.subspan(whole)));
}

void put(std::string& out, std::string_view word, std::string_view value) {
    out.append(word).append(" ").append(value).append("\n");
}

void put_mark(std::string& out, const BackupMark& mark) {
    put(out, "id", mark.id);
    put(out, "made", std::to_string(mark.made.ms));
    put(out, "day", mark.business_day.date.iso());
    put(out, "turn", std::to_string(mark.turn));
}

/// Takes lines of "word value" off the front, in their order.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool next_is(std::string_view word) const {
        return rest_.substr(0, word.size()) == word && rest_.substr(word.size(), 1) == " ";
    }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }

    Result<void> heading(std::string_view wanted) {
        auto line = take();
        if (!line) return tl::unexpected(line.error());
        if (*line != wanted) return fault("needs \"" + std::string(wanted) + "\"");
        return {};
    }
    Result<std::string> text(std::string_view word) {
        auto line = take();
        if (!line) return tl::unexpected(line.error());
        const bool has_it =
            line->size() > word.size() && line->substr(0, word.size()) == word && (*line)[word.size()] == ' ';
        if (!has_it) return fault("needs \"" + std::string(word) + "\" and its value");
        return std::string(line->substr(word.size() + 1));
    }
    template <typename Number>
    Result<Number> number(std::string_view word) {
        auto value = text(word);
        if (!value) return tl::unexpected(value.error());
        return number_of<Number>(*value, word);
    }
    template <typename Number>
    Result<Number> number_of(std::string_view value, std::string_view word) {
        Number number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc{} || end != value.data() + value.size())
            return fault(std::string(word) + " is no number in its range");
        return number;
    }
    tl::unexpected<iso8583::ParseError> fault(const std::string& what) {
        return parse_error("line " + std::to_string(line_) + ": " + what);
    }

  private:
    Result<std::string_view> take() {
        ++line_;
        const std::size_t end = rest_.find('\n');
        if (end == std::string_view::npos) return fault("the text ends before it is whole");
        if (end > value_characters_max) return fault("is too long");
        const std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return line;
    }

    std::string_view rest_;
    std::size_t line_ = 0;
};

Result<BackupMark> read_mark(Lines& lines) {
    BackupMark mark;
    auto id = lines.text("id");
    if (!id) return tl::unexpected(id.error());
    for (const char c : *id)
        if (!(iso8583::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
            return lines.fault("an id has digits, letters and -");
    auto made = lines.number<std::int64_t>("made");
    if (!made) return tl::unexpected(made.error());
    auto day = lines.text("day");
    if (!day) return tl::unexpected(day.error());
    const auto date = iso8583::Date::parse_iso(*day);
    if (!date) return lines.fault("day is no date, as 2026-11-21");
    auto turn = lines.number<std::uint64_t>("turn");
    if (!turn) return tl::unexpected(turn.error());
    return BackupMark{std::move(*id), {*made}, {*date}, *turn};
}

/// Names of a path below a directory: nothing leads out of it.
bool is_inside(std::string_view path) {
    if (path.empty() || path.back() == '/') return false;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        if (name.empty() || name == "." || name == "..") return false;
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return true;
}

/// "SHA256 BYTES PATH".
Result<BackupManifest::File> read_file_line(Lines& lines) {
    auto text = lines.text("file");
    if (!text) return tl::unexpected(text.error());
    const std::size_t first = text->find(' ');
    const std::size_t second = first == std::string::npos ? first : text->find(' ', first + 1);
    if (second == std::string::npos) return lines.fault("a file needs digest, size and path");
    BackupManifest::File file;
    file.content.sha256 = text->substr(0, first);
    if (!is_digest_text(file.content.sha256)) return lines.fault("the digest is no SHA-256");
    auto bytes =
        lines.number_of<std::uint64_t>(std::string_view(*text).substr(first + 1, second - first - 1), "size");
    if (!bytes) return tl::unexpected(bytes.error());
    file.content.bytes = *bytes;
    file.path = text->substr(second + 1);
    if (!is_inside(file.path)) return lines.fault("the path leads out of the backup");
    return file;
}

}  // namespace

std::string encode(const BackupMark& mark) {
    std::string out(mark_heading);
    out += "\n";
    put_mark(out, mark);
    return out;
}

Result<BackupMark> parse_backup_mark(std::string_view text) {
    Lines lines(text);
    if (auto heading = lines.heading(mark_heading); !heading) return tl::unexpected(heading.error());
    auto mark = read_mark(lines);
    if (mark && !lines.at_end()) return parse_error("there is more than a mark");
    return mark;
}

std::uint64_t BackupManifest::bytes() const {
    return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const File& file) { return sum + file.content.bytes; });
}

std::string encode(const BackupManifest& manifest) {
    std::string out(manifest_heading);
    out += "\n";
    put_mark(out, manifest.mark);
    put(out, "ledger-format", std::to_string(manifest.ledger_format));
    put(out, "configuration", manifest.configuration.empty() ? "-" : manifest.configuration);
    put(out, "by", manifest.by);
    put(out, "sealed-under", manifest.sealed_under);
    if (manifest.shards != 1) put(out, "shards", std::to_string(manifest.shards));
    for (const BackupManifest::File& file : manifest.files)
        put(out, "file", file.content.sha256 + " " + std::to_string(file.content.bytes) + " " + file.path);
    put(out, "end", sha256_text(out));
    return out;
}

Result<BackupManifest> parse_backup_manifest(std::string_view text) {
    Lines lines(text);
    if (auto heading = lines.heading(manifest_heading); !heading) return tl::unexpected(heading.error());
    BackupManifest manifest;
    auto mark = read_mark(lines);
    if (!mark) return tl::unexpected(mark.error());
    manifest.mark = std::move(*mark);
    auto format = lines.number<std::uint32_t>("ledger-format");
    if (!format) return tl::unexpected(format.error());
    manifest.ledger_format = *format;
    for (auto [word, into] :
         {std::pair("configuration", &manifest.configuration), std::pair("by", &manifest.by),
          std::pair("sealed-under", &manifest.sealed_under)}) {
        auto value = lines.text(word);
        if (!value) return tl::unexpected(value.error());
        *into = std::move(*value);
    }
    if (manifest.configuration == "-") manifest.configuration.clear();
    if (lines.next_is("shards")) {
        const auto shards = lines.number<std::uint32_t>("shards");
        if (!shards) return tl::unexpected(shards.error());
        if (*shards < 2 || *shards > shards_max) return lines.fault("shards is no number of several");
        manifest.shards = *shards;
    }
    while (lines.next_is("file")) {
        auto file = read_file_line(lines);
        if (!file) return tl::unexpected(file.error());
        if (manifest.files.size() == BackupManifest::files_max)
            return lines.fault("there are too many files");
        manifest.files.push_back(std::move(*file));
    }
    const std::string_view above = text.substr(0, text.size() - lines.left());
    auto end = lines.text("end");
    if (!end) return tl::unexpected(end.error());
    if (!lines.at_end()) return lines.fault("nothing may follow the end");
    if (*end != sha256_text(above)) return parse_error("its own digest is another: it was changed");
    return manifest;
}

std::string backup_id(iso8583::UtcTime made, const std::vector<BackupManifest::File>& files) {
    std::string all = std::to_string(made.ms);
    for (const BackupManifest::File& file : files) all += file.content.sha256 + file.path;
    const iso8583::CivilTime at = iso8583::civil_from_utc(made);
    const auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return at.date.yyyymmdd() + "T" + two(at.hour) + two(at.minute) + two(at.second) + "Z-" +
           sha256_text(all).substr(0, id_digest_characters);
}

}  // namespace ledger
