// TerminalLine: a peers::Terminal on a blocking connection, in clear or under TLS. Prints each message pair
// described and masked. One thread.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"
#include "tests/demo/channel_socket.hpp"
#include "tests/peers/terminal_model.hpp"

namespace demo {

iso8583::UtcTime utc_now();

class TerminalLine {
  public:
    static constexpr int reply_wait_ms = 60'000;  // a terminal's own patience (wire.md)

    TerminalLine(peers::TerminalConfig config, std::string address, acquirer::MakeChannel channel)
        : terminal_(std::move(config)), address_(std::move(address)), channel_(std::move(channel)) {}
    TerminalLine(const TerminalLine&) = delete;
    TerminalLine& operator=(const TerminalLine&) = delete;

    peers::Terminal& terminal() { return terminal_; }
    /// Where the switch is after a restart.
    void move_to(std::string address);

    /// Sends and waits. What came back as "00", "64", …; "no answer" or what was wrong with it otherwise.
    std::string exchange(const peers::Outgoing& request);
    /// Sends alone; for a switch that is killed before it can answer.
    bool send(const peers::Outgoing& request);
    /// Of the last exchange that had an answer in order.
    [[nodiscard]] const peers::Outcome& outcome() const { return outcome_; }
    void close() { socket_.close(); }

  private:
    bool connect();
    void print_body(const char* arrow, const iso8583::Bytes& body) const;
    [[nodiscard]] iso8583::Result<iso8583::Frame> receive();

    peers::Terminal terminal_;
    std::string address_;
    acquirer::MakeChannel channel_;
    ChannelSocket socket_;
    peers::Outcome outcome_;
};

}  // namespace demo
