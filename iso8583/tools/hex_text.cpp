#include "iso8583/tools/hex_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/transcode.hpp"

namespace iso8583::tools {

namespace {

constexpr std::size_t bytes_max = std::size_t{16} * 1024 * 1024;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_hex(char c) { return detail::hex_value(static_cast<unsigned char>(c)) >= 0; }

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return lines;
}

/// The offset at the front of a dump's line, how it is written, and what stands behind it.
struct DumpLine {
    std::string_view offset;
    bool colon = false;
    std::string_view rest;
};
std::optional<DumpLine> dump_line(std::string_view line) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < line.size() && is_hex(line[digits])) ++digits;
    if (digits < 4 || digits > 8) return std::nullopt;
    DumpLine out{line.substr(0, digits), false, line.substr(digits)};
    if (!out.rest.empty() && out.rest.front() == ':') {
        out.colon = true;
        out.rest.remove_prefix(1);
    }
    if (!out.rest.empty() && !is_blank(out.rest.front())) return std::nullopt;
    return out;
}

/// Which program made a dump; they differ in what else stands on a line.
enum class Dump : std::uint8_t { none, xxd, hexdump, od, wireshark };

bool two_blanks(std::string_view rest) { return rest.substr(0, 2) == "  "; }

Dump dump_of(const std::vector<std::string_view>& lines) {
    const auto first = std::find_if(lines.begin(), lines.end(), [](auto line) { return !line.empty(); });
    if (first == lines.end()) return Dump::none;
    const auto line = dump_line(*first);
    if (!line || line->offset.find_first_not_of('0') != std::string_view::npos) return Dump::none;
    if (line->colon) return line->offset.size() >= 7 ? Dump::xxd : Dump::none;
    // An odd number of digits is no byte.
    if (line->offset.size() == 7) return Dump::od;
    if (!two_blanks(line->rest)) return Dump::none;
    return line->offset.size() == 8 ? Dump::hexdump : Dump::wireshark;
}

/// A dump's line without the characters beside its bytes.
std::string_view data_of(Dump dump, std::string_view rest) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    switch (dump) {
        case Dump::hexdump:
            return rest.substr(0, rest.find('|'));
        case Dump::od:
            return rest.substr(0, rest.find('>'));
        case Dump::xxd:
        case Dump::wireshark:
        case Dump::none:
            break;
    }
    // Two blanks end the bytes; Wireshark has them in the middle of its line as well.
    std::size_t end = rest.find("  ");
    if (dump == Dump::wireshark && end == 8 * 3 - 1) end = rest.find("  ", end + 2);
    return rest.substr(0, end);
}

std::size_t value_of(std::string_view digits, unsigned base) {
    std::size_t value = 0;
    for (char c : digits)
        value = value * base + static_cast<std::size_t>(detail::hex_value(static_cast<unsigned char>(c)));
    return value;
}

Result<Bytes> parse_dump(Dump dump, const std::vector<std::string_view>& lines) {
    const unsigned base = dump == Dump::od ? 8 : 16;
    Bytes out;
    Bytes before;          // of the last line
    bool repeats = false;  // a line * stands for lines like the last one
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].empty()) continue;
        if (lines[i] == "*") {
            repeats = true;
            continue;
        }
        const auto line = dump_line(lines[i]);
        if (!line) return parse_error(fmt::format("line {}: an offset is needed at its front", i + 1));
        const bool octal =
            dump != Dump::od || line->offset.find_first_of("89abcdefABCDEF") == std::string_view::npos;
        const std::size_t offset = octal ? value_of(line->offset, base) : bytes_max + 1;
        while (repeats && !before.empty() && out.size() < offset && offset <= bytes_max)
            out.insert(out.end(), before.begin(), before.end());
        repeats = false;
        if (offset != out.size())
            return parse_error(fmt::format(
                "line {}: its offset is not {}, where it continues", i + 1,
                base == 8 ? fmt::format("{:o} (octal)", out.size()) : fmt::format("{:x}", out.size())));
        std::string_view data = data_of(dump, line->rest);
        before.clear();
        while (!data.empty()) {
            std::size_t end = 0;
            while (end < data.size() && !is_blank(data[end])) ++end;
            const std::string_view token = data.substr(0, end);
            if (dump == Dump::od && token.size() != 2)
                return parse_error(
                    fmt::format("line {}: words of {} digits, whose bytes stand in this machine's order; "
                                "od -tx1 or hexdump -C is needed",
                                i + 1, token.size()));
            const auto bytes = parse_hex(token);
            if (!bytes) return parse_error(fmt::format("line {}: {}", i + 1, bytes.error().what));
            before.insert(before.end(), bytes->begin(), bytes->end());
            data.remove_prefix(std::min(data.size(), end));
            while (!data.empty() && is_blank(data.front())) data.remove_prefix(1);
        }
        out.insert(out.end(), before.begin(), before.end());
    }
    return out;
}

/// Digits, with whatever usually stands between them: blanks, colons, commas, 0x, \x, a C array around them.
Result<Bytes> parse_plain(std::string_view text) {
    const std::size_t open = text.find('{');
    if (open != std::string_view::npos) text = text.substr(open + 1, text.find('}', open) - open - 1);
    std::string digits;
    std::size_t line = 1;
    std::size_t line_begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            ++line;
            line_begin = i + 1;
            continue;
        }
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        const bool marks = (c == '0' || c == '\\') && (next == 'x' || next == 'X');
        if (marks) {
            ++i;
            continue;
        }
        if (is_blank(c) || c == ':' || c == '-' || c == ',' || c == '"') continue;
        if (!is_hex(c))
            return parse_error(fmt::format("line {}, column {}: no hex digit", line, i - line_begin + 1));
        digits.push_back(c);
    }
    if (digits.size() % 2 != 0)
        return parse_error(fmt::format("{} hex digits: the last byte has half of its two", digits.size()));
    return parse_hex(digits);
}

}  // namespace

Result<Bytes> parse_hex_text(std::string_view text) {
    const std::vector<std::string_view> lines = lines_of(text);
    const Dump dump = dump_of(lines);
    return dump == Dump::none ? parse_plain(text) : parse_dump(dump, lines);
}

}  // namespace iso8583::tools
