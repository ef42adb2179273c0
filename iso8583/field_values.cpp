#include "iso8583/field_values.hpp"

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

FieldValues::~FieldValues() { zeroise(arena_.data(), arena_.size()); }

void FieldValues::clear(Mti mti) {
    zeroise(arena_.data(), arena_.size());
    arena_.clear();
    present_.clear();
    mti_ = mti;
}

void FieldValues::set(Field f, std::string_view content) {
    ENSURE(number(f) >= 2 && number(f) <= field_number_max && arena_.size() + content.size() <= 0xFFFF);
    Slot& s = slots_[index(f)];
    // Content of the same length is overwritten in place; otherwise the old bytes stay in the arena, unseen.
    if (!has(f) || s.size != content.size()) {
        s.offset = static_cast<std::uint16_t>(arena_.size());
        s.size = static_cast<std::uint16_t>(content.size());
        arena_.append(content);
    } else {
        arena_.replace(s.offset, s.size, content);
    }
    present_.add(number(f));
}

}  // namespace iso8583
