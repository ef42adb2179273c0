// A command line as plain data: what help, manual pages, completion and the words about wrong usage are made
// of. Made from a CLI::App by Program (program.hpp); nothing else of ours sees CLI11 there. Values, owned by
// whoever holds them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace command_line {

/// An option, or an argument without dashes.
struct OptionShape {
    std::string name;                 // "--rrn"; of an argument without dashes "ID"
    std::string short_name;           // "-o", or empty
    std::vector<std::string> others;  // names that it has as well, in no text
    std::string value;                // what it takes: "AMOUNT", "FILE"; empty: a flag
    std::vector<std::string> words;   // the only values that it takes; empty: any
    std::string help;
    std::string preset;       // what holds when it is left out; empty: nothing, or the help says it
    std::string environment;  // variable that stands in for it; empty: none
    bool required = false;
    bool positional = false;
    unsigned values_min = 0;  // words that follow it
    bool repeats = false;     // and as many more as come before the next option
    [[nodiscard]] bool is_file() const { return value == "FILE" || value == "PATH" || value == "DIR"; }
};

struct CommandShape {
    std::string path;  // "refundctl refund open"
    std::string name;  // "open"; of the program its own
    std::string help;
    bool needs_command = false;  // the program or group does nothing without one
    bool inherits = false;       // options of the command above may stand behind it
    std::vector<OptionShape> options;
    std::vector<CommandShape> commands;
    [[nodiscard]] const CommandShape* find(std::string_view word) const;
};

/// What a manual page says beside the options; all of it static.
struct Manual {
    struct Entry {
        std::string_view name;
        std::string_view text;
    };
    int section = 1;
    std::vector<std::string_view> description;  // paragraphs
    std::vector<Entry> exit_codes;
    std::vector<Entry> environment;
    std::vector<Entry> files;
    std::vector<Entry> examples;             // a command, and what it does
    std::vector<std::string_view> see_also;  // "refund-switch(8)"
};

}  // namespace command_line
