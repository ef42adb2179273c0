#include "iso8583/command_line/texts.hpp"

namespace command_line {

const CommandShape* CommandShape::find(std::string_view word) const {
    for (const CommandShape& command : commands)
        if (command.name == word) return &command;
    return nullptr;
}

std::string commands_of(const CommandShape& program) {
    std::string lines;
    for (const CommandShape& command : program.commands)
        if (command.commands.empty())
            lines += command.name + "\n";
        else
            for (const CommandShape& sub : command.commands) lines += command.name + " " + sub.name + "\n";
    return lines;
}

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c == '-') c = '_';
    }
    return text;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
        if (!line.empty() && line.size() + 1 + word.size() > columns) {
            lines.push_back(line);
            line.clear();
        }
        if (word.empty()) continue;
        line += (line.empty() ? "" : " ") + std::string(word);
    }
    if (!line.empty()) lines.push_back(line);
    return lines;
}

}  // namespace command_line
