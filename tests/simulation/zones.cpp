#include "tests/simulation/zones.hpp"

#include <string>

namespace simulation {

/// RFC 8536, version 2: no transitions, one type (standard time), and the rule in the footer.
iso8583::TimeZone berlin() {
    const auto block = [] {
        std::string out = "TZif2";
        out.append(15, '\0');
        out.append(16, '\0');                    // no indicators, no leap seconds, no transitions
        out += std::string("\0\0\0\1", 4);       // one type
        out += std::string("\0\0\0\4", 4);       // four characters of abbreviations
        out += std::string{0, 0, 14, 16, 0, 0};  // 3600 s, no summer time, "CET"
        out += std::string("CET") + '\0';
        return out;
    };
    return iso8583::TimeZone::parse_tzif(block() + block() + "\nCET-1CEST,M3.5.0,M10.5.0/3\n").value();
}

}  // namespace simulation
