// Hex in any layout: any text. What is read is read again from its plain form.
#include <cstdint>
#include <cstdlib>

#include "iso8583/tools/hex_text.hpp"

using namespace iso8583;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto bytes = tools::parse_hex_text(text);
    if (!bytes) {
        if (bytes.error().what.empty()) std::abort();
        return 0;
    }
    const auto again = tools::parse_hex_text(to_hex(*bytes) + "\n");
    if (!again || *again != *bytes) std::abort();
    return 0;
}
