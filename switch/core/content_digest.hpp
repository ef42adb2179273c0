// A 64-bit digest of parts of text, in order: FNV-1a. What it covers is authenticated elsewhere (a MAC, a
// role), so that accidents are all that must be told apart. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace acquirer {

class Digest {
  public:
    void add(std::string_view part) {
        for (char c : part) mix(static_cast<unsigned char>(c));
        mix(0x1F);  // so that "ab" + "c" is not "a" + "bc"
    }
    /// Never 0, which means "none" in records.
    [[nodiscard]] std::uint64_t value() const { return value_ == 0 ? 1 : value_; }

  private:
    void mix(unsigned char c) { value_ = (value_ ^ c) * 0x100000001B3ULL; }
    std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

}  // namespace acquirer
