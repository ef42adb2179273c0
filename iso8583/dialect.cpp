#include "iso8583/dialect.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace iso8583 {

Result<Dialect, SpecError> Dialect::make(DialectSpec spec) {
    if (spec.mti != Encoding::ascii && spec.mti != Encoding::ebcdic && spec.mti != Encoding::bcd)
        return tl::unexpected(SpecError{
            0, fmt::format("the MTI is written as ascii, ebcdic or bcd, not {}", name_of(spec.mti))});
    std::sort(spec.fields.begin(), spec.fields.end(),
              [](const FieldSpec& a, const FieldSpec& b) { return a.number < b.number; });
    const int third = spec.tertiary == TertiaryBitmap::none         ? 0
                      : spec.tertiary == TertiaryBitmap::contiguous ? number(Field::tertiary_bitmap)
                                                                    : spec.tertiary_field;
    if (spec.tertiary == TertiaryBitmap::at_field && (third < 2 || third > 128))
        return tl::unexpected(SpecError{0, "a third bitmap stands in a field from 2 to 128"});
    Dialect dialect;
    for (std::size_t i = 0; i < spec.fields.size(); ++i) {
        const FieldSpec& f = spec.fields[i];
        if (auto ok = check_field_spec(f); !ok) return tl::unexpected(ok.error());
        if (dialect.known_.has(f.number)) return tl::unexpected(SpecError{f.number, "is there twice"});
        if (f.number == third)
            return tl::unexpected(SpecError{f.number, "is the third bitmap and cannot be a field too"});
        if (f.number > 128 && spec.tertiary == TertiaryBitmap::none)
            return tl::unexpected(SpecError{f.number, "needs a third bitmap, which the table does not have"});
        dialect.known_.add(f.number);
        if (f.encoding == Encoding::hex || f.encoding == Encoding::hex_ebcdic) dialect.expansion_ = 2;
        if (f.fills) dialect.fill_bytes_max_ += wire_bytes(f, f.max);
        dialect.plans_[f.number] = FieldPlan::of(f);
        dialect.index_[f.number] = static_cast<std::uint8_t>(i + 1);
    }
    dialect.spec_ = std::move(spec);
    return dialect;
}

const FieldSpec* Dialect::field_spec(int number) const {
    if (number < 1 || number > field_number_max) return nullptr;
    const std::size_t place = index_[static_cast<std::size_t>(number)];
    return place == 0 ? nullptr : &spec_.fields[place - 1];
}

}  // namespace iso8583
