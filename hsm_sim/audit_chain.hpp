// The audit of key operations: JSON lines, each with the hash of the one before, so that a line that was
// changed, taken out or put in shows, and with a MAC under a key of the LMK, so that a chain that somebody
// else wrote shows. Its head is noted in a second place, against which a chain that was cut shows. Written
// and synced before the operation's answer leaves.
//
// Ownership: owns the file. Thread: one at a time. Errors: sentences with path and line. Format: docs/hsm.md,
// audit; do not change it, old files are verified years later.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

    /// 64 hex digits over a text; Lmk::audit_mac.
    using Mac = std::function<std::string(std::string_view)>;
    /// A line and its hash, as noted elsewhere.
    struct Head {
        std::uint64_t line = 0;
        std::string hash;
        friend bool operator==(const Head&, const Head&) = default;
    };

    /// Appends to `path`, having verified what stands there; an empty path keeps the chain in memory alone.
    /// With a MAC each line carries one.
    static iso8583::Result<AuditChain> open(const std::string& path, Mac mac = {},
                                            const std::optional<Head>& noted = std::nullopt);
    ~AuditChain();
    AuditChain(AuditChain&& other) noexcept;
    AuditChain& operator=(AuditChain&&) = delete;

    /// One event; `time` as the log writes it, `who` the peer or officer. Returns the line's hash. The error
    /// means that the line is not on disk, and then the operation must not be answered.
    iso8583::Result<std::string> append(std::string_view time, std::string_view who,
                                        const KeyOperation& operation);
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
    [[nodiscard]] const std::string& head() const { return head_; }
    /// Does its last line carry a MAC?
    [[nodiscard]] bool is_keyed() const { return keyed_from_ != 0; }

    struct Verified {
        std::uint64_t lines = 0;
        std::string head;
        std::uint64_t keyed_from = 0;  // the first line with a MAC; 0: none has one
    };
    /// A line without a MAC behind one that has it is wrong; with `mac` so is one whose MAC is, with `noted`
    /// a chain that ends before that line or has another one there.
    static iso8583::Result<Verified> verify(const std::string& path, const Mac& mac = {},
                                            const std::optional<Head>& noted = std::nullopt);

    [[nodiscard]] std::string head_text() const { return head_text({sequence_, head_}, mac_); }
    /// "hsm-sim audit head 1 line=N hash=…[ mac=…]" and a line end; do not change.
    static std::string head_text(const Head& head, const Mac& mac);
    /// Nothing when there is no such file.
    static iso8583::Result<std::optional<Head>> read_head(const std::string& path, const Mac& mac);

  private:
    AuditChain() = default;
    int file_ = -1;
    std::uint64_t sequence_ = 0;
    std::string head_ = std::string(64, '0');
    std::uint64_t keyed_from_ = 0;
    Mac mac_;
};

}  // namespace hsm
