// Files that people hand over in pieces (refundctl batch submit, recon import): stored piece by piece until
// whatever they are for has taken them over, and known by the SHA-256 of their content. Pieces come in order;
// what has come is hashed as it comes, so that the last piece seals the file or shows that it is another
// one. Bytes: docs/ledger_format.md, "Other records".
//
// Ownership: refers to the ledger, whose error() a failed read becomes. Thread: the core's; the decoders
// anywhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sha256.hpp"

namespace ledger {

/// Bytes of every piece but the last, which has 1 to so many. Whole blocks of the hash.
inline constexpr std::size_t file_piece_bytes = 32'768;
static_assert(file_piece_bytes % Sha256::block_bytes == 0);
/// Bytes of one file: 100,000 lines of 600 bytes.
inline constexpr std::uint64_t file_bytes_max = 64ULL << 20;
inline constexpr std::uint32_t file_pieces_max = file_bytes_max / file_piece_bytes;
/// Files that are stored at a time, finished or not.
inline constexpr std::size_t files_max = 16;

struct FileRecord {
    std::string digest;  // digest_text() of the whole content
    std::uint64_t bytes = 0;
    std::uint32_t pieces = 0;  // so many are here, from the first on
    Sha256::State hashed;      // of those; what the last piece adds is not in it
    bool sealed = false;       // all are here, and the content is that of the digest
    std::string put_by;
    iso8583::UtcTime touched;  // when the last piece came, or it was last used
    std::string unknown_properties = {};

    [[nodiscard]] std::uint32_t pieces_needed() const {
        return static_cast<std::uint32_t>((bytes + file_piece_bytes - 1) / file_piece_bytes);
    }
    [[nodiscard]] std::size_t bytes_of(std::uint32_t piece) const {
        const std::uint64_t before = std::uint64_t{piece} * file_piece_bytes;
        return static_cast<std::size_t>(std::min<std::uint64_t>(file_piece_bytes, bytes - before));
    }
};
std::string encode(const FileRecord& file);
iso8583::Result<FileRecord> decode_file(std::string_view bytes);

class FileBooks {
  public:
    explicit FileBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] std::optional<FileRecord> find(std::string_view digest);
    /// All that are stored, at most files_max, in the order of their digests.
    [[nodiscard]] std::vector<FileRecord> all();
    void save(const FileRecord& file);
    /// `piece` counts from 0.
    [[nodiscard]] std::optional<std::string> piece(std::string_view digest, std::uint32_t piece);
    void save_piece(std::string_view digest, std::uint32_t piece, std::string content);
    /// The record and all of its pieces.
    void drop(const FileRecord& file);

  private:
    Ledger& ledger_;
};

}  // namespace ledger
