#include "switch/core/file_intake.hpp"

#include <algorithm>

#include "switch/core/operator_words.hpp"

namespace acquirer {
namespace {

using ledger::FileRecord;

constexpr std::int64_t hour_ms = 3'600'000;
const DeadlineId expiry_deadline{DeadlineId::Kind::file_expiry, {}, 0};

}  // namespace

OperatorAnswer FileIntake::answer_for(const FileRecord& file, std::string text) const {
    OperatorAnswer answer = yes(std::move(text));
    answer.values = {{"file", file.digest},
                     {"pieces", std::to_string(file.pieces)},
                     {"pieces_needed", std::to_string(file.pieces_needed())},
                     {"sealed", file.sealed ? "yes" : "no"}};
    return answer;
}

OperatorAnswer FileIntake::put(const OperatorCommanded& event, const PutFile& command) {
    if (!ledger::is_digest_text(command.digest)) return no("file: the SHA-256 of the file is needed");
    auto file = files_.find(command.digest);
    if (!file) return begin(event, command);
    if (file->bytes != command.bytes)
        return no("the file " + file->digest + " has " + std::to_string(file->bytes) + " bytes, not " +
                  std::to_string(command.bytes));
    if (command.piece >= file->pieces_needed() || command.content.size() != file->bytes_of(command.piece))
        return no("piece " + std::to_string(command.piece) + " is none of a file of " +
                  std::to_string(file->bytes) + " bytes, or has not " +
                  std::to_string(ledger::file_piece_bytes) + " bytes");
    if (command.piece > file->pieces)
        return no("pieces come in order: piece " + std::to_string(file->pieces) + " is the next");
    if (command.piece == file->pieces) return take(std::move(*file), command);
    if (files_.piece(file->digest, command.piece) != command.content)
        return no("piece " + std::to_string(command.piece) + " was another one before");
    return answer_for(*file, "piece " + std::to_string(command.piece) + " is here already");
}

OperatorAnswer FileIntake::begin(const OperatorCommanded& event, const PutFile& command) {
    if (command.bytes == 0 || command.bytes > ledger::file_bytes_max)
        return no("a file has 1 to " + std::to_string(ledger::file_bytes_max) + " bytes");
    FileRecord file;
    file.digest = command.digest;
    file.bytes = command.bytes;
    file.put_by = event.user;
    if (command.piece != 0) return no("pieces come in order: piece 0 is the next");
    if (command.content.size() != file.bytes_of(0))
        return no("piece 0 of such a file has " + std::to_string(file.bytes_of(0)) + " bytes");
    if (!c_.store_accepts_new_work()) return no("the store takes no new work now (R62): try again");
    expect_expiry();
    if (files_.all().size() >= ledger::files_max)
        return no("as many files as allowed (" + std::to_string(ledger::files_max) +
                  ") are here and not used yet; what is not used is dropped after " +
                  std::to_string(file_kept_hours) + " hours");
    return take(std::move(file), command);
}

OperatorAnswer FileIntake::take(FileRecord file, const PutFile& command) {
    const bool last = command.piece + 1 == file.pieces_needed();
    ledger::Sha256 hash(file.hashed);
    const iso8583::ByteView content = iso8583::as_bytes(command.content);
    if (last && ledger::digest_text(hash.finish(content)) != file.digest) {
        files_.drop(file);
        return no("the pieces are not those of the file " + file.digest + ": all of them are dropped");
    }
    if (!last) hash.add_blocks(content);
    file.hashed = hash.state();
    file.sealed = last;
    ++file.pieces;
    file.touched = c_.now.utc;
    files_.save_piece(file.digest, command.piece, command.content);
    files_.save(file);
    if (!c_.deadlines.contains(expiry_deadline)) c_.set_deadline(expiry_deadline, file_kept_hours * hour_ms);
    return answer_for(file,
                      last ? "the file is here" : "piece " + std::to_string(command.piece) + " is here");
}

std::optional<FileRecord> FileIntake::sealed(std::string_view digest) {
    auto file = files_.find(digest);
    return file && file->sealed ? file : std::nullopt;
}

bool FileIntake::has_expired(const FileRecord& file) const {
    return c_.now.utc.ms - file.touched.ms >= file_kept_hours * hour_ms;
}

void FileIntake::expect_expiry() {
    std::int64_t next_ms = 0;
    for (const FileRecord& file : files_.all()) {
        if (has_expired(file)) {
            c_.count("files_dropped");
            files_.drop(file);
            continue;
        }
        const std::int64_t left = file_kept_hours * hour_ms - (c_.now.utc.ms - file.touched.ms);
        next_ms = next_ms == 0 ? left : std::min(next_ms, left);
    }
    if (next_ms > 0) c_.set_deadline(expiry_deadline, std::min(next_ms, file_kept_hours * hour_ms));
}

}  // namespace acquirer
