// Messages of a dialect that a test was given: there and back by paths.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583 {

using Paths = std::vector<std::pair<const char*, std::string>>;

inline FieldValues values_of(const Dialect& d, const Paths& paths) {
    FieldValues v(Mti::of(200));
    for (const auto& [path, content] : paths) {
        const auto ok = set_path(d, v, path, content);
        INFO(path << ": " << (ok ? "" : ok.error().str()));
        REQUIRE(ok.has_value());
    }
    return v;
}

/// Encodes, decodes, and finds each content again.
inline Bytes encoded_and_back(const Dialect& d, const Paths& paths) {
    const auto encoded = encode(d, values_of(d, paths));
    INFO((encoded ? "" : encoded.error().str()));
    REQUIRE(encoded.has_value());
    const auto m = decode(d, encoded->body);
    INFO((m ? "" : m.error().str()));
    REQUIRE(m.has_value());
    for (const auto& [path, content] : paths) {
        const auto got = get_path(*m, path);
        INFO(path << ": " << (got ? "" : got.error().str()));
        REQUIRE(got.has_value());
        CHECK(*got == content);
    }
    return encoded->body;
}

}  // namespace iso8583
