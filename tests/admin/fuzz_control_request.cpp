// Fuzzes the control protocol's lines: whatever a peer sends is a request or a sentence; a request written
// again reads the same; an answer's text never breaks its line.
#include <cstdint>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "switch/admin/control_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace acquirer::admin;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    if (const auto request = parse_request(line)) {
        const auto again = parse_request(write_request(*request));
        ENSURE(again.has_value() && again->command == request->command &&
               again->arguments == request->arguments && again->as == request->as);
    } else {
        ENSURE(!request.error().what.empty());
    }
    if (const auto answer = parse_answer(line)) {
        const std::string written = write_answer(*answer);
        ENSURE(written.find('\n') == std::string::npos);
        ENSURE(parse_answer(written).has_value());
    }
    return 0;
}
