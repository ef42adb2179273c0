// Where hsm-sim keeps the counts of failed PINs over a restart: a file of lines, mode 0600, each line synced
// before the answer that it counts leaves. It holds no account number and no key, only keyed hashes
// (hsm_sim/pin_guard.hpp).
//
// Ownership: owns its descriptor. Thread: the engine's. Errors: sentences that name the file. Who may write
// the file may take it away: that counts begin at zero is said at start.
#pragma once

#include <string>
#include <vector>

#include "hsm_sim/pin_guard.hpp"

namespace hsm {

class PinCountFile final : public PinCountStore {
  public:
    static constexpr std::size_t bytes_max = std::size_t{64} * 1024 * 1024;

    /// Makes it when it is not there. A last line without its end was never answered: it is left out.
    static iso8583::Result<PinCountFile> open(const std::string& path);
    ~PinCountFile() override;
    PinCountFile(PinCountFile&&) noexcept;
    PinCountFile(const PinCountFile&) = delete;
    PinCountFile& operator=(const PinCountFile&) = delete;
    PinCountFile& operator=(PinCountFile&&) = delete;

    /// What was there at open().
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    [[nodiscard]] bool is_new() const { return is_new_; }
    [[nodiscard]] bool append(const std::vector<std::string>& lines) override;
    [[nodiscard]] bool rewrite(const std::vector<std::string>& lines) override;

  private:
    PinCountFile() = default;
    [[nodiscard]] bool open_to_append();

    std::string path_;
    std::vector<std::string> lines_;
    bool is_new_ = false;
    int file_ = -1;
};

}  // namespace hsm
