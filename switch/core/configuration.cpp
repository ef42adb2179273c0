#include "switch/core/configuration.hpp"

#include <algorithm>
#include <charconv>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace acquirer {

std::string_view name(Profile profile) {
    return profile == Profile::unionpay_pos ? "unionpay-pos" : "iso87-ascii";
}

std::string_view name(PolicyOrigin origin) {
    switch (origin) {
        case PolicyOrigin::default_value:
            return "default";
        case PolicyOrigin::file:
            return "file";
        case PolicyOrigin::stored:
            return "stored";
    }
    ENSURE(false);
}

const TerminalRange* Configuration::find_terminal(const iso8583::TerminalId& id) const {
    if (!iso8583::all_digits(id.view()) || id.empty()) return nullptr;
    std::uint32_t value = 0;
    const std::string_view text = id.view();
    std::from_chars(text.data(), text.data() + text.size(), value);
    auto after = std::upper_bound(terminals.begin(), terminals.end(), value,
                                  [](std::uint32_t v, const TerminalRange& r) { return v < r.first; });
    if (after == terminals.begin()) return nullptr;
    --after;
    return value <= after->last ? &*after : nullptr;
}

const MerchantConfig* Configuration::find_merchant(const iso8583::MerchantId& id) const {
    const auto at = merchants.find(id);
    return at == merchants.end() ? nullptr : &at->second;
}

IssuerFileFormat Configuration::issuer_file(routing::RouteId route) const {
    const auto at = issuer_files.find(route);
    return at == issuer_files.end() ? IssuerFileFormat{} : at->second;
}

ConfigurationPtr part_of_shard(const ConfigurationPtr& whole, std::size_t index, std::size_t of) {
    if (of == 1) return whole;
    auto part = std::make_shared<Configuration>(*whole);
    part->routes = whole->routes.part(index, of);
    part->limits.pending_max = static_cast<std::uint32_t>(whole->limits.pending_max / of);
    return part;
}

}  // namespace acquirer
