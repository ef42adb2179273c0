#include "iso8583/command_line/texts.hpp"

namespace command_line {
namespace {

/// A text for roff: no dash becomes a hyphen, no line a request.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// An argument of a macro.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
    return out + "\"";
}

class Page {
  public:
    void line(const std::string& text) { out += text + "\n"; }
    void section(std::string_view name) { line(".SH " + quoted(name)); }
    void subsection(std::string_view name) { line(".SS " + quoted(name)); }
    /// Sentences on lines of their own, as roff wants them; none is longer than a line of a source.
    void text(std::string_view words) {
        constexpr std::size_t source_columns = 78;
        for (const std::string& part : wrapped(words, source_columns)) line(escaped(part));
    }
    void term(const std::string& name, std::string_view words) {
        line(".TP");
        line(".B " + quoted(name));
        text(words.empty() ? "\\&" : words);
    }

    std::string out;
};

std::string name_of(const OptionShape& option) {
    std::string name = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
    if (!option.positional && !option.value.empty()) name += " " + option.value;
    return name;
}

std::string text_of(const OptionShape& option) {
    std::string text = option.help;
    for (const std::string& word : option.words)
        text += (&word == &option.words.front() ? ": " : ", ") + word;
    if (!option.preset.empty()) text += " (" + option.preset + ")";
    if (option.required && !option.positional) text += "; needed";
    return text + ".";
}

void add_options(Page& page, const std::vector<OptionShape>& options) {
    for (const OptionShape& option : options) page.term(name_of(option), text_of(option));
}

/// A command with all that it takes; groups are subsections.
void add_commands(Page& page, const CommandShape& above) {
    for (const CommandShape& command : above.commands) {
        if (!command.commands.empty()) {
            page.subsection(command.name + ": " + command.help);
            add_options(page, command.options);
            add_commands(page, command);
            continue;
        }
        page.term(usage_of(command), command.help + ".");
        if (command.options.empty()) continue;
        page.line(".RS");
        add_options(page, command.options);
        page.line(".RE");
    }
}

void add_entries(Page& page, std::string_view section, const std::vector<Manual::Entry>& entries) {
    if (entries.empty()) return;
    page.section(section);
    for (const Manual::Entry& entry : entries) page.term(std::string(entry.name), entry.text);
}

}  // namespace

std::string manual_page(const CommandShape& program, const Manual& manual, const std::string& version) {
    Page page;
    page.line(".TH " + quoted(upper(program.name)) + " " + std::to_string(manual.section) + " \"\" " +
              quoted(program.name + " " + version) + " " + quoted("Refund switch"));
    // Neither hyphens nor spaces that were not typed: commands are copied from this page.
    page.line(".nh");
    page.line(".ad l");
    page.section("NAME");
    page.line(escaped(program.name) + " \\- " + escaped(program.help));
    page.section("SYNOPSIS");
    page.line(".B " + quoted(program.name));
    page.text("[OPTIONS]" + std::string(program.commands.empty() ? "" : " COMMAND ..."));
    page.section("DESCRIPTION");
    for (const std::string_view paragraph : manual.description) {
        if (paragraph != manual.description.front()) page.line(".PP");
        page.text(paragraph);
    }
    page.section("OPTIONS");
    add_options(page, program.options);
    page.term("-h, --help", "what a command takes; behind a command, of that one.");
    if (!program.commands.empty()) {
        page.section("COMMANDS");
        // Commands without a group first: a subsection has no end but the next one.
        CommandShape alone = program, groups = program;
        alone.commands.clear();
        groups.commands.clear();
        for (const CommandShape& command : program.commands)
            (command.commands.empty() ? alone : groups).commands.push_back(command);
        add_commands(page, alone);
        add_commands(page, groups);
    }
    add_entries(page, "EXIT STATUS", manual.exit_codes);
    add_entries(page, "ENVIRONMENT", manual.environment);
    add_entries(page, "FILES", manual.files);
    if (!manual.examples.empty()) page.section("EXAMPLES");
    for (const Manual::Entry& example : manual.examples) page.term(std::string(example.name), example.text);
    if (!manual.see_also.empty()) page.section("SEE ALSO");
    for (const std::string_view other : manual.see_also) {
        const std::size_t open = other.find('(');
        page.line(".BR " + escaped(other.substr(0, open)) + " " + std::string(other.substr(open)) +
                  (other == manual.see_also.back() ? "" : " ,"));
    }
    return page.out;
}

}  // namespace command_line
