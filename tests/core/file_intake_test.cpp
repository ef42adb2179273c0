// Files in pieces: in order, again, cut short by a restart, damaged, too many, too old.
#include <catch2/catch.hpp>

#include "ledger/file_books.hpp"
#include "switch/core/file_intake.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::PutFile;
using acquirer::Role;

namespace {

std::string text_of(std::size_t bytes, char seed) {
    std::string text(bytes, ' ');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>('a' + (i * 7 + static_cast<std::size_t>(seed)) % 26);
    return text;
}

std::string digest_of(const std::string& text) {
    return ledger::digest_text(ledger::Sha256().finish(iso8583::as_bytes(text)));
}

PutFile piece_of(const std::string& text, std::uint32_t piece) {
    return {digest_of(text), text.size(), piece,
            text.substr(piece * ledger::file_piece_bytes, ledger::file_piece_bytes)};
}

acquirer::OperatorAnswer put(Desk& d, PutFile command) {
    return d.operate(std::move(command), "maker1", Role::operator_);
}

std::optional<ledger::FileRecord> stored(Desk& d, const std::string& text) {
    const auto value = d.store().get(ledger::Family::index, ledger::file_key(digest_of(text)));
    REQUIRE(value);
    if (!*value) return std::nullopt;
    auto file = ledger::decode_file(**value);
    REQUIRE(file);
    return std::move(*file);
}

std::size_t keys_of(Desk& d, ledger::KeyPrefix prefix) {
    std::size_t count = 0;
    const ledger::KeyRange range = ledger::all_keys(prefix);
    REQUIRE(
        d.store().scan(ledger::Family::index, range.from, range.to, [&](std::string_view, std::string_view) {
            ++count;
            return true;
        }));
    return count;
}

}  // namespace

TEST_CASE("a file arrives in pieces, over a crash, and each of them may come again") {
    Desk d;
    const std::string text = text_of(2 * ledger::file_piece_bytes + 17, 'x');
    CHECK(put(d, piece_of(text, 0)).done);
    CHECK(put(d, piece_of(text, 0)).text == "piece 0 is here already");
    const auto early = put(d, piece_of(text, 2));
    CHECK(!early.done);
    CHECK(early.text == "pieces come in order: piece 1 is the next");
    d.restart();
    CHECK(stored(d, text)->pieces == 1);
    CHECK(put(d, piece_of(text, 1)).done);
    CHECK(!stored(d, text)->sealed);
    CHECK(put(d, piece_of(text, 2)).text == "the file is here");
    CHECK(stored(d, text)->sealed);
    CHECK(put(d, piece_of(text, 1)).done);  // whoever did not hear the answer asks again
    CHECK(keys_of(d, ledger::KeyPrefix::file_piece) == 3);
}

TEST_CASE("pieces that are not those of the digest are dropped when the last has come") {
    Desk d;
    const std::string text = text_of(ledger::file_piece_bytes + 1, 'x');
    PutFile damaged = piece_of(text, 0);
    damaged.content[100] = '!';
    CHECK(put(d, damaged).done);
    CHECK(put(d, piece_of(text, 0)).text == "piece 0 was another one before");
    const auto last = put(d, piece_of(text, 1));
    CHECK(!last.done);
    CHECK(last.text.find("are not those of the file") != std::string::npos);
    CHECK(!stored(d, text));
    CHECK(keys_of(d, ledger::KeyPrefix::file_piece) == 0);
    CHECK(put(d, piece_of(text, 0)).done);  // the right ones are taken then
    CHECK(put(d, piece_of(text, 1)).done);
}

TEST_CASE("wrong pieces are told in words, and nothing is stored") {
    Desk d;
    const std::string text = text_of(ledger::file_piece_bytes + 1, 'x');
    const auto says = [&](PutFile command) {
        const auto answer = put(d, std::move(command));
        CHECK(!answer.done);
        return answer.text;
    };
    PutFile p = piece_of(text, 0);
    p.digest = "abc";
    CHECK(says(p) == "file: the SHA-256 of the file is needed");
    p = piece_of(text, 0);
    p.bytes = ledger::file_bytes_max + 1;
    CHECK(says(p) == "a file has 1 to 67108864 bytes");
    p = piece_of(text, 0);
    p.bytes = 0;
    CHECK(says(p) == "a file has 1 to 67108864 bytes");
    p = piece_of(text, 0);
    p.content.pop_back();
    CHECK(says(p) == "piece 0 of such a file has 32768 bytes");
    CHECK(says(piece_of(text, 1)) == "pieces come in order: piece 0 is the next");
    CHECK(keys_of(d, ledger::KeyPrefix::file) == 0);
    REQUIRE(put(d, piece_of(text, 0)).done);
    p = piece_of(text, 1);
    p.bytes = 17;
    CHECK(says(p).find("has 32769 bytes, not 17") != std::string::npos);
    p = piece_of(text, 1);
    p.content += "more";
    CHECK(says(p).find("piece 1 is none of a file of 32769 bytes") != std::string::npos);
    p = piece_of(text, 1);
    p.piece = 2;
    CHECK(says(p).find("piece 2 is none of a file of 32769 bytes") != std::string::npos);
    CHECK(!d.operate(piece_of(text, 1), "viewer", Role::viewer).done);
}

TEST_CASE("so many files at a time; what nobody uses is dropped after its time, over a restart too") {
    Desk d;
    for (std::size_t i = 0; i < ledger::files_max; ++i)
        REQUIRE(put(d, piece_of(text_of(100 + i, 'x'), 0)).done);
    const std::string one_more = text_of(ledger::file_piece_bytes + 1, 'y');
    CHECK(put(d, piece_of(one_more, 0)).text.find("as many files as allowed (16)") != std::string::npos);
    constexpr std::int64_t kept_ms = acquirer::file_kept_hours * 3'600'000;
    d.pass(kept_ms - 60'000);
    d.restart();
    CHECK(keys_of(d, ledger::KeyPrefix::file) == ledger::files_max);
    d.pass(60'000);
    CHECK(keys_of(d, ledger::KeyPrefix::file) == 0);
    CHECK(keys_of(d, ledger::KeyPrefix::file_piece) == 0);
    CHECK(put(d, piece_of(one_more, 0)).done);
}

TEST_CASE("a full store takes no new file", "[R62]") {
    Desk d;
    d.accept_new_work(false);
    CHECK(put(d, piece_of(text_of(10, 'x'), 0)).text.find("R62") != std::string::npos);
    d.accept_new_work(true);
    CHECK(put(d, piece_of(text_of(10, 'x'), 0)).done);
}
