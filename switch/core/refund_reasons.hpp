// Why people give money back: codes, so that reports can count them. Which there are is configured
// (`[switch] refund_reasons`); a text of their own goes into the note. And what they show as proof.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/transaction_record.hpp"

namespace acquirer {

/// What a code means, for people; empty for one of the operator's own.
std::string_view words_of_reason(std::string_view code);

/// Why this is no reason of a refund: a sentence with the nearest code, or all of them.
std::optional<std::string> fault_of_reason(const std::vector<std::string>& codes, std::string_view code);

/// A proof as people read it; empty for none.
std::string words_of(const ledger::RefundProof& proof);

/// What is wrong with a note or a proof; a refund needs neither.
std::optional<std::string> fault_of_refund_note(std::string_view note);
std::optional<std::string> fault_of_proof(const ledger::RefundProof& proof);

}  // namespace acquirer
