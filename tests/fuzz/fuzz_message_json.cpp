// Messages as JSON, for any built-in dialect by the first byte. What is a message and encodes, decodes to the
// same fields, and its description is a message again.
#include <cstdint>
#include <cstdlib>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/tools/json_message.hpp"

using namespace iso8583;
using namespace iso8583::tools;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto names = dialect_names();
    const Dialect& dialect = *find_dialect(names[data[0] % names.size()]);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    static_cast<void>(dialect_of_json(text));
    const auto message = parse_json_message(text, dialect);
    if (!message) {
        if (message.error().what.empty()) std::abort();
        return 0;
    }
    const auto encoded = encode(dialect, message->values);
    if (!encoded) return 0;
    const auto decoded = decode(dialect, encoded->body);
    if (!decoded || decoded->present() != message->values.present()) std::abort();
    const auto again = parse_json_message(describe_json(*decoded, {.reveal = true}), dialect);
    if (!again || encode(dialect, again->values)->body != encoded->body) std::abort();
    return 0;
}
