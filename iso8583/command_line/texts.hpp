// Texts made from a command line's shape: help, manual page, completion, and what is wrong with what was
// typed. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "iso8583/command_line/command_shape.hpp"

namespace command_line {

inline constexpr std::size_t text_columns = 100;

/// `inherited`: options of the commands above, which stand behind this one as well.
std::string help_of(const CommandShape& command, const std::vector<OptionShape>& inherited,
                    const Manual& manual);
/// One line: "refundctl refund open --rrn RRN … [OPTIONS]".
std::string usage_of(const CommandShape& command);

/// A page for man(7). `version` stands in its foot.
std::string manual_page(const CommandShape& program, const Manual& manual, const std::string& version);
std::string bash_completion(const CommandShape& program);
std::string zsh_completion(const CommandShape& program);
/// Every command that people type, one a line, without the program's name: "refund open".
std::string commands_of(const CommandShape& program);

/// The first word that has no place there, and what may have been meant. `command`: where it stood.
struct UsageFault {
    std::string text;
    const CommandShape* command = nullptr;
};
std::optional<UsageFault> find_usage_fault(const CommandShape& program,
                                           const std::vector<std::string>& words);
/// The command that the words name, as far as they name one.
const CommandShape& command_of(const CommandShape& program, const std::vector<std::string>& words);

/// "pan-last4" → "PAN_LAST4": what stands for a value, or for an argument without dashes.
std::string upper(std::string text);

/// Lines of at most `columns` characters, broken at spaces; a word that is longer stands alone.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

}  // namespace command_line
