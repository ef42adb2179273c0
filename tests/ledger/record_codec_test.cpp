// The record envelope: what is written is read; what is damaged is refused with the field's name.
#include <catch2/catch.hpp>
#include <limits>

#include "ledger/crc32c.hpp"
#include "ledger/record_codec.hpp"

using ledger::crc32c;
using ledger::RecordReader;
using ledger::RecordWriter;

namespace {

std::string sample() {
    RecordWriter w(2);
    w.u8(7);
    w.boolean(true);
    w.u16(0xBEEF);
    w.u32(0xDEADBEEF);
    w.u64(0x0123456789ABCDEF);
    w.varint(300);
    w.svarint(-1);
    w.text("abc");
    const std::uint8_t four[] = {1, 2, 3, 4};
    w.fixed_bytes(four);
    return w.finish();
}

/// Any bytes as a record of version 1 with a right checksum.
std::string sealed(const std::string& fields) {
    RecordWriter w(1);
    w.fixed_bytes(iso8583::as_bytes(fields));
    return w.finish();
}

}  // namespace

TEST_CASE("CRC-32C is the one of RFC 3720") {
    CHECK(crc32c(iso8583::as_bytes("123456789")) == 0xE3069283);
    CHECK(crc32c(iso8583::Bytes(32, 0x00)) == 0x8A9136AA);
    CHECK(crc32c(iso8583::Bytes(32, 0xFF)) == 0x62A8AB43);
    CHECK(crc32c(iso8583::as_bytes("56789"), crc32c(iso8583::as_bytes("1234"))) == 0xE3069283);
}

TEST_CASE("every kind of field comes back") {
    const std::string record = sample();
    RecordReader r(record, 3, "sample");
    CHECK(r.version() == 2);
    CHECK(r.u8("a") == 7);
    CHECK(r.boolean("b"));
    CHECK(r.u16("c") == 0xBEEF);
    CHECK(r.u32("d") == 0xDEADBEEF);
    CHECK(r.u64("e") == 0x0123456789ABCDEF);
    CHECK(r.varint("f") == 300);
    CHECK(r.svarint("g") == -1);
    CHECK(r.text("h") == "abc");
    CHECK(iso8583::to_hex(r.fixed_bytes("i", 4)) == "01020304");
    CHECK(r.done());
}

TEST_CASE("the bytes on disk are these and stay these") {
    RecordWriter w(1);
    w.u16(0x0102);
    w.varint(300);
    w.svarint(-2);
    w.text("Z");
    CHECK(iso8583::to_hex(iso8583::as_bytes(w.finish())) ==
          "010102AC0203015A"
          "5A9F1FE2");
}

TEST_CASE("the ends of the integers come back") {
    constexpr auto u_max = std::numeric_limits<std::uint64_t>::max();
    constexpr auto s_max = std::numeric_limits<std::int64_t>::max();
    constexpr auto s_min = std::numeric_limits<std::int64_t>::min();
    RecordWriter w(1);
    for (const std::uint64_t v : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, u_max})
        w.varint(v);
    for (const std::int64_t v : {std::int64_t{0}, std::int64_t{63}, std::int64_t{-64}, s_max, s_min})
        w.svarint(v);
    const std::string record = w.finish();
    RecordReader r(record, 1, "ends");
    for (const std::uint64_t v : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, u_max})
        CHECK(r.varint("v") == v);
    for (const std::int64_t v : {std::int64_t{0}, std::int64_t{63}, std::int64_t{-64}, s_max, s_min})
        CHECK(r.svarint("v") == v);
    CHECK(r.done());
}

TEST_CASE("a change of any one bit is noticed") {
    const std::string record = sample();
    for (std::size_t i = 0; i < record.size() * 8; ++i) {
        std::string damaged = record;
        damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
        RecordReader r(damaged, 3, "sample");
        CHECK_FALSE(r.done());
    }
}

TEST_CASE("what is wrong is named") {
    struct Row {
        const char* what;
        std::string record;
        void (*read)(RecordReader&);
        std::string message;
    };
    const auto read_text = [](RecordReader& r) { (void)r.text("merchant"); };
    const auto read_number = [](RecordReader& r) { (void)r.varint("amount"); };
    const std::string long_zero("\x80\x00", 2);
    const Row rows[] = {
        {"nothing at all", "", read_text,
         "sale record, offset 0: it is shorter than a version and a checksum"},
        {"cut off", sample().substr(0, 20), read_text,
         "sale record, offset 0: the checksum is wrong: the record is damaged"},
        {"a later version", sample(), read_text,
         "sale record, field version, offset 0: version 2 is unknown to this program (it knows up to 1)"},
        {"a text past the end",
         sealed("\x05"
                "ab"),
         read_text, "sale record, field merchant, offset 2: its length reaches past the end of the record"},
        {"an endless number", sealed(std::string(11, '\xFF')), read_number,
         "sale record, field amount, offset 11: it is no integer in its shortest form"},
        {"a number spelled long", sealed(long_zero), read_number,
         "sale record, field amount, offset 3: it is no integer in its shortest form"},
        {"a record that ends early", sealed(""), read_number,
         "sale record, field amount, offset 1: the record ends inside it"},
        {"bytes left over", sealed(std::string("\x01\x00", 2)), read_number,
         "sale record, offset 2: bytes are left over after the last field"},
        {"a truth that is neither", sealed("\x02"), [](RecordReader& r) { (void)r.boolean("settled"); },
         "sale record, field settled, offset 2: neither 0 nor 1"},
        {"an enum that is unknown", sealed("\x09"), [](RecordReader& r) { (void)r.varint_max("state", 8); },
         "sale record, field state, offset 2: its value is over 8"},
        {"what the caller found", sealed("\x09"),
         [](RecordReader& r) {
             (void)r.u8("day");
             r.fail("day", "no day of a month");
             r.fail("month", "later, so not told");
         },
         "sale record, field day, offset 2: no day of a month"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        RecordReader r(row.record, 1, "sale");
        row.read(r);
        const auto done = r.done();
        REQUIRE_FALSE(done);
        CHECK(done.error().what() == row.message);
        CHECK(done.error().record == "sale");
    }
}

TEST_CASE("after a failure every read gives nothing") {
    RecordReader r("", 1, "sale");
    CHECK(r.u64("a") == 0);
    CHECK(r.text("b").empty());
    CHECK(r.fixed_bytes("c", 3).empty());
    CHECK(r.svarint("d") == 0);
    CHECK_FALSE(r.boolean("e"));
    CHECK_FALSE(r.done());
}
