#include "iso8583/specs/file_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "iso8583/text_encoding.hpp"

namespace iso8583::specs {

namespace {

constexpr std::size_t declaration_bytes_max = 256;

/// Do all bytes above 7F stand in pairs, as the characters of GB 2312 do?
bool in_pairs(std::string_view bytes) {
    bool any = false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto first = static_cast<std::uint8_t>(bytes[i]);
        if (first <= 0x7F) continue;
        const auto second = i + 1 < bytes.size() ? static_cast<std::uint8_t>(bytes[i + 1]) : std::uint8_t{0};
        if (first < 0xA1 || first > 0xF7 || second < 0xA1) return false;
        any = true;
        ++i;
    }
    return any;
}

FileText in_encoding(std::string_view bytes, const std::string& encoding) {
    FileText out;
    if (auto text = utf8_of(bytes, encoding))
        out.utf8 = std::move(*text);
    else
        out.problem = fmt::format("says that it is {}, and is not, or that is not known", encoding);
    return out;
}

bool starts_with(std::string_view bytes, std::string_view mark) {
    return bytes.substr(0, mark.size()) == mark;
}

}  // namespace

FileText file_text(std::string_view bytes, const std::string& declared) {
    if (starts_with(bytes, "\xEF\xBB\xBF")) return file_text(bytes.substr(3));
    if (starts_with(bytes, "\xFF\xFE")) return in_encoding(bytes.substr(2), "UTF-16LE");
    if (starts_with(bytes, "\xFE\xFF")) return in_encoding(bytes.substr(2), "UTF-16BE");
    std::string name;
    std::transform(declared.begin(), declared.end(), std::back_inserter(name),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    const bool utf8 = name.empty() || name == "UTF-8" || name == "UTF8" || name == "US-ASCII";
    if (!utf8) return in_encoding(bytes, name);
    if (is_utf8(bytes)) return {std::string(bytes), {}, {}};
    const bool pairs = in_pairs(bytes);
    auto text = to_utf8(bytes, pairs ? TextEncoding::gbk : TextEncoding::latin1);
    if (!text) text = to_utf8(bytes, TextEncoding::latin1);
    return {text.value_or(std::string()),
            fmt::format("is not UTF-8: its names are read as {}", pairs ? "GBK" : "Latin-1"),
            {}};
}

std::string declared_xml_encoding(std::string_view bytes) {
    if (starts_with(bytes, "\xEF\xBB\xBF")) bytes.remove_prefix(3);
    const std::string_view head = bytes.substr(0, declaration_bytes_max);
    const std::size_t end = head.find("?>");
    if (!starts_with(head, "<?xml") || end == std::string_view::npos) return {};
    const std::string_view declaration = head.substr(0, end);
    std::size_t at = declaration.find("encoding");
    if (at == std::string_view::npos) return {};
    at = declaration.find_first_of("\"'", at);
    if (at == std::string_view::npos) return {};
    const std::size_t close = declaration.find(declaration[at], at + 1);
    if (close == std::string_view::npos) return {};
    return std::string(declaration.substr(at + 1, close - at - 1));
}

}  // namespace iso8583::specs
