#include "hsm_sim/engine.hpp"

#include <cstring>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/mac.hpp"
#include "hsm_sim/stack_wipe.hpp"
#include "iso8583/values/overloaded.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

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

}  // namespace

std::array<std::uint8_t, 8> RandomPool::eight() {
    if (used_ + 8 > batch_bytes) {
        source_.fill(batch_);
        used_ = 0;
    }
    std::array<std::uint8_t, 8> out;
    std::memcpy(out.data(), &batch_[used_], 8);
    iso8583::zeroise(&batch_[used_], 8);
    used_ += 8;
    return out;
}

HsmEngine::HsmEngine(Lmk lmk, iso8583::RandomSource& random, HsmOptions options)
    : parts_(std::make_unique<Parts>(std::move(lmk), random, std::move(options))) {}
HsmEngine::~HsmEngine() = default;
HsmEngine::HsmEngine(HsmEngine&&) noexcept = default;
HsmEngine& HsmEngine::operator=(HsmEngine&&) noexcept = default;

bool HsmEngine::is_test_lmk() const { return parts_->keys.lmk().is_test(); }

Answer<Block16> HsmEngine::Parts::full_mac(KeyKind kind, std::string_view key, MacProfile profile,
                                           ByteView data, bool verify) {
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
    if (aes) return keyed.aes->cmac(data);
    if (profile.algorithm == MacAlgorithm::retail && keyed.tdes->single())
        return refuse(HsmFault::key_length, "a retail MAC needs a double-length key");
    const Block8 mac = profile.algorithm == MacAlgorithm::unionpay_ecb ? unionpay_mac(*keyed.tdes, data)
                       : profile.algorithm == MacAlgorithm::retail
                           ? retail_mac(*keyed.tdes, data, profile.padding)
                           : cbc_mac(*keyed.tdes, data, profile.padding);
    Block16 out{};
    std::copy(mac.begin(), mac.end(), out.begin());
    return out;
}

Answer<Mac> HsmEngine::Parts::mac(KeyKind kind, std::string_view key, MacProfile profile, ByteView data,
                                  bool verify) {
    const auto full = full_mac(kind, key, profile, data, verify);
    if (!full) return tl::unexpected(full.error());
    Mac first;
    std::copy_n(full->begin(), first.size(), first.begin());
    return first;
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

bool HsmEngine::same(ByteView a, ByteView b) { return equal_constant_time(a, b); }
void HsmEngine::random_bytes(std::span<std::uint8_t> out) { parts_->random.source().fill(out); }
void HsmEngine::set_authorised(bool authorised) { parts_->options.authorised = authorised; }
bool HsmEngine::authorised() const { return parts_->options.authorised; }
const HsmOptions& HsmEngine::options() const { return parts_->options; }
std::array<std::uint8_t, 8> HsmEngine::lmk_check_value() const { return parts_->keys.lmk().check_value(); }
std::uint64_t HsmEngine::pin_failures() const { return parts_->pin_guard.failures(); }
std::uint64_t HsmEngine::pin_attacks() const { return parts_->pin_guard.attacks(); }
Result<void> HsmEngine::take_in_pin_counts(const std::vector<std::string>& lines) {
    return parts_->pin_guard.take_in(lines);
}
void HsmEngine::serve_client(std::string_view client) { parts_->pin_guard.serve_client(client); }
std::size_t HsmEngine::keys_cached() const { return parts_->keys.cached(); }
void HsmEngine::forget_keys() { parts_->keys.forget_all(); }

Reply HsmEngine::perform(const Request& request) {
    Parts& parts = *parts_;
    return std::visit(
        iso8583::Overloaded{[&](const GenerateMac& r) -> Reply {
                                const auto mac = parts.mac(r.kind, r.key.text(), r.profile, r.data, false);
                                if (!mac) return parts.explain(mac.error());
                                return MacGenerated{*mac};
                            },
                            [&](const VerifyMac& r) -> Reply {
                                const auto mac = parts.mac(r.kind, r.key.text(), r.profile, r.data, true);
                                if (!mac) return parts.explain(mac.error());
                                return MacVerified{equal_constant_time(*mac, r.mac)};
                            },
                            [&](const TranslatePin& r) -> Reply {
                                if (r.pan.empty())
                                    return parts.explain({HsmFault::account_number,
                                                          "a PIN translation needs an account number"});
                                auto done = without_traces([&] {
                                    return parts.translate_pin(
                                        {r.source_kind, r.source.text(), r.source_format, r.pin_block},
                                        r.destination.text(), r.destination_format, PinAccount::of(r.pan));
                                });
                                if (!done) return parts.explain(done.error());
                                return PinTranslated{std::move(done->pin_block)};
                            },
                            [&](const GenerateTerminalKeys& r) -> Reply {
                                auto made = parts.terminal_keys(r);
                                if (!made)
                                    return parts.explain_operation("terminal key", "TMK", made.error());
                                return std::move(*made);
                            },
                            [&](const GenerateZoneKey& r) -> Reply { return zone_key(r); },
                            [&](const ImportZoneKey& r) -> Reply { return zone_key(r); },
                            [&](const CheckKey& r) -> Reply {
                                const auto check = check_value(KeyType::of(r.kind), r.key.text());
                                if (!check) return tl::unexpected(check.error());
                                KeyChecked out;
                                std::copy_n(check->begin(), out.kcv.size(), out.kcv.begin());
                                return out;
                            }},
        request);
}

}  // namespace hsm
