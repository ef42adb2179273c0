// Lines of a file of refunds, wherever the file is cut into pieces.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "switch/core/refund_lines.hpp"

namespace {

using namespace acquirer;

constexpr const char* mark = "\xEF\xBB\xBF";

struct Lines {
    std::vector<std::string> texts;
    bool too_long = false;
};

Lines cut_into(std::string_view text, std::size_t piece_bytes) {
    LineCutter cutter;
    Lines out;
    const auto take = [&] {
        while (const auto line = cutter.next()) out.texts.emplace_back(line->text);
    };
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
        cutter.add(text.substr(at, piece_bytes));
        take();
    }
    cutter.end();
    take();
    out.too_long = cutter.is_too_long();
    return out;
}

}  // namespace

TEST_CASE("R100 the longest line that may be is one, wherever its file is cut", "[R100]") {
    const std::string longest(refund_line_bytes_max, 'x');
    for (const std::string& end : {std::string("\n"), std::string("\r\n"), std::string()})
        for (const std::string& before : {std::string(), std::string(mark), std::string("head\n")})
            for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
                CAPTURE(before.size(), end.size(), piece_bytes);
                const Lines lines = cut_into(before + longest + end, piece_bytes);
                CHECK_FALSE(lines.too_long);
                REQUIRE_FALSE(lines.texts.empty());
                CHECK(lines.texts.back() == longest);
                CHECK(cut_into(before + longest + "x" + end, piece_bytes).too_long);
            }
}
