// The policy: those keys of the configuration by which refunds are judged, which people may lay over the
// files by refundctl (docs/operations.md, "Policy"). A policy file has the sections and keys of the
// configuration and no others; it is read by the same tables, and its keys win over the file's.
//
// Values only. Errors name the policy file's line.
#pragma once

#include "switch/config/config_reader.hpp"

namespace acquirer::config {

/// The document of a policy, checked by itself; amounts are read in the currency of `configuration`.
iso8583::Result<Node, ConfigProblems> read_policy(std::string_view name, std::string_view toml,
                                                  const Node& configuration);
/// The configuration with the policy's keys in place of its own. What the policy says of a merchant or issuer
/// that is not configured is left out; `absent` names those.
Node lay_over(Node configuration, const Node& policy, std::vector<std::string>& absent);
/// The policy of a configuration, key by key, and where each value comes from; `policy` may be empty.
PolicyInForce describe_policy(const Node& configuration, const Node& policy, std::string stored);

}  // namespace acquirer::config

namespace acquirer {

/// "refund.window_days: 365 -> 180", one a value that differs, in the order in which they are shown.
std::vector<std::string> differences(const PolicyInForce& was, const PolicyInForce& is);
/// Every key of the policy with its section, for the documents ("[refund] window_days").
std::vector<std::string> policy_key_names();

}  // namespace acquirer
