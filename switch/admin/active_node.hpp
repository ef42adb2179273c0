// Which node of a cluster serves (docs/cluster.md): refundctl asks each for its page /role. Plain HTTP: where
// the page speaks TLS, --socket names the active node's socket instead.
// Thread: the caller's; blocks up to role_wait_ms for each node that does not answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"

namespace acquirer::admin {

/// "10.0.0.1:9583", or "10.0.0.1:9583=/run/a.sock" where the node's control socket can be reached from here.
struct NodeAddress {
    std::string host, port, socket;
    [[nodiscard]] std::string str() const { return host + ":" + port; }
};

inline constexpr std::size_t nodes_max = 16;
inline constexpr int role_wait_ms = 2'000;
/// Of a page /role with its head.
inline constexpr std::size_t role_bytes_max = 16'384;

/// Separated by commas. The error names the part that is none.
iso8583::Result<std::vector<NodeAddress>> parse_nodes(std::string_view text);

struct NodeRole {
    NodeAddress at;
    std::string role;     // "active", "standby"; empty: it did not answer
    std::string node;     // its name
    std::string of;       // of a standby: whom it follows
    std::string trouble;  // of a standby: why it would not take over; without an answer: why there is none
};

/// What a page /role says; an error when it is none.
iso8583::Result<NodeRole> parse_role(std::string_view http_answer);
/// Of each, in the order asked.
std::vector<NodeRole> ask_roles(const std::vector<NodeAddress>& nodes);
/// The one that serves; nothing when none does, or two say so.
const NodeRole* active_of(const std::vector<NodeRole>& roles);
/// One line a node: "node b at 10.0.0.2:9583: standby of node a".
std::string text_of(const std::vector<NodeRole>& roles);

}  // namespace acquirer::admin
