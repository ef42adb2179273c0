// The commands of the control protocol, one table for both ends: refundctl makes its command line from it and
// the switch checks requests by it. Names and shapes are stable (docs/refundctl.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"

namespace acquirer::admin {

/// What an argument's text has to look like; checked by both ends, in the same words.
enum class ArgumentKind : std::uint8_t {
    rrn,            // 12 of 0–9 A–Z
    id,             // an RRN or a case number
    exception_id,   // as exceptions list shows it
    settled_id,     // an RRN, or an exception's id
    proposal_id,    // as proposals list shows it, or a case number
    authorization,  // 6 characters
    terminal,       // 8 digits
    merchant,       // 15 characters
    batch,          // 6 digits
    trace,          // 6 digits
    last4,          // 4 digits
    amount,         // major units, "60.00"
    mmdd,           // "0612"
    date,           // "2026-11-21"
    text,           // 1 to 200 printable characters
    word,           // a name: letters, digits, - and _
    number,         // 1 to 1000
    minutes,        // 1 to 525600
    flag,           // present or not
    choice,         // one of `choices`
    cursor,         // as a list that is cut gives it
    path,           // of a file of refundctl's machine
    batch_name,     // a batch's number, reference or file's digest
    line,           // number of a line of a file: 0 to 1000000
    digest,         // SHA-256: 64 digits 0-9 a-f
    file_bytes,     // 1 to ledger::file_bytes_max
    piece,          // 0 to ledger::file_pieces_max - 1
    content,        // base64 of 1 to ledger::file_piece_bytes bytes
    out_file        // where refundctl writes something; not sent to the switch
};

struct ArgumentInfo {
    std::string_view name;
    ArgumentKind kind = ArgumentKind::text;
    bool required = false;
    bool positional = false;  // on the command line
    std::string_view help;
    std::string_view choices = "";  // "route merchant terminal instrument"
};

/// What makes a command a list. Every list takes limit and after, and refundctl writes its rows as CSV; the
/// arguments for what is said here are added to its own (docs/refundctl.md, "Lists").
struct ListInfo {
    std::string_view rows = "";    // member of the answer that holds the rows; empty: the command is no list
    bool days = false;             // --from, --to, --day: business days
    bool parties = false;          // --merchant, --terminal, --route
    std::string_view states = "";  // choices of --state; empty: not taken
    std::string_view kinds = "";   // choices of --kind; empty: not taken
    bool for_a_file = false;       // refundctl writes JSON lines to stdout when no file is named
};

/// Who carries a command out: the switch, or refundctl, which goes over a file and sends others.
enum class CommandSide : std::uint8_t { of_the_switch, refundctl };

struct CommandInfo {
    std::string_view name;  // "refund open"
    std::string_view role;  // "viewer", "operator" …
    std::string_view help;
    std::vector<ArgumentInfo> arguments;
    ListInfo list = {};
    bool takes_long = false;  // a read of more than a page: it does not keep short ones waiting
    [[nodiscard]] bool is_list() const { return !list.rows.empty(); }
    /// What refundctl sends by itself and nobody types: in no help, manual page or completion.
    [[nodiscard]] bool is_internal() const { return help.starts_with("internal:"); }
    CommandSide side = CommandSide::of_the_switch;
};

const std::vector<CommandInfo>& commands();
const CommandInfo* find_command(std::string_view name);

/// "route merchant" → its words.
std::vector<std::string> choice_words(std::string_view choices);

inline constexpr std::size_t argument_text_max = 200;
/// Nothing when `text` is in the argument's form; else a sentence that begins with its name and never repeats
/// it.
iso8583::Result<void> check_argument(const ArgumentInfo& argument, std::string_view text);

}  // namespace acquirer::admin
