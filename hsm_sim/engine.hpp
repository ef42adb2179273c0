// The HSM's engine: every function that takes a key block under the LMK and gives back anything but a clear
// key. The switch embeds it; hsm-sim serves it over TCP.
//
// Ownership: owns its LMK and its keyed ciphers; the random source and the observer outlive it. Thread: one
// at a time; a server has one engine, or one per thread with state of its own. Errors: HsmFault, and a
// sentence without secrets to the observer for every refusal. Deterministic for a given random source.
// Source: docs/hsm.md.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hsm_sim/functions.hpp"
#include "hsm_sim/lmk.hpp"
#include "hsm_sim/pin_guard.hpp"
#include "hsm_sim/port.hpp"
#include "iso8583/values/random_source.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

/// Hears why the engine refused and which key operations it did. Never gets a key, a PIN or a PAN.
class HsmObserver {
  public:
    virtual ~HsmObserver() = default;
    /// What follows belongs to this host command.
    virtual void command_begun(std::string_view) {}
    virtual void refused(HsmFault fault, std::string_view why) = 0;
    /// Every key that was made, brought in or given out, and every such attempt that was refused.
    virtual void key_operated(const KeyOperation& operation) = 0;
};

struct HsmOptions {
    HsmObserver* observer = nullptr;  // none: nobody listens
    bool authorised = false;          // import, export and whole check values; opened by two officers
    /// New ZPKs and ZAKs may be handed over and taken in under a ZMK without officers, so that a key change
    /// by 0800 can happen at night. Keys that exist already are not exported by it.
    bool zone_key_exchange = false;
    Decimalisation decimalisation = Decimalisation::encrypted;
    std::vector<std::string> stored_decimalisation_tables;  // K0000 is the first
    PinBounds pin_bounds;                                   // failures, then fraud_detected
    PinCountStore* pin_counts = nullptr;                    // none: counts begin at zero with the process
    std::function<std::int64_t()> seconds_now = {};         // UTC; none: no failure is ever forgotten
};

class HsmEngine {
  public:
    HsmEngine(Lmk lmk, iso8583::RandomSource& random, HsmOptions options = {});
    ~HsmEngine();
    HsmEngine(HsmEngine&&) noexcept;
    HsmEngine& operator=(HsmEngine&&) noexcept;

    /// Known-answer tests of every algorithm. Nothing may be served before this has said yes.
    [[nodiscard]] iso8583::Result<void> self_test();

    /// What the switch asks (hsm_sim/port.hpp).
    [[nodiscard]] Reply perform(const Request& request);
    /// The same for each of many, in their order. What gains_together() is made together, at less cost each
    /// (docs/hsm.md).
    [[nodiscard]] std::vector<Reply> perform(std::span<const Request> requests);
    /// A retail MAC.
    [[nodiscard]] static bool gains_together(const Request& request);

    /// `scheme` and `attributes` say how the new key is kept (16H 'Z', 'U', 'T', 'S'), `carrier` under which
    /// key it is handed on (authorised state only).
    using Made = iso8583::Result<KeyMade, HsmFault>;
    [[nodiscard]] Made generate_key(KeyType type, char scheme,
                                    const std::optional<BlockAttributes>& attributes,
                                    const std::optional<KeyCarrier>& carrier);
    /// A key that came under a ZMK or TMK, in any scheme or as TR-31 block (B under TDES, D under AES).
    [[nodiscard]] Made import_key(KeyType type, const KeyCarrier& carrier, std::string_view key, char scheme);
    [[nodiscard]] Made export_key(KeyType type, const KeyCarrier& carrier, std::string_view key);
    /// HC (tpk) and HA (tak): a new working key under the TMK in plain ECB, of the TMK's length unless
    /// `bytes` says less.
    [[nodiscard]] Made working_key(KeyKind kind, std::string_view tmk, std::optional<char> scheme = {});
    /// All eight bytes; the caller shows three, or more in the authorised state.
    [[nodiscard]] iso8583::Result<std::array<std::uint8_t, 8>, HsmFault> check_value(
        KeyType type, std::string_view key) const;
    /// Bytes of a key text, 8 to 32; what BU compares its length flag with.
    [[nodiscard]] iso8583::Result<std::size_t, HsmFault> key_bytes(KeyType type, std::string_view key) const;

    /// What HsmOptions::pin_counts kept before this process. Errors: the line and what is wrong with it.
    [[nodiscard]] iso8583::Result<void> take_in_pin_counts(const std::vector<std::string>& lines);
    /// Whose commands follow, for the count of failed PINs by client; empty: nobody's.
    void serve_client(std::string_view client);

    /// Like perform(TranslatePin), with an account number of 12 digits and the PIN's length in the answer.
    [[nodiscard]] iso8583::Result<PinTranslation, HsmFault> translate_pin(const PinToVerify& source,
                                                                          std::string_view zpk,
                                                                          PinBlockFormat destination_format);
    [[nodiscard]] iso8583::Result<PinTranslation, HsmFault> translate_dukpt_pin(
        const TranslateDukptPin& request);
    /// Errors: verification_failed; fraud_detected when this account and key have failed too often.
    [[nodiscard]] iso8583::Result<void, HsmFault> verify_pin(const VerifyIbmPin& request);
    [[nodiscard]] iso8583::Result<void, HsmFault> verify_pin(const VerifyVisaPin& request);

    /// All bytes of a MAC: 8, or 16 for AES-CMAC.
    [[nodiscard]] iso8583::Result<iso8583::Bytes, HsmFault> mac(KeyType type, std::string_view key,
                                                                MacProfile profile, iso8583::ByteView data,
                                                                bool to_verify);
    [[nodiscard]] iso8583::Result<iso8583::Bytes, HsmFault> dukpt_mac(const DukptMac& request);
    /// In time that does not depend on where the difference is.
    [[nodiscard]] static bool same(iso8583::ByteView a, iso8583::ByteView b);
    void random_bytes(std::span<std::uint8_t> out);

    /// A decimalisation table as configuration carries it when `encrypted` is the rule.
    [[nodiscard]] iso8583::Result<std::string, HsmFault> encrypt_decimalisation_table(
        std::string_view digits) const;

    void set_authorised(bool authorised);
    [[nodiscard]] bool authorised() const;
    [[nodiscard]] const HsmOptions& options() const;
    [[nodiscard]] bool is_test_lmk() const;
    [[nodiscard]] std::array<std::uint8_t, 8> lmk_check_value() const;
    /// PINs that failed since the start, and how often a bound answered instead.
    [[nodiscard]] std::uint64_t pin_failures() const;
    [[nodiscard]] std::uint64_t pin_attacks() const;
    [[nodiscard]] std::size_t keys_cached() const;
    /// Wipes all keyed ciphers; the next use keys them again.
    void forget_keys();

  private:
    [[nodiscard]] Reply zone_key(const GenerateZoneKey& request);
    [[nodiscard]] Reply zone_key(const ImportZoneKey& request);

    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace hsm
