// Fuzzes the configuration file: whatever it holds gives a configuration or problems, each with a file and a
// sentence.
#include <cstdint>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "switch/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace acquirer;
    ConfigSurroundings around;
    around.zone_of = [](std::string_view zone) {
        return zone == "UTC" ? std::optional(iso8583::TimeZone()) : std::nullopt;
    };
    around.dialects = {"iso87-ascii", "iso87-bcd"};
    const auto loaded = load_config_text("fuzz.toml", {reinterpret_cast<const char*>(data), size}, around);
    if (loaded) {
        ENSURE(loaded->configuration != nullptr);
        ENSURE(restart_needed(*loaded, *loaded).empty());
        return 0;
    }
    ENSURE(!loaded.error().empty());
    for (const ConfigProblem& problem : loaded.error())
        ENSURE(problem.file == "fuzz.toml" && !problem.what.empty());
    return 0;
}
