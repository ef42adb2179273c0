// Notices in their files: lines, days, what a crash or a full disk left, what cannot be written.
#include "switch/io/notice_files.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

using namespace acquirer;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() {
        std::string name = fs::temp_directory_path() / "notices-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file(path / "n" / name);
        std::stringstream all;
        all << file.rdbuf();
        return all.str();
    }
    [[nodiscard]] std::string directory() const { return path / "n"; }
};

ledger::Notice notice(std::uint64_t number, std::int64_t at_ms = 1'795'240'800'000) {
    ledger::Notice n;
    n.number = number;
    n.kind = ledger::NoticeKind::done;
    n.at = iso8583::UtcTime{at_ms};  // 2026-11-21T14:00:00+08:00
    n.local_offset_s = 8 * 3600;
    n.rrn = iso8583::Rrn::parse("632500000002").value();
    n.merchant = iso8583::MerchantId::parse("898110157220001").value();
    n.terminal = iso8583::TerminalId::parse("10000001").value();
    n.amount_minor = 6'000;
    n.currency = 156;
    n.card = "621234******0001";
    n.reference = "a \"quoted\" one";
    n.state = "approved";
    return n;
}

const std::string line_7 =
    R"({"notice":7,"kind":"done","time":"2026-11-21T14:00:00+08:00","refund":"632500000002",)"
    R"("merchant":"898110157220001","terminal":"10000001","amount":"60.00","currency":"CNY",)"
    R"("card":"621234******0001","reference":"a \"quoted\" one","state":"approved"})";

}  // namespace

TEST_CASE("notice files: a line says everything, what does not apply is left out") {
    CHECK(notice_line(notice(7)) == line_7);
    ledger::Notice west = notice(8);
    west.local_offset_s = -(3 * 3600 + 30 * 60);
    CHECK(notice_line(west).find(R"("time":"2026-11-21T02:30:00-03:30")") != std::string::npos);
    CHECK(notice_file_name(west) == "notices-2026-11-21.jsonl");
}

TEST_CASE("notice files: a file for each local day, appended to") {
    const Folder folder;
    constexpr std::int64_t ten_hours_ms = 10 * 3'600'000;  // midnight in Shanghai
    CHECK(append_notices(folder.directory(), {notice(7)}).empty());
    CHECK(append_notices(folder.directory(), {notice(8), notice(9, notice(9).at.ms + ten_hours_ms)}).empty());
    CHECK(folder.text("notices-2026-11-21.jsonl") == line_7 + "\n" + notice_line(notice(8)) + "\n");
    CHECK(folder.text("notices-2026-11-22.jsonl").starts_with(R"({"notice":9,)"));
}

TEST_CASE("notice files: a torn line is cut off, a whole one stays") {
    const Folder folder;
    const std::string file = "notices-2026-11-21.jsonl";
    for (const std::string& torn : {std::string(R"({"notice":7,"ki)"), std::string(5'000, 'x')}) {
        fs::remove_all(folder.path / "n");
        REQUIRE(append_notices(folder.directory(), {notice(7)}).empty());
        std::ofstream(folder.path / "n" / file, std::ios::app) << torn;
        CHECK(append_notices(folder.directory(), {notice(8)}).empty());
        CHECK(folder.text(file).ends_with("\n" + notice_line(notice(8)) + "\n"));
        CHECK(folder.text(file).starts_with(line_7 + "\n"));
    }
    // Nothing but a torn line.
    fs::remove_all(folder.path / "n");
    fs::create_directory(folder.path / "n");
    std::ofstream(folder.path / "n" / file) << "{";
    CHECK(append_notices(folder.directory(), {notice(7)}).empty());
    CHECK(folder.text(file) == line_7 + "\n");
}

TEST_CASE("notice files: what cannot be written is said with its name") {
    const Folder folder;
    std::ofstream(folder.path / "n") << "a file";
    CHECK(append_notices(folder.directory(), {notice(7)}).starts_with(folder.directory() + "/notices-2026"));
    CHECK(append_notices(folder.directory() + "/below", {notice(7)})
              .starts_with(folder.directory() + "/below: cannot be made: "));
    fs::remove(folder.path / "n");
    fs::create_directory(folder.path / "n");
    fs::create_directory(folder.path / "n" / "notices-2026-11-21.jsonl");
    CHECK(append_notices(folder.directory(), {notice(7)}).find(": cannot be opened: ") != std::string::npos);
    // A link is not followed: it could lead anywhere.
    fs::remove(folder.path / "n" / "notices-2026-11-21.jsonl");
    fs::create_symlink(folder.path / "elsewhere", folder.path / "n" / "notices-2026-11-21.jsonl");
    CHECK(append_notices(folder.directory(), {notice(7)}).find(": cannot be opened: ") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path / "elsewhere"));
}

TEST_CASE("notice files: the thread says how far it is, or why not") {
    const Folder folder;
    NoticeFiles files(folder.directory());
    const auto written = [&files](std::vector<ledger::Notice> notices) {
        std::promise<NoticesWritten> said;
        files.write(std::move(notices), [&said](NoticesWritten w) { said.set_value(std::move(w)); });
        return said.get_future().get();
    };
    const NoticesWritten good = written({notice(7), notice(8)});
    CHECK(good.through == 8);
    CHECK(good.fault.empty());
    fs::remove_all(folder.path / "n");
    std::ofstream(folder.path / "n") << "a file";
    CHECK_FALSE(written({notice(9)}).fault.empty());
}
