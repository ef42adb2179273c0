// BER-TLV: what EMV sends, what lies, and what must survive an edit.
#include "iso8583/ber_tlv.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace iso8583;

TEST_CASE("tags, lengths and nesting") {
    struct Row {
        const char* why;
        const char* hex;
        std::vector<std::string> nodes;  // depth times '>' + tag '=' value
    };
    const std::vector<Row> rows{
        {"nothing", "", {}},
        {"one- and two-byte tags",
         "820259009F02060000000010009A03261121",
         {"82=5900", "9F02=000000001000", "9A=261121"}},
        {"three- and four-byte tags", "DF81040101DF81820301FF", {"DF8104=01", "DF818203=FF"}},
        {"an empty value", "8A00", {"8A="}},
        {"long forms of a length",
         "5081024142508200024344508400000001455083000001"
         "46",
         {"50=4142", "50=4344", "50=45", "50=46"}},
        {"padding between", "00008201FF0000950100", {"82=FF", "95=00"}},
        {"nested twice",
         "6F0AA5088801015F2D02656E",
         {"6F=A5088801015F2D02656E", ">A5=8801015F2D02656E", ">>88=01", ">>5F2D=656E"}},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const Bytes bytes = *parse_hex(row.hex);
        const auto nodes = parse_ber_tlv(bytes);
        INFO((nodes ? "" : nodes.error().str()));
        REQUIRE(nodes.has_value());
        std::vector<std::string> seen;
        for (const TlvNode& n : *nodes)
            seen.push_back(std::string(static_cast<std::size_t>(n.depth), '>') + tag_str(n.tag) + "=" +
                           to_hex(n.value));
        CHECK(seen == row.nodes);
    }
}

TEST_CASE("TLV that lies is refused with path and offset") {
    using Kind = TlvError::Kind;
    struct Row {
        const char* why;
        std::string hex;
        Kind kind;
        std::string path;
        std::size_t offset;
    };
    std::string deep;
    for (int i = 0; i < tlv_depth_max; ++i)
        deep = "70" + to_hex(Bytes{static_cast<std::uint8_t>(deep.size() / 2)}) + deep;
    std::string many;
    for (std::size_t i = 0; i <= tlv_nodes_max; ++i) many += "8200";
    const std::vector<Row> rows{
        {"a tag cut off",
         "82025900"
         "9F",
         Kind::truncated_tag, "", 4},
        {"a tag of five bytes", "DF8182838401FF", Kind::long_tag, "", 0},
        {"no length", "9F02", Kind::truncated_length, "9F02", 2},
        {"half a length", "9F0282", Kind::truncated_length, "9F02", 3},
        {"a length of five bytes", "50850000000001FF", Kind::long_length, "50", 1},
        {"an indefinite length", "70800000", Kind::indefinite_length, "70", 1},
        {"a value cut off", "9F0206000000", Kind::truncated_value, "9F02", 3},
        {"a length of 4 GiB", "5084FFFFFFFF41", Kind::truncated_value, "50", 6},
        {"a child beyond its parent", "70049F02060000", Kind::truncated_value, "70.9F02", 5},
        {"too deep", deep, Kind::too_deep, "70.70.70.70.70.70.70.70", deep.size() / 2},
        {"too many", many, Kind::too_many, "82", many.size() / 2},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const auto nodes = parse_ber_tlv(*parse_hex(row.hex));
        REQUIRE_FALSE(nodes.has_value());
        INFO(nodes.error().str());
        CHECK(nodes.error().kind == row.kind);
        CHECK(nodes.error().path == row.path);
        CHECK(nodes.error().offset == row.offset);
    }
}

TEST_CASE("an edit touches its own tag and the lengths around it, nothing else") {
    struct Row {
        const char* why;
        const char* before;
        const char* path;
        const char* value;
        const char* after;  // empty: refused
    };
    const std::vector<Row> rows{
        {"replace", "8202590095050000000000", "82", "7C00", "82027C0095050000000000"},
        {"grow", "820259009501FF", "82", "010203", "82030102039501FF"},
        {"append", "82025900", "9F26", "AABB", "820259009F2602AABB"},
        {"unknown tags and padding stay", "00DF7F01AA0082025900", "82", "0000", "00DF7F01AA0082020000"},
        {"inside a template",
         "70058203010203"
         "9501FF",
         "70.82", "04", "70038201049501FF"},
        {"new inside a template", "7003820104", "70.95", "05", "7006820104950105"},
        {"a length of 128 takes two bytes", "", "50", nullptr, nullptr},
        {"a missing parent", "8201FF", "70.82", "04", ""},
        {"a parent that holds a value", "8201FF", "82.95", "04", ""},
        {"no tag", "8201FF", "8", "04", ""},
        {"two tags as one", "8201FF", "8295", "04", ""},
        {"a cut tag", "8201FF", "9F", "04", ""},
        {"broken bytes", "82FF", "95", "04", ""},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const Bytes value = row.value == nullptr ? Bytes(128, 0x41) : *parse_hex(row.value);
        const auto after = with_tlv(*parse_hex(row.before), row.path, value);
        if (row.after == nullptr) {
            REQUIRE(after.has_value());
            CHECK(to_hex(*after).substr(0, 8) == "50818041");
        } else if (*row.after == '\0') {
            CHECK_FALSE(after.has_value());
        } else {
            INFO((after ? "" : after.error().what));
            REQUIRE(after.has_value());
            CHECK(to_hex(*after) == row.after);
        }
    }
}

TEST_CASE("tags have names, and those with card data are secret") {
    CHECK(tag_name(0x9F02) == "amount, authorised (numeric)");
    CHECK(tag_name(0xDF7F).empty());
    CHECK(tag_secret(0x5A) == Secret::pan);
    CHECK(tag_secret(0x57) == Secret::track);
    CHECK(tag_secret(0x99) == Secret::pin);
    CHECK(tag_secret(0x9F02) == Secret::none);
}
