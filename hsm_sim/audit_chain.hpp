// The audit of key operations: JSON lines, each with the hash of the one before, so that a line that was
// changed, taken out or put in shows. Written and synced before the operation's answer leaves.
//
// Ownership: owns the file. Thread: one at a time. Errors: sentences with path and line. Format: docs/hsm.md,
// audit; do not change it, old files are verified years later.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hsm_sim/functions.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

/// A JSON string with quotes; control characters and everything past ASCII are escaped.
std::string json_string(std::string_view text);

class AuditChain {
  public:
    static constexpr std::size_t line_bytes_max = 1024;

    /// Appends to `path`, having verified what stands there; an empty path keeps the chain in memory alone.
    static iso8583::Result<AuditChain> open(const std::string& path);
    ~AuditChain();
    AuditChain(AuditChain&& other) noexcept;
    AuditChain& operator=(AuditChain&&) = delete;

    /// One event; `time` as the log writes it, `who` the peer or officer. Returns the line's hash. The error
    /// means that the line is not on disk, and then the operation must not be answered.
    iso8583::Result<std::string> append(std::string_view time, std::string_view who,
                                        const KeyOperation& operation);
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
    [[nodiscard]] const std::string& head() const { return head_; }

    struct Verified {
        std::uint64_t lines = 0;
        std::string head;
    };
    static iso8583::Result<Verified> verify(const std::string& path);

  private:
    AuditChain() = default;
    int file_ = -1;
    std::uint64_t sequence_ = 0;
    std::string head_ = std::string(64, '0');
};

}  // namespace hsm
