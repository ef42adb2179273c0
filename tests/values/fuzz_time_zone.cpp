// A compiled zone file: whatever the bytes are, it is a zone whose days go on or a sentence. Kept corpus:
// tests/fuzz/corpus/time_zone.
#include <cstdint>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/time_zone.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace iso8583;
    const auto zone = TimeZone::parse_tzif(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!zone) {
        ENSURE(!zone.error().what.empty());
        return 0;
    }
    constexpr std::int32_t offset_s_max = 26 * 3'600;  // RFC 8536, 3.2
    for (const char* day : {"19700101", "20240229", "20261025", "20991231"}) {
        const UtcTime noon = zone->first_at(Date::parse_yyyymmdd(day).value(), 12 * 60);
        ENSURE(zone->offset_s(noon) >= -offset_s_max && zone->offset_s(noon) <= offset_s_max);
    }
    return 0;
}
