// The numbered rules of docs/refund_rules.md in one sentence each, for `refundctl explain`.
#pragma once

#include <string_view>

namespace acquirer {

/// Empty for a number that is no rule.
std::string_view rule_words(std::string_view rule);

}  // namespace acquirer
