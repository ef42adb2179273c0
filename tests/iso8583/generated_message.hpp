// Messages made from a dialect's table by a seeded generator: any fields, any lengths, any characters of
// their class.
#pragma once

#include <cstdint>
#include <string>

#include "iso8583/char_class.hpp"
#include "iso8583/dialect.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/values/bytes.hpp"

namespace tests {

/// splitmix64: the same seed gives the same messages everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t v = state_ += 0x9E3779B97F4A7C15;
        v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9;
        v = (v ^ (v >> 27)) * 0x94D049BB133111EB;
        return v ^ (v >> 31);
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

  private:
    std::uint64_t state_;
};

inline std::string generated_content(const iso8583::FieldSpec& spec, Random& random) {
    const std::size_t longest = std::min<std::size_t>(spec.max, spec.min + 60);
    const std::size_t units = spec.min + random.below(longest - spec.min + 1);
    std::string out;
    while (out.size() < units) {
        const auto c = static_cast<int>(random.below(256));
        const bool sign = spec.content == iso8583::Content::xn && out.empty();
        const bool fits = sign ? c == 'C' || c == 'D' : iso8583::detail::in_class(spec.content, c);
        // The second spelling of the track separator is only read.
        if (fits && !(spec.content == iso8583::Content::z && c == 'D')) out.push_back(static_cast<char>(c));
    }
    return out;
}

inline iso8583::FieldValues generated_message(const iso8583::Dialect& dialect, Random& random) {
    iso8583::FieldValues v(iso8583::Mti::of(static_cast<int>(random.below(10000))));
    const std::size_t odds = 1 + random.below(12);
    for (const iso8583::FieldSpec& spec : dialect.spec().fields)
        if (random.below(odds) == 0) v.set(iso8583::field(spec.number), generated_content(spec, random));
    return v;
}

/// One to three bytes changed, or the end cut off, or bytes added.
inline iso8583::Bytes mutated(iso8583::Bytes body, Random& random) {
    switch (random.below(4)) {
        case 0:
            body.resize(random.below(body.size() + 1));
            break;
        case 1:
            body.insert(body.end(), 1 + random.below(3), static_cast<std::uint8_t>(random.below(256)));
            break;
        default:
            for (std::size_t i = 0; i <= random.below(3); ++i)
                body[random.below(body.size())] = static_cast<std::uint8_t>(random.below(256));
    }
    return body;
}

}  // namespace tests
