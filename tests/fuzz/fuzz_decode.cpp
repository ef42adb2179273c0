// Bodies of one dialect (FUZZ_DIALECT), or of any by the first byte. What decodes strictly encodes to a
// message with the same contents; whatever decodes, in whole or in part, can be described.
#include <cstdint>
#include <cstdlib>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/subfields.hpp"

using namespace iso8583;

namespace {

const Dialect& pick(const std::uint8_t*& data, std::size_t& size) {
    const std::string_view name = FUZZ_DIALECT;
    if (!name.empty()) return *find_dialect(name);
    const auto names = dialect_names();
    const Dialect& dialect = *find_dialect(names[data[0] % names.size()]);
    ++data;
    --size;
    return dialect;
}

void check_same(const Dialect& dialect, const Message& message) {
    const auto encoded = encode(dialect, message.values());
    if (!encoded) std::abort();
    const auto again = decode(dialect, encoded->body);
    if (!again || again->present() != message.present()) std::abort();
    message.present().for_each([&](int n) {
        if (again->get(field(n)) != message.get(field(n))) std::abort();
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Dialect& dialect = pick(data, size);
    const Bytes body(data, data + size);
    Message partial;
    const auto message = decode(dialect, body, &partial);
    const Message& seen = message ? *message : partial;
    if (message) check_same(dialect, *message);
    static_cast<void>(describe(seen));
    static_cast<void>(describe_json(seen));
    static_cast<void>(describe_bytes(seen));
    if (!message && message.error().offset > size) std::abort();
    const auto lenient = decode(dialect, body, {.content_warnings = true});
    if (message && !lenient) std::abort();
    if (lenient) static_cast<void>(describe_bytes(*lenient));
    return 0;
}
