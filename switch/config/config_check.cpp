// What can only be said of two values together, or of a value and the surroundings. Every problem names the
// line of the value that a person would change.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "iso8583/dialect.hpp"
#include "iso8583/tagged_text.hpp"
#include "iso8583/values/bytes.hpp"
#include "switch/config/config_builder.hpp"
#include "switch/config/dialect_needs.hpp"

namespace acquirer::config {
namespace {

/// The terminals give up after this; the switch has to know the outcome before them.
constexpr std::int64_t terminal_timeout_ms = 60'000;
constexpr std::int64_t quarantine_ms_min = 60'000;  // R51a

bool known_name(std::string_view wanted, const std::vector<std::string_view>& names) {
    return std::find(names.begin(), names.end(), wanted) != names.end();
}

void check_time_outs(const std::string& path, std::int64_t timeout_ms, std::string_view timeout_key,
                     std::int64_t quarantine_ms, bool demo, Reader& reader) {
    if (timeout_ms >= terminal_timeout_ms)
        reader.problem(Reader::join(path, timeout_key), "has to be shorter than the terminals' 60 s");
    const std::int64_t least = std::max(2 * timeout_ms, quarantine_ms_min);
    if (!demo && quarantine_ms < least)
        reader.problem(Reader::join(path, "not_found_quarantine_ms"),
                       "is " + std::to_string(quarantine_ms) + ", at least " + std::to_string(least) +
                           " is needed: twice the time-out and 60 s (R51a; only demo = true may have less)");
}

void check_general(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    if (!raw.general.zone.empty()) {
        const bool odd = raw.general.zone.find("..") != std::string::npos || raw.general.zone.front() == '/';
        const auto zone = odd ? std::nullopt : around.zone_of(raw.general.zone);
        if (zone)
            raw.general.time_zone = *zone;
        else
            reader.problem("switch.zone", "is no time zone of this machine, as Asia/Shanghai or UTC");
    }
    if (!raw.listen.unionpay_pos && !raw.listen.iso87_ascii && !reader.has_problem_under("listen"))
        reader.problem("listen", "no terminal can connect: unionpay-pos or iso87-ascii is needed");
    if (!raw.data.control_group.empty() && !raw.data.control_socket.starts_with('/'))
        reader.problem("data.control_group",
                       "needs an absolute control_socket: nobody else may enter the data directory");
    const std::pair<const char*, const std::optional<Endpoint>&> listeners[] = {
        {"unionpay-pos", raw.listen.unionpay_pos},
        {"iso87-ascii", raw.listen.iso87_ascii},
        {"metrics", raw.listen.metrics}};
    for (const auto& a : listeners)
        for (const auto& b : listeners)
            if (&a < &b && a.second && b.second && a.second->port != 0 && *a.second == *b.second)
                reader.problem(std::string("listen.") + b.first,
                               "is the address of " + std::string(a.first) + " too");
}

void check_limits(const RawConfig& raw, Reader& reader) {
    const Limits& l = raw.limits;
    check_time_outs("limits", l.issuer_reply_timeout_ms, "issuer_reply_timeout_ms", l.not_found_quarantine_ms,
                    raw.top.demo, reader);
    if (l.advice_retry_first_ms > l.advice_retry_longest_ms)
        reader.problem("limits.advice_retry_first_ms", "is longer than advice_retry_longest_ms");
    if (l.hsm_reply_timeout_ms >= l.issuer_reply_timeout_ms)
        reader.problem("limits.hsm_reply_timeout_ms", "has to be shorter than issuer_reply_timeout_ms");
}

void check_hsm(const RawConfig& raw, Reader& reader) {
    const HsmOptions& h = raw.hsm;
    if (h.embedded) {
        if (!h.addresses.empty()) reader.problem("hsm.addresses", "belongs to mode = \"tcp\"");
        if (h.lmk == "test" && !raw.top.demo)
            reader.problem("hsm.lmk", "the test LMK protects nothing: only demo = true may use it");
    } else {
        if (h.addresses.empty() && !reader.has_problem_under("hsm.addresses"))
            reader.problem("hsm.addresses", "is needed with mode = \"tcp\"");
        for (const char* key : {"hsm.lmk", "hsm.zone_key_exchange"})
            if (reader.has(key)) reader.problem(key, "belongs to mode = \"embedded\"");
    }
}

void check_issuer_keys(const std::string& path, RawIssuer& issuer, Reader& reader) {
    const bool cmac = issuer.route.mac == routing::RouteMac::aes_cmac;
    if (!issuer.keys.zak.empty() && issuer.keys.zak.is_aes() != cmac)
        reader.problem(path + ".zak", cmac ? "mac = \"aes_cmac\" needs an AES key block (S)"
                                           : "mac = \"retail\" needs a TDES key block (U)");
    const bool iso4 = issuer.keys.pin_block_format == hsm::PinBlockFormat::iso4;
    if (!issuer.keys.zpk.empty() && issuer.keys.zpk.is_aes() != iso4)
        reader.problem(path + ".zpk", iso4 ? "pin_block_format = \"iso4\" needs an AES key block (S)"
                                           : "this pin_block_format needs a TDES key block (U)");
    const bool exchanges = issuer.keys.zmk.is_aes() == issuer.keys.zak.is_aes() ||
                           issuer.keys.zmk.is_aes() == issuer.keys.zpk.is_aes();
    if (!issuer.keys.zmk.empty() && !exchanges)
        reader.problem(path + ".zmk",
                       "is of another algorithm than zak and zpk: neither can travel under it");
    if (cmac && issuer.mac_padding != "zeros")
        reader.problem(path + ".mac_padding", "belongs to mac = \"retail\"");
    issuer.connections.mac.algorithm = cmac ? hsm::MacAlgorithm::aes_cmac : hsm::MacAlgorithm::retail;
    issuer.connections.mac.padding =
        issuer.mac_padding == "bit" ? hsm::MacPadding::bit : hsm::MacPadding::zeros;
}

/// The table of a dialect's name or file; nothing, and problems at `key`, when there is none.
const iso8583::Dialect* find_table(const std::string& key, const std::string& dialect,
                                   const ConfigSurroundings& around, Reader& reader) {
    if (known_name(dialect, around.dialects)) return iso8583::find_dialect(dialect);
    const std::filesystem::path file = std::filesystem::path(around.folder) / dialect;
    std::error_code error;
    if (!around.dialect_file || !std::filesystem::exists(file, error)) {
        std::string names;
        for (const auto name : around.dialects) names += (names.empty() ? "" : ", ") + std::string(name);
        reader.problem(key, "is no dialect; there are " + names +
                                (around.dialect_file ? ", and no file " + file.string() : ""));
        return nullptr;
    }
    const auto table = around.dialect_file(file.string());
    if (table) return *table;
    for (const std::string& sentence : table.error()) reader.problem(key, sentence);
    return nullptr;
}

/// Of built-in ones it is known that they will do.
void check_issuer_dialect(const std::string& path, RawIssuer& issuer, const ConfigSurroundings& around,
                          Reader& reader) {
    const std::string key = path + ".dialect";
    const iso8583::Dialect* table = find_table(key, issuer.route.dialect, around, reader);
    if (table == nullptr) return;
    const bool iso4 = issuer.keys.pin_block_format == hsm::PinBlockFormat::iso4;
    const bool built_in = known_name(issuer.route.dialect, around.dialects);
    if (built_in && iso4) table = &iso8583::with_aes_pin_block(*table);
    issuer.connections.table.table = table;
    if (built_in) return;
    for (const std::string& fault : issuer_dialect_faults(*table, iso4 ? 16 : 8))
        reader.problem(key, issuer.route.dialect + ": " + fault);
}

void check_terminal_dialect(const char* key, Profile profile, std::string& dialect, DialectTable& table,
                            const ConfigSurroundings& around, Reader& reader) {
    const bool own = !dialect.empty();
    if (!own) dialect = name(profile);
    table.table = own ? find_table(key, dialect, around, reader) : iso8583::find_dialect(dialect);
    if (!own || table.table == nullptr) return;
    for (const std::string& fault : terminal_dialect_faults(*table.table, profile))
        reader.problem(key, dialect + ": " + fault);
}

void check_issuer(const std::string& path, RawIssuer& issuer, const RawConfig& raw,
                  const ConfigSurroundings& around, Reader& reader) {
    routing::Route& route = issuer.route;
    check_time_outs(path, route.reply_timeout_ms, "reply_timeout_ms", route.not_found_quarantine_ms,
                    raw.top.demo, reader);
    if (route.advice_retry_first_ms > route.advice_retry_max_ms)
        reader.problem(path + ".advice_retry_first_ms", "is longer than advice_retry_longest_ms");
    if (route.advices_in_flight_max > route.in_flight_max)
        reader.problem(path + ".advices_in_flight_max", "is more than in_flight_max");
    if (issuer.connections.reconnect_first_ms > issuer.connections.reconnect_longest_ms)
        reader.problem(path + ".reconnect_first_ms", "is longer than reconnect_longest_ms");
    check_issuer_keys(path, issuer, reader);
    check_issuer_dialect(path, issuer, around, reader);
    if (!issuer.successor.empty()) {
        if (!route.retired) reader.problem(path + ".successor", "only a retired issuer has one");
        for (const auto& [other_path, other] : raw.issuers)
            if (other.route.name == issuer.successor) route.successor = other.route.id;
        if (!route.successor) reader.problem(path + ".successor", "names no issuer");
        if (issuer.successor == route.name) reader.problem(path + ".successor", "is the issuer itself");
    }
    issuer.connections.route = route.id;
    issuer.connections.name = route.name;
    issuer.connections.dialect = route.dialect;
    if (reader.has_problem_under(path)) return;
    if (const auto fault = routing::check_codes(route.codes)) {
        // Of a code in two lists the one that stands in the file is the one to change.
        const std::string codes = path + ".codes.";
        const bool other =
            !reader.has(codes + fault->list) && !fault->other.empty() && reader.has(codes + fault->other);
        reader.problem(codes + (other ? fault->other : fault->list), fault->what);
        return;
    }
    // A payment code is used up by what it pays, so there is nothing that a later 0220 could complete.
    if (route.kind == routing::RouteKind::wallet && route.sale_mode == routing::SaleMode::authorization_0100)
        reader.problem(path + ".sale_mode", "a wallet's sales are financial_0200");
    if (auto wrong = routing::check_route(route)) reader.problem(path, *wrong);
}

void check_issuers(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    if (raw.issuers.empty()) reader.problem("issuer", "at least one [[issuer]] is needed");
    for (std::size_t i = 0; i < raw.issuers.size(); ++i) {
        const std::string path = raw.issuers[i].path;
        for (std::size_t j = 0; j < i; ++j) {
            const RawIssuer& other = raw.issuers[j].value;
            const RawIssuer& issuer = raw.issuers[i].value;
            if (issuer.route.id == other.route.id && issuer.route.id.value != 0)
                reader.problem(path + ".id", "is the number of " + raw.issuers[j].path + " too");
            if (issuer.route.name == other.route.name && !issuer.route.name.empty())
                reader.problem(path + ".name", "is the name of " + raw.issuers[j].path + " too");
        }
        check_issuer(path, raw.issuers[i].value, raw, around, reader);
    }
}

/// The ids of the issuers that a section names, in its order.
std::vector<routing::RouteId> routes_named(const RawConfig& raw, const std::string& path,
                                           const std::vector<std::string>& names, Reader& reader) {
    std::vector<routing::RouteId> ids;
    std::set<std::string> seen;
    for (const std::string& name : names) {
        const auto at = std::find_if(raw.issuers.begin(), raw.issuers.end(),
                                     [&](const auto& issuer) { return issuer.value.route.name == name; });
        if (at == raw.issuers.end())
            reader.problem(path + ".routes", name + " is no issuer");
        else if (!seen.insert(name).second)
            reader.problem(path + ".routes", name + " is there twice");
        else if (at->value.route.retired && at->value.successor.empty())
            reader.problem(path + ".routes", name + " is retired and has no successor");
        else
            ids.push_back(at->value.route.id);
    }
    return ids;
}

/// Each alone, then with those before it: the later one of two that meet is the one to change.
void check_wallets(RawConfig& raw, Reader& reader) {
    if (raw.wallet_wire.code_tag == raw.wallet_wire.order_tag)
        reader.problem("wallet_wire.order_tag", "is the tag of the payment code too");
    // Whoever shows a message without knowing this file shows what is behind it (iso8583/tagged_text.hpp).
    if (raw.wallet_wire.code_tag == iso8583::order_number_tag_usual)
        reader.problem("wallet_wire.code_tag", "A4 is shown as an order number: another tag is needed");
    std::vector<routing::WalletRange> good;
    for (auto& [path, wallet] : raw.wallets) {
        wallet.range.routes = routes_named(raw, path, wallet.routes, reader);
        if (wallet.range.name == "card") reader.problem(path + ".name", "card is no wallet");
        if (reader.has_problem_under(path)) continue;
        good.push_back(wallet.range);
        if (auto table = routing::WalletTable::build(good); !table) {
            reader.problem(path + ".codes", table.error().what);
            good.pop_back();
        }
    }
}

void check_iins(RawConfig& raw, Reader& reader) {
    if (raw.iins.empty()) reader.problem("iin", "at least one [[iin]] is needed, else no card has a route");
    std::vector<routing::IinRange> good;
    bool all_good = true;
    for (auto& [path, iin] : raw.iins) {
        iin.range.routes = routes_named(raw, path, iin.routes, reader);
        if (reader.has_problem_under(path))
            all_good = false;
        else
            good.push_back(iin.range);
    }
    if (!all_good) return;
    // Only the first crossing pair is found at a time; the range that makes the table fail is the later of
    // the two.
    for (auto table = routing::IinTable::build(good); !table; table = routing::IinTable::build(good)) {
        std::size_t last = good.size();
        for (std::size_t n = 1; n <= good.size(); ++n)
            if (!routing::IinTable::build({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)})) {
                last = n;
                break;
            }
        const routing::IinRange culprit = good[last - 1];
        for (const auto& [path, iin] : raw.iins)
            if (iin.range.first == culprit.first && iin.range.last == culprit.last &&
                !reader.has_problem_under(path)) {
                if (&iin != &raw.iins.front().value) reader.problem(path + ".range", table.error().what);
            }
        good.erase(good.begin() + static_cast<std::ptrdiff_t>(last - 1));
    }
}

void check_merchants(RawConfig& raw, Reader& reader) {
    std::map<iso8583::MerchantId, std::string> seen;
    for (const auto& [path, merchant] : raw.merchants) {
        if (merchant.id.empty()) continue;
        const auto [at, added] = seen.emplace(merchant.id, path);
        if (!added) reader.problem(path + ".id", "is the merchant of " + at->second + " too");
    }
}

/// Eight digits, so that DE41 and the number are the same thing.
bool parse_terminal(const std::string& text, std::uint32_t& into) {
    if (text.size() != 8 || !iso8583::all_digits(text)) return false;
    std::from_chars(text.data(), text.data() + text.size(), into);
    return true;
}

void check_terminal_keys(const std::string& path, const TerminalRange& range, Reader& reader) {
    const auto needed = [&](const hsm::KeyBlock& key, const char* name) {
        if (key.empty() && !reader.has_problem_under(path + "." + name))
            reader.problem(path + "." + name,
                           "is needed for profile " + std::string(acquirer::name(range.profile)));
    };
    const auto foreign = [&](const hsm::KeyBlock& key, const char* name) {
        if (!key.empty())
            reader.problem(path + "." + name,
                           "does not belong to profile " + std::string(acquirer::name(range.profile)));
    };
    if (range.profile == Profile::unionpay_pos) {
        needed(range.tmk, "tmk");
        foreign(range.tak, "tak");
        foreign(range.tpk, "tpk");
    } else {
        needed(range.tak, "tak");
        needed(range.tpk, "tpk");
        foreign(range.tmk, "tmk");
    }
    if (!range.tak.empty() && range.tak.is_aes() != (range.mac.algorithm == hsm::MacAlgorithm::aes_cmac))
        reader.problem(path + ".tak", "its algorithm does not fit the MAC of this range");
}

/// ECB must be chosen by name, and only inside a channel that is said to be protected (docs/security.md).
void check_terminal_mac(const std::string& path, const TerminalRange& range, bool tls, Reader& reader) {
    const bool ecb = range.mac.algorithm == hsm::MacAlgorithm::unionpay_ecb;
    if (ecb && range.profile == Profile::iso87)
        reader.problem(path + ".mac", "ecb belongs to profile unionpay-pos; use \"retail\" or \"cmac\"");
    else if (ecb && !range.protected_channel && !tls)
        reader.problem(path + ".mac",
                       "ecb can be forged by who sees one message: it needs "
                       "listen.unionpay-pos-tls, or protected_channel = true");
    if (range.single_length_keys && (!ecb || range.profile == Profile::iso87))
        reader.problem(path + ".single_length_keys", "goes with mac = \"ecb\" of profile unionpay-pos alone");
}

void check_terminals(RawConfig& raw, Reader& reader) {
    std::set<std::string> merchants;
    for (const auto& [path, merchant] : raw.merchants) merchants.insert(merchant.id.str());
    std::vector<const Placed<RawTerminals>*> in_order;
    for (auto& placed : raw.terminals) {
        auto& [path, terminals] = placed;
        TerminalRange& range = terminals.range;
        for (const auto& [key, text, number] : {std::tuple("first", &terminals.first, &range.first),
                                                std::tuple("last", &terminals.last, &range.last)})
            if (!text->empty() && !parse_terminal(*text, *number))
                reader.problem(path + "." + key, "needs 8 digits");
        if (!terminals.merchant.empty()) {
            const auto id = iso8583::MerchantId::parse(terminals.merchant);
            if (!id || merchants.count(terminals.merchant) == 0)
                reader.problem(path + ".merchant", "names no [[merchant]]");
            else
                range.merchant = *id;
        }
        range.mac.algorithm = terminals.mac.value_or(hsm::MacAlgorithm::retail);
        if (!terminals.mac && range.profile == Profile::unionpay_pos &&
            !reader.has_problem_under(path + ".mac"))
            reader.problem(path + ".mac",
                           "is needed for profile unionpay-pos: \"ecb\" (with protected_channel = true), "
                           "\"retail\" or \"cmac\"");
        check_terminal_mac(path, range, !raw.listen.unionpay_tls.empty(), reader);
        check_terminal_keys(path, range, reader);
        if (reader.has_problem_under(path + ".first") || reader.has_problem_under(path + ".last")) continue;
        if (range.last < range.first)
            reader.problem(path + ".last", "is before first");
        else
            in_order.push_back(&placed);
    }
    std::stable_sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) {
        return a->value.range.first < b->value.range.first;
    });
    for (std::size_t i = 1; i < in_order.size(); ++i) {
        const auto& before = *in_order[i - 1];
        const auto& after = *in_order[i];
        if (after.value.range.first <= before.value.range.last)
            reader.problem(after.path + ".first", "terminals " + after.value.first + " to " +
                                                      after.value.last + " overlap " + before.path + " (" +
                                                      before.value.first + " to " + before.value.last + ")");
    }
}

void check_operators(const RawConfig& raw, Reader& reader) {
    std::set<std::int64_t> uids;
    std::set<std::string> names;
    for (const auto& [path, account] : raw.operators) {
        if (account.uid >= 0 && !uids.insert(account.uid).second)
            reader.problem(path + ".uid", "is another operator's too");
        if (!account.name.empty() && !names.insert(account.name).second)
            reader.problem(path + ".name", "is another operator's too");
        for (const TillOperator& at : account.terminal_operators)
            if (std::none_of(raw.merchants.begin(), raw.merchants.end(),
                             [&](const auto& m) { return m.value.id == at.merchant; }))
                reader.problem(path + ".terminal_operators",
                               "merchant " + at.merchant.str() + " is not configured");
    }
    if (raw.operators.empty() && !raw.top.demo)
        reader.problem("operator", "at least one [[operator]] is needed, else nobody may ask or decide");
}

}  // namespace

void check_sections(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    check_general(raw, around, reader);
    RawListen& listen = raw.listen;
    if (!around.listen_host.empty())
        for (std::optional<Endpoint>* at : {&listen.unionpay_pos, &listen.iso87_ascii, &listen.metrics})
            if (*at) (*at)->host = around.listen_host;
    check_terminal_dialect("listen.unionpay-pos-dialect", Profile::unionpay_pos, listen.unionpay_dialect,
                           listen.unionpay_table, around, reader);
    check_terminal_dialect("listen.iso87-ascii-dialect", Profile::iso87, listen.iso87_dialect,
                           listen.iso87_table, around, reader);
    check_limits(raw, reader);
    check_hsm(raw, reader);
    check_tls(raw, around, reader);
    check_store(raw, around, reader);
    check_issuers(raw, around, reader);
    check_iins(raw, reader);
    check_wallets(raw, reader);
    check_merchants(raw, reader);
    check_fees(raw, reader);
    check_terminals(raw, reader);
    check_operators(raw, reader);
    check_retention(raw, reader);
    if (raw.top.production) check_production(raw, reader);
}

}  // namespace acquirer::config
