// Frames: cut from any fragmentation, refused when they lie.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "iso8583/dialect.hpp"
#include "iso8583/framing.hpp"

namespace {

using namespace iso8583;

Frame frame_of(const FramingSpec& spec, std::string_view body) {
    Frame f;
    if (spec.tpdu) f.tpdu = {0x60, 0x01, 0x02, 0x03, 0x04};
    f.header.assign(spec.header_bytes, 0x31);
    f.body.assign(body.begin(), body.end());
    return f;
}

}  // namespace

TEST_CASE("frames on the wire, by kind") {
    struct Row {
        const char* kind;
        FramingSpec spec;
        const char* wire;  // of the body "ABC"
    };
    const std::vector<Row> rows{
        {"2-byte binary", {}, "0003414243"},
        {"4 ASCII digits", {.length = FrameLength::ascii4}, "30303033414243"},
        {"2-byte BCD", {.length = FrameLength::bcd2}, "0003414243"},
        {"inclusive", {.inclusive = true}, "0005414243"},
        {"inclusive ASCII", {.length = FrameLength::ascii4, .inclusive = true}, "30303037414243"},
        {"TPDU", {.tpdu = true}, "00086001020304414243"},
        {"TPDU and header", {.tpdu = true, .header_bytes = 6}, "000E6001020304313131313131414243"},
        {"trailer", {.trailer_bytes = 1}, "000441424300"},
        {"BCD with all",
         {.length = FrameLength::bcd2,
          .inclusive = true,
          .tpdu = true,
          .header_bytes = 2,
          .trailer_bytes = 1},
         "00136001020304313141424300"},
    };
    for (const Row& row : rows) {
        INFO(row.kind);
        Bytes wire;
        write_frame(row.spec, frame_of(row.spec, "ABC"), wire);
        CHECK(to_hex(wire) == row.wire);
        write_frame(row.spec, frame_of(row.spec, "DEFG"), wire);
        // Every fragmentation into two, and byte by byte.
        for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
            FrameReader reader(row.spec);
            std::vector<std::string> bodies;
            const auto drain = [&] {
                while (auto next = reader.next()) {
                    REQUIRE(next->has_value());
                    bodies.emplace_back(as_text((*next)->body));
                }
            };
            reader.feed(ByteView(wire).first(cut));
            drain();
            for (std::size_t i = cut; i < wire.size(); ++i) {
                CHECK_FALSE((bodies.size() == 2));
                reader.feed(ByteView(wire).subspan(i, 1));
                drain();
            }
            CHECK(bodies == std::vector<std::string>{"ABC", "DEFG"});
            CHECK(reader.at_boundary());
        }
    }
}

TEST_CASE("frames that lie are refused, and the stream with them") {
    struct Row {
        const char* why;
        FramingSpec spec;
        const char* wire;
        FramingError::Kind kind;
    };
    const FramingSpec unionpay = find_dialect("unionpay-pos")->framing();
    const std::vector<Row> rows{
        {"no room for a body", unionpay, "000B6001020304313131313131", FramingError::Kind::too_short},
        {"above the bound", {.body_bytes_max = 100}, "0065", FramingError::Kind::too_long},
        {"all ones", unionpay, "FFFF", FramingError::Kind::too_long},
        {"letters as length", {.length = FrameLength::ascii4}, "30304141", FramingError::Kind::bad_length},
        {"nibble F as length", {.length = FrameLength::bcd2}, "0F00", FramingError::Kind::bad_length},
        {"inclusive length below itself", {.inclusive = true}, "0001", FramingError::Kind::too_short},
        {"no TPDU", unionpay, "000C61", FramingError::Kind::bad_tpdu},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        FrameReader reader(row.spec);
        reader.feed(*parse_hex(row.wire));
        auto next = reader.next();
        REQUIRE(next.has_value());
        REQUIRE_FALSE(next->has_value());
        CHECK(next->error().kind == row.kind);
        CHECK_FALSE(next->error().what.empty());
        // It stays so, whatever comes.
        reader.feed(*parse_hex("0003414243"));
        next = reader.next();
        REQUIRE(next.has_value());
        CHECK_FALSE(next->has_value());
    }
}

TEST_CASE("a reply goes where its request came from") {
    CHECK(to_hex(swapped_tpdu(*parse_hex("6001020304"))) == "6003040102");
    CHECK(swapped_tpdu(Bytes{}).empty());
}

TEST_CASE("a frame of length zero is a keep-alive in every framing: skipped and counted") {
    struct Row {
        const char* kind;
        FramingSpec spec;
        const char* empty;
    };
    const std::vector<Row> rows{
        {"2-byte binary", {}, "0000"},
        {"4 ASCII digits", {.length = FrameLength::ascii4}, "30303030"},
        {"2-byte BCD", {.length = FrameLength::bcd2}, "0000"},
        {"inclusive", {.inclusive = true}, "0002"},
        {"TPDU and header", {.tpdu = true, .header_bytes = 6}, "0000"},
    };
    for (const Row& row : rows) {
        INFO(row.kind);
        const Bytes empty = *parse_hex(row.empty);
        Bytes wire = empty;
        write_frame(row.spec, frame_of(row.spec, "ABC"), wire);
        wire.insert(wire.end(), empty.begin(), empty.end());
        wire.insert(wire.end(), empty.begin(), empty.end());
        FrameReader reader(row.spec);
        std::size_t frames = 0;
        for (const std::uint8_t byte : wire) {
            reader.feed({&byte, 1});
            while (auto next = reader.next()) {
                REQUIRE(next->has_value());
                CHECK(as_text((*next)->body) == "ABC");
                ++frames;
            }
        }
        CHECK(frames == 1);
        CHECK(reader.at_boundary());
        CHECK(reader.take_keepalives() == 3);
        CHECK(reader.take_keepalives() == 0);
    }
}
