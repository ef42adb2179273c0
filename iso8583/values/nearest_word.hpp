// "Did you mean": the known word that is nearest to one that was typed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iso8583 {

/// Nothing when more than a third of its letters would have to change; two that are swapped count as one.
std::optional<std::string> nearest_word(const std::vector<std::string>& words, std::string_view typed);

/// "; did you mean down?", or nothing: the end of a sentence.
std::string did_you_mean(const std::vector<std::string>& words, std::string_view typed);

/// What is wrong with a word that is none of these: "has to be one of up, down; did you mean down?". Never
/// repeats it.
std::string fault_of_word(const std::vector<std::string>& words, std::string_view typed);

}  // namespace iso8583
