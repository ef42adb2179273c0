#include "iso8583/values/identifiers.hpp"

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/decimal_text.hpp"

namespace iso8583 {
namespace {

Result<std::uint32_t> six_digits(std::string_view text, const char* name) {
    if (text.size() != 6 || !all_digits(text))
        return parse_error(std::string(name) + ": 6 digits are needed");
    std::uint32_t v = 0;
    for (char c : text) v = v * 10 + static_cast<std::uint32_t>(c - '0');
    return v;
}

bool printable(std::string_view text) {
    for (char c : text)
        if (c < 0x20 || c > 0x7E) return false;
    return true;
}

bool digit_or_capital(std::string_view text) {
    for (char c : text)
        if (!is_digit(c) && !(c >= 'A' && c <= 'Z')) return false;
    return true;
}

}  // namespace

Result<Stan> Stan::parse(std::string_view text) { return six_digits(text, "STAN").map(&Stan::of); }
Stan Stan::of(std::uint32_t value) {
    ENSURE(value <= value_max);
    Stan s;
    s.value_ = value;
    return s;
}
std::string Stan::str() const { return zero_padded(value_, 6); }

Result<BatchNumber> BatchNumber::parse(std::string_view text) {
    return six_digits(text, "batch number").map(&BatchNumber::of);
}
BatchNumber BatchNumber::of(std::uint32_t value) {
    ENSURE(value <= value_max);
    BatchNumber b;
    b.value_ = value;
    return b;
}
BatchNumber BatchNumber::next() const { return of(value_ == value_max ? 1 : value_ + 1); }
std::string BatchNumber::str() const { return zero_padded(value_, 6); }

Result<Rrn> Rrn::parse(std::string_view text) {
    if (text.size() != 12 || !digit_or_capital(text))
        return parse_error("retrieval reference number: 12 digits or capital letters are needed");
    return Rrn(text);
}
Result<TerminalId> TerminalId::parse(std::string_view text) {
    if (text.size() != 8 || !printable(text))
        return parse_error("terminal: 8 printable characters are needed");
    return TerminalId(text);
}
Result<MerchantId> MerchantId::parse(std::string_view text) {
    if (text.size() != 15 || !printable(text))
        return parse_error("merchant: 15 printable characters are needed");
    return MerchantId(text);
}
Result<AuthorizationCode> AuthorizationCode::parse(std::string_view text) {
    if (text.size() != 6 || !printable(text))
        return parse_error("authorization code: 6 printable characters are needed");
    return AuthorizationCode(text);
}
Result<ResponseCode> ResponseCode::parse(std::string_view text) {
    if (text.size() != 2 || !digit_or_capital(text))
        return parse_error("response code: 2 digits or capital letters are needed");
    return ResponseCode(text);
}
ResponseCode ResponseCode::of(std::string_view two) {
    auto parsed = parse(two);
    ENSURE(parsed.has_value());
    return *parsed;
}
Result<InstitutionId> InstitutionId::parse(std::string_view text) {
    if (text.size() > 11 || !all_digits(text)) return parse_error("institution: up to 11 digits are needed");
    return InstitutionId(text);
}

}  // namespace iso8583
