// Wireshark's own dissector reads our frames: an outside opinion on the wire form of iso87-ascii and
// iso87-bcd. The capture is made here from messages of ours; wireshark_demo.py takes one of the demo. Packed
// track 2 and packed numbers of odd length are left out: that dissector reads nibbles from whole bytes only.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"

using namespace iso8583;

namespace {

constexpr int port = 8584;

void append_be(Bytes& out, std::uint32_t v, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}
void append_le(Bytes& out, std::uint32_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

/// One TCP segment in an IPv4 packet, without checksums (offloaded, as captures on loopback have them).
Bytes packet(const Bytes& payload, std::uint32_t sequence) {
    Bytes p;
    append_be(p, 0x45000000U | static_cast<std::uint32_t>(40 + payload.size()), 4);
    append_be(p, 0x00004000, 4);
    append_be(p, 0x40060000, 4);
    append_be(p, 0x7F000001, 4);
    append_be(p, 0x7F000001, 4);
    append_be(p, 40000, 2);
    append_be(p, port, 2);
    append_be(p, sequence, 4);
    append_be(p, 1, 4);
    append_be(p, 0x5018FFFF, 4);
    append_be(p, 0, 4);
    p.insert(p.end(), payload.begin(), payload.end());
    return p;
}

/// libpcap's file format, link type 101 (raw IP).
void write_capture(const std::string& file, const std::vector<Bytes>& frames) {
    Bytes out;
    append_le(out, 0xA1B2C3D4, 4);
    append_le(out, 2, 2);
    append_le(out, 4, 2);
    append_le(out, 0, 4);
    append_le(out, 0, 4);
    append_le(out, 65535, 4);
    append_le(out, 101, 4);
    std::uint32_t sequence = 1;
    for (const Bytes& frame : frames) {
        const Bytes p = packet(frame, sequence);
        sequence += static_cast<std::uint32_t>(frame.size());
        append_le(out, 0, 4);
        append_le(out, 0, 4);
        append_le(out, static_cast<std::uint32_t>(p.size()), 4);
        append_le(out, static_cast<std::uint32_t>(p.size()), 4);
        out.insert(out.end(), p.begin(), p.end());
    }
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
}

std::string tshark(const std::string& file, bool packed) {
    const std::string command =
        "tshark -r '" + file + "' -d tcp.port==" + std::to_string(port) +
        ",iso8583 -o 'iso8583.len_endian:Big endian' -o 'iso8583.charset:" +
        (packed ? "Digits represented in nibbles' -o 'iso8583.binencode:Bin data not encoded'"
                : "Digits represented as ASCII Characters' -o 'iso8583.binencode:Bin data represented as Hex "
                  "Ascii characters'") +
        " -V 2>/dev/null";
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char chunk[4096];
    for (std::size_t n = 0; (n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;) out.append(chunk, n);
    pclose(pipe);
    return out;
}

bool has_tshark() {
    if (std::system("command -v tshark >/dev/null 2>&1") == 0) return true;
    std::printf("SKIPPED: tshark is not installed\n");
    return false;
}

FieldValues message(Mti mti, bool packed) {
    FieldValues v(mti);
    v.set(Field::pan, "4111111111111111");
    v.set(Field::processing_code, "200000");
    v.set(Field::amount_transaction, "000000001000");
    v.set(Field::transmission_time, "1121214752");
    v.set(Field::stan, "000123");
    v.set(Field::local_time, "214752");
    v.set(Field::local_date, "1121");
    v.set(Field::pos_entry_mode, "051");
    v.set(Field::pos_condition_code, "00");
    v.set(Field::acquirer_institution, "48020000");
    if (!packed) v.set(Field::track2, "4111111111111111=30121010000012345678");
    v.set(Field::rrn, "632500000001");
    v.set(Field::terminal, "10000001");
    v.set(Field::merchant, "898110157220001");
    v.set(Field::currency_transaction, "156");
    v.set(Field::pin_data, "\x11\x22\x33\x44\x55\x66\x77\x88");
    if (!packed) v.set(Field::icc_data, std::string("\x9F\x02\x06\x00\x00\x00\x00\x10\x00", 9));
    v.set(Field::original_data, "020000012311212147520004802000000000000000");
    v.set(Field::mac_secondary, "\x72\x48\x9C\xAC\x12\x34\x56\x78");
    return v;
}

}  // namespace

TEST_CASE("Wireshark reads our messages as we wrote them") {
    if (!has_tshark()) return;
    for (const bool packed : {false, true}) {
        const Dialect& d = *find_dialect(packed ? "iso87-bcd" : "iso87-ascii");
        INFO(d.name());
        std::vector<Bytes> frames;
        for (const int mti : {200, 210, 220, 420}) {
            const auto encoded = encode(d, message(Mti::of(mti), packed));
            REQUIRE(encoded.has_value());
            Bytes frame;
            write_frame(d.framing(), {{}, {}, encoded->body}, frame);
            frames.push_back(std::move(frame));
        }
        const std::string file =
            (std::filesystem::temp_directory_path() /
             ("iso8583_" + std::string(d.name()) + "_" + std::to_string(std::rand()) + ".pcap"))
                .string();
        write_capture(file, frames);
        const std::string shown = tshark(file, packed);
        std::filesystem::remove(file);
        INFO(shown);
        CHECK(shown.find("ISO 8583") != std::string::npos);
        CHECK(shown.find("alformed") == std::string::npos);
        CHECK(shown.find("MALFORMED") == std::string::npos);
        CHECK(shown.find("MTI: 0420") != std::string::npos);
        message(Mti::of(200), packed).for_each([&](Field f, std::string_view content) {
            const bool bytes = d.field_spec(number(f))->content == Content::b;
            std::string said = bytes ? to_hex(as_bytes(content)) : std::string(content);
            // Nibbles are shown in lower case there.
            const std::string line = "Bit " + std::to_string(number(f)) + ": ";
            const std::size_t at = shown.find(line);
            REQUIRE(at != std::string::npos);
            std::string there = shown.substr(at + line.size(), said.size());
            for (char& c : there) c = bytes ? static_cast<char>(std::toupper(c)) : c;
            INFO(line);
            CHECK(there == said);
        });
    }
}
