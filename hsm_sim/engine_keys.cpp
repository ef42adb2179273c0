// Keys in and out: generate, import, export, working keys for terminals, check values.
#include <algorithm>

#include "hsm_sim/engine_parts.hpp"

namespace hsm {
namespace {

// 30B: data keys of terminals, variant 3 of pair 32-33.
constexpr KeyType track_key_type{3, 16};
// A terminal's MAK for CMAC: AES-128.
constexpr std::size_t aes_mac_key_bytes = 16;

using iso8583::ByteView;
using iso8583::Result;

std::array<std::uint8_t, 8> check_value_of(const UnwrappedLmkKey& key) {
    if (key.attributes.algorithm != 'A') return tdes_check_value(key.key.view());
    static constexpr Block16 zero{};
    const Block16 mac = AesCipher(key.key.view()).cmac(zero);
    std::array<std::uint8_t, 8> out;
    std::copy_n(mac.begin(), out.size(), out.begin());
    return out;
}

std::size_t bytes_of_scheme(char scheme) {
    return scheme == 'Z' ? 8 : scheme == 'U' || scheme == 'X' ? 16 : scheme == 'T' || scheme == 'Y' ? 24 : 0;
}

/// Bits of strength, to compare a key with the key that shall carry it (SP 800-57 part 1, table 2).
int strength(const UnwrappedLmkKey& key) {
    if (key.attributes.algorithm == 'A') return static_cast<int>(key.key.size()) * 8;
    return key.key.size() == 8 ? 56 : key.key.size() == 16 ? 80 : 112;
}

/// Officers may move every key; a key change by 0800 only zone working keys, and only where it is switched
/// on.
bool may_exchange(const HsmOptions& options, KeyType type, const KeyCarrier& carrier) {
    const bool zone_key = type == KeyType::of(KeyKind::zpk) || type == KeyType::of(KeyKind::zak);
    return options.authorised || (options.zone_key_exchange && zone_key && carrier.kind == KeyKind::zmk);
}

char usual_mode(std::string_view usage) {
    if (usage.empty()) return 'N';
    if (usage[0] == 'M') return 'C';
    if (usage[0] == 'B') return 'X';
    if (usage[0] == 'V') return 'V';
    return 'B';
}

KeyBlockHeader header_of(const UnwrappedLmkKey& key, char version, KeyType type) {
    KeyBlockHeader header;
    header.version = version;
    const auto kinds = kinds_of(type);
    header.usage = !key.attributes.usage.empty() ? key.attributes.usage
                   : kinds.empty()               ? "D0"
                                   : std::string(usual_usage(kinds.front(), key.attributes.algorithm));
    header.algorithm = key.attributes.algorithm;
    header.mode = key.attributes.usage.empty() ? usual_mode(header.usage) : key.attributes.mode;
    header.exportability = key.attributes.exportability;
    return header;
}

}  // namespace

Answer<UnwrappedLmkKey> HsmEngine::Parts::master_key(std::string_view tmk) const {
    auto unwrapped = keys.unwrap(KeyKind::tmk, tmk, HsmFault::source_key_parity);
    if (!unwrapped) return tl::unexpected(unwrapped.error());
    if (unwrapped->attributes.algorithm == 'A')
        return refuse(HsmFault::key_use, "an AES TMK cannot carry TDES working keys in ECB");
    if (!mode_allows(unwrapped->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "the TMK's mode does not allow it to encrypt keys");
    return unwrapped;
}

ClearKey HsmEngine::Parts::new_tdes_key(std::size_t bytes) {
    for (;;) {
        ClearKey key(bytes);
        random.source().fill({key.data(), bytes});
        set_odd_parity({key.data(), bytes});
        if (!is_single_length_masquerade(key.view())) return key;
    }
}

Answer<WorkingKey> HsmEngine::Parts::working_key(KeyType type, const std::string& what, char scheme,
                                                 const ClearKey& tmk) {
    const std::size_t bytes = scheme == 'S' ? aes_mac_key_bytes : bytes_of_scheme(scheme);
    UnwrappedLmkKey key{new_tdes_key(bytes), {bytes == 8 ? 'D' : 'T', {}, 'N', 'E'}};
    if (scheme == 'S') {
        const std::string usage(usual_usage(KeyKind::tak, 'A'));
        key.attributes = {'A', usage, usual_mode(usage), 'N'};
    }
    const auto text = keys.wrap_typed(type, key, scheme, "00", random.source());
    if (!text) return tl::unexpected(text.error());
    const auto under_lmk = KeyBlock::parse(*text);
    ENSURE(under_lmk.has_value());
    WorkingKey out;
    out.under_lmk = *under_lmk;
    ClearKey under_tmk = key.key;
    TdesCipher(tmk.view()).encrypt_ecb({under_tmk.data(), under_tmk.size()});
    out.under_tmk.assign(under_tmk.view().begin(), under_tmk.view().end());
    const auto check = tdes_check_value(key.key.view());
    std::copy_n(check.begin(), out.kcv.size(), out.kcv.begin());
    operated("terminal key", what, check);
    return out;
}

Answer<TerminalKeysGenerated> HsmEngine::Parts::terminal_keys(const GenerateTerminalKeys& request) {
    const auto master = master_key(request.tmk.text());
    if (!master) return tl::unexpected(master.error());
    const std::size_t bytes = request.single_length ? 8 : 16;
    if (master->key.size() < bytes)
        return refuse(HsmFault::key_length, "a single-length TMK is weaker than the keys it would carry");
    TerminalKeysGenerated out;
    const bool single_mac = request.mac == MacAlgorithm::unionpay_ecb || request.mac == MacAlgorithm::cbc;
    if (request.single_length && !single_mac)
        return refuse(HsmFault::key_length, "this MAC algorithm needs a double-length MAK");
    const char scheme = request.single_length ? 'Z' : 'U';
    auto pin_key = working_key(KeyType::of(KeyKind::tpk), "TPK", scheme, master->key);
    if (!pin_key) return tl::unexpected(pin_key.error());
    out.pin_key = std::move(*pin_key);
    auto mac_key = working_key(KeyType::of(KeyKind::tak), "TAK",
                               request.mac == MacAlgorithm::aes_cmac ? 'S' : scheme, master->key);
    if (!mac_key) return tl::unexpected(mac_key.error());
    out.mac_key = std::move(*mac_key);
    if (request.with_track_key) {
        auto track_key = working_key(track_key_type, "TDK", scheme, master->key);
        if (!track_key) return tl::unexpected(track_key.error());
        out.track_key = std::move(*track_key);
    }
    return out;
}

HsmEngine::Made HsmEngine::working_key(KeyKind kind, std::string_view tmk, std::optional<char> scheme) {
    ENSURE(kind == KeyKind::tpk || kind == KeyKind::tak);
    const std::string what(name(kind));
    const auto master = parts_->master_key(tmk);
    if (!master) return parts_->explain_operation("terminal key", what, master.error());
    const std::size_t whole = master->key.size();
    const char wanted_scheme = scheme.value_or(whole == 8 ? 'Z' : whole == 16 ? 'U' : 'T');
    const std::size_t wanted = wanted_scheme == 'S' ? aes_mac_key_bytes : bytes_of_scheme(wanted_scheme);
    if (wanted > master->key.size())
        return parts_->explain_operation(
            "terminal key", what, {HsmFault::key_length, "the TMK is weaker than the key it would carry"});
    if (wanted_scheme == 'S' && kind != KeyKind::tak)
        return parts_->explain_operation(
            "terminal key", what, {HsmFault::key_scheme, "only a TAK leaves as a key block, for CMAC"});
    const auto made = parts_->working_key(KeyType::of(kind), what, wanted_scheme, master->key);
    if (!made) return parts_->explain_operation("terminal key", what, made.error());
    KeyMade out;
    out.under_lmk = made->under_lmk.text();
    out.under_carrier = (wanted == 8 ? "" : wanted == 16 ? "X" : "Y") + iso8583::to_hex(made->under_tmk);
    std::copy(made->kcv.begin(), made->kcv.end(), out.kcv.begin());
    return out;
}

/// The key as text under a ZMK or TMK.
Answer<std::string> HsmEngine::Parts::carry(const KeyCarrier& carrier, const UnwrappedLmkKey& key,
                                            KeyType type) {
    const auto kek = keys.unwrap(carrier.kind, carrier.key, HsmFault::source_key_parity);
    if (!kek) return tl::unexpected(kek.error());
    if (!mode_allows(kek->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "the carrying key's mode does not allow it to encrypt keys");
    if (key.attributes.exportability == 'N')
        return refuse(HsmFault::function_not_permitted,
                      "the key block says that the key may not be exported");
    if (strength(*kek) < strength(key))
        return refuse(HsmFault::key_length, "the carrying key is weaker than the key");
    const bool aes_kek = kek->attributes.algorithm == 'A';
    if (carrier.scheme == 'S' || carrier.scheme == 'R') {
        if (!aes_kek && kek->key.size() == 8)
            return refuse(HsmFault::key_length,
                          "a TR-31 block needs a double- or triple-length TDES key, or AES");
        const auto protection =
            aes_kek ? KeyBlockProtection::aes(kek->key.view()) : KeyBlockProtection::tdes(kek->key.view());
        return carrier.scheme +
               protection.wrap(header_of(key, protection.version(), type), key.key, random.source());
    }
    if (aes_kek || key.attributes.algorithm == 'A')
        return refuse(HsmFault::key_scheme, "AES keys travel only as key blocks");
    if (bytes_of_scheme(carrier.scheme) != key.key.size())
        return refuse(HsmFault::key_scheme,
                      "the scheme under the carrying key does not fit the key's length");
    return wrap_under_key(kek->key, key.key, carrier.scheme);
}

Answer<KeyMade> HsmEngine::Parts::generate(KeyType type, char scheme,
                                           const std::optional<BlockAttributes>& attributes,
                                           const std::optional<KeyCarrier>& carrier) {
    // Working keys go to terminals without officers, as HA and HC hand them out; the track key has no command
    // of its own.
    const bool for_terminal = carrier && carrier->kind == KeyKind::tmk && type == track_key_type;
    if (carrier && !for_terminal && !may_exchange(options, type, *carrier))
        return refuse(HsmFault::not_authorised,
                      "a new key leaves under a carrying key only in the authorised state");
    UnwrappedLmkKey made;
    std::string key_version = "00";
    if (scheme == 'S') {
        const auto kinds = kinds_of(type);
        if (kinds.empty() || (!attributes && kinds.size() > 1))
            return refuse(HsmFault::key_scheme, "type " + type.text() +
                                                    " stands for no kind or for several; a key block "
                                                    "needs attributes to tell which");
        BlockAttributes wanted = attributes.value_or(BlockAttributes{});
        if (!attributes) {
            wanted.usage = usual_usage(kinds.front(), 'A');
            wanted.mode = usual_mode(wanted.usage);
        }
        made.attributes = {wanted.algorithm, wanted.usage, wanted.mode, wanted.exportability};
        if (wanted.algorithm == 'A') {
            made.key = ClearKey(wanted.key_bytes);
            random.source().fill({made.key.data(), made.key.size()});
        } else {
            made.key = new_tdes_key(wanted.key_bytes);
        }
        key_version = wanted.key_version;
    } else {
        const std::size_t bytes = scheme == 'X' ? 0 : bytes_of_scheme(scheme);
        if (bytes == 0 || scheme == 'Y')
            return refuse(HsmFault::key_scheme, std::string("scheme ") + scheme + " is none of Z, U, T, S");
        made.key = new_tdes_key(bytes);
        made.attributes = {bytes == 8 ? 'D' : 'T', {}, 'N', 'E'};
    }
    KeyMade out;
    out.kcv = check_value_of(made);
    auto text = keys.wrap_typed(type, made, scheme, key_version, random.source());
    if (!text) return tl::unexpected(text.error());
    out.under_lmk = std::move(*text);
    if (carrier) {
        auto carried = carry(*carrier, made, type);
        if (!carried) return tl::unexpected(carried.error());
        out.under_carrier = std::move(*carried);
    }
    return out;
}

HsmEngine::Made HsmEngine::generate_key(KeyType type, char scheme,
                                        const std::optional<BlockAttributes>& attributes,
                                        const std::optional<KeyCarrier>& carrier) {
    auto made = parts_->generate(type, scheme, attributes, carrier);
    if (!made) return parts_->explain_operation("generate", type.text(), made.error());
    parts_->operated(carrier ? "generate and export" : "generate", type.text(), made->kcv);
    return std::move(*made);
}

Answer<KeyMade> HsmEngine::Parts::import(KeyType type, const KeyCarrier& carrier, std::string_view key,
                                         char scheme) {
    if (!may_exchange(options, type, carrier))
        return refuse(HsmFault::not_authorised, "import needs the authorised state");
    const auto kek = keys.unwrap(carrier.kind, carrier.key, HsmFault::source_key_parity);
    if (!kek) return tl::unexpected(kek.error());
    if (!mode_allows(kek->attributes.mode, "BD"))
        return refuse(HsmFault::key_usage, "the carrying key's mode does not allow it to decrypt keys");
    const bool aes_kek = kek->attributes.algorithm == 'A';
    UnwrappedLmkKey made;
    if (!key.empty() && (key[0] == 'S' || key[0] == 'R')) {
        if (!aes_kek && kek->key.size() == 8)
            return refuse(HsmFault::key_length,
                          "a TR-31 block needs a double- or triple-length TDES key, or AES");
        const auto protection =
            aes_kek ? KeyBlockProtection::aes(kek->key.view()) : KeyBlockProtection::tdes(kek->key.view());
        auto unwrapped = protection.unwrap(key.substr(1));
        if (!unwrapped)
            return refuse(unwrapped.error().fault, "key block under the ZMK: " + unwrapped.error().what);
        const auto kinds = kinds_of(type);
        if (std::none_of(kinds.begin(), kinds.end(),
                         [&](KeyKind kind) { return usage_allowed(kind, unwrapped->header.usage); }))
            return refuse(HsmFault::key_usage, "key block of usage " + unwrapped->header.usage +
                                                   " is no key of type " + type.text());
        made.attributes = {unwrapped->header.algorithm, unwrapped->header.usage, unwrapped->header.mode,
                           unwrapped->header.exportability};
        made.key = unwrapped->key;
    } else {
        if (aes_kek) return refuse(HsmFault::key_scheme, "under an AES key only key blocks travel");
        auto clear = unwrap_under_key(kek->key, key);
        if (!clear) return refuse(clear.error(), "the key under the ZMK is in no known scheme");
        made.key = *clear;
        made.attributes = {made.key.size() == 8 ? 'D' : 'T', {}, 'N', 'E'};
    }
    if (made.attributes.algorithm != 'A' && !has_odd_parity(made.key.view()))
        return refuse(HsmFault::destination_key_parity, "the key under the ZMK has no odd parity");
    if (made.attributes.algorithm != 'A' && is_single_length_masquerade(made.key.view()))
        return refuse(HsmFault::single_length_masquerade, "the parts of the key under the ZMK are equal");
    if (scheme == 'S' && made.attributes.usage.empty()) {
        const auto kinds = kinds_of(type);
        if (kinds.size() != 1)
            return refuse(HsmFault::key_scheme,
                          "type " + type.text() + " is not one kind of key; not as key block");
        made.attributes.usage = usual_usage(kinds.front(), made.attributes.algorithm);
        made.attributes.mode = usual_mode(made.attributes.usage);
    }
    KeyMade out;
    out.kcv = check_value_of(made);
    auto text = keys.wrap_typed(type, made, scheme, "00", random.source());
    if (!text) return tl::unexpected(text.error());
    out.under_lmk = std::move(*text);
    return out;
}

HsmEngine::Made HsmEngine::import_key(KeyType type, const KeyCarrier& carrier, std::string_view key,
                                      char scheme) {
    auto made = parts_->import(type, carrier, key, scheme);
    if (!made) return parts_->explain_operation("import", type.text(), made.error());
    parts_->operated("import", type.text(), made->kcv);
    return std::move(*made);
}

Answer<KeyMade> HsmEngine::Parts::carry_out(KeyType type, const KeyCarrier& carrier, std::string_view key) {
    if (!options.authorised) return refuse(HsmFault::not_authorised, "export needs the authorised state");
    const auto unwrapped = keys.unwrap_typed(type, key, HsmFault::destination_key_parity);
    if (!unwrapped) return tl::unexpected(unwrapped.error());
    auto carried = carry(carrier, *unwrapped, type);
    if (!carried) return tl::unexpected(carried.error());
    KeyMade out;
    out.kcv = check_value_of(*unwrapped);
    out.under_carrier = std::move(*carried);
    return out;
}

namespace {

/// The scheme under the LMK that fits a key text under a ZMK.
char scheme_under_lmk(std::string_view under_zmk) {
    if (under_zmk.empty()) return 'Z';
    switch (under_zmk[0]) {
        case 'R':
        case 'S':
            return 'S';
        case 'T':
        case 'Y':
            return 'T';
        case 'U':
        case 'X':
            return 'U';
        default:
            return under_zmk.size() == 16 ? 'Z' : under_zmk.size() == 32 ? 'U' : 'T';
    }
}

Reply zone_key_reply(const HsmEngine::Made& made) {
    if (!made) return tl::unexpected(made.error());
    auto block = KeyBlock::parse(made->under_lmk);
    ENSURE(block.has_value());
    ZoneKey out;
    out.under_lmk = *block;
    out.under_zmk = made->under_carrier;
    std::copy_n(made->kcv.begin(), out.kcv.size(), out.kcv.begin());
    return out;
}

bool is_zone_kind(KeyKind kind) { return kind == KeyKind::zpk || kind == KeyKind::zak; }

}  // namespace

Reply HsmEngine::zone_key(const GenerateZoneKey& request) {
    if (!is_zone_kind(request.kind))
        return parts_->explain({HsmFault::key_use, "only ZPKs and ZAKs are changed by 0800"});
    const std::string& zmk = request.zmk.text();
    const bool blocks = !zmk.empty() && zmk[0] == 'S';
    return zone_key_reply(generate_key(KeyType::of(request.kind), blocks ? 'S' : 'U', std::nullopt,
                                       KeyCarrier{KeyKind::zmk, zmk, blocks ? 'R' : 'X'}));
}

Reply HsmEngine::zone_key(const ImportZoneKey& request) {
    if (!is_zone_kind(request.kind))
        return parts_->explain({HsmFault::key_use, "only ZPKs and ZAKs are changed by 0800"});
    return zone_key_reply(import_key(KeyType::of(request.kind),
                                     KeyCarrier{KeyKind::zmk, request.zmk.text(), 'X'}, request.under_zmk,
                                     scheme_under_lmk(request.under_zmk)));
}

HsmEngine::Made HsmEngine::export_key(KeyType type, const KeyCarrier& carrier, std::string_view key) {
    auto made = parts_->carry_out(type, carrier, key);
    if (!made) return parts_->explain_operation("export", type.text(), made.error());
    parts_->operated("export", type.text(), made->kcv);
    return std::move(*made);
}

Result<std::array<std::uint8_t, 8>, HsmFault> HsmEngine::check_value(KeyType type,
                                                                     std::string_view key) const {
    const auto unwrapped = parts_->keys.unwrap_typed(type, key, HsmFault::source_key_parity);
    if (!unwrapped) return parts_->explain(unwrapped.error());
    return check_value_of(*unwrapped);
}

Result<std::size_t, HsmFault> HsmEngine::key_bytes(KeyType type, std::string_view key) const {
    const auto unwrapped = parts_->keys.unwrap_typed(type, key, HsmFault::source_key_parity);
    if (!unwrapped) return parts_->explain(unwrapped.error());
    return unwrapped->key.size();
}

}  // namespace hsm
