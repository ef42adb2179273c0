// Spec files: any text in each of the three forms. What is read can be written in our own form and read to
// the same.
#include <cstdint>
#include <cstdlib>

#include "iso8583/specs/spec_file.hpp"

using namespace iso8583;
using namespace iso8583::specs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto format = static_cast<SpecFormat>(data[0] % 3);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto loaded = read_spec(text, format, "fuzz");
    if (!loaded) {
        if (loaded.error().empty()) std::abort();
        return 0;
    }
    const auto written = write_spec(loaded->spec, SpecFormat::toml);
    // Names that are no UTF-8 cannot be written as TOML again.
    const auto again = read_spec(written->text, SpecFormat::toml, "again");
    if (again && write_spec(again->spec, SpecFormat::toml)->text != written->text) std::abort();
    for (const SpecFormat other : {SpecFormat::json, SpecFormat::xml})
        static_cast<void>(write_spec(loaded->spec, other));
    return 0;
}
