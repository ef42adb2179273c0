#include "bench/hsm_bench.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "bench/hsm_bench_loopback.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/pin_block.hpp"
#include "hsm_sim/test_keys.hpp"
#include "hsm_sim/unionpay_fold.hpp"
#include "iso8583/values/ensure.hpp"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using iso8583::Bytes;
using iso8583::ByteView;

Bytes hex(std::string_view text) {
    auto bytes = iso8583::parse_hex(text);
    ENSURE(bytes.has_value());
    return *bytes;
}

/// One pass of a cipher through a context of its own, as code without a cache does it.
Bytes through_fresh_context(const EVP_CIPHER* cipher, const Bytes& key, ByteView in, bool encrypt) {
    static constexpr std::array<std::uint8_t, 16> zero_iv{};
    Bytes out(in.size() + 16);
    int size = 0;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    ENSURE(EVP_CipherInit_ex(context, cipher, nullptr, key.data(), zero_iv.data(), encrypt ? 1 : 0) == 1);
    EVP_CIPHER_CTX_set_padding(context, 0);
    ENSURE(EVP_CipherUpdate(context, out.data(), &size, in.data(), static_cast<int>(in.size())) == 1);
    EVP_CIPHER_CTX_free(context);
    out.resize(in.size());
    return out;
}

/// DES and two-key TDES as three-key TDES, which is what OpenSSL's default provider has.
Bytes three_keys(const Bytes& first, const Bytes& second, const Bytes& third) {
    Bytes out = first;
    out.insert(out.end(), second.begin(), second.end());
    out.insert(out.end(), third.begin(), third.end());
    return out;
}

struct Keys {
    Bytes first;
    Bytes second;
    Bytes whole;  // first, second, first

    explicit Keys(std::string_view text) {
        const Bytes both = hex(text);
        first.assign(both.begin(), both.begin() + 8);
        second.assign(both.begin() + 8, both.end());
        whole = three_keys(first, second, first);
    }
};

hsm::Mac naive_retail(const Keys& keys, const Bytes& data) {
    const Bytes chained =
        through_fresh_context(EVP_des_ede3_cbc(), three_keys(keys.first, keys.first, keys.first), data, true);
    const ByteView last = ByteView(chained).last(8);
    const Bytes undone = through_fresh_context(
        EVP_des_ede3_ecb(), three_keys(keys.second, keys.second, keys.second), last, false);
    const Bytes done = through_fresh_context(EVP_des_ede3_ecb(),
                                             three_keys(keys.first, keys.first, keys.first), undone, true);
    hsm::Mac mac{};
    std::copy(done.begin(), done.end(), mac.begin());
    return mac;
}

hsm::Mac naive_cmac(const Bytes& key, const Bytes& data) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "CMAC", nullptr);
    EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
    std::array<char, 12> cipher = {"AES-128-CBC"};
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("cipher", cipher.data(), 0),
                                 OSSL_PARAM_construct_end()};
    std::array<std::uint8_t, 16> out{};
    std::size_t size = 0;
    ENSURE(EVP_MAC_init(context, key.data(), key.size(), params) == 1);
    ENSURE(EVP_MAC_update(context, data.data(), data.size()) == 1);
    ENSURE(EVP_MAC_final(context, out.data(), &size, out.size()) == 1);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    hsm::Mac first{};
    std::copy_n(out.begin(), first.size(), first.begin());
    return first;
}

hsm::Mac naive_unionpay(const Keys& keys, const Bytes& data) {
    const auto folded = hsm::unionpay_fold(data);
    Bytes block = through_fresh_context(EVP_des_ede3_ecb(), keys.whole, ByteView(folded).first(8), true);
    for (std::size_t i = 0; i < 8; ++i) block[i] = static_cast<std::uint8_t>(block[i] ^ folded[8 + i]);
    block = through_fresh_context(EVP_des_ede3_ecb(), keys.whole, block, true);
    const std::string text = iso8583::to_hex(ByteView(block).first(4));
    hsm::Mac mac{};
    std::copy(text.begin(), text.end(), mac.begin());
    return mac;
}

/// TDES format 0 to AES format 4; the random half makes every result different, so its PIN is what is
/// compared.
Bytes naive_translation(const Keys& tpk, const Bytes& zpk, const Bytes& block, const iso8583::Pan& pan) {
    const Bytes clear = through_fresh_context(EVP_des_ede3_ecb(), tpk.whole, block, false);
    std::array<std::uint8_t, 8> clear8;
    std::copy(clear.begin(), clear.end(), clear8.begin());
    const auto account = hsm::PinAccount::of(pan);
    const auto pin = hsm::decode_pin_block(hsm::PinBlockFormat::iso0, clear8, account);
    ENSURE(pin.has_value());
    std::array<std::uint8_t, 8> random;
    ENSURE(RAND_bytes(random.data(), 8) == 1);
    const auto field = hsm::encode_pin_field4(*pin, random);
    Bytes inner = through_fresh_context(EVP_aes_128_ecb(), zpk, field, true);
    const auto pan_field = account.field16();
    for (std::size_t i = 0; i < 16; ++i) inner[i] = static_cast<std::uint8_t>(inner[i] ^ pan_field[i]);
    return through_fresh_context(EVP_aes_128_ecb(), zpk, inner, true);
}

struct Measured {
    std::string name;
    double naive_ns = 0;
    double cached_ns = 0;
    double ratio_max = 0;
    [[nodiscard]] double ratio() const { return cached_ns / naive_ns; }
};

/// One round: as many operations as fit into the time.
double round_ns(const std::function<void()>& operation, std::uint32_t round_ms) {
    static constexpr int batch = 64;
    const auto from = Clock::now();
    const auto until = from + std::chrono::milliseconds(round_ms);
    std::uint64_t operations = 0;
    auto now = from;
    while (now < until) {
        for (int i = 0; i < batch; ++i) operation();
        operations += batch;
        now = Clock::now();
    }
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - from).count();
    return static_cast<double>(ns) / static_cast<double>(operations);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Measured measure(std::string name, double ratio_max, const HsmBenchOptions& options,
                 const std::function<void()>& naive, const std::function<void()>& cached) {
    std::vector<double> naive_ns;
    std::vector<double> cached_ns;
    // In turn, so that a slow moment of the machine hits both.
    for (std::uint32_t i = 0; i < options.rounds; ++i) {
        naive_ns.push_back(round_ns(naive, options.round_ms));
        cached_ns.push_back(round_ns(cached, options.round_ms));
    }
    return {std::move(name), median(naive_ns), median(cached_ns), ratio_max};
}

hsm::KeyBlock block(std::string_view text) { return *hsm::KeyBlock::parse(text); }

hsm::Mac mac_of(hsm::HsmEngine& engine, const hsm::Request& request) {
    const auto reply = engine.perform(request);
    ENSURE(reply.has_value());
    return std::get<hsm::MacGenerated>(*reply).mac;
}

/// A MAC both ways; the two must agree before anything is timed.
Measured measure_mac(std::string name, double ratio_max, const HsmBenchOptions& options,
                     hsm::HsmEngine& engine, const hsm::GenerateMac& question,
                     const std::function<hsm::Mac(const Bytes&)>& naive) {
    const hsm::Request request = question;
    ENSURE(mac_of(engine, request) == naive(question.data));
    hsm::Mac kept{};
    auto measured = measure(
        std::move(name), ratio_max, options, [&] { kept = naive(question.data); },
        [&] { kept = mac_of(engine, request); });
    ENSURE(kept == naive(question.data));
    return measured;
}

constexpr std::size_t retail_macs_together = 64;

std::vector<Measured> measure_engine(const HsmBenchOptions& options) {
    hsm::OpensslRandom random;
    hsm::HsmEngine engine(hsm::Lmk::test(), random);
    Bytes data(options.message_bytes);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(7 * i);
    const Keys tak("10101010101010102323232323232323");
    const Keys tpk("32323232323232324545454545454545");
    const Bytes aes_zak = hex("000102030405060708090A0B0C0D0E0F");
    const Bytes aes_zpk = hex("101112131415161718191A1B1C1D1E1F");
    using hsm::KeyKind;
    using hsm::MacAlgorithm;
    std::vector<Measured> out;
    out.push_back(measure_mac("retail_mac", 0.45, options, engine,
                              {KeyKind::tak, block(hsm::test_keys::tak), {MacAlgorithm::retail, {}}, data},
                              [&](const Bytes& d) { return naive_retail(tak, d); }));
    out.push_back(
        measure_mac("aes_cmac", 0.25, options, engine,
                    {KeyKind::zak, block(hsm::test_keys::aes_zak), {MacAlgorithm::aes_cmac, {}}, data},
                    [&](const Bytes& d) { return naive_cmac(aes_zak, d); }));
    out.push_back(
        measure_mac("unionpay_mac", 0.60, options, engine,
                    {KeyKind::tak, block(hsm::test_keys::tak), {MacAlgorithm::unionpay_ecb, {}}, data},
                    [&](const Bytes& d) { return naive_unionpay(tak, d); }));

    // What waits in a drive under load, in one go against one after another.
    const std::vector<hsm::Request> waiting(
        retail_macs_together,
        hsm::GenerateMac{KeyKind::tak, block(hsm::test_keys::tak), {MacAlgorithm::retail, {}}, data});
    out.push_back(measure(
        "retail_macs_64", 0.60, options,
        [&] {
            for (const hsm::Request& request : waiting) ENSURE(engine.perform(request).has_value());
        },
        [&] { ENSURE(engine.perform(waiting).size() == waiting.size()); }));

    const auto pan = *iso8583::Pan::parse("4111111111111111");
    const Bytes under_tpk =
        through_fresh_context(EVP_des_ede3_ecb(), tpk.whole, hex("041225EEEEEEEEEE"), true);
    const hsm::Request translation = hsm::TranslatePin{KeyKind::tpk,
                                                       block(hsm::test_keys::tpk),
                                                       block(hsm::test_keys::aes_zpk),
                                                       hsm::PinBlockFormat::iso0,
                                                       hsm::PinBlockFormat::iso4,
                                                       under_tpk,
                                                       pan};
    out.push_back(measure(
        "pin_translation", 0.40, options, [&] { (void)naive_translation(tpk, aes_zpk, under_tpk, pan); },
        [&] { ENSURE(engine.perform(translation).has_value()); }));
    return out;
}

bool write_json(const std::string& path, const std::vector<Measured>& measured,
                const LoopbackResult& loopback, double loopback_min) {
    std::ofstream out(path);
    out << "{\n";
    for (const Measured& m : measured)
        out << "  \"" << m.name << ".ns\": " << m.cached_ns << ",\n  \"" << m.name
            << ".naive_ns\": " << m.naive_ns << ",\n  \"" << m.name << ".ratio\": " << m.ratio() << ",\n  \""
            << m.name << ".ratio_max\": " << m.ratio_max << ",\n";
    out << "  \"loopback.m8_per_second\": " << loopback.per_second
        << ",\n  \"loopback.m8_per_second_min\": " << loopback_min << "\n}\n";
    return out.good();
}

}  // namespace

int run_hsm_bench(const HsmBenchOptions& options) {
    static constexpr double loopback_min = 100000;
    const std::vector<Measured> measured = measure_engine(options);
    bool met = true;
    std::printf("%-16s %12s %12s %8s %8s\n", "operation", "naive ns", "cached ns", "ratio", "target");
    for (const Measured& m : measured) {
        const bool good = m.ratio() <= m.ratio_max;
        met = met && good;
        std::printf("%-16s %12.0f %12.0f %8.2f   <=%.2f %s\n", m.name.c_str(), m.naive_ns, m.cached_ns,
                    m.ratio(), m.ratio_max, good ? "ok" : "MISSED");
    }
    const LoopbackResult loopback = run_loopback(options);
    if (!loopback.error.empty()) {
        std::fprintf(stderr, "switch-bench hsm: SKIPPED the loopback part: %s\n", loopback.error.c_str());
        met = false;
    } else {
        const bool good = loopback.per_second >= loopback_min;
        met = met && good;
        std::printf(
            "hsm-sim over loopback, %u connections x %u outstanding: %.0f M8 a second, %.0f needed %s\n",
            options.connections, options.outstanding, loopback.per_second, loopback_min,
            good ? "ok" : "MISSED");
    }
    if (!options.json_file.empty() && !write_json(options.json_file, measured, loopback, loopback_min)) {
        std::fprintf(stderr, "switch-bench hsm: cannot write %s\n", options.json_file.c_str());
        return 1;
    }
    return met ? 0 : 1;
}

}  // namespace bench
