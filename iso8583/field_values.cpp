#include "iso8583/field_values.hpp"

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

FieldValues::~FieldValues() { zeroise(arena_.data(), arena_.size()); }

std::string_view FieldValues::get(Field f) const {
    const Slot& s = slots_[index(f)];
    return std::string_view(arena_).substr(s.offset, s.size);
}

void FieldValues::set(Field f, std::string_view content) {
    ENSURE(number(f) >= 2 && number(f) <= field_number_max && arena_.size() + content.size() <= 0xFFFF);
    Slot& s = slots_[index(f)];
    // Content of the same length is overwritten in place; otherwise the old bytes stay in the arena, unseen.
    if (!s.present || s.size != content.size()) {
        s.offset = static_cast<std::uint16_t>(arena_.size());
        s.size = static_cast<std::uint16_t>(content.size());
        arena_.append(content);
    } else {
        arena_.replace(s.offset, s.size, content);
    }
    s.present = true;
}

}  // namespace iso8583
