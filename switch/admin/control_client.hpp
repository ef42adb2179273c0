// refundctl's end of the control socket: one line out, one line in, over a Unix socket; as many after one
// another as are asked.
// Thread: the caller's; blocks up to the time-out. Errors: a sentence saying why the switch could not be
// reached; the connection is of no use after one.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace acquirer::admin {

class SwitchConnection {
  public:
    static iso8583::Result<SwitchConnection> open(const std::string& socket_path, int timeout_seconds);
    SwitchConnection(SwitchConnection&& other) noexcept;
    SwitchConnection& operator=(SwitchConnection&&) = delete;
    ~SwitchConnection();

    /// The answer's line, without its newline.
    iso8583::Result<std::string> ask(std::string_view line);

  private:
    SwitchConnection(int fd, int timeout_seconds) : fd_(fd), timeout_seconds_(timeout_seconds) {}
    iso8583::Result<std::string> receive_line();

    int fd_;  // -1: moved away
    int timeout_seconds_;
    std::string received_;  // behind the last line
};

/// One line on a connection of its own.
iso8583::Result<std::string> ask_switch(const std::string& socket_path, std::string_view line,
                                        int timeout_seconds);

}  // namespace acquirer::admin
