// Completion for two shells: the same tables, keyed by "refundctl refund open" and "refundctl refund open
// --rrn", and the same walk over the words before the cursor.
#include <functional>

#include "iso8583/command_line/texts.hpp"

namespace command_line {
namespace {

using Options = std::vector<OptionShape>;

/// For both shells, within '…'.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void each_command(const CommandShape& command, Options above,
                  const std::function<void(const CommandShape&, const Options&)>& take) {
    // Options of the commands above may stand behind this one as well.
    if (!command.inherits) above.clear();
    for (const OptionShape& option : command.options)
        if (!option.positional) above.push_back(option);
    Options all = above;
    for (const OptionShape& option : command.options)
        if (option.positional) all.push_back(option);
    take(command, all);
    for (const CommandShape& sub : command.commands) each_command(sub, above, take);
}

std::string join_words(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
    return all;
}

/// What the shells' functions look up.
struct Tables {
    // "path" → lines "word:what it is" of commands and of options
    std::vector<std::pair<std::string, std::string>> commands, options;
    // "path --option" or "path 1" (an argument without dashes) → words; "" takes anything, "FILE" a file
    std::vector<std::pair<std::string, std::string>> values;
};

std::string described(const std::string& word, const std::string& help) {
    std::string line;
    for (const char c : word) line += c == ':' ? std::string("\\:") : std::string(1, c);
    return line + ":" + help + "\n";
}

Tables tables_of(const CommandShape& program) {
    Tables tables;
    each_command(program, {}, [&tables](const CommandShape& command, const Options& options) {
        std::string commands, lines;
        for (const CommandShape& sub : command.commands) commands += described(sub.name, sub.help);
        std::size_t place = 0;
        for (const OptionShape& option : options) {
            const std::string value = option.is_file() ? "FILE" : join_words(option.words);
            if (option.positional) {
                tables.values.emplace_back(command.path + " " + std::to_string(++place), value);
                continue;
            }
            lines += described(option.name, option.help);
            if (option.values_min > 0) tables.values.emplace_back(command.path + " " + option.name, value);
            if (option.values_min > 0 && !option.short_name.empty())
                tables.values.emplace_back(command.path + " " + option.short_name, value);
        }
        lines += described("--help", "how it is used");
        tables.commands.emplace_back(command.path, commands);
        tables.options.emplace_back(command.path, lines);
    });
    return tables;
}

/// Of "word:what it is" lines the words.
std::string words_of(const std::string& lines) {
    std::string out;
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1)
        out += (out.empty() ? "" : " ") + lines.substr(at, lines.find(':', at) - at);
    return out;
}

std::string function_name(const CommandShape& program) {
    std::string name = "_" + program.name;
    for (char& c : name)
        if (c == '-') c = '_';
    return name;
}

}  // namespace

std::string bash_completion(const CommandShape& program) {
    const Tables tables = tables_of(program);
    const std::string function = function_name(program);
    std::string out = "# Completion of " + program.name + " for bash; made by `" + program.name +
                      " --print bash`.\n" + function + "()\n{\n    local -A commands options values\n";
    for (const auto& [path, lines] : tables.commands)
        if (!lines.empty()) out += "    commands[" + quoted(path) + "]=" + quoted(words_of(lines)) + "\n";
    for (const auto& [path, lines] : tables.options)
        out += "    options[" + quoted(path) + "]=" + quoted(words_of(lines)) + "\n";
    for (const auto& [key, value] : tables.values)
        out += "    values[" + quoted(key) + "]=" + quoted(value) + "\n";
    out += "    local at=" + quoted(program.name);
    out += R"( current=${COMP_WORDS[COMP_CWORD]} awaited='' word place=1 i
    for ((i = 1; i < COMP_CWORD; ++i)); do
        word=${COMP_WORDS[i]}
        if [[ $word == '=' ]]; then continue; fi
        if [[ -n $awaited ]]; then awaited=''; continue; fi
        if [[ $word == -* ]]; then
            if [[ -v values["$at $word"] ]]; then awaited=$word; fi
        elif [[ " ${commands["$at"]-} " == *" $word "* ]]; then
            at="$at $word"
        else
            ((++place))
        fi
    done
    if [[ $current == '=' ]]; then current=''; fi
    local wanted
    if [[ -n $awaited ]]; then
        wanted=${values["$at $awaited"]}
    elif [[ $current == -* ]]; then
        wanted=${options["$at"]-}
    else
        wanted="${commands["$at"]-} ${values["$at $place"]-}"
    fi
    COMPREPLY=()
    if [[ $wanted == *FILE ]]; then
        compopt -o filenames 2> /dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$wanted" -- "$current")
    fi
}
)";
    return out + "complete -F " + function + " " + program.name + "\n";
}

std::string zsh_completion(const CommandShape& program) {
    const Tables tables = tables_of(program);
    const std::string function = function_name(program);
    std::string out = "#compdef " + program.name + "\n# Completion of " + program.name +
                      " for zsh; made by `" + program.name + " --print zsh`.\n" + function +
                      "() {\n  local -A commands options values\n";
    const auto table = [&out](const std::string& name, const auto& rows) {
        out += "  " + name + "=(\n";
        for (const auto& [key, value] : rows) out += "    " + quoted(key) + " " + quoted(value) + "\n";
        out += "  )\n";
    };
    table("commands", tables.commands);
    table("options", tables.options);
    table("values", tables.values);
    out += "  local at=" + quoted(program.name);
    out += R"( awaited='' word wanted
  integer place=1 i
  local -a lines
  for ((i = 2; i < CURRENT; ++i)); do
    word=${words[i]}
    if [[ -n $awaited ]]; then awaited=''; continue; fi
    lines=(${${(f)commands[$at]}%%:*})
    if [[ $word == -* ]]; then
      if (( ${+values[$at $word]} )); then awaited=$word; fi
    elif (( ${lines[(Ie)$word]} )); then
      at="$at $word"
    else
      (( place += 1 ))
    fi
  done
  if [[ -z $awaited && ${words[CURRENT]} == -* ]]; then
    lines=(${(f)options[$at]})
    _describe -o option lines
    return
  fi
  if [[ -z $awaited && -n ${commands[$at]} ]]; then
    lines=(${(f)commands[$at]})
    _describe command lines
    return
  fi
  wanted=${values[$at ${awaited:-$place}]}
  if [[ $wanted == FILE ]]; then
    _files
  elif [[ -n $wanted ]]; then
    lines=(${=wanted})
    compadd -a lines
  fi
}
)";
    return out + function + " \"$@\"\n";
}

}  // namespace command_line
