// Notices: tells customers and merchants what becomes of a refund. What is to be told follows from the
// refund's state and from what was told last; it is written in the turn that changes the refund, and handed
// to the shell, which writes files, a part at a time and in order until the shell says that they are synced.
// Never in the way of a transaction: what cannot be delivered waits in the store, up to a bound, with an
// alarm.
//
// Owner of: the outbox and how far it is. Ownership: member of SwitchCore. Thread: the core's. Source:
// docs/decisions/0016-notices-are-an-outbox.md.
#pragma once

#include <cstdint>

#include "ledger/notice_books.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer {

/// Undelivered ones; what would be one more is not written, counted, and an exception says so.
inline constexpr std::uint64_t notices_waiting_max = 1'000'000;
/// Delivered ones stay so long, for `refundctl notices list`.
inline constexpr std::uint64_t notices_kept_max = 10'000;
/// Of one WriteNotices, and erased in one turn.
inline constexpr std::size_t notices_per_write_max = 200;
/// After files could not be written.
inline constexpr std::int64_t notices_retry_ms = 10'000;

/// What a refund's state is to tell, after what was told last; none when it tells nothing new.
ledger::NoticeKind notice_due(const ledger::TransactionRecord& record);

class Notices {
  public:
    explicit Notices(CoreContext& context, std::uint64_t waiting_max = notices_waiting_max)
        : c_(context), books_(context.ledger), waiting_max_(waiting_max) {}

    void recover();
    /// Writes what the turn's changes are to tell, before the ledger writes the changes.
    void close_turn();
    void on_written(const NoticesWritten& event);
    void on_deadline();
    void configuration_replaced() { wake(); }
    /// Retention has erased those up to that number.
    void erased_through(std::uint64_t number);

    [[nodiscard]] std::uint64_t waiting() const {
        return c_.ledger.numbers().count_between(progress_.delivered, progress_.last);
    }
    [[nodiscard]] bool stuck() const { return stuck_; }

  private:
    void wake();
    void write_some();
    void say_lost();
    void erase_old();

    CoreContext& c_;
    ledger::NoticeBooks books_;
    std::uint64_t waiting_max_;
    ledger::NoticeProgress progress_;
    bool with_the_shell_ = false;
    bool stuck_ = false;
    bool wrote_once_ = false;  // since the process began
    std::uint64_t lost_ = 0;   // not told to people yet
};

}  // namespace acquirer
