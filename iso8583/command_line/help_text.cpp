#include <algorithm>

#include "iso8583/command_line/texts.hpp"

namespace command_line {
namespace {

using Options = std::vector<OptionShape>;

/// "--rrn RRN", "-o, --output FILE", "ID".
std::string label_of(const OptionShape& option) {
    std::string label = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
    if (!option.positional && !option.value.empty()) label += " " + option.value;
    return label;
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
    return all;
}

std::string text_of(const OptionShape& option) {
    std::string text = option.help;
    if (!option.words.empty()) text += ": " + joined(option.words);
    if (!option.preset.empty()) text += " (" + option.preset + ")";
    if (!option.environment.empty()) text += "; else " + option.environment + " of the environment";
    if (option.required && !option.positional) text += "; needed";
    return text;
}

struct Row {
    std::string label, text;
};

void add_rows(std::string& out, const std::string& heading, const std::vector<Row>& rows) {
    if (rows.empty()) return;
    constexpr std::size_t label_columns_max = 34, indent = 2, gap = 2;
    std::size_t widest = 0;
    for (const Row& row : rows) widest = std::max(widest, std::min(label_columns_max, row.label.size()));
    const std::size_t text_at = indent + widest + gap;
    out += "\n" + heading + ":\n";
    for (const Row& row : rows) {
        out += std::string(indent, ' ') + row.label;
        std::size_t column = indent + row.label.size();
        for (const std::string& line : wrapped(row.text, text_columns - text_at)) {
            if (column + gap > text_at) {
                out += "\n";
                column = 0;
            }
            out += std::string(text_at - column, ' ') + line;
            column = text_columns;
        }
        out += "\n";
    }
}

std::vector<Row> rows_of(const Options& options, bool positional) {
    std::vector<Row> rows;
    for (const OptionShape& option : options)
        if (option.positional == positional) rows.push_back({label_of(option), text_of(option)});
    return rows;
}

}  // namespace

std::string usage_of(const CommandShape& command) {
    std::string line = command.path;
    bool has_optional = false;
    for (const OptionShape& option : command.options)
        if (option.positional)
            line += option.required ? " " + option.name : " [" + option.name + "]";
        else if (option.required)
            line += " " + option.name + " " + option.value;
        else
            has_optional = true;
    if (has_optional) line += " [OPTIONS]";
    if (!command.commands.empty()) line += command.needs_command ? " COMMAND" : " [COMMAND]";
    return line;
}

std::string help_of(const CommandShape& command, const Options& inherited, const Manual& manual) {
    std::string out;
    for (const std::string& line : wrapped(command.path + ": " + command.help, text_columns))
        out += line + "\n";
    const std::string lead = "Usage: ";
    out += "\n";
    std::string begin = lead;
    for (const std::string& line : wrapped(usage_of(command), text_columns - lead.size())) {
        out += begin + line + "\n";
        begin = std::string(lead.size(), ' ');
    }
    add_rows(out, "Arguments", rows_of(command.options, true));
    std::vector<Row> commands;
    for (const CommandShape& sub : command.commands) commands.push_back({sub.name, sub.help});
    add_rows(out, "Commands", commands);
    add_rows(out, "Options", rows_of(command.options, false));
    add_rows(out, "Options of every command", rows_of(inherited, false));
    std::vector<Row> codes;
    for (const Manual::Entry& code : manual.exit_codes)
        codes.push_back({std::string(code.name), std::string(code.text)});
    add_rows(out, "Exit codes", codes);
    return out;
}

}  // namespace command_line
