// The control protocol: one JSON object a line each way, bounded. Both ends' texts; json is seen by
// control_protocol.cpp alone. Shapes: docs/refundctl.md, "The control protocol"; they stay stable.
//
//     → {"command":"refund open","args":{"rrn":"…","amount":"60.00", …},"as":"maker1"}
//     ← {"ok":true,"text":"…","data":{…}}   or   {"ok":false,"error":"refused","text":"…","data":{…}}
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"
#include "switch/core/view_value.hpp"

namespace acquirer::admin {

/// Of a request, without its newline: a piece of a file in base64 and what stands around it.
inline constexpr std::size_t request_bytes_max = std::size_t{64} * 1024;
/// Of an answer; a list that would be longer is refused with the advice to ask for less.
inline constexpr std::size_t answer_bytes_max = std::size_t{4} * 1024 * 1024;

struct Request {
    std::string command;
    std::map<std::string, std::string, std::less<>> arguments;  // checked against the command's table
    std::string as;                                             // demo only; empty: viewer, or the peer's uid
    bool hold_snapshot = false;  // of a list: this connection's later pages are of the same snapshot
};

/// Why it was not done; the client's exit code follows from it.
enum class AnswerError : std::uint8_t {
    none,
    usage,    // the request is not one: exit 2
    refused,  // understood, and not done: exit 1
    // Of refundctl alone, no answer of a switch:
    unreachable,  // nobody answered: exit 3
    unreadable    // what came is no answer: exit 1
};
std::string_view name(AnswerError error);

struct Answer {
    AnswerError error = AnswerError::none;
    std::string text;  // a sentence; may be empty for a read that worked
    View data;
};

/// Refuses: too long, no JSON object, unknown members, unknown command, missing, unknown or ill-formed
/// arguments. The error is a sentence for the person who typed it.
iso8583::Result<Request> parse_request(std::string_view line);
std::string write_request(const Request& request);

/// One line without the newline. An answer over answer_bytes_max becomes a refusal that says so.
std::string write_answer(const Answer& answer);
iso8583::Result<Answer> parse_answer(std::string_view line);
/// One JSON object, of whoever.
iso8583::Result<View> parse_json(std::string_view text);
/// A view as JSON, without line breaks.
std::string write_json(const View& view);

}  // namespace acquirer::admin
