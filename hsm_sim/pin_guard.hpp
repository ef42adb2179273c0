// Counts what may be a guess of a PIN: a wrong one at a verification, a block that decrypts to no PIN
// anywhere, in CA, CC, G0, DA, EA, DC, EC and the switch's own question. Counted by account and key together,
// by account, by key and by client; beyond a bound nothing more is tried (39) until a day has passed without
// a failure.
//
// Accounts, keys and clients stand under a keyed hash that comes from the LMK: the table and its file hold
// neither, and mean the same after a restart. Ownership: borrows the store, which outlives it. Thread: the
// engine's. Bounds: entries_max and keys_max, who failed least recently goes. Errors: a store that cannot
// write refuses the command.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/pin_block.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

/// Failures before 39.
struct PinBounds {
    unsigned account_and_key = 10;
    unsigned account = 30;
    unsigned key = 1000;
    unsigned client = 10000;
};

/// Keeps counts beyond the process, as lines of text that each carry a MAC (hsm_sim/pin_count_file.hpp).
class PinCountStore {
  public:
    virtual ~PinCountStore() = default;
    /// Durable when it returns true.
    [[nodiscard]] virtual bool append(const std::vector<std::string>& lines) = 0;
    /// In the place of all that was there.
    [[nodiscard]] virtual bool rewrite(const std::vector<std::string>& lines) = 0;
};

class PinGuard {
  public:
    static constexpr std::size_t entries_max = 100000;  // accounts, and accounts with keys
    static constexpr std::size_t keys_max = 10000;      // keys, and clients
    static constexpr std::int64_t forgotten_after_seconds = std::int64_t{24} * 3600;
    /// Appended lines beyond twice those that count: then the store is written anew.
    static constexpr std::size_t lines_over_max = 10000;

    /// Of the four, in the order of PinBounds.
    using Subjects = std::array<Block16, 4>;

    PinGuard(const ClearKey& hash_key, PinBounds bounds, PinCountStore* store,
             std::function<std::int64_t()> seconds_now);

    /// Takes in what a store kept; then it is written anew without what counts no more.
    [[nodiscard]] iso8583::Result<void> take_in(const std::vector<std::string>& lines);
    /// Whose commands follow; empty: the process itself, which is not counted as a client.
    void serve_client(std::string_view client);

    /// `fingerprint` tells one key from another whatever its scheme (fingerprint_of of key_ring.hpp).
    [[nodiscard]] Subjects subjects(const PinAccount& account,
                                    const std::array<std::uint8_t, 8>& fingerprint);
    /// Whose bound is reached: "this account and key"; nothing: go on.
    [[nodiscard]] std::optional<std::string> refusal(const Subjects& subjects);
    /// False: it could not be kept, so nothing may be answered.
    [[nodiscard]] bool failed(const Subjects& subjects);
    /// A right PIN: what was wrong for this account is forgiven.
    [[nodiscard]] bool passed(const Subjects& subjects);

    [[nodiscard]] std::uint64_t failures() const { return failures_; }
    [[nodiscard]] std::uint64_t attacks() const { return attacks_; }
    [[nodiscard]] std::size_t counted() const;

  private:
    static constexpr std::string_view letters =
        "BAKC";  // both, account, key, client: the first word of a line
    struct Count {
        unsigned failures = 0;
        std::int64_t last_second = 0;
        std::list<Block16>::iterator order;
    };
    struct Table {
        std::map<Block16, Count> counts;
        std::list<Block16> order;  // who failed least recently first
    };

    [[nodiscard]] std::int64_t now() const { return seconds_now_ ? seconds_now_() : 0; }
    [[nodiscard]] unsigned count(std::size_t subject, const Block16& whom);
    void set(std::size_t subject, const Block16& whom, unsigned failures, std::int64_t second);
    void forget(std::size_t subject, const Block16& whom);
    [[nodiscard]] std::string line(std::size_t subject, const Block16& whom, unsigned failures,
                                   std::int64_t second);
    [[nodiscard]] iso8583::Result<void> take_in_line(std::string_view line);
    [[nodiscard]] bool keep(const std::vector<std::string>& lines);
    [[nodiscard]] std::vector<std::string> all_lines();

    AesCipher hash_;
    std::array<unsigned, 4> bounds_;
    PinCountStore* store_;
    std::function<std::int64_t()> seconds_now_;
    std::array<Table, 4> tables_;
    Block16 client_{};
    bool has_client_ = false;
    std::size_t lines_kept_ = 0;
    bool write_anew_ = false;
    std::uint64_t failures_ = 0;
    std::uint64_t attacks_ = 0;
};

}  // namespace hsm
