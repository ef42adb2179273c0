#include "tests/flow/flow_script.hpp"

#include <algorithm>
#include <charconv>

#include "iso8583/values/bytes.hpp"

namespace flow {
namespace {

constexpr std::string_view reactions[] = {"declines",       "silent",  "twice", "bad-mac",
                                          "another-amount", "partial", "drops", "deaf"};
constexpr std::string_view subjects[] = {"terminal", "issuer", "expect", "pass", "crash", "link",
                                         "operator", "clock",  "disk",   "hsm",  "config"};

std::vector<std::string> tokens_of(std::string_view line) {
    std::vector<std::string> tokens;
    while (true) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos) return tokens;
        line.remove_prefix(begin);
        // A value in quotes may hold blanks: text="REFUND INSTEAD".
        std::size_t end = 0;
        bool quoted = false;
        while (end < line.size() && (quoted || (line[end] != ' ' && line[end] != '\t' && line[end] != '\r')))
            if (line[end++] == '"') quoted = !quoted;
        std::string token(line.substr(0, end));
        std::erase(token, '"');
        tokens.push_back(std::move(token));
        line.remove_prefix(end);
    }
}

/// Empty, or why this line or its arrow would do nothing where it stands.
std::string idle(const Line* before, const Line& line, const Line* next) {
    if (line.is_reaction() && (before == nullptr || before->subject != "terminal"))
        return "what the issuer does with a request stands right after its terminal line";
    if (line.answer.empty()) return {};
    if (line.subject != "terminal" && line.subject != "issuer" && line.subject != "operator")
        return "no arrow is looked at here: only terminal, issuer and operator lines have answers";
    if (line.subject != "terminal") return {};
    if (line.word(line.words.empty() ? 0 : line.words.size() - 1) == "hangs-up")
        return "hanging up has no answer: the arrow would not be looked at";
    if (line.value("together"))
        return "with together= the next request comes first: the arrow would not be looked at";
    if (next != nullptr && next->is_reaction())
        return "the issuer's line below decides the answer: the arrow stands there";
    return {};
}

iso8583::Result<Line> parse_line(std::size_t number, std::string_view text,
                                 const std::vector<std::string>& tokens) {
    Line line;
    line.number = number;
    line.text = text;
    line.subject = tokens.front();
    if (std::find(std::begin(subjects), std::end(subjects), line.subject) == std::end(subjects))
        return iso8583::parse_error("no line begins with \"" + line.subject + "\"");
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        if (tokens[i] == "->") {
            if (i + 2 != tokens.size())
                return iso8583::parse_error("after -> one answer stands, and nothing else");
            line.answer = tokens[++i];
            continue;
        }
        const std::size_t equals = tokens[i].find('=');
        if (equals == std::string::npos)
            line.words.push_back(tokens[i]);
        else
            line.values[tokens[i].substr(0, equals)] = tokens[i].substr(equals + 1);
    }
    return line;
}

}  // namespace

bool Line::is_reaction() const {
    return subject == "issuer" &&
           std::find(std::begin(reactions), std::end(reactions), word(0)) != std::end(reactions);
}

iso8583::Result<Script> parse_script(std::string name, std::string_view text) {
    Script script;
    script.name = std::move(name);
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        const std::size_t hash = line.find('#');
        if (hash != std::string_view::npos) {
            if (script.title.empty() && hash == 0)
                script.title = std::string(line.substr(std::min<std::size_t>(2, line.size())));
            line = line.substr(0, hash);
        }
        const auto tokens = tokens_of(line);
        if (tokens.empty()) continue;
        if (tokens.front() == "rules") {
            script.rules.assign(tokens.begin() + 1, tokens.end());
            continue;
        }
        auto parsed = tokens.front() == "given" ? parse_line(number, line,
                                                             [&] {
                                                                 auto as_config = tokens;
                                                                 as_config.front() = "config";
                                                                 return as_config;
                                                             }())
                                                : parse_line(number, line, tokens);
        if (!parsed)
            return iso8583::parse_error(script.name + ":" + std::to_string(number) + ": " +
                                        parsed.error().what);
        if (tokens.front() == "given")
            script.given.insert(parsed->values.begin(), parsed->values.end());
        else
            script.lines.push_back(std::move(*parsed));
    }
    for (std::size_t i = 0; i < script.lines.size(); ++i) {
        const Line* before = i > 0 ? &script.lines[i - 1] : nullptr;
        const Line* next = i + 1 < script.lines.size() ? &script.lines[i + 1] : nullptr;
        const Line& line = script.lines[i];
        if (const std::string why = idle(before, line, next); !why.empty())
            return iso8583::parse_error(script.name + ":" + std::to_string(line.number) + ": " + why);
    }
    if (script.rules.empty()) return iso8583::parse_error(script.name + ": a line \"rules R…\" is needed");
    if (script.title.empty())
        return iso8583::parse_error(script.name + ": the first line is a comment that says what is told");
    return script;
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text, bool may_be_negative) {
    std::int64_t sign = 1;
    if (may_be_negative && !text.empty() && (text[0] == '+' || text[0] == '-')) {
        sign = text[0] == '-' ? -1 : 1;
        text.remove_prefix(1);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || value < 0) return std::nullopt;
    for (const auto& [name, ms] : {std::pair<std::string_view, std::int64_t>{"ms", 1},
                                   {"s", 1'000},
                                   {"m", 60'000},
                                   {"h", 3'600'000},
                                   {"d", 86'400'000}})
        if (unit == name) return sign * value * ms;
    return std::nullopt;
}

}  // namespace flow
