#include "iso8583/values/pan.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"

namespace iso8583 {

Result<Pan> Pan::parse(std::string_view digits) {
    if (digits.size() < digits_min || digits.size() > digits_max || !all_digits(digits))
        return parse_error("PAN: 8 to 19 digits are needed");
    Pan pan;
    std::copy(digits.begin(), digits.end(), pan.digits_.begin());
    pan.size_ = static_cast<std::uint8_t>(digits.size());
    return pan;
}

Pan::~Pan() { zeroise(digits_.data(), digits_.size()); }

std::string Pan::masked() const { return mask_pan_text(reveal()); }
std::string Pan::last4() const {
    return size_ < 13 ? std::string(4, '*') : std::string(reveal().substr(size_ - 4));
}

std::string mask_pan_text(std::string_view text) {
    std::string out(text.size(), '*');
    if (text.size() >= 13 && text.size() <= Pan::digits_max && all_digits(text)) {
        std::copy_n(text.begin(), 6, out.begin());
        std::copy(text.end() - 4, text.end(), out.end() - 4);
    }
    return out;
}

}  // namespace iso8583
