// Tagged text (DE59, DE48 of wallets), as a terminal or a wallet may send it: elements are found inside the
// text, what is written is read again, and no payment code is left in what is shown.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/bytes.hpp"

using namespace iso8583;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

/// Of an element that is written: it is found, and what is shown of it has no code in it.
void check_written(std::string_view tag, std::string_view value) {
    const std::string text = tagged_text("Z9", "first") + tagged_text(tag, value);
    const auto found = tagged_value(text, tag);
    check(found.has_value() && *found == (tag == "Z9" ? "first" : value));
    const std::string shown = mask_payment_codes(text);
    check(shown.size() == text.size());
    if (may_be_payment_code(value) && tag != order_number_tag_usual)
        check(shown.find_first_of("0123456789", text.size() - value.size()) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::string shown = mask_payment_codes(text);
    check(shown.size() == text.size());
    for (std::size_t i = 0; i < text.size(); ++i)  // only digits are ever hidden
        check(shown[i] == text[i] || (shown[i] == '*' && is_digit(text[i])));

    for (const std::string_view tag : {payment_code_tag_usual, order_number_tag_usual}) {
        const auto value = tagged_value(text, tag);
        if (!value) {
            check(value.error().what.starts_with("offset "));
            continue;
        }
        if (value->empty()) continue;
        check(value->data() >= text.data() && value->data() + value->size() <= text.data() + text.size());
        const std::string_view behind = std::string_view(shown).substr(
            static_cast<std::size_t>(value->data() - text.data()), value->size());
        if (tag == payment_code_tag_usual && all_digits(*value))
            check(behind.find_first_not_of('*') == std::string_view::npos);
    }
    if (text.size() >= text_tag_size && text.size() <= text_tag_size + tagged_text_size_max)
        check_written(std::string_view(text).substr(0, text_tag_size),
                      std::string_view(text).substr(text_tag_size));
    return 0;
}
