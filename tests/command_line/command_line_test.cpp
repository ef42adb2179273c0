// Help, wrong words, manual page and completion of a small program that has one of each.
#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "iso8583/command_line/program.hpp"
#include "iso8583/command_line/texts.hpp"

namespace {

using command_line::CommandShape;
using command_line::find_usage_fault;
using command_line::OptionShape;

OptionShape option(std::string name, std::string value, std::string help) {
    OptionShape shape;
    shape.name = std::move(name);
    shape.values_min = value.empty() ? 0 : 1;
    shape.value = std::move(value);
    shape.help = std::move(help);
    return shape;
}

/// till [--socket PATH] sale add ID --kind {cash,card} | sale list | status
CommandShape till() {
    OptionShape id = option("ID", "ID", "its number");
    id.positional = id.required = true;
    OptionShape kind = option("--kind", "WORD", "which");
    kind.words = {"cash", "card"};
    const CommandShape add{"till sale add", "add", "enters one", false, true, {id, kind}, {}};
    const CommandShape list{"till sale list", "list", "shows them", false, true, {}, {}};
    const CommandShape sale{"till sale", "sale", "what was sold", true, true, {}, {add, list}};
    const CommandShape status{
        "till status", "status", "how it is", false, true, {option("--steps", "", "all")}, {}};
    return {"till",        "till", "a till", true, false, {option("--socket", "PATH", "where it is")},
            {sale, status}};
}

std::string fault_of(const std::vector<std::string>& words) {
    const auto fault = find_usage_fault(till(), words);
    return fault ? fault->text : "";
}

}  // namespace

TEST_CASE("a wrong word is named with where it stood, and what may have been meant") {
    struct Row {
        std::vector<std::string> words;
        std::string fault;
    };
    const std::vector<Row> rows = {
        {{"sale", "add", "1", "--kind", "cash"}, ""},
        {{"sale", "add", "--socket", "sale", "1"}, ""},  // a value that looks like a command
        {{"--socket=x", "status", "--steps"}, ""},
        {{"sael"}, "sael: no such command; did you mean sale?"},
        {{"sale", "ad"}, "sale ad: no such command; did you mean sale add?"},
        {{"add"}, "add: no such command; did you mean sale add?"},
        {{"nothing"}, "nothing: no such command"},
        {{"sale", "add", "1", "--knid", "cash"}, "sale add: --knid: no such option; did you mean --kind?"},
        {{"status", "--sokcet", "x"}, "status: --sokcet: no such option; did you mean --socket?"},
        {{"status", "--kind", "cash"}, "status: --kind: no such option"},
        {{"status", "sale"}, "status: sale was not expected"},
        {{"sale", "add", "1", "--", "--kind"}, "sale add: --kind was not expected"},
        {{"status", "-x"}, "status: -x: no such option"},
    };
    for (const Row& row : rows) {
        INFO(row.fault);
        CHECK(fault_of(row.words) == row.fault);
    }
}

TEST_CASE("options of the program do not stand behind a command that does not take them") {
    CommandShape program = till();
    program.commands[1].inherits = false;
    const auto fault = find_usage_fault(program, {"status", "--socket", "x"});
    REQUIRE(fault);
    CHECK(fault->text == "status: --socket: no such option");
}

TEST_CASE("regression: words that were not expected are named from the first, not reversed") {
    CHECK(fault_of({"status", "first", "second", "third"}) == "status: first was not expected");
}

TEST_CASE("a word that could be a card's number is not repeated, nor bytes that a terminal obeys") {
    CHECK(fault_of({"status", "6212345678900000003"}) ==
          "status: (a word with many digits) was not expected");
    CHECK(fault_of({"status", "a\x1b[2Jb"}) == "status: a?[2Jb was not expected");
    CHECK(fault_of({"status", std::string(100, 'x')}) ==
          "status: " + std::string(40, 'x') + "... was not expected");
}

TEST_CASE("help says how a command is used, from the program's name on, within 100 columns") {
    const CommandShape program = till();
    const std::string help = help_of(command_of(program, {"sale", "add"}), program.options, {});
    CHECK(help ==
          "till sale add: enters one\n\n"
          "Usage: till sale add ID [OPTIONS]\n\n"
          "Arguments:\n  ID  its number\n\n"
          "Options:\n  --kind WORD  which: cash, card\n\n"
          "Options of every command:\n  --socket PATH  where it is\n");
    CommandShape wordy = program;
    for (int i = 0; i < 60; ++i) wordy.commands[1].options[0].help += " words";
    const std::string text = help_of(wordy.commands[1], wordy.options, {});
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
        CHECK(text.find('\n', at) - at <= command_line::text_columns);
}

TEST_CASE("lines are broken at spaces, and a longer word stands alone") {
    using Lines = std::vector<std::string>;
    CHECK(command_line::wrapped("one two three", 7) == Lines{"one two", "three"});
    CHECK(command_line::wrapped("elephantine is", 4) == Lines{"elephantine", "is"});
    CHECK(command_line::wrapped("", 4).empty());
}

TEST_CASE("a manual page has every command, and hides no dash and no quote from whoever copies it") {
    command_line::Manual manual;
    manual.description = {".a line that begins with a dot", "'and one with a quote; a\\b"};
    manual.exit_codes = {{"0", "done"}};
    manual.see_also = {"other(8)"};
    const std::string page = manual_page(till(), manual, "1.2");
    for (const char* part :
         {".TH \"TILL\" 1 \"\" \"till 1.2\" \"Refund switch\"\n", "till \\- a till\n",
          ".SS \"sale: what was sold\"\n", ".B \"till sale add ID [OPTIONS]\"\n", ".B \"\\-\\-kind WORD\"\n",
          "which: cash, card.\n", "\\&.a line that begins with a dot\n", "\\&'and one with a quote; a\\eb\n",
          ".SH \"EXIT STATUS\"\n", ".BR other (8)\n"}) {
        INFO(part);
        CHECK(page.find(part) != std::string::npos);
    }
}

TEST_CASE("CLI11's own sentences come in our words") {
    struct Row {
        std::vector<const char*> words;
        std::string fault;
    };
    const std::vector<Row> rows = {
        {{"till", "work"}, "work: ID is needed"},
        {{"till", "work", "1"}, "work: --out is needed"},
        {{"till", "work", "1", "--out"}, "work: --out: needs a value behind it"},
        {{"till", "--times", "0"}, "--times: needs a number from 1 to 9"},
        {{"till", "--times", "x"}, "--times: needs a number from 1 to 9"},
        {{"till", "--to", "dwon"}, "--to: has to be one of up, down; did you mean down?"},
        {{"till"}, "a command is needed"}};
    for (const Row& row : rows) {
        CLI::App app("a till", "till");
        int times = 1;
        std::string to, id, out;
        app.require_subcommand(1);
        app.add_option("--times", times, "how often")->check(CLI::Range(1, 9));
        app.add_option("--to", to, "where")->check(CLI::IsMember({"up", "down"}));
        CLI::App* work = app.add_subcommand("work", "works");
        work->add_option("id", id, "which")->required();
        work->add_option("--out,--output", out, "file")->required();
        command_line::Program program(app, {});
        std::string fault;
        program.on_usage_fault([&fault](const std::string& what) { fault = what; });
        CHECK(program.parse(static_cast<int>(row.words.size()), row.words.data()) ==
              command_line::exit_usage);
        CHECK(fault == row.fault);
    }
}
