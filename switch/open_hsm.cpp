#include "switch/open_hsm.hpp"

#include <filesystem>
#include <utility>

#include "hsm_sim/lmk_file.hpp"
#include "iso8583/values/bytes.hpp"
#include "switch/io/embedded_hsm.hpp"
#include "switch/io/hsm_client.hpp"
#include "switch/lmk_key_encryption.hpp"
#include "switch/shell_setup_of.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr const char* demo_key_file_name = "vault-kek.hex";
constexpr std::size_t lmk_file_bytes_max = std::size_t{64} * 1024;

/// Tells the log what the embedded HSM refused, and why; it never gets a secret.
class HsmLog final : public hsm::HsmObserver {
  public:
    HsmLog(Log& log, WallClock& clock) : log_(log), clock_(clock) {}
    void refused(hsm::HsmFault fault, std::string_view why) override {
        log_.stranger_line("hsm_refused", "hsm", {{"code", hsm::code(fault)}, {"detail", why}}, clock_.now());
    }
    // The switch asks for nothing but terminals' working keys; sign-ons have notes of their own.
    void key_operated(const hsm::KeyOperation&) override {}

  private:
    Log& log_;
    WallClock& clock_;
};

Result<hsm::Lmk> open_lmk_of(const LoadedConfig& config, const KeyFiles& files) {
    if (config.hsm.lmk == "test") return hsm::Lmk::test();
    if (files.lmk.empty())
        return parse_error("the LMK in " + config.hsm.lmk +
                           " is sealed: --lmk-key-file names the key that opens it");
    const auto text = hsm::read_secret_file(config.hsm.lmk, lmk_file_bytes_max);
    if (!text) return tl::unexpected(text.error());
    const auto sealed = hsm::SealedLmk::parse(*text);
    if (!sealed) return parse_error(config.hsm.lmk + ": " + sealed.error().what);
    const auto key_text = hsm::read_secret_file(files.lmk, lmk_file_bytes_max);
    if (!key_text) return tl::unexpected(key_text.error());
    const auto key = hsm::parse_lmk_component(key_text->substr(0, key_text->find('\n')));
    if (!key) return parse_error(files.lmk + ": " + key.error().what);
    const auto material = hsm::open_lmk(*sealed, *key);
    if (!material) return parse_error(config.hsm.lmk + ": " + material.error().what);
    return hsm::Lmk(*material);
}

Result<OpenedHsm> open_embedded(const LoadedConfig& config, const KeyFiles& files, hsm::OpensslRandom& random,
                                Log& log, WallClock& clock) {
    auto lmk = open_lmk_of(config, files);
    if (!lmk) return tl::unexpected(lmk.error());
    auto sealing_lmk = open_lmk_of(config, files);
    if (!sealing_lmk) return tl::unexpected(sealing_lmk.error());
    auto audit_lmk = open_lmk_of(config, files);
    if (!audit_lmk) return tl::unexpected(audit_lmk.error());
    OpenedHsm out;
    out.observer = std::make_unique<HsmLog>(log, clock);
    hsm::HsmOptions options;
    options.observer = out.observer.get();
    options.zone_key_exchange = config.hsm.zone_key_exchange;
    options.seconds_now = [&clock] { return clock.now().utc.ms / 1000; };
    out.engine = std::make_unique<hsm::HsmEngine>(std::move(*lmk), random, options);
    if (const auto tested = out.engine->self_test(); !tested) return tl::unexpected(tested.error());
    out.access = std::make_unique<EmbeddedHsm>(*out.engine);
    out.vault_kek = std::make_unique<LmkKeyEncryption>(std::move(*sealing_lmk), random);
    out.audit_kek =
        std::make_unique<LmkKeyEncryption>(std::move(*audit_lmk), random, LmkKeyEncryption::Use::hmac);
    return out;
}

Result<std::unique_ptr<ledger::KeyEncryption>> key_file_of(const LoadedConfig& config, const KeyFiles& files,
                                                           const std::string& data,
                                                           hsm::OpensslRandom& random) {
    std::string path = files.vault;
    if (path.empty() && !config.configuration->demo)
        return parse_error(
            "with an HSM over TCP the vault key is sealed under a key file: --vault-key-file names it");
    if (path.empty()) path = data + "/" + demo_key_file_name;
    auto kek = std::filesystem::exists(path) || !config.configuration->demo
                   ? ledger::KeyFileKek::load(path)
                   : ledger::KeyFileKek::create(path, random);
    if (!kek) return tl::unexpected(kek.error());
    return std::make_unique<ledger::KeyFileKek>(std::move(*kek));
}

}  // namespace

Result<OpenedHsm> open_hsm(const LoadedConfig& config, const TlsContexts& tls, const KeyFiles& files,
                           const std::string& data, Reactor& reactor, Log& log, WallClock& clock,
                           hsm::OpensslRandom& random) {
    if (config.hsm.embedded) return open_embedded(config, files, random, log, clock);
    auto kek = key_file_of(config, files, data, random);
    if (!kek) return tl::unexpected(kek.error());
    auto audit_kek = key_file_of(config, files, data, random);
    if (!audit_kek) return tl::unexpected(audit_kek.error());
    OpenedHsm out;
    HsmClientSetup setup = hsm_client_setup_of(config);
    (config.production ? setup.refused_lmk : setup.warned_lmk) =
        iso8583::to_hex(hsm::Lmk::test().check_value());
    tls.put_into(setup, config);
    out.access = std::make_unique<HsmClient>(reactor, log, clock, std::move(setup));
    out.vault_kek = std::move(*kek);
    out.audit_kek = std::move(*audit_kek);
    return out;
}

}  // namespace acquirer
