// What the tests of host commands share: an HSM with the test LMK that can be asked one frame at a time, and
// clear test keys in every dress.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

namespace hsm::testing {

using iso8583::Bytes;
using iso8583::ByteView;

inline Bytes hex(std::string_view text) { return *iso8583::parse_hex(text); }

/// Remembers what the HSM said of itself.
struct Listener final : HsmObserver {
    std::vector<std::string> refusals;
    std::vector<std::string> operations;
    void refused(HsmFault fault, std::string_view why) override {
        refusals.push_back(code(fault) + " " + std::string(why));
    }
    void key_operated(const KeyOperation& o) override {
        operations.push_back(std::string(o.what) + " " + o.type + " " +
                             (o.refused ? "refused " + code(*o.refused) : o.kcv));
    }
};

struct Bench {
    std::int64_t now = 1'700'000'000;  // 2023-11-14 22:13:20 UTC
    Listener listener;
    SeededRandom random{9};
    HsmEngine engine;
    HostCommands commands;

    explicit Bench(HsmOptions options = {}, HostCommandOptions host = {})
        : engine(Lmk::test(), random, with(std::move(options), listener, now)),
          commands(engine, with_clock(std::move(host), now)) {}

    /// The answer after the header, which must be echoed.
    std::string ask(const std::string& command) {
        const auto answer = commands.execute("HEAD" + command);
        REQUIRE(answer.has_value());
        REQUIRE(answer->substr(0, 4) == "HEAD");
        return answer->substr(4);
    }

  private:
    static HsmOptions with(HsmOptions options, Listener& listener, std::int64_t& now) {
        options.observer = &listener;
        options.seconds_now = [&now] { return now; };
        return options;
    }
    static HostCommandOptions with_clock(HostCommandOptions host, std::int64_t& now) {
        host.seconds_now = [&now] { return now; };
        return host;
    }
};

inline HsmOptions authorised() {
    HsmOptions options;
    options.authorised = true;
    return options;
}
inline HsmOptions clear_tables() {
    HsmOptions options;
    options.decimalisation = Decimalisation::clear;
    return options;
}

/// A clear key as the engine keeps it.
inline std::string wrapped(std::string_view type, std::string_view clear, char scheme = 'U') {
    const Lmk lmk = Lmk::test();
    return lmk.wrap_variant(KeyType::parse(type).value(), ClearKey{ByteView(hex(clear))}, scheme);
}
inline std::string under(std::string_view kek, std::string_view clear, char scheme) {
    return wrap_under_key(ClearKey{ByteView(hex(kek))}, ClearKey{ByteView(hex(clear))}, scheme);
}
inline std::string pin_block(std::string_view key, std::string_view clear_block) {
    Bytes block = hex(clear_block);
    TdesCipher(hex(key)).encrypt_ecb(block);
    return iso8583::to_hex(block);
}
inline std::string kcv(std::string_view clear) {
    return iso8583::to_hex(ByteView(tdes_check_value(hex(clear))).first(3));
}

inline const std::string tak(test_keys::tak);
inline const std::string tpk(test_keys::tpk);
inline const std::string zpk(test_keys::zpk);
inline const std::string tmk(test_keys::tmk);
inline constexpr std::string_view clear_zmk = "A1A2A4A7A8ABADAEB0B3B5B6B9BABCBF";
inline constexpr std::string_view clear_tpk = "32323232323232324545454545454545";
inline constexpr std::string_view clear_pvk = "0123456789ABCDEFFEDCBA9876543210";

}  // namespace hsm::testing
