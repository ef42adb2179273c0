// Lines of a file of refunds, wherever the file is cut into pieces.
#include <catch2/catch.hpp>
#include <string>

#include "tests/core/cut_lines.hpp"

namespace {

using acquirer::refund_line_bytes_max;
using refund_lines::cut;

constexpr const char* mark = "\xEF\xBB\xBF";

}  // namespace

TEST_CASE("R100 the longest line that may be is one, wherever its file is cut", "[R100]") {
    const std::string longest(refund_line_bytes_max, 'x');
    for (const std::string& end : {std::string("\n"), std::string("\r\n"), std::string()})
        for (const std::string& before : {std::string(), std::string(mark), std::string("head\n")})
            for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
                CAPTURE(before.size(), end.size(), piece_bytes);
                const refund_lines::Cut seen = cut(before + longest + end, piece_bytes);
                CHECK_FALSE(seen.too_long);
                REQUIRE_FALSE(seen.lines.empty());
                CHECK(seen.lines.back().second == longest);
                CHECK(cut(before + longest + "x" + end, piece_bytes).too_long);
            }
}
