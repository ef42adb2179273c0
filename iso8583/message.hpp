// Message: a decoded message. Owns its body's bytes, holds an offset and a length per field, moves cheaply.
// Contents are converted from the wire form only when asked for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "iso8583/field.hpp"
#include "iso8583/field_set.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/mti.hpp"
#include "iso8583/values/bytes.hpp"

namespace iso8583 {

class Dialect;

class Message {
  public:
    Message() = default;
    Message(const Message&) = default;
    /// What is moved from is empty.
    Message(Message&& other) noexcept;
    Message& operator=(const Message& other);
    Message& operator=(Message&& other) noexcept;
    /// Zeroises the body: it holds card and PIN data.
    ~Message();

    [[nodiscard]] Mti mti() const { return mti_; }
    [[nodiscard]] bool has(Field f) const { return f != Field{} && present_.has(number(f)); }
    [[nodiscard]] const FieldSet& present() const { return present_; }
    /// Canonical content (field_values.hpp); empty when absent.
    [[nodiscard]] std::string get(Field f) const;
    /// The same appended to `out`, without an allocation when it has room.
    void append_to(Field f, std::string& out) const;
    /// The content's length in its own unit: digits, characters or bytes.
    [[nodiscard]] std::size_t units(Field f) const {
        return has(f) ? spans_[static_cast<std::size_t>(f)].units : 0;
    }
    /// The field's bytes on the wire without its length prefix, and where they begin in the body.
    [[nodiscard]] ByteView raw(Field f) const;
    [[nodiscard]] std::size_t offset(Field f) const { return spans_[static_cast<std::size_t>(f)].offset; }
    /// DE128 when there, else DE64, else nothing.
    [[nodiscard]] std::optional<Field> mac_field() const;
    /// All bytes before the MAC field; the whole body when there is none.
    [[nodiscard]] ByteView mac_input() const;
    [[nodiscard]] ByteView body() const { return body_; }
    [[nodiscard]] const Dialect& dialect() const { return *dialect_; }
    [[nodiscard]] FieldValues values() const;

  private:
    friend class Decoder;
    struct Span {
        std::uint16_t offset = 0;  // of the content, after any length prefix
        std::uint16_t size = 0;    // bytes on the wire
        std::uint16_t units = 0;   // length in the field's own unit (digits, characters, bytes)
    };
    const Dialect* dialect_ = nullptr;
    Bytes body_;
    Mti mti_;
    FieldSet present_;
    std::array<Span, field_number_max + 1> spans_{};
};

}  // namespace iso8583
