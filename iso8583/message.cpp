#include "iso8583/message.hpp"

#include "iso8583/dialect.hpp"

namespace iso8583 {

Message::~Message() { zeroise(body_.data(), body_.size()); }

Message::Message(Message&& other) noexcept
    : dialect_(other.dialect_),
      body_(std::move(other.body_)),
      mti_(other.mti_),
      present_(other.present_),
      spans_(other.spans_) {
    other.present_.clear();
}

Message& Message::operator=(const Message& other) {
    if (this == &other) return *this;
    Message copy(other);
    return *this = std::move(copy);
}

Message& Message::operator=(Message&& other) noexcept {
    if (this == &other) return *this;
    // The bytes that were here go with `other`, which zeroises them when it dies; what it says is empty.
    dialect_ = other.dialect_;
    body_.swap(other.body_);
    mti_ = other.mti_;
    present_ = other.present_;
    spans_ = other.spans_;
    other.present_.clear();
    return *this;
}

void Message::append_to(Field f, std::string& out) const {
    if (!has(f)) return;
    const Span& span = spans_[static_cast<std::size_t>(f)];
    const std::size_t before = out.size();
    out.resize(before + span.units);
    dialect_->plan(number(f)).to_canonical(body_.data() + span.offset, span.units, out.data() + before);
}

std::string Message::get(Field f) const {
    std::string out;
    append_to(f, out);
    return out;
}

ByteView Message::raw(Field f) const {
    if (!has(f)) return {};
    const Span& span = spans_[static_cast<std::size_t>(f)];
    return ByteView(body_).subspan(span.offset, span.size);
}

std::optional<Field> Message::mac_field() const {
    if (has(Field::mac_secondary)) return Field::mac_secondary;
    if (has(Field::mac_primary)) return Field::mac_primary;
    return std::nullopt;
}

ByteView Message::mac_input() const {
    const std::optional<Field> mac = mac_field();
    return mac ? ByteView(body_).first(offset(*mac)) : ByteView(body_);
}

FieldValues Message::values() const {
    FieldValues out(mti_);
    present_.for_each([&](int n) {
        const Span& span = spans_[static_cast<std::size_t>(n)];
        dialect_->plan(n).to_canonical(body_.data() + span.offset, span.units,
                                       out.make_place(field(n), span.units));
    });
    return out;
}

}  // namespace iso8583
