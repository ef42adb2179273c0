#include "iso8583/command_line/program.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "iso8583/command_line/standard_streams.hpp"
#include "iso8583/command_line/texts.hpp"
#include "iso8583/command_line/version.hpp"
#include "iso8583/values/nearest_word.hpp"

namespace command_line {
namespace {

/// "TEXT:{zak,zpk}" → zak, zpk: the words that a validator of the option names.
std::vector<std::string> words_in(const std::string& type) {
    std::vector<std::string> words;
    const std::size_t open = type.find('{'), close = type.rfind('}');
    if (open == std::string::npos || close == std::string::npos) return words;
    for (std::size_t at = open + 1; at < close;) {
        const std::size_t end = std::min(type.find(',', at), close);
        words.push_back(type.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

/// What it takes, in one word: CLI11's names of C++ types are not the user's.
std::string value_word(const std::string& type, bool has_words) {
    if (has_words) return "WORD";
    const std::string name = type.substr(0, type.find(':'));
    if (name.starts_with("UINT") || name.starts_with("INT") || name.starts_with("FLOAT")) return "N";
    return upper(name);
}

OptionShape shape_of(const CLI::Option& option) {
    OptionShape shape;
    shape.positional = option.get_positional();
    if (!option.get_lnames().empty()) shape.name = "--" + option.get_lnames().front();
    for (const std::string& name : option.get_lnames())
        if ("--" + name != shape.name) shape.others.push_back("--" + name);
    if (!option.get_snames().empty()) shape.short_name = "-" + option.get_snames().front();
    if (shape.positional) shape.name = upper(option.get_name(true, false));
    const std::string type = option.get_type_name();
    shape.words = words_in(type);
    shape.help = option.get_description();
    shape.preset = option.get_default_str();
    shape.environment = option.get_envname();
    shape.required = option.get_required();
    shape.values_min = option.get_expected_max() == 0 ? 0U : static_cast<unsigned>(option.get_expected_min());
    if (shape.values_min == 0 && option.get_expected_max() > 0 && option.get_type_size() > 0)
        shape.values_min = 1;
    if (option.get_type_size() == 0) shape.values_min = 0;
    shape.repeats = shape.values_min > 0 && option.get_allow_extra_args() &&
                    option.get_expected_max() > option.get_expected_min();
    if (shape.values_min > 0) shape.value = value_word(type, !shape.words.empty());
    return shape;
}

/// Groups without a name are not shown to people.
bool is_shown(const std::string& group) { return !group.empty(); }

CommandShape shape_of(const CLI::App& app, const std::string& above) {
    CommandShape shape;
    shape.name = app.get_name();
    shape.path = above.empty() ? shape.name : above + " " + shape.name;
    shape.help = app.get_description();
    shape.needs_command = app.get_require_subcommand_min() > 0;
    shape.inherits = app.get_fallthrough();
    for (const CLI::Option* option : app.get_options())
        if (is_shown(option->get_group()) && option != app.get_help_ptr())
            shape.options.push_back(shape_of(*option));
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        if (is_shown(sub->get_group())) shape.commands.push_back(shape_of(*sub, shape.path));
    return shape;
}

/// CLI11's sentence in our words.
std::string reworded(const CLI::ParseError& error) {
    std::string what = error.what();
    const auto replace = [&what](std::string_view from, std::string_view to) {
        if (const std::size_t at = what.find(from); at != std::string::npos)
            what.replace(at, from.size(), to);
    };
    const std::size_t colon = what.find(": ");
    const std::string name = what.substr(0, colon);
    if (error.get_name() == "ValidationError" || error.get_name() == "ConversionError") {
        if (const std::size_t range = what.find(" not in range "); range != std::string::npos)
            return name + ": needs a number from " + what.substr(range + std::strlen(" not in range "));
        if (error.get_name() == "ConversionError" && what.starts_with("Could not convert: ")) {
            const std::string rest = what.substr(std::strlen("Could not convert: "));
            return rest.substr(0, rest.find(' ')) + ": needs a number";
        }
        if (const std::size_t set = what.find(" not in {"); set != std::string::npos) {
            const auto words = words_in(what.substr(set));
            return name + ": " + iso8583::fault_of_word(words, what.substr(colon + 2, set - colon - 2));
        }
    }
    if (what.starts_with("A subcommand is required")) return "a command is needed";
    if (const std::size_t at = what.find(" is required"); at != std::string::npos && !what.starts_with('-'))
        what = upper(what.substr(0, at)) + what.substr(at);
    replace(" is required", " is needed");
    if (error.get_name() == "ExtrasError") return "a word was not expected";
    if (const std::size_t missing = what.find(": 1 required "); missing != std::string::npos)
        what = what.substr(0, missing) + ": needs a value behind it";
    return what;
}

void print(const std::string& text, std::FILE* to) { std::fwrite(text.data(), 1, text.size(), to); }

// Said where nothing can be allocated any more, so it stands ready.
std::array<char, 96> out_of_memory_line{};

[[noreturn]] void end_out_of_memory() {
    std::fputs(out_of_memory_line.data(), stderr);  // which has no buffer
    // What was answered is durable and nothing else counts (R58): no destructor may run half.
    std::_Exit(exit_out_of_memory);
}

/// Without it an allocation that fails is std::bad_alloc in whatever thread it was, and a program that
/// aborts.
void end_when_memory_is_out(std::string_view program) {
    std::snprintf(out_of_memory_line.data(), out_of_memory_line.size(),
                  "%.*s: out of memory: ends here, start it again\n", static_cast<int>(program.size()),
                  program.data());
    std::set_new_handler(end_out_of_memory);
}

}  // namespace

std::string version_line(const std::string& program) {
    return program + " " + build_version + " (commit " + build_commit + ")";
}

Program::Program(CLI::App& app, Manual manual) : app_(app), manual_(std::move(manual)) {
    end_when_memory_is_out(app_.get_name());
    guard_standard_streams(app_.get_name());
    app_.set_version_flag("--version", version_line(app_.get_name()), "name, version and commit");
}

std::string Program::help() const {
    const CommandShape program = shape_of(app_, "");
    std::vector<std::string> words;
    for (const CLI::App* sub = &app_; !sub->get_subcommands().empty();) {
        sub = sub->get_subcommands().back();
        words.push_back(sub->get_name());
    }
    const CommandShape& command = command_of(program, words);
    return help_of(command, command.inherits ? program.options : std::vector<OptionShape>(), manual_);
}

int Program::report(const std::string& fault, const CommandShape& command) const {
    if (told_)
        told_(fault);
    else
        print(app_.get_name() + ": " + fault + "\n", stderr);
    if (!told_) print("`" + command.path + " --help` shows how it is used\n", stderr);
    return exit_usage;
}

std::optional<int> Program::parse(int argc, const char* const* argv) {
    const std::vector<std::string> words(argv + std::min(1, argc), argv + argc);
    if (words.size() == 2 && words[0] == "--print") {
        const CommandShape program = shape_of(app_, "");
        if (words[1] == "man") print(manual_page(program, manual_, build_version), stdout);
        if (words[1] == "bash") print(bash_completion(program), stdout);
        if (words[1] == "zsh") print(zsh_completion(program), stdout);
        if (words[1] == "commands") print(commands_of(program), stdout);
        if (words[1] == "commands" || words[1] == "man" || words[1] == "bash" || words[1] == "zsh")
            return exit_done;
        return report("--print: " + iso8583::fault_of_word({"man", "bash", "zsh", "commands"}, words[1]),
                      program);
    }
    try {
        app_.parse(argc, argv);
    } catch (const CLI::CallForVersion&) {
        print(version_line(app_.get_name()) + "\n", stdout);
        return exit_done;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            print(help(), stdout);
            return exit_done;
        }
        const CommandShape program = shape_of(app_, "");
        if (const auto fault = find_usage_fault(program, words)) return report(fault->text, *fault->command);
        const CommandShape& command = command_of(program, words);
        const std::string before =
            &command == &program ? "" : command.path.substr(program.path.size() + 1) + ": ";
        return report(before + reworded(error), command);
    }
    return std::nullopt;
}

}  // namespace command_line
