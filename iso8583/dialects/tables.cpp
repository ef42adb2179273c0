#include "iso8583/dialects/tables.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "iso8583/values/ensure.hpp"

namespace iso8583::tables {

FieldSpec field_of(const Row& row, const Representation& how, std::string_view source) {
    FieldSpec f;
    f.number = row.number;
    f.name = row.name;
    f.source = source;
    f.content = row.content;
    f.max = row.max;
    f.min = row.prefix == fixed ? row.max : row.min;
    f.secret = row.secret;
    if (row.prefix != fixed) {
        f.prefix = how.text == Text::bcd      ? Prefix::bcd
                   : how.text == Text::ebcdic ? Prefix::ebcdic
                                              : Prefix::ascii;
        f.prefix_size = static_cast<std::uint8_t>(row.prefix);
    }
    const bool number = row.content == Content::n || row.content == Content::z || row.content == Content::xn;
    if (row.content == Content::b) {
        f.encoding = f.fixed() ? how.fixed_bytes : how.variable_bytes;
    } else if (how.text == Text::ebcdic) {
        f.encoding = Encoding::ebcdic;
    } else if (how.text == Text::bcd && number) {
        f.encoding = Encoding::bcd;
        f.odd = f.fixed() ? how.odd_fixed : how.odd_variable;
    }
    return f;
}

std::shared_ptr<const SubfieldSet> parts_of(std::span<const Part> parts, std::uint16_t only_units) {
    auto set = std::make_shared<SubfieldSet>();
    set->only_units = only_units;
    for (const Part& part : parts) {
        FieldSpec f;
        f.name = part.name;
        f.content = part.content;
        f.max = part.length;
        f.min = part.variable ? std::uint16_t{1} : part.length;
        f.rest = part.variable;
        set->fields.push_back({std::string(part.id), std::move(f)});
    }
    return set;
}

std::shared_ptr<const SubfieldSet> icc_tags() {
    static const auto set = [] {
        auto made = std::make_shared<SubfieldSet>();
        made->kind = SubfieldSet::Kind::ber_tlv;
        return made;
    }();
    return set;
}

void divide(DialectSpec& spec, int number, std::shared_ptr<const SubfieldSet> subfields) {
    for (FieldSpec& f : spec.fields)
        if (f.number == number) f.subfields = std::move(subfields);
}

void put(DialectSpec& spec, FieldSpec field) {
    const auto same = std::find_if(spec.fields.begin(), spec.fields.end(),
                                   [&](const FieldSpec& f) { return f.number == field.number; });
    if (same != spec.fields.end())
        *same = std::move(field);
    else
        spec.fields.push_back(std::move(field));
}

DialectSpec make_edition(std::string_view edition, std::string_view text, std::string_view bitmap) {
    const bool hex = bitmap == "hexbmp";
    const bool ebcdic = text == "ebcdic";
    const bool packed = text == "bcd" || text == "bcdl";
    Representation how;
    how.text = ebcdic ? Text::ebcdic : packed ? Text::bcd : Text::ascii;
    // bcdl: odd digits padded on the left everywhere. bcd: as hosts do it, variable fields on the right;
    // fixed ones on the left in 1987's tables and on the right in 1993's.
    how.odd_variable = text == "bcdl" ? Align::right : Align::left;
    how.odd_fixed = text == "bcdl" || edition == "87" ? Align::right : Align::left;
    how.fixed_bytes = packed || !hex ? Encoding::binary : ebcdic ? Encoding::hex_ebcdic : Encoding::hex;
    // The 1993 hosts that were looked at send variable bytes as they are, in an ASCII message too.
    how.variable_bytes = Encoding::binary;
    DialectSpec spec;
    spec.name = std::string(edition) + "-" + std::string(text) + "-" + std::string(bitmap);
    spec.source = edition == "87" ? "ISO 8583:1987 table 2" : "ISO 8583:1993 table 6";
    spec.mti = packed ? Encoding::bcd : ebcdic ? Encoding::ebcdic : Encoding::ascii;
    spec.bitmap = !hex ? BitmapEncoding::binary : ebcdic ? BitmapEncoding::hex_ebcdic : BitmapEncoding::hex;
    for (const Row& row : edition == "87" ? edition_1987() : edition_1993()) {
        FieldSpec f = field_of(row, how, spec.source);
        // In the BCD tables in use track 3 travels as characters, unlike track 2, and in 1993's both do.
        if (packed && (f.number == 36 || (f.number == 35 && edition == "93"))) f.encoding = Encoding::ascii;
        put(spec, std::move(f));
    }
    if (edition == "87")
        divide_1987(spec);
    else
        divide(spec, 55, icc_tags());
    return spec;
}

}  // namespace iso8583::tables

namespace iso8583 {

namespace {

/// All built-in dialects, made once. A table that does not pass its own check is our bug.
const std::vector<Dialect>& built_in() {
    static const std::vector<Dialect> dialects = [] {
        std::vector<Dialect> out;
        const auto add = [&out](DialectSpec spec) {
            auto dialect = Dialect::make(std::move(spec));
            ENSURE(dialect.has_value());
            out.push_back(std::move(*dialect));
        };
        add(tables::make_unionpay_pos());
        add(tables::make_iso87_ascii());
        add(tables::make_iso87_bcd());
        add(tables::with_pin_block_bytes(tables::make_iso87_ascii(), 16));
        add(tables::with_pin_block_bytes(tables::make_iso87_bcd(), 16));
        for (std::string_view edition : {"87", "93"})
            for (std::string_view text : {"ascii", "bcd", "bcdl", "ebcdic"})
                for (std::string_view bitmap : {"hexbmp", "binbmp"})
                    add(tables::make_edition(edition, text, bitmap));
        return out;
    }();
    return dialects;
}

}  // namespace

const Dialect* find_dialect(std::string_view name) {
    for (const Dialect& d : built_in())
        if (d.name() == name) return &d;
    return nullptr;
}

const Dialect& with_aes_pin_block(const Dialect& dialect) {
    const Dialect* wider = find_dialect(std::string(dialect.name()) + "-pin16");
    return wider == nullptr ? dialect : *wider;
}

std::vector<std::string_view> dialect_names() {
    std::vector<std::string_view> names;
    for (const Dialect& d : built_in()) names.push_back(d.name());
    return names;
}

}  // namespace iso8583
