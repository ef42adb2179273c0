// FileIntake: takes the pieces of files that people hand over (ledger/file_books.hpp), seals a file when its
// content is that of its digest, and drops what nobody has used for file_kept_hours.
//
// Sending the same piece again is harmless, after a lost answer, a restart or by a second person: a piece
// that is here is compared and nothing changes. Bounds: one piece a command, file_bytes_max, files_max.
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's. Nothing here outlives a restart.
#pragma once

#include "ledger/file_books.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer {

inline constexpr std::int64_t file_kept_hours = 24;

class FileIntake {
  public:
    explicit FileIntake(CoreContext& context) : c_(context), files_(context.ledger) {}

    OperatorAnswer put(const OperatorCommanded& event, const PutFile& command);
    /// A sealed file, for whoever takes it over; nothing when it is not all here.
    [[nodiscard]] std::optional<ledger::FileRecord> sealed(std::string_view digest);
    [[nodiscard]] std::optional<std::string> piece(const ledger::FileRecord& file, std::uint32_t piece) {
        return files_.piece(file.digest, piece);
    }
    /// Whoever took it over needs it no more.
    void drop(const ledger::FileRecord& file) { files_.drop(file); }

    void recover() { expect_expiry(); }
    void on_deadline() { expect_expiry(); }

  private:
    OperatorAnswer answer_for(const ledger::FileRecord& file, std::string text) const;
    OperatorAnswer begin(const OperatorCommanded& event, const PutFile& command);
    OperatorAnswer take(ledger::FileRecord file, const PutFile& command);
    [[nodiscard]] bool has_expired(const ledger::FileRecord& file) const;
    /// Drops what nobody has used for so long, and looks again when the next will have been.
    void expect_expiry();

    CoreContext& c_;
    ledger::FileBooks files_;
};

}  // namespace acquirer
