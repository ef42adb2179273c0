#include "hsm_sim/engine.hpp"

#include <cstring>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/stack_wipe.hpp"
#include "iso8583/values/overloaded.hpp"

namespace hsm {

using iso8583::ByteView;
using iso8583::Result;

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
        iso8583::Overloaded{[&](const GenerateMac& r) { return parts.perform_mac(r); },
                            [&](const VerifyMac& r) { return parts.perform_mac(r); },
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
