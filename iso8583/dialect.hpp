// Dialect: how each field of a message looks on the wire, as data. Built in (dialects/*.cpp) or loaded
// (specs/); both are the same class and run through the same two loops.
//
// A DialectSpec is the readable table; Dialect::make checks it and prepares the compact plan that the loops
// read. Immutable afterwards; any thread may use it. Messages keep a pointer to their dialect, which must
// outlive them; built-in ones live for ever.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/field.hpp"
#include "iso8583/field_plan.hpp"
#include "iso8583/field_set.hpp"
#include "iso8583/field_spec.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/text_encoding.hpp"

namespace iso8583 {

enum class BitmapEncoding : std::uint8_t { binary, hex, hex_ebcdic };
/// Where a third bitmap (fields 129–192) stands, when bit 65 announces one.
enum class TertiaryBitmap : std::uint8_t {
    none,        // bit 65 is no bitmap
    contiguous,  // right after the second
    at_field     // as the content of a field of its own, mostly 65
};

struct DialectSpec {
    std::string name;
    std::string source;
    Encoding mti = Encoding::ascii;  // ascii, ebcdic or bcd
    BitmapEncoding bitmap = BitmapEncoding::hex;
    TertiaryBitmap tertiary = TertiaryBitmap::none;
    std::uint8_t tertiary_field = 65;          // at_field: which one
    TextEncoding text = TextEncoding::latin1;  // what bytes above 7F are, for people and JSON
    FramingSpec framing;                       // as this dialect's peers usually frame it
    std::vector<FieldSpec> fields;             // any order, each number once
};

class Dialect {
  public:
    static Result<Dialect, SpecError> make(DialectSpec spec);

    [[nodiscard]] std::string_view name() const { return spec_.name; }
    [[nodiscard]] const DialectSpec& spec() const { return spec_; }
    [[nodiscard]] const FramingSpec& framing() const { return spec_.framing; }
    /// nullptr when the dialect has no such field.
    [[nodiscard]] const FieldSpec* field_spec(int number) const;
    [[nodiscard]] const FieldPlan& plan(int number) const { return plans_[static_cast<std::size_t>(number)]; }
    [[nodiscard]] const FieldSet& known_fields() const { return known_; }
    /// The bit that announces a third bitmap; 0 when none can be.
    [[nodiscard]] int third_bitmap_bit() const {
        return spec_.tertiary == TertiaryBitmap::none         ? 0
               : spec_.tertiary == TertiaryBitmap::contiguous ? number(Field::tertiary_bitmap)
                                                              : spec_.tertiary_field;
    }
    /// Wire bytes of content are at most this many times its canonical bytes; 2 when a field is hex.
    [[nodiscard]] std::size_t expansion() const { return expansion_; }
    /// Wire bytes that filling up short values can add to a message.
    [[nodiscard]] std::size_t fill_bytes_max() const { return fill_bytes_max_; }

  private:
    DialectSpec spec_;
    std::array<FieldPlan, field_number_max + 1> plans_{};
    std::array<std::uint8_t, field_number_max + 1> index_{};  // into spec_.fields, plus one
    FieldSet known_;
    std::size_t expansion_ = 1;
    std::size_t fill_bytes_max_ = 0;
};

/// Built-in dialects by name: "unionpay-pos", "iso87-ascii", "iso87-bcd", and by edition-text-bitmap
/// ("87-ascii-hexbmp", "87-bcd-binbmp", "93-ebcdic-binbmp" …). nullptr when there is none of that name.
const Dialect* find_dialect(std::string_view name);
/// The dialect as a route with 16-byte PIN blocks speaks it (DE52 of ISO 9564-1 format 4): "iso87-bcd" →
/// "iso87-bcd-pin16". The dialect itself when it has no such variant.
const Dialect& with_aes_pin_block(const Dialect& dialect);
/// Names of all built-in dialects, for --describe and errors.
std::vector<std::string_view> dialect_names();

}  // namespace iso8583
