// What the terminals of a load run do, and how often: weights of the steps, from --play or a file (--mix).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace bench {

/// What a terminal does next; also the index of its latency histogram.
enum class Step : std::uint8_t {
    sale,
    refund,
    partial_refund,
    over_refund,
    void_sale,
    reversal,
    retry,
    settlement,
    sign_on,
    authorization,
    completion,
    void_authorization
};
inline constexpr std::size_t steps_count = 12;
std::string_view name(Step step);

/// Weights, in any unit. What has nothing to work on becomes a sale, or an authorization where it needs one.
struct LoadMix {
    static constexpr std::uint32_t weight_max = 1'000'000;
    std::array<std::uint32_t, steps_count> weight{40, 15, 20, 2, 8, 7, 8};
    std::uint32_t issuer_a_percent = 50;  // of the sales: cards of issuer-a
    std::uint32_t wallet_percent = 0;     // of the sales: by a wallet's payment code, at issuer-w
    std::uint32_t pin_percent = 25;       // of the sales: with a PIN, which the switch has to translate
};

/// TOML: sale, refund, partial_refund, over_refund, void, reversal, retry, settlement, authorization,
/// completion and authorization_void are weights (what is left out is 0), issuer_a_percent (of those by
/// card), wallet_percent and pin_percent 0 to 100. The error names the line, the key and the word.
iso8583::Result<LoadMix> parse_mix(std::string_view toml);
iso8583::Result<LoadMix> read_mix(const std::string& file);

}  // namespace bench
