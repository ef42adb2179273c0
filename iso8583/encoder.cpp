// The one encoder loop: the fields that have values, ascending; for each the checks that decode would make,
// then the length and the content. Writes into the caller's buffer and allocates nothing once that has grown.
#include "iso8583/codec.hpp"
#include "iso8583/transcode.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

namespace {

using Kind = CodecError::Kind;

class Encoder {
  public:
    Encoder(const Dialect& dialect, const FieldValues& values, EncodedMessage& out)
        : dialect_(dialect), values_(values), out_(out), fields_(values.present()) {}

    bool run() {
        out_.mac_offset.reset();
        if (!measure()) return false;
        // Sized once for the greatest message these values can make; every write below stays within it.
        out_.body.resize(bytes_max_);
        p_ = out_.body.data();
        write_mti();
        write_bitmaps();
        bool ok = true;
        fields_.for_each([&](int n) { ok = ok && write_field(n); });
        if (!ok) return false;
        const auto size = static_cast<std::size_t>(p_ - out_.body.data());
        if (size > message_bytes_max) return fail(Kind::message_too_long, 0, message_bytes_max, size);
        out_.body.resize(size);
        return true;
    }
    std::optional<CodecError>& error() { return error_; }

  private:
    [[gnu::cold, gnu::noinline]] bool fail(Kind kind, int field, std::size_t needed, std::size_t found) {
        CodecError e{.kind = kind,
                     .field = field,
                     .path = {},
                     .name = {},
                     .offset = 0,
                     .needed = needed,
                     .found = found};
        if (p_ != nullptr) e.offset = static_cast<std::size_t>(p_ - out_.body.data());
        if (const FieldSpec* spec = dialect_.field_spec(field)) e.name = spec->name;
        error_ = std::move(e);
        return false;
    }

    bool measure();
    void write_mti();
    void write_bitmaps();
    void write_bitmap(std::size_t word);
    bool write_field(int number);

    const Dialect& dialect_;
    const FieldValues& values_;
    EncodedMessage& out_;
    FieldSet fields_;
    std::uint8_t* p_ = nullptr;
    std::size_t bytes_max_ = 0;
    std::optional<CodecError> error_;
};

bool Encoder::measure() {
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        const std::uint64_t unknown = fields_[w] & ~dialect_.known_fields()[w];
        if (unknown == 0) continue;
        return fail(Kind::unknown_field, static_cast<int>(w) * 64 + std::countl_zero(unknown) + 1, 0, 0);
    }
    // Hex doubles, a fixed field may be filled up to its length; a prefix has at most four bytes.
    std::size_t bytes = 4 + 3 * 16;
    fields_.for_each([&](int n) {
        const FieldPlan& plan = dialect_.plan(n);
        bytes += 4 + std::max<std::size_t>(plan.fixed_bytes, 2 * values_.get(field(n)).size());
    });
    bytes_max_ = bytes;
    return true;
}

void Encoder::write_mti() {
    int value = values_.mti().value();
    ENSURE(value <= 9999);
    char digits[4];
    for (std::size_t i = 4; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
    switch (dialect_.spec().mti) {
        case Encoding::bcd:
            detail::pack_even(digits, 4, p_);
            p_ += 2;
            return;
        case Encoding::ebcdic:
            for (char c : digits) *p_++ = latin1_to_ebcdic[static_cast<std::uint8_t>(c)];
            return;
        case Encoding::ascii:
        case Encoding::binary:
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            break;
    }
    for (char c : digits) *p_++ = static_cast<std::uint8_t>(c);
}

void Encoder::write_bitmap(std::size_t word) {
    const std::uint64_t bits = fields_[word];
    const BitmapEncoding encoding = dialect_.spec().bitmap;
    if (encoding == BitmapEncoding::binary) {
        const std::uint64_t wire = __builtin_bswap64(bits);
        std::memcpy(p_, &wire, 8);
        p_ += 8;
        return;
    }
    for (int shift = 60; shift >= 0; shift -= 4) {
        const auto c = static_cast<std::uint8_t>(detail::hex_digits[bits >> shift & 0xF]);
        *p_++ = encoding == BitmapEncoding::hex ? c : latin1_to_ebcdic[c];
    }
}

void Encoder::write_bitmaps() {
    const TertiaryBitmap tertiary = dialect_.spec().tertiary;
    if (fields_[2] != 0) fields_.add(65);
    if (fields_[1] != 0) fields_.add(1);
    write_bitmap(0);
    if (fields_[1] != 0) write_bitmap(1);
    if (fields_[2] != 0 && tertiary == TertiaryBitmap::contiguous) write_bitmap(2);
    fields_.remove(1);
}

bool Encoder::write_field(int number) {
    if (number == 65 && dialect_.spec().tertiary != TertiaryBitmap::none) {
        if (dialect_.spec().tertiary == TertiaryBitmap::at_65) write_bitmap(2);
        return true;
    }
    const FieldPlan& plan = dialect_.plan(number);
    std::string_view content = values_.get(field(number));
    std::string filled;
    if (content.size() < plan.min && plan.prefix == Prefix::none && dialect_.field_spec(number)->fills) {
        const FieldSpec& spec = *dialect_.field_spec(number);
        filled.assign(plan.min, spec.fill);
        filled.replace(spec.fill_align == Align::left ? 0 : plan.min - content.size(), content.size(),
                       content);
        content = filled;
    }
    const std::size_t units = content.size();
    if (units > plan.max) return fail(Kind::over_long, number, plan.max, units);
    if (units < plan.min) return fail(Kind::under_long, number, plan.min, units);
    if (!plan.canonical_ok(content.data(), units)) return fail(Kind::bad_character, number, 0, 0);
    const std::size_t bytes = plan.bytes_of_units(units);
    if (plan.prefix != Prefix::none) {
        plan.write_prefix(plan.counts == Counts::wire ? bytes : units, p_);
        p_ += plan.prefix_bytes;
    }
    if (number == 64 || number == 128) {
        out_.mac_offset = static_cast<std::size_t>(p_ - out_.body.data());
        out_.mac_field = field(number);
    }
    plan.to_wire(content.data(), units, p_);
    p_ += bytes;
    return true;
}

}  // namespace

std::optional<CodecError> encode_into(const Dialect& dialect, const FieldValues& values,
                                      EncodedMessage& out) {
    Encoder encoder(dialect, values, out);
    if (encoder.run()) return std::nullopt;
    out.body.clear();
    out.mac_offset.reset();
    return std::move(encoder.error());
}

Result<EncodedMessage, CodecError> encode(const Dialect& dialect, const FieldValues& values) {
    EncodedMessage out;
    if (auto error = encode_into(dialect, values, out)) return tl::unexpected(std::move(*error));
    return out;
}

void write_mac(const Dialect& dialect, EncodedMessage& message, ByteView mac8) {
    ENSURE(message.mac_offset && mac8.size() == 8);
    const FieldPlan& plan = dialect.plan(number(message.mac_field));
    ENSURE(*message.mac_offset + plan.bytes_of_units(8) <= message.body.size());
    plan.to_wire(reinterpret_cast<const char*>(mac8.data()), 8, message.body.data() + *message.mac_offset);
}

}  // namespace iso8583
