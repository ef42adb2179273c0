// Fuzz target: any text as a TR-31 block, under a TDES and an AES protection key, with and without a right
// MAC. What opens must say the same when it is wrapped again.
#include <cstdint>
#include <cstdlib>

#include "hsm_sim/key_block.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto key =
        *iso8583::parse_hex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6");
    static const auto aes = hsm::KeyBlockProtection::aes(key);
    static const auto tdes = hsm::KeyBlockProtection::tdes(iso8583::ByteView(key).first(16));
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto* protection : {&aes, &tdes}) {
        const auto opened = protection->unwrap(text);
        if (!opened) {
            if (opened.error().what.empty()) std::abort();
            continue;
        }
        hsm::testing::SeededRandom random(1);
        const auto again = protection->unwrap(protection->wrap(opened->header, opened->key, random));
        if (!again || again->header.usage != opened->header.usage ||
            again->header.optional.size() != opened->header.optional.size() ||
            iso8583::to_hex(again->key.view()) != iso8583::to_hex(opened->key.view()))
            std::abort();
    }
    // The header's fields behind a right MAC: wrapped here from the same bytes.
    if (size < 8) return 0;
    hsm::testing::SeededRandom random(2);
    hsm::KeyBlockHeader header;
    const auto character = [&](std::size_t i) { return static_cast<char>('0' + data[i] % 43); };
    header.usage = {character(0), character(1)};
    header.algorithm = "ATD"[data[2] % 3];
    header.mode = character(3);
    header.key_version = {character(4), character(5)};
    header.exportability = character(6);
    if (data[7] % 2 == 1) header.optional.push_back({"LB", std::string(text.substr(0, data[7] / 4))});
    hsm::ClearKey clear(static_cast<std::size_t>(8 + 8 * (data[7] % 4)));
    (void)aes.unwrap(aes.wrap(header, clear, random));
    return 0;
}
