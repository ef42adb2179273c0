// Backups: the core's part of a backup: who may, one at a time, both ends of it in the audit chain, and what
// became of the last one. The copying is the shell's (MakeBackup, BackupEnded), beside the turns.
//
// Ownership: member of SwitchCore. Thread: the core's. Nothing here outlives a restart but the audit chain.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

class Backups {
  public:
    /// Writes an entry of the audit chain.
    using Audit = std::function<void(const std::string& user, std::string action, const std::string& detail)>;

    explicit Backups(CoreContext& context) : c_(context) {}
    void open_audit(Audit audit) { audit_ = std::move(audit); }
    /// A sentence when none may begin now.
    void ask_whether_it_may(std::function<std::string()> why_not) { why_not_ = std::move(why_not); }

    /// Answered when it has begun; how it goes on is status().
    OperatorAnswer begin(const OperatorCommanded& event, const BackUp& command);
    void on_ended(const BackupEnded& event);
    [[nodiscard]] const std::optional<BackupStatus>& status() const { return last_; }
    [[nodiscard]] bool is_running() const { return last_ && last_->state == BackupStatus::State::running; }

  private:
    CoreContext& c_;
    Audit audit_;
    std::function<std::string()> why_not_;
    std::optional<BackupStatus> last_;
};

}  // namespace acquirer
