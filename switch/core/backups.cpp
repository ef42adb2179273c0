#include "switch/core/backups.hpp"

#include "switch/core/operator_words.hpp"

namespace acquirer {

OperatorAnswer Backups::begin(const OperatorCommanded& event, const BackUp& command) {
    if (is_running()) return no("a backup into " + last_->directory + " is being made; one at a time");
    if (command.directory.empty() || command.directory.front() != '/')
        return no("directory: a path from / on is needed, of the switch's own machine");
    if (const std::string why = why_not_ ? why_not_() : std::string(); !why.empty()) return no(why);
    last_ = BackupStatus{};
    last_->directory = command.directory;
    last_->by = event.user;
    last_->began = c_.now.utc;
    audit_(event.user, "backup.begin", command.directory);
    c_.emit(MakeBackup{command.directory, event.user, c_.now.utc, c_.business_day, c_.config->hash});
    return yes("a backup into " + command.directory + " has begun");
}

void Backups::on_ended(const BackupEnded& event) {
    if (!last_) return;
    last_->state = event.done ? BackupStatus::State::done : BackupStatus::State::failed;
    last_->text = event.text;
    last_->id = event.id;
    last_->turn = event.turn;
    last_->files = event.files;
    last_->bytes = event.bytes;
    last_->ended = c_.now.utc;
    audit_(last_->by, event.done ? "backup.done" : "backup.failed", last_->directory + ": " + event.text);
    if (event.done) return;
    Note n;
    n.severity = Severity::alarm;
    n.kind = NoteKind::backup_failed;
    n.detail = last_->directory + ": " + event.text;
    c_.note(std::move(n));
}

}  // namespace acquirer
