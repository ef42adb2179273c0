#include "iso8583/text_encoding.hpp"

#include <iconv.h>

#include <array>
#include <cerrno>

namespace iso8583 {

namespace {

/// Closes the converter, whatever happens.
class Converter {
  public:
    Converter(const char* to, const char* from) : handle_(::iconv_open(to, from)) {}
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter() {
        if (known()) ::iconv_close(handle_);
    }
    [[nodiscard]] bool known() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

    std::optional<std::string> run(std::string_view text) {
        if (!known()) return std::nullopt;
        std::string out;
        std::string in(text);
        char* from = in.data();
        std::size_t left = in.size();
        std::array<char, 1024> chunk{};
        while (left > 0) {
            char* to = chunk.data();
            std::size_t room = chunk.size();
            const std::size_t done = ::iconv(handle_, &from, &left, &to, &room);
            // E2BIG: the chunk is full, and there is more.
            const bool failed = done == static_cast<std::size_t>(-1) && errno != E2BIG;
            out.append(chunk.data(), chunk.size() - room);
            if (failed) return std::nullopt;
        }
        return out;
    }

  private:
    iconv_t handle_;
};

const char* iconv_name(TextEncoding encoding) {
    switch (encoding) {
        case TextEncoding::latin1:
            return "ISO-8859-1";
        case TextEncoding::gbk:
            return "GBK";
        case TextEncoding::utf8:
            return "UTF-8";
    }
    return "";
}

bool is_ascii(std::string_view text) {
    for (char c : text)
        if (static_cast<std::uint8_t>(c) > 0x7F) return false;
    return true;
}

}  // namespace

std::string_view name_of(TextEncoding encoding) {
    switch (encoding) {
        case TextEncoding::latin1:
            return "latin-1";
        case TextEncoding::gbk:
            return "gbk";
        case TextEncoding::utf8:
            return "utf-8";
    }
    return {};
}

bool is_utf8(std::string_view text) { return is_ascii(text) || utf8_of(text, "UTF-8").has_value(); }

std::optional<std::string> utf8_of(std::string_view text, const std::string& encoding) {
    return Converter("UTF-8", encoding.c_str()).run(text);
}

std::optional<std::string> to_utf8(std::string_view text, TextEncoding from) {
    if (is_ascii(text)) return std::string(text);
    return Converter("UTF-8", iconv_name(from)).run(text);
}

std::optional<std::string> from_utf8(std::string_view utf8, TextEncoding to) {
    if (is_ascii(utf8)) return std::string(utf8);
    return Converter(iconv_name(to), "UTF-8").run(utf8);
}

// U+F780 to U+F7FF in UTF-8: EF 9E 80 to EF 9F BF.
std::string text_of_bytes(std::string_view bytes, TextEncoding encoding) {
    // Only what comes back as it was: some encodings have two ways to write a character.
    if (auto utf8 = to_utf8(bytes, encoding); utf8 && bytes_of_text(*utf8, encoding) == bytes) return *utf8;
    std::string out;
    for (char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte <= 0x7F) {
            out.push_back(c);
            continue;
        }
        const unsigned code = 0xF700U + byte;
        out.push_back(static_cast<char>(0xE0U | code >> 12));
        out.push_back(static_cast<char>(0x80U | (code >> 6 & 0x3FU)));
        out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
    }
    return out;
}

std::optional<std::string> bytes_of_text(std::string_view utf8, TextEncoding encoding) {
    const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(utf8[i]); };
    const auto is_private = [&](std::size_t i) {
        return i + 2 < utf8.size() && byte_at(i) == 0xEF &&
               (byte_at(i + 1) == 0x9E || byte_at(i + 1) == 0x9F);
    };
    std::size_t first = 0;
    while (first < utf8.size() && !is_private(first)) ++first;
    if (first == utf8.size()) return from_utf8(utf8, encoding);
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        if (byte_at(i) <= 0x7F) {
            out.push_back(utf8[i]);
        } else if (is_private(i)) {
            out.push_back(static_cast<char>((byte_at(i + 1) & 0x03U) << 6 | (byte_at(i + 2) & 0x3FU)));
            i += 2;
        } else {
            return std::nullopt;
        }
    }
    return out;
}

}  // namespace iso8583
