// hsm-sim as a child process on a free port, and a blocking connection to it. For tests only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hsm::testing {

class HsmProcess {
  public:
    /// Starts hsm-sim with `--listen 127.0.0.1:0` and these arguments, and waits for its ready
    /// line. Throws std::runtime_error when there is none.
    explicit HsmProcess(const std::vector<std::string>& arguments);
    /// Kills it if it still runs.
    ~HsmProcess();
    HsmProcess(const HsmProcess&) = delete;
    HsmProcess& operator=(const HsmProcess&) = delete;

    [[nodiscard]] const std::string& ready_line() const { return ready_; }
    [[nodiscard]] std::uint16_t port() const { return port_of("hsm="); }
    [[nodiscard]] std::uint16_t port_of(const std::string& key) const;
    [[nodiscard]] int pid() const { return pid_; }
    void signal(int number) const;
    /// Exit code, or 128 + signal; what was on stderr is in log().
    int wait();
    /// Whether it left a core dump when it ended.
    [[nodiscard]] bool dumped_core() const { return dumped_core_; }
    /// All of stderr so far (after wait(): all of it).
    std::string log();

  private:
    int pid_ = -1;
    int out_ = -1;
    bool dumped_core_ = false;
    std::string log_path_;
    std::string ready_;
};

class Connection {
  public:
    explicit Connection(std::uint16_t port);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(std::string_view bytes) const;
    /// What there is, at least one byte; empty when the peer has closed. Throws after ten seconds of silence.
    [[nodiscard]] std::string receive() const;
    /// One frame sent, one answer back, both without length.
    std::string exchange(std::string_view frame);

  private:
    int socket_ = -1;
    std::string pending_;
};

/// A path for a file that no other test uses.
std::string fresh_path(const std::string& name);

}  // namespace hsm::testing
