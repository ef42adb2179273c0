// Message: a decoded message. Owns its body's bytes, holds an offset and a length per field, moves cheaply.
// Contents are converted from the wire form only when asked for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "iso8583/field.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/mti.hpp"
#include "iso8583/values/bytes.hpp"

namespace iso8583 {

class Dialect;

class Message {
  public:
    [[nodiscard]] Mti mti() const { return mti_; }
    [[nodiscard]] bool has(Field f) const { return spans_[static_cast<std::size_t>(f)].present; }
    /// Canonical content (field_values.hpp); empty when absent.
    [[nodiscard]] std::string get(Field f) const;
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
        bool present = false;
    };
    const Dialect* dialect_ = nullptr;
    Bytes body_;
    Mti mti_;
    std::array<Span, field_number_max + 1> spans_{};
};

}  // namespace iso8583
