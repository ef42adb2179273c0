#include "hsm_sim/key_ring.hpp"

#include <algorithm>

namespace hsm {
namespace {

using iso8583::Result;

tl::unexpected<KeyFault> refuse(HsmFault fault, std::string why) {
    return tl::unexpected(KeyFault{fault, std::move(why)});
}

constexpr std::array<KeyKind, 8> all_kinds = {KeyKind::zmk, KeyKind::zpk, KeyKind::tmk, KeyKind::tpk,
                                              KeyKind::tak, KeyKind::zak, KeyKind::pvk, KeyKind::bdk};

/// A label block that names a kind binds the key to it; TR-31 usages alone do not tell a ZPK from a TPK.
bool label_allows(const KeyBlockHeader& header, KeyKind kind) {
    for (const auto& block : header.optional) {
        if (block.id != "LB") continue;
        for (const KeyKind other : all_kinds)
            if (block.data == name(other) && other != kind) return false;
    }
    return true;
}

std::string said(KeyKind kind) { return std::string(name(kind)); }

}  // namespace

std::string_view usual_usage(KeyKind kind, char algorithm) {
    switch (kind) {
        case KeyKind::zmk:
        case KeyKind::tmk:
            return "K0";
        case KeyKind::zpk:
        case KeyKind::tpk:
            return "P0";
        case KeyKind::tak:
        case KeyKind::zak:
            return algorithm == 'A' ? "M6" : "M3";
        case KeyKind::pvk:
            return "V2";
        case KeyKind::bdk:
            return "B0";
    }
    return "??";
}

bool usage_allowed(KeyKind kind, std::string_view usage) {
    switch (kind) {
        case KeyKind::zmk:
            return usage == "K0" || usage == "K1" || usage == "52";
        case KeyKind::tmk:
            return usage == "K0" || usage == "51";
        case KeyKind::zpk:
            return usage == "P0" || usage == "72";
        case KeyKind::tpk:
            return usage == "P0" || usage == "71";
        case KeyKind::tak:
        case KeyKind::zak:
            return usage == "M0" || usage == "M1" || usage == "M3" || usage == "M6";
        case KeyKind::pvk:
            return usage == "V0" || usage == "V1" || usage == "V2";
        case KeyKind::bdk:
            return usage == "B0";
    }
    return false;
}

std::vector<KeyKind> kinds_of(KeyType type) {
    std::vector<KeyKind> kinds;
    for (const KeyKind kind : all_kinds)
        if (KeyType::of(kind) == type) kinds.push_back(kind);
    return kinds;
}

namespace {

Result<UnwrappedLmkKey, KeyFault> unwrap_block(const Lmk& lmk, const std::vector<KeyKind>& kinds,
                                               std::string_view block, HsmFault parity,
                                               const std::string& wanted) {
    auto unwrapped = lmk.blocks().unwrap(block);
    if (!unwrapped) return refuse(unwrapped.error().fault, wanted + " block: " + unwrapped.error().what);
    const KeyBlockHeader& header = unwrapped->header;
    const auto use = [&](KeyKind kind) { return usage_allowed(kind, header.usage); };
    if (std::none_of(kinds.begin(), kinds.end(), use))
        return refuse(HsmFault::key_usage, wanted + " block has usage " + header.usage);
    const auto label = [&](KeyKind kind) { return label_allows(header, kind); };
    if (std::none_of(kinds.begin(), kinds.end(), label))
        return refuse(HsmFault::key_use, wanted + " wanted, the block's label names another kind");
    if (header.algorithm != 'A' && !has_odd_parity(unwrapped->key.view()))
        return refuse(parity, wanted + " block holds a key without odd parity");
    return UnwrappedLmkKey{unwrapped->key,
                           {header.algorithm, header.usage, header.mode, header.exportability}};
}

Result<UnwrappedLmkKey, KeyFault> unwrap_variant(const Lmk& lmk, KeyType type, std::string_view text,
                                                 HsmFault parity, const std::string& wanted) {
    const auto key = lmk.unwrap_variant(type, text);
    if (!key) return refuse(key.error(), wanted + ": the text is in no scheme of the variant LMK");
    if (!has_odd_parity(key->view()))
        return refuse(parity, wanted + ": no odd parity under LMK type " + type.text());
    if (is_single_length_masquerade(key->view()))
        return refuse(HsmFault::single_length_masquerade, wanted + ": its parts are equal");
    return UnwrappedLmkKey{*key, {key->size() == 8 ? 'D' : 'T', {}, 'N', 'E'}};
}

}  // namespace

Result<UnwrappedLmkKey, KeyFault> KeyRing::unwrap(KeyKind kind, std::string_view text,
                                                  HsmFault parity) const {
    if (!text.empty() && text[0] == 'S')
        return unwrap_block(lmk_, {kind}, text.substr(1), parity, said(kind));
    return unwrap_variant(lmk_, KeyType::of(kind), text, parity, said(kind));
}

Result<UnwrappedLmkKey, KeyFault> KeyRing::unwrap_typed(KeyType type, std::string_view text,
                                                        HsmFault parity) const {
    if (!text.empty() && text[0] == 'S')
        return unwrap_block(lmk_, kinds_of(type), text.substr(1), parity, "type " + type.text());
    return unwrap_variant(lmk_, type, text, parity, "type " + type.text());
}

Result<KeyRing::Keyed*, KeyFault> KeyRing::find(KeyKind kind, std::string_view text, HsmFault parity) {
    Shelf& shelf = shelves_.at(static_cast<std::size_t>(kind));
    const auto found = shelf.find(text);
    if (found != shelf.end()) {
        found_last_ = &found->second;
        return &found->second;
    }
    const auto unwrapped = unwrap(kind, text, parity);
    if (!unwrapped) return tl::unexpected(unwrapped.error());
    Keyed keyed;
    keyed.attributes = unwrapped->attributes;
    keyed.bytes = unwrapped->key.size();
    keyed.fingerprint = fingerprint_of(unwrapped->key.view(), unwrapped->attributes.algorithm == 'A');
    if (unwrapped->attributes.algorithm == 'A')
        keyed.aes = std::make_unique<AesCipher>(unwrapped->key.view());
    else
        keyed.tdes = std::make_shared<const TdesCipher>(unwrapped->key.view());
    if (order_.size() >= keys_cached_max) drop_oldest();
    order_.emplace_back(kind, std::string(text));
    Keyed* const kept = &shelf.emplace(std::string(text), std::move(keyed)).first->second;
    found_last_ = kept;
    return kept;
}

void KeyRing::drop_oldest() {
    const auto keyed_of = [this](const auto& entry) {
        Shelf& shelf = shelves_.at(static_cast<std::size_t>(entry.first));
        return shelf.find(entry.second);
    };
    // The key found just before is in use by the same operation; it goes to the end of the queue instead.
    if (&keyed_of(order_.front())->second == found_last_) {
        order_.push_back(std::move(order_.front()));
        order_.pop_front();
    }
    const auto oldest = keyed_of(order_.front());
    shelves_.at(static_cast<std::size_t>(order_.front().first)).erase(oldest);
    order_.pop_front();
}

Result<KeyBlock, KeyFault> KeyRing::wrap(KeyKind kind, const ClearKey& key, char scheme,
                                         KeyAttributes attributes, iso8583::RandomSource& random) const {
    if (attributes.usage.empty() && scheme == 'S') attributes.usage = usual_usage(kind, attributes.algorithm);
    auto text = wrap_labelled(KeyType::of(kind), {kind}, said(kind), {key, std::move(attributes)}, scheme,
                              "00", random);
    if (!text) return tl::unexpected(text.error());
    auto block = KeyBlock::parse(*text);
    if (!block) return refuse(HsmFault::key_scheme, "a key of this scheme is not kept under the LMK");
    return *block;
}

Result<std::string, KeyFault> KeyRing::wrap_typed(KeyType type, const UnwrappedLmkKey& key, char scheme,
                                                  const std::string& key_version,
                                                  iso8583::RandomSource& random) const {
    const auto kinds = kinds_of(type);
    return wrap_labelled(type, kinds, kinds.size() == 1 ? said(kinds.front()) : "", key, scheme, key_version,
                         random);
}

Result<std::string, KeyFault> KeyRing::wrap_labelled(KeyType type, const std::vector<KeyKind>& kinds,
                                                     const std::string& label, const UnwrappedLmkKey& key,
                                                     char scheme, const std::string& key_version,
                                                     iso8583::RandomSource& random) const {
    const KeyAttributes& attributes = key.attributes;
    if (scheme == 'S') {
        const auto use = [&](KeyKind kind) { return usage_allowed(kind, attributes.usage); };
        if (std::none_of(kinds.begin(), kinds.end(), use))
            return refuse(HsmFault::key_usage,
                          "a key of type " + type.text() + " may not have usage " + attributes.usage);
        KeyBlockHeader header;
        header.usage = attributes.usage;
        header.algorithm = attributes.algorithm;
        header.mode = attributes.mode;
        header.key_version = key_version;
        header.exportability = attributes.exportability;
        if (!label.empty()) header.optional.push_back({"LB", label});
        return 'S' + lmk_.blocks().wrap(header, key.key, random);
    }
    const std::size_t bytes = scheme == 'Z'                    ? 8
                              : scheme == 'U' || scheme == 'X' ? 16
                              : scheme == 'T'                  ? 24
                                                               : 0;
    if (bytes == 0) return refuse(HsmFault::key_scheme, "scheme is none of Z, U, T, X, S");
    if (attributes.algorithm == 'A') return refuse(HsmFault::key_scheme, "an AES key needs scheme S");
    if (!attributes.usage.empty())
        return refuse(HsmFault::key_scheme, "a key of a key block keeps its attributes; scheme S only");
    if (key.key.size() != bytes)
        return refuse(HsmFault::key_length, "the key's length does not fit the scheme");
    return lmk_.wrap_variant(type, key.key, scheme);
}

void KeyRing::forget_all() {
    for (Shelf& shelf : shelves_) shelf.clear();
    order_.clear();
    found_last_ = nullptr;
}

std::array<std::uint8_t, 8> tdes_check_value(iso8583::ByteView key) {
    Block8 block{};
    TdesCipher(key).encrypt(block);
    return block;
}

std::array<std::uint8_t, 5> aes_check_value(iso8583::ByteView key) {
    static constexpr Block16 zero{};
    const Block16 mac = AesCipher(key).cmac(zero);
    std::array<std::uint8_t, 5> out;
    std::copy_n(mac.begin(), out.size(), out.begin());
    return out;
}

std::array<std::uint8_t, 8> fingerprint_of(iso8583::ByteView key, bool is_aes) {
    if (!is_aes) return tdes_check_value(key);
    static constexpr Block16 zero{};
    const Block16 mac = AesCipher(key).cmac(zero);
    std::array<std::uint8_t, 8> out;
    std::copy_n(mac.begin(), out.size(), out.begin());
    return out;
}

}  // namespace hsm
