// refundctl: the operators' command line. Its commands are the table of switch/admin/commands.cpp; it sends
// one line over the control socket and shows the answer. Who may do what is decided by the switch.
//
// Exit codes: 0 done, 1 refused or failed, 2 usage, 3 the switch cannot be reached.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "hsm_sim/wrap_tool.hpp"
#include "iso8583/command_line/program.hpp"
#include "switch/admin/active_node.hpp"
#include "switch/admin/client_commands.hpp"
#include "switch/admin/commands.hpp"
#include "switch/admin/control_client.hpp"
#include "switch/admin/control_protocol.hpp"
#include "switch/admin/list_client.hpp"
#include "switch/admin/notices_client.hpp"
#include "switch/admin/pager.hpp"
#include "switch/admin/receipt_text.hpp"
#include "switch/admin/refundctl_manual.hpp"
#include "switch/admin/report_file.hpp"
#include "switch/admin/text_view.hpp"
#include "switch/admin/watch.hpp"

namespace {

using namespace acquirer::admin;

constexpr int exit_done = 0;
constexpr int exit_refused = 1;
constexpr int exit_usage = 2;
constexpr int exit_unreachable = 3;

struct GlobalOptions {
    std::string socket = "data/control.sock";
    std::string nodes;
    std::string as;
    bool json = false;
    bool wide = false;
    int timeout_seconds = 30;
};

/// What one command was given; CLI11 writes into it while it parses.
struct GivenCommand {
    const CommandInfo* info = nullptr;
    CLI::App* app = nullptr;
    std::deque<std::string> texts;  // by argument; a deque, because CLI11 keeps references
    std::deque<bool> flags;
    std::vector<CLI::Option*> options;
    std::string csv, jsonl;  // of a list: the file for its rows
    [[nodiscard]] bool exports() const { return !csv.empty() || !jsonl.empty(); }
};

/// What help calls its value: one word, or the only words that it takes (command_line/program.cpp).
std::string value_words(const ArgumentInfo& argument) {
    switch (argument.kind) {
        case ArgumentKind::choice: {
            std::string words(argument.choices);
            std::replace(words.begin(), words.end(), ' ', ',');
            return "{" + words + "}";
        }
        case ArgumentKind::rrn:
            return "RRN";
        case ArgumentKind::amount:
            return "AMOUNT";
        case ArgumentKind::mmdd:
            return "MMDD";
        case ArgumentKind::date:
            return "DAY";
        case ArgumentKind::text:
            return "TEXT";
        case ArgumentKind::number:
        case ArgumentKind::minutes:
        case ArgumentKind::line:
            return "N";
        case ArgumentKind::cursor:
            return "CURSOR";
        case ArgumentKind::path:
        case ArgumentKind::batch_name:
        case ArgumentKind::out_file:
            return "FILE";
        case ArgumentKind::word:
        case ArgumentKind::terminal:
        case ArgumentKind::merchant:
        case ArgumentKind::batch:
        case ArgumentKind::trace:
        case ArgumentKind::last4:
        case ArgumentKind::id:
        case ArgumentKind::exception_id:
        case ArgumentKind::settled_id:
        case ArgumentKind::proposal_id:
        case ArgumentKind::authorization:
        case ArgumentKind::flag:
        case ArgumentKind::digest:
        case ArgumentKind::file_bytes:
        case ArgumentKind::piece:
        case ArgumentKind::content:
            break;
    }
    return std::string(argument.name);
}

void add_arguments(GivenCommand& given) {
    for (const ArgumentInfo& argument : given.info->arguments) {
        given.texts.emplace_back();
        given.flags.push_back(false);
        const std::string name(argument.name);
        const std::string help(argument.help);
        CLI::Option* option = nullptr;
        if (argument.kind == ArgumentKind::flag)
            option = given.app->add_flag("--" + name, given.flags.back(), help);
        else
            option =
                given.app->add_option(argument.positional ? name : "--" + name, given.texts.back(), help);
        option->required(argument.required);
        if (argument.kind != ArgumentKind::flag) option->type_name(value_words(argument));
        if (help.starts_with("internal:")) option->group("");
        given.options.push_back(option);
    }
    if (!given.info->is_list()) return;
    given.app->add_option("--csv", given.csv, "all rows into this file as CSV; - is stdout")
        ->type_name("FILE");
    given.app->add_option("--jsonl", given.jsonl, "the same as JSON lines")->type_name("FILE");
}

/// CLI11 shows no subcommand whose group has no name, and gives it the group of the one above.
constexpr const char* shown_group = "Subcommands";

/// The one command that needs no switch: it makes the LMK that a switch starts with.
struct Ceremony {
    CLI::App* app = nullptr;
    std::string out, key_file;
};
void add_ceremony(CLI::App& keys, Ceremony& ceremony) {
    ceremony.app = keys.add_subcommand("ceremony", "two officers make a real LMK at this terminal");
    ceremony.app->group(shown_group);
    ceremony.app->add_option("--out", ceremony.out, "where the sealed LMK goes")
        ->required()
        ->type_name("FILE");
    ceremony.app->add_option("--key-file", ceremony.key_file, "also make a key file for unattended starts")
        ->type_name("FILE");
}

/// Asks for the status again and again; no command of the switch's.
struct Watching {
    CLI::App* app = nullptr;
    unsigned count = 0;
};
void add_watch(CLI::App& app, Watching& watching) {
    watching.app = app.add_subcommand("watch", "the status live, once a second; q ends (viewer)");
    watching.app->fallthrough();
    watching.app->add_option("--count", watching.count, "ends after so many")
        ->check(CLI::Range(1U, watch_count_max));
}

/// Follows a list; no command of the switch's.
struct Tail {
    CLI::App* app = nullptr;
    TailOptions options;
};
void add_tail(CLI::App& notices, Tail& tail) {
    tail.app =
        notices.add_subcommand("tail", "the newest, and each new one as it comes, as JSON lines (viewer)");
    tail.app->group(shown_group)->fallthrough();
    tail.app->add_option("--newest", tail.options.newest, "so many of those that are there (10)")
        ->check(CLI::Range(std::uint64_t{0}, tail_newest_max));
    tail.app->add_option("--count", tail.options.count, "ends after so many lines")
        ->check(CLI::Range(std::uint64_t{1}, tail_count_max));
}

/// What refundctl does by itself.
struct OwnCommands {
    Ceremony ceremony;
    Watching watching;
    Tail tail;
};

void add_commands(CLI::App& app, std::deque<GivenCommand>& all, OwnCommands& own) {
    static const std::map<std::string, std::string> groups = {
        {"refund", "refunds: check, open, decide"},
        {"saf", "store-and-forward: advices to issuers"},
        {"exceptions", "what a person must look at"},
        {"abnormal", "accepted refunds that the issuer refused"},
        {"proposals", "what waits for a second person"},
        {"dispute", "holds and chargebacks of sales"},
        {"routes", "issuers: up, down, drain"},
        {"merchants", "list, add, suspend, enable refunds"},
        {"terminals", "list, add, suspend, close a batch"},
        {"day", "business day and cut-over"},
        {"batch", "refunds from a file: validate, submit, follow, export"},
        {"reasons", "codes of reasons for a refund"},
        {"recon", "issuers' files against the ledger"},
        {"fees", "what merchants pay: schedule, statement"},
        {"reserve", "what merchants' reserves hold: show, add"},
        {"adjustment", "charges beside the fees, and what is given back of them"},
        {"files", "internal: files that other commands hand over"},
        {"notices", "what customers and merchants are told: list, tail"},
        {"backups", "the last backup"},
        {"purge", "what was kept long enough"},
        {"vault", "the keys that seal card numbers: status, rotate, retire"},
        {"policy", "show, check, apply: by what refunds are judged"},
        {"report", "how refunds go, over days: tables, JSON, pages"},
        {"audit", "the chain of operators' changes"},
        {"keys", "list with check values, rotate, ceremony"}};
    std::map<std::string, CLI::App*> parents;
    for (const CommandInfo& info : commands()) {
        CLI::App* parent = &app;
        std::string name(info.name);
        if (const std::size_t space = name.find(' '); space != std::string::npos) {
            const std::string group = name.substr(0, space);
            name = name.substr(space + 1);
            CLI::App*& known = parents[group];
            if (known == nullptr) {
                known = app.add_subcommand(group, groups.at(group));
                known->fallthrough()->require_subcommand(0, 1);
                known->group("");  // until a command in it is not internal
                if (group == "keys") add_ceremony(*known, own.ceremony);
                if (group == "notices") add_tail(*known, own.tail);
            }
            parent = known;
        }
        GivenCommand& given = all.emplace_back();
        given.info = &info;
        given.app =
            parent->add_subcommand(name, std::string(info.help) + " (" + std::string(info.role) + ")");
        given.app->fallthrough();
        given.app->group(info.is_internal() ? "" : shown_group);
        if (!info.is_internal() && parent != &app) parent->group(shown_group);
        add_arguments(given);
    }
}

iso8583::Result<Request> request_of(const GivenCommand& given, const std::string& as) {
    Request request;
    request.command = given.info->name;
    request.as = as;
    for (std::size_t i = 0; i < given.options.size(); ++i) {
        if (given.options[i]->count() == 0) continue;
        const ArgumentInfo& argument = given.info->arguments[i];
        if (argument.kind == ArgumentKind::out_file) continue;
        const std::string text = argument.kind == ArgumentKind::flag ? "true" : given.texts[i];
        if (argument.name == "limit" && given.exports()) continue;  // of the whole file: export_job
        if (auto good = check_argument(argument, text); !good) return tl::unexpected(good.error());
        request.arguments.emplace(argument.name, text);
    }
    return request;
}

/// Where an answer is to be written as a page; empty: nowhere.
std::string page_file(const GivenCommand& given) {
    for (std::size_t i = 0; i < given.options.size(); ++i)
        if (given.info->arguments[i].kind == ArgumentKind::out_file) return given.texts[i];
    return "";
}

void print(const std::string& text, std::FILE* to) { std::fwrite(text.data(), 1, text.size(), to); }

bool wants_color() {
    const char* no_color = std::getenv("NO_COLOR");
    return (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

TextOptions text_options(const GlobalOptions& options) {
    return {wants_color(), options.wide ? 0 : std::max(table_columns, terminal_size().columns)};
}

int show(const Request& request, const Answer& answer, const std::string& line,
         const GlobalOptions& options) {
    if (options.json) {
        print(line + "\n", stdout);
    } else if (answer.error != AnswerError::none) {
        print("refundctl: " + answer.text + "\n", stderr);
        if (!answer.data.is_null()) print(text_of(answer.data, text_options(options)), stderr);
    } else {
        show_text((answer.text.empty() ? "" : answer.text + "\n") +
                  (request.command == "receipt" ? receipt_text(answer.data)
                                                : text_of(answer.data, text_options(options))));
    }
    switch (answer.error) {
        case AnswerError::none:
            return exit_done;
        case AnswerError::usage:
            return exit_usage;
        case AnswerError::refused:
        case AnswerError::unreadable:
            return exit_refused;
        case AnswerError::unreachable:
            return exit_unreachable;
    }
    return exit_refused;
}

/// What is to be written where; a sentence when that cannot be.
iso8583::Result<ExportJob> export_job(const GivenCommand& given, const std::string& jsonl, bool json) {
    if (!given.csv.empty() && !jsonl.empty())
        return iso8583::parse_error("csv: stands instead of jsonl, not beside it");
    ExportJob job{given.csv + jsonl, given.csv.empty() ? RowFormat::json_lines : RowFormat::csv};
    if (json && job.path == "-")
        return iso8583::parse_error("json: the rows are on stdout, an answer beside them cannot be");
    for (std::size_t i = 0; i < given.options.size(); ++i) {
        if (given.info->arguments[i].name != "limit" || given.options[i]->count() == 0) continue;
        const std::string& text = given.texts[i];
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), job.rows_max);
        if (error != std::errc{} || end != text.data() + text.size() || job.rows_max < 1 ||
            job.rows_max > exported_rows_max)
            return iso8583::parse_error("limit: needs a number from 1 to " +
                                        std::to_string(exported_rows_max));
    }
    return job;
}

/// What went wrong before or instead of an answer of the switch, as the switch would say it.
int fail(AnswerError error, const std::string& what, const GlobalOptions& options) {
    const Answer answer{error, what, {}};
    return show({}, answer, write_answer(answer), options);
}

int write_page(const GivenCommand& given, const Request& request, const acquirer::View& data) {
    const std::string file = page_file(given);
    if (file.empty()) return exit_done;
    const auto written = write_report_page(file, request, data);
    if (written) return exit_done;
    print("refundctl: " + written.error().what + "\n", stderr);
    return exit_refused;
}

/// One connection for all that a command asks, opened when it asks first.
AskSwitch over_one_connection(const GlobalOptions& options) {
    auto connection = std::make_shared<std::optional<SwitchConnection>>();
    return [connection, &options](std::string_view line) -> iso8583::Result<std::string> {
        if (!*connection) {
            auto opened = SwitchConnection::open(options.socket, options.timeout_seconds);
            if (!opened) return tl::unexpected(opened.error());
            connection->emplace(std::move(*opened));
        }
        return (*connection)->ask(line);
    };
}

int run_list(const GivenCommand& given, const Request& request, const GlobalOptions& options) {
    const AskSwitch ask = over_one_connection(options);
    const bool to_stdout = given.info->list.for_a_file && !given.exports() && !options.json;
    if (!given.exports() && !to_stdout) {
        const ListAnswered listed = ask_for_list(ask, request);
        const int code = show(request, listed.answer, listed.line, options);
        return code == exit_done ? write_page(given, request, listed.answer.data) : code;
    }
    if (!page_file(given).empty())
        return fail(AnswerError::usage, "html: stands instead of csv and jsonl, not beside them", options);
    const auto job = export_job(given, to_stdout ? "-" : given.jsonl, options.json);
    if (!job) return fail(AnswerError::usage, job.error().what, options);
    give_way();
    Answer done = export_list(ask, request, *job);
    if (done.error == AnswerError::none && job->path == "-") {
        if (!next_of(done.data).empty()) print("refundctl: " + done.text + "\n", stderr);
        return exit_done;
    }
    const std::string line = write_answer(done);
    if (done.error == AnswerError::none) done.data = acquirer::View();  // the text says it
    return show(request, done, line, options);
}

int run_tail(Tail& tail, const GlobalOptions& options) {
    tail.options.as = options.as;
    const Answer done = tail_notices(over_one_connection(options), tail.options);
    return done.error == AnswerError::none
               ? exit_done
               : show({"notices list", {}, options.as}, done, write_answer(done), options);
}

int run(const GivenCommand& given, const GlobalOptions& options) {
    auto request = request_of(given, options.as);
    if (!request) return fail(AnswerError::usage, request.error().what, options);
    const auto done = run_client_command(*request, send_over(over_one_connection(options), options.as));
    if (!done) return show(*request, done.error(), write_answer(done.error()), options);
    if (*done) return show(*request, **done, write_answer(**done), options);
    if (given.info->is_list()) return run_list(given, *request, options);
    const auto line = ask_switch(options.socket, write_request(*request), options.timeout_seconds);
    if (!line) return fail(AnswerError::unreachable, line.error().what, options);
    const auto answer = parse_answer(*line);
    if (!answer) return fail(AnswerError::unreadable, answer.error().what, options);
    return show(*request, *answer, *line, options);
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
    app.add_option("--socket", options.socket, "control socket of the switch (data/control.sock)")
        ->type_name("PATH")
        ->envname("REFUNDCTL_SOCKET");
    app.add_option("--nodes", options.nodes,
                   "nodes of a cluster: HOST:PORT of the page /role of each, with =SOCKET where its control "
                   "socket is reached "
                   "from here; the active one is asked")
        ->type_name("NODES")
        ->envname("REFUNDCTL_NODES");
    app.add_option("--as", options.as, "demo only: maker1, maker2, checker1, checker2, security1 or admin1")
        ->type_name("WHO");
    app.add_flag("--json", options.json, "the answer as one line of JSON, also of wrong usage");
    app.add_flag("--wide", options.wide, "tables as wide as they are, with every column");
    app.add_option("--timeout", options.timeout_seconds, "seconds to wait for the answer (30)")
        ->check(CLI::Range(1, 600));
}

/// With --nodes: the socket of whoever serves, or the sentence that says who does. 0: go on.
int find_active(GlobalOptions& options, bool socket_was_given) {
    if (options.nodes.empty()) return exit_done;
    const auto nodes = parse_nodes(options.nodes);
    if (!nodes) return fail(AnswerError::usage, "nodes: " + nodes.error().what, options);
    const std::vector<NodeRole> roles = ask_roles(*nodes);
    const NodeRole* active = active_of(roles);
    if (active == nullptr) {
        const bool two =
            std::any_of(roles.begin(), roles.end(), [](const auto& r) { return r.role == "active"; });
        return fail(AnswerError::unreachable,
                    (two ? "two nodes say that they serve: one of them is being fenced, ask again\n"
                         : "no node serves now\n") +
                        text_of(roles),
                    options);
    }
    if (!active->at.socket.empty()) options.socket = active->at.socket;
    if (!active->at.socket.empty() || socket_was_given ||
        SwitchConnection::open(options.socket, options.timeout_seconds))
        return exit_done;
    return fail(AnswerError::unreachable,
                "node " + active->node + " at " + active->at.str() +
                    " serves: ask there, or name its control socket behind it (HOST:PORT=SOCKET)\n" +
                    text_of(roles),
                options);
}

}  // namespace

int main(int argc, char** argv) {
    GlobalOptions options;
    CLI::App app("operations of a running refund-switch, over its control socket", "refundctl");
    app.require_subcommand(0, 1);
    add_global_options(app, options);
    std::deque<GivenCommand> all;
    OwnCommands own;
    add_commands(app, all, own);
    add_watch(app, own.watching);
    command_line::Program program(app, refundctl_manual());
    // As typed: options that were not reached are not known when a word is wrong.
    const bool json = std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--json"; });
    if (json)
        program.on_usage_fault([&options](const std::string& what) {
            options.json = true;
            fail(AnswerError::usage, what, options);
        });
    if (const auto code = program.parse(argc, argv)) return *code;
    const bool asks_a_switch = !own.ceremony.app->parsed() && !app.get_subcommands().empty();
    if (asks_a_switch)
        if (const int code = find_active(options, app.count("--socket") > 0); code != exit_done) return code;
    for (const GivenCommand& given : all)
        if (given.app->parsed()) return run(given, options);
    if (own.watching.app->parsed())
        return watch({options.socket, options.as, options.json, own.watching.count});
    if (own.tail.app->parsed()) return run_tail(own.tail, options);
    if (own.ceremony.app->parsed()) return hsm::hold_ceremony(own.ceremony.out, own.ceremony.key_file);
    // A group without a command lists (`refundctl routes` is `routes list`). Where there is nothing to list,
    // or no word at all was given, the help says what there is.
    for (const CLI::App* group : app.get_subcommands())
        for (const GivenCommand& given : all)
            if (given.info->name == group->get_name() + " list") return run(given, options);
    if (json) return fail(AnswerError::usage, "a command is needed", options);
    print(program.help(), stderr);
    return exit_usage;
}
