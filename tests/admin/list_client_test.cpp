// Lists at both ends of the control protocol: every command that is one answers in the shape of a list;
// refundctl goes on behind cursors and writes files.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "ledger/audit_hash.hpp"
#include "switch/admin/commands.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/admin/list_client.hpp"
#include "switch/admin/list_text.hpp"
#include "switch/admin/progress_bar.hpp"
#include "switch/admin/text_view.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;

namespace {

struct Folder {
    Folder() {
        char made[] = "/tmp/list_client_test_XXXXXX";
        REQUIRE(::mkdtemp(made) != nullptr);
        path = made;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
    std::string path;
};

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A switch with a list of `total` rows; keeps what it was asked.
struct ListingSwitch {
    std::size_t total = 0;
    std::size_t page_max = 1'000;     // what one answer gives at most
    std::size_t fails_at = SIZE_MAX;  // the row at which it refuses
    std::vector<std::string> asked = {};

    iso8583::Result<std::string> answer(std::string_view line) {
        asked.emplace_back(line);
        const auto request = parse_request(line);
        REQUIRE(request);
        const auto number = [&](const char* name, std::size_t otherwise) {
            const auto at = request->arguments.find(name);
            if (at == request->arguments.end()) return otherwise;
            return static_cast<std::size_t>(std::stoull(at->second.substr(at->second.find('.') + 1)));
        };
        const std::size_t first = number("after", 0);
        const std::size_t end = std::min({first + number("limit", 50), first + page_max, total});
        if (end > fails_at) return write_answer({AnswerError::refused, "the ledger could not be read", {}});
        View rows = View::list();
        for (std::size_t i = first; i < end; ++i)
            rows.add(View::object().put("n", static_cast<std::int64_t>(i)));
        View data = View::object();
        data.put("list", "transactions").put("cut", end < total);
        if (end < total) data.put("next", "transactions." + std::to_string(end));
        data.put("currency", "156").put("transactions", std::move(rows));
        return write_answer({AnswerError::none, "", std::move(data)});
    }
    AskSwitch ask() {
        return [this](std::string_view line) { return answer(line); };
    }
};

Request list_request() {
    Request request;
    request.command = "list";
    return request;
}

std::int64_t last_number(const View& list) { return *rows_of(list)->items()->back().find("n")->number(); }

}  // namespace

TEST_CASE("lists: every command that is a list takes limit and after, and answers as one") {
    const sample::World world;
    std::size_t lists = 0;
    for (const CommandInfo& info : commands()) {
        if (!info.is_list()) continue;
        INFO(info.name);
        ++lists;
        const auto has = [&](std::string_view name) {
            return std::any_of(info.arguments.begin(), info.arguments.end(),
                               [&](const ArgumentInfo& argument) { return argument.name == name; });
        };
        CHECK(has("limit"));
        CHECK(has("after"));
        Request request;
        request.command = info.name;
        for (const ArgumentInfo& argument : info.arguments)
            CHECK((!argument.required || argument.positional));
        if (operator_command(request)) continue;  // answered by the core, cut by page_of
        // Of something that has to be named, as of a batch: there is none here.
        if (std::any_of(info.arguments.begin(), info.arguments.end(),
                        [](const ArgumentInfo& argument) { return argument.required; }))
            continue;
        const auto view = run_read(request, world.context(), ledger::audit_sha256);
        INFO((view ? "" : view.error().what));
        REQUIRE(view);
        REQUIRE(view->find("list") != nullptr);
        CHECK(*view->find("list")->text() == info.list.rows);
        CHECK(view->find("cut")->flag() != nullptr);
        REQUIRE(rows_of(*view) != nullptr);
        request.arguments["after"] = "nonsense";
        const auto refused = run_read(request, world.context(), ledger::audit_sha256);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().what.starts_with("after: "));
    }
    CHECK(lists > 9);
}

TEST_CASE("lists: a day stands for both ends and not beside them") {
    const sample::World world;
    Request request = list_request();
    request.arguments = {{"day", "2026-11-21"}};
    CHECK(run_read(request, world.context(), ledger::audit_sha256));
    request.arguments["from"] = "2026-11-21";
    const auto refused = run_read(request, world.context(), ledger::audit_sha256);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "day: stands for from and to, not beside them");
}

TEST_CASE("lists: a request that holds its snapshot is a read that does") {
    OperatorsControl control({}, OperatorsControl::People::demo, ledger::audit_sha256);
    for (const bool holds : {false, true}) {
        Request request = list_request();
        request.hold_snapshot = holds;
        ControlDecision decision = control.decide({write_request(request), 1, 1});
        REQUIRE(std::holds_alternative<ControlRead>(decision));
        CHECK(std::get<ControlRead>(decision).hold_view == holds);
    }
}

TEST_CASE("lists: keys are a list too, cut where the core's answer is written") {
    OperatorsControl control({}, OperatorsControl::People::demo, ledger::audit_sha256);
    ControlDecision decision = control.decide({R"({"command":"keys list","args":{"limit":"1"}})", 1, 1});
    REQUIRE(std::holds_alternative<ControlChange>(decision));
    OperatorAnswer all{true, "", {}, View::object().put("keys", View::list().add("a").add("b"))};
    CHECK(std::get<ControlChange>(decision).render(all) ==
          R"({"ok":true,"data":{"list":"keys","cut":true,"next":"keys.1","keys":["a"]}})");
}

TEST_CASE("refundctl: a list that is cut says where it goes on, in its last line") {
    View rows = View::list();
    rows.add(View::object().put("n", 1));
    View list = View::object();
    list.put("list", "rows")
        .put("cut", true)
        .put("next", "rows.1")
        .put("count", 2)
        .put("rows", std::move(rows));
    CHECK(text_of(list, {}) == "count  2\n\nrows\nN\n1\ncut here: go on with --after rows.1\n");
    CHECK(list_end_line(View::object().put("next", "x")).empty());
}

TEST_CASE("refundctl: goes on by itself until it has its rows") {
    ListingSwitch peer{120, 30};
    const ListAnswered listed = ask_for_list(peer.ask(), list_request());
    CHECK(rows_of(listed.answer.data)->items()->size() == 50);
    CHECK(last_number(listed.answer.data) == 49);
    CHECK(next_of(listed.answer.data) == "transactions.50");
    CHECK(*listed.answer.data.find("currency")->text() == "156");
    CHECK(parse_answer(listed.line)->data == listed.answer.data);
    CHECK(peer.asked.size() == 2);

    ListingSwitch small{20};
    const ListAnswered whole = ask_for_list(small.ask(), list_request());
    CHECK(rows_of(whole.answer.data)->items()->size() == 20);
    CHECK(next_of(whole.answer.data).empty());
    CHECK(whole.line == *small.answer(small.asked.front()));  // as it came

    ListingSwitch fails{120, 30, 31};
    CHECK(ask_for_list(fails.ask(), list_request()).answer.text == "the ledger could not be read");
}

TEST_CASE("export: all rows in the file, by pages of one snapshot") {
    const Folder folder;
    ListingSwitch peer{2'500};
    const Answer done = export_list(peer.ask(), list_request(), {folder.file("all.csv"), RowFormat::csv});
    CHECK(done.text == "2500 rows are in " + folder.file("all.csv"));
    CHECK(*done.data.find("rows")->number() == 2'500);
    CHECK_FALSE(*done.data.find("cut")->flag());
    const std::string text = content(folder.file("all.csv"));
    CHECK(text.starts_with("n\r\n0\r\n1\r\n"));
    CHECK(text.ends_with("\r\n2499\r\n"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 2'501);
    CHECK_FALSE(std::filesystem::exists(folder.file("all.csv.part")));
    struct stat file {};
    REQUIRE(::stat(folder.file("all.csv").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0600);
    CHECK(peer.asked.size() == 2'500 / export_page_rows);
    for (const std::string& line : peer.asked) CHECK(line.find(R"("snapshot":"hold")") != std::string::npos);
}

TEST_CASE("export: a limit cuts the file and says where it goes on") {
    const Folder folder;
    ListingSwitch peer{2'500};
    const Answer done =
        export_list(peer.ask(), list_request(), {folder.file("some.jsonl"), RowFormat::json_lines, 1'200});
    CHECK(done.text == "1200 rows are in " + folder.file("some.jsonl") +
                           "; cut here: go on with --after transactions.1200");
    CHECK(*done.data.find("next")->text() == "transactions.1200");
    CHECK(content(folder.file("some.jsonl")).ends_with("{\"n\":1198}\n{\"n\":1199}\n"));
}

TEST_CASE("export: what fails half-way leaves no file, and the one before it alone") {
    const Folder folder;
    std::ofstream(folder.file("day.csv")) << "yesterday's";
    ListingSwitch peer{2'500, 1'000, 1'500};
    const Answer failed = export_list(peer.ask(), list_request(), {folder.file("day.csv"), RowFormat::csv});
    CHECK(failed.error == AnswerError::refused);
    CHECK(failed.text == "the ledger could not be read");
    CHECK(content(folder.file("day.csv")) == "yesterday's");
    CHECK_FALSE(std::filesystem::exists(folder.file("day.csv.part")));

    const Answer nowhere =
        export_list(peer.ask(), list_request(), {folder.file("no/day.csv"), RowFormat::csv});
    CHECK(nowhere.text.find("no/day.csv.part cannot be written: No such file or directory") !=
          std::string::npos);

    const AskSwitch gone = [](std::string_view) -> iso8583::Result<std::string> {
        return iso8583::parse_error("the switch closed the connection before it answered");
    };
    CHECK(export_list(gone, list_request(), {folder.file("a.csv"), RowFormat::csv}).error ==
          AnswerError::unreachable);
    const AskSwitch nonsense = [](std::string_view) -> iso8583::Result<std::string> { return "hello"; };
    CHECK(export_list(nonsense, list_request(), {folder.file("a.csv"), RowFormat::csv}).error ==
          AnswerError::unreadable);
    CHECK(std::filesystem::is_empty(folder.path + "/") == false);
    CHECK_FALSE(std::filesystem::exists(folder.file("a.csv")));
}

TEST_CASE("export: two into one file at once do not mix") {
    const Folder folder;
    const std::string path = folder.file("day.csv");
    auto first = RowFile::create(path, RowFormat::csv);
    REQUIRE(first);
    const auto second = RowFile::create(path, RowFormat::csv);
    REQUIRE_FALSE(second);
    CHECK(second.error().what.find("is being written by another") != std::string::npos);
    REQUIRE(first->add(View::object().put("n", 1)));
    REQUIRE(first->finish());
    CHECK(content(path) == "n\r\n1\r\n");
}

TEST_CASE("regression: an export took the place of a link, a pipe or a device") {
    const Folder folder;
    const std::string path = folder.file("day.csv"), target = folder.file("kept.csv");
    const auto write = [&path] {
        auto file = RowFile::create(path, RowFormat::csv);
        if (!file) return file.error().what;
        REQUIRE(file->add(View::object().put("n", 1)));
        const auto done = file->finish();
        return done ? std::string("written") : done.error().what;
    };
    SECTION("what a link leads to is written") {
        std::ofstream(target) << "before";
        std::filesystem::create_symlink("kept.csv", path);
        CHECK(write() == "written");
        CHECK(std::filesystem::is_symlink(path));
        CHECK(content(target) == "n\r\n1\r\n");
    }
    SECTION("a link that leads nowhere is left alone") {
        std::filesystem::create_symlink("kept.csv", path);
        CHECK(write() == path + " cannot be written: it is a link that leads nowhere");
        CHECK(std::filesystem::is_symlink(path));
    }
    SECTION("a pipe has the rows") {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        std::string read;
        std::thread reader([&] { read = content(path); });
        CHECK(write() == "written");
        reader.join();
        CHECK(read == "n\r\n1\r\n");
        CHECK(std::filesystem::is_fifo(path));
    }
    SECTION("a device stays one, and says what it cannot take") {
        std::filesystem::create_symlink("/dev/full", path);
        CHECK(write() == "/dev/full cannot be written: No space left on device");
        CHECK(std::filesystem::is_character_file("/dev/full"));
    }
    SECTION("a folder is none of these") {
        std::filesystem::create_directory(path);
        CHECK(write() == path + " cannot be written: Is a directory");
        CHECK(std::filesystem::is_directory(path));
    }
    CHECK_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_CASE("CSV: cells are quoted by RFC 4180 and safe for a spreadsheet") {
    struct Row {
        View value;
        const char* expected;
    };
    const Row table[] = {
        {"plain", "plain"},
        {"", ""},
        {View(), ""},
        {true, "true"},
        {-5, "-5"},
        {"a,b", "\"a,b\""},
        {"say \"no\"", "\"say \"\"no\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"-12.50", "-12.50"},
        {"-0", "-0"},
        {"=1+1", "'=1+1"},
        {"+49 30", "'+49 30"},
        {"-", "'-"},
        {"-1.", "'-1."},
        {"-5+3", "'-5+3"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\tx", "'\tx"},
        {"\rx", "\"'\rx\""},
        {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""},
        {"a=b", "a=b"},
        {"港口", "港口"},
        {View::list().add("a").add(1), "\"[\"\"a\"\",1]\""},
    };
    for (const Row& row : table) CHECK(csv_cell(row.value) == row.expected);
    const View row = View::object().put("a", 1).put("b", "x");
    CHECK(csv_head(row) == "a,b\r\n");
    CHECK(*csv_line({"a", "b"}, row) == "1,x\r\n");
    CHECK_FALSE(csv_line({"a", "c"}, row));
    CHECK_FALSE(csv_line({"a"}, row));
    CHECK_FALSE(csv_line({"a"}, View("x")));
}

TEST_CASE("progress: a share draws a bar, an unknown one counts") {
    CHECK(progress_line("rows", 80'000, 400, 4'000) ==
          "[########............]  40 %  80000 rows, 20000 a second");
    CHECK(progress_line("rows", 5, std::nullopt, 0) == "5 rows");
    CHECK(progress_line("rows", 9, 2'000, 1'000) == "[####################] 100 %  9 rows, 9 a second");
    ProgressBar bar("rows");  // no terminal: nothing is drawn
    bar.show(1, std::nullopt);
}
