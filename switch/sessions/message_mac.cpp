#include "switch/sessions/message_mac.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::Field;

namespace {

bool is_small_hex_letter(std::uint8_t c) {
    constexpr std::uint8_t ebcdic_a = 0x81, ebcdic_f = 0x86;
    return (c >= 'a' && c <= 'f') || (c >= ebcdic_a && c <= ebcdic_f);
}

}  // namespace

std::optional<Field> closing_mac_field(const iso8583::FieldSet& present) {
    int last = 0;
    present.for_each([&](int n) { last = n; });
    const Field field = iso8583::field(last);
    if (field == Field::mac_primary || field == Field::mac_secondary) return field;
    return std::nullopt;
}

std::optional<MessageMac> closing_mac(const iso8583::Message& message) {
    const auto field = closing_mac_field(message.present());
    if (!field) return std::nullopt;
    MessageMac out;
    const std::string content = message.get(*field);
    if (content.size() != out.mac.size()) return std::nullopt;
    const iso8583::ByteView body = message.body();
    const iso8583::ByteView written = body.subspan(message.offset(*field));
    const bool hex = written.size() == 2 * out.mac.size();
    if (hex && std::any_of(written.begin(), written.end(), is_small_hex_letter)) return std::nullopt;
    std::copy(content.begin(), content.end(), out.mac.begin());
    const iso8583::ByteView input = body.first(message.offset(*field));
    out.input.assign(input.begin(), input.end());
    return out;
}

}  // namespace acquirer
