// The keys of wallets: which payment codes are whose, and where they stand in terminals' messages.
#include <algorithm>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/bytes.hpp"
#include "switch/config/config_keys.hpp"

namespace acquirer::config {
namespace {

// What describe hides is every code that may be configured.
static_assert(routing::WalletTable::code_digits_min >= iso8583::payment_code_digits_min &&
              routing::WalletTable::code_digits_max <= iso8583::payment_code_digits_max);

/// "10-15" or "62": both ends.
std::pair<std::string, std::string> ends_of(std::string_view text) {
    const std::size_t dash = text.find('-');
    return {std::string(text.substr(0, dash)),
            std::string(dash == std::string_view::npos ? text : text.substr(dash + 1))};
}

iso8583::Result<std::pair<std::string, std::string>> code_ends(std::string_view text) {
    auto ends = ends_of(text);
    for (const std::string& end : {ends.first, ends.second})
        if (end.empty() || end.size() > routing::WalletTable::prefix_digits_max || !iso8583::all_digits(end))
            return iso8583::parse_error("needs the first digits of payment codes, as \"10-15\" or \"62\"");
    return ends;
}

iso8583::Result<std::pair<std::size_t, std::size_t>> digit_counts(std::string_view text) {
    const auto [first, last] = ends_of(text);
    constexpr std::size_t digits_max = 2;
    for (const std::string& end : {first, last})
        if (end.empty() || end.size() > digits_max || !iso8583::all_digits(end))
            return iso8583::parse_error("needs how many digits a payment code has, as \"18\" or \"16-24\"");
    return std::pair<std::size_t, std::size_t>(std::stoul(first), std::stoul(last));
}

iso8583::Result<std::string> tag(std::string_view text) {
    const auto allowed = [](char c) { return iso8583::is_digit(c) || (c >= 'A' && c <= 'Z'); };
    if (text.size() != iso8583::text_tag_size || !std::all_of(text.begin(), text.end(), allowed))
        return iso8583::parse_error("needs two characters, capital letters or digits");
    return std::string(text);
}

/// Sets what a text of two ends says.
template <typename Parse, typename Set>
Key<RawWallet> ends_key(std::string_view name, std::string_view type, std::string_view meaning, Parse parse,
                        Set set) {
    Key<RawWallet> key;
    key.name = name;
    key.type = type;
    key.meaning = meaning;
    key.required = true;
    key.set = [parse, set](RawWallet& wallet, const Node& node,
                           const Context&) -> std::optional<std::string> {
        auto ends = parse(std::string_view(node.text));
        if (!ends) return ends.error().what;
        set(wallet.range, *ends);
        return std::nullopt;
    };
    return key;
}

}  // namespace

const Keys<RawWallet>& wallet_keys() {
    static const Keys<RawWallet> keys = {
        required(parsed<RawWallet>(
            "name", "word, at most 16 characters", "",
            "Its name in totals, lists and on the slip, stored with every sale: never give it to another "
            "wallet. Several sections may name one wallet.",
            CONFIG_AT(range.name), word)),
        ends_key("codes", "\"10-15\" or \"62\"", "First digits of its payment codes, both ends included.",
                 code_ends,
                 [](routing::WalletRange& range, const std::pair<std::string, std::string>& ends) {
                     range.first = ends.first;
                     range.last = ends.second;
                 }),
        ends_key("digits", "\"18\" or \"16-24\"", "How many digits a whole code has.", digit_counts,
                 [](routing::WalletRange& range, const std::pair<std::size_t, std::size_t>& ends) {
                     range.digits_min = ends.first;
                     range.digits_max = ends.second;
                 }),
        required(text_list<RawWallet>(
            "routes", "", "Names of issuers, in order of preference.",
            [](RawWallet& wallet, std::vector<std::string> texts) -> std::optional<std::string> {
                constexpr std::size_t most = routing::IinTable::routes_per_range_max;
                if (texts.empty() || texts.size() > most)
                    return "needs 1 to " + std::to_string(most) + " names";
                wallet.routes = std::move(texts);
                return std::nullopt;
            })),
    };
    return keys;
}

const Keys<WalletWire>& wallet_wire_keys() {
    constexpr std::int64_t unionpay_last = 63, iso_last = 127;
    static const Keys<WalletWire> keys = {
        with_default(integer<WalletWire>(
                         "unionpay_field", 44, unionpay_last, "",
                         "The data element of unionpay-pos terminals that has payment code and order number.",
                         CONFIG_AT(unionpay_number)),
                     "59"),
        with_default(integer<WalletWire>("iso_field", 44, iso_last, "", "The same of ISO terminals.",
                                         CONFIG_AT(iso_number)),
                     "48"),
        parsed<WalletWire>("code_tag", "two characters", "A3",
                           "Tag of the payment code: tag, three digits of length, digits.",
                           CONFIG_AT(code_tag), tag),
        parsed<WalletWire>("order_tag", "two characters", "A4", "Tag of the wallet's order number.",
                           CONFIG_AT(order_tag), tag),
    };
    return keys;
}

}  // namespace acquirer::config
