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
        for (std::size_t w = 0; w < FieldSet::words; ++w) {
            const std::uint64_t unknown = fields_[w] & ~dialect_.known_fields()[w];
            if (unknown != 0)
                return fail(Kind::unknown_field, static_cast<int>(w) * 64 + std::countl_zero(unknown) + 1, 0,
                            0);
        }
        // Sized once for the greatest message that these values can make; every write below stays within it.
        const std::size_t bytes_max = 4 + 3 * 16 + prefix_bytes_max * fields_.size() +
                                      dialect_.expansion() * values_.content_bytes_max() +
                                      dialect_.fill_bytes_max();
        out_.body.resize(bytes_max);
        p_ = out_.body.data();
        write_mti();
        write_bitmaps();
        if (!write_fields()) return false;
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
        if (const FieldSpec* spec = dialect_.field_spec(field)) {
            e.name = spec->name;
            if (kind == Kind::over_long || kind == Kind::under_long) e.unit = name_of(unit_of(spec->content));
        }
        error_ = std::move(e);
        return false;
    }

    [[gnu::cold, gnu::noinline]] bool bad_content(int number, std::string_view content) {
        fail(Kind::bad_character, number, 0, 0);
        error_->class_needed = dialect_.plan(number).class_needed();
        error_->class_there = dialect_.plan(number).class_there(content);
        return false;
    }

    void write_mti();
    void write_bitmaps();
    void write_bitmap(std::size_t word);
    bool write_fields();
    bool write_word(std::size_t w, std::uint64_t rest);
    /// A value that is not as long as its field: filled up if the table says so, else an error.
    [[gnu::cold, gnu::noinline]] bool write_other_length(int number, std::string_view content);

    static constexpr std::size_t prefix_bytes_max = prefix_digits_max;
    const Dialect& dialect_;
    const FieldValues& values_;
    EncodedMessage& out_;
    FieldSet fields_;
    std::uint8_t* p_ = nullptr;
    std::optional<CodecError> error_;
};

void Encoder::write_mti() {
    int value = values_.mti().value();
    ENSURE(value <= 9999);
    char digits[4];
    for (std::size_t i = 4; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
    switch (dialect_.spec().mti) {
        case Encoding::bcd:
            static_cast<void>(detail::pack_even(digits, 4, p_, detail::ascii_digits8));
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
    const std::uint64_t wire = __builtin_bswap64(bits);
    std::uint8_t bytes[8];
    std::memcpy(bytes, &wire, 8);
    detail::Vector16 v{};
    std::memcpy(&v, bytes, 8);
    std::uint8_t chars[32];
    detail::write_hex16(v, chars);
    if (encoding == BitmapEncoding::hex_ebcdic)
        for (std::uint8_t& c : chars) c = latin1_to_ebcdic[c];
    std::memcpy(p_, chars, 16);
    p_ += 16;
}

void Encoder::write_bitmaps() {
    const TertiaryBitmap tertiary = dialect_.spec().tertiary;
    const int third = dialect_.third_bitmap_bit();
    if (fields_[2] != 0) fields_.add(third);
    if (fields_[1] != 0) fields_.add(1);
    write_bitmap(0);
    if (fields_[1] != 0) write_bitmap(1);
    if (fields_[2] != 0 && tertiary == TertiaryBitmap::contiguous) write_bitmap(2);
    fields_.remove(1);
}

bool Encoder::write_fields() {
    const int third = fields_[2] != 0 ? dialect_.third_bitmap_bit() : 0;
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        std::uint64_t rest = fields_[w];
        if (third != 0 && w == static_cast<std::size_t>(third - 1) / 64) {
            // The bit is a bitmap's, which stands among the fields or stood with the others.
            const std::uint64_t bit = std::uint64_t{1} << 63 >> (static_cast<unsigned>(third - 1) % 64);
            if (!write_word(w, rest & ~(bit | (bit - 1)))) return false;
            if (dialect_.spec().tertiary == TertiaryBitmap::at_field) write_bitmap(2);
            rest &= bit - 1;
        }
        if (!write_word(w, rest)) return false;
    }
    return true;
}

bool Encoder::write_word(std::size_t w, std::uint64_t rest) {
    std::uint8_t* p = p_;
    int bad = 0;
    for (std::uint64_t pending = detail::reversed_bits(rest); pending != 0; pending &= pending - 1) {
        const int number = static_cast<int>(w) * 64 + std::countr_zero(pending) + 1;
        const FieldPlan& plan = dialect_.plan(number);
        const std::string_view content = values_.get(field(number));
        const std::size_t units = content.size();
        if (units < plan.min || units > plan.max) {
            p_ = p;
            if (!write_other_length(number, content)) return false;
            p = p_;
            continue;
        }
        const std::size_t bytes = plan.bytes_of_units(units);
        if (plan.prefix != Prefix::none) {
            plan.write_prefix(plan.counts == Counts::wire ? bytes : units, p);
            p += plan.prefix_bytes;
        }
        if (number == 64 || number == 128) {
            out_.mac_offset = static_cast<std::size_t>(p - out_.body.data());
            out_.mac_field = field(number);
        }
        if (!plan.to_wire(content.data(), units, p)) {
            bad = number;
            break;
        }
        p += bytes;
    }
    p_ = p;
    return bad == 0 || bad_content(bad, values_.get(field(bad)));
}

bool Encoder::write_other_length(int number, std::string_view content) {
    const FieldPlan& plan = dialect_.plan(number);
    if (content.size() > plan.max) return fail(Kind::over_long, number, plan.max, content.size());
    if (!plan.fills) return fail(Kind::under_long, number, plan.min, content.size());
    const FieldSpec& spec = *dialect_.field_spec(number);
    std::string filled(plan.min, spec.fill);
    filled.replace(spec.fill_align == Align::left ? 0 : plan.min - content.size(), content.size(), content);
    const bool ok = plan.to_wire(filled.data(), filled.size(), p_);
    zeroise(filled.data(), filled.size());
    if (!ok) return bad_content(number, content);
    p_ += plan.fixed_bytes;
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
    ENSURE(plan.to_wire(reinterpret_cast<const char*>(mac8.data()), 8,
                        message.body.data() + *message.mac_offset));
}

}  // namespace iso8583
