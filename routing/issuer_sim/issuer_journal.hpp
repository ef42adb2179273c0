// The journal file of issuer-sim: append-only, lines collected and written together. POSIX, so that a line is
// in the kernel's hands, or on the disk, before the answer it belongs to leaves. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace routing {

class IssuerJournal {
  public:
    IssuerJournal() = default;
    ~IssuerJournal();
    IssuerJournal(const IssuerJournal&) = delete;
    IssuerJournal& operator=(const IssuerJournal&) = delete;

    /// Opens for appending, makes it when it is not there, and shows each line that is there already, without
    /// its line feed. A torn last line of a killed run is cut off: its answer never left. An error names the
    /// file, and the line that `take` refused.
    iso8583::Result<void> open(const std::string& path, bool durable,
                               const std::function<iso8583::Result<void>(std::string_view)>& take);
    void append(std::string_view line) {
        if (file_ >= 0) buffer_ += line;
    }
    /// Everything appended so far; an error names the file and the reason.
    iso8583::Result<void> flush();

  private:
    std::string path_;
    std::string buffer_;
    int file_ = -1;
    bool durable_ = false;
};

}  // namespace routing
