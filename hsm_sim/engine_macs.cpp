// The engine's MACs, one at a time and many together.
#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/mac.hpp"

namespace hsm {

using iso8583::ByteView;
using iso8583::Result;

namespace {

/// A MAC key of an S block is bound to its algorithm: M1 CBC (and the UnionPay MAC, which is one), M3 retail,
/// M6 CMAC.
bool usage_fits(std::string_view usage, MacAlgorithm algorithm) {
    if (usage.empty()) return algorithm != MacAlgorithm::aes_cmac;
    switch (algorithm) {
        case MacAlgorithm::unionpay_ecb:
        case MacAlgorithm::cbc:
            return usage == "M1" || usage == "M0";
        case MacAlgorithm::retail:
            return usage == "M3";
        case MacAlgorithm::aes_cmac:
            return usage == "M6";
    }
    return false;
}

Mac first_eight(const Block16& full) {
    Mac first;
    std::copy_n(full.begin(), first.size(), first.begin());
    return first;
}

}  // namespace

/// The cipher that makes a MAC of this profile, after all that a key may be refused for.
Answer<KeyRing::Keyed*> HsmEngine::Parts::mac_key(KeyKind kind, std::string_view key, MacProfile profile,
                                                  bool verify) {
    if (kind != KeyKind::tak && kind != KeyKind::zak)
        return refuse(HsmFault::key_use, "a " + std::string(name(kind)) + " makes no MACs");
    const auto found = keys.find(kind, key, HsmFault::source_key_parity);
    if (!found) return tl::unexpected(found.error());
    KeyRing::Keyed& keyed = **found;
    if (!mode_allows(keyed.attributes.mode, verify ? "CV" : "CG"))
        return refuse(HsmFault::key_usage, std::string("the MAC key's mode is ") + keyed.attributes.mode);
    if (!usage_fits(keyed.attributes.usage, profile.algorithm))
        return refuse(HsmFault::key_usage, "the MAC key is not for this algorithm");
    const bool aes = profile.algorithm == MacAlgorithm::aes_cmac;
    if (aes != (keyed.aes != nullptr))
        return refuse(HsmFault::key_usage, "the MAC algorithm and the key's algorithm differ");
    if (profile.algorithm == MacAlgorithm::retail && keyed.tdes->single())
        return refuse(HsmFault::key_length, "a retail MAC needs a double-length key");
    return &keyed;
}

Answer<Block16> HsmEngine::Parts::full_mac(KeyKind kind, std::string_view key, MacProfile profile,
                                           ByteView data, bool verify) {
    const auto keyed = mac_key(kind, key, profile, verify);
    if (!keyed) return tl::unexpected(keyed.error());
    if (profile.algorithm == MacAlgorithm::aes_cmac) return (*keyed)->aes->cmac(data);
    const TdesCipher& tdes = *(*keyed)->tdes;
    const Block8 mac = profile.algorithm == MacAlgorithm::unionpay_ecb ? unionpay_mac(tdes, data)
                       : profile.algorithm == MacAlgorithm::retail ? retail_mac(tdes, data, profile.padding)
                                                                   : cbc_mac(tdes, data, profile.padding);
    Block16 out{};
    std::copy(mac.begin(), mac.end(), out.begin());
    return out;
}

Result<iso8583::Bytes, HsmFault> HsmEngine::mac(KeyType type, std::string_view key, MacProfile profile,
                                                ByteView data, bool to_verify) {
    const auto kinds = kinds_of(type);
    if (kinds.size() != 1)
        return parts_->explain({HsmFault::key_use, "keys of type " + type.text() + " make no MACs"});
    const auto full = parts_->full_mac(kinds.front(), key, profile, data, to_verify);
    if (!full) return parts_->explain(full.error());
    const std::size_t bytes = profile.algorithm == MacAlgorithm::aes_cmac ? 16 : 8;
    return iso8583::Bytes(full->begin(), full->begin() + static_cast<std::ptrdiff_t>(bytes));
}

namespace {

Reply reply_to(const GenerateMac&, const Mac& made) { return MacGenerated{made}; }
Reply reply_to(const VerifyMac& asked, const Mac& made) {
    return MacVerified{equal_constant_time(made, asked.mac)};
}

constexpr bool verifies(const GenerateMac&) { return false; }
constexpr bool verifies(const VerifyMac&) { return true; }

/// Calls it with the GenerateMac or VerifyMac that a request is.
template <typename Do>
void with_mac(const Request& request, Do&& what) {
    if (const auto* verify = std::get_if<VerifyMac>(&request))
        what(*verify);
    else
        what(std::get<GenerateMac>(request));
}

}  // namespace

template <typename Asked>
Reply HsmEngine::Parts::perform_mac(const Asked& asked) {
    const auto full = full_mac(asked.kind, asked.key.text(), asked.profile, asked.data, verifies(asked));
    if (!full) return explain(full.error());
    return reply_to(asked, first_eight(*full));
}
template Reply HsmEngine::Parts::perform_mac(const GenerateMac& asked);
template Reply HsmEngine::Parts::perform_mac(const VerifyMac& asked);

// ---- many together

bool HsmEngine::gains_together(const Request& request) {
    const auto* verify = std::get_if<VerifyMac>(&request);
    const auto* generate = std::get_if<GenerateMac>(&request);
    const MacProfile* profile = verify != nullptr     ? &verify->profile
                                : generate != nullptr ? &generate->profile
                                                      : nullptr;
    return profile != nullptr && profile->algorithm == MacAlgorithm::retail;
}

std::vector<Reply> HsmEngine::perform(std::span<const Request> requests) {
    std::vector<Reply> replies(requests.size());
    std::vector<MacTask> tasks;
    std::vector<std::size_t> places;                      // of the tasks among the requests
    std::vector<std::shared_ptr<const TdesCipher>> held;  // the ring may let keys go meanwhile
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (!gains_together(requests[i])) {
            replies[i] = perform(requests[i]);
            continue;
        }
        with_mac(requests[i], [&](const auto& asked) {
            const auto keyed = parts_->mac_key(asked.kind, asked.key.text(), asked.profile, verifies(asked));
            if (!keyed) {
                replies[i] = parts_->explain(keyed.error());
                return;
            }
            held.push_back((*keyed)->tdes);
            tasks.push_back({held.back().get(), asked.data, asked.profile.padding, {}});
            places.push_back(i);
        });
    }
    retail_macs(tasks);
    for (std::size_t n = 0; n < tasks.size(); ++n)
        with_mac(requests[places[n]],
                 [&](const auto& asked) { replies[places[n]] = reply_to(asked, tasks[n].mac); });
    return replies;
}

}  // namespace hsm
