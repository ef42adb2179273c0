// What a customer reads on a slip, in the languages of the shops: of every state a head and a sentence, of
// every refusal why. Operators' own words are state_words.hpp. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledger/transaction_record.hpp"
#include "switch/core/refusal.hpp"

namespace acquirer {

enum class SlipLanguage : std::uint8_t { english, chinese };
/// As people type them, and as the slip's `lang` says.
inline constexpr std::string_view slip_languages = "en zh";
std::string_view slip_language_word(SlipLanguage language);
/// English for no word.
SlipLanguage slip_language(std::string_view word);

/// A word or two: "REFUSED"; never empty.
std::string_view slip_head(ledger::State state, SlipLanguage language);
/// A sentence; never empty.
std::string_view slip_words(ledger::State state, SlipLanguage language);
/// Why it was refused.
std::string_view slip_refusal(Refusal refusal, SlipLanguage language);
/// Of a reason's code; a code that is the operator's own is given back as it is.
std::string_view slip_reason(std::string_view code, SlipLanguage language);

}  // namespace acquirer
