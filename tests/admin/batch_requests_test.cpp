// Batches over the control protocol: each command becomes the core's, in the role that it needs; what goes
// over files is refundctl's own.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/commands.hpp"
#include "switch/admin/control_handler.hpp"

using namespace acquirer;
using namespace acquirer::admin;

namespace {

constexpr const char* merchant = "898110157220001";

Request request(const std::string& command, std::map<std::string, std::string, std::less<>> arguments) {
    const auto parsed = parse_request(write_request({command, std::move(arguments), ""}));
    INFO(command << (parsed ? "" : ": " + parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

template <typename Command>
Command command_of(const std::string& command, std::map<std::string, std::string, std::less<>> arguments) {
    const auto found = operator_command(request(command, std::move(arguments)));
    REQUIRE(found);
    REQUIRE(std::holds_alternative<Command>(*found));
    return std::get<Command>(*found);
}

std::string fault_of(const std::string& command, std::map<std::string, std::string, std::less<>> arguments) {
    const auto parsed = parse_request(write_request({command, std::move(arguments), ""}));
    REQUIRE(!parsed);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("batches: what is sent becomes a command of the core") {
    const auto judged = command_of<JudgeLines>(
        "batch judge", {{"merchant", merchant}, {"line", "7"}, {"content", to_base64("a,b\nc")}});
    CHECK(judged.text == "a,b\nc");
    CHECK(judged.first_line == 7);
    const std::string digest(64, 'a');
    const auto entered = command_of<SubmitBatch>(
        "batch enter", {{"merchant", merchant}, {"ref", "R-1"}, {"file", digest}, {"name", "refunds.csv"}});
    CHECK(entered.file == digest);
    CHECK(entered.reference == "R-1");
    const auto put = command_of<PutFile>(
        "files put", {{"file", digest}, {"bytes", "40000"}, {"piece", "1"}, {"content", to_base64("x")}});
    CHECK(put.bytes == 40'000);
    CHECK(put.piece == 1);
    CHECK(put.content == "x");
    CHECK(command_of<DecideBatch>("batch approve", {{"batch", "B00000001"}, {"digest", "abcdef01"}}).digest ==
          "abcdef01");
    CHECK(command_of<DecideBatch>("batch reject", {{"batch", "B00000001"}, {"note", "no"}}).to ==
          DecideBatch::To::reject);
    CHECK(command_of<ChangeBatch>("batch pause", {{"batch", "B00000001"}, {"note", "no"}}).to ==
          ChangeBatch::To::pause);
    CHECK(command_of<ChangeBatch>("batch resume", {{"batch", "B00000001"}, {"refused", "true"}}).refused_too);
    CHECK(command_of<ChangeBatch>("batch cancel", {{"batch", "B00000001"}, {"note", "no"}}).to ==
          ChangeBatch::To::cancel);
    const auto opened = command_of<OpenRefund>("refund open", {{"rrn", "632500000001"},
                                                               {"date", "1121"},
                                                               {"amount", "1.00"},
                                                               {"reason", "quality"},
                                                               {"ref", "T"},
                                                               {"note", "n"},
                                                               {"proof-file", "a.jpg"},
                                                               {"proof-digest", digest}});
    CHECK(opened.note == "n");
    CHECK(opened.proof == ledger::RefundProof{"", "a.jpg", digest});
}

TEST_CASE("batches: what goes over a file is refundctl's own, and wrong arguments are named") {
    CHECK(fault_of("batch submit", {{"path", "/etc/passwd"}, {"merchant", merchant}, {"ref", "x"}}) ==
          "batch submit is refundctl's own: files do not travel in one line");
    CHECK(fault_of("files put", {{"file", "abc"}, {"bytes", "1"}, {"piece", "0"}, {"content", "eA=="}}) ==
          "file: needs a SHA-256 of 64 digits 0-9 and a-f");
    const std::string digest(64, 'a');
    const auto put = [&](const char* bytes, const char* piece, const std::string& content) {
        return fault_of("files put",
                        {{"file", digest}, {"bytes", bytes}, {"piece", piece}, {"content", content}});
    };
    CHECK(put("0", "0", "eA==") == "bytes: needs a number from 1 to 67108864");
    CHECK(put("1", "2048", "eA==") == "piece: needs a number from 0 to 2047");
    CHECK(put("1", "0", "eA") == "content: needs base64 of 1 to 32768 bytes");
    CHECK(put("1", "0", to_base64(std::string(32'769, 'x'))) == "content: needs base64 of 1 to 32768 bytes");
    CHECK(fault_of("batch status", {{"batch", "a\nb"}}) ==
          "batch: needs a batch's number, reference or file");
}

TEST_CASE("batches: a piece of a file fits into a request") {
    const Request put{"files put",
                      {{"file", std::string(64, 'a')},
                       {"bytes", "67108864"},
                       {"piece", "2047"},
                       {"content", to_base64(std::string(32'768, 'x'))}},
                      "maker1"};
    CHECK(write_request(put).size() <= request_bytes_max);
    CHECK(parse_request(write_request(put)));
}
