#include "iso8583/specs/spec_words.hpp"

#include <algorithm>

namespace iso8583::specs {

Secret usual_secret(int field) {
    switch (field) {
        case 2:
        case 34:
        case 102:
        case 103:
            return Secret::pan;
        case 35:
        case 36:
        case 45:
            return Secret::track;
        case 52:
            return Secret::pin;
        case 96:
            return Secret::key;
        default:
            return Secret::none;
    }
}

Content usual_number(int field) { return field == 35 || field == 36 ? Content::z : Content::n; }

std::size_t writable_units(const FieldSpec& spec, std::size_t units) {
    if (spec.fixed()) return units;
    const std::size_t values = prefix_values(spec.prefix, spec.prefix_size);
    return std::min({units, values - 1, field_units_max});
}

FieldSpec as_text_of_hex(const FieldSpec& f) {
    FieldSpec text = f;
    if (f.encoding != Encoding::hex || f.counts != Counts::wire) return text;
    text.content = Content::ans;
    text.encoding = Encoding::ascii;
    text.counts = Counts::units;
    text.max = static_cast<std::uint16_t>(2 * f.max);
    text.min = static_cast<std::uint16_t>(2 * f.min);
    text.subfields = nullptr;
    return text;
}

std::optional<int> parse_field_number(std::string_view text) {
    if (text.empty() || text.size() > 3 || !all_digits(text)) return std::nullopt;
    int n = 0;
    for (char c : text) n = n * 10 + (c - '0');
    if (n < 2 || n > field_number_max) return std::nullopt;
    return n;
}

}  // namespace iso8583::specs
