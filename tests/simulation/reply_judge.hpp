// ReplyJudge: what the switch says to bent frames, compared with what was really in them. It reads the bytes
// that were sent with a reader and a decoder of its own and holds each reply against docs/wire.md: it
// decodes, it answers one of the requests, what it echoes is the request's, it carries a right MAC when the
// request's MAC was right and none when it was not, and it is never 00 for what does not decode or does not
// verify.
//
// One judge per connection; one thread. Errors: a sentence for the first rule that a reply breaks.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "tests/peers/terminal_model.hpp"

namespace simulation {

class ReplyJudge {
  public:
    /// `has_key` says whether the model's MAC key is that terminal's too; both outlive the judge.
    ReplyJudge(const peers::Terminal& model, std::function<bool(const iso8583::TerminalId&)> has_key);

    /// Bytes on their way to the switch. False when they leave a reader in the midst of a frame or in error:
    /// the next frame needs a connection of its own.
    bool sent(iso8583::ByteView bytes, bool hsm_is_up);
    /// Bytes from the switch: the first breach.
    std::optional<std::string> arrived(iso8583::ByteView bytes);

  private:
    struct Request {
        iso8583::Frame frame;
        iso8583::Message message;  // as much of it as decodes
        bool decodes = false;
        bool verifies = false;
        bool hsm_was_up = true;
    };
    static constexpr std::size_t requests_max = 64;  // older ones are forgotten

    std::optional<std::string> judge(const iso8583::Frame& reply) const;
    std::optional<std::string> breach_of(const Request& request, const iso8583::Frame& frame,
                                         const iso8583::Message& reply) const;
    std::optional<std::string> echo_breach(const Request& request, const iso8583::Message& reply) const;
    [[nodiscard]] bool has_right_mac(const iso8583::Message& message) const;

    const peers::Terminal& model_;
    std::function<bool(const iso8583::TerminalId&)> has_key_;
    iso8583::FrameReader sent_reader_;
    iso8583::FrameReader reply_reader_;
    std::deque<Request> requests_;
};

}  // namespace simulation
