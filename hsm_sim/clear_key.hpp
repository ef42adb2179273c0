// ClearKey: key bytes in clear, held inline and wiped on every way out. Lives only inside the engine, the key
// ceremony and tools that work under the test LMK; nothing prints it and nothing outside hsm_sim/ sees it.
//
// Units: bytes; 8, 16, 24 (TDES) or 16, 24, 32 (AES). Ownership: a value. Thread: none of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace hsm {

class ClearKey {
  public:
    static constexpr std::size_t bytes_max = 32;

    ClearKey() = default;
    explicit ClearKey(std::size_t size) : size_(size) { ENSURE(size <= bytes_max); }
    explicit ClearKey(iso8583::ByteView bytes) : ClearKey(bytes.size()) {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    ~ClearKey() { iso8583::zeroise(bytes_.data(), bytes_.size()); }
    ClearKey(const ClearKey&) = default;
    ClearKey& operator=(const ClearKey&) = default;

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] iso8583::ByteView view() const { return {bytes_.data(), size_}; }
    [[nodiscard]] iso8583::ByteView part(std::size_t offset, std::size_t count) const {
        return view().subspan(offset, count);
    }
    [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }
    [[nodiscard]] std::uint8_t& operator[](std::size_t i) { return bytes_[i]; }
    [[nodiscard]] std::uint8_t operator[](std::size_t i) const { return bytes_[i]; }

  private:
    std::array<std::uint8_t, bytes_max> bytes_{};
    std::size_t size_ = 0;
};

/// Wipes a buffer of plain bytes when the scope ends, whichever way.
template <typename Buffer>
class Wipe {
  public:
    explicit Wipe(Buffer& buffer) : buffer_(buffer) {}
    ~Wipe() { iso8583::zeroise(buffer_.data(), buffer_.size()); }
    Wipe(const Wipe&) = delete;
    Wipe& operator=(const Wipe&) = delete;

  private:
    Buffer& buffer_;
};

}  // namespace hsm
