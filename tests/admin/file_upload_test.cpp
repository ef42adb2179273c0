// refundctl's end of files: cut, asked for, sent; and the base64 in which the pieces travel.
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "ledger/file_books.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/file_upload.hpp"

using namespace acquirer::admin;

namespace {

/// A file that is gone with the test.
class Path {
  public:
    explicit Path(const std::string& content)
        : path_(std::filesystem::temp_directory_path() /
                ("file_upload_test." + std::to_string(::getpid()) + ".csv")) {
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~Path() { std::filesystem::remove(path_); }
    [[nodiscard]] std::string str() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

/// The switch's part, as far as refundctl sees it.
struct Pieces {
    std::map<std::string, std::string> here;  // by number
    int puts = 0;
    int dies_after = -1;

    ClientResult<Answer> ask(const Request& request) {
        if (request.command == "files show") {
            acquirer::View data = acquirer::View::object();
            data.put("pieces", static_cast<std::int64_t>(here.size()));
            return Answer{AnswerError::none, "", std::move(data)};
        }
        if (puts == dies_after) return tl::unexpected(Answer{AnswerError::unreachable, "gone", {}});
        ++puts;
        // As the switch does it: over the line.
        const auto parsed = parse_request(write_request(request));
        REQUIRE(parsed);
        here[parsed->arguments.at("piece")] = *parse_base64(parsed->arguments.at("content"));
        return Answer{AnswerError::none, "", {}};
    }
};

}  // namespace

TEST_CASE("base64 is that of RFC 4648, in one form") {
    const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : rows) {
        CHECK(to_base64(bytes) == text);
        CHECK(parse_base64(text) == std::string(bytes));
    }
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    CHECK(parse_base64(to_base64(all)) == all);
    for (const char* wrong : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9 ", "Zm-v", "Zg=A"})
        CHECK(!parse_base64(wrong));
}

TEST_CASE("a file is sent in pieces, and only what is not there yet") {
    std::string text(2 * ledger::file_piece_bytes + 5, 'a');
    text[40'000] = '\n';
    const Path path(text);
    Pieces there;
    there.dies_after = 1;
    const SendRequest ask = [&](Request request) { return there.ask(request); };
    const auto cut_short = upload_file(path.str(), ask);
    REQUIRE(!cut_short);
    CHECK(cut_short.error().error == AnswerError::unreachable);
    there.dies_after = -1;
    const auto whole = upload_file(path.str(), ask);
    REQUIRE(whole);
    CHECK(there.puts == 3);
    CHECK(there.here.at("0") + there.here.at("1") + there.here.at("2") == text);
    CHECK(whole->digest == ledger::digest_text(ledger::Sha256().finish(iso8583::as_bytes(text))));
    CHECK(whole->bytes == text.size());
    CHECK(whole->name == path.str().substr(path.str().find_last_of('/') + 1));
    REQUIRE(upload_file(path.str(), ask));
    CHECK(there.puts == 3);
}

TEST_CASE("a file that ends with a piece has no empty one behind it") {
    const Path path(std::string(ledger::file_piece_bytes, 'b'));
    Pieces there;
    REQUIRE(upload_file(path.str(), [&](Request request) { return there.ask(request); }));
    CHECK(there.puts == 1);
}

TEST_CASE("a file that is not there, or is empty, is told with its path") {
    Pieces there;
    const SendRequest ask = [&](Request request) { return there.ask(request); };
    const auto missing = upload_file("/nowhere/refunds.csv", ask);
    REQUIRE(!missing);
    CHECK(missing.error().error == AnswerError::refused);
    CHECK(missing.error().text == "/nowhere/refunds.csv cannot be read: No such file or directory");
    const Path empty("");
    CHECK(upload_file(empty.str(), ask).error().text == empty.str() + " is empty");
    CHECK(!upload_file("/", ask));
}
