// A whole file of an issuer, by a format that the first byte chooses: whatever the bytes are, each line is
// read or refused with a sentence; what is read is a booking with an amount and a name, and reads again as
// the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "switch/core/issuer_line.hpp"

namespace {

using namespace acquirer;

IssuerFileFormat format_of(std::uint8_t choice) {
    constexpr std::string_view separators = ",;|\t";
    IssuerFileFormat format;
    format.separator = separators[choice & 3];
    format.amounts = static_cast<IssuerAmounts>((choice >> 2) % 3);
    format.dates = static_cast<IssuerDates>(choice >> 4 & 3);
    if ((choice & 0x40) != 0) format.headers[IssuerColumn::rrn] = "Ref";
    if ((choice & 0x80) != 0) format.kinds["S"] = IssuerKind{};
    return format;
}

void judge(const IssuerLine& line) {
    const bool named = line.rrn || (line.stan && line.transmission_time && line.terminal);
    const bool positive =
        line.amount.minor_units() > 0 && line.amount.minor_units() <= iso8583::Amount::minor_units_max;
    if (!named || !positive || line.identity() == 0) std::abort();
    if (!line.card_last4.empty() && line.card_last4.size() != 4) std::abort();
    if (line.time && line.date) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const iso8583::TimeZone zone = iso8583::TimeZone::fixed(8 * 3'600);
    const IssuerFileFormat format = format_of(data[0]);
    IssuerFileReader reader(format, iso8583::Currency::of(156), zone);
    IssuerFileReader again(format, iso8583::Currency::of(156), zone);
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view text = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const auto line = reader.read(text);
        const auto same = again.read(text);
        if (line.has_value() != same.has_value()) std::abort();
        if (!line && line.error().what.empty()) std::abort();
        if (!line || !*line) continue;
        judge(**line);
        if (!*same || (*same)->identity() != (*line)->identity()) std::abort();
    }
    return 0;
}
