#include "tests/simulation/bent_frame.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace simulation {

using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;

namespace {

constexpr std::size_t bends_max = 3;
constexpr std::size_t trailing_bytes_max = 9;
constexpr std::size_t content_units_max = 64;
constexpr std::size_t raw_mac_bytes = 8;
constexpr int bitmap_bits = 128;

class Bender {
  public:
    Bender(const iso8583::Dialect& dialect, iso8583::Frame frame, Choices& choices)
        : dialect_(dialect), choices_(choices), frame_(std::move(frame)) {
        if (auto message = iso8583::decode(dialect_, frame_.body, &partial_)) partial_ = std::move(*message);
        if (const auto mac = partial_.mac_field()) mac_bytes_ = partial_.raw(*mac).size();
    }

    void bend_once() {
        switch (choices_.below(13)) {
            case 0:
                return bend_content();
            case 1:
                return bend_length();
            case 2:
                return bend_bitmap();
            case 3:
            case 11:
            case 12:
                return bend_mti();
            case 4:
                return bend_envelope();
            case 5:
                frame_.body.resize(frame_.body.size() * choices_.byte() / 256);
                return;
            case 6: {
                const Bytes more = choices_.take(1 + choices_.below(trailing_bytes_max));
                frame_.body.insert(frame_.body.end(), more.begin(), more.end());
                return;
            }
            case 7:
                return rewrite([this](FieldValues& values) { values.erase(one_of(values)); });
            case 8:
                return rewrite([this](FieldValues& values) { add_field(values); });
            case 9:
                return rewrite([this](FieldValues& values) { fill_field(values); });
            default:
                length_off_by_ = static_cast<std::int8_t>(choices_.byte());
                return;
        }
    }

    void put_right_mac(const MakeMac& make_mac) {
        if (mac_bytes_ == 0 || frame_.body.size() <= mac_bytes_) return;
        const std::size_t covered = frame_.body.size() - mac_bytes_;
        const auto mac = make_mac(iso8583::ByteView(frame_.body).first(covered));
        if (!mac) return;
        const std::string hex = iso8583::to_hex(*mac);
        const iso8583::ByteView wire =
            mac_bytes_ == raw_mac_bytes ? iso8583::ByteView(*mac) : iso8583::as_bytes(hex);
        if (wire.size() == mac_bytes_)
            std::copy(wire.begin(), wire.end(), frame_.body.begin() + static_cast<std::ptrdiff_t>(covered));
    }

    /// By hand: write_frame() takes only what is in order.
    [[nodiscard]] Bytes written() const {
        const std::size_t length = frame_.tpdu.size() + frame_.header.size() + frame_.body.size();
        const auto told = static_cast<std::uint16_t>(static_cast<std::int64_t>(length) + length_off_by_);
        Bytes out{static_cast<std::uint8_t>(told >> 8), static_cast<std::uint8_t>(told & 0xFF)};
        for (const Bytes* part : {&frame_.tpdu, &frame_.header, &frame_.body})
            out.insert(out.end(), part->begin(), part->end());
        return out;
    }

  private:
    [[nodiscard]] std::size_t mti_bytes() const {
        return dialect_.spec().mti == iso8583::Encoding::bcd ? 2 : 4;
    }
    std::uint8_t other_byte(std::uint8_t before) {
        const std::size_t how = choices_.below(4);
        const std::uint8_t b = choices_.byte();
        if (how == 0) return static_cast<std::uint8_t>('0' + b % 10);
        if (how == 1) return static_cast<std::uint8_t>((before & 0xF0) | b % 10);
        if (how == 2) return static_cast<std::uint8_t>((b % 10) << 4 | (before & 0x0F));
        return b;
    }
    Field one_of(const FieldValues& values) {
        std::vector<Field> all;
        values.for_each([&all](Field f, std::string_view) { all.push_back(f); });
        return all.empty() ? Field::stan : all[choices_.below(all.size())];
    }
    /// A place in the body that belongs to one field as it stood before it was bent; nothing when it is cut
    /// off.
    std::optional<std::pair<std::size_t, std::size_t>> place_of_one() {
        const Field f = one_of(partial_.values());
        const std::size_t size = partial_.raw(f).size();
        if (!partial_.has(f) || partial_.offset(f) + size > frame_.body.size()) return std::nullopt;
        return std::pair{partial_.offset(f), size};
    }
    void bend_content() {
        const auto place = place_of_one();
        if (!place || place->second == 0) return;
        std::uint8_t& byte = frame_.body[place->first + choices_.below(place->second)];
        byte = other_byte(byte);
    }
    void bend_length() {
        const auto place = place_of_one();
        if (!place) return;
        std::uint8_t& byte = frame_.body[place->first - 1 - choices_.below(3)];
        byte = other_byte(byte);
    }
    void bend_bitmap() {
        const auto bit = choices_.below(bitmap_bits);
        if (dialect_.spec().bitmap == iso8583::BitmapEncoding::binary) {
            const std::size_t at = mti_bytes() + bit / 8;
            if (at < frame_.body.size()) frame_.body[at] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
            return;
        }
        static constexpr std::string_view digits = "0123456789ABCDEF";
        const std::size_t at = mti_bytes() + bit / 4;
        if (at >= frame_.body.size()) return;
        const std::size_t value = digits.find(static_cast<char>(frame_.body[at]));
        if (value != std::string_view::npos)
            frame_.body[at] = static_cast<std::uint8_t>(digits[value ^ 8U >> bit % 4]);
    }
    void bend_mti() {
        if (frame_.body.size() < mti_bytes()) return;
        std::string digits = partial_.mti().str();
        const std::size_t how = choices_.below(6);
        if (how < 4)
            digits[how] = static_cast<char>('0' + choices_.below(10));
        else
            digits.assign(4, how == 4 ? '9' : '0');
        if (mti_bytes() == 2) digits = std::string(iso8583::as_text(*iso8583::parse_hex(digits)));
        std::copy(digits.begin(), digits.end(), frame_.body.begin());
    }
    void bend_envelope() {
        Bytes& part = choices_.below(2) == 0 ? frame_.tpdu : frame_.header;
        if (part.empty()) return;
        std::uint8_t& byte = part[choices_.below(part.size())];
        byte = other_byte(byte);
    }
    /// Well-formed again, with other fields: only of what can be written in this dialect.
    template <typename Change>
    void rewrite(const Change& change) {
        const auto message = iso8583::decode(dialect_, frame_.body);
        if (!message) return;
        FieldValues values = message->values();
        change(values);
        if (auto encoded = iso8583::encode(dialect_, values)) frame_.body = std::move(encoded->body);
    }
    void add_field(FieldValues& values) {
        const int number = 2 + static_cast<int>(choices_.below(127));
        const std::size_t units = choices_.below(content_units_max);
        const std::size_t how = choices_.below(3);
        std::string content(units, how == 0 ? '0' : how == 1 ? '9' : static_cast<char>(choices_.byte()));
        values.set(iso8583::field(number), content);
    }
    void fill_field(FieldValues& values) {
        const Field f = one_of(values);
        static constexpr char fillers[] = {'0', '9', ' ', 'Z', '\0', '\xFF'};
        values.set(f, std::string(values.get(f).size(), fillers[choices_.below(sizeof fillers)]));
    }

    const iso8583::Dialect& dialect_;
    Choices& choices_;
    iso8583::Frame frame_;
    iso8583::Message partial_;
    std::size_t mac_bytes_ = 0;
    std::int64_t length_off_by_ = 0;
};

}  // namespace

Bytes bend(const iso8583::Dialect& dialect, const iso8583::FramingSpec& framing, iso8583::ByteView frame,
           Choices& choices, const MakeMac& make_mac) {
    iso8583::FrameReader reader(framing);
    reader.feed(frame);
    auto first = reader.next();
    if (!first || !*first || framing.length != iso8583::FrameLength::binary2)
        return {frame.begin(), frame.end()};
    Bender bender(dialect, std::move(**first), choices);
    for (std::size_t n = choices.below(bends_max + 1); n > 0; --n) bender.bend_once();
    if (choices.below(2) == 1) bender.put_right_mac(make_mac);
    return bender.written();
}

}  // namespace simulation
