// What the owners of the operators' commands share: how they answer, the bound of a note, stable words of
// proposals.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "switch/core/operator_command.hpp"

namespace acquirer {

inline constexpr std::string_view chargeback_action = "chargeback";
inline constexpr std::string_view dispute_close_action = "dispute_close";
inline constexpr std::string_view restore_action = "restore";
inline constexpr std::string_view policy_action = "policy";
inline constexpr std::string_view purge_action = "purge";
inline constexpr std::string_view vault_rotate_action = "vault_rotate";
inline constexpr std::string_view vault_retire_action = "vault_retire";
inline constexpr std::string_view resolve_all_action = "exceptions_resolve";

inline constexpr std::size_t note_characters_max = 200;
inline std::optional<std::string> fault_of_note(const std::string& note) {
    if (!note.empty() && note.size() <= note_characters_max) return std::nullopt;
    return "note: 1 to " + std::to_string(note_characters_max) + " characters are needed";
}

inline OperatorAnswer no(std::string text) { return {false, std::move(text), {}, {}}; }
inline OperatorAnswer yes(std::string text) { return {true, std::move(text), {}, {}}; }

}  // namespace acquirer
