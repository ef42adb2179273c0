// The number of the last turn whose durability was signalled, in a 16-byte file beside the store. It is
// written after the sync and never synced itself, so after a power cut it may be old, but never ahead of what
// was durable. A store that recovers fewer turns than this file says has lost acknowledged work: its log is
// damaged or the disk lies.
//
// Bytes: docs/ledger_format.md, "Files". Do not change. Thread: open on any, then only the committer's.
#pragma once

#include <cstdint>
#include <string>

#include "iso8583/values/result.hpp"
#include "ledger/store.hpp"

namespace ledger {

class AcknowledgedTurn {
  public:
    /// Opens or creates the file. A damaged or empty one counts as 0: a power cut can leave it so.
    static iso8583::Result<AcknowledgedTurn, StoreError> open(const std::string& path);
    /// To read only: nothing is created, an absent file counts as 0, and record() must not be called.
    static iso8583::Result<AcknowledgedTurn, StoreError> look(const std::string& path);
    ~AcknowledgedTurn();
    AcknowledgedTurn(AcknowledgedTurn&& other) noexcept;
    AcknowledgedTurn& operator=(AcknowledgedTurn&& other) noexcept;

    /// As found when opened.
    [[nodiscard]] std::uint64_t found() const { return found_; }
    iso8583::Result<void, StoreError> record(std::uint64_t turn_number);

  private:
    static iso8583::Result<AcknowledgedTurn, StoreError> open_as(const std::string& path, int flags);
    AcknowledgedTurn(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    std::string path_;
    int fd_ = -1;
    std::uint64_t found_ = 0;
};

}  // namespace ledger
