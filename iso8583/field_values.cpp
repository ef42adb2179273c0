#include "iso8583/field_values.hpp"

#include <algorithm>
#include <utility>

#include "iso8583/values/bytes.hpp"

namespace iso8583 {

namespace {
constexpr std::size_t arena_bytes_first = 512;  // most messages fit, so that the arena never moves
}

FieldValues::~FieldValues() { zeroise(arena_.data(), arena_.size()); }

FieldValues::FieldValues(FieldValues&& other) noexcept : mti_(other.mti_), arena_(std::move(other.arena_)) {
    take_fields(other);
    other.clear(Mti());
}

FieldValues& FieldValues::operator=(const FieldValues& other) {
    if (this == &other) return *this;
    clear(other.mti_);
    make_room(other.arena_.size());
    arena_ = other.arena_;
    take_fields(other);
    return *this;
}

FieldValues& FieldValues::operator=(FieldValues&& other) noexcept {
    if (this == &other) return *this;
    clear(other.mti_);
    arena_.swap(other.arena_);
    take_fields(other);
    other.clear(Mti());
    return *this;
}

void FieldValues::take_fields(const FieldValues& other) {
    present_ = other.present_;
    for (std::size_t w = 0; w < FieldSet::words; ++w)
        if (present_[w] != 0) std::copy_n(other.slots_.begin() + 1 + 64 * w, 64, slots_.begin() + 1 + 64 * w);
}

/// A bigger arena, since `more` bytes do not fit; the old one is zeroised before it is given back.
void FieldValues::grow(std::size_t more) {
    std::string bigger;
    bigger.reserve(std::max({arena_bytes_first, 2 * arena_.capacity(), arena_.size() + more}));
    bigger.assign(arena_);
    zeroise(arena_.data(), arena_.size());
    arena_.swap(bigger);
}

void FieldValues::clear(Mti mti) {
    zeroise(arena_.data(), arena_.size());
    arena_.clear();
    present_.clear();
    mti_ = mti;
}

void FieldValues::set(Field f, std::string_view content) {
    // Content of the same length is overwritten in place; otherwise the old bytes stay in the arena, unseen.
    if (has(f) && slots_[index(f)].size == content.size()) {
        std::copy(content.begin(), content.end(), arena_.begin() + slots_[index(f)].offset);
        return;
    }
    begin_slot(f, content.size());
    arena_ += content;
}

char* FieldValues::make_place(Field f, std::size_t size) {
    begin_slot(f, size);
    arena_.append(size, '\0');
    return arena_.data() + slots_[index(f)].offset;
}

}  // namespace iso8583
