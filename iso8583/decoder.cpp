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
        if (const FieldSpec* spec = dialect_.field_spec(field)) e.name = spec->name;
        error_ = std::move(e);
        return false;
    }

    bool read_mti();
    bool read_bitmaps();
    bool read_bitmap(std::size_t word);
    bool read_fields();
    bool read_field(int number);
    bool read_length(int number, const FieldPlan& plan, std::size_t& count);
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
    char digits[4];
    if (encoding == Encoding::bcd) {
        if (!detail::all_bcd_digits(p_, 2)) return fail(Kind::bad_mti, 0, 0, 4, 0);
        detail::unpack_digits(p_, 0, 4, digits);
    } else {
        for (std::size_t i = 0; i < 4; ++i) {
            digits[i] = static_cast<char>(encoding == Encoding::ebcdic ? ebcdic_to_latin1[p_[i]] : p_[i]);
            if (!is_digit(digits[i])) return fail(Kind::bad_mti, 0, i, 4, 0);
        }
    }
    int value = 0;
    for (char c : digits) value = value * 10 + (c - '0');
    message_.mti_ = Mti::of(value);
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
        const auto& table = encoding == BitmapEncoding::hex ? detail::hex_of_ascii : detail::hex_of_ebcdic;
        int all = 0;
        for (std::size_t i = 0; i < 16; ++i) {
            const int v = table[p_[at_ + i]];
            all |= v;
            bits = bits << 4 | static_cast<std::uint64_t>(v & 0xF);
        }
        if (all < 0) return fail(Kind::bad_bitmap, 1, at_, 0, 0);
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
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        const std::uint64_t unknown = announced_[w] & ~dialect_.known_fields()[w];
        if (unknown == 0) continue;
        const int number = static_cast<int>(w) * 64 + std::countl_zero(unknown) + 1;
        fail(Kind::bad_bitmap, 1, begin, 0, 0, std::to_string(number));
        break;
    }
    return true;
}

bool Decoder::read_fields() {
    for (std::size_t w = 0; w < FieldSet::words; ++w) {
        // Looked at anew for each word: field 65 may be the third bitmap.
        for (std::uint64_t rest = announced_[w]; rest != 0;) {
            const int k = std::countl_zero(rest);
            rest &= ~(std::uint64_t{1} << (63 - k));
            if (!read_field(static_cast<int>(w) * 64 + k + 1)) return false;
        }
    }
    return true;
}

inline bool Decoder::read_length(int number, const FieldPlan& plan, std::size_t& count) {
    const std::size_t bytes = plan.prefix_bytes;
    if (size_ - at_ < bytes) return fail(Kind::truncated, number, at_, bytes, size_ - at_);
    if (!plan.read_prefix(p_ + at_, count)) return fail(Kind::bad_length, number, at_, bytes, 0);
    at_ += bytes;
    return true;
}

bool Decoder::read_field(int number) {
    if (!dialect_.known_fields().has(number)) {
        if (number == 65 && dialect_.spec().tertiary == TertiaryBitmap::contiguous) return true;
        if (number == 65 && dialect_.spec().tertiary == TertiaryBitmap::at_65) {
            if (!read_bitmap(2)) return false;
            const std::uint64_t unknown = announced_[2] & ~dialect_.known_fields()[2];
            if (unknown != 0)
                fail(Kind::bad_bitmap, 1, at_ - 8, 0, 0, std::to_string(129 + std::countl_zero(unknown)));
            return true;
        }
        return false;  // said in read_bitmaps
    }
    const FieldPlan& plan = dialect_.plan(number);
    const std::size_t prefix_at = at_;
    std::size_t units = plan.max;
    std::size_t bytes = plan.fixed_bytes;
    if (plan.prefix != Prefix::none) {
        std::size_t count = 0;
        if (!read_length(number, plan, count)) return false;
        units = plan.units_of_count(count);
        bytes = plan.bytes_of_count(count);
    }
    if (size_ - at_ < bytes) return fail(Kind::truncated, number, at_, bytes, size_ - at_);
    if (plan.trims_filler && bytes > 0) units -= plan.has_filler(p_ + at_, bytes) ? 1U : 0U;
    if (units > plan.max || units < plan.min) {
        const bool over = units > plan.max;
        fail(over ? Kind::over_long : Kind::under_long, number, prefix_at, over ? plan.max : plan.min, units);
        at_ += bytes;
        return true;
    }
    if (!plan.content_ok(p_ + at_, units, bytes) && !bad_content(number, plan, units, bytes)) {
        at_ += bytes;
        return true;
    }
    message_.spans_[static_cast<std::size_t>(number)] = {static_cast<std::uint16_t>(at_),
                                                         static_cast<std::uint16_t>(bytes),
                                                         static_cast<std::uint16_t>(units)};
    message_.present_.add(number);
    at_ += bytes;
    return true;
}

bool Decoder::bad_content(int number, const FieldPlan& plan, std::size_t units, std::size_t bytes) {
    const std::size_t offset = at_ + plan.first_bad(p_ + at_, units, bytes);
    if (!options_.content_warnings) {
        fail(Kind::bad_character, number, offset, 0, 0);
        return false;
    }
    if (options_.warnings != nullptr) {
        CodecError e{.kind = Kind::bad_character,
                     .field = number,
                     .path = {},
                     .name = {},
                     .offset = offset,
                     .needed = 0,
                     .found = 0};
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
