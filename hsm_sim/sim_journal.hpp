// What hsm-sim says of itself: JSON lines on stderr, the chained audit of key operations, counters for
// monitoring. Nothing here ever sees a key, a PIN or an account number.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hsm_sim/audit_chain.hpp"
#include "hsm_sim/engine.hpp"

namespace hsm {

class SimJournal final : public HsmObserver {
  public:
    /// Lines about refusals per second; what is more is counted and told in one line.
    static constexpr std::uint32_t refusal_lines_max = 200;

    explicit SimJournal(AuditChain audit) : audit_(std::move(audit)) {}

    /// Where the audit's last line is noted, at the end of each second that had one, and by note_head();
    /// empty: in no file.
    void note_heads_in(const std::string& file, const std::string& syslog);
    /// A fault is told, and tried again a second later.
    void note_head();

    using Values = std::vector<std::pair<std::string_view, std::string>>;
    void log(std::string_view level, std::string_view event, const Values& values);
    void refused(HsmFault fault, std::string_view why) override;
    void key_operated(const KeyOperation& operation) override;
    void command_begun(std::string_view code) override { command_ = code; }

    /// Who is being served now: a peer's address and the subject of its certificate, an officer.
    void set_who(std::string who) { who_ = std::move(who); }
    /// True once a line of the audit could not be written: nothing more may be answered.
    [[nodiscard]] bool audit_failed() const { return audit_failed_; }
    [[nodiscard]] const AuditChain& audit() const { return audit_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& refusals() const { return refusals_; }
    /// Once a second.
    void tick();

  private:
    AuditChain audit_;
    std::string who_ = "start";
    std::string command_;
    bool audit_failed_ = false;
    std::string head_file_;
    std::string head_syslog_;
    std::string noted_head_;
    std::uint32_t refusal_lines_ = 0;
    std::uint64_t suppressed_ = 0;
    std::map<std::string, std::uint64_t> refusals_;  // by error code
};

/// UTC with milliseconds, ISO 8601.
std::string time_now_text();

}  // namespace hsm
