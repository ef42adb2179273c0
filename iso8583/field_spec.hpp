// FieldSpec: how one data element looks on the wire. The parts compose: content class × encoding × length ×
// padding. check_field_spec() refuses the combinations that cannot be, when a table is built, so that the
// loops need not.
//
// Units: a field's own length ("units") is counted in digits (n, z), characters (a … ans, x+n with its sign)
// or bytes (b). min and max are in units. What a length prefix counts is said by `counts`. Source: ISO
// 8583:1987 clause 4.3 (attributes), ISO 8583:1993 clause 4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/field.hpp"
#include "iso8583/values/result.hpp"

namespace iso8583 {

/// Which characters a field may hold.
enum class Content : std::uint8_t {
    n,     // digits
    a,     // letters, blank
    an,    // letters, digits, blank (fixed an fields are padded with blanks)
    ns,    // digits and special characters, no letters
    ans,   // printable ASCII
    ansg,  // printable ASCII and the bytes of a national two-byte code (0x80–0xFE)
    z,     // track data: the 16 characters 0x30–0x3F; '=' is the separator
    b,     // any bytes
    xn     // C or D, then digits
};

/// How the content is written.
enum class Encoding : std::uint8_t {
    ascii,
    ebcdic,     // code page 1047
    bcd,        // two digits a byte; of x+n only the digits, the sign is one character before them
    binary,     // b: the bytes themselves
    hex,        // b: two upper-case ASCII characters a byte (lower case is accepted)
    hex_ebcdic  // b: the same in EBCDIC
};

/// How a length prefix is written; `none` is a fixed length.
enum class Prefix : std::uint8_t { none, ascii, ebcdic, bcd, binary };

/// What a length prefix counts. For text both are the same.
enum class Counts : std::uint8_t {
    units,  // digits, characters or bytes of the content
    wire    // bytes on the wire: BCD counted in bytes, hex counted in characters
};

/// Where the content stands when there is room left.
enum class Align : std::uint8_t { left, right };

/// What describe must hide.
enum class Secret : std::uint8_t { none, pan, track, pin, key };

struct SubfieldSet;

struct FieldSpec {
    std::uint8_t number = 0;
    std::string name;
    std::string source;  // clause or document, for people
    Content content = Content::ans;
    Encoding encoding = Encoding::ascii;
    Prefix prefix = Prefix::none;
    std::uint8_t prefix_size = 0;  // 1–6: L … LLLLLL in digits; binary: bytes (1 or 2)
    Counts counts = Counts::units;
    std::uint16_t min = 0;  // units; fixed: min = max
    std::uint16_t max = 0;
    Align odd = Align::right;     // BCD with an odd number of digits: where the digits stand in their bytes
    std::uint8_t odd_filler = 0;  // the nibble beside them: 0 or 15
    bool rest = false;            // a subfield without prefix that takes what is left, from min to max
    bool fills = false;           // encode: a short value of a fixed field is filled up
    Align fill_align = Align::left;  // where the value stands then
    char fill = ' ';
    Secret secret = Secret::none;
    std::shared_ptr<const SubfieldSet> subfields;  // absent when the field has none

    [[nodiscard]] bool fixed() const { return prefix == Prefix::none; }
};

inline constexpr int prefix_digits_max = 6;             // LLLLLL, as private fields of some hosts have
inline constexpr std::size_t field_units_max = 0x7FFF;  // no more fits into a message

/// What is wrong with a table, and of which field: "DE52: hex needs content b".
struct SpecError {
    int field = 0;  // 0: the table as a whole
    std::string what;
    [[nodiscard]] std::string str() const;
};

/// Nothing when the combination can be; otherwise the reason.
Result<void, SpecError> check_field_spec(const FieldSpec& spec);

/// The same for a field inside a field, which has no number of its own: the reason, or nothing.
std::string composition_fault(const FieldSpec& spec);

/// Bytes that `units` take on the wire, without the prefix.
std::size_t wire_bytes(const FieldSpec& spec, std::size_t units);

/// How many lengths a prefix can write: 100 for LL, 256 for one binary byte.
std::size_t prefix_values(Prefix prefix, std::uint8_t size);

/// What lengths of this content are counted in. x+n counts its sign.
enum class Unit : std::uint8_t { digits, characters, bytes };
Unit unit_of(Content content);

std::string_view name_of(Unit unit);
std::string_view name_of(Content content);
std::string_view name_of(Encoding encoding);
std::string_view name_of(Prefix prefix);

}  // namespace iso8583
