// Notice files: notices as JSON lines, a file for each day of the switch's zone (`notices-2026-11-21.jsonl`),
// in a directory that people and programs read. A part is appended, each file is synced, and only then it is
// said that it is written: after a crash a part may come twice, never not. Readers tell doubles by `notice`.
// A line that a crash or a full disk cut short is cut off before the next part.
//
// Thread: write() on the core's, the work on one of its own, `done` there. Errors: a sentence that names the
// file. Nobody deletes files but their owner. Source: docs/decisions/0016-notices-are-an-outbox.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/notice.hpp"
#include "switch/core/event.hpp"
#include "switch/io/worker.hpp"

namespace acquirer {

/// One line, without its newline.
std::string notice_line(const ledger::Notice& notice);
/// Of the day in which it was written, in the zone that was.
std::string notice_file_name(const ledger::Notice& notice);
/// Appends and syncs all of them; empty, or what went wrong.
std::string append_notices(const std::string& directory, const std::vector<ledger::Notice>& notices);

class NoticeFiles {
  public:
    /// Of each shard one part at a time is under way.
    static constexpr std::size_t parts_waiting_max = 8;

    explicit NoticeFiles(std::string directory)
        : directory_(std::move(directory)), worker_(parts_waiting_max) {}
    void write(std::vector<ledger::Notice> notices, std::function<void(NoticesWritten)> done);

  private:
    std::string directory_;
    Worker worker_;  // last: it uses the directory
};

}  // namespace acquirer
