// FieldValues: the logical contents of a message, the same for every dialect. What the encoder takes and what
// a decoded Message can be turned into.
//
// Canonical content: n: digits, as many as the field has; an/ans/x+n: characters; z: digits and '='; b: raw
// bytes (DE52, DE55, DE64 …). One arena for all contents, no allocation per field. Not thread-safe, freely
// copied. Sensitive contents are zeroised when it dies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/field.hpp"
#include "iso8583/field_set.hpp"
#include "iso8583/mti.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

class FieldValues {
  public:
    FieldValues() = default;
    explicit FieldValues(Mti mti) : mti_(mti) {}
    FieldValues(const FieldValues& other) : mti_(other.mti_), arena_(other.arena_) { take_fields(other); }
    /// Leaves nothing behind: what is moved from is empty and may be used again.
    FieldValues(FieldValues&& other) noexcept;
    FieldValues& operator=(const FieldValues& other);
    FieldValues& operator=(FieldValues&& other) noexcept;
    ~FieldValues();

    [[nodiscard]] Mti mti() const { return mti_; }
    void set_mti(Mti mti) { mti_ = mti; }
    [[nodiscard]] bool has(Field f) const { return f != Field{} && present_.has(number(f)); }
    [[nodiscard]] const FieldSet& present() const { return present_; }
    /// Empty when absent. The view lives until the next set() or erase().
    [[nodiscard]] std::string_view get(Field f) const {
        if (!has(f)) return {};
        return content(number(f));
    }
    /// At most this many bytes of content are in here.
    [[nodiscard]] std::size_t content_bytes_max() const { return arena_.size(); }
    void set(Field f, std::string_view content);
    /// So many bytes for the content of a field, for whoever writes them there; zeros until then. The place
    /// lives until the next set(), make_place() or erase().
    char* make_place(Field f, std::size_t size);
    void erase(Field f) {
        if (has(f)) present_.remove(number(f));
    }
    /// Forgets all contents (zeroised) and keeps the memory, for the next message.
    void clear(Mti mti);
    /// Ascending by field number.
    template <typename Visitor>
    void for_each(Visitor&& visit) const {
        present_.for_each([&](int n) { visit(field(n), content(n)); });
    }

  private:
    struct Slot {
        std::uint16_t offset;
        std::uint16_t size;
    };
    /// The next `size` bytes of the arena, which are appended then, are the content of this field.
    void begin_slot(Field f, std::size_t size) {
        const std::size_t at = arena_.size();
        ENSURE(number(f) >= 2 && number(f) <= field_number_max && at + size <= 0xFFFF);
        make_room(size);
        slots_[index(f)] = {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(size)};
        present_.add(number(f));
    }
    void make_room(std::size_t more) {
        if (arena_.size() + more > arena_.capacity()) grow(more);
    }
    void grow(std::size_t more);
    [[nodiscard]] std::string_view content(int n) const {
        const Slot& s = slots_[static_cast<std::size_t>(n)];
        return {arena_.data() + s.offset, s.size};
    }
    static std::size_t index(Field f) { return static_cast<std::size_t>(f); }
    /// Where the contents lie in an arena like the other's; of the slots those of words that have a field.
    void take_fields(const FieldValues& other);
    Mti mti_;
    FieldSet present_;
    std::array<Slot, field_number_max + 1> slots_;  // without a value where no field is present
    std::string arena_;
};

}  // namespace iso8583
