#include "switch/admin/file_upload.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "ledger/file_books.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/progress_bar.hpp"

namespace acquirer::admin {
namespace {

/// The next piece; shorter at the end of the file, where it may be empty.
std::string next_piece(std::ifstream& file) {
    std::string piece(ledger::file_piece_bytes, '\0');
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(file.gcount()));
    return piece;
}

tl::unexpected<Answer> unreadable(const std::string& path) {
    return refused_here(path + " cannot be read: " + std::strerror(errno));
}

std::uint64_t number_in(const View& data, std::string_view name) {
    const View* value = data.find(name);
    if (value == nullptr) return 0;
    if (const auto* number = value->number()) return static_cast<std::uint64_t>(*number);
    std::uint64_t parsed = 0;
    if (const auto* text = value->text()) std::from_chars(text->data(), text->data() + text->size(), parsed);
    return parsed;
}

}  // namespace

ClientResult<FileContent> read_file_content(const std::string& path) {
    FileContent content;
    content.name = path.substr(path.find_last_of('/') + 1);
    std::ifstream file(path, std::ios::binary);
    if (!file) return unreadable(path);
    ledger::Sha256 hash;
    for (;;) {
        const std::string piece = next_piece(file);
        if (file.bad()) return unreadable(path);
        content.bytes += piece.size();
        if (piece.size() < ledger::file_piece_bytes) {
            content.digest = ledger::digest_text(hash.finish(iso8583::as_bytes(piece)));
            return content;
        }
        hash.add_blocks(iso8583::as_bytes(piece));
    }
}

ClientResult<FileContent> upload_file(const std::string& path, const SendRequest& send) {
    const auto content = read_file_content(path);
    if (!content) return content;
    if (content->bytes == 0) return refused_here(path + " is empty");
    if (content->bytes > ledger::file_bytes_max)
        return refused_here(path + " has more than " + std::to_string(ledger::file_bytes_max) +
                            " bytes: cut it into several files");
    const auto here = send({"files show", {{"file", content->digest}}, ""});
    if (!here) return tl::unexpected(here.error());
    const std::uint64_t pieces = (content->bytes + ledger::file_piece_bytes - 1) / ledger::file_piece_bytes;
    const std::uint64_t first = number_in(here->data, "pieces");
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(first * ledger::file_piece_bytes));
    if (!file) return unreadable(path);
    ProgressBar bar("pieces");
    for (std::uint64_t piece = first; piece < pieces; ++piece) {
        bar.show(piece, static_cast<unsigned>(piece * 1'000 / pieces));
        Request put{"files put", {}, ""};
        put.arguments = {{"file", content->digest},
                         {"bytes", std::to_string(content->bytes)},
                         {"piece", std::to_string(piece)},
                         {"content", to_base64(next_piece(file))}};
        if (file.bad()) return unreadable(path);
        const auto answer = send(std::move(put));
        if (!answer) return tl::unexpected(answer.error());
    }
    return content;
}

}  // namespace acquirer::admin
