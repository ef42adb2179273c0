// How the built-in tables are made: an edition says what each data element is (one line per field), a
// representation says how its text, numbers and bytes are written, and a dialect may replace single lines.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "iso8583/dialect.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583::tables {

inline constexpr int fixed = 0;
inline constexpr int LL = 2;
inline constexpr int LLL = 3;

/// One line of an edition: number, content, fixed or LL or LLL, (greatest) length, name.
struct Row {
    std::uint8_t number;
    Content content;
    int prefix;
    std::uint16_t max;
    std::string_view name;
    Secret secret = Secret::none;
    std::uint16_t min = 0;  // of a variable field
};

/// For static_assert: ascending, of a length that is possible.
constexpr bool rows_ok(std::span<const Row> rows) {
    int before = 1;
    for (const Row& row : rows) {
        if (row.number <= before || row.max == 0 || row.min > row.max || row.name.empty()) return false;
        if (row.prefix != fixed && row.prefix != LL && row.prefix != LLL) return false;
        if (row.max > (row.prefix == LL ? 99 : 999)) return false;
        before = row.number;
    }
    return true;
}

enum class Text : std::uint8_t { ascii, bcd, ebcdic };

struct Representation {
    Text text = Text::ascii;
    Align odd_variable = Align::left;  // bcd: 5 digits of a variable field are 12 34 50
    Align odd_fixed = Align::right;    // bcd: 3 digits of a fixed field are 01 23
    Encoding fixed_bytes = Encoding::hex;
    Encoding variable_bytes = Encoding::hex;
};

/// One line of a field that is several: what a path calls it, content, length, name.
struct Part {
    std::string_view id;
    Content content;
    std::uint16_t length;
    std::string_view name;
    bool variable = false;  // takes what is left, up to its length; only the last
};
std::shared_ptr<const SubfieldSet> parts_of(std::span<const Part> parts, std::uint16_t only_units = 0);
std::shared_ptr<const SubfieldSet> icc_tags();
/// Gives field `number` its subfields, when the table has the field.
void divide(DialectSpec& spec, int number, std::shared_ptr<const SubfieldSet> subfields);

FieldSpec field_of(const Row& row, const Representation& how, std::string_view source);
/// Replaces the field of the same number, or adds it.
void put(DialectSpec& spec, FieldSpec field);

std::span<const Row> edition_1987();
std::span<const Row> edition_1993();

/// DE90 and DE95 of 1987.
void divide_1987(DialectSpec& spec);

DialectSpec make_unionpay_pos();
DialectSpec make_iso87_ascii();
DialectSpec make_iso87_bcd();
/// The same dialect with another length of DE52: an AES PIN block (ISO 9564-1 format 4) has 16 bytes.
DialectSpec with_pin_block_bytes(DialectSpec spec, std::uint16_t bytes);
/// "87" or "93", "ascii", "bcd", "bcdl" or "ebcdic", "hexbmp" or "binbmp".
DialectSpec make_edition(std::string_view edition, std::string_view text, std::string_view bitmap);

}  // namespace iso8583::tables
