// Chance for tests that make vault keys: another key for each number, and the same one each time.
#pragma once

#include <cstdint>
#include <span>

#include "iso8583/values/random_source.hpp"

namespace ledger_test {

struct KeyOfNumber final : iso8583::RandomSource {
    explicit KeyOfNumber(std::uint32_t number) : next(number * 31) {}
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next++);
    }
    std::uint32_t next;
};

}  // namespace ledger_test
