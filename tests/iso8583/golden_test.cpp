// Golden messages: NAME.hex is a body, NAME.txt what describe says of it, in lines and byte by byte. The
// dialect is what stands before the first dot of the name. A changed table or a changed mask shows here as a
// difference to read.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "tests/test_paths.hpp"

using namespace iso8583;

namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("golden messages of every dialect") {
    std::set<std::string> seen;
    const std::filesystem::path folder = std::filesystem::path(source_path("tests/golden"));
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".hex") continue;
        const std::string file = entry.path().filename().string();
        INFO(file);
        const std::string name = file.substr(0, file.find('.'));
        const Dialect* dialect = find_dialect(name);
        if (dialect == nullptr) continue;  // another room's
        seen.insert(name);
        std::string hex = read_file(entry.path());
        hex.erase(std::remove(hex.begin(), hex.end(), '\n'), hex.end());
        const Bytes body = *parse_hex(hex);
        const auto message = decode(*dialect, body);
        INFO((message ? "" : message.error().str()));
        REQUIRE(message.has_value());
        std::filesystem::path text = entry.path();
        text.replace_extension(".txt");
        CHECK(describe(*message) + "\n" + describe_bytes(*message) == read_file(text));
        const auto encoded = encode(*dialect, message->values());
        REQUIRE(encoded.has_value());
        CHECK(encoded->body == body);
    }
    for (std::string_view name : dialect_names()) {
        INFO(name);
        CHECK(seen.count(std::string(name)) == 1);
    }
}
