#include "ledger/file_books.hpp"

#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

std::string encode(const FileRecord& f) {
    RecordWriter w(property_record_version);
    w.text(f.digest);
    w.varint(f.bytes);
    w.varint(f.pieces);
    for (const std::uint32_t word : f.hashed.words) w.u32(word);
    w.varint(f.hashed.bytes);
    w.boolean(f.sealed);
    w.text(f.put_by);
    w.svarint(f.touched.ms);
    w.kept_properties(f.unknown_properties);
    return w.finish();
}

Result<FileRecord> decode_file(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "file");
    FileRecord f;
    f.digest = r.text("digest");
    if (r.ok() && !is_digest_text(f.digest)) r.fail("digest", "not in the form of its field");
    f.bytes = r.varint_max("bytes", file_bytes_max);
    f.pieces = static_cast<std::uint32_t>(r.varint_max("pieces", file_pieces_max));
    for (std::uint32_t& word : f.hashed.words) word = r.u32("hashed");
    f.hashed.bytes = r.varint_max("hashed bytes", file_bytes_max);
    f.sealed = r.boolean("sealed");
    f.put_by = r.text("put_by");
    f.touched.ms = r.svarint("touched");
    f.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return f;
}

std::optional<FileRecord> FileBooks::find(std::string_view digest) {
    auto stored = ledger_.get(Family::index, file_key(digest));
    if (!stored) return std::nullopt;
    return ledger_.decoded(decode_file(*stored));
}

std::vector<FileRecord> FileBooks::all() {
    std::vector<FileRecord> files;
    ledger_.scan(Family::index, KeyPrefix::file, [&](std::string_view, std::string_view value) {
        auto file = ledger_.decoded(decode_file(value));
        if (file) files.push_back(std::move(*file));
        return file.has_value();
    });
    return files;
}

void FileBooks::save(const FileRecord& file) {
    ledger_.overlay().put(Family::index, file_key(file.digest), encode(file));
}

std::optional<std::string> FileBooks::piece(std::string_view digest, std::uint32_t piece) {
    return ledger_.get(Family::index, file_piece_key(digest, piece));
}

void FileBooks::save_piece(std::string_view digest, std::uint32_t piece, std::string content) {
    ledger_.overlay().put(Family::index, file_piece_key(digest, piece), std::move(content));
}

void FileBooks::drop(const FileRecord& file) {
    for (std::uint32_t piece = 0; piece < file.pieces; ++piece)
        ledger_.overlay().erase(Family::index, file_piece_key(file.digest, piece));
    ledger_.overlay().erase(Family::index, file_key(file.digest));
}

}  // namespace ledger
