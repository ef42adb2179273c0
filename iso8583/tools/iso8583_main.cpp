// The `iso8583` command: looks at messages, makes them, and checks and converts dialect files.
#include <CLI/CLI.hpp>
#include <iostream>

#include "iso8583/command_line/program.hpp"
#include "iso8583/tools/commands.hpp"

namespace {

using iso8583::tools::MessageOptions;

void add_message_options(CLI::App& command, MessageOptions& o, bool dialect_required) {
    auto* dialect =
        command
            .add_option("--dialect", o.dialect, "built-in dialect (see `iso8583 dialects`) or a spec file")
            ->type_name("NAME");
    if (dialect_required) dialect->required();
    command.add_flag("--framed", o.framed, "a whole frame: length, TPDU and header as the dialect has them");
    command
        .add_option(
            "--frame", o.frame,
            "a whole frame of this kind: binary2, binary4, ascii4 or bcd2; with inclusive, tpdu, header=N, "
            "trailer=N, separated by commas")
        ->type_name("KIND");
}

void add_decode_options(CLI::App& command, MessageOptions& o) {
    auto* raw = command.add_flag("--raw", o.raw, "standard input is the bytes themselves, not hex");
    command
        .add_flag("--hex", o.hex,
                  "the input is hex in any layout (plain, colons, 0x, xxd, hexdump -C, od -tx1), as it is "
                  "without this")
        ->excludes(raw);
    command.add_flag(
        "--strict", o.strict,
        "content outside a field's class, and parts that do not decode, are errors, not warnings");
    command.add_flag("--reveal", o.reveal,
                     "show card data, PIN blocks, tracks and keys, which are hidden otherwise");
}

command_line::Manual manual() {
    return {
        1,
        {"iso8583 looks at messages and makes them, in any of the built-in dialects or in one that a file "
         "describes (TOML, the JSON of moov-io/iso8583, the XML of jPOS).",
         "What it shows is masked: card numbers, PIN blocks, tracks and keys are hidden unless --reveal "
         "is given. A message is hex as an argument or on standard input."},
        {{"0", "done"}, {"1", "refused, or the messages differ"}, {"2", "usage"}},
        {},
        {},
        {{"iso8583 describe --dialect 87-ascii-hexbmp "
          "0800822000000000000004000000000000001125161336000255301",
          "one line per field."},
         {"iso8583 dialects", "what --dialect takes."},
         {"iso8583 convert-spec unionpay-pos --to toml -o mine.toml",
          "a built-in dialect as a file to begin with."}},
        {"refund-switch(8)", "issuer-sim(1)"}};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"ISO 8583 messages: describe, encode, compare; check and convert dialect files", "iso8583"};
    app.require_subcommand(1);
    MessageOptions o;
    bool json = false;
    std::string file, to, output;

    auto* describe = app.add_subcommand("describe", "one masked line per field");
    add_message_options(*describe, o, true);
    add_decode_options(*describe, o);
    describe->add_flag("--json", o.json, "one JSON object");
    describe->add_flag("--partial", o.partial, "show what decoded before an error");
    describe->add_flag("--bytes", o.bytes, "say of every byte what it is");
    describe->add_option("message", o.input, "hex, or - for standard input");

    auto* encode = app.add_subcommand("encode", "a message from JSON as describe --json writes it");
    add_message_options(*encode, o, false);
    encode->add_flag("--raw", o.raw, "print the bytes themselves, not hex");
    encode->add_option("message", o.input, "JSON, or - for standard input");

    auto* diff = app.add_subcommand("diff", "what differs between two messages");
    add_message_options(*diff, o, true);
    add_decode_options(*diff, o);
    diff->add_option("first", o.input, "hex, or - for standard input")->required();
    diff->add_option("second", o.other, "hex")->required();

    auto* check = app.add_subcommand("check-spec", "read a dialect file and name what is wrong with it");
    check->add_option("file", file, "TOML, moov-io/iso8583 JSON, or jPOS XML")->required()->type_name("FILE");
    check->add_flag("--json", json, "one JSON object");

    auto* convert = app.add_subcommand("convert-spec", "write a dialect in another form");
    convert->add_option("file", file, "a spec file or the name of a built-in dialect")
        ->required()
        ->type_name("FILE");
    convert->add_option("--to", to, "the form")->required()->check(CLI::IsMember({"toml", "json", "xml"}));
    convert->add_option("-o,--output", output, "file to write; standard output without it")
        ->type_name("FILE");

    auto* dialects = app.add_subcommand("dialects", "the built-in dialects");
    dialects->add_flag("--json", json, "one JSON list");

    auto* classes =
        app.add_subcommand("classes", "classes and types of the other formats: read as what, or why not");

    if (const auto code = command_line::Program(app, manual()).parse(argc, argv)) return *code;
    namespace tools = iso8583::tools;
    std::ios::sync_with_stdio(false);
    if (*describe) return tools::run_describe(o, std::cin, std::cout, std::cerr);
    if (*encode) return tools::run_encode(o, std::cin, std::cout, std::cerr);
    if (*diff) return tools::run_diff(o, std::cin, std::cout, std::cerr);
    if (*check) return tools::run_check_spec(file, json, std::cout, std::cerr);
    if (*convert) return tools::run_convert_spec(file, to, output, std::cout, std::cerr);
    if (*classes) return tools::run_classes(std::cout);
    return tools::run_dialects(json, std::cout);
}
