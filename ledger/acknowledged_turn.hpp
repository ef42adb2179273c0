// The number of the last turn whose durability was signalled, in two small files: one in the store's
// directory and, where that is wanted, a copy on another file system. A store that recovers fewer turns than
// either says has lost acknowledged work: its log is damaged, the disk lies, or somebody put an older one in
// its place.
//
// The first is written after each sync and not synced itself, so after a power cut it may be old, but never
// ahead of what was durable. The second is written and synced by time, on a thread of its own
// (docs/decisions/0042). Bytes: docs/ledger_format.md, "Files". Do not change. Thread: open on any, then each
// only its writer's.
#pragma once

#include <cstdint>
#include <string>

#include "iso8583/values/result.hpp"
#include "ledger/store.hpp"

namespace ledger {

class AcknowledgedTurn {
  public:
    /// What was found when it was opened. An empty or zeroed file is damaged: it is synced at each start, and
    /// no power cut leaves one.
    enum class Found : std::uint8_t { absent, damaged, turn };

    /// Opens the file, or makes an empty one.
    static iso8583::Result<AcknowledgedTurn, StoreError> open(const std::string& path);
    /// To read only: nothing is created, and record() must not be called.
    static iso8583::Result<AcknowledgedTurn, StoreError> look(const std::string& path);
    ~AcknowledgedTurn();
    AcknowledgedTurn(AcknowledgedTurn&& other) noexcept;
    AcknowledgedTurn& operator=(AcknowledgedTurn&& other) noexcept;

    [[nodiscard]] Found found() const { return found_; }
    /// As found; 0 unless Found::turn.
    [[nodiscard]] std::uint64_t turn() const { return turn_; }
    /// `gone` when the file has no name any more: whatever is written then is lost with the process.
    iso8583::Result<void, StoreError> record(std::uint64_t turn_number);
    /// The same, with its name, whatever befalls the machine.
    iso8583::Result<void, StoreError> record_durably(std::uint64_t turn_number);

  private:
    static iso8583::Result<AcknowledgedTurn, StoreError> open_as(const std::string& path, int flags);
    AcknowledgedTurn(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    std::string path_;
    int fd_ = -1;
    Found found_ = Found::absent;
    std::uint64_t turn_ = 0;
};

/// The second place. Beside the turn it says which ledger it is of, as far as that can change: the backup
/// that the store was restored from.
class AcknowledgedCopy {
  public:
    struct Content {
        std::uint64_t turn = 0;
        std::string backup;  // id of the backup the store comes from; empty: it grew where it is
        friend bool operator==(const Content&, const Content&) = default;
    };
    static constexpr std::size_t backup_bytes_max = 64;

    /// Opens or makes the file, and holds it: a second process gets `locked`.
    static iso8583::Result<AcknowledgedCopy, StoreError> open(const std::string& path);
    ~AcknowledgedCopy();
    AcknowledgedCopy(AcknowledgedCopy&& other) noexcept;
    AcknowledgedCopy& operator=(AcknowledgedCopy&& other) noexcept;

    [[nodiscard]] AcknowledgedTurn::Found found() const { return found_; }
    [[nodiscard]] const Content& content() const { return content_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Durable when it returns.
    iso8583::Result<void, StoreError> record(const Content& content);

  private:
    AcknowledgedCopy(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    std::string path_;
    int fd_ = -1;
    AcknowledgedTurn::Found found_ = AcknowledgedTurn::Found::absent;
    Content content_;
};

}  // namespace ledger
