// Message authentication codes over keyed ciphers: ISO/IEC 9797-1 algorithms 1 (CBC) and 3 (retail, X9.19)
// with padding methods 1 and 2, the UnionPay "ECB" MAC of wire.md, AES-CMAC (in AesCipher).
//
// Units: 8-byte results. Thread: the cipher's. Errors: none; empty data is padded to one block of zeros
// (method 1).
#pragma once

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

/// Algorithm 1: every block with the whole key (DES for a single-length key, TDES otherwise).
Block8 cbc_mac(const TdesCipher& key, iso8583::ByteView data, MacPadding padding);
/// Algorithm 3: DES with the first part, the last block with the whole key. Needs a double- or triple-length
/// key.
Block8 retail_mac(const TdesCipher& key, iso8583::ByteView data, MacPadding padding);
/// SP 800-38B over TDES: the binding MAC of TR-31 version B.
Block8 tdes_cmac(const TdesCipher& key, iso8583::ByteView data);
/// Eight ASCII hex characters.
Block8 unionpay_mac(const TdesCipher& key, iso8583::ByteView data);

/// One of many retail MACs that are made together, each under its own key.
struct MacTask {
    const TdesCipher* key = nullptr;
    iso8583::ByteView data;
    MacPadding padding = MacPadding::zeros;
    Block8 mac{};  // what comes out
};
/// From so many on they are made in lanes (des_lanes.hpp), and one after another below.
inline constexpr std::size_t macs_together_min = 16;
/// The same as retail_mac of each.
void retail_macs(std::span<MacTask> tasks);

}  // namespace hsm
