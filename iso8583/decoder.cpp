// The one decoder loop: bits of the bitmap, ascending; for each the length, then the content's class. It
// reads the dialect's plan and nothing else about the dialect, allocates nothing, and stores offsets, never
// contents.
#include "iso8583/char_class.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/transcode.hpp"

namespace iso8583 {

class Decoder {
  public:
    Decoder(const Dialect& dialect, Message& message, const DecodeOptions& options)
        : dialect_(dialect),
          message_(message),
          options_(options),
          p_(message.body_.data()),
          size_(message.body_.size()) {}

    std::optional<CodecError> run() {
        if (size_ > message_bytes_max) {
            fail(CodecError::Kind::message_too_long, 0, 0, message_bytes_max, size_);
            return std::move(error_);
        }
        if (read_mti() && read_bitmaps() && read_fields() && at_ < size_)
            fail(CodecError::Kind::trailing_bytes, 0, at_, 0, size_ - at_);
        return std::move(error_);
    }

    static std::optional<CodecError> decode(const Dialect& dialect, Bytes& body, Message& message,
                                            const DecodeOptions& options) {
        message.body_.swap(body);
        message.dialect_ = &dialect;
        message.mti_ = {};
        message.present_.clear();
        return Decoder(dialect, message, options).run();
    }

  private:
    using Kind = CodecError::Kind;

    /// Keeps the first error. Returns false, for `return fail(...)` where the place in the message is lost.
    [[gnu::cold, gnu::noinline]] bool fail(Kind kind, int field, std::size_t offset, std::size_t needed,
                                           std::size_t found, std::string path = {}) {
        if (error_) return false;
        CodecError e{.kind = kind,
                     .field = field,
                     .path = std::move(path),
                     .name = {},
                     .offset = offset,
                     .needed = needed,
                     .found = found};
        if (const FieldSpec* spec = dialect_.field_spec(field)) {
            e.name = spec->name;
            if (kind == Kind::over_long || kind == Kind::under_long) e.unit = name_of(unit_of(spec->content));
        }
        error_ = std::move(e);
        return false;
    }

    bool read_mti();
    bool read_bitmaps();
    bool read_bitmap(std::size_t word);
    bool read_fields();
    bool read_third_bitmap();
    bool read_part(std::size_t w, std::uint64_t rest);
    bool read_word(std::size_t w, std::uint64_t rest);
    bool read_length(int number, const FieldPlan& plan, std::size_t& units, std::size_t& bytes, bool& ok);
    static std::size_t word_of(int number) { return static_cast<std::size_t>(number - 1) / 64; }
    static std::uint64_t bit_of(int number) {
        return std::uint64_t{1} << 63 >> (static_cast<unsigned>(number - 1) % 64);
    }
    static int number_of(std::size_t w, std::size_t k) { return static_cast<int>(w * 64 + k + 1); }
    [[gnu::cold, gnu::noinline]] bool bad_content(int number, const FieldPlan& plan, std::size_t units,
                                                  std::size_t bytes);

    const Dialect& dialect_;
    Message& message_;
    const DecodeOptions& options_;
    const std::uint8_t* const p_;
    const std::size_t size_;
    std::size_t at_ = 0;
    FieldSet announced_;
    std::optional<CodecError> error_;
};

bool Decoder::read_mti() {
    const Encoding encoding = dialect_.spec().mti;
    const std::size_t bytes = encoding == Encoding::bcd ? 2 : 4;
    if (size_ < bytes) return fail(Kind::truncated, 0, 0, bytes, size_);
    std::uint32_t digits = 0;  // the four as nibbles
    if (encoding == Encoding::bcd) {
        digits = static_cast<std::uint32_t>(p_[0] << 8 | p_[1]);
        if (!detail::all_bcd_digits(p_, 2)) return fail(Kind::bad_mti, 0, 0, 4, 0);
    } else {
        const unsigned zero = encoding == Encoding::ebcdic ? 0xF0 : 0x30;
        for (std::size_t i = 0; i < 4; ++i) {
            const unsigned digit = p_[i] - zero;
            if (digit > 9) return fail(Kind::bad_mti, 0, i, 4, 0);
            digits = digits << 4 | digit;
        }
    }
    message_.mti_ = Mti::of(static_cast<int>((digits >> 12) * 1000 + (digits >> 8 & 0xF) * 100 +
                                             (digits >> 4 & 0xF) * 10 + (digits & 0xF)));
    at_ = bytes;
    return true;
}

bool Decoder::read_bitmap(std::size_t word) {
    const BitmapEncoding encoding = dialect_.spec().bitmap;
    const std::size_t bytes = encoding == BitmapEncoding::binary ? 8 : 16;
    if (size_ - at_ < bytes) return fail(Kind::truncated, 1, at_, bytes, size_ - at_);
    std::uint64_t bits = 0;
    if (encoding == BitmapEncoding::binary) {
        bits = __builtin_bswap64(detail::load8(p_ + at_));
    } else {
        bool ok = true;
        if (encoding == BitmapEncoding::hex) {
            ok = detail::parse_hex16(p_ + at_, bits);
        } else {
            for (std::size_t i = 0; i < 16; ++i) {
                const std::int8_t v = detail::hex_of_ebcdic[p_[at_ + i]];
                ok = ok && v >= 0;
                bits = bits << 4 | static_cast<std::uint64_t>(v & 0xF);
            }
        }
        if (!ok) return fail(Kind::bad_bitmap, 1, at_, 0, 0);
    }
    announced_[word] = bits;
    at_ += bytes;
    return true;
}

bool Decoder::read_bitmaps() {
    const std::size_t begin = at_;
    if (!read_bitmap(0)) return false;
    if (announced_.has(1) && !read_bitmap(1)) return false;
    if (dialect_.spec().tertiary == TertiaryBitmap::contiguous && announced_.has(65) && !read_bitmap(2))
        return false;
    // A bit for a field that does not exist: its length is unknown, so that nothing after it can be found.
    // The fields before it still are.
    if (announced_.has(1)) announced_.remove(1);
    const int third = dialect_.third_bitmap_bit();
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        std::uint64_t unknown = announced_[w] & ~dialect_.known_fields()[w];
        // One bit is the third bitmap's where there can be one.
        if (third != 0 && w == word_of(third)) unknown &= ~bit_of(third);
        if (unknown == 0) continue;
        const int number = static_cast<int>(w) * 64 + std::countl_zero(unknown) + 1;
        fail(Kind::lying_bitmap, 1, begin, 0, 0, std::to_string(number));
        break;
    }
    return true;
}

bool Decoder::read_fields() {
    const int third = dialect_.third_bitmap_bit();
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        std::uint64_t rest = announced_[w];
        if (third != 0 && w == word_of(third) && (rest & bit_of(third)) != 0) {
            // A field is the third bitmap; it stands here, or stood with the others.
            const std::uint64_t before = rest & ~(bit_of(third) | (bit_of(third) - 1));
            if (dialect_.spec().tertiary == TertiaryBitmap::at_field &&
                (!read_part(w, before) || !read_third_bitmap()))
                return false;
            rest &= dialect_.spec().tertiary == TertiaryBitmap::at_field ? bit_of(third) - 1 : ~bit_of(third);
        }
        if (!read_part(w, rest)) return false;
    }
    return true;
}

/// Up to the first field the dialect does not have: where what follows begins is not known.
bool Decoder::read_part(std::size_t w, std::uint64_t rest) {
    const std::uint64_t unknown = rest & ~dialect_.known_fields()[w];
    if (unknown != 0) rest &= ~(~std::uint64_t{0} >> std::countl_zero(unknown));
    return read_word(w, rest) && unknown == 0;
}

bool Decoder::read_third_bitmap() {
    const std::size_t begin = at_;
    if (!read_bitmap(2)) return false;
    if (const std::uint64_t unknown = announced_[2] & ~dialect_.known_fields()[2]; unknown != 0)
        fail(Kind::lying_bitmap, 1, begin, 0, 0, std::to_string(129 + std::countl_zero(unknown)));
    return true;
}

// The hot loop. Everything it reads of a field is in its plan; place and end are kept in locals, and
// everything that goes wrong is done in cold functions.
bool Decoder::read_word(std::size_t w, std::uint64_t rest) {
    std::uint64_t present = 0;
    std::size_t at = at_;
    bool found_its_place = true;
    const FieldPlan* const plans = &dialect_.plan(static_cast<int>(w) * 64 + 1);
    Message::Span* const spans = message_.spans_.data() + w * 64 + 1;
    for (std::uint64_t pending = detail::reversed_bits(rest); pending != 0; pending &= pending - 1) {
        const auto k = static_cast<std::size_t>(std::countr_zero(pending));
        const FieldPlan& plan = plans[k];
        std::size_t units = plan.max;
        std::size_t bytes = plan.fixed_bytes;
        bool ok = true;
        bool well_placed = true;
        if (plan.prefix == Prefix::none) {
            if (size_ - at < bytes) {
                found_its_place = fail(Kind::truncated, number_of(w, k), at, bytes, size_ - at);
                break;
            }
            ok = plan.content_ok(p_ + at, units, bytes, size_ - at);
        } else {
            at_ = at;
            if (!read_length(number_of(w, k), plan, units, bytes, ok)) {
                found_its_place = false;
                break;
            }
            at = at_;
            well_placed = ok;
            ok = ok && plan.content_ok(p_ + at, units, bytes, size_ - at);
        }
        if (!ok) {
            at_ = at;
            // A wrong length has been said already; its content does not matter.
            ok = well_placed && bad_content(number_of(w, k), plan, units, bytes);
        }
        if (ok) {
            spans[k] = {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(bytes),
                        static_cast<std::uint16_t>(units)};
            present |= pending & -pending;
        }
        at += bytes;
    }
    at_ = at;
    message_.present_[w] |= detail::reversed_bits(present);
    return found_its_place;
}

/// A variable field's length. False when the place of what follows is lost; `ok` becomes false when the
/// length is out of bounds, so that only this field is.
inline bool Decoder::read_length(int number, const FieldPlan& plan, std::size_t& units, std::size_t& bytes,
                                 bool& ok) {
    const std::size_t prefix_at = at_;
    if (size_ - at_ < plan.prefix_bytes)
        return fail(Kind::truncated, number, at_, plan.prefix_bytes, size_ - at_);
    std::size_t count = 0;
    if (!plan.read_prefix(p_ + at_, count)) return fail(Kind::bad_length, number, at_, plan.prefix_bytes, 0);
    at_ += plan.prefix_bytes;
    units = plan.units_of_count(count);
    bytes = plan.bytes_of_count(count);
    if (size_ - at_ < bytes) return fail(Kind::lying_length, number, at_, bytes, size_ - at_);
    if (plan.trims_filler && bytes > 0 && plan.has_filler(p_ + at_, bytes)) --units;
    if (plan.counts == Counts::wire && plan.shape == FieldPlan::Shape::twice && count % 2 != 0) {
        // Half a byte: where the field ends is certain, what it holds is not.
        fail(Kind::bad_length, number, prefix_at, plan.prefix_bytes, 0);
        ok = false;
    } else if (units > plan.max || units < plan.min) {
        const bool over = units > plan.max;
        fail(over ? Kind::over_long : Kind::under_long, number, prefix_at, over ? plan.max : plan.min, units);
        ok = false;
    }
    return true;
}

bool Decoder::bad_content(int number, const FieldPlan& plan, std::size_t units, std::size_t bytes) {
    const std::size_t offset = at_ + plan.first_bad(p_ + at_, units, bytes);
    if (!options_.content_warnings) {
        if (error_) return false;
        fail(Kind::bad_character, number, offset, 0, 0);
        error_->class_needed = plan.class_needed();
        error_->class_there = plan.class_there(p_[offset]);
        return false;
    }
    if (options_.warnings != nullptr) {
        CodecError e{.kind = Kind::bad_character,
                     .field = number,
                     .path = {},
                     .name = {},
                     .offset = offset,
                     .needed = 0,
                     .found = 0,
                     .class_needed = plan.class_needed(),
                     .class_there = plan.class_there(p_[offset])};
        if (const FieldSpec* spec = dialect_.field_spec(number)) e.name = spec->name;
        options_.warnings->push_back(std::move(e));
    }
    return true;
}

std::optional<CodecError> decode_into(const Dialect& dialect, Bytes& body, Message& message,
                                      const DecodeOptions& options) {
    return Decoder::decode(dialect, body, message, options);
}

Result<Message, CodecError> decode(const Dialect& dialect, Bytes body, const DecodeOptions& options,
                                   Message* partial) {
    Message message;
    std::optional<CodecError> error = decode_into(dialect, body, message, options);
    if (!error) return message;
    if (partial != nullptr) *partial = std::move(message);
    return tl::unexpected(std::move(*error));
}

Result<Message, CodecError> decode(const Dialect& dialect, Bytes body, Message* partial) {
    return decode(dialect, std::move(body), DecodeOptions{}, partial);
}

}  // namespace iso8583
