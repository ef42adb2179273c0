#include <algorithm>

#include "iso8583/command_line/texts.hpp"
#include "iso8583/values/nearest_word.hpp"

namespace command_line {
namespace {

/// As it was typed; cut when it is long, and not at all when it could be a card's number.
std::string shown(const std::string& word) {
    constexpr std::size_t pan_digits_min = 13, characters_max = 40;
    const auto digits = std::count_if(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (static_cast<std::size_t>(digits) >= pan_digits_min) return "(a word with many digits)";
    std::string text;
    for (const char c : word.substr(0, characters_max))
        text += static_cast<unsigned char>(c) < ' ' || c == 0x7F ? '?' : c;
    return word.size() > characters_max ? text + "..." : text;
}

/// The path without the program's name: "refund open".
std::string words_of(const CommandShape& program, const CommandShape& command) {
    return &command == &program ? std::string() : command.path.substr(program.path.size() + 1);
}

/// Goes over what was typed as the parser does, until a word has no place.
class Walk {
  public:
    explicit Walk(const CommandShape& program) : program_(program), above_{&program} {}

    std::optional<UsageFault> take(const std::vector<std::string>& words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string& word = words[i];
            if (word == "--") only_values_ = true;
            if (only_values_ || word.size() < 2 || word.front() != '-') {
                if (word != "--")
                    if (auto fault = plain(word)) return fault;
                continue;
            }
            const std::size_t equals = word.find('=');
            const OptionShape* option = find_option(word.substr(0, equals));
            if (option == nullptr) return unknown_option(word.substr(0, equals));
            if (equals == std::string::npos) i += values_behind(*option, words, i);
        }
        return std::nullopt;
    }
    [[nodiscard]] const CommandShape& at() const { return *above_.back(); }

  private:
    std::optional<UsageFault> plain(const std::string& word) {
        if (const CommandShape* sub = only_values_ ? nullptr : at().find(word)) {
            above_.push_back(sub);
            values_seen_ = 0;
            return std::nullopt;
        }
        std::size_t places = 0;
        for (const OptionShape& option : at().options) places += option.positional ? 1 : 0;
        if (++values_seen_ <= places) return std::nullopt;
        const std::string before = words_of(program_, at());
        const std::string typed = (before.empty() ? "" : before + " ") + shown(word);
        if (at().commands.empty())
            return fault((before.empty() ? "" : before + ": ") + shown(word) + " was not expected");
        return fault(typed + ": no such command" + meant_command(word));
    }

    /// Of this group; or one of that name in another group.
    [[nodiscard]] std::string meant_command(const std::string& word) const {
        std::vector<std::string> known;
        for (const CommandShape& sub : at().commands) known.push_back(sub.name);
        const std::string before = words_of(program_, at());
        if (const auto near = iso8583::nearest_word(known, word))
            return "; did you mean " + (before.empty() ? "" : before + " ") + *near + "?";
        std::string elsewhere;
        for (const CommandShape& group : program_.commands)
            if (group.find(word) != nullptr && elsewhere.empty()) elsewhere = group.name + " " + word;
        return elsewhere.empty() ? "" : "; did you mean " + elsewhere + "?";
    }

    /// Those that may stand here.
    [[nodiscard]] std::vector<const OptionShape*> options() const {
        std::vector<const OptionShape*> all;
        for (auto at = above_.rbegin(); at != above_.rend(); ++at) {
            for (const OptionShape& option : (*at)->options)
                if (!option.positional) all.push_back(&option);
            if (!(*at)->inherits) break;
        }
        return all;
    }

    [[nodiscard]] const OptionShape* find_option(const std::string& name) const {
        for (const OptionShape* option : options())
            if (option->name == name || option->short_name == name ||
                std::find(option->others.begin(), option->others.end(), name) != option->others.end())
                return option;
        static const OptionShape help{"--help", "-h", {}, "", {}, "", "", "", false, false, 0, false};
        return name == "--help" || name == "-h" ? &help : nullptr;
    }

    [[nodiscard]] UsageFault unknown_option(const std::string& name) const {
        std::vector<std::string> known;
        for (const OptionShape* option : options()) known.push_back(option->name);
        const std::string before = words_of(program_, at());
        return fault((before.empty() ? "" : before + ": ") + shown(name) + ": no such option" +
                     iso8583::did_you_mean(known, name));
    }

    static std::size_t values_behind(const OptionShape& option, const std::vector<std::string>& words,
                                     std::size_t at) {
        std::size_t count = option.values_min;
        if (option.repeats)
            while (at + count + 1 < words.size() && !words[at + count + 1].starts_with('-')) ++count;
        return count;
    }

    [[nodiscard]] UsageFault fault(std::string text) const { return {std::move(text), &at()}; }

    const CommandShape& program_;
    std::vector<const CommandShape*> above_;  // the program first; each is part of the one before
    std::size_t values_seen_ = 0;
    bool only_values_ = false;
};

}  // namespace

std::optional<UsageFault> find_usage_fault(const CommandShape& program,
                                           const std::vector<std::string>& words) {
    return Walk(program).take(words);
}

const CommandShape& command_of(const CommandShape& program, const std::vector<std::string>& words) {
    Walk walk(program);
    (void)walk.take(words);
    return walk.at();
}

}  // namespace command_line
